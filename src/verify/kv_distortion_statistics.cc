#include "verify/kv_distortion_statistics.h"

#include <chrono>

#include "verify/analysis.h"

namespace rg::verify::distortion {

DocumentBootstrap::DocumentBootstrap(const Record& record) : columns_(record.measured.n_documents) {
  for (const auto& [number, layer] : record.layers) {
    LayerColumns& columns = layers_[number];
    columns.cases = add(record, layer.cases);
    for (const WindowCode& code : layer.codes) {
      auto& of_code = columns.codes.emplace_back();
      if (code.refused) continue;
      for (size_t m = 0; m < kMeasurements; ++m) {
        const auto sum = [&](Sum which) { return add(record, code.of[m].sums[which]); };
        of_code[m] = {sum(kError),           sum(kForecast),  sum(kProduct),
                      sum(kForecastSquares), sum(kVariation), sum(kDivergence)};
      }
    }
  }
}

size_t DocumentBootstrap::add(const Record& record, const Windows& of_windows) {
  Windows of_documents(record.measured.n_documents, 0.0);
  for (size_t w = 0; w < of_windows.size(); ++w) {
    *of_documents[static_cast<size_t>(record.measured.documents[w])] += *of_windows[w];
  }
  return columns_.add(of_documents);
}

void DocumentBootstrap::resample(const Case& c) {
  const auto start = std::chrono::steady_clock::now();
  Judgement& judgement = c.inspect.judgement();
  check_resample_budget({columns_.windows(), columns_.size(), *c.header.replicates},
                        c.inspect.options().max_replicates, judgement.path);
  replicates_ = std::make_unique<Replicates>(
      columns_, ResampleSettings{.seed = *c.header.seed,
                                 .replicates = *c.header.replicates,
                                 .layer = kv::kUnitCounter,
                                 .threads = c.inspect.options().threads,
                                 .keep_draws = KeepDraws::no});
  judgement.bootstrap_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

kv::Series DocumentBootstrap::ratio(size_t numerator, size_t denominator) const {
  kv::Series series;
  series.estimate =
      kv::quotient(total(columns_.column(numerator)).sum, total(columns_.column(denominator)).sum);
  series.replicates.resize(replicates());
  for (size_t b = 0; b < replicates(); ++b) {
    series.replicates[b] =
        kv::quotient(replicates_->sum(numerator, b), replicates_->sum(denominator, b));
  }
  return series;
}

Blocks DocumentBootstrap::blocks(int layer, size_t code, size_t measurement) const {
  const LayerColumns& columns = layers_.at(layer);
  const CodeColumns& of = columns.codes[code][measurement];
  return {ratio(of.error, columns.cases), ratio(of.variation, columns.cases),
          ratio(of.divergence, columns.cases), ratio(of.error, of.forecast),
          ratio(of.product, of.forecast_squares)};
}

std::string calibration_of(const Blocks& blocks, size_t documents) {
  const std::optional<Interval> ratio = blocks[kRatio].interval();
  const std::optional<Interval> slope = blocks[kSlope].interval();
  if (documents < kMinDocuments || !ratio || !slope) return "INSUFFICIENT";
  const auto within = [](const Interval& interval) {
    return kCalibrated.lo <= interval.lo && interval.hi <= kCalibrated.hi;
  };
  return within(*ratio) && within(*slope) ? "CALIBRATED" : "NOT_CALIBRATED";
}

}  // namespace rg::verify::distortion
