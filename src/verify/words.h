// Words that people read in the table, for the names that artifacts and JSON use; and text from
// files made safe to print.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "verify/verify.h"

namespace rg::verify {

// Text from a file, safe for a terminal and, unlike escape_for_terminal's, never cut.
std::string escape_whole(std::string_view text);

// What a test measures, as the table names it; as it is where there is no other word.
struct EffectWords {
  std::string_view name;   // of the criterion: "C1"
  std::string_view words;  // "kappa vs interior"
  std::string_view legend;
  bool is_difference;                 // printed with its sign
  std::string_view over = "windows";  // what its interval resamples
};
EffectWords effect_words(std::string_view criterion);

// "attention share, layer 6: 0.507 [0.504, 0.511]"; empty without an effect. `digits` are
// significant ones.
std::string describe_effect(const Judgement& judgement, int digits);
std::string describe_number(double value, bool with_sign, int digits);

// "balanced (65.2 %)" for "H2 (65.2 %)", the label of an attention share.
std::string label_words(const std::string& label);

// "attention's share by size of the contributions" for "H by norm_share".
std::string_view also_words(std::string_view name);

// "a measurement without a claim" for REPORTED.
std::string_view verdict_legend(Verdict verdict);

// "0, 2, 4-7"; the layers ascend.
std::string layer_ranges(std::span<const int> layers);

// "1 window", "200 windows".
std::string counted(uint64_t count, std::string_view noun);

// "layer 3" or "layers 0, 2, 4-7".
std::string at_layers(std::span<const int> layers);

}  // namespace rg::verify
