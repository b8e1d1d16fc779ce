#include "experiments/attention_prompts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "experiments/attention_summary.h"

namespace rg::experiments {
namespace {

constexpr std::array<bool, 2> kExactFirst = {true, false};

const char* convention_name(bool exact) { return exact ? "exact" : "published"; }

std::vector<size_t> sequences_of(const Setting& setting, bool probes) {
  std::vector<size_t> found;
  for (size_t i = 0; i < setting.prompts.size(); ++i) {
    if (setting.prompts[i].target.empty() != probes) found.push_back(i);
  }
  return found;
}

const PromptRecords::Row& row_of(const PromptRecords& records, bool exact, size_t slot,
                                 size_t prompt) {
  return exact ? records.exact(slot, prompt) : records.published(slot, prompt);
}

struct Spread {
  double mean = kNaN, deviation = kNaN, agreement = kNaN;
};

// Mean and population standard deviation of the published ratio over the prompts.
Spread spread_of(const Setting& setting, const PromptRecords& records, size_t slot) {
  const std::vector<size_t> prompts = sequences_of(setting, false);
  if (prompts.empty()) return {};
  double sum = 0, squares = 0, agree = 0;
  for (const size_t i : prompts) {
    const PromptRecords::Row& row = records.published(slot, i);
    sum += row.ratio;
    agree += row.embedding_top == row.attention_top;
  }
  const auto n = static_cast<double>(prompts.size());
  for (const size_t i : prompts) {
    const double d = records.published(slot, i).ratio - sum / n;
    squares += d * d;
  }
  return {sum / n, std::sqrt(squares / n), agree / n};
}

int32_t token_at(const tap::SequenceSet& set, size_t sequence, uint32_t position) {
  size_t row = position;
  for (size_t i = 0; i < sequence; ++i) row += set.lengths[i];
  return set.ids[row];
}

}  // namespace

std::vector<size_t> published_slots(const Setting& setting) {
  const size_t count = setting.layers.size();
  std::set<size_t> slots;
  if (setting.layers == setting.moe_layers) {
    slots = {0, count / 2, count - 1};
  } else {
    for (size_t slot = 0; slot < count; ++slot) slots.insert(slot);
  }
  return {slots.begin(), slots.end()};
}

Json prompts_json(const Setting& setting, const PromptRecords& records, Nulls& nulls) {
  Json rows = Json::array();
  for (const size_t i : sequences_of(setting, false)) {
    const Setting::Prompt& prompt = setting.prompts[i];
    for (const bool exact : kExactFirst) {
      for (size_t slot = 0; slot < setting.layers.size(); ++slot) {
        const PromptRecords::Row& row = row_of(records, exact, slot, i);
        rows.push_back(
            {{"text", prompt.text},
             {"convention", convention_name(exact)},
             {"layer", setting.layers[slot]},
             {"position", exact ? prompt.exact_position : prompt.published_position},
             {"attention_ratio", nulls.number(row.ratio, "prompts", "every part is zero there")},
             {"embed_norm", nulls.number(row.embedding_norm, "prompts", "not finite")},
             {"attention_norm", nulls.number(row.attention_norm, "prompts", "not finite")},
             {"embed_top", row.embedding_top},
             {"attention_top", row.attention_top},
             {"top", row.top}});
      }
    }
  }
  return rows;
}

Json probes_json(const Setting& setting, const PromptRecords& records) {
  Json rows = Json::array();
  for (const size_t i : sequences_of(setting, true)) {
    const Setting::Prompt& probe = setting.prompts[i];
    for (const bool exact : kExactFirst) {
      const tap::SequenceSet& set = exact ? *setting.prompt_set : *setting.prompt_set_unmasked;
      const uint32_t position = exact ? probe.exact_position : probe.published_position;
      for (size_t slot = 0; slot < setting.layers.size(); ++slot) {
        rows.push_back({{"target", probe.target},
                        {"context", probe.text},
                        {"convention", convention_name(exact)},
                        {"layer", setting.layers[slot]},
                        {"token_id", token_at(set, i, position)},
                        {"top", row_of(records, exact, slot, i).top}});
      }
    }
  }
  return rows;
}

Json published_table(const Setting& setting, const PromptRecords& records) {
  Json rows = Json::array();
  if (sequences_of(setting, false).empty()) return rows;
  for (size_t slot = 0; slot < setting.layers.size(); ++slot) {
    const Spread spread = spread_of(setting, records, slot);
    rows.push_back({{"layer", setting.layers[slot]},
                    {"mean", spread.mean},
                    {"std", spread.deviation},
                    {"agreement", spread.agreement}});
  }
  return rows;
}

Json published_verdict(const Setting& setting, const PromptRecords& records, Nulls& nulls) {
  Json layers = Json::array();
  double all = 0, all_number = 0, rest = 0, rest_number = 0;
  for (const size_t slot : published_slots(setting)) {
    const double mean = spread_of(setting, records, slot).mean;
    layers.push_back(setting.layers[slot]);
    all += mean;
    all_number += 1;
    if (setting.layers[slot] == setting.moe_layers.front()) continue;
    rest += mean;
    rest_number += 1;
  }
  const auto block = [&](const std::string& key, double sum, double number) {
    const double mean = number > 0 ? sum / number : kNaN;
    return Json{
        {"mean", nulls.number(mean, "summary.verdict.published." + key,
                              "no prompt, or no layer but the first")},
        {"label", std::isnan(mean) ? name(Hypothesis::inconclusive) : name(judge_mean(mean))}};
  };
  return {{"layers", std::move(layers)},
          {"all_layers", block("all_layers", all, all_number)},
          {"without_first", block("without_first", rest, rest_number)}};
}

Json context_tests(const Setting& setting, const PromptRecords& records) {
  Json tests = Json::object();
  std::vector<std::string> targets;
  for (const size_t i : sequences_of(setting, true)) {
    const std::string& target = setting.prompts[i].target;
    if (std::find(targets.begin(), targets.end(), target) == targets.end()) {
      targets.push_back(target);
    }
  }
  for (const bool exact : kExactFirst) {
    Json layers = Json::array(), table = Json::array();
    uint64_t sensitive = 0;
    for (const size_t slot : published_slots(setting)) layers.push_back(setting.layers[slot]);
    for (const std::string& target : targets) {
      for (const size_t slot : published_slots(setting)) {
        Json tops = Json::array();
        std::set<int32_t> distinct;
        for (const size_t i : sequences_of(setting, true)) {
          if (setting.prompts[i].target != target) continue;
          tops.push_back(row_of(records, exact, slot, i).top);
          distinct.insert(row_of(records, exact, slot, i).top);
        }
        sensitive += distinct.size() > 1;
        table.push_back({{"target", target},
                         {"layer", setting.layers[slot]},
                         {"tops", std::move(tops)},
                         {"distinct", distinct.size()}});
      }
    }
    const size_t cells = table.size();
    tests[convention_name(exact)] = {{"layers", std::move(layers)},
                                     {"cells", cells},
                                     {"sensitive", sensitive},
                                     {"table", std::move(table)}};
  }
  return tests;
}

}  // namespace rg::experiments
