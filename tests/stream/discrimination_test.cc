// A golden test is worth what it can tell apart: every field of the gate spec and every switch of
// the attention, set wrongly in the bound model, must break at least one comparison.
#include <gtest/gtest.h>

#include <functional>

#include "base/error.h"
#include "golden.h"

namespace rg::stream {
namespace {

using gate::GroupScore;
using gate::Normalise;
using gate::Score;
using gate::Weigh;
using model::Model;

struct Flip {
  const char* name;
  std::function<void(Model&)> change;
};

// Fixtures that notice. Only those that the flip changes are run.
int broken(const Flip& flip) {
  int count = 0;
  for (const std::string& name : golden_names()) {
    if (name == "tall") continue;  // the longest run, and nothing here that the others lack
    const Golden golden(name);
    Model changed = golden.model();
    flip.change(changed);
    const Record record = golden.run(changed, golden.sequences(true), {});
    count += violations(golden, record, "").empty() ? 0 : 1;
  }
  return count;
}

class Discrimination : public testing::TestWithParam<Flip> {};

TEST_P(Discrimination, BreaksAGoldenComparison) { EXPECT_GE(broken(GetParam()), 1); }

const Flip kFlips[] = {
    {"gate_top_k", [](Model& m) { m.gate.top_k = m.gate.top_k - 1; }},
    {"gate_score_sigmoid", [](Model& m) { m.gate.score = Score::sigmoid; }},
    {"gate_score_logits", [](Model& m) { m.gate.score = Score::logits; }},
    {"gate_groups_and_group_score",
     [](Model& m) {
       for (const uint32_t groups : {2u, 3u}) {
         if (m.gate.experts % groups != 0 || m.gate.experts / groups < m.gate.top_k) continue;
         m.gate.groups = groups;
         m.gate.groups_kept = 1u;
         m.gate.group_score = GroupScore::max;
         return;
       }
     }},
    {"gate_weigh_selected_sigmoid", [](Model& m) { m.gate.weigh = Weigh::selected_sigmoid; }},
    {"gate_weigh_selected_softmax", [](Model& m) { m.gate.weigh = Weigh::selected_softmax; }},
    {"gate_normalise",
     [](Model& m) {
       m.gate.normalise = m.gate.normalise == Normalise::no ? Normalise::by_sum : Normalise::no;
     }},
    {"gate_normalise_and_epsilon",
     [](Model& m) {
       m.gate.normalise = Normalise::by_sum_plus_epsilon;
       m.gate.epsilon = 1e-3f;
     }},
    {"gate_scaling", [](Model& m) { m.gate.scaling = 1.01f; }},
    {"qk_norm", [](Model& m) { m.attention.qk_norm = false; }},
    {"clip_off", [](Model& m) { m.attention.clip_qkv.reset(); }},
    {"clip_wider",
     [](Model& m) {
       if (m.attention.clip_qkv) m.attention.clip_qkv = *m.attention.clip_qkv * 1.1f;
     }},
    {"clip_on",
     [](Model& m) {
       if (!m.attention.clip_qkv) m.attention.clip_qkv = 1.0f;
     }},
    {"rope_base", [](Model& m) { m.attention.rope_base = m.attention.rope_base * 1.01f; }},
    {"attention_scale", [](Model& m) { m.attention.scale = m.attention.scale * 1.001f; }},
    {"norm_epsilon", [](Model& m) { m.norm_epsilon = 1e-5f; }},
    {"tied", [](Model& m) { m.unembedding = m.embedding; }},
    {"q_norm_gain",
     [](Model& m) {
       for (auto& layer : m.layer_tensors) layer.q_norm = layer.attention_norm;
     }},
    {"mlp_norm_gain",
     [](Model& m) {
       for (auto& layer : m.layer_tensors) layer.mlp_norm = layer.attention_norm;
     }},
    {"gate_and_up_swapped",
     [](Model& m) {
       for (auto& layer : m.layer_tensors) {
         for (auto& expert : layer.experts) std::swap(expert.gate, expert.up);
       }
     }},
    {"two_experts_swapped",
     [](Model& m) {
       for (auto& layer : m.layer_tensors) std::swap(layer.experts[0], layer.experts[1]);
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
                                     .shared_experts = 0u};
    EXPECT_TRUE(golden.model().gate == expected) << name;
    for (const auto& change : std::initializer_list<std::function<void(gate::GateSpec&)>>{
             [](gate::GateSpec& s) { s.logit_bias = true; },
             [](gate::GateSpec& s) { s.selection_bias = true; },
             [](gate::GateSpec& s) { s.shared_experts = 1u; },
             [](gate::GateSpec& s) { s.epsilon = 1e-20f; },
             [](gate::GateSpec& s) { s.experts = s.experts + 1; }}) {
      gate::GateSpec changed = golden.model().gate;
      change(changed);
      EXPECT_FALSE(changed == expected) << name;
    }
  }
}

TEST(DiscriminationSpec, AttentionIsExactlyTheOneExpected) {
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    const Json& config = golden.checkpoint().config();
    const model::AttentionSpec& attention = golden.model().attention;
    EXPECT_EQ(attention.heads, config.at("num_attention_heads").get<uint32_t>()) << name;
    EXPECT_EQ(attention.kv_heads, config.at("num_key_value_heads").get<uint32_t>()) << name;
    EXPECT_EQ(attention.head_width * attention.heads, golden.model().width) << name;
    EXPECT_EQ(attention.clip_qkv.has_value(), !config.at("clip_qkv").is_null()) << name;
    EXPECT_TRUE(attention.qk_norm) << name;
    EXPECT_EQ(golden.model().tied_embeddings, config.at("tie_word_embeddings").get<bool>()) << name;
  }
}

}  // namespace
}  // namespace rg::stream
