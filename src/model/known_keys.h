// Keys of config.json that no forward pass reads, one list for all families: training, generation,
// tokenizer and bookkeeping keys of transformers 4 and 5 and of the tools that write its files.
// Some are harmless with certain values only, and known with these only.
#pragma once

#include <optional>
#include <string_view>

#include "base/json_fwd.h"

namespace rg::model {

enum class Harmless {
  always,
  unless_true,  // false or null
  if_empty,     // null, {} or []
  if_null,
  if_one,          // null or 1
  if_true,         // true alone: transformers 5 takes null for false with eager attention
  if_all_full,     // null, or a list of "full_attention"
  if_all_indexed,  // null, or a list of "indexed_attention"
};

struct KnownKey {
  std::string_view name;
  Harmless harmless;
};

// None for a key that isn't on the common list.
std::optional<Harmless> bookkeeping_key(std::string_view name);

bool is_harmless(Harmless when, const Json& value);
// "false or null"; empty for `always`.
std::string_view harmless_values(Harmless when);

}  // namespace rg::model
