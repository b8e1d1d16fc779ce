#include "lab/trace_tensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace rg::lab {
namespace {

constexpr std::array<std::string_view, 8> kTensors = {"router_logits", "scores",     "topk_ids",
                                                      "topk_weights",  "gate_input", "residual_pre",
                                                      "update",        "logits"};

}  // namespace

std::string trace_tensor_list() {
  std::string list;
  for (const std::string_view name : kTensors) {
    if (!list.empty()) list += ',';
    list += name;
  }
  return list;
}

std::vector<std::string> check_trace_tensors(const std::vector<std::string>& names) {
  std::vector<std::string> chosen;
  for (const std::string_view known : kTensors) {
    const auto count = std::count(names.begin(), names.end(), known);
    if (count > 1) {
      throw Error(ErrorId::US001, {.object = "--tensors",
                                   .found = fmt::format("'{}' twice", known),
                                   .expected = "each name once"});
    }
    if (count == 1) chosen.emplace_back(known);
  }
  for (const std::string& name : names) {
    if (std::find(kTensors.begin(), kTensors.end(), name) == kTensors.end()) {
      throw Error(ErrorId::US001, {.object = "--tensors",
                                   .found = fmt::format("'{}'", name),
                                   .expected = "names of " + trace_tensor_list()});
    }
  }
  return chosen;
}

TraceObserver::TraceObserver(const std::filesystem::path& out, const model::Model& model,
                             const tap::SequenceSet& set, const std::vector<int>& layers,
                             const std::vector<std::string>& tensors,
                             const std::map<std::string, std::string>& metadata)
    : sets_{&set} {
  using Type = formats::OutputTensor::Type;
  const uint64_t rows = set.rows();
  const uint32_t top_k = model.gate().top_k, experts = model.gate().experts;
  std::vector<formats::OutputTensor> file = {
      {"tokens", Type::i32, {set.sequences(), set.lengths.empty() ? 0 : set.lengths[0]}}};
  const auto columns = [&](const std::string& name) -> uint64_t {
    if (name == "router_logits" || name == "scores") return experts;
    if (name == "topk_ids") return top_k + 1;
    if (name == "topk_weights") return top_k;
    return model.width;
  };
  for (const int layer : layers) {
    for (const std::string& name : tensors) {
      if (name == "logits") continue;
      index_[{layer, name}] = file.size();
      file.push_back({fmt::format("layers.{}.{}", layer, name),
                      name == "topk_ids" ? Type::i32 : Type::f32,
                      {rows, columns(name)}});
    }
  }
  if (std::find(tensors.begin(), tensors.end(), "logits") != tensors.end()) {
    logits_ = file.size();
    file.push_back({"logits", Type::f32, {rows, model.vocabulary}});
  }
  wants_update_ = std::find(tensors.begin(), tensors.end(), "update") != tensors.end();
  writer_ = std::make_unique<formats::SafetensorsWriter>(out, file, metadata);
  writer_->write(0, 0, std::span<const int32_t>(set.ids));
}

tap::Needs TraceObserver::needs() const {
  tap::Needs needs;
  needs.update = wants_update_;
  needs.logits = logits_.has_value();
  return needs;
}

std::optional<size_t> TraceObserver::index_of(int layer, const char* tensor) const {
  const auto at = index_.find({layer, tensor});
  return at == index_.end() ? std::nullopt : std::optional<size_t>(at->second);
}

void TraceObserver::write_rows(int layer, const char* tensor, const tap::Block& block,
                               const float* values, uint32_t columns) {
  if (const auto index = index_of(layer, tensor)) {
    writer_->write(*index, uint64_t{block.first_row} * columns,
                   std::span<const float>(values, block.rows * columns));
  }
}

void TraceObserver::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const uint32_t top_k = view.spec->top_k, experts = view.spec->experts;
  write_rows(view.layer, "router_logits", block, block.router_logits, experts);
  write_rows(view.layer, "scores", block, block.scores, experts);
  write_rows(view.layer, "topk_weights", block, block.weights, top_k);
  write_rows(view.layer, "gate_input", block, block.gate_input, view.width);
  write_rows(view.layer, "residual_pre", block, block.residual_pre, view.width);
  if (const auto index = index_of(view.layer, "topk_ids")) {
    writer_->write(*index, uint64_t{block.first_row} * (top_k + 1),
                   std::span<const int32_t>(block.ranked, block.rows * (top_k + 1)));
  }
}

void TraceObserver::on_update(const tap::LayerView& view, const tap::UpdateBlock& block) {
  write_rows(view.layer, "update", block, block.update, view.width);
}

void TraceObserver::on_logits(const tap::LogitsBlock& block) {
  const uint64_t row = block.sequence * block.set->lengths[0] + block.first_position;
  writer_->write(*logits_, row * block.vocabulary,
                 std::span<const float>(block.logits, size_t{block.rows} * block.vocabulary));
}

}  // namespace rg::lab
