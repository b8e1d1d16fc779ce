#include "stream/tensor_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "base/error.h"
#include "kernels/elementwise.h"

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
  Progressing& state = state_[tensor.name];
  check_internal(state.next_byte == offset_bytes && !state.hex, "a tensor is read once, in order");
  const uint64_t element_bytes = dtype_bytes(tensor.dtype);
  for (uint64_t done = 0; done < count;) {
    throw_if_stopped();
    const uint64_t elements = std::min(count - done, kChunkBytes / element_bytes);
    const auto bytes = chunk_.span().first(elements * element_bytes);
    checkpoint_.read(tensor, state.next_byte, bytes);
    state.digest.update(bytes);
    count_nonfinite(tensor, bytes, state);
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
  read(tensor, weight.first_byte, weight.elements(),
       [&](const std::byte* bytes, uint64_t first, uint64_t elements) {
         convert(tensor.dtype, bytes, elements, compute, out + first * compute_bytes(compute),
                 wide_.data());
         if (exact != nullptr) convert_to_f32(tensor.dtype, bytes, elements, exact + first);
       });
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
