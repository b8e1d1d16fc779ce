// Drift and forgetting along the edges of a family: arrays, intervals, adjusted p values, verdicts.
#include "experiments/family/kl_edge_dominance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "experiments/fake_engine.h"
#include "experiments/family_fixture.h"
#include "stats/holm.h"

namespace rg::experiments::testing {
namespace {

// Every checkpoint gives the next token a lower logit than the one before, by `step` and some
// noise of the window and the checkpoint.
LogitsOf steps(uint64_t seed, float step) {
  return [=](size_t c, size_t w) {
    const auto at = static_cast<uint32_t>(w);
    const auto noise = [&](uint32_t which) {
      return static_cast<float>(normal(seed, at, which, static_cast<uint32_t>(c)));
    };
    const float base = 1 + static_cast<float>(normal(seed, at, 0, 99));
    if (c == 0) return ThreeLogits{base, 0, 0.5f};
    const float lower = static_cast<float>(c) * step;
    return ThreeLogits{base - lower + 0.1f * noise(1), 0.1f * noise(2), 0.5f + 0.1f * noise(3)};
  };
}

Json reduce(const FamilyFacts& family, std::span<const DomainOutputs> domains) {
  return reduce_kl_edge_dominance(family, domains).fields;
}

std::vector<double> numbers(const Json& array) { return array.get<std::vector<double>>(); }

std::vector<double> copy_of(std::span<const double> values) {
  return {values.begin(), values.end()};
}

TEST(KlEdgeDominance, ArraysAreTheRecordsValuesAndTheirDifferencesFromTheBase) {
  const FamilyDomain domain("prose", 40, 3, steps(1, 0.5f));
  const Json fields = reduce(three_checkpoints(3), {&domain.outputs(), 1});
  EXPECT_EQ(fields["layers"], Json::array());
  EXPECT_EQ(fields["verification"]["required_layers"], Json::array());
  EXPECT_EQ(fields["edges"], Json::parse(R"([{"from": "base", "to": "sft"},
                                             {"from": "sft", "to": "dpo"}])"));
  EXPECT_EQ(fields["kl_direction"], "theta||base");
  const Json& arrays = fields["per_window"]["prose"];
  EXPECT_EQ(numbers(arrays["D"]["base"]), std::vector<double>(40, 0.0));
  EXPECT_EQ(numbers(arrays["L_forget"]["base"]), std::vector<double>(40, 0.0));
  for (size_t c = 0; c < 3; ++c) {
    const OutputRecord& record = *domain.outputs().of_checkpoint[c];
    const std::string name = three_checkpoints(3).ckpts[c];
    EXPECT_EQ(numbers(arrays["loss"][name]), copy_of(record.loss()));
    if (c > 0) {
      EXPECT_EQ(numbers(arrays["D"][name]), copy_of(record.kl()));
    }
    for (size_t w = 0; w < 40; ++w) {
      EXPECT_EQ(arrays["L_forget"][name][w].get<double>(),
                record.loss()[w] - domain.outputs().of_checkpoint[0]->loss()[w]);
    }
  }
  EXPECT_EQ(fields["null_reasons"].size(), 1);  // 40 windows: the convergence block alone
  EXPECT_TRUE(fields["null_reasons"].contains("summary.convergence"));
}

TEST(KlEdgeDominance, SummaryFollowsFromTheArrays) {
  const FamilyDomain prose("prose", 40, 3, steps(1, 0.1f)), code("code", 30, 3, steps(2, 0.01f));
  const DomainOutputs domains[] = {prose.outputs(), code.outputs()};
  const FamilyFacts family = three_checkpoints(3);
  const Json fields = reduce(family, domains);
  const Json& summary = fields["summary"];
  std::vector<double> p, stated, adjusted;
  for (const char* const domain : {"prose", "code"}) {
    const Json& arrays = fields["per_window"][domain];
    const stats::CountTable table(arrays["D"]["base"].size(), family.replicates, family.seed, 0);
    for (const std::string& ckpt : family.ckpts) {
      const auto mean = stats::mean_replicates(table, numbers(arrays["L_forget"][ckpt]));
      const Json& block = summary["per_domain"][domain][ckpt]["L_forget_hat"];
      EXPECT_EQ(block["mean"].get<double>(), mean.estimate);
      EXPECT_EQ(block["ci95"], Json(*stats::percentile_interval(mean.values)));
    }
    for (const auto& [from, to] : family.edges) {
      const Json& edge = summary["edges"][domain][from + "__to__" + to];
      bool holds = true;
      for (const auto& [array, letter] : {std::pair{"D", 'D'}, std::pair{"L_forget", 'L'}}) {
        std::vector<double> values = numbers(arrays[array][to]);
        for (size_t w = 0; w < values.size(); ++w) {
          values[w] -= arrays[array][from][w].get<double>();
        }
        const auto mean = stats::mean_replicates(table, values);
        const auto interval = *stats::percentile_interval(mean.values);
        const std::string member = std::string(1, letter) + "_delta";
        EXPECT_EQ(edge[member]["delta"].get<double>(), mean.estimate);
        EXPECT_EQ(edge[member]["ci95"], Json(interval));
        EXPECT_EQ(edge[member + "_ci95"], Json(interval));
        EXPECT_TRUE(edge[member].contains("ci95_doc"));
        holds = holds && interval[0] > 0;
        const auto below = std::count_if(mean.values.begin(), mean.values.end(),
                                         [](double value) { return value <= 0; });
        p.push_back(static_cast<double>(1 + below) / 201.0);
        stated.push_back(edge[std::string(1, letter) + "_p"].get<double>());
        adjusted.push_back(edge[std::string(1, letter) + "_p_holm"].get<double>());
      }
      EXPECT_EQ(edge["holds"], holds) << domain << from;
    }
  }
  EXPECT_EQ(stated, p);
  EXPECT_EQ(adjusted, stats::holm_adjusted(p));
  EXPECT_GT(*std::max_element(p.begin(), p.end()), 0.025);  // some edge isn't shown
  EXPECT_LT(*std::min_element(p.begin(), p.end()), 0.01);   // and some is
  EXPECT_EQ(summary["verdict"], "FAIL");
}

TEST(KlEdgeDominance, PassesWhereBothGrowEverywhere) {
  const FamilyDomain prose("prose", 120, 3, steps(1, 0.5f)), code("code", 75, 3, steps(2, 0.5f));
  const DomainOutputs domains[] = {prose.outputs(), code.outputs()};
  const Json summary = reduce(three_checkpoints(3), domains)["summary"];
  EXPECT_EQ(summary["verdict"], "PASS");
  const Json& convergence = summary["convergence"];
  EXPECT_EQ(convergence["verdict"], "PASS");
  ASSERT_EQ(convergence["grid"].size(), 2);  // 50 and 71 of the smaller domain's 75 windows
  EXPECT_EQ(convergence["grid"][1]["windows"], 71);
  EXPECT_EQ(convergence["grid"][1]["agreement"], 1.0);
  EXPECT_GT(convergence["z"].get<double>(), 3);
}

TEST(KlEdgeDominance, ThreadsDontChangeANumber) {
  const FamilyDomain prose("prose", 75, 3, steps(1, 0.05f));
  FamilyFacts family = three_checkpoints(3);
  const Json one = reduce(family, {&prose.outputs(), 1});
  family.threads = 3;
  EXPECT_EQ(reduce(family, {&prose.outputs(), 1}), one);
}

// Drift alone is not enough: the last checkpoint moves away from the base and gets better.
TEST(KlEdgeDominance, FailsWhereOneDomainForgetsNothing) {
  const LogitsOf worse = steps(2, 0.5f);
  const LogitsOf better = [&](size_t c, size_t w) {
    ThreeLogits logits = worse(c, w);
    if (c == 2) logits[0] += 3;
    return logits;
  };
  const FamilyDomain prose("prose", 60, 3, worse), code("code", 60, 3, better);
  const DomainOutputs domains[] = {prose.outputs(), code.outputs()};
  const Json summary = reduce(three_checkpoints(3), domains)["summary"];
  EXPECT_EQ(summary["verdict"], "FAIL");
  EXPECT_EQ(summary["edges"]["prose"]["sft__to__dpo"]["holds"], true);
  const Json& edge = summary["edges"]["code"]["sft__to__dpo"];
  EXPECT_EQ(edge["holds"], false);
  EXPECT_GT(edge["D_delta_ci95"][0].get<double>(), 0);
  EXPECT_LT(edge["L_delta_ci95"][1].get<double>(), 0);
  EXPECT_EQ(edge["L_p"].get<double>(), 1);
  EXPECT_LT(summary["convergence"]["z"].get<double>(), 0);
}

TEST(KlEdgeDominance, ACopyIsDegenerate) {
  const LogitsOf growing = steps(2, 0.5f);
  const LogitsOf stalled = [&](size_t c, size_t w) { return growing(std::min<size_t>(c, 1), w); };
  const FamilyDomain prose("prose", 60, 3, growing), code("code", 60, 3, stalled);
  const DomainOutputs domains[] = {prose.outputs(), code.outputs()};
  const Json summary = reduce(three_checkpoints(3), domains)["summary"];
  EXPECT_EQ(summary["verdict"], "DEGENERATE");
  EXPECT_EQ(summary["convergence"]["verdict"], "DEGENERATE");
  EXPECT_EQ(summary["convergence"]["grid"][0]["agreement"], 1.0);
  EXPECT_EQ(summary["convergence"]["z"], nullptr);
}

TEST(KlEdgeDominance, AnUndefinedWindowIsNullWithAReason) {
  const LogitsOf sound = steps(2, 0.5f);
  const LogitsOf faulty = [&](size_t c, size_t w) {
    ThreeLogits logits = sound(c, w);
    if (c == 1 && w == 7) logits[2] = std::numeric_limits<float>::quiet_NaN();
    if (c == 0 && w == 9) logits[2] = -std::numeric_limits<float>::infinity();  // KL is infinite
    return logits;
  };
  const FamilyDomain prose("prose", 60, 3, faulty);
  const Json fields = reduce(three_checkpoints(3), {&prose.outputs(), 1});
  const Json& arrays = fields["per_window"]["prose"];
  EXPECT_EQ(arrays["D"]["sft"][7], nullptr);
  EXPECT_EQ(arrays["L_forget"]["sft"][7], nullptr);
  EXPECT_NE(arrays["D"]["dpo"][7], nullptr);
  EXPECT_EQ(arrays["D"]["sft"][9], nullptr);
  EXPECT_NE(arrays["loss"]["sft"][9], nullptr);
  EXPECT_EQ(fields["summary"]["verdict"], "PASS");
  for (const char* const path :
       {"per_window.prose.D", "per_window.prose.L_forget", "per_window.prose.loss"}) {
    EXPECT_TRUE(fields["null_reasons"].contains(path)) << path;
  }
  EXPECT_EQ(fields["null_reasons"].size(), 3);
}

// Drift surely grows, forgetting doesn't: how often it passes is the level of one criterion.
TEST(KlEdgeDominance, HoldsItsLevel) {
  constexpr int kRuns = 1000;
  constexpr size_t kWindows = 48;  // no convergence grid
  FamilyFacts family = three_checkpoints(0);
  family.ckpts = {"base", "sft"};
  family.edges = {{"base", "sft"}};
  int passed = 0, drifted = 0;
  for (uint64_t run = 0; run < kRuns; ++run) {
    // The next token's logit moves by as much up as down, in loss.
    const LogitsOf shuffled = [&](size_t c, size_t w) {
      const double loss = 1 + 0.3 * normal(run, static_cast<uint32_t>(w), uint32_t(c), 7);
      const double p = std::exp(-loss);
      return ThreeLogits{static_cast<float>(std::log(p / (1 - p) * 2)), 0, 0};
    };
    const FamilyDomain domain("prose", kWindows, 2, shuffled);
    family.seed = run;
    const Json summary = reduce(family, {&domain.outputs(), 1})["summary"];
    passed += summary["verdict"] == "PASS";
    drifted += summary["edges"]["prose"]["base__to__sft"]["D_delta_ci95"][0].get<double>() > 0;
  }
  EXPECT_EQ(drifted, kRuns);
  EXPECT_LE(passed, 42);  // 25 expected, 30 with the percentile interval's own error at 48 windows
  EXPECT_GE(passed, 12);
}

}  // namespace
}  // namespace rg::experiments::testing
