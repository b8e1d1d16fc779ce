#include "stream/tensor_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "base/error.h"
#include "kernels/decode.h"
#include "kernels/elementwise.h"
#include "tensor/encoding.h"

namespace rg::stream {

void convert(DType dtype, const std::byte* bytes, uint64_t elements, Compute compute,
             std::byte* out, float* wide) {
  if (compute == Compute::f32) {
    convert_to_f32(dtype, bytes, elements, reinterpret_cast<float*>(out));
  } else if (dtype == DType::bf16) {
    std::memcpy(out, bytes, elements * sizeof(bf16_t));
  } else {
    convert_to_f32(dtype, bytes, elements, wide);
    kernels::round_to_bf16(wide, elements, reinterpret_cast<bf16_t*>(out));
  }
}

namespace {

// Rows of a transposed weight that are gathered together: as many values as a cache line holds.
constexpr size_t kGatheredRows = 16;

void narrow_to(Compute compute, const float* values, uint64_t count, std::byte* out) {
  if (compute == Compute::bf16) {
    kernels::round_to_bf16(values, count, reinterpret_cast<bf16_t*>(out));
  } else {
    std::memcpy(out, values, count * sizeof(float));
  }
}

}  // namespace

TensorReader::TensorReader(const formats::Checkpoint& checkpoint, NonFinite nonfinite)
    : checkpoint_(checkpoint),
      nonfinite_(nonfinite),
      chunk_(kChunkBytes),
      wide_(kMaxChunkElements) {}

void TensorReader::count_nonfinite(const formats::TensorEntry& tensor,
                                   std::span<const std::byte> bytes, Progressing& state) const {
  const uint64_t element_bytes = dtype_bytes(tensor.dtype);
  const uint64_t elements = bytes.size() / element_bytes;
  for (uint64_t at = 0; at < elements; ++at) {
    const auto bad =
        kernels::find_nonfinite(tensor.dtype, bytes.data() + at * element_bytes, elements - at);
    if (!bad) return;
    at += *bad;
    if (state.nonfinite++ == 0) state.first_nonfinite = state.next_byte / element_bytes + at;
  }
}

// Counts to the tensor's end, then throws.
void TensorReader::refuse(const formats::TensorEntry& tensor, Progressing& state) {
  while (state.next_byte < tensor.size_bytes) {
    throw_if_stopped();
    const auto bytes =
        chunk_.span().first(std::min<uint64_t>(tensor.size_bytes - state.next_byte, kChunkBytes));
    checkpoint_.read(tensor, state.next_byte, bytes);
    count_nonfinite(tensor, bytes, state);
    state.next_byte += bytes.size();
  }
  throw Error(ErrorId::ST030,
              {.file = checkpoint_.shards()[tensor.shard].path().filename().string(),
               .object = tensor.name,
               .found = fmt::format("{} NaN or infinite values, the first at element {}",
                                    state.nonfinite, state.first_nonfinite),
               .expected = "finite weights",
               .hint = "Fetch the shard again; --nonfinite=record measures on and says so in "
                       "the artifacts."});
}

void TensorReader::read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count,
                        const Chunk& chunk) {
  read(tensor, offset_bytes, count, Holds::weights, chunk);
}

void TensorReader::read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count,
                        Holds holds, const Chunk& chunk) {
  Progressing& state = state_[tensor.name];
  check_internal(state.next_byte == offset_bytes && !state.hex, "a tensor is read once, in order");
  const uint64_t element_bytes = dtype_bytes(tensor.dtype);
  for (uint64_t done = 0; done < count;) {
    throw_if_stopped();
    const uint64_t elements =
        std::min({count - done, kChunkBytes / element_bytes, kMaxChunkElements});
    const auto bytes = chunk_.span().first(elements * element_bytes);
    checkpoint_.read(tensor, state.next_byte, bytes);
    state.digest.update(bytes);
    if (holds == Holds::weights) count_nonfinite(tensor, bytes, state);
    state.next_byte += bytes.size();
    if (state.nonfinite != 0 && nonfinite_ == NonFinite::stop) refuse(tensor, state);
    chunk(bytes.data(), done, elements);
    done += elements;
  }
  if (state.next_byte == tensor.size_bytes) state.hex = state.digest.hex();
}

void TensorReader::read(const model::Weight& weight, Compute compute, std::byte* out,
                        float* exact) {
  const formats::TensorEntry& tensor = *weight.values;
  if (weight.stored != model::Stored::out_in) {
    read_rearranged(weight, compute, out, exact);
  } else if (weight.encoding == model::Encoding::plain) {
    read(tensor, weight.first_byte, weight.elements(),
         [&](const std::byte* bytes, uint64_t first, uint64_t elements) {
           convert(tensor.dtype, bytes, elements, compute, out + first * compute_bytes(compute),
                   wide_.data());
           if (exact != nullptr) convert_to_f32(tensor.dtype, bytes, elements, exact + first);
         });
  } else {
    read_decoded(weight, [&](const float* values, uint64_t first, uint64_t count) {
      narrow_to(compute, values, count, out + first * compute_bytes(compute));
      if (exact != nullptr) std::memcpy(exact + first, values, count * sizeof(float));
    });
  }
}

void TensorReader::read_scales(const model::Weight& weight) {
  const formats::TensorEntry& tensor = *weight.scales.tensor;
  const bool packed = weight.encoding == model::Encoding::mxfp4;
  const uint64_t count = weight.scale_count();
  if (packed) {
    exponents_.resize(count);
  } else {
    scales_.resize(count);
  }
  read(tensor, weight.scales.first_byte, count, Holds::scales,
       [&](const std::byte* bytes, uint64_t first, uint64_t n) {
         if (packed) {
           std::memcpy(exponents_.data() + first, bytes, n);
         } else {
           convert_to_f32(tensor.dtype, bytes, n, scales_.data() + first);
         }
       });
  constexpr float kLargestBf16 = 0x1.fep127f;
  const float largest = kLargestBf16 / (packed ? kE2m1Max : kF8E4m3Max);
  for (uint64_t i = 0; i < count; ++i) {
    const float scale = packed ? e8m0_to_f32(exponents_[i]) : scales_[i];
    if (scale > 0 && scale <= largest) continue;
    throw Error(ErrorId::ST021,
                {.file = checkpoint_.shards()[tensor.shard].path().filename().string(),
                 .object = tensor.name,
                 .found = fmt::format("scale {} at element {}", scale,
                                      weight.scales.first_byte / dtype_bytes(tensor.dtype) + i),
                 .expected = fmt::format("positive scales up to {}", largest),
                 .hint = "The weights of this block can't be known. Fetch the shard again."});
  }
}

// A weight's values in fp32, in the order of the file, in pieces: sink(values, first, count).
template <typename Sink>
void TensorReader::read_decoded(const model::Weight& weight, const Sink& sink) {
  const formats::TensorEntry& tensor = *weight.values;
  if (weight.encoding != model::Encoding::plain) read_scales(weight);
  const uint64_t stored = weight.value_bytes() / dtype_bytes(tensor.dtype);
  read(tensor, weight.first_byte, stored,
       [&](const std::byte* bytes, uint64_t first, uint64_t count) {
         const auto* packed = reinterpret_cast<const uint8_t*>(bytes);
         if (weight.encoding == model::Encoding::plain) {
           convert_to_f32(tensor.dtype, bytes, count, wide_.data());
           sink(wide_.data(), first, count);
         } else if (weight.encoding == model::Encoding::scaled) {
           decode_scaled(weight, packed, first, count);
           sink(wide_.data(), first, count);
         } else {
           // A byte is two values, so a piece is decoded in parts that fit.
           constexpr uint64_t kPart = kMaxChunkElements / kMxBlockValues;  // blocks
           const uint64_t blocks = count / kMxBlockBytes, begin = first / kMxBlockBytes;
           for (uint64_t b = 0; b < blocks; b += kPart) {
             const uint64_t n = std::min(kPart, blocks - b);
             kernels::decode_mxfp4(packed + b * kMxBlockBytes, exponents_.data() + begin + b, n,
                                   wide_.data());
             sink(wide_.data(), (begin + b) * kMxBlockValues, n * kMxBlockValues);
           }
         }
       });
}

// `count` FP8 values, the first being value `first` of the weight, to wide_.
void TensorReader::decode_scaled(const model::Weight& weight, const uint8_t* packed, uint64_t first,
                                 uint64_t count) {
  const model::BlockScales& scales = weight.scales;
  const uint64_t columns = weight.columns;
  const uint64_t across = (columns + scales.block_columns - 1) / scales.block_columns;
  for (uint64_t at = 0; at < count;) {
    const uint64_t row = (first + at) / columns, column = (first + at) % columns;
    const uint64_t block = column / scales.block_columns;
    const uint64_t end = std::min(columns, (block + 1) * scales.block_columns);
    const uint64_t n = std::min(end - column, count - at);
    kernels::decode_f8_e4m3(packed + at, n, scales_[row / scales.block_rows * across + block],
                            wide_.data() + at);
    at += n;
  }
}

// Through a copy in fp32, whose rows are then gathered in the order of the outputs.
void TensorReader::read_rearranged(const model::Weight& weight, Compute compute, std::byte* out,
                                   float* exact) {
  using model::Stored;
  const size_t rows = weight.rows, columns = weight.columns;
  if (rearranged_.size() < weight.elements()) rearranged_ = Buffer<float>(weight.elements());
  read_decoded(weight, [&](const float* values, uint64_t first, uint64_t count) {
    std::memcpy(rearranged_.data() + first, values, count * sizeof(float));
  });
  const bool pairs = weight.stored != Stored::in_out;
  const bool by_rows = weight.stored == Stored::out_in_pairs;
  const size_t row_step = by_rows ? columns : 1, column_step = by_rows ? 1 : rows;
  std::vector<float> gathered(kGatheredRows * columns);
  for (size_t first = 0; first < rows; first += kGatheredRows) {
    const size_t count = std::min(kGatheredRows, rows - first);
    const float* from[kGatheredRows];
    for (size_t i = 0; i < count; ++i) {
      const size_t r = first + i;
      const size_t stored = !pairs ? r : r < rows / 2 ? 2 * r : 2 * (r - rows / 2) + 1;
      from[i] = rearranged_.data() + stored * row_step;
    }
    for (size_t c = 0; c < columns; ++c) {
      for (size_t i = 0; i < count; ++i) gathered[i * columns + c] = from[i][c * column_step];
    }
    const size_t values = count * columns, at = first * columns;
    narrow_to(compute, gathered.data(), values, out + at * compute_bytes(compute));
    if (exact != nullptr) std::memcpy(exact + at, gathered.data(), values * sizeof(float));
  }
}

uint64_t TensorReader::held_bytes(const model::Model& model, std::span<const int> layers) {
  uint64_t exponents = 0, scales = 0, rearranged = 0;
  const auto count = [&](const model::Weight& weight) {
    if (weight.encoding == model::Encoding::mxfp4) {
      exponents = std::max(exponents, weight.scale_count());
    } else if (weight.encoding == model::Encoding::scaled) {
      scales = std::max(scales, weight.scale_count());
    }
    if (weight.stored != model::Stored::out_in) {
      rearranged =
          std::max(rearranged, weight.elements() + kGatheredRows * uint64_t{weight.columns});
    }
  };
  for (const int layer : layers) model::for_each_weight(model.layer(layer), count);
  return exponents + (scales + rearranged) * sizeof(float);
}

std::vector<TensorDigest> TensorReader::digests() const {
  std::vector<TensorDigest> out;
  for (const auto& [name, state] : state_) {
    if (state.hex) out.push_back({checkpoint_.find(name), *state.hex});
  }
  return out;
}

std::vector<TensorReader::Damage> TensorReader::damage() const {
  std::vector<Damage> out;
  for (const auto& [name, state] : state_) {
    if (state.nonfinite == 0) continue;
    out.push_back({checkpoint_.find(name), state.first_nonfinite, state.nonfinite});
  }
  return out;
}

}  // namespace rg::stream
