// How well predicted logits (or a constant guess) tell the true routes: sums per document and per
// decile of the true margin, so that every score is a ratio of sums and can be bootstrapped over
// documents (stats::ratio_replicates). All sums fp64, in row order.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "readout/routes.h"
#include "stats/bootstrap.h"

namespace rg::readout {

inline constexpr std::array<uint32_t, 4> kBudgets = {1, 2, 4, 8};  // times k, at most E
inline constexpr uint32_t kDeciles = 10;

struct ScoreSums {
  double rows = 0;
  double overlap = 0;  // |T and predicted T| / k
  double exact = 0;    // the same set
  double top1 = 0;     // the same first expert
  double mass = 0;     // share of the true weights that lies on predicted experts; the overlap
                       // where the weights add up to 0
  std::array<double, kBudgets.size()> hits = {};  // share of T among the best-ranked k * budget
  // Logits minus their mean over experts (C_E): squared error, and squared distance from the mean
  // of the fitting rows; 1 - error / energy is R^2, pooled over experts (KR-9 b).
  double error = 0, energy = 0;

  ScoreSums& operator+=(const ScoreSums& other);
};

struct DocumentScores {
  uint32_t document;
  std::array<ScoreSums, kDeciles> deciles;  // by the true margin, smallest first
  ScoreSums total() const;
};

// One member of the sums, per document, over all deciles or in one.
std::vector<double> per_document(std::span<const DocumentScores> scores, double ScoreSums::*member);
std::vector<double> per_document(std::span<const DocumentScores> scores, double ScoreSums::*member,
                                 uint32_t decile);

// Difference of two overlaps on the same rows (key gap: pre-attention residual against keys), its
// percentile interval over documents drawn together for both; none if no replicate is defined.
struct Gap {
  double estimate;
  std::optional<stats::Interval> interval;
};
// table: units are the documents of both, in order.
Gap overlap_gap(const stats::CountTable& table, std::span<const DocumentScores> more,
                std::span<const DocumentScores> less);

// Upper edges of the first nine deciles of the rows' margins, by rank (stats/order.h); undefined
// margins are left out; all +inf without any.
using MarginEdges = std::array<float, kDeciles - 1>;
MarginEdges margin_edges(const Routes& routes, std::span<const uint32_t> rows);
// The decile of a margin: how many edges it exceeds; undefined: the last.
uint32_t decile_of(float margin, const MarginEdges& edges);

// Mean over `rows` of the logits minus their mean over experts, (E).
std::vector<double> mean_logits(const Routes& routes, std::span<const uint32_t> rows);

// What is scored: these rows of `truth`, ascending by document, and where they come from.
struct Scored {
  const Routes& truth;
  std::span<const uint32_t> rows;
  std::span<const uint32_t> document_of_row;  // of all rows of `truth`
  const MarginEdges& edges;
  std::span<const double> mean_logits;  // (E), of the fitting rows
};

// predicted (rows, E): judged by the gate itself; a prefetcher ranks by the predicted scores with
// the selection bias, without groups. One entry per document of the rows, ascending.
std::vector<DocumentScores> score_predictions(const Gate& gate, const Scored& scored,
                                              std::span<const float> predicted);
// The same guess for every row: experts in the order of `guess` (E ids), logits `mean_logits`.
std::vector<DocumentScores> score_constant(const Scored& scored, std::span<const int32_t> guess);

}  // namespace rg::readout
