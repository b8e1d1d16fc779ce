#include "experiments/kv_distortion_estimates.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "experiments/record.h"
#include "stats/replicates.h"

namespace rg::experiments {
namespace {

using keys::DistortionSums;

// Mean over the defined ones, NaN without any.
class MeanOfDefined {
 public:
  void add(double value) {
    if (std::isnan(value)) return;
    sum_ += value;
    count_ += 1;
  }
  double mean() const { return count_ == 0 ? kNaN : sum_ / count_; }

 private:
  double sum_ = 0, count_ = 0;
};

// The larger one, and of NaN and a number the number.
double larger(double a, double b) { return std::isnan(a) || b > a ? b : a; }

// Sums over windows in their order: of each document, and of all.
struct SumsOfDocuments {
  std::vector<DistortionSums> each;
  DistortionSums total;
};
SumsOfDocuments by_document(const KvDistortionLayer& layer, size_t code, bool sinks_exact,
                            const KvDocuments& documents) {
  SumsOfDocuments out{.each = std::vector<DistortionSums>(documents.count), .total = {}};
  for (size_t w = 0; w < layer.windows[code].size(); ++w) {
    const KvBoth<DistortionSums>& window = layer.windows[code][w];
    const DistortionSums& sums = sinks_exact ? window.sinks_exact : window.all;
    out.each[documents.of_window[w]].add(sums);
    out.total.add(sums);
  }
  return out;
}

const keys::DistortionSummary& summary_of(const KvCodeResult& code, bool sinks_exact) {
  return (sinks_exact ? code.measured.sinks_exact : code.measured.all).summary;
}

}  // namespace

KvDocuments::KvDocuments(const KvContextRecord& contexts,
                         std::span<const uint32_t> window_document) {
  std::unordered_map<uint32_t, uint32_t> numbers;
  for (const KvContextRecord::Context& context : contexts.contexts()) {
    const auto next = static_cast<uint32_t>(numbers.size());
    of_window.push_back(numbers.emplace(window_document[context.window], next).first->second);
  }
  count = static_cast<uint32_t>(numbers.size());
}

std::optional<KvDistortionEstimates> kv_distortion_estimates(const KvDistortionLayer& layer,
                                                             size_t code, bool sinks_exact,
                                                             const KvDocuments& documents,
                                                             const stats::CountTable& table) {
  const auto [sums, total] = by_document(layer, code, sinks_exact, documents);
  if (total.cases == 0) return std::nullopt;
  std::vector<double> cases;
  for (const DistortionSums& document : sums) cases.push_back(static_cast<double>(document.cases));
  const auto values = [&each = sums](double DistortionSums::*member) {
    std::vector<double> out;
    for (const DistortionSums& document : each) out.push_back(document.*member);
    return out;
  };
  const std::vector<double> error = values(&DistortionSums::error);
  KvDistortionEstimates out{
      .blocks = {stats::ratio_replicates(table, error, cases),
                 stats::ratio_replicates(table, values(&DistortionSums::variation), cases),
                 stats::ratio_replicates(table, values(&DistortionSums::divergence), cases),
                 stats::ratio_replicates(table, error, values(&DistortionSums::forecast)),
                 stats::ratio_replicates(table, values(&DistortionSums::product),
                                         values(&DistortionSums::forecast_squares))},
      .vacuous = {},
      .direction = total.isotropic_squares > 0
                       ? std::sqrt(total.score_squares / total.isotropic_squares)
                       : kNaN,
      .excess = {}};
  for (size_t b = 0; b < keys::kBounds; ++b) {
    out.vacuous[b] = static_cast<double>(total.vacuous[b]) / static_cast<double>(total.cases);
    out.excess[b] = kNaN;
    for (const KvHeadResult& head : layer.heads) {
      const keys::DistortionSummary& found = summary_of(head.codes[code], sinks_exact);
      out.excess[b] = larger(out.excess[b], found.bounds[b].largest_excess);
    }
  }
  return out;
}

KvDistortionEstimates kv_distortion_mean(std::span<const KvDistortionEstimates* const> parts) {
  KvDistortionEstimates out = *parts[0];
  std::vector<const stats::Replicates*> blocks(parts.size());
  for (size_t block = 0; block < out.blocks.size(); ++block) {
    for (size_t i = 0; i < parts.size(); ++i) blocks[i] = &parts[i]->blocks[block];
    out.blocks[block] = stats::mean_of(blocks);
  }
  MeanOfDefined direction;
  for (const KvDistortionEstimates* const part : parts) direction.add(part->direction);
  out.direction = direction.mean();
  for (size_t b = 0; b < keys::kBounds; ++b) {
    MeanOfDefined vacuous;
    for (const KvDistortionEstimates* const part : parts) {
      vacuous.add(part->vacuous[b]);
      out.excess[b] = larger(out.excess[b], part->excess[b]);
    }
    out.vacuous[b] = vacuous.mean();
  }
  return out;
}

std::string_view kv_calibration(const KvDistortionEstimates* found, size_t documents) {
  if (found == nullptr || documents < kDocumentsCalibrated) return "INSUFFICIENT";
  bool calibrated = true;
  for (const KvBlock block : {kRatio, kSlope}) {
    const auto interval = stats::percentile_interval(found->blocks[block].values);
    if (!interval) return "INSUFFICIENT";
    const auto [low, high] = *interval;
    calibrated = calibrated && low >= kCalibratedFrom && high <= kCalibratedTo;
  }
  return calibrated ? "CALIBRATED" : "NOT_CALIBRATED";
}

}  // namespace rg::experiments
