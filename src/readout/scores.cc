#include "readout/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "gate/order.h"
#include "gate/score.h"
#include "stats/order.h"

namespace rg::readout {
namespace {

// One predicted row.
struct Guess {
  std::span<const int32_t> set;    // (k), the first ranks first
  std::span<const int32_t> order;  // (at least the largest budget)
  std::span<const double> logits;  // (E), minus their mean
};

double mean_over_experts(std::span<const float> logits) {
  double sum = 0;
  for (const float z : logits) sum += static_cast<double>(z);
  return sum / static_cast<double>(logits.size());
}

bool holds(std::span<const int32_t> ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

uint32_t budget_of(size_t index, const Routes& truth) {
  return std::min(truth.experts, kBudgets[index] * truth.top_k);
}

uint32_t largest_budget(const Routes& truth) { return budget_of(kBudgets.size() - 1, truth); }

ScoreSums set_scores(const Routes& truth, uint32_t row, const Guess& guess) {
  const std::span<const int32_t> set = truth.set_of(row);
  const std::span<const float> weights = truth.weights_of(row);
  const auto k = static_cast<double>(truth.top_k);
  double common = 0, mass = 0, all = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto weight = static_cast<double>(weights[i]);
    all += weight;
    if (!holds(guess.set, set[i])) continue;
    common += 1;
    mass += weight;
  }
  ScoreSums out;
  out.rows = 1;
  out.overlap = common / k;
  out.exact = common == k ? 1 : 0;
  out.top1 = set[0] == guess.set[0] ? 1 : 0;
  out.mass = all > 0 ? mass / all : out.overlap;
  for (size_t b = 0; b < kBudgets.size(); ++b) {
    const std::span<const int32_t> fetched = guess.order.first(budget_of(b, truth));
    out.hits[b] = static_cast<double>(std::count_if(set.begin(), set.end(),
                                                    [&](int32_t e) { return holds(fetched, e); })) /
                  k;
  }
  return out;
}

ScoreSums row_scores(const Scored& scored, uint32_t row, const Guess& guess) {
  ScoreSums out = set_scores(scored.truth, row, guess);
  const std::span<const float> logits = scored.truth.logits_of(row);
  const double mean = mean_over_experts(logits);
  for (size_t e = 0; e < logits.size(); ++e) {
    const double z = static_cast<double>(logits[e]) - mean;
    const double missed = guess.logits[e] - z, away = z - scored.mean_logits[e];
    out.error += missed * missed;
    out.energy += away * away;
  }
  return out;
}

// guess_of(i, row): what is predicted for the i-th row.
template <typename GuessOf>
std::vector<DocumentScores> score_all(const Scored& scored, const GuessOf& guess_of) {
  std::vector<DocumentScores> out;
  for (size_t i = 0; i < scored.rows.size(); ++i) {
    const uint32_t row = scored.rows[i], document = scored.document_of_row[row];
    if (out.empty() || out.back().document != document) {
      check_internal(out.empty() || out.back().document < document, "documents ascend");
      out.push_back({.document = document, .deciles = {}});
    }
    const uint32_t decile = decile_of(scored.truth.margins[row], scored.edges);
    out.back().deciles[decile] += row_scores(scored, row, guess_of(i, row));
  }
  return out;
}

// Predictions of one row at a time, judged by the gate.
class Judge {
 public:
  Judge(const Gate& gate, uint32_t budget)
      : gate_(gate),
        scores_(gate.experts()),
        set_(gate.top_k()),
        keys_(budget),
        order_(budget),
        centred_(gate.experts()) {}

  Guess operator()(std::span<const float> logits) {
    gate::select(gate_.spec, logits, gate_.selection_bias, set_);
    gate::score_logits(gate_.spec.score, logits.data(), logits.size(), scores_.data());
    gate::TopKeys ranking(keys_.data(), keys_.size());
    const double mean = mean_over_experts(logits);
    for (uint32_t e = 0; e < logits.size(); ++e) {
      if (gate_.spec.selection_bias) scores_[e] += gate_.selection_bias[e];
      ranking.offer(gate::order_key(scores_[e], e));
      centred_[e] = static_cast<double>(logits[e]) - mean;
    }
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<int32_t>(ranking.index(i));
    return {.set = set_, .order = order_, .logits = centred_};
  }

 private:
  const Gate& gate_;
  std::vector<float> scores_;
  std::vector<int32_t> set_;
  std::vector<uint64_t> keys_;
  std::vector<int32_t> order_;
  std::vector<double> centred_;
};

}  // namespace

ScoreSums& ScoreSums::operator+=(const ScoreSums& other) {
  rows += other.rows;
  overlap += other.overlap;
  exact += other.exact;
  top1 += other.top1;
  mass += other.mass;
  for (size_t b = 0; b < hits.size(); ++b) hits[b] += other.hits[b];
  error += other.error;
  energy += other.energy;
  return *this;
}

ScoreSums DocumentScores::total() const {
  ScoreSums out;
  for (const ScoreSums& decile : deciles) out += decile;
  return out;
}

std::vector<double> per_document(std::span<const DocumentScores> scores,
                                 double ScoreSums::*member) {
  std::vector<double> out;
  for (const DocumentScores& document : scores) out.push_back(document.total().*member);
  return out;
}

std::vector<double> per_document(std::span<const DocumentScores> scores, double ScoreSums::*member,
                                 uint32_t decile) {
  std::vector<double> out;
  for (const DocumentScores& document : scores) out.push_back(document.deciles[decile].*member);
  return out;
}

Gap overlap_gap(const stats::CountTable& table, std::span<const DocumentScores> more,
                std::span<const DocumentScores> less) {
  const auto same = [](const DocumentScores& a, const DocumentScores& b) {
    return a.document == b.document && a.total().rows == b.total().rows;
  };
  check_internal(std::equal(more.begin(), more.end(), less.begin(), less.end(), same),
                 "scores of the same rows");
  const std::vector<double> rows = per_document(more, &ScoreSums::rows);
  const stats::Replicates above =
      stats::ratio_replicates(table, per_document(more, &ScoreSums::overlap), rows);
  const stats::Replicates below =
      stats::ratio_replicates(table, per_document(less, &ScoreSums::overlap), rows);
  std::vector<double> differences;
  for (size_t b = 0; b < above.values.size(); ++b) {
    differences.push_back(above.values[b] - below.values[b]);
  }
  return {.estimate = above.estimate - below.estimate,
          .interval = stats::percentile_interval(differences)};
}

MarginEdges margin_edges(const Routes& routes, std::span<const uint32_t> rows) {
  std::vector<float> margins;
  for (const uint32_t n : rows) {
    if (!std::isnan(routes.margins[n])) margins.push_back(routes.margins[n]);
  }
  std::sort(margins.begin(), margins.end());
  MarginEdges edges;
  edges.fill(std::numeric_limits<float>::infinity());
  if (margins.empty()) return edges;
  for (size_t i = 0; i < edges.size(); ++i) {
    edges[i] = stats::quantile<float>(margins, {.over = i + 1, .under = kDeciles});
  }
  return edges;
}

uint32_t decile_of(float margin, const MarginEdges& edges) {
  if (std::isnan(margin)) return kDeciles - 1;
  return static_cast<uint32_t>(
      std::count_if(edges.begin(), edges.end(), [&](float edge) { return margin > edge; }));
}

std::vector<double> mean_logits(const Routes& routes, std::span<const uint32_t> rows) {
  std::vector<double> out(routes.experts, 0.0);
  for (const uint32_t n : rows) {
    const std::span<const float> logits = routes.logits_of(n);
    const double mean = mean_over_experts(logits);
    for (size_t e = 0; e < out.size(); ++e) out[e] += static_cast<double>(logits[e]) - mean;
  }
  for (double& value : out) value /= static_cast<double>(rows.size());
  return out;
}

std::vector<DocumentScores> score_predictions(const Gate& gate, const Scored& scored,
                                              std::span<const float> predicted) {
  const uint32_t experts = gate.experts();
  check_internal(predicted.size() == scored.rows.size() * experts, "a prediction for every row");
  Judge judge(gate, largest_budget(scored.truth));
  return score_all(
      scored, [&](size_t i, uint32_t) { return judge(predicted.subspan(i * experts, experts)); });
}

std::vector<DocumentScores> score_constant(const Scored& scored, std::span<const int32_t> guess) {
  check_internal(guess.size() == scored.truth.experts, "a guess that ranks every expert");
  const Guess same = {
      .set = guess.first(scored.truth.top_k), .order = guess, .logits = scored.mean_logits};
  return score_all(scored, [&](size_t, uint32_t) { return same; });
}

}  // namespace rg::readout
