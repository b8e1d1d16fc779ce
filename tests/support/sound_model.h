// What the engine relies on in a bound model, whatever its config.json said: sizes that can be
// divided by, numbers that are finite, weights that lie within their tensors.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "model/model.h"

namespace rg::test {

class SoundModel {
 public:
  // One line per expectation that the model breaks.
  static std::vector<std::string> flaws(const model::Model& model) {
    SoundModel check;
    check.model_ = &model;
    check.expect(model.width > 0 && model.vocabulary > 0 && model.positions > 0, "sizes");
    check.expect(positive(model.final_norm.spec.epsilon), "epsilon of norms");
    check.expect(positive(model.embedding_multiplier), "embedding multiplier");
    check.expect(!model.logit_softcap || positive(*model.logit_softcap), "softcap of logits");
    check.expect(positive(model.logit_divisor), "divisor of logits");
    check.shape(model.embedding, model.vocabulary, model.width, "embedding");
    check.optional(model.unembedding, model.vocabulary, model.width, "unembedding");
    check.optional(model.unembedding_bias, model.vocabulary, 1, "bias of the logits");
    check.norm(model.final_norm);
    for (const model::Layer& layer : model.layers) check.check_layer(layer);
    return std::move(check.flaws_);
  }

 private:
  static bool positive(float value) { return std::isfinite(value) && value > 0; }

  void expect(bool holds, const std::string& what) {
    if (!holds) flaws_.push_back(what);
  }

  void weight(const model::Weight& weight, const std::string& what) {
    expect(static_cast<bool>(weight), what + " is missing");
    if (!weight) return;
    const auto within = [](const formats::TensorEntry& tensor, uint64_t first, uint64_t bytes) {
      return first <= tensor.size_bytes && bytes <= tensor.size_bytes - first;
    };
    expect(weight.rows > 0 && weight.columns > 0, what + " is empty");
    expect(within(*weight.values, weight.first_byte, weight.value_bytes()),
           what + " exceeds its tensor");
    const model::BlockScales& scales = weight.scales;
    expect((weight.encoding == model::Encoding::plain) == (scales.tensor == nullptr),
           what + " has scales where it is packed");
    if (scales.tensor == nullptr) return;
    expect(scales.block_rows > 0 && scales.block_columns > 0, what + " has blocks");
    expect(within(*scales.tensor, scales.first_byte,
                  weight.scale_count() * dtype_bytes(scales.tensor->dtype)),
           what + "'s scales exceed their tensor");
  }
  void shape(const model::Weight& w, uint64_t rows, uint64_t columns, const std::string& what) {
    weight(w, what);
    if (w) expect(w.rows == rows && w.columns == columns, what + " has another shape");
  }
  void optional(const model::Weight& w, uint64_t rows, uint64_t columns, const std::string& what) {
    if (w) shape(w, rows, columns, what);
  }
  void norm(const model::Norm& norm) {
    if (norm.spec.kind == model::NormKind::none) {
      expect(!norm.gain && !norm.bias, "no norm has no weights");
      return;
    }
    expect(positive(norm.spec.epsilon), "epsilon of a norm");
    shape(norm.gain, model_->width, 1, "gain of a norm");
    if (norm.spec.kind == model::NormKind::layer) {
      shape(norm.bias, model_->width, 1, "bias of a norm");
    }
  }
  void norm(const std::optional<model::Norm>& some) {
    if (some) norm(*some);
  }

  void rope(const std::optional<model::Rope>& rope, uint32_t head_width) {
    if (!rope) return;
    expect(rope->dims > 0 && rope->dims % 2 == 0 && rope->dims <= head_width, "rotated part");
    expect(std::isfinite(rope->amplitude), "amplitude of RoPE");
    for (const uint32_t length : {uint32_t{1}, model_->positions}) {
      expect(std::isfinite(model::amplitude(*rope, length)), "amplitude of long RoPE");
      for (const float frequency : model::frequencies(*rope, length)) {
        expect(std::isfinite(frequency) && frequency >= 0, "frequencies of RoPE");
      }
    }
  }

  void mixer(const model::Attention& attention) {
    const model::AttentionSpec& spec = attention.spec;
    const uint64_t q = uint64_t{spec.heads} * spec.head_width;
    const uint64_t k = uint64_t{spec.kv_heads} * spec.head_width;
    const uint64_t v = uint64_t{spec.kv_heads} * spec.value_width;
    expect(spec.heads > 0 && spec.kv_heads > 0 && spec.heads % spec.kv_heads == 0, "heads");
    expect(spec.head_width > 0 && spec.head_width % 2 == 0 && spec.value_width > 0, "head width");
    expect(!spec.clip_qkv || positive(*spec.clip_qkv), "clip of q, k and v");
    expect(positive(spec.scale), "scale of the scores");
    expect(!spec.window || *spec.window > 0, "window");
    expect(positive(spec.value_scale), "scale of values");
    rope(spec.rope, spec.head_width);
    const bool gated = spec.output_gate == model::OutputGate::with_query;
    shape(attention.q, gated ? 2 * q : q, model_->width, "q");
    shape(attention.k, k, model_->width, "k");
    optional(attention.v, v, model_->width, "v");
    shape(attention.o, model_->width, uint64_t{spec.heads} * spec.value_width, "o");
    optional(attention.sinks, spec.heads, 1, "sinks");
  }
  void mixer(const model::LatentAttention& attention) {
    const model::LatentAttentionSpec& spec = attention.spec;
    const uint64_t query = uint64_t{spec.plain_width} + spec.rotated_width;
    expect(spec.heads > 0 && spec.latent > 0 && spec.value_width > 0, "heads");
    expect(positive(spec.scale), "scale of the scores");
    rope(spec.rope, spec.rotated_width);
    shape(attention.q, spec.heads * query,
          spec.query_latent != 0 ? spec.query_latent : model_->width, "q");
    shape(attention.kv_down, uint64_t{spec.latent} + spec.rotated_width, model_->width, "kv down");
    shape(attention.kv, spec.heads * (uint64_t{spec.plain_width} + spec.value_width), spec.latent,
          "kv");
    shape(attention.o, model_->width, uint64_t{spec.heads} * spec.value_width, "o");
  }
  void mixer(const model::GatedDelta& delta) {
    const model::GatedDeltaSpec& spec = delta.spec;
    expect(spec.key_heads > 0 && spec.value_heads % spec.key_heads == 0, "heads");
    expect(spec.kernel > 0 && spec.key_width > 0 && spec.value_width > 0, "delta net");
    const uint64_t values = uint64_t{spec.value_heads} * spec.value_width;
    const uint64_t channels = 2 * uint64_t{spec.key_heads} * spec.key_width + values;
    shape(delta.qkv, channels + (spec.packed ? values : 0), model_->width, "q, k and v");
    shape(delta.convolution, channels, spec.kernel, "convolution");
    shape(delta.norm, spec.value_width, 1, "norm of heads");
    shape(delta.out, model_->width, values, "out");
  }
  void mixer(const model::ShortConv& conv) {
    expect(conv.spec.kernel > 0, "kernel");
    shape(conv.in, 3 * uint64_t{model_->width}, model_->width, "in");
    shape(conv.convolution, model_->width, conv.spec.kernel, "convolution");
    shape(conv.out, model_->width, model_->width, "out");
  }
  void mixer(const model::Mamba2& mamba) {
    const model::Mamba2Spec& spec = mamba.spec;
    expect(spec.heads > 0 && spec.groups > 0 && spec.heads % spec.groups == 0, "heads");
    expect(spec.head_width > 0 && spec.state_width > 0 && spec.kernel > 0, "state");
    const uint64_t inner = uint64_t{spec.heads} * spec.head_width;
    expect(spec.normed_groups > 0 && inner % spec.normed_groups == 0, "groups of the norm");
    expect(spec.least_step <= spec.largest_step &&
               !(std::isinf(spec.least_step) && spec.least_step == spec.largest_step),
           "limits of time steps");
    const uint64_t channels = inner + uint64_t{2} * spec.groups * spec.state_width;
    shape(mamba.in, inner + channels + spec.heads, model_->width, "in");
    shape(mamba.convolution, channels, spec.kernel, "convolution");
    shape(mamba.norm, inner, 1, "norm");
    shape(mamba.out, model_->width, inner, "out");
  }
  void mixer(const model::KimiDelta& delta) {
    const model::KimiDeltaSpec& spec = delta.spec;
    const uint64_t inner = uint64_t{spec.heads} * spec.head_width;
    expect(spec.heads > 0 && spec.head_width > 0 && spec.kernel > 0, "heads");
    expect(!spec.decay_bound || positive(-*spec.decay_bound), "bound of the decay");
    for (const model::Weight* each : {&delta.q, &delta.k, &delta.v}) {
      shape(*each, inner, model_->width, "q, k or v");
    }
    shape(delta.decay, inner, spec.decay_latent != 0 ? spec.decay_latent : model_->width, "decay");
    shape(delta.gate, inner, spec.gate_latent != 0 ? spec.gate_latent : model_->width, "gate");
    shape(delta.q_convolution, delta.k_convolution ? inner : 3 * inner, spec.kernel, "convolution");
    shape(delta.decay_log, spec.heads, 1, "decay's logarithm");
    shape(delta.decay_bias, inner, 1, "decay's bias");
    shape(delta.norm, spec.head_width, 1, "norm of heads");
    shape(delta.out, model_->width, inner, "out");
  }

  void mixer(const model::NoMixer&) {}

  void expert(const model::Expert& expert, const model::MlpSpec& spec) {
    const uint64_t inner = spec.inner_width, width = spec.input_width(model_->width);
    optional(expert.gate_up, 2 * inner, width, "gate and up");
    if (!expert.gate_up) {
      if (spec.has_gate()) shape(expert.gate, inner, width, "gate");
      shape(expert.up, inner, width, "up");
    }
    shape(expert.down, width, inner, "down");
    optional(expert.gate_up_bias, 2 * inner, 1, "bias of gate and up");
    optional(expert.up_bias, inner, 1, "bias of up");
    optional(expert.down_bias, width, 1, "bias of down");
  }

  void latent(const model::ExpertGroup& group) {
    expect(group.latent.has_value() == (group.spec.latent_width != 0), "latent of experts");
    if (!group.latent) return;
    shape(group.latent->down, group.spec.latent_width, model_->width, "to the latent");
    shape(group.latent->up, model_->width, group.spec.latent_width, "from the latent");
  }

  void check_layer(const model::Layer& layer) {
    norm(layer.mixer_norm);
    norm(layer.feed_forward_norm);
    norm(layer.mixer_output_norm);
    norm(layer.feed_forward_output_norm);
    expect(positive(layer.residual_multiplier), "multiplier of the residual stream");
    std::visit([&](const auto& some) { mixer(some); }, layer.mixer);
    expect(layer.has_mixer() || !layer.groups.empty(), "a layer without parts");
    if (layer.router) {
      gate::validate(layer.router->spec, "a bound model");
      expect(positive(layer.router->input_multiplier), "multiplier of the router's input");
      shape(layer.router->matrix, layer.router->spec.experts, model_->width, "router");
    }
    for (const model::ExpertGroup& group : layer.groups) {
      expect(std::isfinite(group.spec.alpha) && std::isfinite(group.spec.limit), "activation");
      norm(group.input_norm);
      norm(group.output_norm);
      latent(group);
      for (const model::Expert& each : group.experts) expert(each, group.spec);
    }
  }

  const model::Model* model_ = nullptr;
  std::vector<std::string> flaws_;
};

}  // namespace rg::test
