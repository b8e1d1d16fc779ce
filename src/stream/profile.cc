// The numeric profile: what the bits of a result depend on besides the inputs.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "stream/pass.h"

namespace rg::stream {

void apply_isa_limit() {
  const char* limit = std::getenv("RG_MAX_ISA");
  if (limit == nullptr || *limit == '\0') return;
  if (std::string_view(limit) != "avx2") {
    throw Error(ErrorId::US001, {.object = "environment variable RG_MAX_ISA",
                                 .found = limit,
                                 .expected = "avx2, or unset"});
  }
  kernels::limit_to_avx2();
  kernels::limit_products_to_avx2();
}

Compute choose_compute(const std::string& requested) {
  if (requested == "f32") return Compute::f32;
  const bool capable = kernels::cpu_has_bf16();
  if (requested == "auto") return capable ? Compute::bf16 : Compute::f32;
  if (requested != "bf16") {
    throw Error(ErrorId::US001,
                {.object = "--compute", .found = requested, .expected = "auto, bf16 or f32"});
  }
  if (!capable) {
    throw Error(ErrorId::RT003, {.object = "--compute bf16",
                                 .found = "instruction set " + kernels::onednn_isa(),
                                 .expected = "AVX512_BF16",
                                 .hint = "Use --compute f32, or auto."});
  }
  return Compute::bf16;
}

Profile numeric_profile(Compute compute) {
  return {.isa = kernels::onednn_isa(),
          .compute = compute == Compute::bf16 ? "bf16" : "f32",
          .onednn = kernels::onednn_version()};
}

double measure_flops_per_s(uint32_t in_width, uint32_t out_width, Compute compute, int threads) {
  const kernels::WeightProduct product(kernels::tallest_tile(compute), in_width, out_width,
                                       compute);
  const size_t element = kernels::compute_bytes(compute);
  Buffer<std::byte> raw(size_t{in_width} * out_width * element);
  std::memset(raw.data(), 0, raw.bytes());
  Buffer<std::byte> memory(product.packed_bytes());
  const kernels::PackedWeights weights = product.pack(raw.data(), memory.data());

  const auto start = std::chrono::steady_clock::now();
  std::vector<double> rates(static_cast<size_t>(threads));
  parallel_for(static_cast<size_t>(threads), threads, [&](size_t i, int) {
    kernels::Scratch scratch;
    scratch.reserve(product.scratch_bytes());
    Buffer<std::byte> in(size_t{kernels::tallest_tile(compute)} * in_width * element);
    std::memset(in.data(), 0, in.bytes());
    Buffer<float> out(size_t{kernels::tallest_tile(compute)} * out_width);
    size_t runs = 0;
    double seconds = 0;
    while (seconds < 0.5) {
      product.run(in.data(), weights, out.data(), scratch);
      ++runs;
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    rates[i] = static_cast<double>(runs) * 2.0 * kernels::tallest_tile(compute) * in_width *
               out_width / seconds;
  });
  double total = 0;
  for (const double rate : rates) total += rate;
  return total;
}

}  // namespace rg::stream
