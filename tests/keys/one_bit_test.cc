// Sums and aggregates against values worked out by hand and the theorems' fp64 versions.
#include "keys/one_bit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "keys/block_sums.h"
#include "samples.h"
#include "theorems/one_bit.h"

namespace rg::keys {
namespace {

linear::Matrix identity(uint32_t d) { return linear::Matrix::Identity(d, d); }

std::vector<CodeSums> sums_of(const KeySet& set, const linear::Matrix& gauge) {
  return code_sums(PackedKeys(set.values, set.width, PackedKeys::Use::turn), gauge, set.documents);
}

Aggregates aggregates_in(const KeySet& set, const linear::Matrix& gauge) {
  return aggregates_of(total_of(sums_of(set, gauge))).value();
}

TEST(OneBit, AggregatesByHandAndAllDifferent) {
  theorems::Tensor keys(2, 2);
  keys << 3.0, -4.0, 5.0, 0.0;  // energy 50; row sums 7 and 5, column sums 8 and 4, total 12
  const Aggregates found = aggregates_in(sample_of(keys).set(), identity(2));
  EXPECT_NEAR(found.mean_cosine, (7.0 / 5 + 1) / (2 * std::sqrt(2.0)), 1e-15);
  EXPECT_NEAR(found.beta_per_key, (49.0 + 25) / (2 * 50), 1e-15);
  EXPECT_NEAR(found.beta_per_channel, (64.0 + 16) / (2 * 50), 1e-15);
  EXPECT_NEAR(found.beta_pooled, 144.0 / (4 * 50), 1e-15);
}

TEST(OneBit, EqualTheTheoremsVersionsInAnyGauge) {
  for (const uint32_t d : {3u, 16u, 40u, 128u}) {
    const Sample sample = uneven_sample(d, 700, d);
    theorems::Draws draws(d, "gauge");
    const linear::Matrix gauge = draws.rotation(d);
    const theorems::Tensor turned = theorems::turned(sample.tensor(), theorems::Tensor(gauge));
    const Aggregates found = aggregates_in(sample.set(), gauge);
    EXPECT_NEAR(found.mean_cosine, theorems::mean_cosine(turned), 1e-6) << d;
    EXPECT_NEAR(found.beta_per_key, theorems::beta_per_key(turned), 1e-6) << d;
    EXPECT_NEAR(found.beta_per_channel, theorems::beta_per_channel(turned), 1e-6) << d;
    EXPECT_NEAR(found.beta_pooled, theorems::beta_pooled(turned), 1e-6) << d;
  }
}

TEST(OneBit, KeysOnTheLatticeReachOneAndOneHotKeysTheFloor) {
  theorems::Draws draws(1, "lattice");
  const Aggregates lattice = aggregates_in(sample_of(3 * draws.signs(9, 8)).set(), identity(8));
  EXPECT_DOUBLE_EQ(lattice.mean_cosine, 1);
  EXPECT_DOUBLE_EQ(lattice.beta_per_key, 1);
  EXPECT_DOUBLE_EQ(lattice.beta_per_channel, 1);
  EXPECT_DOUBLE_EQ(lattice.beta_pooled, 1);
  const theorems::Tensor hot = theorems::Tensor::Identity(1, 16) * -2;
  EXPECT_DOUBLE_EQ(aggregates_in(sample_of(hot).set(), identity(16)).mean_cosine, 0.25);
}

TEST(OneBit, DocumentsAddUpInAnyWeighting) {
  const Sample sample = uneven_sample(2, 2500, 130, 300);  // documents across blocks
  const KeySet set = sample.set();
  const std::vector<CodeSums> documents = sums_of(set, identity(130));
  ASSERT_EQ(documents.size(), 9u);
  EXPECT_EQ(documents[8].keys, 100);
  // Document 3 twice, document 8 once, the rest not drawn: as if those rows were all there is.
  std::vector<double> weights(9, 0);
  weights[3] = 2;
  weights[8] = 1;
  const theorems::Tensor all = sample.tensor();
  theorems::Tensor drawn(700, 130);
  drawn << all.middleRows(900, 300), all.middleRows(900, 300), all.middleRows(2400, 100);
  const Aggregates found = aggregates_of(documents, weights).value();
  EXPECT_NEAR(found.mean_cosine, theorems::mean_cosine(drawn), 1e-6);
  EXPECT_NEAR(found.beta_per_key, theorems::beta_per_key(drawn), 1e-6);
  EXPECT_NEAR(found.beta_per_channel, theorems::beta_per_channel(drawn), 1e-6);
  EXPECT_NEAR(found.beta_pooled, theorems::beta_pooled(drawn), 1e-6);
}

TEST(OneBit, ZeroKeysAreDroppedAndCounted) {
  theorems::Tensor keys = theorems::Tensor::Zero(4, 3);
  keys.row(2) << 1.0, -2.0, 2.0;
  const CodeSums sums = total_of(sums_of(sample_of(keys).set(), identity(3)));
  EXPECT_EQ(sums.keys, 1);
  EXPECT_EQ(sums.zero_keys, 3);
  EXPECT_NEAR(aggregates_of(sums)->mean_cosine, 5 / (3 * std::sqrt(3.0)), 1e-15);
  EXPECT_NEAR(aggregates_of(sums)->beta_pooled, 25.0 / 27, 1e-15);  // n = 1, not 4
}

TEST(OneBit, NothingWithoutAKey) {
  EXPECT_FALSE(aggregates_of(CodeSums{}).has_value());
  const Sample zeros = sample_of(theorems::Tensor::Zero(5, 4));
  EXPECT_FALSE(aggregates_of(total_of(sums_of(zeros.set(), identity(4)))).has_value());
}

TEST(OneBit, SignedPermutationsAndOrderOfKeysChangeNothing) {
  const Sample sample = uneven_sample(3, 200, 12);
  theorems::Draws draws(3, "permutation");
  const Aggregates plain = aggregates_in(sample.set(), identity(12));
  const Aggregates moved = aggregates_in(sample.set(), draws.signed_permutation(12));
  const theorems::Tensor back = sample.tensor().colwise().reverse();
  const Aggregates reversed = aggregates_in(sample_of(back).set(), identity(12));
  for (const Aggregates& other : {moved, reversed}) {
    EXPECT_NEAR(other.mean_cosine, plain.mean_cosine, 1e-12);
    EXPECT_NEAR(other.beta_per_key, plain.beta_per_key, 1e-12);
    EXPECT_NEAR(other.beta_per_channel, plain.beta_per_channel, 1e-12);
    EXPECT_NEAR(other.beta_pooled, plain.beta_pooled, 1e-12);
  }
}

TEST(OneBit, SignOfZeroIsPlusOne) {
  std::vector<float> turned(2 * kLanes, 0.0f), weights(kLanes, 3.0f);
  turned[1] = -0.0f;
  turned[2] = -1e-40f;
  turned[3] = 5.0f;
  turned[kLanes] = -7.0f;
  weights[0] = 2.0f;
  put_weighted_signs(turned, weights);
  EXPECT_EQ(turned[0], 2);
  EXPECT_EQ(turned[1], 3);
  EXPECT_EQ(turned[2], -3);
  EXPECT_EQ(turned[3], 3);
  EXPECT_EQ(turned[kLanes], -2);
}

TEST(Halves, DocumentsOfEvenIndexAreFittedOn) {
  Sample sample = uneven_sample(4, 7, 2);
  sample.documents = {0, 0, 3, 4, 4, 7, 8};
  const Halves halves = halves_of(sample.view());
  ASSERT_EQ(halves.fit.documents.size(), 3u);
  ASSERT_EQ(halves.held_out.documents.size(), 2u);
  EXPECT_EQ(halves.fit.documents[1].index, 4u);
  EXPECT_EQ(halves.fit.documents[1].begin, 2u);
  EXPECT_EQ(halves.fit.documents[1].end, 4u);
  EXPECT_EQ(halves.fit.row(4)[1], sample.values[13]);
  EXPECT_EQ(halves.held_out.row(1)[0], sample.values[10]);
}

TEST(Halves, RefuseKeysThatDontFit) {
  Sample sample = uneven_sample(5, 4, 2);
  sample.documents = {0, 2, 1, 3};
  EXPECT_ANY_THROW(halves_of(sample.view()));
  sample.documents = {0, 1, 2};
  EXPECT_ANY_THROW(halves_of(sample.view()));
  sample.documents = {0, 1, 2, 3};
  EXPECT_NO_THROW(halves_of(sample.view()));
  sample.values[3] = std::nanf("");
  EXPECT_ANY_THROW(halves_of(sample.view()));
}

}  // namespace
}  // namespace rg::keys
