// attention_router: prompts and probes, by both conventions.
#include <gtest/gtest.h>

#include <cmath>

#include "experiments/attention_fixture.h"

namespace rg::experiments::testing::attention {
namespace {

TEST_F(AttentionTest, PromptsByBothConventions) {
  const Json& prompts = (*fields_)["prompts"];
  ASSERT_EQ(prompts.size(), 2u * 2u * 3u);  // prompts, conventions, layers
  const Reference reference(*model_);
  // The second prompt, last token (row 3 + 4 of the set), layer 2.
  const Json& exact = prompts[6 + 2];
  const Json& published = prompts[6 + 3 + 2];
  EXPECT_EQ(exact["convention"], "exact");
  EXPECT_EQ(exact["text"], "three");
  EXPECT_EQ(exact["position"], 4);
  EXPECT_EQ(exact["layer"], 2);
  const auto parts = reference.contributions(2, 7, 1);
  double norms = 0;
  for (const Vector& part : parts) norms += std::sqrt(dot(part, part));
  EXPECT_NEAR(exact["attention_ratio"].get<double>(), std::sqrt(dot(parts[1], parts[1])) / norms,
              1e-6);
  EXPECT_EQ(exact["attention_top"].get<long>(),
            std::max_element(parts[1].begin(), parts[1].end()) - parts[1].begin());
  EXPECT_EQ(exact["top"], model_->trace(2, 1).ranked[7 * (kK + 1)]);

  EXPECT_EQ(published["convention"], "published");
  const Vector direct = reference.project(2, reference.part(2, 7, 0, 2), false);
  const Vector entering =
      reference.project(2, reference.row(model_->trace(2, 2).residual_in, 7), false);
  Vector rest = entering;
  for (size_t e = 0; e < kE; ++e) rest[e] -= direct[e];
  EXPECT_NEAR(published["embed_norm"].get<double>(), std::sqrt(dot(direct, direct)), 1e-5);
  EXPECT_NEAR(published["attention_norm"].get<double>(), std::sqrt(dot(rest, rest)), 1e-5);
  EXPECT_EQ(published["top"].get<long>(),
            std::max_element(entering.begin(), entering.end()) - entering.begin());
  const Json& table = (*fields_)["summary"]["published_table"];
  EXPECT_EQ(table[0]["mean"], 0.0);
  const double a = prompts[3 + 2]["attention_ratio"].get<double>(),
               b = published["attention_ratio"].get<double>();
  EXPECT_NEAR(table[2]["mean"].get<double>(), (a + b) / 2, 1e-12);
  EXPECT_NEAR(table[2]["std"].get<double>(), std::fabs(a - b) / 2, 1e-12);
}

TEST_F(AttentionTest, ProbesNameTheTokenThatEachConventionReads) {
  const Json& probes = (*fields_)["probes"];
  ASSERT_EQ(probes.size(), 2u * 2u * 3u);
  EXPECT_EQ(probes[0]["context"], "a 127");
  EXPECT_EQ(probes[0]["token_id"], 10);  // located by offsets
  EXPECT_EQ(probes[3]["convention"], "published");
  EXPECT_EQ(probes[3]["token_id"], 9);  // the first piece: another token
  const Json& tests = (*fields_)["summary"]["context_tests"];
  EXPECT_EQ(tests["exact"]["cells"], 3);
  EXPECT_EQ(tests["exact"]["table"][0]["tops"], Json({probes[0]["top"], probes[6]["top"]}));
  EXPECT_EQ(tests["exact"]["layers"], Json({0, 1, 2}));
}

}  // namespace
}  // namespace rg::experiments::testing::attention
