// What `trace` can write, and the observer that writes it.
//
//   tokens                  (windows, seq)      i32
//   layers.N.router_logits  (windows*seq, E)    f32  raw logits before any score function
//   layers.N.scores         (windows*seq, E)    f32  selection scores
//   layers.N.topk_ids       (windows*seq, k+1)  i32  in rank order, ties to the lower index; the
//                                                    last is -1 where no (k+1)-th is eligible
//   layers.N.topk_weights   (windows*seq, k)    f32
//   layers.N.gate_input     (windows*seq, d)    f32
//   layers.N.residual_pre   (windows*seq, d)    f32
//   layers.N.update         (windows*seq, d)    f32
//   logits                  (windows*seq, V)    f32
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors_writer.h"
#include "model/model.h"
#include "stream/pass.h"
#include "tap/tap.h"

namespace rg::lab {

std::string trace_tensor_list();  // the names above without "layers.N.", comma-separated
// Names distinct and known, in the order of the list; US001 otherwise.
std::vector<std::string> check_trace_tensors(const std::vector<std::string>& names);

class TraceObserver : public tap::Observer {
 public:
  // `set`: sequences of equal length. Reserves the file; `layers` ascending.
  TraceObserver(const std::filesystem::path& out, const model::Model& model,
                const tap::SequenceSet& set, const std::vector<int>& layers,
                const std::vector<std::string>& tensors,
                const std::map<std::string, std::string>& metadata);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override;
  void on_logits(const tap::LogitsBlock& block) override;

  void commit() { writer_->commit(); }
  uint64_t file_bytes() const { return writer_->file_bytes(); }

 private:
  // Index of the layer's tensor in the file; none if it is not wanted.
  std::optional<size_t> index_of(int layer, const char* tensor) const;
  void write_rows(int layer, const char* tensor, const tap::Block& block, const float* values,
                  uint32_t columns);

  std::array<const tap::SequenceSet*, 1> sets_;
  bool wants_update_ = false;
  std::optional<size_t> logits_;
  std::map<std::pair<int, std::string>, size_t> index_;
  std::unique_ptr<formats::SafetensorsWriter> writer_;
};

}  // namespace rg::lab
