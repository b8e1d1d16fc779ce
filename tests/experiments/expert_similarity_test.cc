#include "experiments/expert_similarity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "base/random.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

std::vector<float> random_matrix(uint32_t which, size_t size, double scale) {
  std::vector<float> values(size);
  for (uint32_t i = 0; i < size; ++i) values[i] = float(scale * normal(77, i, which, 0));
  return values;
}

ProjectionSimilarity compare(const std::vector<std::vector<float>>& matrices, size_t rows,
                             size_t columns) {
  ProjectionMatrices projection{{}, rows, columns};
  for (const auto& matrix : matrices) projection.of_expert.push_back(matrix.data());
  return compare_matrices({&projection, 1}, 2).front();
}

TEST(CompareMatrices, FindsTheRankOfWhatExpertsAddToTheirMean) {
  // W_e = common + part_e, parts of opposite sign in pairs: the mean is the common matrix.
  constexpr size_t kLong = 40, kShort = 24;
  for (const bool wide : {true, false}) {
    const size_t rows = wide ? kShort : kLong, columns = wide ? kLong : kShort;
    const std::vector<float> common = random_matrix(1, rows * columns, 1.0);
    std::vector<std::vector<float>> matrices(4, common);
    for (uint32_t e = 0; e < 4; ++e) {
      const uint32_t rank = 1 + 2 * (e / 2);  // 1 1 3 3
      const float sign = e % 2 == 0 ? 1.0f : -1.0f;
      // Equal energy in `rank` coordinate directions: all of them are needed for 95 %.
      for (uint32_t r = 0; r < rank; ++r) matrices[e][(r + 2) * columns + r] += 5.0f * sign;
    }
    const ProjectionSimilarity found = compare(matrices, rows, columns);
    EXPECT_EQ(found.rank95, (std::vector<uint32_t>{1, 1, 3, 3})) << wide;
    EXPECT_DOUBLE_EQ(found.rank95_share, 8.0 / (4 * kShort));
  }
}

TEST(CompareMatrices, LeavesDirectionsOfLittleEnergyOut) {
  std::vector<std::vector<float>> matrices(2, std::vector<float>(30 * 20, 0.0f));
  for (uint32_t e = 0; e < 2; ++e) {
    const float sign = e == 0 ? 1.0f : -1.0f;
    matrices[e][0] = 10 * sign;          // 100 of 105.25
    matrices[e][1 * 20 + 1] = 2 * sign;  // 4
    for (uint32_t i = 2; i < 7; ++i) matrices[e][i * 20 + i] = 0.5f * sign;
  }
  EXPECT_EQ(compare(matrices, 30, 20).rank95, (std::vector<uint32_t>{1, 1}));
  for (uint32_t e = 0; e < 2; ++e) matrices[e][1 * 20 + 1] *= 2;  // 100 of 117.25, then 16
  EXPECT_EQ(compare(matrices, 30, 20).rank95, (std::vector<uint32_t>{2, 2}));
}

TEST(CompareMatrices, EqualsCosinesComputedInFull) {
  std::vector<std::vector<float>> matrices;
  for (uint32_t e = 0; e < 3; ++e) matrices.push_back(random_matrix(10 + e, 12 * 9, 0.1 + e));
  for (size_t i = 0; i < 50; ++i) matrices[2][i] = matrices[0][i];
  double sum = 0, low = 1, high = -1;
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = a + 1; b < 3; ++b) {
      double ab = 0, aa = 0, bb = 0;
      for (size_t i = 0; i < 12 * 9; ++i) {
        ab += double(matrices[a][i]) * double(matrices[b][i]);
        aa += double(matrices[a][i]) * double(matrices[a][i]);
        bb += double(matrices[b][i]) * double(matrices[b][i]);
      }
      const double cosine = ab / std::sqrt(aa * bb);
      sum += cosine;
      low = std::min(low, cosine);
      high = std::max(high, cosine);
    }
  }
  const ProjectionSimilarity found = compare(matrices, 12, 9);
  EXPECT_NEAR(found.cosine_mean, sum / 3, 1e-12);
  EXPECT_NEAR(found.cosine_min, low, 1e-12);
  EXPECT_NEAR(found.cosine_max, high, 1e-12);
}

TEST(CompareMatrices, EqualExpertsDifferInNothing) {
  const std::vector<std::vector<float>> matrices(8, random_matrix(3, 12 * 9, 1.0));
  const ProjectionSimilarity found = compare(matrices, 12, 9);
  EXPECT_EQ(found.rank95, std::vector<uint32_t>(8, 0));
  EXPECT_DOUBLE_EQ(found.cosine_min, 1.0);
}

TEST(SimilarityVerdict, NeedsEveryLayerAndProjection) {
  EXPECT_STREQ(similarity_verdict(std::vector<double>{0.5, 0.9}), "upcycled");
  EXPECT_STREQ(similarity_verdict(std::vector<double>{0.5, 0.49}), "unclear");
  EXPECT_STREQ(similarity_verdict(std::vector<double>{0.1, -0.1}), "trained from scratch");
  EXPECT_STREQ(similarity_verdict(std::vector<double>{0.0, -0.11}), "unclear");
}

Json similarity_of(FakeModel& model, const Feeding& feeding) {
  Setting setting = model.setting();
  setting.parameters["expert_similarity"] = true;
  return measure(model, setting, "attention_router", feeding).fields.at("expert_similarity");
}

Shape twelve_experts() {
  Shape shape;
  shape.experts = 12;
  shape.layers = 5;
  shape.windows = 6;
  return shape;
}

TEST(ExpertSimilarity, RandomExpertsAreTrainedFromScratch) {
  FakeModel model(twelve_experts(), softmax_spec(12, 2), {});
  const Json found = similarity_of(model, {1, 4, false});
  EXPECT_EQ(found["verdict"], "trained from scratch");
  EXPECT_EQ(found["layers"], Json({0, 2, 4}));
  auto drawn = draw_subset(12, 8, 42, Purpose::drawn_experts, 0, 0);
  std::sort(drawn.begin(), drawn.end());
  EXPECT_EQ(found["experts"], Json(drawn));
  EXPECT_EQ(found["per_layer"].size(), 3u);
  for (const char* projection : {"gate", "up", "down"}) {
    const Json& of = found["per_layer"]["2"][projection];
    EXPECT_EQ(of["rank95"].size(), 8u);
    EXPECT_GT(of["rank95_share"].get<double>(), 0.6);  // noise fills its matrix
    EXPECT_LT(std::fabs(of["cosine_mean"].get<double>()), 0.05);
  }
  EXPECT_EQ(similarity_of(model, {3, 1, true}), found);
}

TEST(ExpertSimilarity, CopiesWithALittleNoiseAreUpcycled) {
  FakeModel model(twelve_experts(), softmax_spec(12, 2), {});
  const auto noise = model.matrix;
  model.matrix = [noise](int layer, int32_t expert, uint32_t projection) {
    std::vector<float> values = noise(layer, 0, projection);
    const std::vector<float> own = noise(layer, expert + 1, projection);
    for (size_t i = 0; i < values.size(); ++i) values[i] += 0.2f * own[i];
    return values;
  };
  const Json found = similarity_of(model, {1, 4, false});
  EXPECT_EQ(found["verdict"], "upcycled");
  EXPECT_GT(found["per_layer"]["4"]["down"]["cosine_min"].get<double>(), 0.8);
  // One projection of one layer that disagrees is enough for doubt.
  const auto copies = model.matrix;
  model.matrix = [&](int layer, int32_t expert, uint32_t projection) {
    return layer == 2 && projection == 1 ? noise(layer, expert, projection)
                                         : copies(layer, expert, projection);
  };
  EXPECT_EQ(similarity_of(model, {1, 4, false})["verdict"], "unclear");
}

TEST(ExpertSimilarity, TakesFewerLayersAndExpertsWhereThereAreFewer) {
  Shape shape;
  shape.experts = 4;
  shape.layers = 2;
  shape.windows = 6;
  FakeModel model(shape, softmax_spec(4, 2), {});
  const Json found = similarity_of(model, {1, 4, false});
  EXPECT_EQ(found["layers"], Json({0, 1}));
  EXPECT_EQ(found["experts"], Json({0, 1, 2, 3}));
}

TEST(ExpertSimilarity, IsOffUnlessAskedForAndInThePlan) {
  FakeModel model(twelve_experts(), softmax_spec(12, 2), {});
  Setting setting = model.setting();
  const auto without = declaration("attention_router").make(setting);
  EXPECT_TRUE(without->wanted_experts(0).empty());
  EXPECT_FALSE(
      measure(model, setting, "attention_router", {}).fields.contains("expert_similarity"));
  setting.parameters["expert_similarity"] = true;
  const auto with = declaration("attention_router").make(setting);
  EXPECT_EQ(with->wanted_experts(0).size(), 8u);
  EXPECT_TRUE(with->wanted_experts(1).empty());
  // One layer's copies of 8 experts, three matrices each, and a worker's Gram matrix, twice, with
  // 128 columns of its factor.
  EXPECT_EQ(with->needs().held_bytes - without->needs().held_bytes,
            8u * 3 * 24 * 10 * 4 + 10 * (2 * 10 + 128) * 8);
}

}  // namespace
}  // namespace rg::experiments::testing
