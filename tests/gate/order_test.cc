// Ties and special values: one total order, whatever the algorithm, the thread or the CPU.
#include "gate/order.h"

#include <xmmintrin.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>
#include <random>
#include <thread>

#include "kernels/elementwise.h"
#include "support.h"

namespace rg::gate {
namespace {

using Ids = std::vector<int32_t>;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

// The order by the rules alone, written with comparisons and not with keys.
bool precedes(const std::vector<float>& s, int32_t i, int32_t j) {
  const float a = s[static_cast<size_t>(i)], b = s[static_cast<size_t>(j)];
  if (std::isnan(a) != std::isnan(b)) return std::isnan(b);
  if (std::isnan(a) || a == b) return i < j;
  return a > b;
}

Ids by_full_sort(const std::vector<float>& s, size_t k) {
  Ids ids(s.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::sort(ids.begin(), ids.end(), [&](int32_t i, int32_t j) { return precedes(s, i, j); });
  ids.resize(k);
  return ids;
}

Ids by_heap(const std::vector<float>& s, size_t k) {
  const auto later = [&](int32_t i, int32_t j) { return precedes(s, j, i); };
  std::priority_queue<int32_t, Ids, decltype(later)> heap(later);
  for (size_t i = 0; i < s.size(); ++i) heap.push(static_cast<int32_t>(i));
  Ids ids;
  for (; ids.size() < k; heap.pop()) ids.push_back(heap.top());
  return ids;
}

Ids by_repeated_maximum(const std::vector<float>& s, size_t k) {
  Ids ids;
  std::vector<bool> taken(s.size());
  while (ids.size() < k) {
    int32_t best = -1;
    for (int32_t i = 0; i < static_cast<int32_t>(s.size()); ++i) {
      if (!taken[static_cast<size_t>(i)] && (best < 0 || precedes(s, i, best))) best = i;
    }
    taken[static_cast<size_t>(best)] = true;
    ids.push_back(best);
  }
  return ids;
}

// Half of the entries repeat an earlier one; a few are special.
std::vector<float> tied_scores(std::mt19937_64& random, size_t count) {
  constexpr float kSpecial[] = {0.0f, -0.0f, kDenormal, -kDenormal, kInf, -kInf, kNaN, 1e38f};
  std::vector<float> scores(count);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t r = random();
    if (i > 0 && (r & 1) != 0) {
      scores[i] = scores[(r >> 8) % i];
    } else if ((r >> 1 & 31) == 0) {
      scores[i] = kSpecial[r >> 8 & 7];
    } else {
      scores[i] = static_cast<float>(static_cast<int64_t>(r >> 40) - (1 << 23)) * 0x1p-20f;
    }
  }
  return scores;
}

TEST(GateOrder, AgreesWithHeapSortAndRepeatedMaximumOnAMillionTiedVectors) {
  std::mt19937_64 random(7);
  constexpr size_t kExperts = 12, kTop = 3;
  const GateSpec spec = gpt_oss_gate(kExperts, kTop);
  for (int trial = 0; trial < 1'000'000; ++trial) {
    const std::vector<float> scores = tied_scores(random, kExperts);
    Ids top(kTop);
    select(spec, scores, {}, top);
    const Ids sorted = by_full_sort(scores, kTop);
    ASSERT_EQ(top, sorted) << trial;
    ASSERT_EQ(by_heap(scores, kTop), sorted) << trial;
    ASSERT_EQ(by_repeated_maximum(scores, kTop), sorted) << trial;
  }
}

TEST(GateOrder, AgreesOnManyExpertsAndEveryK) {
  std::mt19937_64 random(8);
  for (const uint32_t experts : {1u, 2u, 17u, 64u, 257u, kMaxExperts}) {
    for (uint32_t k = 1; k <= experts; k += 1 + experts / 5) {
      const std::vector<float> scores = tied_scores(random, experts);
      const Decision made = run(gpt_oss_gate(experts, k), scores);
      ASSERT_EQ(made.selected(), by_full_sort(scores, k)) << experts << " " << k;
      if (k < experts) {
        ASSERT_EQ(made.ranked.back(), by_full_sort(scores, k + 1).back());
      }
    }
  }
}

// Group-limited selection spelled out: rank groups, drop, rank what is left.
Ids grouped_reference(const std::vector<float>& s, const GateSpec& spec) {
  const size_t size = spec.experts / spec.groups;
  std::vector<float> group_scores;
  for (size_t g = 0; g < spec.groups; ++g) {
    const std::vector<float> members(s.begin() + static_cast<ptrdiff_t>(g * size),
                                     s.begin() + static_cast<ptrdiff_t>((g + 1) * size));
    const Ids best = by_full_sort(members, 2);
    const float first = members[static_cast<size_t>(best[0])];
    const float second = members[static_cast<size_t>(best[1])];
    group_scores.push_back(spec.group_score == GroupScore::max ? first : first + second);
  }
  const Ids kept = by_full_sort(group_scores, spec.groups_kept);
  Ids ids;
  for (int32_t e : by_full_sort(s, s.size())) {
    const auto group = static_cast<int32_t>(static_cast<size_t>(e) / size);
    if (std::count(kept.begin(), kept.end(), group) != 0) ids.push_back(e);
  }
  ids.resize(spec.top_k);
  return ids;
}

TEST(GateOrder, GroupsTieToTheLowerIndexToo) {
  std::mt19937_64 random(9);
  GateSpec spec = gpt_oss_gate(12, 4);
  spec.groups = 4u;
  spec.groups_kept = 2u;
  for (int trial = 0; trial < 100'000; ++trial) {
    spec.group_score = trial % 2 == 0 ? GroupScore::max : GroupScore::top2_sum;
    const std::vector<float> scores = tied_scores(random, 12);
    ASSERT_EQ(run(spec, scores).selected(), grouped_reference(scores, spec)) << trial;
  }
}

TEST(GateOrder, EqualScoresRankByIndex) {
  for (const GateSpec& spec : {olmoe_gate(37, 5), gpt_oss_gate(37, 5)}) {
    const Decision made = run(spec, std::vector<float>(37, 0.3f));
    EXPECT_EQ(made.ranked, (Ids{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(made.margin, 0.0f);
  }
  GateSpec spec = deepseek_v3_gate(16, 3);
  EXPECT_EQ(run(spec, std::vector<float>(16), std::vector<float>(16)).ranked, (Ids{0, 1, 2, 3}));
}

TEST(GateOrder, NegativeZeroEqualsZeroAndNaNComesLast) {
  const std::vector<float> scores = {kNaN, -kInf, -0.0f, 0.0f, kInf, -kDenormal, kDenormal, -kNaN};
  EXPECT_EQ(run(gpt_oss_gate(8, 8), scores).selected(), (Ids{4, 6, 2, 3, 5, 1, 0, 7}));
}

TEST(GateOrder, DenormalsKeepTheirOrderWhenTheProcessorFlushesThem) {
  const std::vector<float> scores = {kDenormal, 3 * kDenormal, -kDenormal, 2 * kDenormal};
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040u);  // flush to zero, denormals are zero
  const Decision made = run(gpt_oss_gate(4, 3), scores);
  _mm_setcsr(before);
  EXPECT_EQ(made.ranked, (Ids{1, 3, 0, 2}));
}

TEST(GateOrder, ANaNLogitLosesItsPlaceAndNothingElse) {
  const std::vector<float> clean = {0.5f, -kInf, 2.0f, -1.0f};
  const std::vector<float> spoiled = {0.5f, kNaN, 2.0f, -1.0f};
  const Decision a = run(olmoe_gate(4, 2), clean), b = run(olmoe_gate(4, 2), spoiled);
  EXPECT_EQ(a.selected(), (Ids{2, 0}));
  EXPECT_EQ(b.ranked, a.ranked);
  EXPECT_EQ(b.weights, a.weights);
  EXPECT_EQ(a.scores[1], 0.0f);
  EXPECT_TRUE(std::isnan(b.scores[1]));
  GateSpec sigmoid = olmoe_gate(4, 2);
  sigmoid.score = Score::sigmoid;
  const Decision c = run(sigmoid, spoiled);
  EXPECT_EQ(c.ranked, (Ids{2, 0, 3}));
  EXPECT_TRUE(std::isnan(c.scores[1]));
}

TEST(GateOrder, InfiniteLogitsTakeTheLimit) {
  const Decision one = run(olmoe_gate(4, 1), {0.0f, kInf, 3.0f, kNaN});
  EXPECT_EQ(one.ranked, (Ids{1, 0}));
  EXPECT_EQ(one.weights[0], 1.0f);
  EXPECT_EQ(run(olmoe_gate(4, 2), {kInf, 1.0f, kInf, 2.0f}).weights, (std::vector{0.5f, 0.5f}));
  GateSpec sigmoid = olmoe_gate(2, 1);
  sigmoid.score = Score::sigmoid;
  EXPECT_EQ(run(sigmoid, {-kInf, kInf}).scores, (std::vector{0.0f, 1.0f}));
  const Decision none = run(olmoe_gate(3, 1), {-kInf, -kInf, -kInf});
  EXPECT_EQ(none.ranked, (Ids{0, 1}));
  EXPECT_TRUE(std::isnan(none.margin));
}

TEST(GateOrder, MaskedExpertsAreNotSelectedEvenBeforeNaN) {
  GateSpec spec = gpt_oss_gate(4, 2);
  spec.groups = 2u;
  spec.groups_kept = 1u;
  spec.group_score = GroupScore::max;
  const Decision made = run(spec, {5.0f, kNaN, 1.0f, 2.0f});
  EXPECT_EQ(made.ranked, (Ids{0, 1, -1}));
  EXPECT_EQ(made.scores[3], -kInf);
}

// Equal logits must give equal scores at every position in a register.
void expect_ties_survive(const GateSpec& spec) {
  std::mt19937_64 random(10);
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<float> logits = tied_scores(random, spec.experts);
    for (float& z : logits) z = std::isfinite(z) && std::abs(z) < 100 ? z : 0.25f;
    const Decision made = run(spec, logits);
    for (size_t i = 0; i < logits.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (logits[i] == logits[j]) {
          ASSERT_EQ(made.scores[i], made.scores[j]) << i << " " << j;
        }
      }
    }
    ASSERT_EQ(made.selected(), by_full_sort(made.scores, spec.top_k));
  }
}

TEST(GateOrder, TiesSurviveTheScoreFunctionOnEveryInstructionSet) {
  GateSpec sigmoid = olmoe_gate(21, 4);
  sigmoid.score = Score::sigmoid;
  expect_ties_survive(olmoe_gate(21, 4));
  expect_ties_survive(sigmoid);
  kernels::limit_to_avx2();
  expect_ties_survive(olmoe_gate(21, 4));
  expect_ties_survive(sigmoid);
}

TEST(GateOrder, ThreadsDecideAlike) {
  std::mt19937_64 random(11);
  std::vector<std::vector<float>> logits;
  for (int i = 0; i < 2000; ++i) logits.push_back(tied_scores(random, 24));
  const GateSpec spec = olmoe_gate(24, 6);
  std::vector<std::vector<Decision>> made(3);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&] {
      for (const auto& z : logits) mine.push_back(run(spec, z));
    });
  }
  for (std::thread& t : threads) t.join();
  for (size_t i = 0; i < logits.size(); ++i) {
    const Decision alone = run(spec, logits[i]);
    for (const auto& one : made) ASSERT_TRUE(same(alone, one[i])) << i;
  }
}

}  // namespace
}  // namespace rg::gate
