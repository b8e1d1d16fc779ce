// A golden test is worth what it can tell apart: every field of the gate spec and every switch of
// the attention, set wrongly in the bound model, must break at least one comparison.
#include <gtest/gtest.h>

#include <functional>

#include "golden.h"
#include "support/model_parts.h"

namespace rg::stream {
namespace {

using gate::GroupScore;
using gate::Normalise;
using gate::Score;
using gate::Weigh;
using model::Model;

struct Flip {
  const char* name;
  std::function<bool(Model&)> change;  // false: this model already is so, or has no such switch
};

// Whether some fixture notices. "tall" takes longest and has no switch that the others lack.
bool some_golden_breaks(const Flip& flip) {
  for (const std::string& name : golden_names()) {
    if (name == "tall") continue;
    const Golden golden(name);
    Model changed = golden.model();
    if (!flip.change(changed)) continue;
    const Record record = golden.run(changed, golden.sequences(true), {});
    if (!violations(golden, record, "").empty()) return true;
  }
  return false;
}

template <typename T, typename V>
bool set(T& field, V value) {
  if (field == value) return false;
  field = value;
  return true;
}

bool limit_to_one_group(gate::GateSpec& gate) {
  for (const uint32_t groups : {2u, 3u}) {
    if (gate.experts % groups != 0 || gate.experts / groups < gate.top_k) continue;
    gate.groups = groups;
    gate.groups_kept = 1u;
    gate.group_score = GroupScore::max;
    return true;
  }
  return false;
}

class Discrimination : public testing::TestWithParam<Flip> {};

TEST_P(Discrimination, BreaksAGoldenComparison) { EXPECT_TRUE(some_golden_breaks(GetParam())); }

// A change of every layer's gate, or of every layer's attention.
Flip gate_flip(const char* name, std::function<bool(gate::GateSpec&)> change) {
  return {name, [change](Model& m) { return test::change_gates(m, change); }};
}
Flip attention_flip(const char* name, std::function<bool(model::AttentionSpec&)> change) {
  return {name, [change](Model& m) { return test::change_attention(m, change); }};
}

const Flip kFlips[] = {
    gate_flip("gate_top_k", [](auto& g) { return set(g.top_k.value, g.top_k - 1); }),
    gate_flip("gate_score_sigmoid", [](auto& g) { return set(g.score.value, Score::sigmoid); }),
    gate_flip("gate_score_logits", [](auto& g) { return set(g.score.value, Score::logits); }),
    gate_flip("gate_groups", [](auto& g) { return limit_to_one_group(g); }),
    gate_flip("gate_weigh_sigmoid",
              [](auto& g) { return set(g.weigh.value, Weigh::selected_sigmoid); }),
    gate_flip("gate_weigh_softmax",
              [](auto& g) { return set(g.weigh.value, Weigh::selected_softmax); }),
    gate_flip("gate_normalise_on",
              [](auto& g) { return set(g.normalise.value, Normalise::by_sum); }),
    gate_flip("gate_normalise_off", [](auto& g) { return set(g.normalise.value, Normalise::no); }),
    gate_flip("gate_normalise_and_epsilon",
              [](auto& g) {
                g.epsilon = 1e-3f;
                return set(g.normalise.value, Normalise::by_sum_plus_epsilon);
              }),
    gate_flip("gate_normalise_max",
              [](auto& g) {
                g.epsilon = 0.9f;
                return set(g.normalise.value, Normalise::by_max_of_sum_and_epsilon);
              }),
    gate_flip("gate_scaling", [](auto& g) { return set(g.scaling.value, 1.001f); }),
    attention_flip("qk_norm_off", [](auto& a) { return set(a.qk_norm, model::QkNorm::none); }),
    attention_flip("qk_norm_epsilon", [](auto& a) { return set(a.qk_norm_spec.epsilon, 1e-5f); }),
    attention_flip("clip_off",
                   [](auto& a) { return set(a.clip_qkv, std::optional<float>(std::nullopt)); }),
    attention_flip("clip_on", [](auto& a) { return !a.clip_qkv && set(a.clip_qkv, 1.0f); }),
    attention_flip("clip_wider",
                   [](auto& a) { return a.clip_qkv && set(a.clip_qkv, *a.clip_qkv * 1.05f); }),
    attention_flip("rope_off",
                   [](auto& a) { return set(a.rope, std::optional<model::Rope>(std::nullopt)); }),
    attention_flip("rope_base", [](auto& a) { return set(a.rope->base, a.rope->base * 1.01f); }),
    attention_flip("rope_plain",
                   [](auto& a) {
                     const bool scaled = a.rope->scaling.index() != 0;
                     a.rope->scaling = model::PlainRope{};
                     return scaled;
                   }),
    {"biases",
     [](Model& m) {
       bool changed = false;
       for (model::Layer& layer : m.layers) {
         auto& attention = std::get<model::Attention>(layer.mixer);
         changed = static_cast<bool>(attention.q_bias);
         attention.q_bias = attention.k_bias = attention.v_bias = {};
       }
       return changed;
     }},
    {"output_bias",
     [](Model& m) {
       bool changed = false;
       for (model::Layer& layer : m.layers) {
         auto& attention = std::get<model::Attention>(layer.mixer);
         changed = static_cast<bool>(attention.o_bias);
         attention.o_bias = {};
       }
       return changed;
     }},
    attention_flip("attention_scale", [](auto& a) { return set(a.scale, a.scale * 1.001f); }),
    {"norm_epsilon",
     [](Model& m) {
       return test::change_norms(m, [](model::NormSpec& n) { return set(n.epsilon, 1e-5f); });
     }},
    {"tied",
     [](Model& m) {
       m.unembedding = m.embedding;
       return set(m.tied_embeddings, true);
     }},
};

INSTANTIATE_TEST_SUITE_P(Flips, Discrimination, testing::ValuesIn(kFlips),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(DiscriminationMask, TheCausalMaskMatters) {
  const Golden golden("gqa-clip");
  const Record record = golden.run(golden.model(), golden.sequences(false), {});
  EXPECT_FALSE(violations(golden, record, "").empty());
}

// Fields that no OLMoE checkpoint has tensors or arithmetic for: the whole spec is the golden.
TEST(DiscriminationSpec, TheBoundGateIsExactlyTheOneExpected) {
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    const Json& config = golden.checkpoint().config();
    const bool normalised = config.at("norm_topk_prob").get<bool>();
    const gate::GateSpec expected = {.experts = config.at("num_experts").get<uint32_t>(),
                                     .top_k = config.at("num_experts_per_tok").get<uint32_t>(),
                                     .logit_bias = false,
                                     .score = Score::softmax,
                                     .selection_bias = false,
                                     .groups = 1u,
                                     .groups_kept = 1u,
                                     .group_score = GroupScore::none,
                                     .weigh = Weigh::scores,
                                     .normalise = normalised ? Normalise::by_sum : Normalise::no,
                                     .epsilon = 0.0f,
                                     .scaling = 1.0f,
                                     .per_expert_scale = false,
                                     .ids_from_table = false,
                                     .shared_experts = 0u};
    EXPECT_TRUE(golden.model().gate() == expected) << name;
    for (const auto& change : std::initializer_list<std::function<void(gate::GateSpec&)>>{
             [](gate::GateSpec& s) { s.logit_bias = true; },
             [](gate::GateSpec& s) { s.selection_bias = true; },
             [](gate::GateSpec& s) { s.shared_experts = 1u; },
             [](gate::GateSpec& s) { s.epsilon = 1e-20f; },
             [](gate::GateSpec& s) { s.experts = s.experts + 1; }}) {
      gate::GateSpec changed = golden.model().gate();
      change(changed);
      EXPECT_FALSE(changed == expected) << name;
    }
  }
}

TEST(DiscriminationSpec, AttentionIsExactlyTheOneExpected) {
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    const Json& config = golden.checkpoint().config();
    const model::AttentionSpec& attention = test::attention_of(golden.model());
    EXPECT_EQ(attention.heads, config.at("num_attention_heads").get<uint32_t>()) << name;
    EXPECT_EQ(attention.kv_heads, config.at("num_key_value_heads").get<uint32_t>()) << name;
    EXPECT_EQ(attention.head_width * attention.heads, golden.model().width) << name;
    EXPECT_EQ(attention.clip_qkv.has_value(), !config.at("clip_qkv").is_null()) << name;
    EXPECT_TRUE(attention.qk_norm == model::QkNorm::full_width) << name;
    EXPECT_EQ(golden.model().tied_embeddings, config.at("tie_word_embeddings").get<bool>()) << name;
  }
}

}  // namespace
}  // namespace rg::stream
