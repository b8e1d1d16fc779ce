// L3, L4: what the model's gate says a choice and its weights are.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

using gate::Normalise;
using gate::Weigh;

// Whether a row's weights sum to the scaling factor by the gate's rule.
bool sums_to_scaling(const gate::GateSpec& spec) {
  return spec.normalise.value != Normalise::no || spec.weigh.value == Weigh::selected_softmax;
}

// Largest sum that a row can have without normalising.
double largest_sum(const gate::GateSpec& spec) {
  const bool shares = spec.score.value == gate::Score::softmax && spec.weigh.value == Weigh::scores;
  return (shares ? 1.0 : static_cast<double>(spec.top_k.value)) * double{spec.scaling.value};
}

struct Sums {
  std::vector<double> values;  // per row; NaN where unknown
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  uint64_t known = 0;
};

Sums sums_of(const Record& record, const LayerLog& log) {
  Sums sums;
  sums.values.assign(record.rows, std::numeric_limits<double>::quiet_NaN());
  for (uint32_t row = 0; row < record.rows; ++row) {
    if (!recorded(record.ids(log, row))) continue;
    double sum = 0;
    for (uint32_t i = 0; i < record.k; ++i) sum += double{log.weights[size_t{row} * record.k + i]};
    if (std::isnan(sum)) continue;
    sums.values[row] = sum;
    sums.least = std::min(sums.least, sum);
    sums.most = std::max(sums.most, sum);
    ++sums.known;
  }
  return sums;
}

struct WeightVerdict {
  enum class Kind {
    fine,
    not_normalised,
    scaling_left_out,
    renormalised,
    too_large
  } kind = Kind::fine;
  double least = 0, most = 0;
  std::vector<uint32_t> rows;
};

WeightVerdict judge(const Sums& sums, const gate::GateSpec& spec, double tolerance) {
  WeightVerdict verdict;
  verdict.least = sums.least;
  verdict.most = sums.most;
  const double scaling = double{spec.scaling.value};
  const auto rows_where = [&](auto bad) {
    for (uint32_t row = 0; row < sums.values.size(); ++row) {
      if (!std::isnan(sums.values[row]) && bad(sums.values[row])) verdict.rows.push_back(row);
    }
  };
  const auto about = [&](double value, double target) {
    return std::abs(value - target) <= tolerance * std::max(1.0, target);
  };
  using Kind = WeightVerdict::Kind;
  if (sums_to_scaling(spec)) {
    rows_where([&](double sum) { return !about(sum, scaling); });
    if (verdict.rows.empty()) return verdict;
    verdict.kind =
        about(sums.least, 1) && about(sums.most, 1) ? Kind::scaling_left_out : Kind::not_normalised;
    return verdict;
  }
  constexpr uint64_t kFewestRows = 8;  // that a constant sum needs to mean something
  if (sums.known >= kFewestRows && about(sums.least, 1) && about(sums.most, 1) &&
      spec.top_k < spec.experts) {
    verdict.kind = Kind::renormalised;
    rows_where([](double) { return true; });
    return verdict;
  }
  const double limit = largest_sum(spec);
  rows_where([&](double sum) { return sum > limit + tolerance * std::max(1.0, limit); });
  if (!verdict.rows.empty()) verdict.kind = Kind::too_large;
  return verdict;
}

Finding weight_finding(const CheckInput& input, WeightVerdict::Kind kind) {
  using Kind = WeightVerdict::Kind;
  const gate::GateSpec& spec = input.model->gate;
  Finding finding;
  const double scaling = double{spec.scaling.value};
  switch (kind) {
    case Kind::renormalised:
      finding.found =
          "every row's weights sum to 1, and the model's gate doesn't normalise: they "
          "were renormalised";
      finding.repair = "Record the weights as the gate gives them, or use ids only.";
      break;
    case Kind::scaling_left_out:
      finding.found = fmt::format(
          "every row's weights sum to 1, and the gate scales by {}: the "
          "factor was left out",
          scaling);
      finding.repair = fmt::format("Multiply the weights by {}.", scaling);
      break;
    case Kind::not_normalised:
      finding.found =
          fmt::format("rows whose weights don't sum to {}, as the gate's rule has it", scaling);
      finding.repair = "Divide each row by its sum, if they are scores before normalisation.";
      break;
    default:
      finding.found = fmt::format(
          "rows whose weights sum to more than {}, the most that the "
          "gate's rule allows",
          largest_sum(spec));
      finding.repair = "Find out which numbers were recorded; use ids only.";
  }
  finding.consequence =
      "Counts and overlap of ids stay right; whatever is weighted (weighted loads, comparison of "
      "weights, replay) is wrong by the factor.";
  return finding;
}

}  // namespace

CheckResult check_top_k(const CheckInput& input) {
  CheckResult result;
  const Record& record = input.record;
  if (!input.model) {
    result.not_checked = "needs --model";
    return result;
  }
  const uint32_t model_k = input.model->gate.top_k;
  if (record.k == model_k) return result;
  Finding finding;
  const bool stated = record.stated_k == record.k;
  finding.severity = stated ? Severity::suspect : Severity::fault;
  finding.found = fmt::format("{} experts per row, {} by the model{}", record.k, model_k,
                              stated ? ": overridden, as the log itself states" : "");
  finding.evidence = {{"k", record.k}, {"model_k", model_k}, {"stated_by_the_log", stated}};
  finding.consequence = fmt::format(
      "Loads, entropy and overlap are those of top {}, not of the model as released.", record.k);
  finding.repair = record.k > model_k
                       ? fmt::format("Keep the first {} columns, if the order is known.", model_k)
                       : "Compare it with logs of the same override only, or record it again.";
  result.findings.push_back(std::move(finding));
  return result;
}

CheckResult check_weight_rule(const CheckInput& input) {
  CheckResult result;
  const Record& record = input.record;
  if (!record.has_weights()) {
    result.not_checked = "the log has no weights";
    return result;
  }
  if (!input.model) {
    result.not_checked = "needs --model";
    return result;
  }
  const gate::GateSpec& spec = input.model->gate;
  if (spec.per_expert_scale || spec.weigh.value == Weigh::sparsemixer) {
    result.not_checked = "this gate's weights have no sum that is fixed";
    return result;
  }
  if (record.k != spec.top_k && !sums_to_scaling(spec)) {
    result.not_checked = "another k than the model's";
    return result;
  }
  const double tolerance = input.thresholds.weight_epsilons * double{record.weight_epsilon};
  std::vector<WeightVerdict> verdicts(record.layers.size());
  parallel_for(verdicts.size(), input.threads, [&](size_t at, int) {
    const LayerLog& log = record.layers[at];
    if (!log.weights.empty()) verdicts[at] = judge(sums_of(record, log), spec, tolerance);
  });
  using Kind = WeightVerdict::Kind;
  for (const Kind kind :
       {Kind::renormalised, Kind::scaling_left_out, Kind::not_normalised, Kind::too_large}) {
    Finding finding = weight_finding(input, kind);
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (size_t at = 0; at < verdicts.size(); ++at) {
      if (verdicts[at].kind != kind) continue;
      finding.layers.push_back(record.layers[at].layer);
      finding.rows = merged(std::move(finding.rows), ranges_of(verdicts[at].rows));
      least = std::min(least, verdicts[at].least);
      most = std::max(most, verdicts[at].most);
    }
    if (finding.layers.empty()) continue;
    const uint64_t rows = count_rows(finding.rows);
    finding.found =
        fmt::format("{} rows: {} (sums {:.6g} to {:.6g})", rows, finding.found, least, most);
    finding.evidence = {{"rows", rows},
                        {"smallest_sum", least},
                        {"largest_sum", most},
                        {"tolerance", tolerance},
                        {"weight_epsilon", record.weight_epsilon},
                        {"normalise", gate::name(spec.normalise.value)},
                        {"scaling", spec.scaling.value}};
    result.findings.push_back(std::move(finding));
  }
  return result;
}

}  // namespace rg::logs
