// RC on the layer's own frequencies and on real queries and keys: what RoPE allows.
#include <algorithm>
#include <array>
#include <cmath>

#include "slack/walk.h"
#include "theorems/rope.h"

namespace rg::slack {
namespace {

constexpr double kScores = 1e-11;
constexpr int kShifts = 16;  // common turns of all planes
constexpr double kOffsets[] = {0, 1, 7, 63};

void rc_1(const LayerFacts& layer, Row& row) {
  const Vector& frequencies = layer.keys->rotary.frequencies;
  for (uint32_t p = 0; p < layer.keys->planes(); ++p) {
    if (std::sin(frequencies[p]) == 0) {
      row.skip_all();
      continue;
    }
    theorems::Findings findings;
    theorems::plane_commutant(frequencies[p], findings);
    row.see(0, case_of(findings.list()[0], kRounding), {p});
    row.see(1, case_of(findings.list()[2], kRounding), {p});
  }
}

void rc_2(const LayerFacts& layer, Row& row) {
  const Vector& frequencies = layer.keys->rotary.frequencies;
  for (uint32_t p = 0; p + 1 < layer.keys->planes(); ++p) {
    const double phi = frequencies[p], psi = frequencies[p + 1];
    if (std::cos(phi) == std::cos(psi)) {
      row.skip(0);
      continue;
    }
    theorems::Findings findings;
    theorems::no_intertwiner(phi, psi, findings);
    row.see(0, case_of(findings.list()[0], kRounding), {p});
  }
}

// Scores of the first context's queries and keys before RoPE, at a few distances.
void fold_scores(const HeadSample& sample, const Tensor& b, Row& row) {
  const Vector offsets = Eigen::Map<const Vector>(kOffsets, std::size(kOffsets));
  for_each_query_head(sample, [&](uint32_t i, uint32_t query_head) {
    const Tensor& queries = sample.early_queries[i];
    if (queries.isZero(0) || sample.early_keys.isZero(0)) return row.skip(0);
    theorems::Findings findings;
    theorems::fold(sample.layer->keys->rotary, b, queries, sample.early_keys, offsets, findings);
    row.see(0, case_of(findings.list().front(), kScores), {query_head});
  });
}

// A turn and a scale from 1/2 to 2 per plane, a rotation of the rest.
void rc_4(const HeadSample& sample, Row& row) {
  const theorems::Rotary& rotary = sample.layer->keys->rotary;
  theorems::Draws draws = draws_of(*sample.layer, "RC-4", sample.head);
  Vector angles(rotary.frequencies.size());
  for (double& angle : angles) angle = 6 * draws.uniform();
  Tensor b = theorems::plane_turn(angles, rotary.unrotated);
  for (Eigen::Index j = 0; j < angles.size(); ++j) {
    b.block<2, 2>(2 * j, 2 * j) *= std::exp2(2 * draws.uniform() - 1);
  }
  if (rotary.unrotated > 0) {
    b.bottomRightCorner(rotary.unrotated, rotary.unrotated) = draws.rotation(rotary.unrotated);
  }
  fold_scores(sample, b, row);
}

Tensor rotated_columns(const HeadSample& sample, uint32_t context) {
  const KeyFacts& facts = *sample.layer->keys;
  const Tensor keys = keys_of_context(sample, context);
  Tensor out(keys.rows(), 2 * facts.planes());
  for (uint32_t j = 0; j < 2 * facts.planes(); ++j) out.col(j) = keys.col(facts.columns[j]);
  return out;
}

void rc_7(const HeadSample& sample, Row& row) {
  const Tensor rotation =
      draws_of(*sample.layer, "RC-7", sample.head).rotation(2 * sample.layer->keys->planes());
  for (uint32_t context = 0; context < sample.layer->contexts.contexts; ++context) {
    const Tensor keys = without_zero_rows(rotated_columns(sample, context));
    if (keys.rows() == 0) {
      row.skip_all();
      continue;
    }
    theorems::Findings findings;
    theorems::rope_ceiling(keys, rotation, kShifts, findings);
    for (size_t i = 0; i < 2; ++i) {
      row.see(i, case_of(findings.list()[i], kRounding), {sample.head, context});
    }
  }
}

void rc_8(const HeadSample& sample, Row& row) {
  const theorems::Rotary& rotary = sample.layer->keys->rotary;
  const Vector scale =
      theorems::inverse_plane_rms(sample.early_keys.leftCols(2 * rotary.frequencies.size()));
  if (!scale.allFinite()) return row.skip(0, sample.layer->keys->group());  // a plane of zeros
  Tensor b = Tensor::Identity(rotary.size(), rotary.size());
  for (Eigen::Index j = 0; j < scale.size(); ++j) b.block<2, 2>(2 * j, 2 * j) *= scale[j];
  fold_scores(sample, b, row);
}

std::optional<std::string> needs_rope(const LayerFacts& layer) {
  if (!layer.keys) return needs_keys(layer);
  if (layer.keys->planes() == 0) return "the layer has no RoPE";
  return std::nullopt;
}

std::optional<std::string> needs_two_planes(const LayerFacts& layer) {
  if (auto reason = needs_rope(layer)) return reason;
  if (layer.keys->planes() < 2) return "the layer has one plane of RoPE";
  return std::nullopt;
}

std::optional<std::string> needs_scores_before_rope(const LayerFacts& layer) {
  if (auto reason = needs_rope(layer)) return reason;
  if (!layer.keys->before_rope) return "keys before RoPE aren't seen";
  return std::nullopt;
}

constexpr Quantity kRc1[] = {{"second", Relation::equal, Unit::plane},
                             {"third", Relation::equal, Unit::plane}};
constexpr Quantity kRc2[] = {{"smallest", Relation::equal, Unit::plane_pair}};
constexpr Quantity kRc4[] = {{"fold", Relation::equal, Unit::query_head}};
constexpr Quantity kRc7[] = {{"cosine", Relation::at_most, Unit::context},
                             {"pooled", Relation::at_most, Unit::context}};
constexpr Quantity kRc8[] = {{"scores", Relation::equal, Unit::query_head}};

}  // namespace

std::span<const TheoremCheck> rope_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"RC-1", kRc1, needs_rope, nullptr, nullptr, rc_1},
      TheoremCheck{"RC-2", kRc2, needs_two_planes, nullptr, nullptr, rc_2},
      TheoremCheck{"RC-4", kRc4, needs_scores_before_rope, rc_4, nullptr, nullptr},
      TheoremCheck{"RC-7", kRc7, needs_rope, rc_7, nullptr, nullptr},
      TheoremCheck{"RC-8", kRc8, needs_scores_before_rope, rc_8, nullptr, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
