// FP8 and MXFP4 weights of any length at any place in memory: the vectorised decoders give the bits
// of the scalar ones under every instruction set of this machine, and write nothing else. The
// input: where the packed bytes begin (2 bytes), where the numbers go (1), a scale (4), packed
// bytes.
#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/decode.h"
#include "property.h"
#include "tensor/encoding.h"

namespace rg::fuzz {
namespace {

constexpr float kUntouched = 12345.0f;

bool same_bits(float a, float b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

// Its last byte is the last of an allocation, so that AddressSanitizer sees reading past it.
class Placed {
 public:
  Placed(std::span<const uint8_t> bytes, size_t shift) : shift_(shift), all_(shift) {
    all_.insert(all_.end(), bytes.begin(), bytes.end());
    all_.shrink_to_fit();
  }
  const uint8_t* data() const { return all_.data() + shift_; }

 private:
  size_t shift_;
  std::vector<uint8_t> all_;
};

class Output {
 public:
  Output(size_t count, size_t shift) : shift_(shift), all_(shift + count, kUntouched) {}
  float* data() { return all_.data() + shift_; }
  void require_equal(std::span<const float> expected) const {
    for (size_t i = 0; i < shift_; ++i) {
      require(all_[i] == kUntouched, "nothing is written before the numbers");
    }
    require(shift_ + expected.size() == all_.size(), "as many numbers as are expected");
    for (size_t i = 0; i < expected.size(); ++i) {
      require(same_bits(all_[shift_ + i], expected[i]), "the bits of the scalar decoder");
    }
  }

 private:
  size_t shift_;
  std::vector<float> all_;
};

struct Place {
  size_t values, scales, out;  // bytes, bytes, floats from the start of an allocation
};

void check_f8(std::span<const uint8_t> packed, float scale, const Place& place) {
  std::vector<float> expected;
  for (const uint8_t byte : packed) expected.push_back(f8_e4m3_to_f32(byte) * scale);
  const Placed in(packed, place.values);
  Output out(packed.size(), place.out);
  kernels::decode_f8_e4m3(in.data(), packed.size(), scale, out.data());
  out.require_equal(expected);
}

// The scales are the last bytes.
void check_mxfp4(std::span<const uint8_t> packed, const Place& place) {
  const size_t blocks = packed.size() / (kMxBlockBytes + 1);
  const auto values = packed.first(blocks * kMxBlockBytes);
  const auto scales = packed.subspan(values.size(), blocks);
  std::vector<float> expected;
  for (size_t i = 0; i < values.size(); ++i) {
    const float scale = e8m0_to_f32(scales[i / kMxBlockBytes]);
    expected.push_back(e2m1_to_f32(values[i] & 0xf) * scale);
    expected.push_back(e2m1_to_f32(static_cast<uint8_t>(values[i] >> 4)) * scale);
  }
  const Placed in(values, place.values), exponents(scales, place.scales);
  Output out(expected.size(), place.out);
  kernels::decode_mxfp4(in.data(), exponents.data(), blocks, out.data());
  out.require_equal(expected);
}

}  // namespace
}  // namespace rg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kHead = 7;
  if (size < kHead) return 0;
  const rg::fuzz::Place place = {
      .values = data[0] % 64u, .scales = data[1] % 64u, .out = data[2] % 16u};
  float scale = 0;
  std::memcpy(&scale, data + 3, sizeof scale);
  const std::span packed(data + kHead, size - kHead);
  // As the CPU is, without AVX-512, without AVX2.
  constexpr int64_t kAvx512 = HWY_AVX2 - 1;  // better targets have lower bits
  for (const int64_t without : {int64_t{0}, kAvx512, int64_t{kAvx512 | HWY_AVX2}}) {
    hwy::DisableTargets(without);
    rg::fuzz::check_f8(packed, scale, place);
    rg::fuzz::check_mxfp4(packed, place);
  }
  return 0;
}
