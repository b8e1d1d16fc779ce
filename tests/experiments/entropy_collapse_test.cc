// The spread of a family's outputs: arrays, their means, and their changes along the edges.
#include "experiments/family/entropy_collapse.h"

#include <gtest/gtest.h>

#include "experiments/fake_engine.h"
#include "experiments/family_fixture.h"

namespace rg::experiments::testing {
namespace {

// Every checkpoint is sharper than the one before.
ThreeLogits sharper(size_t c, size_t w) {
  ThreeLogits logits;
  for (uint32_t i = 0; i < 3; ++i) {
    logits[i] =
        static_cast<float>(static_cast<double>(c + 1) * normal(4, static_cast<uint32_t>(w), i, 0));
  }
  return logits;
}

TEST(EntropyCollapse, ArraysAreTheRecordsValues) {
  const FamilyDomain domain("prose", 30, 3, sharper);
  const FamilyFacts family = three_checkpoints(2);
  const Json fields = reduce_entropy_collapse(family, {&domain.outputs(), 1}).fields;
  const Json& arrays = fields["per_window"]["prose"];
  for (size_t c = 0; c < 3; ++c) {
    const OutputRecord& record = *domain.outputs().of_checkpoint[c];
    for (size_t w = 0; w < 30; ++w) {
      const auto value = [&](const char* quantity) {
        return arrays[quantity][family.ckpts[c]][w].get<double>();
      };
      EXPECT_EQ(value("H"), record.entropy()[w]);
      EXPECT_EQ(value("V"), record.varentropy()[w]);
      EXPECT_EQ(value("H2"), record.collision_entropy()[w]);
      EXPECT_EQ(value("loss"), record.loss()[w]);
      EXPECT_EQ(value("gap"), record.loss()[w] - record.entropy()[w]);
      EXPECT_LE(value("H2"), value("H"));
    }
  }
  EXPECT_EQ(fields["edges"].size(), 2);
  EXPECT_FALSE(fields.contains("null_reasons"));
}

TEST(EntropyCollapse, SummaryFollowsFromTheArraysOfEachDomain) {
  const FamilyDomain prose("prose", 60, 3, sharper);
  const FamilyDomain code("code", 40, 3, [](size_t c, size_t w) { return sharper(2 - c, w + 60); });
  const DomainOutputs domains[] = {prose.outputs(), code.outputs()};
  const FamilyFacts family = three_checkpoints(2);
  const Json fields = reduce_entropy_collapse(family, domains).fields;
  for (const char* const domain : {"prose", "code"}) {
    const Json& arrays = fields["per_window"][domain];
    const stats::CountTable table(arrays["H"]["base"].size(), family.replicates, family.seed, 0);
    for (const char* const quantity : {"H", "V", "H2", "loss", "gap"}) {
      const auto before = arrays[quantity]["sft"].get<std::vector<double>>();
      auto values = arrays[quantity]["dpo"].get<std::vector<double>>();
      const auto mean = stats::mean_replicates(table, values);
      const Json& stated = fields["summary"]["per_domain"][domain]["dpo"][quantity];
      EXPECT_EQ(stated["mean"].get<double>(), mean.estimate);
      EXPECT_EQ(stated["ci95"], Json(*stats::percentile_interval(mean.values)));
      for (size_t w = 0; w < values.size(); ++w) values[w] -= before[w];
      const auto change = stats::mean_replicates(table, values);
      const Json& edge = fields["summary"]["edges"][domain]["sft__to__dpo"][quantity];
      EXPECT_EQ(edge["delta"].get<double>(), change.estimate);
      EXPECT_EQ(edge["ci95"], Json(*stats::percentile_interval(change.values)));
      EXPECT_TRUE(edge.contains("ci95_bca") && edge.contains("ci95_t"));
    }
  }
  const Json& edges = fields["summary"]["edges"];
  EXPECT_LT(edges["prose"]["base__to__sft"]["H"]["ci95"][1].get<double>(), 0);  // it collapses
  EXPECT_GT(edges["code"]["base__to__sft"]["H"]["ci95"][0].get<double>(), 0);
  EXPECT_EQ(fields["summary"]["bootstrap"]["B"], 200);
}

}  // namespace
}  // namespace rg::experiments::testing
