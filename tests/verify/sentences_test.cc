// The one sentence of a verdict: plain words, the number, no code names.
#include <gtest/gtest.h>

#include <algorithm>

#include "verify/artifacts.h"

namespace rg::verify::testing {
namespace {

TEST(Sentence, AttentionSaysItsRangeAndWhatThatIs) {
  EXPECT_EQ(judge(make_attention_router({})).sentence,
            "Attention decides 63 % of the router's choice at layers 3, 5; it is balanced (50"
            " to 80 %) at all of them.");
}

TEST(Sentence, LoadNamesTheBusiestExpert) {
  EXPECT_EQ(judge(make_expert_load({})).sentence,
            "The busiest expert, at layer 5, gets 1.72 times as many tokens as the mean of "
            "its layer; 0 of the 24 experts in layers 1, 3, 5 get less than 1 % of the "
            "tokens.");
}

TEST(Sentence, ChartCompatibilitySaysHowMuchAtLeast) {
  EXPECT_EQ(judge(make_chart_compatibility({})).sentence,
            "At all 3 layers the two experts competing at a routing boundary are more alike "
            "there than in the interior (kappa lower by at least 0.0343) and than a random "
            "pair (by at least 0.0625). Swapping them would change the layer's output by 90.1"
            " to 91.0 %.");
}

TEST(Sentence, TheTerminalScanSaysTheDropInPercentagePoints) {
  EXPECT_EQ(judge(make_terminal_ovk_scan({})).sentence,
            "Routing again after its own update, the last MoE layer would keep 41.6 "
            "percentage points less of its choice than the layer before (at least 41.1): the "
            "largest drop of all layers in 100 % of resamples.");
}

TEST(Sentence, ATerminalLayerWithoutADropExcludesOne) {
  Json artifact = make_terminal_ovk_scan({});
  for (const char* array : {"ovk_cf_mean", "swap_k_mean", "n_undefined"}) {
    artifact["per_window"][array]["5"] = artifact["per_window"][array]["1"];
  }
  complete(artifact);
  EXPECT_EQ(judge(artifact).sentence,
            "Not shown: that the last MoE layer, routing again after its own update, would "
            "keep less of its choice than the layer before (difference +2.0 percentage "
            "points; any drop is excluded).");
}

TEST(Sentence, ADropThatIsNotTheLargestSaysSo) {
  Json artifact = make_terminal_ovk_scan({});
  Json& overlap = artifact["per_window"]["ovk_cf_mean"];
  for (size_t w = 0; w < 200; ++w) {
    overlap["1"][w] = 1.0;
    overlap["3"][w] = 0.5;
    overlap["5"][w] = 0.0;
  }
  complete(artifact);
  EXPECT_EQ(judge(artifact).sentence,
            "Routing again after its own update, the last MoE layer would keep 50.0 "
            "percentage points less of its choice than the layer before, but that is the "
            "largest drop of all layers in only 0.0 % of resamples; 95 % are needed.");
}

TEST(Sentence, TooFewWindowsAreCounted) {
  EXPECT_EQ(judge(make_terminal_ovk_scan({.windows = 199})).sentence,
            "Only 199 windows were measured; a verdict needs 200.");
}

}  // namespace
}  // namespace rg::verify::testing
