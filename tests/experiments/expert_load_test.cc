#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

class ExpertLoadTest : public ::testing::Test {
 protected:
  static FakeModel make() {
    Shape shape;
    shape.experts = 6;
    shape.k = 2;
    FakeModel::Hooks hooks;
    // One expert that is never chosen at layer 1, one that always is at layer 2.
    hooks.logits = [](int layer, size_t, std::span<float> logits) {
      if (layer == 1) logits[4] = -50;
      if (layer == 2) logits[0] = 50;
    };
    return FakeModel(shape, softmax_spec(6, 2), hooks);
  }
  ExpertLoadTest()
      : model_(make()), fields_(measure(model_, model_.setting(), "expert_load", {}).fields) {}

  const int32_t* set(int layer, size_t row) const {
    return model_.trace(layer, 0).ranked.data() + row * 3;
  }
  const FakeModel model_;
  const Json fields_;
};

TEST_F(ExpertLoadTest, CountsEqualABruteForceCount) {
  for (int layer = 0; layer < 4; ++layer) {
    const std::string key = std::to_string(layer);
    std::map<std::pair<int, int>, uint64_t> pairs, transitions;
    std::vector<uint64_t> total(6, 0);
    for (size_t w = 0; w < 24; ++w) {
      std::vector<uint64_t> counts(6, 0);
      uint64_t top1 = 0, any = 0;
      for (size_t t = 0; t < 33; ++t) {
        const size_t row = w * 33 + t;
        for (int i = 0; i < 2; ++i) {
          ++counts[size_t(set(layer, row)[i])];
          ++total[size_t(set(layer, row)[i])];
          for (int j = 0; j < 2; ++j) ++pairs[{set(layer, row)[i], set(layer, row)[j]}];
        }
        if (layer > 0) ++transitions[{set(layer - 1, row)[0], set(layer, row)[0]}];
        if (t == 0) continue;
        const std::set<int32_t> now(set(layer, row), set(layer, row) + 2);
        top1 += set(layer, row)[0] == set(layer, row - 1)[0];
        any += now.contains(set(layer, row - 1)[0]) || now.contains(set(layer, row - 1)[1]);
      }
      EXPECT_EQ(fields_["per_window"]["count"][key][w], Json(counts));
      EXPECT_EQ(fields_["per_window"]["repeat_top1"][key][w], top1);
      EXPECT_EQ(fields_["per_window"]["repeat_any"][key][w], any);
      EXPECT_EQ(fields_["per_window"]["n_nan"][key][w], 0);
    }
    for (int a = 0; a < 6; ++a) {
      for (int b = 0; b < 6; ++b) {
        EXPECT_EQ(fields_["pairs"][key][size_t(a)][size_t(b)], (pairs[{a, b}]));
        if (layer > 0) {
          EXPECT_EQ(fields_["transitions"][key][size_t(a)][size_t(b)], (transitions[{a, b}]));
        }
      }
      EXPECT_EQ(fields_["summary"]["per_layer"][key]["share"][size_t(a)],
                double(total[size_t(a)]) / (24 * 33));
    }
  }
  EXPECT_FALSE(fields_["transitions"].contains("0"));
}

TEST_F(ExpertLoadTest, ColdExpertsAndWorkhorses) {
  const Json& one = fields_["summary"]["per_layer"]["1"];
  EXPECT_EQ(one["share"][4], 0.0);
  EXPECT_NE(std::find(one["cold"].begin(), one["cold"].end(), Json(4)), one["cold"].end());
  EXPECT_TRUE(one["vocabulary_specialisation"][4].is_null());
  EXPECT_FALSE(fields_["tokens_by_expert"]["1"].contains("4"));
  const Json& two = fields_["summary"]["per_layer"]["2"];
  EXPECT_EQ(two["share"][0], 1.0);
  // 2 k/E = 2/3: an expert that every token chooses is a workhorse.
  EXPECT_EQ(two["workhorses"][0], 0);
  EXPECT_EQ(two["max_over_mean"], 3.0);
  EXPECT_EQ(two["repeat_top1"]["mean"], 1.0);
  EXPECT_EQ(two["repeat_top1"]["null_popularity"], 1.0);
}

TEST_F(ExpertLoadTest, NullsOfRepetition) {
  const Json& layer = fields_["summary"]["per_layer"]["0"];
  EXPECT_EQ(layer["repeat_top1"]["null_uniform"], 1.0 / 6);
  EXPECT_NEAR(layer["repeat_any"]["null_uniform"].get<double>(), 1 - 6.0 / 15, 1e-15);
}

TEST_F(ExpertLoadTest, MostFrequentTokensInOrder) {
  std::map<int32_t, uint64_t> counts;
  for (size_t row = 0; row < 24 * 33; ++row) {
    for (int i = 0; i < 2; ++i) {
      if (set(0, row)[i] == 3) ++counts[model_.sets[0].ids[row]];
    }
  }
  std::vector<std::pair<int32_t, uint64_t>> expected(counts.begin(), counts.end());
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (expected.size() > 20) expected.resize(20);
  EXPECT_EQ(fields_["tokens_by_expert"]["0"]["3"], Json(expected));
}

TEST_F(ExpertLoadTest, ConvergenceFollowsTheSeededOrderAndEndsWithTheWhole) {
  const Json& layer = fields_["summary"]["per_layer"]["3"];
  const Json& curve = layer["convergence"];
  std::vector<size_t> sizes;
  for (const Json& row : curve) sizes.push_back(row["windows"].get<size_t>());
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 2, 5, 10, 20, 24}));
  EXPECT_EQ(curve[5]["entropy"], layer["entropy"]);
  EXPECT_EQ(curve[5]["cold"], layer["cold"].size());
  const auto order = draw_subset(24, 24, 42, Purpose::convergence_subset, 0, 0);
  uint64_t cold = 0;
  for (size_t e = 0; e < 6; ++e) {
    const uint64_t count = fields_["per_window"]["count"]["3"][order[0]][e].get<uint64_t>();
    cold += 100 * count < 33;
  }
  EXPECT_EQ(curve[0]["cold"], cold);
}

TEST(ExpertLoad, MeasuresAModelThatAlwaysSelectsEveryExpert) {
  Shape shape;
  shape.experts = 4;
  shape.k = 4;
  shape.layers = 2;
  const FakeModel model(shape, softmax_spec(4, 4), {});
  const Json fields = measure(model, model.setting(), "expert_load", {}).fields;
  const Json& layer = fields["summary"]["per_layer"]["0"];
  EXPECT_EQ(layer["share"], Json({1.0, 1.0, 1.0, 1.0}));
  EXPECT_NEAR(layer["entropy"].get<double>(), std::log(4.0), 1e-15);
  EXPECT_EQ(layer["repeat_any"]["null_uniform"], 1.0);
}

TEST(ExpertLoad, TransitionInformationOfACopyIsTheEntropyOfTheFirstChoice) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.logits = [](int, size_t row, std::span<float> logits) {
    std::fill(logits.begin(), logits.end(), 0.0f);
    logits[row % 5] = 9;  // the same first choice at both layers
    logits[(row + 1) % 5] = 8;
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "expert_load", {}).fields;
  double entropy = 0;
  for (const Json& count : fields["summary"]["per_layer"]["1"]["first_choice"]) {
    const double p = count.get<double>() / (24 * 33);
    if (p > 0) entropy -= p * std::log(p);
  }
  EXPECT_NEAR(fields["summary"]["per_layer"]["1"]["transition_mi"].get<double>(), entropy, 1e-12);
}

TEST(ExpertLoad, UnknownParametersAreRefusedWithTheKnownOnes) {
  const FakeModel model({}, softmax_spec(8, 2), {});
  Setting setting = model.setting();
  setting.parameters["bootstrp"] = 300;
  try {
    declaration("expert_load").make(setting);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::US003);
    EXPECT_NE(std::string(error.what()).find("bootstrap"), std::string::npos);
  }
}

}  // namespace
}  // namespace rg::experiments::testing
