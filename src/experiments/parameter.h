// What an experiment can be told by `--parameter key=JSON`: one row per key. The text of `--help`,
// the table in docs/experiments.md, the refusal of other values and the value that applies unless
// one is given all come from the row.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"

namespace rg::experiments {

// The values that a parameter takes; `otherwise` applies unless one is given.
struct IntegerValues {
  int64_t low, high, otherwise;
};
struct WordValues {
  std::vector<std::string> words;  // the first one applies otherwise
};
struct FlagValues {
  bool otherwise;
};
struct LayerValues {};   // some of the measured layers; otherwise all of them
struct PromptValues {};  // texts, or a file of texts; otherwise the experiment's own

struct Parameter {
  std::string key;
  std::string help;  // what the value is, without the values themselves
  std::variant<IntegerValues, WordValues, FlagValues, LayerValues, PromptValues> values;

  // Prompts are an input: the program reads them, and the experiment gets sequences.
  bool is_input() const { return std::holds_alternative<PromptValues>(values); }
};

// The common parameter `bootstrap`: resamples of every interval.
Parameter bootstrap_parameter();

std::string accepted_values(const Parameter& parameter);  // "an integer from 1 to 64"
std::string default_value(const Parameter& parameter);    // "4"

// The value of every parameter that is no input: the given one, or the default; layers ascending.
// US003 for an unknown key, and for a value that its row doesn't accept.
std::map<std::string, Json> effective_parameters(const std::vector<Parameter>& parameters,
                                                 const std::map<std::string, Json>& given,
                                                 const std::vector<int>& measured_layers);

}  // namespace rg::experiments
