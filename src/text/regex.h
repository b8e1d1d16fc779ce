// One pre-tokenizer pattern, matched by PCRE2 (JIT where the machine allows it). Hugging Face runs
// Oniguruma with Ruby's syntax; the pattern is translated so that both mean the same, and a
// construct that they read differently is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rg::text {

struct Range {
  size_t begin, end;  // bytes
};

enum class MatchOutcome { found, none, gave_up };

// Memory that matching needs, one per thread; reused from match to match.
class RegexScratch {
 public:
  RegexScratch();
  ~RegexScratch();
  RegexScratch(const RegexScratch&) = delete;
  RegexScratch& operator=(const RegexScratch&) = delete;

 private:
  friend class Regex;
  struct State;
  std::unique_ptr<State> state_;
};

class Regex {
 public:
  // `pattern` in PCRE2 syntax with UTF and UCP on; ^ and $ at lines, as in Ruby. On a syntax
  // error: none, and its reason in `reason`.
  static std::optional<Regex> compile(std::string_view pattern, std::string& reason);

  // The leftmost match in `subject` (valid UTF-8) at or after byte `from`, a character boundary.
  // Gives up beyond a limit of steps that grows with the subject's length: catastrophic
  // backtracking is an answer, not a hang. The stack stays bounded.
  MatchOutcome find(std::string_view subject, size_t from, RegexScratch& scratch,
                    Range& match) const;

  bool jit() const noexcept { return jit_; }
  bool matches_empty() const;  // some subject has a match of no characters

 private:
  struct Deleter {
    void operator()(void* code) const noexcept;
  };
  explicit Regex(void* code, bool jit) : code_(code), jit_(jit) {}

  std::unique_ptr<void, Deleter> code_;
  bool jit_;
};

// Oniguruma (Ruby syntax, UTF-8) to PCRE2: `\s`, `\S` and `\w` written out as Unicode classes.
// None, with the construct in `reason`, where the two differ in a way that isn't translated:
// nested or intersected classes, POSIX brackets, \h \b \A \z \v and the like.
std::optional<std::string> translate_oniguruma(std::string_view pattern, std::string& reason);

}  // namespace rg::text
