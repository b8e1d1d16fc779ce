// Where keys determine the route there is no certificate, and the makers say why; and where fp64
// sees no difference, exact arithmetic still does.
#include <gtest/gtest.h>

#include <algorithm>

#include "certificates/makers.h"
#include "python_check.h"
#include "questions.h"

namespace rg::certificates {
namespace {

// Small whole numbers, so that sums of few of them are exact in fp32; all gains 1.
Layer whole_layer(uint32_t keys, uint32_t width, uint32_t experts, uint32_t top_k, uint32_t seed) {
  Layer layer = random_layer(keys, width, experts, top_k, seed);
  for (float& value : layer.key_weights) value = std::round(200 * value);
  for (float& value : layer.router_weights) value = std::round(200 * value);
  layer.key_gains.assign(width, 1);
  layer.router_gains.assign(width, 1);
  return layer;
}

// The router's rows become combinations of keys, plus one row for all.
void route_by_keys(Layer& layer) {
  for (uint32_t i = 0; i < layer.experts; ++i) {
    for (uint32_t j = 0; j < layer.width; ++j) {
      float sum = static_cast<float>(j);
      for (uint32_t row = 0; row < layer.keys; ++row) {
        sum += static_cast<float>((i * 5 + row * 3) % 7) * layer.key(row, j);
      }
      layer.router(i, j) = sum;
    }
  }
}

TEST(Missing, SquareKeysDetermineTheInput) {
  for (const uint32_t keys : {10u, 13u}) {
    const Layer layer = random_layer(keys, 10, 6, 2, 3);
    EXPECT_EQ(make_exact(layer.question()).missing, Missing::keys_determine_input);
    EXPECT_FALSE(make_exact(layer.question()).certificate);
  }
  const Layer square = random_layer(10, 10, 6, 2, 3);
  EXPECT_EQ(make_enclosed(square.question()).missing, Missing::keys_determine_input);
  EXPECT_FALSE(make_enclosed(square.question()).certificate);
}

TEST(Missing, ARouterMadeOfKeysIsRecognised) {
  Layer layer = whole_layer(6, 20, 5, 2, 4);
  route_by_keys(layer);
  EXPECT_EQ(make_exact(layer.question()).missing, Missing::router_in_keys);
  EXPECT_FALSE(make_exact(layer.question()).certificate);
  EXPECT_EQ(make_enclosed(layer.question()).missing, Missing::router_in_keys);
  EXPECT_FALSE(make_enclosed(layer.question()).certificate);
}

TEST(Missing, ExactArithmeticSeesWhatFp64DoesNot) {
  Layer layer = whole_layer(6, 20, 5, 2, 4);
  route_by_keys(layer);
  for (uint32_t i = 0; i < 5; ++i) layer.router(i, 2) = layer.key(0, 2) = 0;
  for (uint32_t row = 1; row < 6; ++row) layer.key(row, 2) = 0;
  layer.router(3, 2) = 0x1p-100f;  // the only thing that the keys don't say
  const auto made = make_exact(layer.question());
  ASSERT_TRUE(made.certificate);
  EXPECT_EQ(fault_of(layer.question(), *made.certificate), "");
  EXPECT_TRUE(python_accepts(layer, to_json(*made.certificate)));
  EXPECT_FALSE(make_enclosed(layer.question()).certificate);
}

TEST(Missing, DependentKeysHaveExactCertificatesOnly) {
  Layer repeated = random_layer(6, 16, 5, 2, 5);
  for (uint32_t j = 0; j < 16; ++j) repeated.key(4, j) = 2 * repeated.key(1, j);
  Layer none = random_layer(3, 16, 5, 2, 6);
  none.key_weights.assign(none.key_weights.size(), 0);
  Layer many = random_layer(12, 8, 5, 2, 7);  // more rows than columns, rank 4
  for (uint32_t row = 4; row < 12; ++row) {
    for (uint32_t j = 0; j < 8; ++j) many.key(row, j) = many.key(row % 4, j) / 2;
  }
  for (const Layer& layer : {repeated, none, many}) {
    const auto made = make_exact(layer.question());
    ASSERT_TRUE(made.certificate) << name(made.missing);
    EXPECT_EQ(fault_of(layer.question(), *made.certificate), "");
    EXPECT_TRUE(python_accepts(layer, to_json(*made.certificate)));
    EXPECT_EQ(make_enclosed(layer.question()).missing, Missing::keys_dependent);
  }
}

TEST(Missing, NearlyDependentKeysAreIndependent) {
  Layer layer = random_layer(6, 16, 5, 2, 5);
  for (uint32_t j = 0; j < 16; ++j) layer.key(4, j) = layer.key(1, j);
  layer.key(1, 7) = 0;
  layer.key(4, 7) = 0x1p-100f;  // beyond what fp64 sees: its choice of columns doesn't hold
  const auto made = make_exact(layer.question());
  ASSERT_TRUE(made.certificate) << name(made.missing);
  EXPECT_EQ(std::ranges::count(made.certificate->columns, 7u), 0);
  EXPECT_EQ(fault_of(layer.question(), *made.certificate), "");
  EXPECT_TRUE(python_accepts(layer, to_json(*made.certificate)));
  // As many independent rows as columns leave nothing, seen or not.
  Layer square = random_layer(6, 6, 5, 2, 5);
  for (uint32_t j = 0; j < 6; ++j) square.key(4, j) = square.key(1, j);
  square.key(1, 2) = 0;
  square.key(4, 2) = 0x1p-100f;
  EXPECT_EQ(make_exact(square.question()).missing, Missing::keys_determine_input);
}

TEST(Missing, TiedLogitsFollowTheGatesOrder) {
  Layer layer = random_layer(4, 12, 4, 2, 8);
  for (uint32_t i = 1; i < 4; ++i) {
    for (uint32_t j = 0; j < 12; ++j) layer.router(i, j) = 0;
  }
  // One logit differs from three equal ones: tied at the boundary at one sign at least.
  const auto made = make_exact(layer.question());
  ASSERT_TRUE(made.certificate);
  EXPECT_EQ(std::min(made.certificate->set_gap, made.certificate->opposite_gap), 0);
  const std::vector<uint32_t> with{0, 1}, without{1, 2};
  EXPECT_TRUE((made.certificate->set == with && made.certificate->opposite_set == without) ||
              (made.certificate->set == without && made.certificate->opposite_set == with));
  EXPECT_TRUE(python_accepts(layer, to_json(*made.certificate)));
  EXPECT_EQ(make_enclosed(layer.question()).missing, Missing::within_error);
}

TEST(Missing, ATokenThatItsKeysDecide) {
  const Layer layer = random_layer(8, 24, 6, 2, 1);
  std::vector<float> x0(24);
  for (uint32_t j = 0; j < 24; ++j)
    x0[j] = layer.key_weights[j] * layer.key_gains[j];  // a row of K
  EXPECT_EQ(make_on_manifold(layer.question(), x0).missing, Missing::keys_decide_token);
  EXPECT_FALSE(make_on_manifold(layer.question(), x0).certificate);
  const std::vector<float> zero(24);
  EXPECT_EQ(make_on_manifold(layer.question(), zero).missing, Missing::tied);
  // Square keys leave nothing hidden.
  const Layer square = random_layer(10, 10, 6, 2, 3);
  EXPECT_EQ(make_on_manifold(square.question(), std::span(x0).first(10)).missing,
            Missing::keys_decide_token);
}

}  // namespace
}  // namespace rg::certificates
