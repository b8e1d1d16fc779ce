#include "mutants.h"

#include <optional>

namespace rg::stream {
namespace {

using gate::GateSpec;
using gate::GroupScore;
using gate::Normalise;
using gate::Score;
using gate::Weigh;
using model::Model;

template <typename T, typename V>
bool set(T& field, V value) {
  if (field == value) return false;
  field = value;
  return true;
}

bool drop(model::Weight& weight) {
  if (!weight) return false;
  weight = {};
  return true;
}

template <typename T>
bool drop(std::optional<T>& part) {
  if (!part) return false;
  part.reset();
  return true;
}

// Whether `change` changed the part of some layer.
template <typename F>
bool each_layer(Model& model, F change) {
  bool changed = false;
  for (model::Layer& layer : model.layers) changed = change(layer) || changed;
  return changed;
}

class List {
 public:
  void add(const std::string& name, std::function<bool(Model&)> change) {
    mutants_.push_back({name, std::move(change)});
  }
  void layer(const std::string& name, std::function<bool(model::Layer&)> change) {
    add(name, [change](Model& m) { return each_layer(m, change); });
  }
  void router(const std::string& name, std::function<bool(model::Router&)> change) {
    layer(name, [change](model::Layer& l) { return l.router && change(*l.router); });
  }
  void gate(const std::string& name, std::function<bool(GateSpec&)> change) {
    router("gate_" + name, [change](model::Router& r) { return change(r.spec); });
  }
  template <typename Mixer>
  void mixer(const std::string& name, std::function<bool(Mixer&)> change) {
    layer(name, [change](model::Layer& l) {
      auto* mixer = std::get_if<Mixer>(&l.mixer);
      return mixer != nullptr && change(*mixer);
    });
  }
  void rope(const std::string& name, std::function<bool(model::Rope&)> change) {
    layer("rope_" + name, [change](model::Layer& l) {
      return std::visit(
          [&](auto& mixer) {
            if constexpr (requires { mixer.spec.rope; }) {
              return mixer.spec.rope && change(*mixer.spec.rope);
            }
            return false;
          },
          l.mixer);
    });
  }
  void group(const std::string& name, std::function<bool(model::ExpertGroup&)> change) {
    layer(name, [change](model::Layer& l) {
      bool changed = false;
      for (model::ExpertGroup& group : l.groups) changed = change(group) || changed;
      return changed;
    });
  }
  std::vector<Mutant> take() { return std::move(mutants_); }

 private:
  std::vector<Mutant> mutants_;
};

bool regroup(GateSpec& g, uint32_t groups) {
  if (g.groups != 1u || g.weigh == Weigh::sparsemixer || g.experts % groups != 0 ||
      g.experts / groups < g.top_k) {
    return false;
  }
  g.groups = groups;
  g.groups_kept = 1u;
  g.group_score = GroupScore::max;
  return true;
}

void add_gates(List& list) {
  list.gate("top_k", [](auto& g) { return g.top_k > 1u && set(g.top_k.value, g.top_k - 1); });
  list.gate("score_softmax", [](auto& g) { return set(g.score.value, Score::softmax); });
  list.gate("score_sigmoid", [](auto& g) { return set(g.score.value, Score::sigmoid); });
  list.gate("score_logits", [](auto& g) { return set(g.score.value, Score::logits); });
  list.gate("groups", [](auto& g) { return regroup(g, 2) || regroup(g, 3); });
  list.gate("no_groups", [](auto& g) {
    g.groups_kept = 1u;
    g.group_score = GroupScore::none;
    return set(g.groups.value, 1u);
  });
  list.gate("groups_kept", [](auto& g) {
    return g.groups > g.groups_kept && set(g.groups_kept.value, g.groups_kept + 1);
  });
  list.gate("group_score_max", [](auto& g) {
    return g.group_score == GroupScore::top2_sum && set(g.group_score.value, GroupScore::max);
  });
  list.gate("group_score_sum", [](auto& g) {
    return g.group_score == GroupScore::max && set(g.group_score.value, GroupScore::top2_sum);
  });
  list.gate("weigh_scores", [](auto& g) { return set(g.weigh.value, Weigh::scores); });
  list.gate("weigh_sigmoid", [](auto& g) {
    // Of sigmoid scores it is the same.
    return g.score != Score::sigmoid && set(g.weigh.value, Weigh::selected_sigmoid);
  });
  list.gate("weigh_softmax", [](auto& g) {
    // So is a normalised softmax.
    return (g.score != Score::softmax || g.normalise == Normalise::no) &&
           set(g.weigh.value, Weigh::selected_softmax);
  });
  list.gate("normalise_off", [](auto& g) { return set(g.normalise.value, Normalise::no); });
  list.gate("normalise_on", [](auto& g) {
    return g.normalise == Normalise::no && g.weigh != Weigh::selected_softmax &&
           set(g.normalise.value, Normalise::by_sum);
  });
  list.gate("epsilon", [](auto& g) {
    return (g.normalise == Normalise::by_sum_plus_epsilon || g.weigh == Weigh::sparsemixer) &&
           set(g.epsilon.value, g.epsilon * 2 + 1e-2f);
  });
  list.gate("norm_minimum", [](auto& g) {
    return g.normalise == Normalise::by_max_of_sum_and_epsilon && set(g.epsilon.value, 0.95f);
  });
  list.gate("scaling", [](auto& g) { return set(g.scaling.value, g.scaling * 1.01f); });
  list.gate("per_expert_scale", [](auto& g) { return set(g.per_expert_scale.value, false); });
  list.gate("selection_bias", [](auto& g) { return set(g.selection_bias.value, false); });
  list.router("gate_logit_bias", [](auto& r) { return drop(r.logit_bias); });
  list.router("router_input_norm", [](auto& r) { return drop(r.input_norm); });
  list.router("router_input_multiplier", [](auto& r) {
    return r.input_norm && set(r.input_multiplier, r.input_multiplier * 1.01f);
  });
}

void add_norms(List& list) {
  const auto wrong_kind = [](model::Norm& norm) {
    if (norm.spec.kind == model::NormKind::none) return false;
    norm.bias = {};
    return set(norm.spec.kind, norm.spec.kind == model::NormKind::rms
                                   ? model::NormKind::rms_one_plus
                                   : model::NormKind::rms);
  };
  const auto wrong_epsilon = [](model::NormSpec& spec) {
    return spec.kind != model::NormKind::none && set(spec.epsilon, spec.epsilon * 3);
  };
  list.layer("mixer_norm_kind", [=](auto& l) { return wrong_kind(l.mixer_norm); });
  list.layer("mixer_norm_epsilon", [=](auto& l) { return wrong_epsilon(l.mixer_norm.spec); });
  list.layer("feed_forward_norm_kind", [=](auto& l) { return wrong_kind(l.feed_forward_norm); });
  list.layer("feed_forward_norm_epsilon",
             [=](auto& l) { return wrong_epsilon(l.feed_forward_norm.spec); });
  list.add("final_norm_kind", [=](Model& m) { return wrong_kind(m.final_norm); });
  list.add("final_norm_epsilon", [=](Model& m) { return wrong_epsilon(m.final_norm.spec); });
  list.layer("mixer_output_norm", [](auto& l) { return drop(l.mixer_output_norm); });
  list.layer("feed_forward_output_norm", [](auto& l) { return drop(l.feed_forward_output_norm); });
  list.group("group_input_norm", [](auto& g) { return drop(g.input_norm); });
  list.group("group_output_norm", [](auto& g) { return drop(g.output_norm); });
  using model::Attention;
  list.mixer<Attention>("qk_norm_off",
                        [](auto& a) { return set(a.spec.qk_norm, model::QkNorm::none); });
  list.mixer<Attention>("qk_norm_after_rotation", [](auto& a) {
    // Without a rotation there is no before and after.
    return a.spec.qk_norm == model::QkNorm::per_head && a.spec.rope &&
           set(a.spec.qk_norm, model::QkNorm::per_head_rotated);
  });
  list.mixer<Attention>("qk_norm_epsilon", [=](auto& a) {
    return a.spec.qk_norm != model::QkNorm::none && wrong_epsilon(a.spec.qk_norm_spec);
  });
  list.mixer<Attention>("qk_norm_kind", [](auto& a) {
    return a.spec.qk_norm != model::QkNorm::none &&
           set(a.spec.qk_norm_spec.kind, a.spec.qk_norm_spec.kind == model::NormKind::rms
                                             ? model::NormKind::rms_one_plus
                                             : model::NormKind::rms);
  });
  list.mixer<Attention>("value_norm", [](auto& a) { return drop(a.spec.value_norm_epsilon); });
  list.mixer<model::LatentAttention>(
      "latent_norm_epsilon", [](auto& a) { return set(a.spec.latent_norm_epsilon, 1e-2f); });
  list.mixer<model::GatedDelta>("delta_norm_epsilon", [](auto& d) {
    return set(d.spec.norm_epsilon, d.spec.norm_epsilon * 3);
  });
  list.mixer<model::KimiDelta>("kimi_norm_epsilon", [](auto& k) {
    return set(k.spec.norm_epsilon, k.spec.norm_epsilon * 3);
  });
}

void add_ropes(List& list) {
  list.layer("rope_off", [](model::Layer& l) {
    return std::visit(
        [](auto& mixer) {
          if constexpr (requires { mixer.spec.rope; }) return drop(mixer.spec.rope);
          return false;
        },
        l.mixer);
  });
  list.rope("base", [](auto& r) { return set(r.base, r.base * 1.02f); });
  list.rope("pairing", [](auto& r) {
    return set(r.pairing, r.pairing == model::RopePairing::half_split
                              ? model::RopePairing::interleaved
                              : model::RopePairing::half_split);
  });
  list.rope("dims", [](auto& r) {
    return r.dims % 4 == 0 && std::holds_alternative<model::PlainRope>(r.scaling) &&
           set(r.dims, r.dims / 2);
  });
  list.rope("amplitude", [](auto& r) { return set(r.amplitude, r.amplitude * 1.02f); });
  list.rope("plain", [](auto& r) {
    return !std::holds_alternative<model::PlainRope>(r.scaling) &&
           (r.scaling = model::PlainRope{}, true);
  });
  list.rope("yarn_truncate", [](auto& r) {
    auto* yarn = std::get_if<model::YarnRope>(&r.scaling);
    return yarn != nullptr && set(yarn->truncate, !yarn->truncate);
  });
  list.rope("yarn_beta", [](auto& r) {
    auto* yarn = std::get_if<model::YarnRope>(&r.scaling);
    return yarn != nullptr && set(yarn->beta_fast, yarn->beta_fast * 3);
  });
  list.rope("yarn_original", [](auto& r) {
    auto* yarn = std::get_if<model::YarnRope>(&r.scaling);
    return yarn != nullptr && set(yarn->original_positions, yarn->original_positions * 2);
  });
}

void add_attention(List& list) {
  using model::Attention;
  using model::LatentAttention;
  list.mixer<Attention>("attention_scale",
                        [](auto& a) { return set(a.spec.scale, a.spec.scale * 1.01f); });
  list.mixer<Attention>("value_scale", [](auto& a) {
    return a.spec.value_scale != 1 && set(a.spec.value_scale, a.spec.value_scale * 1.01f);
  });
  list.mixer<Attention>("output_gate", [](auto& a) {
    a.gate = {};
    return a.spec.output_gate == model::OutputGate::projected &&
           set(a.spec.output_gate, model::OutputGate::none);
  });
  list.mixer<LatentAttention>("latent_scale",
                              [](auto& a) { return set(a.spec.scale, a.spec.scale * 1.01f); });
  list.mixer<LatentAttention>("latent_head_gate", [](auto& a) {
    a.spec.head_gate = false;
    return drop(a.gate);
  });
  list.mixer<Attention>("window_off", [](auto& a) { return drop(a.spec.window); });
  list.mixer<Attention>("window_wider",
                        [](auto& a) { return a.spec.window && (++*a.spec.window, true); });
  list.mixer<Attention>("sinks", [](auto& a) { return drop(a.sinks); });
  list.mixer<Attention>("qkv_biases", [](auto& a) {
    drop(a.k_bias);
    drop(a.v_bias);
    return drop(a.q_bias);
  });
  list.mixer<Attention>("o_bias", [](auto& a) { return drop(a.o_bias); });
  list.mixer<LatentAttention>("latent_biases", [](auto& a) {
    const bool query = drop(a.q_down_bias), output = drop(a.o_bias);
    return drop(a.kv_down_bias) || query || output;
  });
  list.mixer<model::GatedDelta>("delta_packed",
                                [](auto& d) { return set(d.spec.packed, !d.spec.packed); });
  list.mixer<model::KimiDelta>("kimi_decay_bound", [](auto& k) {
    k.spec.decay_bound = k.spec.decay_bound ? std::nullopt : std::optional(-5.0f);
    return true;
  });
  using model::Mamba2;
  list.mixer<Mamba2>("mamba_least_step",
                     [](auto& m) { return m.spec.least_step > 0 && set(m.spec.least_step, 0.0f); });
  list.mixer<Mamba2>("mamba_largest_step", [](auto& m) {
    return m.spec.largest_step < 10 && set(m.spec.largest_step, 10.0f);
  });
  list.mixer<Mamba2>("mamba_normed_groups", [](auto& m) {
    return m.spec.normed_groups != 1u && set(m.spec.normed_groups, 1u);
  });
  list.mixer<Mamba2>("mamba_norm_epsilon",
                     [](auto& m) { return set(m.spec.norm_epsilon, m.spec.norm_epsilon * 3); });
  list.mixer<Mamba2>("mamba_convolution_bias", [](auto& m) { return drop(m.convolution_bias); });
  list.mixer<Mamba2>("mamba_in_bias", [](auto& m) { return drop(m.in_bias); });
  list.mixer<Mamba2>("mamba_out_bias", [](auto& m) { return drop(m.out_bias); });
  list.mixer<model::ShortConv>("convolution_bias",
                               [](auto& c) { return drop(c.convolution_bias); });
  list.mixer<model::ShortConv>("convolution_in_bias", [](auto& c) { return drop(c.in_bias); });
  list.mixer<model::ShortConv>("convolution_out_bias", [](auto& c) { return drop(c.out_bias); });
}

void add_experts(List& list) {
  using model::Activation;
  using model::ExpertRole;
  // Experts without a gate projection have no matrix to put one in.
  const auto activation = [](Activation wrong) {
    return [wrong](model::ExpertGroup& g) {
      return g.spec.has_gate() && set(g.spec.activation, wrong);
    };
  };
  list.group("activation_silu", activation(Activation::silu));
  list.group("activation_gelu", activation(Activation::gelu_tanh));
  list.group("no_gate_projection", [](auto& g) {
    if (!g.spec.has_gate()) return false;
    for (model::Expert& expert : g.experts.apart()) {
      // Of one tensor, which is read whole.
      if (expert.gate_up || expert.gate.values == expert.up.values) return false;
      if (expert.gate_up_bias || expert.up_bias) return false;
    }
    for (model::Expert& expert : g.experts.apart()) expert.gate = {};
    g.spec.activation = Activation::relu_squared;
    return true;
  });
  list.group("latent_projections", [](auto& g) {
    // Each other's numbers, read in the other shape.
    if (!g.latent) return false;
    std::swap(g.latent->down, g.latent->up);
    for (model::Weight* weight : {&g.latent->down, &g.latent->up}) {
      std::swap(weight->rows, weight->columns);
    }
    return true;
  });
  list.group("activation_alpha", [](auto& g) {
    return g.spec.activation == Activation::clamped_silu && set(g.spec.alpha, g.spec.alpha * 1.1f);
  });
  list.group("activation_limit", [](auto& g) {
    return g.spec.activation == Activation::clamped_silu && set(g.spec.limit, g.spec.limit * 0.5f);
  });
  list.group("token_gate", [](auto& g) { return drop(g.token_gate); });
  list.group("expert_biases", [](auto& g) {
    bool changed = false;
    for (model::Expert& expert : g.experts.apart()) {
      changed = drop(expert.up_bias) || changed;
      changed = drop(expert.gate_bias) || drop(expert.gate_up_bias) || changed;
    }
    return changed;
  });
  list.group("expert_down_biases", [](auto& g) {
    bool changed = false;
    for (model::Expert& expert : g.experts.apart()) changed = drop(expert.down_bias) || changed;
    return changed;
  });
  list.group("expert_halves", [](auto& g) {
    if (!g.spec.has_gate()) return false;
    bool changed = false;
    for (model::Expert& expert : g.experts.apart()) {
      if (!expert.gate_up && expert.gate.values != expert.up.values) {
        std::swap(expert.gate, expert.up), changed = true;
      } else if (!expert.gate_up) {  // of one tensor, read in order: as if its rows alternated
        expert.gate_up = expert.gate;
        expert.gate_up.rows *= 2;
        expert.gate_up.stored = model::Stored::out_in_pairs;
        expert.gate = expert.up = {};
        changed = true;
        continue;
      }
      if (expert.gate_up.stored == model::Stored::out_in_pairs) {
        expert.gate_up.stored = model::Stored::out_in, changed = true;
      }
      if (expert.gate_up.stored == model::Stored::in_out_pairs) {
        expert.gate_up.stored = model::Stored::in_out, changed = true;
      }
    }
    return changed;
  });
  list.layer("shared_experts", [](model::Layer& l) {
    if (!l.router || l.groups.size() < 2) return false;
    l.groups.pop_back();
    return true;
  });
  list.layer("residual_multiplier", [](model::Layer& l) {
    return l.residual_multiplier != 1 && set(l.residual_multiplier, 1.0f);
  });
  list.layer("output_scalar", [](model::Layer& l) { return drop(l.output_scalar); });
}

void add_tables(List& list) {
  list.add("embedding_multiplier", [](Model& m) { return set(m.embedding_multiplier, 1.0f); });
  list.add("logit_divisor", [](Model& m) { return set(m.logit_divisor, 1.0f); });
  list.add("logit_softcap", [](Model& m) { return drop(m.logit_softcap); });
  list.add("unembedding_bias", [](Model& m) { return drop(m.unembedding_bias); });
  list.add("tied", [](Model& m) {
    m.unembedding = m.embedding;
    return set(m.tied_embeddings, true);
  });
}

}  // namespace

const std::vector<Mutant>& all_mutants() {
  static const std::vector<Mutant> mutants = [] {
    List list;
    add_gates(list);
    add_norms(list);
    add_ropes(list);
    add_attention(list);
    add_experts(list);
    add_tables(list);
    return list.take();
  }();
  return mutants;
}

}  // namespace rg::stream
