#include "experiments/key_only_geometry.h"

#include <algorithm>
#include <cmath>

#include "readout/determined.h"
#include "readout/evaluate.h"
#include "readout/key_span.h"

namespace rg::experiments {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

linear::Matrix matrix_of(const float* values, size_t rows, size_t columns) {
  return Eigen::Map<const RowMajor>(values, static_cast<Eigen::Index>(rows),
                                    static_cast<Eigen::Index>(columns))
      .cast<double>();
}

linear::Column column_of(std::span<const float> values) {
  return Eigen::Map<const Eigen::VectorXf>(values.data(), static_cast<Eigen::Index>(values.size()))
      .cast<double>();
}

double at_most_one(double share) { return std::min(share, 1.0); }

// Covariance of x / rms(x) over the fitted rows, from what attention reads; none where a gain is 0.
std::optional<linear::Matrix> input_covariance(const linear::Column& gain, const RouterSplit& split,
                                               const RouterRows& rows, int threads) {
  if ((gain.array() == 0).any()) return std::nullopt;
  const auto width = static_cast<uint32_t>(gain.size());
  readout::MomentSums sums(width, threads);
  for (const uint32_t n :
       readout::rows_of(readout::Part::train, split.parts, split.document_of_row)) {
    sums.add(rows.residual.span().subspan(size_t{n} * width, width));
  }
  const linear::Column inverse = gain.cwiseInverse();
  return inverse.asDiagonal() * sums.finish().covariance * inverse.asDiagonal();
}

std::optional<double> eta_of_inputs(const linear::Column& gain, const linear::Matrix& projection,
                                    const linear::Matrix& router, const RouterSplit& split,
                                    const RouterRows& rows, int threads) {
  const auto sigma = input_covariance(gain, split, rows, threads);
  if (!sigma) return std::nullopt;
  const readout::ClosedForm form = readout::closed_form(*sigma, projection, router);
  if (!form.eta || !std::isfinite(*form.eta)) return std::nullopt;
  return at_most_one(*form.eta);
}

void add_boundary(const readout::PairLengths& pairs, const readout::Routes& routes,
                  const RouterSplit& split, RouterGeometry& out) {
  std::vector<int32_t> ranked;
  for (const uint32_t n :
       readout::rows_of(readout::Part::test, split.parts, split.document_of_row)) {
    const std::span<const int32_t> of_row = routes.ranked_of(n);
    ranked.insert(ranked.end(), of_row.begin(), of_row.end());
    ++out.rows;
  }
  std::vector<double> finite;
  for (const double ratio : readout::boundary_ratios(pairs, ranked, routes.top_k)) {
    if (std::isnan(ratio)) {
      ++out.undefined;
    } else if (std::isinf(ratio)) {
      ++out.seen;
    } else {
      finite.push_back(std::max(ratio, 1.0));  // below it by rounding alone
    }
  }
  if (finite.empty()) return;
  std::sort(finite.begin(), finite.end());
  out.median_ratio = finite[(finite.size() + 1) / 2 - 1];
}

}  // namespace

bool is_plain_top_k(const gate::GateSpec& spec) {
  return !spec.selection_bias && spec.groups == spec.groups_kept && !spec.ids_from_table &&
         !spec.logit_bias;
}

std::optional<RouterGeometry> router_geometry(const tap::KeyView& keys, const tap::LayerView& gate,
                                              bool gate_is_rms, const readout::Routes& routes,
                                              const RouterSplit& split, const RouterRows& rows) {
  if (!keys.input_is_rms || !gate_is_rms || keys.projection == nullptr) return std::nullopt;
  const linear::Column gain = column_of(keys.input_gain);
  const linear::Matrix projection =
      matrix_of(keys.projection, rows.key_columns, keys.width) * gain.asDiagonal();
  const linear::Matrix router =
      matrix_of(gate.router_weight.data(), gate.spec->experts, keys.width) *
      column_of(gate.norm_gain).asDiagonal();
  const readout::KeySpan span = readout::key_span(projection);
  RouterGeometry out{.width = keys.width,
                     .rank = span.rank,
                     .condition = span.condition(),
                     .directions = readout::key_span(readout::expert_centred(router)).rank,
                     .eta = std::nullopt,
                     .eta_null = 1 - static_cast<double>(span.rank) / keys.width,
                     .eta_sigma = std::nullopt,
                     .angles = {},
                     .median_ratio = std::nullopt,
                     .determined = std::nullopt};
  if (out.directions > 0) {
    if (const auto share = readout::invisible_share(span, router)) {
      out.eta = at_most_one(share->eta);
    }
    const linear::Column angles = readout::principal_angles(span, router);
    out.angles.assign(angles.data(), angles.data() + angles.size());
  }
  out.eta_sigma = eta_of_inputs(gain, projection, router, split, rows, keys.threads);
  const readout::PairLengths pairs = readout::pair_lengths(span, router);
  add_boundary(pairs, routes, split, out);
  if (!is_plain_top_k(*gate.spec) || rows.determined_rows == 0) return out;
  const std::vector<double> slacks = readout::determinacy_slacks(
      span, router, pairs, matrix_of(rows.raw.data(), rows.determined_rows, keys.width),
      static_cast<double>(keys.input_epsilon), routes.top_k);
  out.determined = {.rows = rows.determined_rows,
                    .determined = static_cast<uint32_t>(std::count_if(
                        slacks.begin(), slacks.end(), [](double slack) { return slack >= 0; }))};
  return out;
}

}  // namespace rg::experiments
