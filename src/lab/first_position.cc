#include "lab/first_position.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "lab/certificate_file.h"
#include "lab/key_question.h"
#include "stream/layer_router.h"
#include "stream/tensor_reader.h"

namespace rg::lab {
namespace {

constexpr kernels::Compute kExact = kernels::Compute::f32;

// Rows as a pass over prompts of one token has them.
stream::PaddedLengths one_token() {
  const tap::SequenceSet prompt{.name = "one token", .lengths = {1}, .ids = {0}, .causal = true};
  const tap::SequenceSet* const sets[] = {&prompt};
  return {sets, kExact};
}

model::NormWeights read_norm(const model::Norm& norm, uint32_t width, model::WeightSource& source,
                             float multiplier) {
  return norm.spec.kind == model::NormKind::none ? model::NormWeights::none(width)
                                                 : model::NormWeights(norm, source, multiplier);
}

model::MixerSetting mixer_setting(uint32_t width, const stream::PaddedLengths& lengths) {
  return {.width = width, .compute = kExact, .shapes = lengths.shapes()};
}

}  // namespace

struct FirstPositionLayer::Prepared {
  Prepared(const Subject& subject, int number)
      : layer(subject.model().layer(number)),
        width(subject.model().width),
        lengths(one_token()),
        mixer(layer.mixer, mixer_setting(width, lengths)),
        router(layer.router->spec.experts, width, mixer_setting(width, lengths).rows()),
        memory(mixer.packed_bytes()) {}

  // In the order of for_each_weight().
  void read(model::WeightSource& source) {
    Buffer<std::byte> staging(std::max(mixer.staging_bytes(), router.staging_bytes()));
    mixer_norm = read_norm(layer.mixer_norm, width, source, 1);
    mixer_weights = mixer.pack(layer.mixer, source, memory.data(), staging.data());
    if (layer.mixer_output_norm) {
      mixer_output_norm = read_norm(*layer.mixer_output_norm, width, source, 1);
    }
    const bool own = layer.router->input_norm.has_value();
    gate_norm =
        read_norm(router_norm(layer), width, source, own ? layer.router->input_multiplier : 1.0f);
    router_weights = router.pack(*layer.router, gate_norm.gain(), source, staging.data());
    products.reserve(std::max(mixer.product_scratch_bytes(), router.product_scratch_bytes()));
    const size_t rows = lengths.longest();
    scratch.push_back(
        {Buffer<float>(rows * width), Buffer<float>(rows * router.experts()), &products});
    gate.emplace(lengths, router, router_weights, gate_norm, scratch);
  }

  const model::Layer& layer;
  uint32_t width;
  stream::PaddedLengths lengths;
  model::MixerProducts mixer;
  model::RouterProducts router;
  Buffer<std::byte> memory;  // of mixer_weights
  model::NormWeights mixer_norm, gate_norm;
  model::PackedMixer mixer_weights;
  std::optional<model::NormWeights> mixer_output_norm;
  model::RouterProducts::Packed router_weights;
  kernels::Scratch products;
  std::vector<stream::LayerRouter::WorkerScratch> scratch;
  std::optional<stream::LayerRouter> gate;

  // x + what attention adds (D); the keys go to `keys`.
  std::vector<float> after_attention(std::span<const float> residual, std::vector<bf16_t>& keys) {
    const model::KeyFacts facts = *model::key_facts(layer.mixer);
    const model::CallShape& shape = lengths.shape(1);
    Buffer<float> in(size_t{shape.joined} * width), out(size_t{shape.joined} * width);
    std::fill_n(in.data(), in.size(), 0.0f);
    mixer_norm.apply(residual.data(), in.data());
    Buffer<std::byte> mixer_scratch(mixer.scratch_bytes());
    Buffer<std::byte> key_memory(model::key_rows_bytes(facts, shape.joined));
    const model::KeyRows rows = model::place_key_rows(facts, shape.joined, key_memory.data());
    mixer.run(mixer_weights, {.shape = shape,
                              .sequences = 1,
                              .length = 1,
                              .mask = model::Mask::causal,
                              .in = reinterpret_cast<const std::byte*>(in.data()),
                              .out = out.data(),
                              .scratch = mixer_scratch.data(),
                              .products = &products,
                              .keys = &rows,
                              .changes = nullptr});
    keys.resize(size_t{facts.kv_heads} * facts.width);
    kernels::round_to_bf16(rows.keys.scored, keys.size(), keys.data());
    if (mixer_output_norm) mixer_output_norm->apply(out.data(), out.data());
    if (layer.residual_multiplier != 1) {
      kernels::set_scaled(layer.residual_multiplier, out.data(), width, out.data());
    }
    std::vector<float> sum(residual.begin(), residual.end());
    kernels::add(out.data(), width, sum.data());
    return sum;
  }

  void decide(const std::vector<float>& residual, FirstPositionRoute& to) {
    const gate::GateSpec& spec = layer.router->spec;
    const uint32_t experts = spec.experts, top_k = spec.top_k;
    std::vector<float> logits(experts), scores(experts), weights(top_k);
    std::vector<int32_t> ranked(top_k + 1);
    gate->logits_of_residual(residual.data(), 1, logits.data(), 0);
    gate::DecisionView decision{.scores = scores,
                                .ranked = ranked,
                                .weights = weights,
                                .margin = 0,
                                .margin_logit = 0,
                                .margin_group = 0,
                                .eligible = 0};
    gate::decide(spec, logits, router_weights.selection_bias.span(), decision);
    to.margin = decision.margin;
    for (uint32_t i = 0; i < top_k; ++i) to.set.push_back(static_cast<uint32_t>(ranked[i]));
    std::sort(to.set.begin(), to.set.end());
  }
};

FirstPositionLayer::FirstPositionLayer(const Subject& subject, int layer)
    : prepared_(std::make_unique<Prepared>(subject, layer)) {
  stream::TensorReader reader(subject.checkpoint(), stream::NonFinite::stop);
  prepared_->read(reader);
  tensors_ = tensors_json(subject, reader.digests());
}
FirstPositionLayer::~FirstPositionLayer() = default;

FirstPositionRoute FirstPositionLayer::route(std::span<const float> residual) const {
  check_internal(residual.size() == prepared_->width, "a residual has D numbers");
  FirstPositionRoute out{.keys = {}, .set = {}, .margin = 0};
  parallel_for(1, 1, [&](size_t, int) {
    prepared_->decide(prepared_->after_attention(residual, out.keys), out);
    prepared_->products.throw_if_failed();
  });
  return out;
}

}  // namespace rg::lab
