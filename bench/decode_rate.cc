#include "decode_rate.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>

#include "kernels/decode.h"
#include "kernels/elementwise.h"
#include "stream/tensor_reader.h"
#include "tensor/buffer.h"
#include "tensor/encoding.h"

namespace rg::bench {
namespace {

constexpr int kRepeats = 30;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Every byte value but FP8's NaNs, in no order that a branch could learn.
void fill(Buffer<uint8_t>& bytes) {
  uint32_t state = 1;
  for (uint8_t& byte : bytes.span()) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
    if ((byte & 0x7f) == 0x7f) byte = 0;
  }
}

// decode(first, count, scratch): `count` values from value `first` on.
using Decode = std::function<void(size_t first, size_t count, float* scratch)>;

void measure(const std::string& name, size_t values, size_t packed_bytes, const Decode& decode,
             std::vector<DecodeRate>& rates) {
  constexpr size_t kPiece = stream::kMaxChunkElements;
  Buffer<float> scratch(kPiece), wide(values), copied(values);
  Buffer<bf16_t> narrow(values);
  const auto in_pieces = [&](const auto& sink) {
    for (size_t first = 0; first < values; first += kPiece) {
      const size_t count = std::min(kPiece, values - first);
      decode(first, count, scratch.data());
      sink(first, count);
    }
  };
  const auto alone = [&] { in_pieces([](size_t, size_t) {}); };
  const auto to_f32 = [&] {
    in_pieces([&](size_t first, size_t count) {
      std::memcpy(wide.data() + first, scratch.data(), count * sizeof(float));
    });
  };
  const auto to_bf16 = [&] {
    in_pieces([&](size_t first, size_t count) {
      kernels::round_to_bf16(scratch.data(), count, narrow.data() + first);
    });
  };
  const auto copy = [&](size_t bytes) { std::memcpy(copied.data(), wide.data(), bytes); };
  struct Row {
    std::string suffix;
    size_t written;
    std::function<void()> work;
    double seconds = std::numeric_limits<double>::infinity();
    double copy_seconds = std::numeric_limits<double>::infinity();
  };
  Row rows[] = {{"_decode", values * sizeof(float), alone},
                {"_to_f32", values * sizeof(float), to_f32},
                {"_to_bf16", values * sizeof(bf16_t), to_bf16}};
  for (int repeat = 0; repeat <= kRepeats; ++repeat) {  // the first one touches the memory
    for (Row& row : rows) {
      const double work = seconds_of(row.work);
      const double copying = seconds_of([&] { copy(row.written); });
      if (repeat == 0) continue;
      row.seconds = std::min(row.seconds, work);
      row.copy_seconds = std::min(row.copy_seconds, copying);
    }
  }
  for (const Row& row : rows) {
    rates.push_back({.name = name + row.suffix,
                     .packed_per_s = static_cast<double>(packed_bytes) / row.seconds,
                     .written_per_s = static_cast<double>(row.written) / row.seconds,
                     .vs_copy = row.copy_seconds / row.seconds});
  }
}

}  // namespace

std::vector<DecodeRate> decode_rates() {
  std::vector<DecodeRate> rates;
  {
    constexpr size_t kRows = 2048, kColumns = 7168, kBlock = 128, kAcross = kColumns / kBlock;
    Buffer<uint8_t> packed(kRows * kColumns);
    fill(packed);
    const std::vector<float> scales(kRows / kBlock * kAcross, 0.37f);
    const auto decode = [&](size_t first, size_t count, float* scratch) {
      for (size_t at = 0; at < count; at += kBlock) {
        const size_t row = (first + at) / kColumns, column = (first + at) % kColumns;
        kernels::decode_f8_e4m3(packed.data() + first + at, kBlock,
                                scales[row / kBlock * kAcross + column / kBlock], scratch + at);
      }
    };
    measure("fp8", packed.size(), packed.size() + scales.size() * sizeof(float), decode, rates);
  }
  {
    constexpr size_t kBlocks = size_t{5760} * 2880 / kMxBlockValues;
    Buffer<uint8_t> packed(kBlocks * kMxBlockBytes);
    fill(packed);
    const std::vector<uint8_t> scales(kBlocks, 125);
    const auto decode = [&](size_t first, size_t count, float* scratch) {
      const size_t block = first / kMxBlockValues;
      kernels::decode_mxfp4(packed.data() + block * kMxBlockBytes, scales.data() + block,
                            count / kMxBlockValues, scratch);
    };
    measure("mxfp4", kBlocks * kMxBlockValues, packed.size() + scales.size(), decode, rates);
  }
  return rates;
}

}  // namespace rg::bench
