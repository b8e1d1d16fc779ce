// What a spec may say, and that every word of it counts.
#include <functional>
#include <random>

#include "base/error.h"
#include "base/json.h"
#include "gate/profile.h"
#include "support.h"

namespace rg::gate {
namespace {

std::string refusal(const GateSpec& spec) {
  try {
    validate(spec, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::CF010);
    return error.what();
  }
  return "";
}

TEST(GateSpec, ReleasedFamiliesPass) {
  for (const GateSpec& spec :
       {olmoe_gate(64, 8), qwen3_gate(128, 8), gpt_oss_gate(32, 4), llama4_gate(16),
        ernie_gate(64, 6), deepseek_v3_gate(256, 8), olmoe_gate(8, 8), olmoe_gate(1, 1)}) {
    EXPECT_EQ(refusal(spec), "");
  }
}

TEST(GateSpec, CountsArePossibleOrRefusedOnTheWholeSmallGrid) {
  int accepted = 0, refused = 0;
  for (uint32_t experts = 0; experts <= 8; ++experts) {
    for (uint32_t k = 0; k <= 9; ++k) {
      for (uint32_t groups = 0; groups <= 4; ++groups) {
        for (uint32_t kept = 0; kept <= 5; ++kept) {
          GateSpec spec = gpt_oss_gate(experts, k);
          spec.groups = groups;
          spec.groups_kept = kept;
          spec.group_score = groups > 1 ? GroupScore::max : GroupScore::none;
          const bool possible = experts > 0 && k > 0 && groups > 0 && experts % groups == 0 &&
                                kept > 0 && kept <= groups && k * groups <= kept * experts;
          EXPECT_EQ(refusal(spec).empty(), possible)
              << experts << " " << k << " " << groups << " " << kept;
          ++(possible ? accepted : refused);
        }
      }
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 1000);
}

TEST(GateSpec, RefusalsCarryTheNumbers) {
  const auto expect_says = [](const GateSpec& spec, std::initializer_list<const char*> words) {
    const std::string line = refusal(spec);
    for (const char* word : words) EXPECT_NE(line.find(word), std::string::npos) << line;
  };
  expect_says(olmoe_gate(0, 1), {"config.json: experts", "found 0", "1 to 1024"});
  expect_says(olmoe_gate(kMaxExperts + 1, 8), {"found 1025"});
  expect_says(olmoe_gate(8, 0), {"k = 0", "1 to 8"});
  expect_says(olmoe_gate(8, 9), {"k = 9", "1 to 8"});
  GateSpec few = deepseek_v3_gate(8, 5);
  expect_says(few, {"k = 5", "at most 4 (2 of 4 groups of 2 experts are kept)"});
  GateSpec uneven = deepseek_v3_gate(8, 3);
  uneven.groups = 3u;
  expect_says(uneven, {"3 groups of 8 experts"});
}

TEST(GateSpec, RulesThatNoGateFollowsAreRefused) {
  const auto refused = [](GateSpec spec, const std::function<void(GateSpec&)>& change) {
    EXPECT_EQ(refusal(spec), "");
    change(spec);
    return !refusal(spec).empty();
  };
  const GateSpec olmoe = olmoe_gate(8, 2), deepseek = deepseek_v3_gate(8, 3);
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.group_score = GroupScore::max; }));
  EXPECT_TRUE(refused(deepseek, [](GateSpec& s) { s.group_score = GroupScore::none; }));
  EXPECT_TRUE(refused(deepseek, [](GateSpec& s) { s.groups = 8u; }));  // one expert, top-2 sum
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.score = Score::logits; }));
  EXPECT_TRUE(refused(gpt_oss_gate(8, 2), [](GateSpec& s) { s.normalise = Normalise::by_sum; }));
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.epsilon = 1e-6f; }));
  EXPECT_TRUE(refused(deepseek, [](GateSpec& s) { s.epsilon = 0.0f; }));
  EXPECT_TRUE(refused(deepseek, [](GateSpec& s) { s.epsilon = NAN; }));
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.ids_from_table = s.selection_bias = true; }));
  EXPECT_TRUE(refused(deepseek, [](GateSpec& s) {
    s.selection_bias = false;
    s.ids_from_table = true;  // beside groups
  }));
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.scaling = 0.0f; }));
  EXPECT_TRUE(refused(olmoe, [](GateSpec& s) { s.scaling = INFINITY; }));
}

struct Flip {
  const char* field;
  std::function<void(GateSpec&)> change;
  bool decides;  // false: describes what happens around the decision
};

std::vector<Flip> flips() {
  const auto toggle = [](Stated<bool>& flag) { flag = !flag.value; };
  return {
      {"experts", [](GateSpec& s) { s.experts = 4u; }, true},
      {"top_k", [](GateSpec& s) { s.top_k = s.top_k + 1; }, true},
      {"logit_bias", [=](GateSpec& s) { toggle(s.logit_bias); }, false},
      {"score softmax", [](GateSpec& s) { s.score = Score::softmax; }, true},
      {"score sigmoid", [](GateSpec& s) { s.score = Score::sigmoid; }, true},
      {"score logits", [](GateSpec& s) { s.score = Score::logits; }, true},
      {"selection_bias", [=](GateSpec& s) { toggle(s.selection_bias); }, true},
      {"groups", [](GateSpec& s) { s.groups = 2u, s.groups_kept = 1u; }, true},
      {"groups_kept", [](GateSpec& s) { s.groups_kept = s.groups_kept + 1; }, true},
      {"group_score", [](GateSpec& s) { s.group_score = GroupScore::max; }, true},
      {"weigh scores", [](GateSpec& s) { s.weigh = Weigh::scores; }, true},
      {"weigh softmax", [](GateSpec& s) { s.weigh = Weigh::selected_softmax; }, true},
      {"weigh sigmoid", [](GateSpec& s) { s.weigh = Weigh::selected_sigmoid; }, true},
      {"normalise no", [](GateSpec& s) { s.normalise = Normalise::no; }, true},
      {"normalise by_sum", [](GateSpec& s) { s.normalise = Normalise::by_sum; }, true},
      {"normalise plus", [](GateSpec& s) { s.normalise = Normalise::by_sum_plus_epsilon; }, true},
      {"normalise max", [](GateSpec& s) { s.normalise = Normalise::by_max_of_sum_and_epsilon; },
       true},
      {"epsilon", [](GateSpec& s) { s.epsilon = s.epsilon + 0.25f; }, true},
      {"scaling", [](GateSpec& s) { s.scaling = s.scaling * 1.5f; }, true},
      {"ids_from_table", [=](GateSpec& s) { toggle(s.ids_from_table); }, false},
      {"shared_experts", [](GateSpec& s) { s.shared_experts = s.shared_experts + 1; }, false},
  };
}

TEST(GateSpec, FlippingAnyFieldChangesADecisionOrTheDescription) {
  // Epsilons large enough to be seen: with the released ones the last three rules agree.
  GateSpec plus = deepseek_v3_gate(8, 3), max = ernie_gate(8, 3);
  plus.epsilon = 0.125f;
  max.epsilon = 0.75f;
  const std::vector<GateSpec> bases = {
      olmoe_gate(8, 3), qwen3_gate(8, 3), gpt_oss_gate(8, 3), llama4_gate(8), plus, max};
  std::mt19937_64 random(3);
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < 64; ++i) {
    std::vector<float> logits(8);
    for (float& z : logits) z = static_cast<float>(random() % 4096) / 1024.0f - 2.0f;
    vectors.push_back(logits);
  }
  const std::vector<float> bias = {0.0f, 0.9f, -0.6f, 0.0f, 0.3f, -0.5f, 0.2f, 0.1f};
  for (const Flip& flip : flips()) {
    bool described = false, decided = false;
    for (const GateSpec& base : bases) {
      GateSpec changed = base;
      flip.change(changed);
      if (changed == base) continue;
      described = described || gate_profile(changed) != gate_profile(base);
      const bool groups_fit = changed.groups == 1 || changed.groups_kept <= changed.groups;
      if (!groups_fit || changed.experts < changed.groups || changed.top_k > changed.experts) {
        continue;
      }
      const bool was_grouped = base.groups > 1, rule_kept = changed.group_score == base.group_score;
      if (!was_grouped && (changed.groups > 1 || !rule_kept || changed.groups_kept > 1)) continue;
      for (const auto& logits : vectors) {
        decided = decided || !same(run(base, logits, bias), run(changed, logits, bias));
      }
    }
    EXPECT_TRUE(described) << flip.field;
    EXPECT_EQ(decided, flip.decides) << flip.field;
  }
}

TEST(GateSpec, ProfileStatesEveryField) {
  const Json profile = gate_profile(deepseek_v3_gate(256, 8));
  EXPECT_EQ(profile.dump(),
            R"({"profile":"routegauge-gate","version":1,"experts":256,"topk":8,)"
            R"("logit_bias":false,"score":"sigmoid","score_space":"sigmoid+bias",)"
            R"("scores_dtype":"fp32","selection_bias":true,"groups":128,"groups_kept":64,)"
            R"("group_score":"top2_sum","group_mask":"-inf","weights":"scores",)"
            R"("normalise":"by_sum_plus_epsilon","epsilon":1e-20,"scaling":2.5,)"
            R"("shared_experts":1,"shared_experts_eligible":false,"tie_rule":"lower index",)"
            R"("nan_rule":"last"})");
  EXPECT_EQ(gate_profile(olmoe_gate(64, 8))["group_mask"], nullptr);
}

TEST(GateSpec, ScoreSpaceNamesWhatMarginsAreIn) {
  EXPECT_EQ(score_space(olmoe_gate(8, 2)), "softmax");
  EXPECT_EQ(score_space(gpt_oss_gate(8, 2)), "logits");
  EXPECT_EQ(score_space(deepseek_v3_gate(8, 2)), "sigmoid+bias");
  EXPECT_EQ(score_space(ernie_gate(8, 2)), "softmax+bias");
}

}  // namespace
}  // namespace rg::gate
