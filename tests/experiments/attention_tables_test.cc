// attention_router: the table of sources, the geometry of the router, the hypotheses.
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "experiments/attention_fixture.h"

namespace rg::experiments::testing::attention {
namespace {

TEST_F(AttentionTest, SourceTableSplitsEveryLayersPart) {
  for (int layer = 0; layer < 3; ++layer) {
    const Json& table = (*fields_)["source_table"][std::to_string(layer)];
    EXPECT_EQ(table["attention"].size(), size_t(layer) + 1);
    EXPECT_EQ(table["experts"].size(), size_t(layer));
    EXPECT_EQ(table["positions"], 24 * 4);
    double sum = table["embedding"].get<double>();
    for (const Json& share : table["attention"]) sum += share.get<double>();
    for (const Json& share : table["experts"]) sum += share.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
  // One entry from the definition: what the experts of layer 0 write for the gate of layer 2.
  const Reference reference(*model_);
  double num = 0, den = 0;
  for (uint32_t w = 0; w < 24; ++w) {
    for (const uint32_t t : draw_subset(kT, 4, 42, Purpose::sampled_positions, w, 0)) {
      const auto parts = reference.contributions(2, at(w, t));
      const Vector total = plus(plus(parts[0], parts[1]), parts[2]);
      Vector v = reference.project(2, reference.row(model_->trace(0, 0).update, at(w, t)), true);
      const double r = Reference::scale(reference.row(model_->trace(2, 0).residual_pre, at(w, t)));
      for (double& value : v) value *= r;
      num += dot(centred(v), total);
      den += dot(total, total);
    }
  }
  EXPECT_NEAR((*fields_)["source_table"]["2"]["experts"][0].get<double>(), num / den, 1e-5);
}

TEST(Attention, LayersThatAreNotMeasuredStillFeedTheSourceTable) {
  Shape shape;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = full_setting(model);
  const Json all = measure(model, setting, "attention_router", {}).fields;
  setting.layers = {3};
  setting.parameters["convention"] = "published";
  setting.parameters["source_positions"] = 4;
  const Json some = measure(model, setting, "attention_router", {}).fields;
  EXPECT_EQ(some["source_table"]["3"], all["source_table"]["3"]);
  EXPECT_EQ(some["per_window"]["val"]["attention"]["3"],
            all["per_window"]["val"]["attention"]["3"]);
  EXPECT_EQ(some["convention"], "published");
  EXPECT_EQ(some["verification"]["required_layers"], Json({3}));
  EXPECT_EQ(some["summary"]["verdict"]["published"]["layers"], Json({3}));
}

TEST_F(AttentionTest, GeometryOfTheRouter) {
  const LayerWeights& weights = model_->weights(1);
  double squares = 0, first = 0;
  for (const float w : weights.router) squares += double(w) * double(w);
  for (const Json& s : (*fields_)["gate_geometry"]["1"]["singular_values"]) {
    first += std::pow(s.get<double>(), 2);
  }
  EXPECT_NEAR(first, squares, 1e-9);  // the Frobenius norm
  EXPECT_LE((*fields_)["gate_geometry"]["1"]["entropy_rank"].get<double>(), 8.0);
}

TEST(Attention, GeometryOfOrthogonalAndOfEqualRows) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.weights = [](int layer, LayerWeights& weights) {
    for (size_t i = 0; i < weights.router.size(); ++i) {
      const size_t e = i / 24, j = i % 24;
      weights.router[i] = layer == 0 ? (e == j ? 2.0f : 0.0f) : float(j + 1) * float(e + 1);
    }
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "attention_router", {}).fields;
  const Json &orthogonal = fields["gate_geometry"]["0"], &equal = fields["gate_geometry"]["1"];
  EXPECT_NEAR(orthogonal["entropy_rank"].get<double>(), 8.0, 1e-9);
  EXPECT_EQ(orthogonal["rank95"], 8);
  EXPECT_EQ(orthogonal["cosine"]["max"], 0.0);
  EXPECT_NEAR(equal["entropy_rank"].get<double>(), 1.0, 1e-9);
  EXPECT_EQ(equal["rank95"], 1);
  EXPECT_EQ(equal["rank95_share"], 0.125);
  EXPECT_NEAR(equal["cosine"]["min"].get<double>(), 1.0, 1e-12);
  EXPECT_EQ(fields["prompts"].size(), 0u);  // none were given
  EXPECT_TRUE(fields["summary"]["verdict"]["published"]["all_layers"]["mean"].is_null());
}

Json verdict_with(float attention, float experts, const std::vector<int>& layers) {
  Shape shape;
  shape.windows = 60;
  FakeModel::Hooks hooks;
  hooks.attention_scale = [attention](int) { return attention; };
  hooks.expert_scale = [experts](int) { return experts; };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  Setting setting = full_setting(model);
  setting.layers = layers;
  return measure(model, setting, "attention_router", {}).fields["summary"];
}

TEST(Attention, HypothesesFollowWhoWritesTheResidual) {
  const Json attention = verdict_with(5.0f, 0.1f, {0, 1, 2, 3});
  EXPECT_EQ(attention["verdict"]["exact"], "H1");
  EXPECT_EQ(attention["verdict"]["published_ratio"], "H1");
  EXPECT_EQ(attention["convergence"]["verdict"], "H1");
  EXPECT_EQ(attention["convergence"]["settled_at"], 50);
  EXPECT_GT(attention["convergence"]["z"].get<double>(), 0.0);
  // Layer 0 is 0 by construction: it turns the published mean from H1 into something else.
  EXPECT_EQ(attention["verdict"]["published"]["without_first"]["label"], "H1");
  EXPECT_NE(attention["verdict"]["published"]["all_layers"]["label"], "H1");
  EXPECT_EQ(attention["verdict"]["published"]["layers"], Json({0, 2, 3}));

  // Experts write: "not the embedding" is not "attention".
  const Json experts = verdict_with(0.02f, 6.0f, {0, 1, 2, 3});
  EXPECT_EQ(experts["verdict"]["exact"], "H3");
  EXPECT_EQ(experts["verdict"]["published_ratio"], "H1");
}

TEST(Attention, TheFirstLayerAloneLeavesNothingToJudge) {
  Shape shape;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = full_setting(model);
  setting.layers = {0};
  const Json fields = measure(model, setting, "attention_router", {}).fields;
  EXPECT_EQ(fields["verification"]["required_layers"], Json::array());
  EXPECT_EQ(fields["summary"]["verdict"]["exact"], "inconclusive");
  EXPECT_EQ(fields["summary"]["verdict"]["published"]["without_first"]["label"], "inconclusive");
  EXPECT_TRUE(fields["summary"]["convergence"]["z"].is_null());
}

}  // namespace
}  // namespace rg::experiments::testing::attention
