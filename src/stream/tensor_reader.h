// Reads every tensor of a pass exactly once: hashes it, looks for values that are not finite, and
// hands it over in bounded pieces or converted.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "model/blocks/block.h"
#include "stream/pass.h"

namespace rg::stream {

inline constexpr uint64_t kChunkBytes = uint64_t{1} << 20;  // stays in the second-level cache
inline constexpr uint64_t kMaxChunkElements = kChunkBytes / 2;

// `elements` stored values to the compute type; `wide` holds as many floats.
void convert(DType dtype, const std::byte* bytes, uint64_t elements, kernels::Compute compute,
             std::byte* out, float* wide);

// Reads tensors, or consecutive pieces of them, in bounded chunks.
class TensorReader : public model::WeightSource {
 public:
  TensorReader(const formats::Checkpoint& checkpoint, NonFinite nonfinite);

  // `count` elements from `offset_bytes` within the tensor, as stored, to `chunk` in pieces of
  // whole elements: chunk(bytes, first element of the piece, elements). A tensor read in several
  // calls is read in ascending order. ST030 with the count of the whole tensor on values that are
  // not finite. Interrupted between pieces.
  using Chunk = std::function<void(const std::byte*, uint64_t first, uint64_t elements)>;
  void read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count,
            const Chunk& chunk);
  // ST021 for a scale of its blocks that is not positive, not finite, or so large that values which
  // it scales are not.
  void read(const model::Weight& weight, kernels::Compute compute, std::byte* out,
            float* exact) override;

  // What reading these layers' weights holds besides a piece of the file: the scales of a weight,
  // and in fp32 a weight that isn't stored as it is used.
  static uint64_t held_bytes(const model::Model& model, std::span<const int> layers);

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
  enum class Holds { weights, scales };  // scales are checked by themselves
  void read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count, Holds holds,
            const Chunk& chunk);
  void count_nonfinite(const formats::TensorEntry& tensor, std::span<const std::byte> bytes,
                       Progressing& state) const;
  void read_scales(const model::Weight& weight);
  template <typename Sink>
  void read_decoded(const model::Weight& weight, const Sink& sink);
  void decode_scaled(const model::Weight& weight, const uint8_t* packed, uint64_t first,
                     uint64_t count);
  void read_rearranged(const model::Weight& weight, kernels::Compute compute, std::byte* out,
                       float* exact);
  [[noreturn]] void refuse(const formats::TensorEntry& tensor, Progressing& state);
  const formats::Checkpoint& checkpoint_;
  NonFinite nonfinite_;
  Buffer<std::byte> chunk_;
  Buffer<float> wide_;
  std::vector<uint8_t> exponents_;  // scales of a weight, as stored
  std::vector<float> scales_;       // or as numbers
  Buffer<float> rearranged_;        // a weight that is not stored as it is used
  std::map<std::string, Progressing> state_;
};

}  // namespace rg::stream
