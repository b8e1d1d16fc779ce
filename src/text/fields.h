// Reading one component of tokenizer.json: every key is asked for by name, and what nobody asked
// for is refused.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace rg::text {

// Hints, by what went wrong.
inline constexpr const char* kTakeAgain =
    "Take tokenizer.json from the model's repository again, or save it again with save_pretrained.";
inline constexpr const char* kRemoveOne =
    "Readers disagree on which of the two counts. Remove one.";
inline constexpr const char* kOverLimit =
    "This is over what is read here. Tokenise elsewhere and pass the ids with trace --tokens.";

class Fields {
 public:
  // `where` names the component in messages ("normalizer.normalizers[1]"). TK002 if no object.
  Fields(const Json& json, std::string where, const std::string& file);

  const std::string& where() const noexcept { return where_; }
  const std::string& file() const noexcept { return file_; }

  // TK002 when missing or of another type.
  const Json& any(std::string_view key);
  bool boolean(std::string_view key);
  std::string text(std::string_view key);
  const Json& array(std::string_view key);
  const Json& object(std::string_view key);
  // Where Hugging Face has a default for the key.
  bool boolean_or(std::string_view key, bool otherwise);
  const Json* optional(std::string_view key);  // none when missing or null
  void ignore(std::string_view key) { optional(key); }

  // TK003 naming the keys that nobody asked for.
  void finish() const;
  [[noreturn]] void unsupported(std::string found, std::string expected) const;
  [[noreturn]] void malformed(std::string_view key, std::string found, std::string expected) const;

 private:
  const Json& json_;
  std::string where_;
  const std::string& file_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace rg::text
