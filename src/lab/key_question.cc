#include "lab/key_question.h"

#include <algorithm>

namespace rg::lab {
namespace {

using certificates::LayerFacts;

bool is_rms(const model::NormSpec& spec) {
  return spec.kind == model::NormKind::rms || spec.kind == model::NormKind::rms_one_plus;
}

// Whether the norm maps zero to zero and x and -x to opposite vectors.
bool is_odd(const std::optional<model::Norm>& norm) {
  return !norm || norm->spec.kind != model::NormKind::layer;
}

certificates::QkNorm qk_norm_of(model::QkNorm norm) {
  switch (norm) {
    case model::QkNorm::none:
      return certificates::QkNorm::none;
    case model::QkNorm::full_width:
      return certificates::QkNorm::full_width;
    case model::QkNorm::per_head:
    case model::QkNorm::per_head_rotated:
      return certificates::QkNorm::per_head;
  }
  return certificates::QkNorm::none;
}

bool has_keys(const model::Layer& layer) {
  return std::holds_alternative<model::Attention>(layer.mixer) ||
         std::holds_alternative<model::LatentAttention>(layer.mixer);
}

uint32_t key_dimensions(const model::Layer& layer) {
  if (const auto* latent = std::get_if<model::LatentAttention>(&layer.mixer)) {
    return latent->spec.latent + latent->spec.rotated_width;
  }
  const model::AttentionSpec& spec = std::get<model::Attention>(layer.mixer).spec;
  return spec.kv_heads * spec.head_width;
}

std::string uncovered_reason(const model::Model& model, const model::Layer& layer) {
  if (!has_keys(layer)) return "its mixer has no keys";
  if (layer.mixer_norm.spec.kind == model::NormKind::layer ||
      router_norm(layer).spec.kind == model::NormKind::layer) {
    return "a norm that subtracts the mean: the theorems are about RMS norms";
  }
  if (layer.router->spec.top_k.value == layer.router->spec.experts.value) {
    return "the gate selects every expert";
  }
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  if (attention == nullptr && key_dimensions(layer) >= model.width) {
    return "a latent as wide as the residual, behind a norm of its own";
  }
  if (!is_rms(layer.mixer_norm.spec) && attention != nullptr &&
      attention->spec.qk_norm == model::QkNorm::none) {
    return "no norm in front of the keys and none of them";
  }
  return "";
}

// Why h(-z) need not be -h(z) at position 0 where the keys of z are zero; empty: it is.
std::string bent_reason(const model::Layer& layer) {
  if (!is_odd(layer.mixer_output_norm)) return "a norm with a bias after attention";
  if (const auto* latent = std::get_if<model::LatentAttention>(&layer.mixer)) {
    if (latent->kv_down_bias) return "a bias of the latent";
    return latent->o_bias ? "a bias of what attention adds" : "";
  }
  const auto& attention = std::get<model::Attention>(layer.mixer);
  if (attention.v_bias) return "a bias of the values";
  if (attention.o_bias) return "a bias of what attention adds";
  if (!attention.v) return "";
  if (attention.sinks) return "a sink that takes part in the softmax";
  if (attention.spec.clip_qkv) return "clipped values";
  if (attention.spec.value_norm_epsilon) return "a norm of the values";
  if (attention.spec.output_gate != model::OutputGate::none) return "a gate of the heads' outputs";
  if (layer.mixer_output_norm) return "a norm after attention";
  if (!is_rms(layer.mixer_norm.spec)) return "no norm in front of attention";
  if (attention.spec.value_scale != 1 && layer.residual_multiplier != 1) {
    return "two factors of what attention adds";
  }
  return "";
}

bool plain_top_k(const gate::GateSpec& spec) {
  const bool one_group = spec.groups.value == 1 || spec.groups.value == spec.groups_kept.value;
  return !spec.selection_bias.value && one_group && !spec.ids_from_table.value;
}

bool key_bias(const model::Layer& layer) {
  if (const auto* latent = std::get_if<model::LatentAttention>(&layer.mixer)) {
    return static_cast<bool>(latent->kv_down_bias);
  }
  return static_cast<bool>(std::get<model::Attention>(layer.mixer).k_bias);
}

bool sees_values(const model::Layer& layer) {
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  return attention != nullptr && static_cast<bool>(attention->v);
}

LayerFacts facts_of(const model::Model& model, int number, bool linear_at_first) {
  const model::Layer& layer = model.layer(number);
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  const gate::GateSpec& gate = layer.router->spec;
  float epsilon = layer.mixer_norm.spec.epsilon;
  if (attention != nullptr && !is_rms(layer.mixer_norm.spec)) {
    epsilon = attention->spec.qk_norm_spec.epsilon;
  }
  return {.router_reads = certificates::RouterReads::after_attention,
          .key_dimensions = key_dimensions(layer),
          .key_heads = attention != nullptr ? attention->spec.kv_heads : 1,
          .width = model.width,
          .qk_norm = attention != nullptr ? qk_norm_of(attention->spec.qk_norm)
                                          : certificates::QkNorm::none,
          .key_bias = key_bias(layer),
          .clipped = attention != nullptr && attention->spec.clip_qkv.has_value(),
          .linear_at_first = linear_at_first,
          .values_seen = sees_values(layer),
          .router_bias = gate.logit_bias.value,
          .plain_top_k = plain_top_k(gate),
          .first_layer = number == 0,
          .epsilon = double{epsilon}};
}

const char* qk_norm_name(certificates::QkNorm norm) {
  switch (norm) {
    case certificates::QkNorm::none:
      return "none";
    case certificates::QkNorm::per_head:
      return "per_head";
    case certificates::QkNorm::full_width:
      return "full_width";
  }
  return "";
}

Json norm_json(const model::Norm& norm, float multiplier) {
  const bool none = norm.spec.kind == model::NormKind::none;
  return {{"kind", none ? "none" : "rms"},
          {"epsilon", double{none ? 0.0f : norm.spec.epsilon}},
          {"added_to_gains", norm.spec.kind == model::NormKind::rms_one_plus ? 1 : 0},
          {"multiplier", double{multiplier}}};
}

}  // namespace

KeyQuestion key_question(const model::Model& model, int number) {
  const model::Layer& layer = model.layer(number);
  KeyQuestion out{.layer = number,
                  .uncovered = uncovered_reason(model, layer),
                  .facts = {},
                  .no_pair = {},
                  .no_turn = {},
                  .values_seen = false};
  if (!out.uncovered.empty()) return out;
  const std::string bent = bent_reason(layer);
  out.facts = facts_of(model, number, bent.empty());
  out.values_seen = out.facts->values_seen;
  if (!out.facts->plain_top_k) {
    out.no_pair = "not a plain top-k of logits";
  } else if (out.facts->router_bias) {
    out.no_pair = "a bias of the router's logits";
  } else if (!bent.empty()) {
    out.no_pair = "attention at position 0 is not linear: " + bent;
  }
  if (!out.no_pair.empty()) {
    out.no_turn = out.no_pair;
  } else if (!out.values_seen) {
    out.no_turn = "what attention adds is made of the keys, and isn't zero";
  } else if (out.facts->key_dimensions >= out.facts->width) {
    out.no_turn = "as many key dimensions as the residual has, or more";
  }
  return out;
}

std::vector<certificates::Row> decision_rows(const model::Model& model,
                                             const KeyQuestion& question) {
  if (!question.facts) return {};
  std::vector<certificates::Row> rows = certificates::decision_table(*question.facts);
  if (!has_keys(model.layer(0))) {
    std::erase_if(rows, [](const certificates::Row& row) {
      return row.summary == certificates::Summary::layer0_keys_of_all_positions;
    });
  }
  return rows;
}

Json architecture_json(const model::Model& model, const KeyQuestion& question) {
  const LayerFacts& facts = *question.facts;
  const model::Layer& layer = model.layer(question.layer);
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  return {
      {"attention", attention != nullptr ? "heads" : "latent"},
      {"heads", attention != nullptr ? attention->spec.heads
                                     : std::get<model::LatentAttention>(layer.mixer).spec.heads},
      {"key_heads", facts.key_heads},
      {"key_dimensions", facts.key_dimensions},
      {"width", facts.width},
      {"experts", layer.router->spec.experts.value},
      {"top_k", layer.router->spec.top_k.value},
      {"router_reads", "after_attention"},
      {"qk_norm", qk_norm_name(facts.qk_norm)},
      {"key_bias", facts.key_bias},
      {"clipped", facts.clipped},
      {"linear_at_first", facts.linear_at_first},
      {"values_seen", question.values_seen},
      {"attention_factor", double{attention_factor(layer)}},
      {"router_bias", facts.router_bias},
      {"plain_top_k", facts.plain_top_k},
      {"first_layer", facts.first_layer},
      {"key_norm", norm_json(layer.mixer_norm, 1)},
      {"router_norm", norm_json(router_norm(layer),
                                layer.router->input_norm ? layer.router->input_multiplier : 1.0f)}};
}

float attention_factor(const model::Layer& layer) {
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  const float of_values = attention != nullptr ? attention->spec.value_scale : 1;
  return of_values != 1 ? of_values : layer.residual_multiplier;
}

const model::Norm& router_norm(const model::Layer& layer) {
  return layer.router->input_norm ? *layer.router->input_norm : layer.feed_forward_norm;
}

}  // namespace rg::lab
