// config.json, read strictly: every key that a family reads is marked, whatever is left over and
// not known to be harmless is refused, and every value remembers where it came from. A number must
// be written as what it is: 256.0, "256", 1e3 and null are no integers (CF002). Bounds are the
// reader's, not the family's: counts from files end at kMaxCount.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "model/known_keys.h"
#include "model/model.h"

namespace rg::model {

inline constexpr uint32_t kMaxCount = 1u << 30;
inline constexpr uint32_t kMaxLayers = 1024;
// Heads are as wide as a few hundred; RoPE holds a frequency for every two dimensions.
inline constexpr uint32_t kMaxHeadWidth = 1u << 16;

// A key that no one read, with a value that isn't known to be harmless.
struct Leftover {
  std::string key;    // full name
  std::string value;  // as shown in messages
  std::string known;  // the values that would be; empty if the key is unknown
};

// Throws CF004 naming all of them, if there are any.
void refuse_leftovers(std::vector<Leftover> leftovers);

// The number of {"__float__": "Infinity"}: JSON has no infinity, and transformers 5 writes one so.
std::optional<double> tagged_float(const Json& value);

class ConfigReader {
 public:
  // `path` names the object in messages: "" for the file's top level, "rope_parameters" within.
  ConfigReader(const Json& object, std::string path, std::vector<Origin>& origins);

  // `field`: the name under which the origin is recorded; empty: not recorded.
  // A key that decides the gate or has no substitute: CF003 if missing.
  uint32_t count(std::string_view key, std::string_view field);
  bool flag(std::string_view key, std::string_view field);
  double real(std::string_view key, std::string_view field);
  std::string text(std::string_view key, std::string_view field);
  // The family's class default if the key is missing, recorded as such. null is not missing.
  uint32_t count_or(std::string_view key, std::string_view field, uint32_t otherwise);
  bool flag_or(std::string_view key, std::string_view field, bool otherwise);
  // Infinity as transformers 5 writes it, {"__float__": "Infinity"}, is a real as well.
  double real_or(std::string_view key, std::string_view field, double otherwise);
  std::string text_or(std::string_view key, std::string_view field, std::string_view otherwise);
  // None for null as for a missing key.
  std::optional<uint32_t> count_if(std::string_view key, std::string_view field);
  std::optional<double> real_if(std::string_view key, std::string_view field);
  const Json* object_if(std::string_view key);
  const Json* value_if(std::string_view key);  // of any kind

  bool has(std::string_view key) const;
  // What no key decides: "fixed by the family", "class default", a tensor's absence.
  void state(std::string_view field, std::string value, std::string source);
  // CF002 about a key that was read.
  [[noreturn]] void refuse(std::string_view key, std::string found, std::string expected,
                           std::string hint) const;
  // Adds every key that was not read and that no list calls harmless: the family's, and at the
  // file's top level the common one.
  void collect_leftovers(std::span<const KnownKey> known_to_family,
                         std::vector<Leftover>& leftovers) const;

 private:
  const Json* find(std::string_view key);  // null if missing; marks the key
  const Json& required(std::string_view key);
  uint32_t as_count(std::string_view key, const Json& value) const;
  double as_real(std::string_view key, const Json& value) const;
  bool as_flag(std::string_view key, const Json& value) const;
  std::string as_text(std::string_view key, const Json& value) const;
  void keep(std::string_view key, std::string_view field, const Json& value);
  void keep_default(std::string_view field, const Json& value);
  std::string full_name(std::string_view key) const;

  const Json& object_;
  std::string path_;
  std::vector<Origin>& origins_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace rg::model
