// Every check on made samples: all hold, planted faults are seen, and the list has every theorem.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "slack/check.h"
#include "slack/measure.h"
#include "slack/walk.h"
#include "theorems/catalogue.h"
#include "theorems/one_bit.h"

namespace rg::slack {
namespace {

constexpr Eigen::Index kWidth = 16, kValues = 12, kInput = 20, kExperts = 8;

// A layer of two KV heads with two query heads each, RoPE on 12 of 16 columns.
class MadeLayer {
 public:
  explicit MadeLayer(uint64_t seed = 1) : draws_(seed, "made layer") {
    facts.layer = 3;
    facts.seed = seed;
    facts.contexts = {.contexts = 3, .positions = 16, .query_positions = {5, 10, 15}};
    KeyFacts& keys = facts.keys.emplace();
    keys.heads = 4;
    keys.kv_heads = 2;
    keys.key_width = kWidth;
    keys.before_rope = true;
    keys.rotary = {.frequencies = theorems::standard_frequencies(6, 100), .unrotated = 4};
    for (uint32_t p = 0; p < 6; ++p) keys.columns.insert(keys.columns.end(), {p, p + 6});
    keys.columns.insert(keys.columns.end(), {12, 13, 14, 15});
    facts.gate = {.experts = kExperts,
                  .top_k = 2,
                  .plain = true,
                  .full_softmax = true,
                  .logit_bias = false,
                  .finite = true};
    gate.layer = &facts;
    const Eigen::Index rows = facts.contexts.rows(), tokens = facts.contexts.tokens();
    gate.router = draws_.normal(kExperts, kInput);
    gate.logits = draws_.normal(rows, kExperts);
    for (Eigen::Index n = 0; n < rows; ++n) {
      gate.routes.push_back(theorems::top_k(gate.logits.row(n).transpose(), 2));
    }
    gate.inputs = draws_.normal(tokens, kInput);
    gate.inputs_before = draws_.normal(tokens, kInput);
    gate.last_output = draws_.normal(tokens, kInput);
    gate.next_output = draws_.normal(tokens, kInput);
    for (uint32_t token = 0; token < facts.contexts.tokens(); ++token) {
      const Vector logits = gate.logits.row(facts.contexts.row_of(token)).transpose();
      std::vector<int32_t> order(kExperts);
      for (int32_t e = 0; e < kExperts; ++e) order[static_cast<size_t>(e)] = e;
      std::sort(order.begin(), order.end(),
                [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
      gate.last.push_back(order[1]);
      gate.next.push_back(order[2]);
    }
  }
  MadeLayer(const MadeLayer&) = delete;

  HeadSample head(uint32_t h) const {
    theorems::Draws draws(facts.seed, h == 0 ? "head 0" : "head 1");
    const Eigen::Index rows = facts.contexts.rows(), tokens = facts.contexts.tokens();
    HeadSample out{.layer = &facts,
                   .head = h,
                   .keys = draws.cloud(rows, kWidth, 3),
                   .values = draws.normal(rows, kValues),
                   .queries = {},
                   .early_keys = draws.cloud(facts.contexts.positions, kWidth, 2),
                   .early_queries = {},
                   .routes = &gate.routes,
                   .logits = &gate.logits};
    for (int i = 0; i < 2; ++i) {
      out.queries.push_back(2 * draws.normal(tokens, kWidth));
      out.early_queries.push_back(draws.normal(3, kWidth));
    }
    return out;
  }

  std::vector<TheoremFound> measure(std::span<const TheoremCheck> checks, int threads = 1) const {
    return measure_layer(
        checks, facts, gate, [&](uint32_t h) { return head(h); }, threads);
  }

  LayerFacts facts;
  GateSample gate;

 private:
  theorems::Draws draws_;
};

size_t index_of(const std::vector<TheoremCheck>& checks, std::string_view id) {
  for (size_t i = 0; i < checks.size(); ++i) {
    if (checks[i].id == id) return i;
  }
  ADD_FAILURE() << id;
  return 0;
}

TEST(SlackChecks, EveryTheoremIsCheckedOrHasAReason) {
  std::vector<std::string> all, listed;
  for (const theorems::Family& family : theorems::catalogue().families) {
    for (const theorems::Entry& entry : family.entries) all.push_back(entry.id);
  }
  std::map<std::string, size_t> place;
  for (size_t i = 0; i < all.size(); ++i) place[all[i]] = i;
  std::set<std::string> seen;
  size_t last = 0;
  for (const TheoremCheck& check : all_slack_checks()) {
    ASSERT_TRUE(place.contains(std::string(check.id))) << check.id;
    EXPECT_TRUE(seen.insert(std::string(check.id)).second) << check.id;
    EXPECT_GE(place[std::string(check.id)], last) << "in the catalogue's order";
    last = place[std::string(check.id)];
    EXPECT_EQ((check.of_head != nullptr) + (check.of_gate != nullptr) + (check.of_layer != nullptr),
              1);
    std::set<std::string_view> names;
    for (const Quantity& quantity : check.quantities) names.insert(quantity.name);
    EXPECT_EQ(names.size(), check.quantities.size()) << check.id;
  }
  last = 0;
  for (const NoCheck& one : theorems_without_slack()) {
    ASSERT_TRUE(place.contains(std::string(one.id))) << one.id;
    EXPECT_TRUE(seen.insert(std::string(one.id)).second) << one.id;
    EXPECT_GE(place[std::string(one.id)], last) << "in the catalogue's order";
    last = place[std::string(one.id)];
    EXPECT_FALSE(one.reason.empty());
  }
  EXPECT_EQ(seen.size(), all.size());
}

TEST(SlackChecks, AllHoldOnMadeTensors) {
  const std::vector<TheoremCheck> checks = all_slack_checks();
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const MadeLayer made(seed);
    const std::vector<TheoremFound> found = made.measure(checks);
    for (size_t i = 0; i < checks.size(); ++i) {
      EXPECT_EQ(found[i].why_not, "") << checks[i].id;
      ASSERT_EQ(found[i].found.size(), checks[i].quantities.size());
      for (size_t q = 0; q < found[i].found.size(); ++q) {
        const Found& of = found[i].found[q];
        EXPECT_EQ(of.violated, 0u) << checks[i].id << " " << checks[i].quantities[q].name << ": "
                                   << of.tightest->at.value << " " << of.tightest->at.bound;
        EXPECT_GT(of.cases, 0u) << checks[i].id << " " << checks[i].quantities[q].name;
      }
    }
  }
}

TEST(SlackChecks, ThreadsChangeNoBit) {
  const std::vector<TheoremCheck> checks = all_slack_checks();
  const MadeLayer made;
  const auto one = made.measure(checks, 1), two = made.measure(checks, 2);
  for (size_t i = 0; i < checks.size(); ++i) {
    for (size_t q = 0; q < one[i].found.size(); ++q) {
      EXPECT_EQ(one[i].found[q].quantiles, two[i].found[q].quantiles) << checks[i].id;
      EXPECT_EQ(one[i].found[q].tightest->place, two[i].found[q].tightest->place) << checks[i].id;
    }
  }
}

// Some inequalities are attained on some keys, so that their constants are tested on the way.
TEST(SlackChecks, KeysOnTheLatticeAttainTheirBounds) {
  const std::vector<TheoremCheck> checks = all_slack_checks();
  const MadeLayer made;
  theorems::Draws draws(5, "lattice");
  const auto lattice = [&](uint32_t h) {
    HeadSample out = made.head(h);
    out.keys = draws.signs(out.keys.rows(), kWidth);
    return out;
  };
  const auto found = measure_layer(checks, made.facts, made.gate, lattice, 1);
  EXPECT_NEAR((*found[index_of(checks, "JF-2")].found[1].quantiles)[0], 1, 1e-9);
  EXPECT_NEAR((*found[index_of(checks, "MR-1")].found[0].quantiles)[0], 1, 1e-9);
  const Found& step = found[index_of(checks, "LH-6")].found[0];
  EXPECT_EQ(step.skipped, 2u * made.facts.contexts.rows());  // the theorem leaves them out
  EXPECT_EQ(step.cases, 0u);
}

TEST(SlackChecks, ZeroKeysAreSkippedAndNothingElseBreaks) {
  const std::vector<TheoremCheck> checks = all_slack_checks();
  const MadeLayer made;
  for (const bool all : {false, true}) {
    const auto some_zero = [&](uint32_t h) {
      HeadSample out = made.head(h);
      if (all) {
        out.keys.setZero();
        out.values.setZero();
        out.early_keys.setZero();
      } else {
        out.keys.topRows(5).setZero();
      }
      return out;
    };
    const auto found = measure_layer(checks, made.facts, made.gate, some_zero, 1);
    for (size_t i = 0; i < checks.size(); ++i) {
      for (const Found& of : found[i].found) EXPECT_EQ(of.violated, 0u) << checks[i].id;
    }
    EXPECT_EQ(found[index_of(checks, "JF-2")].found[0].skipped,
              all ? 2 * made.facts.contexts.rows() : 10u);
  }
}

// A planted constant: no key reaches a cosine of 1/2 only.
void wrong_range(const HeadSample& sample, Row& row) {
  for_each_key(sample, row, [&](const Vector& key, const Place& place) {
    row.see(0, {.value = theorems::cos_1bit(key), .bound = 0.5, .allowance = kRounding}, place);
  });
}

// LH-6 with a step that would leave nothing.
void wrong_contraction(const HeadSample& sample, Row& row) {
  const auto right = all_slack_checks();
  Row found(right[index_of(right, "LH-6")].quantities);
  right[index_of(right, "LH-6")].of_head(sample, found);
  const Found::Tightest at = *found.found()[0].tightest;
  row.see(0, {.value = at.at.value, .bound = at.at.bound * 0.1, .allowance = kRounding},
          {sample.head});
}

TEST(SlackChecks, AWrongFormulaIsAViolation) {
  static constexpr Quantity kOfKey[] = {{"most", Relation::at_most, Unit::key}};
  static constexpr Quantity kOfHead[] = {{"step", Relation::at_most, Unit::head}};
  const std::vector<TheoremCheck> planted = {
      {"JF-2", kOfKey, needs_keys, wrong_range, nullptr, nullptr},
      {"LH-6", kOfHead, needs_keys, wrong_contraction, nullptr, nullptr}};
  const MadeLayer made;
  const auto found = made.measure(planted);
  EXPECT_GT(found[0].found[0].violated, 90u);  // of 96 keys
  EXPECT_GT(*found[0].found[0].tightest->used, 1);
  EXPECT_EQ(found[1].found[0].violated, 2u);
}

TEST(SlackChecks, ARoutesThatIsNoTopSetBreaksNoTheoremButSkips) {
  // RG-9 needs the k-th expert's logit above the next one's.
  const std::vector<TheoremCheck> checks = all_slack_checks();
  MadeLayer made;
  std::swap(made.gate.last, made.gate.next);
  const auto found = made.measure(checks);
  EXPECT_EQ(found[index_of(checks, "RG-9")].found[0].cases, 0u);
  EXPECT_EQ(found[index_of(checks, "RG-9")].found[0].skipped, made.facts.contexts.tokens());
}

TEST(SlackChecks, WhatTheLayerLacksIsSaid) {
  const std::vector<TheoremCheck> checks = all_slack_checks();
  const auto why = [&](const MadeLayer& made, const char* id) {
    return made.measure(checks)[index_of(checks, id)].why_not;
  };
  MadeLayer made;
  made.facts.gate.plain = false;
  EXPECT_NE(why(made, "RG-5"), "");
  EXPECT_EQ(why(made, "RG-2"), "");
  EXPECT_EQ(why(made, "RG-10"), "");
  made.facts.gate = {.experts = kExperts,
                     .top_k = kExperts,
                     .plain = true,
                     .full_softmax = true,
                     .logit_bias = false,
                     .finite = true};
  EXPECT_NE(why(made, "RG-10"), "");
  made.facts.gate = {.experts = kExperts,
                     .top_k = 2,
                     .plain = true,
                     .full_softmax = false,
                     .logit_bias = true,
                     .finite = true};
  EXPECT_NE(why(made, "RG-6"), "");
  EXPECT_NE(why(made, "RG-9"), "");
  EXPECT_EQ(why(made, "RG-7"), "");
  made.facts.gate.finite = false;
  EXPECT_NE(why(made, "RG-2"), "");
  EXPECT_NE(why(made, "KR-1"), "");
  EXPECT_EQ(why(made, "JF-1"), "");
  made.facts.keys->before_rope = false;
  EXPECT_NE(why(made, "DC-2"), "");
  EXPECT_EQ(why(made, "RC-7"), "");
  made.facts.keys.reset();
  EXPECT_NE(why(made, "JF-1"), "");
  EXPECT_NE(why(made, "RC-1"), "");
}

}  // namespace
}  // namespace rg::slack
