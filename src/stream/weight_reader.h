// The read-ahead thread: reads every tensor the pass needs exactly once, in the order of use,
// hashes it, looks for values that are not finite, and packs it for the products.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

#include "base/sha256.h"
#include "model/attention_block.h"
#include "model/expert_block.h"
#include "stream/pass.h"

namespace rg::stream {

inline constexpr uint64_t kChunkBytes = uint64_t{1} << 20;  // stays in the second-level cache
inline constexpr uint64_t kMaxChunkElements = kChunkBytes / 2;

// `elements` stored values to the compute type; `wide` holds as many floats.
void convert(DType dtype, const std::byte* bytes, uint64_t elements, kernels::Compute compute,
             std::byte* out, float* wide);

// Reads tensors, or consecutive pieces of them, in bounded chunks.
class TensorReader {
 public:
  TensorReader(const formats::Checkpoint& checkpoint, NonFinite nonfinite);

  // `count` elements from `offset_bytes` within the tensor, as stored, to `chunk` in pieces of
  // whole elements: chunk(bytes, first element of the piece, elements). A tensor read in several
  // calls is read in ascending order. ST030 with the count of the whole tensor on values that are
  // not finite. Interrupted between pieces.
  using Chunk = std::function<void(const std::byte*, uint64_t first, uint64_t elements)>;
  void read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count,
            const Chunk& chunk);
  // The same, converted to the compute type and written to `out`; also widened to fp32 and written
  // to `exact` unless that is null.
  void read_as(kernels::Compute compute, const formats::TensorEntry& tensor, uint64_t offset_bytes,
               uint64_t count, std::byte* out, float* exact = nullptr);

  std::vector<TensorDigest> digests() const;  // of tensors read whole, by name
  // NonFinite::record; name, first index and count, by name.
  struct Damage {
    const formats::TensorEntry* tensor;
    uint64_t first, count;
  };
  std::vector<Damage> damage() const;

 private:
  struct Progressing {
    Sha256 digest;
    uint64_t next_byte = 0;
    std::optional<std::string> hex;
    uint64_t first_nonfinite = 0, nonfinite = 0;  // element index; how many so far
  };
  void count_nonfinite(const formats::TensorEntry& tensor, std::span<const std::byte> bytes,
                       Progressing& state) const;
  [[noreturn]] void refuse(const formats::TensorEntry& tensor, Progressing& state);
  const formats::Checkpoint& checkpoint_;
  NonFinite nonfinite_;
  Buffer<std::byte> chunk_;
  Buffer<float> wide_;
  std::map<std::string, Progressing> state_;
};

// A vector of weights (norm gains, routers) as fp32; empty for a null tensor.
Buffer<float> read_vector(TensorReader& tensors, model::Tensor tensor);

// The slices of a pass, in order of use.
struct AttentionSlice {
  int layer;
  model::AttentionWeights weights;
};
struct ExpertSlice {
  int layer;
  uint32_t first_expert;
  std::vector<model::ExpertWeights> experts;
};
using Slice = std::variant<AttentionSlice, ExpertSlice>;

// How slices are cut; the plan decides.
struct SlicePlan {
  std::vector<int> layers;                         // in order
  std::span<tap::Observer* const> observers = {};  // asked which experts they want to see
  uint32_t experts_per_slice = 1;
  size_t slots = 2;  // slices in memory at once: the one computed, those being read
};

class SliceReader {
 public:
  SliceReader(TensorReader& tensors, const model::Model& model, kernels::Compute compute,
              const model::AttentionShape& attention, const model::ExpertShape& experts,
              SlicePlan plan);
  static size_t slot_bytes(const model::Model& model, const model::AttentionShape& attention,
                           const model::ExpertShape& experts, uint32_t experts_per_slice);
  static size_t staging_bytes(const model::Model& model, kernels::Compute compute);
  // One expert's matrices in fp32; 0 unless an observer wants to see some.
  static size_t shown_bytes(const model::Model& model, std::span<const int> layers,
                            std::span<tap::Observer* const> observers);
  ~SliceReader();

  // Blocks for the next slice; rethrows the reader's error. Valid until release().
  Slice& next();
  void release();
  // Waits until the reader has nothing left to do or no free slot (benchmarks).
  void wait_until_full();

 private:
  void loop();
  Slice read_attention(int layer, std::byte* memory);
  Slice read_experts(int layer, uint32_t first, uint32_t count, std::byte* memory);
  bool wanted(int layer, uint32_t expert) const;
  void show(int layer, uint32_t expert) const;
  void publish(Slice slice);
  std::byte* free_slot();  // null when stopped

  TensorReader& tensors_;
  const model::Model& model_;
  kernels::Compute compute_;
  const model::AttentionShape& attention_;
  const model::ExpertShape& experts_;
  SlicePlan plan_;
  Buffer<std::byte> staging_;  // raw weights of one product, compute type
  Buffer<float> shown_;        // gate, up, down of one expert; empty unless some are wanted
  std::vector<Buffer<std::byte>> slots_;
  std::vector<std::optional<Slice>> ring_;

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t produced_ = 0, taken_ = 0, released_ = 0;
  bool stopping_ = false, finished_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace rg::stream
