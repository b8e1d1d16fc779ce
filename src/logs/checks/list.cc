#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.h"
#include "logs/checks/all.h"
#include "logs/checks/check.h"

namespace rg::logs {
namespace {

constexpr Check kChecks[] = {
    {"L1", "id outside the experts", check_id_range},
    {"L2", "id twice in a choice", check_id_twice},
    {"L3", "another k than the model's", check_top_k},
    {"L4", "weights by another rule", check_weight_rule},
    {"L5", "order lost", check_order},
    {"L6", "start-up or warm-up rows", check_start_up},
    {"L7", "rows missing", check_row_counts},
    {"L8", "shifted against the tokens", check_shift},
    {"L9", "padding as expert 0", check_padding},
    {"L10", "read with wrong strides", check_strides},
    {"L11", "a layer twice or empty", check_layers},
    {"L12", "loads multiplied", check_loads},
    {"L13", "not the router", check_router},
    {"L14", "phases mixed", check_phases},
};

constexpr ThresholdRow kThresholds[] = {
    {"L4.epsilons", &Thresholds::weight_epsilons}, {"L5.share", &Thresholds::order_share},
    {"L5.chance", &Thresholds::order_chance},      {"L6.chance", &Thresholds::run_chance},
    {"L6.floor", &Thresholds::run_floor},          {"L6.rows", &Thresholds::run_rows},
    {"L8.margin", &Thresholds::shift_margin},      {"L8.rows", &Thresholds::shift_rows},
    {"L9.factor", &Thresholds::padding_factor},    {"L10.p", &Thresholds::uniform_p},
    {"L10.rows", &Thresholds::uniform_rows},       {"L11.share", &Thresholds::same_share},
    {"L12.rows", &Thresholds::divisor_rows},       {"L13.share", &Thresholds::choice_share},
};

// The layer whose entropy the rows change most.
void add_effect(const CheckInput& input, Finding& finding) {
  const Record& record = input.record;
  const uint64_t named = count_rows(finding.rows);
  if (!finding.removable || named == 0 || named >= record.rows) return;
  constexpr size_t kMostLayers = 8;  // of a log with many: the first ones tell enough
  std::vector<const LayerLog*> layers;
  for (const LayerLog& log : record.layers) {
    const bool concerned =
        finding.layers.empty() ||
        std::find(finding.layers.begin(), finding.layers.end(), log.layer) != finding.layers.end();
    if (concerned && layers.size() < kMostLayers) layers.push_back(&log);
  }
  std::vector<Effect> effects(layers.size());
  parallel_for(layers.size(), input.threads, [&](size_t at, int) {
    effects[at] = {.layer = layers[at]->layer,
                   .with = layer_statistics(record, *layers[at], {}),
                   .without = layer_statistics(record, *layers[at], finding.rows)};
  });
  const auto change = [](const Effect& effect) {
    const double difference = effect.with.entropy - effect.without.entropy;
    return difference < 0 ? -difference : difference;
  };
  const auto most =
      std::max_element(effects.begin(), effects.end(),
                       [&](const Effect& a, const Effect& b) { return change(a) < change(b); });
  if (most != effects.end()) finding.effect = *most;
}

Json finding_json(const Finding& finding) {
  constexpr size_t kMostRanges = 1000;
  Json rows = Json::array();
  for (size_t i = 0; i < finding.rows.size() && i < kMostRanges; ++i) {
    rows.push_back({finding.rows[i].first, finding.rows[i].last});
  }
  Json json = {{"severity", name(finding.severity)},
               {"found", finding.found},
               {"layers", finding.layers},
               {"rows", rows},
               {"row_count", count_rows(finding.rows)},
               {"row_ranges", finding.rows.size()},
               {"removable", finding.removable},
               {"evidence", finding.evidence},
               {"consequence", finding.consequence},
               {"repair", finding.repair},
               {"effect", nullptr}};
  if (finding.effect) {
    json["effect"] = {{"layer", finding.effect->layer},
                      {"with", statistics_json(finding.effect->with)},
                      {"without", statistics_json(finding.effect->without)}};
  }
  return json;
}

}  // namespace

std::span<const Check> checks() { return kChecks; }
std::span<const ThresholdRow> threshold_rows() { return kThresholds; }

std::string_view name(Severity severity) noexcept {
  return severity == Severity::fault ? "FAULT" : "SUSPECT";
}

std::vector<CheckOutcome> run_checks(const CheckInput& input) {
  std::vector<CheckOutcome> outcomes;
  for (const Check& check : kChecks) {
    CheckOutcome outcome{
        .id = std::string(check.id), .title = std::string(check.title), .result = check.run(input)};
    for (Finding& finding : outcome.result.findings) {
      finding.id = check.id;
      add_effect(input, finding);
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

bool any_finding(const std::vector<CheckOutcome>& outcomes) {
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [](const CheckOutcome& outcome) { return !outcome.result.findings.empty(); });
}

std::vector<RowRange> removable_rows(const std::vector<CheckOutcome>& outcomes) {
  std::vector<RowRange> rows;
  for (const CheckOutcome& outcome : outcomes) {
    for (const Finding& finding : outcome.result.findings) {
      if (finding.removable) rows = merged(std::move(rows), finding.rows);
    }
  }
  return rows;
}

Json checks_json(const std::vector<CheckOutcome>& outcomes) {
  Json list = Json::array();
  for (const CheckOutcome& outcome : outcomes) {
    Json findings = Json::array();
    for (const Finding& finding : outcome.result.findings) {
      findings.push_back(finding_json(finding));
    }
    Json row = {{"id", outcome.id},     {"title", outcome.title},
                {"result", "clean"},    {"not_checked", nullptr},
                {"findings", findings}, {"notes", outcome.result.notes}};
    if (!outcome.result.not_checked.empty()) row["not_checked"] = outcome.result.not_checked;
    if (!outcome.result.findings.empty()) {
      row["result"] = "found";
    } else if (!outcome.result.not_checked.empty()) {
      row["result"] = "not checked";
    }
    list.push_back(row);
  }
  return list;
}

Json statistics_json(const LayerStatistics& statistics) {
  return {{"rows", statistics.rows},
          {"entropy_bits", statistics.entropy},
          {"busiest_over_mean", statistics.busiest},
          {"neighbour_overlap", statistics.overlap}};
}

bool all_zero(std::span<const int32_t> ids) noexcept {
  return std::all_of(ids.begin(), ids.end(), [](int32_t id) { return id == 0; });
}

std::string layers_text(const std::vector<int>& layers) {
  std::vector<uint32_t> numbers(layers.begin(), layers.end());
  std::string text;
  for (const RowRange& range : ranges_of(numbers)) {
    if (!text.empty()) text += ',';
    text += range.first == range.last ? std::to_string(range.first)
                                      : fmt::format("{}-{}", range.first, range.last);
  }
  return (layers.size() == 1 ? "layer " : "layers ") + text;
}

}  // namespace rg::logs
