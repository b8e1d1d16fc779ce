// The read-ahead thread: reads the weights of each layer in the order of use and packs them for the
// products, slice by slice.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "stream/other_gates.h"
#include "stream/tensor_reader.h"

namespace rg::stream {

// A layer up to its gate.
struct MixerSlice {
  int layer;
  model::NormWeights mixer_norm;
  model::PackedMixer mixer;
  Buffer<float> key_projection;  // in fp32, if an observer asks for it; else empty
  std::optional<model::NormWeights> mixer_output_norm;
  model::NormWeights feed_forward_norm;
  std::optional<model::NormWeights> router_norm;        // its own
  std::optional<model::RouterProducts::Packed> router;  // none in a dense layer
  std::vector<model::RouterProducts::Packed> other_gates;
  struct Group {
    std::optional<model::NormWeights> input_norm, output_norm;
    Buffer<float> token_gate;  // (d) or empty
    std::optional<model::PackedLatent> latent;
  };
  std::vector<Group> groups;
  std::optional<model::NormWeights> feed_forward_output_norm;
  float output_scalar = 1;

  // What the router reads the residual stream through.
  const model::NormWeights& gate_norm() const {
    return router_norm ? *router_norm : feed_forward_norm;
  }
};
// Some consecutive experts of one of its groups.
struct ExpertSlice {
  int layer;
  uint32_t group, first_expert;
  std::vector<model::PackedExpert> experts;
  std::vector<tap::ExpertMatrices> shown;  // those that some observer wants to see
};
using Slice = std::variant<MixerSlice, ExpertSlice>;

// How slices are cut; the plan decides.
struct SlicePlan {
  std::vector<int> layers;                         // in order
  std::span<tap::Observer* const> observers = {};  // asked which experts they want to see
  uint32_t experts_per_slice = 1;
  size_t slots = 2;  // slices in memory at once: the one computed, those being read
};

bool wants_expert(const tap::Observer& observer, int layer, uint32_t expert);

// Slices with experts, of one layer.
uint32_t expert_slices(const model::Layer& layer, uint32_t experts_per_slice);

class SliceReader {
 public:
  SliceReader(TensorReader& tensors, OtherGates& other_gates, const model::Model& model,
              const model::ModelProducts& products, SlicePlan plan);
  static size_t slot_bytes(const model::Model& model, const model::ModelProducts& products,
                           uint32_t experts_per_slice);
  // The matrices in fp32 that observers want to see of one slice, at most.
  static size_t shown_bytes(const model::Model& model, const SlicePlan& plan);
  // The keys' projection of one slice, as observers that ask for it see it, at most.
  static size_t projection_bytes(const model::Model& model, const SlicePlan& plan);
  ~SliceReader();

  // Blocks for the next slice; rethrows the reader's error. Valid until release().
  Slice& next();
  void release();
  // Waits until the reader has nothing left to do or no free slot (benchmarks).
  void wait_until_full();

 private:
  void loop();
  bool read_layer(int layer);  // false when stopped
  Slice read_mixer(int layer, std::byte* memory);
  Slice read_experts(int layer, uint32_t group, uint32_t first, std::byte* memory);
  void publish(Slice slice);
  std::byte* free_slot();  // null when stopped

  TensorReader& tensors_;
  OtherGates& other_gates_;
  const model::Model& model_;
  const model::ModelProducts& products_;
  SlicePlan plan_;
  Buffer<std::byte> staging_;  // raw weights of one product, compute type
  std::vector<Buffer<std::byte>> slots_;
  std::vector<Buffer<float>> shown_;  // by slot: gate, up, down of the wanted experts
  std::vector<std::optional<Slice>> ring_;

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t produced_ = 0, taken_ = 0, released_ = 0;
  bool stopping_ = false, finished_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace rg::stream
