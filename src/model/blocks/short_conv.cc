#include "model/blocks/short_conv.h"

#include <algorithm>

#include "kernels/elementwise.h"
#include "model/blocks/arena.h"
#include "model/blocks/convolution.h"
#include "model/blocks/narrow.h"

namespace rg::model {

struct ShortConvProducts::Buffers {
  Buffers(Arena& arena, const ShortConvProducts& of)
      : projected(arena.take<float>(size_t{of.most_rows_} * 3 * of.width_)),
        row(arena.take<float>(of.width_)),
        narrow(
            arena.take<std::byte>(size_t{of.most_rows_} * of.width_ * compute_bytes(of.compute_))) {
  }
  float* projected;   // (rows, 3d): B, C, x
  float* row;         // (d)
  std::byte* narrow;  // (rows, d) compute type
};

ShortConvProducts::ShortConvProducts(const ShortConv& data, const MixerSetting& setting)
    : spec_(data.spec),
      compute_(setting.compute),
      width_(setting.width),
      most_rows_(setting.most_rows()),
      in_(setting.width, 3 * setting.width, setting),
      out_(setting.width, setting.width, setting) {}

size_t ShortConvProducts::scratch_bytes() const {
  Arena counting;
  const Buffers buffers(counting, *this);
  return counting.used();
}

ShortConvProducts::Packed ShortConvProducts::pack(const ShortConv& data, WeightSource& source,
                                                  std::byte* memory, std::byte* staging) const {
  Packed packed;
  source.read(data.in, compute_, staging, nullptr);
  packed.in = in_.pack(staging, memory);
  packed.in_bias = read_values(source, data.in_bias);
  packed.taps = transposed_taps(read_values(source, data.convolution), spec_.kernel);
  packed.convolution_bias = read_values(source, data.convolution_bias);
  source.read(data.out, compute_, staging, nullptr);
  packed.out = out_.pack(staging, memory + in_.packed_bytes());
  packed.out_bias = read_values(source, data.out_bias);
  return packed;
}

void ShortConvProducts::run(const Packed& weights, const MixerCall& call) const noexcept {
  Arena arena(call.scratch);
  const Buffers buffers(arena, *this);
  const size_t d = width_, all = 3 * d;
  in_.run(call, call.in, weights.in, buffers.projected);
  for (size_t t = 0; t < call.rows(); ++t) {
    float* b = buffers.projected + t * all;
    if (weights.in_bias.size() != 0) kernels::add(weights.in_bias.data(), all, b);
    kernels::multiply(b, b + 2 * d, d, b);  // B * x, where B was
  }
  for (size_t t = 0; t < call.rows(); ++t) {
    const size_t position = t % call.shape.rows;
    convolve_row(buffers.projected + (t - position) * all, all, position, weights.taps.data(),
                 spec_.kernel, d, buffers.row);
    if (weights.convolution_bias.size() != 0) {
      kernels::add(weights.convolution_bias.data(), d, buffers.row);
    }
    kernels::multiply(buffers.projected + t * all + d, buffers.row, d, buffers.row);
    narrow_row(compute_, buffers.row, d, t, buffers.narrow);
  }
  out_.run(call, buffers.narrow, weights.out, call.out);
  if (weights.out_bias.size() == 0) return;
  for (size_t t = 0; t < call.rows(); ++t) {
    kernels::add(weights.out_bias.data(), d, call.out + t * d);
  }
}

double mixer_flops(const ShortConv& data, uint32_t width, uint32_t length) {
  return double{1} * length * width * (8.0 * width + 2.0 * data.spec.kernel);
}

}  // namespace rg::model
