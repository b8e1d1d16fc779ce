#include "block_rate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>

#include "base/parallel.h"
#include "ceiling.h"
#include "clock.h"
#include "kernels/elementwise.h"
#include "model/blocks/block.h"

namespace rg::bench {
namespace {

using kernels::Compute;

constexpr uint32_t kRows = 256;
constexpr double kSeconds = 1;

// Weights as if read from a file: uniform in +-1/sqrt(columns), the same on every machine.
class RandomWeights : public model::WeightSource {
 public:
  model::Weight weight(uint32_t rows, uint32_t columns) const {
    return {.values = &entry_, .first_byte = 0, .rows = rows, .columns = columns};
  }
  void read(const model::Weight& weight, Compute compute, std::byte* out, float*) override {
    std::vector<float> row(weight.columns);
    const float scale = 1 / std::sqrt(static_cast<float>(weight.columns));
    for (uint32_t r = 0; r < weight.rows; ++r) {
      for (float& value : row) {
        state_ = state_ * 1664525 + 1013904223;
        value = scale * static_cast<float>(static_cast<int32_t>(state_)) * 0x1p-31f;
      }
      if (compute == Compute::bf16) {
        kernels::round_to_bf16(row.data(), row.size(), reinterpret_cast<bf16_t*>(out));
      } else {
        std::memcpy(out, row.data(), row.size() * sizeof(float));
      }
      out += row.size() * compute_bytes(compute);
    }
  }

 private:
  formats::TensorEntry entry_ = {};
  uint32_t state_ = 1;
};

struct Candidate {
  std::string name, of;
  uint32_t width;
  model::Mixer mixer;
  uint32_t largest_in, largest_out;  // of its largest matrix
};

model::Rope rope(uint32_t dims) {
  return {.base = 10000,
          .dims = dims,
          .pairing = model::RopePairing::half_split,
          .scaling = model::PlainRope{},
          .amplitude = 1};
}

Candidate softmax_attention(std::string name, std::string of, uint32_t width,
                            model::AttentionSpec spec, bool sinks, const RandomWeights& random) {
  const bool gated = spec.output_gate == model::OutputGate::with_query;
  const uint32_t queries = spec.heads * spec.head_width * (gated ? 2 : 1);
  const uint32_t keys = spec.kv_heads * spec.head_width;
  model::Attention attention = {.spec = spec,
                                .q = random.weight(queries, width),
                                .k = random.weight(keys, width),
                                .v = random.weight(keys, width),
                                .o = random.weight(width, spec.heads * spec.value_width)};
  if (spec.qk_norm != model::QkNorm::none) {
    attention.q_norm = attention.k_norm = random.weight(spec.head_width, 1);
  }
  if (sinks) attention.sinks = random.weight(spec.heads, 1);
  return {name, of, width, attention, width, queries + 2 * keys};
}

std::vector<Candidate> candidates(const RandomWeights& random) {
  const auto w = [&](uint32_t rows, uint32_t columns) { return random.weight(rows, columns); };
  const model::NormSpec norm = {model::NormKind::rms, 1e-6f};
  std::vector<Candidate> all;
  all.push_back(softmax_attention("attention", "OLMoE", 2048,
                                  {.heads = 16,
                                   .kv_heads = 16,
                                   .head_width = 128,
                                   .value_width = 128,
                                   .qk_norm = model::QkNorm::none,
                                   .qk_norm_spec = norm,
                                   .clip_qkv = {},
                                   .rope = rope(128),
                                   .scale = 0.088f,
                                   .value_norm_epsilon = {},
                                   .output_gate = model::OutputGate::none,
                                   .window = {}},
                                  false, random));
  all.push_back(softmax_attention("sinks_and_window", "gpt-oss-120b", 2880,
                                  {.heads = 64,
                                   .kv_heads = 8,
                                   .head_width = 64,
                                   .value_width = 64,
                                   .qk_norm = model::QkNorm::none,
                                   .qk_norm_spec = norm,
                                   .clip_qkv = {},
                                   .rope = rope(64),
                                   .scale = 0.125f,
                                   .value_norm_epsilon = {},
                                   .output_gate = model::OutputGate::none,
                                   .window = 128},
                                  true, random));
  all.push_back(softmax_attention("gated_attention", "Qwen3-Next-80B-A3B", 2048,
                                  {.heads = 16,
                                   .kv_heads = 2,
                                   .head_width = 256,
                                   .value_width = 256,
                                   .qk_norm = model::QkNorm::per_head,
                                   .qk_norm_spec = norm,
                                   .clip_qkv = {},
                                   .rope = rope(64),
                                   .scale = 0.0625f,
                                   .value_norm_epsilon = {},
                                   .output_gate = model::OutputGate::with_query,
                                   .window = {}},
                                  false, random));
  all.push_back({"latent_attention", "DeepSeek-V3", 7168,
                 model::LatentAttention{.spec = {.heads = 128,
                                                 .query_latent = 1536,
                                                 .latent = 512,
                                                 .plain_width = 128,
                                                 .rotated_width = 64,
                                                 .value_width = 128,
                                                 .latent_norm_epsilon = 1e-6f,
                                                 .rope = rope(64),
                                                 .scale = 0.072f},
                                        .q_down = w(1536, 7168),
                                        .q_norm = w(1536, 1),
                                        .q = w(128 * 192, 1536),
                                        .kv_down = w(576, 7168),
                                        .kv_norm = w(512, 1),
                                        .kv = w(128 * 256, 512),
                                        .o = w(7168, 128 * 128)},
                 128 * 128, 7168});
  all.push_back({"gated_delta", "Qwen3-Next-80B-A3B", 2048,
                 model::GatedDelta{.spec = {.key_heads = 16,
                                            .value_heads = 32,
                                            .key_width = 128,
                                            .value_width = 128,
                                            .kernel = 4,
                                            .norm_epsilon = 1e-6f,
                                            .packed = true},
                                   .qkv = w(12288, 2048),
                                   .z = {},
                                   .b = w(64, 2048),
                                   .a = {},
                                   .convolution = w(8192, 4),
                                   .decay_log = w(32, 1),
                                   .decay_bias = w(32, 1),
                                   .norm = w(128, 1),
                                   .out = w(2048, 4096)},
                 2048, 12352});
  all.push_back({"kimi_delta", "Kimi-Linear-48B-A3B", 2304,
                 model::KimiDelta{.spec = {.heads = 32,
                                           .head_width = 128,
                                           .kernel = 4,
                                           .decay_latent = 128,
                                           .gate_latent = 128,
                                           .decay_bound = {},
                                           .norm_epsilon = 1e-5f},
                                  .q = w(4096, 2304),
                                  .k = w(4096, 2304),
                                  .v = w(4096, 2304),
                                  .b = w(32, 2304),
                                  .decay_down = w(128, 2304),
                                  .decay = w(4096, 128),
                                  .gate_down = w(128, 2304),
                                  .gate = w(4096, 128),
                                  .q_convolution = w(4096, 4),
                                  .k_convolution = w(4096, 4),
                                  .v_convolution = w(4096, 4),
                                  .decay_log = w(32, 1),
                                  .decay_bias = w(4096, 1),
                                  .norm = w(128, 1),
                                  .out = w(2304, 4096)},
                 2304, 12288});
  all.push_back({"mamba2", "Granite-4.0-H-Small", 4096,
                 model::Mamba2{.spec = {.heads = 128,
                                        .head_width = 64,
                                        .groups = 1,
                                        .state_width = 128,
                                        .kernel = 4,
                                        .normed_groups = 1,
                                        .norm_epsilon = 1e-5f,
                                        .least_step = 0,
                                        .largest_step = INFINITY},
                               .in = w(2 * 8192 + 256 + 128, 4096),
                               .convolution = w(8192 + 256, 4),
                               .decay_log = w(128, 1),
                               .skip = w(128, 1),
                               .step_bias = w(128, 1),
                               .norm = w(8192, 1),
                               .out = w(4096, 8192)},
                 4096, 16768});
  all.push_back({"short_conv", "LFM2-8B-A1B", 2048,
                 model::ShortConv{.spec = {.kernel = 3},
                                  .in = w(6144, 2048),
                                  .convolution = w(2048, 3),
                                  .out = w(2048, 2048)},
                 2048, 6144});
  return all;
}

double rate(const Candidate& candidate, RandomWeights& random, Compute compute, int threads) {
  const auto shape = model::CallShape::filling_a_tile(kRows, compute);
  const model::MixerProducts products(
      candidate.mixer, {.width = candidate.width, .compute = compute, .shapes = {&shape, 1}});
  Buffer<std::byte> memory(products.packed_bytes()), staging(products.staging_bytes());
  const model::PackedMixer packed =
      products.pack(candidate.mixer, random, memory.data(), staging.data());
  model::Layer layer = {.mixer_norm = {}, .mixer = candidate.mixer, .feed_forward_norm = {}};
  const double flops = shape.sequences * model::mixer_flops(layer, candidate.width, kRows);

  std::vector<double> rates(static_cast<size_t>(threads));
  parallel_for(rates.size(), threads, [&](size_t i, int) {
    kernels::Scratch scratch;
    scratch.reserve(products.product_scratch_bytes());
    Buffer<std::byte> in(size_t{shape.joined} * candidate.width * compute_bytes(compute));
    Buffer<std::byte> own(products.scratch_bytes());
    Buffer<float> out(size_t{shape.joined} * candidate.width);
    RandomWeights values;
    values.read(values.weight(shape.joined, candidate.width), compute, in.data(), nullptr);
    const model::MixerCall call = {.shape = shape,
                                   .sequences = shape.sequences,
                                   .length = kRows,
                                   .mask = model::Mask::causal,
                                   .in = in.data(),
                                   .out = out.data(),
                                   .scratch = own.data(),
                                   .products = &scratch};
    rates[i] = flops * runs_per_s(kSeconds, [&] { products.run(packed, call); });
  });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

std::vector<BlockRate> block_rates(Compute compute, int threads) {
  RandomWeights random;
  std::vector<BlockRate> rates;
  for (const Candidate& candidate : candidates(random)) {
    const double flops_per_s = rate(candidate, random, compute, threads);
    const double ceiling =
        fastest_product(candidate.largest_in, candidate.largest_out, compute, threads).flops_per_s;
    rates.push_back({candidate.name, candidate.of, flops_per_s, ceiling});
  }
  return rates;
}

}  // namespace rg::bench
