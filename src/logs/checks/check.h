// Checks of routing logs: each a pure function of the record, and of the model where one is known.
// The list is explicit. docs/routing-logs.md says for each what it looks at and what to do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "logs/model_facts.h"
#include "logs/record.h"
#include "logs/statistics.h"

namespace rg::logs {

// Limits of the checks; the names are those of --threshold.
struct Thresholds {
  double weight_epsilons = 8;   // L4: of a row's sum, in epsilons of the weights' storage
  double order_share = 0.999;   // L5: rows in ascending order
  double order_chance = 1e-9;   // L5: of that order by chance, at most
  double run_chance = 1e-9;     // L6: of a run by chance, in the whole log
  double run_rows = 16;         // L6: longest run that text itself may have, at least
  double run_floor = 1e-6;      // L6: least share of equal neighbours
  double shift_margin = 0.1;    // L8: bits by which another shift must be ahead
  double shift_rows = 200;      // L8: fewest rows
  double padding_factor = 100;  // L9: times the expectation
  double uniform_p = 0.01;      // L10: of the chi-square test
  double uniform_rows = 50;     // L10: fewest rows, in E
  double same_share = 0.99;     // L11: rows that two layers share
  double divisor_rows = 1000;   // L12: fewest rows
  double choice_share = 0.99;   // L13: rows whose choice follows from the logits
};
struct ThresholdRow {
  std::string_view name;  // "L6.chance"
  double Thresholds::*value;
};
std::span<const ThresholdRow> threshold_rows();

struct CheckInput {
  const Record& record;
  const Census& census;
  const std::optional<ModelFacts>& model;
  const Thresholds& thresholds;
  int threads = 1;
};

// fault: no correct log is like this. suspect: possible, but not likely; look at it.
enum class Severity { suspect, fault };
std::string_view name(Severity severity) noexcept;  // "FAULT"

// What a layer's statistics are with the named rows and without.
struct Effect {
  int layer;
  LayerStatistics with, without;
};

struct Finding {
  std::string id;  // "L6"
  Severity severity = Severity::fault;
  std::string found;                // one sentence with its numbers
  std::vector<int> layers = {};     // empty: all of the log
  std::vector<RowRange> rows = {};  // ascending, disjoint; empty: all rows
  bool removable = false;           // leaving these rows out repairs the log
  Json evidence = Json::object();
  std::string consequence;  // for counts, entropy, overlap and the like
  std::string repair;
  std::optional<Effect> effect = {};  // set by run_checks() where rows are removable
};

struct CheckResult {
  std::vector<Finding> findings = {};
  std::string not_checked = {};         // why not, if it wasn't: "needs token ids"
  std::vector<std::string> notes = {};  // what looks odd and is right
};

struct Check {
  std::string_view id, title;
  CheckResult (*run)(const CheckInput& input);
};
std::span<const Check> checks();  // L1 to L14

struct CheckOutcome {
  std::string id, title;
  CheckResult result;
};
// All of them, in order, with effects.
std::vector<CheckOutcome> run_checks(const CheckInput& input);

bool any_finding(const std::vector<CheckOutcome>& outcomes);
// The rows that --clean leaves out.
std::vector<RowRange> removable_rows(const std::vector<CheckOutcome>& outcomes);
Json checks_json(const std::vector<CheckOutcome>& outcomes);
Json statistics_json(const LayerStatistics& statistics);

// --- for checks ---

// Whether a layer's ids come in ascending order in so many rows that they were sorted (L5).
struct SortedIds {
  uint64_t rows = 0, ascending = 0, distinct = 0;
  bool sorted = false;
};
SortedIds sorted_ids(const CheckInput& input, const LayerLog& log);
// Rows at both ends of sequences that are 0 everywhere, or 0..k-1, in every layer (L9).
std::vector<uint32_t> padding_rows(const CheckInput& input, bool zeros);
// Layers in which every recorded row is 0 everywhere (L11).
std::vector<int> empty_layers(const CheckInput& input);
bool all_zero(std::span<const int32_t> ids) noexcept;

// Rows found by several layers, in parallel: `find(layer, out)` appends ascending rows.
std::string layers_text(const std::vector<int>& layers);  // "layer 3", "layers 0-3,7"

}  // namespace rg::logs
