#include "experiments/audit/change_law.h"

#include <algorithm>

#include "base/parallel.h"
#include "base/random.h"
#include "linear/decompositions.h"
#include "stats/pinned_math.h"

namespace rg::experiments {
namespace {

constexpr size_t kPanelRows = 256;  // of a bank at a time, so that sums don't depend on threads
constexpr uint32_t kBankCounters = 1u << 31, kFoldCounters = 1u << 20;

Eigen::Index at_index(size_t i) { return static_cast<Eigen::Index>(i); }

// Rows [first, first + columns) of the bank as columns: (E, columns).
linear::Matrix panel_of(const FlipBank& bank, uint32_t experts, size_t first, size_t columns) {
  linear::Matrix panel(at_index(experts), at_index(columns));
  for (size_t c = 0; c < columns; ++c) {
    const float* const row = bank.row(first + c);
    for (uint32_t e = 0; e < experts; ++e) panel(at_index(e), at_index(c)) = row[e];
  }
  return panel;
}

template <typename Body>
void for_each_panel(size_t rows, const Body& body) {
  for (size_t first = 0; first < rows; first += kPanelRows) {
    body(first, std::min(kPanelRows, rows - first));
  }
}

// V sqrt(D)
linear::Matrix root_of(const linear::Matrix& covariance) {
  const linear::Eigenpairs pairs = linear::symmetric_eigenpairs(covariance);
  return pairs.vectors * pairs.values.cwiseMax(0.0).cwiseSqrt().asDiagonal();
}

// Standard normal (E, columns) for rows [first, first + columns) of a bank.
linear::Matrix standard_normals(const LayerDecisions& decisions, int fold, size_t first,
                                size_t columns) {
  const uint32_t experts = decisions.spec.experts;
  linear::Matrix normals(at_index(experts), at_index(columns));
  for (size_t c = 0; c < columns; ++c) {
    const uint32_t j = kBankCounters + static_cast<uint32_t>(first + c);
    for (uint32_t e = 0; e < experts; ++e) {
      const uint32_t word = draw_word(decisions.seed, Purpose::audit,
                                      {e + static_cast<uint32_t>(fold) * kFoldCounters, j,
                                       static_cast<uint32_t>(decisions.layer)},
                                      0);
      normals(at_index(e), at_index(c)) = stats::normal_quantile((word + 0.5) / 4294967296.0);
    }
  }
  return normals;
}

}  // namespace

ChangeLaw fitted_law(const FlipBank& bank, uint32_t experts) {
  ChangeLaw law{.mean = linear::Column::Zero(at_index(experts)),
                .covariance = linear::Matrix::Zero(at_index(experts), at_index(experts))};
  if (bank.rows() == 0) return law;
  const auto n = static_cast<double>(bank.rows());
  for (size_t i = 0; i < bank.rows(); ++i) {
    for (uint32_t e = 0; e < experts; ++e) law.mean(at_index(e)) += bank.row(i)[e];
  }
  law.mean /= n;
  for_each_panel(bank.rows(), [&](size_t first, size_t columns) {
    linear::Matrix panel = panel_of(bank, experts, first, columns);
    panel.colwise() -= law.mean;
    linear::add_gram(law.covariance, panel);
  });
  law.covariance /= n;
  return law;
}

ChangeLaw isotropic_law(const LayerDecisions& decisions, double variance) {
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const uint32_t experts = decisions.spec.experts;
  const Eigen::Map<const RowMajor> gate(decisions.gate_a.data(), at_index(experts),
                                        at_index(decisions.width));
  ChangeLaw law{.mean = linear::Column::Zero(at_index(experts)),
                .covariance = linear::Matrix::Zero(at_index(experts), at_index(experts))};
  const bool centre = shift_invariant(decisions.spec);
  for_each_panel(decisions.width, [&](size_t first, size_t columns) {
    linear::Matrix panel = gate.middleCols(at_index(first), at_index(columns)).cast<double>();
    if (centre) {
      for (Eigen::Index c = 0; c < panel.cols(); ++c) panel.col(c).array() -= panel.col(c).mean();
    }
    linear::add_gram(law.covariance, panel);
  });
  law.covariance *= variance;
  return law;
}

std::array<FlipBank, 2> normal_changes(const std::array<const ChangeLaw*, 2>& laws, size_t rows,
                                       const LayerDecisions& decisions, int fold) {
  const uint32_t experts = decisions.spec.experts;
  std::array<FlipBank, 2> banks = {FlipBank(rows, experts), FlipBank(rows, experts)};
  const std::array<linear::Matrix, 2> roots = {root_of(laws[0]->covariance),
                                               root_of(laws[1]->covariance)};
  const size_t panels = (rows + kPanelRows - 1) / kPanelRows;
  parallel_for(panels, decisions.threads, [&](size_t panel, int) {
    const size_t first = panel * kPanelRows, columns = std::min(kPanelRows, rows - first);
    const linear::Matrix normals = standard_normals(decisions, fold, first, columns);
    for (size_t which = 0; which < 2; ++which) {
      linear::Matrix changes = roots[which] * normals;
      changes.colwise() += laws[which]->mean;
      for (size_t c = 0; c < columns; ++c) {
        float* const row = banks[which].row(first + c);
        for (uint32_t e = 0; e < experts; ++e) {
          row[e] = static_cast<float>(changes(at_index(e), at_index(c)));
        }
      }
    }
  });
  return banks;
}

}  // namespace rg::experiments
