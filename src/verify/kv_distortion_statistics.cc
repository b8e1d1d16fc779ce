#include "verify/kv_distortion_statistics.h"

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
  replicates_ = kv::draw_units(
      c, columns_, {*c.header.seed, *c.header.replicates, c.inspect.options().max_replicates});
}

kv::Series DocumentBootstrap::ratio(size_t numerator, size_t denominator) const {
  return kv::ratio(columns_, *replicates_, numerator, denominator);
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
