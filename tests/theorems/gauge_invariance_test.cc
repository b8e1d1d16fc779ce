// Gauge invariance's functions report changes that are no gauge.
#include "theorems/gauge_invariance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "theorems/draws.h"
#include "theorems/one_bit.h"

namespace rg::theorems {
namespace {

struct RotatedKeys {
  Draws draws{0, "gauge invariance"};
  Tensor rotation = draws.rotation(8), stretched = rotation;
  Tensor keys = draws.normal(10, 8);
  RotatedKeys() { stretched.row(0) *= 1.001; }
};

TEST(GaugeInvariance, RefusesWhatIsNotARotation) {
  RotatedKeys s;
  Findings findings;
  score_invariance(s.draws.normal(5, 8), s.keys, s.stretched, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(GaugeInvariance, RefusesAPairThatChangesScores) {
  RotatedKeys s;
  Findings findings;
  score_keeping_pair(s.stretched, s.rotation, findings);
  ASSERT_EQ(findings.list().size(), 2u);
  EXPECT_FALSE(findings.list()[0].holds);
  EXPECT_FALSE(findings.list()[1].holds);
}

TEST(GaugeInvariance, SeesEveryPartOfAHeadThatIsLeftInItsOldGauge) {
  RotatedKeys s;
  const Head head{.query = s.draws.normal_vector(8),
                  .keys = s.keys,
                  .values = s.draws.normal(10, 6),
                  .output = s.draws.normal(12, 6)};
  const Head gauged = in_gauge(head, s.stretched, s.draws.rotation(6));
  Findings good;
  same_output(head, gauged, good);
  same_output_in_fp32(head, gauged, good);
  EXPECT_TRUE(good.all_hold());
  for (int part = 0; part < 4; ++part) {
    Head broken = gauged;
    if (part == 0) broken.query = head.query;
    if (part == 1) broken.keys = head.keys;
    if (part == 2) broken.values = head.values;
    if (part == 3) broken.output = head.output;
    Findings bad;
    same_output(head, broken, bad);
    same_output_in_fp32(head, broken, bad);
    EXPECT_FALSE(bad.list()[0].holds) << part;
    EXPECT_FALSE(bad.list()[1].holds) << part;
  }
}

TEST(GaugeInvariance, SeesALayerThatIsOnlyPartlyInItsGauge) {
  RotatedKeys s;
  const AttentionLayer layer{
      .heads = 2,
      .kv_heads = 1,
      .query = s.draws.normal(16, 10),
      .key = s.draws.normal(8, 10),
      .value = s.draws.normal(8, 10),
      .output = s.draws.normal(10, 16),
      .rotary = {.frequencies = standard_frequencies(4, 100), .unrotated = 0},
      .query_gauge = {},
      .key_gauge = {}};
  const Tensor router = s.draws.normal(6, 10), inputs = s.draws.normal(7, 10);
  const Tensor scores = router_scores(layer, router, inputs);
  AttentionLayer gauged = in_gauge(layer, {s.stretched}, {s.rotation});
  Findings good, bad;
  same_scores(scores, router_scores(gauged, router, inputs), good);
  gauged.output = layer.output;
  same_scores(scores, router_scores(gauged, router, inputs), bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(GaugeInvariance, CountsTokensThatChooseOtherExperts) {
  Tensor scores(2, 4), computed(2, 4);
  scores << 4, 3, 2, 1, 4, 3, 2.9, 1;
  computed << 4, 3, 2, 1, 4, 2.9, 3, 1;
  EXPECT_EQ(changed_sets(scores, computed, 2), 1);
  Findings findings;
  decided_sets_stay(scores, computed, 2, findings);  // the changed one was not decided
  EXPECT_TRUE(findings.all_hold());
  ASSERT_EQ(findings.list().size(), 2u);
  EXPECT_EQ(findings.list()[0].value, 1);
  Findings undecided;
  decided_sets_stay(scores, computed.array() - 10, 2, undecided);
  EXPECT_FALSE(undecided.all_hold());  // nothing is left to say
  computed(0, 3) = std::nan("");
  Findings lost;
  decided_sets_stay(scores, computed, 2, lost);
  EXPECT_FALSE(lost.all_hold());
}

TEST(GaugeInvariance, OnlySignedPermutationsKeepCosines) {
  RotatedKeys s;
  Findings good, bad;
  keeps_cosines(s.keys, s.draws.signed_permutation(8), good);
  keeps_cosines(s.keys, s.rotation, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(GaugeInvariance, SeesAQuantiserThatIsNotLossless) {
  RotatedKeys s;
  Findings findings;
  lossless_codec(
      s.keys, s.rotation, [](TensorView keys) { return mmse_code(keys); }, findings);
  EXPECT_FALSE(findings.all_hold());
}

TEST(GaugeInvariance, CodecErrorNeedsARotation) {
  RotatedKeys s;
  const Quantiser one_bit = [](TensorView keys) { return mmse_code(keys); };
  Findings good, bad;
  codec_error(s.keys, s.rotation, one_bit, good);
  codec_error(s.keys, s.stretched, one_bit, bad);
  EXPECT_TRUE(good.all_hold());
  EXPECT_FALSE(bad.all_hold());
}

TEST(GaugeInvariance, FoldingSeesAQuantiserThatIsNotAFunction) {
  RotatedKeys s;
  double drift = 1;
  Findings findings;
  folded_scores(
      s.draws.normal(5, 8), s.keys, s.rotation,
      [&drift](TensorView keys) { return Tensor((drift += 0.1) * keys); }, findings);
  EXPECT_FALSE(findings.all_hold());
}

}  // namespace
}  // namespace rg::theorems
