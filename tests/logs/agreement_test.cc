// Comparing two routings: noise is told from faults, and every fault is named by its own name.
#include "logs/agreement/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "logs/agreement/noise.h"
#include "logs/synthetic.h"
#include "support/caught.h"

namespace rg::logs::testing {
namespace {

constexpr LogShape kShape{.sequences = 16, .length = 100, .layers = 4, .logits = true};
const AgreementSettings kSettings{.replicates = 400, .seed = 3, .threads = 2};

// The choice and weights of every row of a record with logits, by this rule.
void route(Record& record, const gate::GateSpec& spec, std::span<const float> bias) {
  record.k = spec.top_k;
  std::vector<float> scores(spec.experts), weights(record.k);
  std::vector<int32_t> ranked(record.k + 1);
  gate::DecisionView view{.scores = scores,
                          .ranked = ranked,
                          .weights = weights,
                          .margin = 0,
                          .margin_logit = 0,
                          .margin_group = 0,
                          .eligible = 0};
  for (LayerLog& log : record.layers) {
    log.ids.clear();
    log.weights.clear();
    for (size_t row = 0; row < record.rows; ++row) {
      gate::decide(spec, {log.logits.data() + row * spec.experts, spec.experts}, bias, view);
      log.ids.insert(log.ids.end(), ranked.begin(), ranked.end() - 1);
      log.weights.insert(log.weights.end(), weights.begin(), weights.end());
    }
  }
}

void add_noise(Record& record, double sigma, uint64_t seed) {
  for (LayerLog& log : record.layers) {
    for (size_t i = 0; i < log.logits.size(); ++i) {
      log.logits[i] += test::normal_value(seed, 77 + static_cast<uint32_t>(log.layer),
                                          static_cast<uint32_t>(i), static_cast<float>(sigma));
    }
  }
}

void drop_logits(Record& record) {
  record.logit_columns = 0;
  for (LayerLog& log : record.layers) log.logits.clear();
}

// The reference, with gates; the other side is a copy that tests change and that has ids alone.
struct TwoSides {
  gate::GateSpec spec = softmax_gate(kShape.experts, kShape.k);
  std::vector<float> bias = {};
  Side a{.name = "a", .record = {}, .gates = {}}, b{.name = "b", .record = {}, .gates = {}};

  explicit TwoSides(const LogShape& shape = kShape) : TwoSides(shape, softmax_gate(16, 4), {}) {}
  TwoSides(const LogShape& shape, gate::GateSpec rule, std::vector<float> selection_bias)
      : spec(std::move(rule)), bias(std::move(selection_bias)) {
    static std::map<uint32_t, Record> made;
    auto& record = made[shape.sequences * 1000 + shape.length];
    if (record.rows == 0) record = make_log(shape);
    a.record = record;
    route(a.record, spec, bias);
    b.record = a.record;
    for (const LayerLog& log : a.record.layers) {
      a.gates.emplace(log.layer, LayerGate{.spec = spec, .selection_bias = bias});
    }
  }

  AgreementReport compared() {
    drop_logits(b.record);
    return compare_routings(a, b, kSettings);
  }
};

std::string named(const AgreementReport& report) {
  if (!report.faults || !report.faults->named) return "";
  return std::string(name(*report.faults->named));
}

double scale_of_logits() {
  const TwoSides sides;
  const Pairs pairs = align(sides.a, sides.b);
  const auto layers = compare(sides.a, sides.b, &sides.a, pairs, 2);
  return layer_noise(sides.a, pairs.a, layers[1], pairs, 0, 2).scale;
}

TEST(Agreement, OfEqualLogsIsWhole) {
  TwoSides sides;
  const AgreementReport report = sides.compared();
  EXPECT_TRUE(report.all_equal);
  ASSERT_EQ(report.agreement.size(), 5u);
  const AgreementRow& all = report.agreement.back();
  EXPECT_FALSE(all.layer.has_value());
  EXPECT_EQ(all.decisions, 4u * 1600);
  EXPECT_EQ(all.same_sets.value, 1.0);
  EXPECT_EQ((*all.same_sets.interval)[0], 1.0);
  EXPECT_EQ(all.same_order->value, 1.0);
  EXPECT_EQ(all.weight_difference->value, 0.0);
  EXPECT_EQ(report.onset.never, 1600u);
  EXPECT_EQ(report.verdict, Verdict::numerical);
  EXPECT_EQ(report.pooled->eps, 0.0);
  // n ln(1 - eps) = -1.92 at the end of the interval.
  EXPECT_NEAR(report.layer_verdicts[0].fit.eps_interval[1], 1 - std::exp(-1.9207294 / 1600), 1e-9);
  EXPECT_EQ(named(report), "");
}

TEST(Agreement, NoiseOnTheLogitsIsNumerical) {
  TwoSides sides;
  const double sigma = 0.02 * scale_of_logits();
  add_noise(sides.b.record, sigma, 9);
  route(sides.b.record, sides.spec, {});
  const AgreementReport report = sides.compared();
  EXPECT_FALSE(report.all_equal);
  EXPECT_GT(report.pooled->flips, 60u);
  EXPECT_EQ(report.verdict, Verdict::numerical) << report.pooled->eps_interval[1];
  for (const double found : report.pooled->sigma) EXPECT_NEAR(found / sigma, 1, 0.35);
  EXPECT_FALSE(report.faults.has_value());
  // Nearly all flips are in the tenth of the smallest margins, none in the upper half.
  ASSERT_EQ(report.by_margin.size(), 10u);
  EXPECT_GT(report.by_margin[0].flips.value, 0.05);
  for (size_t tenth = 5; tenth < 10; ++tenth) EXPECT_EQ(report.by_margin[tenth].flips.value, 0.0);
}

// With 64 draws alone, a flip at a decision that none of them changes would seem impossible, and
// eps would be above 0.
TEST(Agreement, MoreNoiseIsNoFault) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    TwoSides sides;
    add_noise(sides.b.record, 0.05 * scale_of_logits(), seed);
    route(sides.b.record, sides.spec, {});
    const AgreementReport report = sides.compared();
    EXPECT_GT(report.pooled->flips, 500u);
    EXPECT_LE(report.pooled->eps_interval[0], 0.0005);
    EXPECT_NE(report.verdict, Verdict::bug);
  }
}

TEST(Agreement, NoiseOfAGateWithBiasAndGroupsIsNumerical) {
  gate::GateSpec spec = softmax_gate(16, 4);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  spec.groups = 4u;
  spec.groups_kept = 2u;
  spec.group_score = gate::GroupScore::top2_sum;
  std::vector<float> bias(16);
  for (size_t e = 0; e < 16; ++e) bias[e] = 0.02f * static_cast<float>(e % 5);
  TwoSides sides(kShape, spec, bias);
  add_noise(sides.b.record, 0.02 * scale_of_logits(), 9);
  route(sides.b.record, spec, bias);
  const AgreementReport report = sides.compared();
  EXPECT_GT(report.pooled->flips, 60u);
  EXPECT_EQ(report.verdict, Verdict::numerical) << report.pooled->eps_interval[1];
}

TEST(Agreement, FewTokensLeaveItUndecided) {
  TwoSides sides({.sequences = 4, .length = 20, .layers = 4, .logits = true});
  add_noise(sides.b.record, 0.02 * scale_of_logits(), 4);
  route(sides.b.record, sides.spec, {});
  const AgreementReport report = sides.compared();
  EXPECT_EQ(report.verdict, Verdict::undecided);
  EXPECT_FALSE(report.faults.has_value());
}

// Replaces one expert in a share of the choices by another, whatever the margin.
void inject(Record& record, double share, uint64_t seed) {
  uint32_t drawn = 0;
  const auto draw = [&] { return draw_word(seed, Purpose::audit, {drawn++, 55, 5}, 0); };
  for (LayerLog& log : record.layers) {
    for (size_t row = 0; row < record.rows; ++row) {
      if (draw() * 0x1p-32 >= share) continue;
      int32_t* ids = log.ids.data() + row * record.k;
      int32_t fresh = static_cast<int32_t>(draw() % 16);
      while (std::find(ids, ids + record.k, fresh) != ids + record.k) fresh = (fresh + 1) % 16;
      ids[draw() % record.k] = fresh;
    }
  }
}

TEST(Agreement, TheIntervalOfEpsHoldsWhatWasInjected) {
  const double sigma = 0.02 * scale_of_logits();
  for (const double share : {0.01, 0.1}) {
    int held = 0;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      TwoSides sides;
      add_noise(sides.b.record, sigma, seed);
      route(sides.b.record, sides.spec, {});
      inject(sides.b.record, share, seed);
      const AgreementReport report = sides.compared();
      const auto [low, high] = report.pooled->eps_interval;
      held += low <= share && share <= high ? 1 : 0;
      EXPECT_EQ(report.verdict, Verdict::bug);
      EXPECT_LT(high - low, 0.05);
      EXPECT_EQ(named(report), "");
    }
    EXPECT_GE(held, 4) << share;
  }
}

struct Fault {
  const char* name;
  std::function<TwoSides()> make;
};

// b's rows are a's of `from(row)`, within the same sequence, or its own.
void shift_tokens(TwoSides& sides, int by) {
  for (size_t layer = 0; layer < sides.a.record.layers.size(); ++layer) {
    const std::vector<int32_t>& from = sides.a.record.layers[layer].ids;
    std::vector<int32_t>& to = sides.b.record.layers[layer].ids;
    for (int row = 0; row < static_cast<int>(sides.a.record.rows); ++row) {
      const int other = row + by, length = static_cast<int>(kShape.length);
      if (other < 0 || other >= static_cast<int>(sides.a.record.rows)) continue;
      if (other / length != row / length) continue;
      std::copy_n(from.begin() + other * 4, 4, to.begin() + row * 4);
    }
  }
}

void shift_layers(TwoSides& sides, int by) {
  for (int layer = 0; layer < 4; ++layer) {
    const int from = layer + by;
    if (from < 0 || from >= 4) continue;
    sides.b.record.layers[static_cast<size_t>(layer)].ids =
        sides.a.record.layers[static_cast<size_t>(from)].ids;
  }
}

void renumber(Record& record, int32_t step) {
  for (LayerLog& log : record.layers) {
    for (int32_t& id : log.ids) id = (id * 5 + step + log.layer) % 16;
  }
}

gate::GateSpec biased_gate() {
  gate::GateSpec spec = softmax_gate(16, 4);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  return spec;
}

std::vector<Fault> faults() {
  std::vector<float> bias(16);
  for (size_t e = 0; e < 16; ++e) bias[e] = e % 3 == 0 ? 0.3f : 0.0f;
  const auto changed = [](const std::function<void(TwoSides&)>& change) {
    return [change] {
      TwoSides sides;
      change(sides);
      return sides;
    };
  };
  return {
      {"permutation", changed([](TwoSides& sides) { renumber(sides.b.record, 3); })},
      {"layer_before", changed([](TwoSides& sides) { shift_layers(sides, -1); })},
      {"layer_after", changed([](TwoSides& sides) { shift_layers(sides, 1); })},
      {"token_before", changed([](TwoSides& sides) { shift_tokens(sides, -1); })},
      {"token_after", changed([](TwoSides& sides) { shift_tokens(sides, 1); })},
      {"other_k", changed([](TwoSides& sides) { route(sides.b.record, softmax_gate(16, 3), {}); })},
      {"other_k", changed([](TwoSides& sides) { route(sides.b.record, softmax_gate(16, 6), {}); })},
      {"no_selection_bias",
       [bias] {
         TwoSides sides(kShape, biased_gate(), bias);
         gate::GateSpec without = biased_gate();
         without.selection_bias = false;
         route(sides.b.record, without, {});
         return sides;
       }},
      {"no_groups",
       [] {
         gate::GateSpec spec = softmax_gate(16, 4);
         spec.groups = 4u;
         spec.groups_kept = 2u;
         spec.group_score = gate::GroupScore::max;
         TwoSides sides(kShape, spec, {});
         route(sides.b.record, softmax_gate(16, 4), {});
         return sides;
       }},
  };
}

TEST(Agreement, NamesEveryFault) {
  for (const Fault& fault : faults()) {
    TwoSides sides = fault.make();
    const AgreementReport report = sides.compared();
    EXPECT_EQ(report.verdict, Verdict::bug) << fault.name;
    EXPECT_EQ(named(report), fault.name);
  }
}

TEST(Agreement, NamesFaultsThatAreNotAlone) {
  for (const Fault& fault : faults()) {
    TwoSides sides = fault.make();
    inject(sides.b.record, 0.01, 8);
    const AgreementReport report = sides.compared();
    EXPECT_EQ(named(report), fault.name);
  }
}

TEST(Agreement, OnOneFaultyLayerIsABugThere) {
  TwoSides sides;
  for (int32_t& id : sides.b.record.layers[2].ids) id = 15 - id;
  const AgreementReport report = sides.compared();
  EXPECT_EQ(report.verdict, Verdict::bug);
  ASSERT_TRUE(report.faults.has_value());
  EXPECT_EQ(report.faults->layers, std::vector<int>{2});
  EXPECT_EQ(named(report), "permutation");
  ASSERT_EQ(report.faults->permutations.size(), 1u);
  for (int32_t e = 0; e < 16; ++e) {
    EXPECT_EQ(report.faults->permutations[0][static_cast<size_t>(e)], 15 - e);
  }
  EXPECT_EQ(report.onset.layers[1].onsets, 0u);
  EXPECT_EQ(report.onset.layers[2].reached, 1600u);
  EXPECT_EQ(report.onset.layers[2].onsets + report.onset.never, 1600u);
  EXPECT_EQ(report.agreement[1].same_sets.value, 1.0);
  EXPECT_LT(report.agreement[2].same_sets.value, 0.5);
}

TEST(Agreement, WithoutLogitsHasNoVerdictAndStillNamesAFault) {
  TwoSides sides;
  renumber(sides.b.record, 3);
  sides.a.gates.clear();
  drop_logits(sides.a.record);
  const AgreementReport report = sides.compared();
  EXPECT_FALSE(report.verdict.has_value());
  EXPECT_NE(report.no_verdict, "");
  EXPECT_TRUE(report.by_margin.empty());
  EXPECT_EQ(named(report), "permutation");
}

TEST(Agreement, TakesTheGatesOfEitherSide) {
  TwoSides sides;
  renumber(sides.b.record, 3);
  drop_logits(sides.b.record);
  const AgreementReport report = compare_routings(sides.b, sides.a, kSettings);
  EXPECT_EQ(report.reference, 'b');
  EXPECT_EQ(report.verdict, Verdict::bug);
  EXPECT_EQ(named(report), "permutation");
}

TEST(Agreement, OtherWeightsOfEqualSetsAreNoted) {
  TwoSides sides;
  for (LayerLog& log : sides.b.record.layers) {
    for (size_t at = 0; at < log.weights.size(); at += 4) {
      const float sum = std::accumulate(log.weights.begin() + static_cast<ptrdiff_t>(at),
                                        log.weights.begin() + static_cast<ptrdiff_t>(at + 4), 0.0f);
      for (size_t i = at; i < at + 4; ++i) log.weights[i] /= sum;
    }
  }
  const AgreementReport report = sides.compared();
  EXPECT_TRUE(report.all_equal);
  EXPECT_GT(report.agreement.back().weight_difference->value, 0.01);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes.back().find("Mixing weights"), std::string::npos);
}

TEST(Agreement, HasNoVerdictWhereTheChoiceIsNotTheGates) {
  TwoSides sides;
  for (auto& [layer, gate] : sides.a.gates) {
    gate.spec.selection_bias = true;
    gate.selection_bias = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  }
  const AgreementReport report = sides.compared();
  EXPECT_FALSE(report.verdict.has_value());
  EXPECT_NE(report.no_verdict.find("not those of its gate"), std::string::npos);
}

TEST(Pairs, AreRefusedWithBothValues) {
  TwoSides sides;
  sides.b.record.tokens[517] = 299;
  const int32_t other = sides.a.record.tokens[517];
  const test::Caught refused = test::caught([&] { align(sides.a, sides.b); });
  EXPECT_EQ(refused.id, ErrorId::LG008);
  const std::string text = refused.line;
  EXPECT_NE(text.find("sequence 5, position 17"), std::string::npos) << text;
  EXPECT_NE(text.find("token id 299"), std::string::npos) << text;
  EXPECT_NE(text.find("expected " + std::to_string(other)), std::string::npos) << text;

  TwoSides experts;
  experts.b.record.experts = 32;
  EXPECT_EQ(test::caught([&] { align(experts.a, experts.b); }).id, ErrorId::LG008);
  TwoSides layers;
  for (LayerLog& log : layers.b.record.layers) log.layer += 100;
  EXPECT_EQ(test::caught([&] { align(layers.a, layers.b); }).id, ErrorId::LG008);
  TwoSides twice;
  twice.b.record.position[3] = 2;
  EXPECT_EQ(test::caught([&] { align(twice.a, twice.b); }).id, ErrorId::LG008);
}

TEST(Pairs, FindSequencesInAnotherOrderByTheirTokens) {
  TwoSides sides;
  Record& record = sides.b.record;
  for (uint32_t row = 0; row < record.rows; ++row) {
    record.sequence[row] = 15 - record.sequence[row];
  }
  const AgreementReport report = sides.compared();
  EXPECT_TRUE(report.all_equal);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_NE(report.notes[0].find("another order"), std::string::npos);
}

TEST(Pairs, LeaveOutRowsOfOneSide) {
  TwoSides sides;
  const std::vector<RowRange> last = {{99, 99}, {199, 199}};
  sides.b.record = without_rows(sides.b.record, last);
  const Pairs pairs = align(sides.a, sides.b);
  EXPECT_EQ(pairs.count(), 1598u);
  EXPECT_EQ(pairs.only_a, 2u);
  EXPECT_EQ(pairs.first[1], 99u);
  // Without token ids nobody knows which rows are missing.
  sides.b.record.tokens.clear();
  EXPECT_EQ(test::caught([&] { align(sides.a, sides.b); }).id, ErrorId::LG008);
}

TEST(Noise, ADrawChangesTheSetFromItsSigmaOn) {
  const TwoSides sides;
  const gate::GateSpec spec = softmax_gate(16, 4);
  const LayerGate gate{.spec = spec, .selection_bias = {}};
  std::vector<int32_t> set(4), moved(4);
  std::vector<float> noisy(16), draw(16);
  int finite = 0;
  for (uint32_t row = 0; row < 200; ++row) {
    const float* logits = sides.a.record.layers[0].logits.data() + row * 16;
    gate::select(spec, {logits, 16}, {}, set);
    for (uint32_t e = 0; e < 16; ++e) draw[e] = test::normal_value(5, row, e, 1);
    const double sigma = critical_sigma(gate, {logits, 16}, set, draw, 10);
    if (!std::isfinite(sigma)) continue;
    ++finite;
    for (const double factor : {0.5, 0.999, 1.001, 2.0, 50.0}) {
      for (size_t e = 0; e < 16; ++e) {
        noisy[e] = logits[e] + static_cast<float>(factor * sigma) * draw[e];
      }
      gate::select(spec, noisy, {}, moved);
      EXPECT_EQ(gate::overlap(set, moved) == 4, factor < 1) << row << ' ' << factor;
    }
    // By bisection, which gates with a bias need: a bias of 0 changes nothing.
    gate::GateSpec biased = spec;
    biased.score = gate::Score::logits;
    biased.selection_bias = true;
    const LayerGate same{.spec = biased, .selection_bias = std::vector<float>(16, 0.0f)};
    const double found = critical_sigma(same, {logits, 16}, set, draw, 10);
    EXPECT_NEAR(found, std::max(sigma, 10 * 0x1p-14), 0.005 * found);
  }
  EXPECT_GT(finite, 150);
}

TEST(Assignment, IsTheBestOfAllPermutations) {
  for (uint32_t trial = 0; trial < 40; ++trial) {
    constexpr size_t kSize = 6;
    std::vector<int64_t> values;
    for (uint32_t i = 0; i < kSize * kSize; ++i) {
      values.push_back(draw_word(1, Purpose::audit, {i, trial, 0}, 0) % 20);
    }
    std::vector<size_t> order(kSize);
    std::iota(order.begin(), order.end(), size_t{0});
    int64_t best = 0;
    do {
      int64_t sum = 0;
      for (size_t i = 0; i < kSize; ++i) sum += values[i * kSize + order[i]];
      best = std::max(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    int64_t found = 0;
    std::vector<int32_t> columns = best_assignment(values, kSize);
    for (size_t i = 0; i < kSize; ++i) found += values[i * kSize + static_cast<size_t>(columns[i])];
    EXPECT_EQ(found, best);
    std::sort(columns.begin(), columns.end());
    for (size_t i = 0; i < kSize; ++i) EXPECT_EQ(columns[i], static_cast<int32_t>(i));
  }
}

}  // namespace
}  // namespace rg::logs::testing
