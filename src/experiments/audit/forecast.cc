#include "experiments/audit/forecast.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "experiments/audit/change_law.h"
#include "experiments/audit/forecast_bounds.h"
#include "experiments/audit/set_test.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kPositionStride = 1u << 20;  // i = position + 2^20 * draw
constexpr size_t kDrawnForecasts = 3;           // F2, F3, F4

struct Tally {
  std::array<std::array<uint32_t, 2>, kAuditDraws + 1> counts{};  // decisions, flips

  void see(uint32_t draws, bool flipped) {
    ++counts[draws][0];
    counts[draws][1] += flipped ? 1u : 0u;
  }
  std::vector<std::array<uint32_t, 3>> occurring() const {
    std::vector<std::array<uint32_t, 3>> rows;
    for (uint32_t s = 0; s <= kAuditDraws; ++s) {
      if (counts[s][0] > 0) rows.push_back({s, counts[s][0], counts[s][1]});
    }
    return rows;
  }
};

// What the windows of one fold are forecast from; fitted on the other.
struct FoldForecast {
  std::array<FlipBank, kDrawnForecasts> banks;  // of equally many rows
  ChangeLaw law;                                // F3's
};

FoldForecast fit_for(const LayerDecisions& decisions, int fold) {
  const int other = 1 - fold;
  FoldForecast fit;
  fit.banks[2] = seen_changes(decisions, other);
  fit.law = fitted_law(fit.banks[2], decisions.spec.experts);
  if (fit.banks[2].rows() == 0) return fit;
  const ChangeLaw isotropic =
      isotropic_law(decisions, decisions.input_variance[static_cast<size_t>(other)]);
  std::array<FlipBank, 2> normal =
      normal_changes({&isotropic, &fit.law}, fit.banks[2].rows(), decisions, fold);
  fit.banks[0] = std::move(normal[0]);
  fit.banks[1] = std::move(normal[1]);
  return fit;
}

// One per worker.
class WindowForecaster {
 public:
  explicit WindowForecaster(const LayerDecisions& decisions)
      : decisions_(decisions),
        test_(decisions.spec, decisions.selection_bias),
        ranked_(decisions.spec.top_k + 1) {}

  void forecast(size_t window, const FoldForecast& fit, const PassBounds* bounds,
                LayerForecast& out) {
    std::array<Tally, kDrawnForecasts> tallies;
    PassBounds::Bounds sums{.lower = 0, .upper = 0, .pair = 0};
    const size_t experts = decisions_.spec.experts;
    for (uint32_t t = 0; t < decisions_.positions; ++t) {
      const size_t row = window * decisions_.positions + t;
      if (decisions_.defined[row] == 0) continue;
      const std::span<const float> logits = decisions_.logits_a.subspan(row * experts, experts);
      draw_rows(fit.banks[2].rows(), window, t);
      test_.decide(logits);
      for (size_t f = 0; f < kDrawnForecasts; ++f) {
        tallies[f].see(test_.changes(fit.banks[f], rows_), decisions_.flipped[row] != 0);
      }
      if (bounds != nullptr) add_bounds(*bounds, logits, sums);
    }
    out.f2.of_window[window] = tallies[0].occurring();
    out.f3.of_window[window] = tallies[1].occurring();
    out.f4.of_window[window] = tallies[2].occurring();
    if (bounds == nullptr) return;
    out.bounds->lower[window] = sums.lower;
    out.bounds->upper[window] = sums.upper;
    out.bounds->pair[window] = sums.pair;
  }

 private:
  void draw_rows(size_t bank_rows, size_t window, uint32_t position) {
    rows_.clear();
    for (uint32_t s = 0; bank_rows > 0 && s < kAuditDraws; ++s) {
      rows_.push_back(draw_below(static_cast<uint32_t>(bank_rows), decisions_.seed, Purpose::audit,
                                 {position + kPositionStride * s, static_cast<uint32_t>(window),
                                  static_cast<uint32_t>(decisions_.layer)}));
    }
  }

  // A decision with a logit that isn't finite adds nothing.
  void add_bounds(const PassBounds& bounds, std::span<const float> logits,
                  PassBounds::Bounds& sums) {
    if (!all_finite(logits)) return;
    gate::select(decisions_.spec, logits, decisions_.selection_bias, ranked_);
    const PassBounds::Bounds own = bounds.of(logits, ranked_, scratch_);
    sums.lower += own.lower;
    sums.upper += own.upper;
    sums.pair += own.pair;
  }

  const LayerDecisions& decisions_;
  SetTest test_;
  std::vector<uint32_t> rows_;
  std::vector<int32_t> ranked_;
  std::vector<double> scratch_;
};

void check_decisions(const LayerDecisions& decisions) {
  const size_t rows = decisions.windows * decisions.positions;
  const size_t experts = decisions.spec.experts;
  check_internal(decisions.positions < kPositionStride && decisions.windows < (size_t{1} << 31) &&
                     rows < (size_t{1} << 31),
                 "the counters of draws don't meet");
  check_internal(decisions.logits_a.size() == rows * experts &&
                     decisions.logits_b.size() == rows * experts &&
                     decisions.defined.size() == rows && decisions.flipped.size() == rows &&
                     decisions.fold.size() == decisions.windows &&
                     decisions.gate_a.size() == experts * decisions.width,
                 "the decisions of an audit have one shape");
}

}  // namespace

LayerForecast forecast_layer(const LayerDecisions& decisions) {
  check_decisions(decisions);
  const bool ordered = decisions.spec.groups == 1u && !decisions.spec.selection_bias;
  LayerForecast out;
  for (DrawCounts* const counts : {&out.f2, &out.f3, &out.f4}) {
    counts->of_window.resize(decisions.windows);
  }
  if (ordered) {
    const std::vector<double> zeros(decisions.windows, 0.0);
    out.bounds = ForecastBounds{.lower = zeros, .upper = zeros, .pair = zeros};
  }
  for (int fold = 0; fold < 2; ++fold) {
    const FoldForecast fit = fit_for(decisions, fold);
    const std::optional<PassBounds> bounds =
        ordered ? std::optional<PassBounds>(std::in_place, fit.law, decisions.spec.experts)
                : std::nullopt;
    std::vector<size_t> scored;
    for (size_t w = 0; w < decisions.windows; ++w) {
      if (decisions.fold[w] == fold) scored.push_back(w);
    }
    std::vector<WindowForecaster> workers;
    workers.reserve(static_cast<size_t>(decisions.threads));
    for (int i = 0; i < decisions.threads; ++i) workers.emplace_back(decisions);
    parallel_for(scored.size(), decisions.threads, [&](size_t i, int worker) {
      workers[static_cast<size_t>(worker)].forecast(scored[i], fit, bounds ? &*bounds : nullptr,
                                                    out);
    });
  }
  return out;
}

}  // namespace rg::experiments
