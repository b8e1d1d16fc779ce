#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <new>

#include "text/unicode.h"

namespace rg::text {
namespace {

// A linear match needs a few steps per byte; only backtracking without end comes near these.
constexpr uint64_t kStepsFloor = 1'000'000, kStepsPerByte = 64;
constexpr size_t kJitStackStart = size_t{32} << 10, kJitStackLimit = size_t{1} << 20;
constexpr uint32_t kHeapLimitKib = 64 << 10;  // of the interpreter, where there is no JIT

}  // namespace

struct RegexScratch::State {
  pcre2_match_data* match = nullptr;
  pcre2_match_context* context = nullptr;
  pcre2_jit_stack* stack = nullptr;
  uint32_t limit = 0;
};

RegexScratch::RegexScratch() : state_(std::make_unique<State>()) {
  state_->match = pcre2_match_data_create(1, nullptr);
  state_->context = pcre2_match_context_create(nullptr);
  if (!state_->match || !state_->context) throw std::bad_alloc();
  state_->stack = pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr);
  // Without a stack of its own the JIT would use 32 KiB of the machine's.
  if (state_->stack) pcre2_jit_stack_assign(state_->context, nullptr, state_->stack);
  pcre2_set_heap_limit(state_->context, kHeapLimitKib);
}

RegexScratch::~RegexScratch() {
  pcre2_jit_stack_free(state_->stack);
  pcre2_match_context_free(state_->context);
  pcre2_match_data_free(state_->match);
}

void Regex::Deleter::operator()(void* code) const noexcept {
  pcre2_code_free(static_cast<pcre2_code*>(code));
}

std::optional<Regex> Regex::compile(std::string_view pattern, std::string& reason) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_code* code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &offset, context);
  pcre2_compile_context_free(context);
  if (!code) {
    PCRE2_UCHAR text[256];
    pcre2_get_error_message(error, text, sizeof text);
    reason =
        std::string(reinterpret_cast<const char*>(text)) + " at byte " + std::to_string(offset);
    return std::nullopt;
  }
  const bool jit = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
  return Regex(code, jit);
}

MatchOutcome Regex::find(std::string_view subject, size_t from, RegexScratch& scratch,
                         Range& match) const {
  RegexScratch::State& s = *scratch.state_;
  const uint64_t steps = kStepsFloor + kStepsPerByte * (subject.size() - from);
  const auto limit = static_cast<uint32_t>(std::min<uint64_t>(steps, UINT32_MAX));
  if (limit > s.limit || limit < s.limit / 2) {
    pcre2_set_match_limit(s.context, limit);
    s.limit = limit;
  }
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const int answer = jit_ && s.stack
                         ? pcre2_jit_match(code, text, subject.size(), from, PCRE2_NO_UTF_CHECK,
                                           s.match, s.context)
                         : pcre2_match(code, text, subject.size(), from,
                                       PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, s.match, s.context);
  if (answer == PCRE2_ERROR_NOMATCH) return MatchOutcome::none;
  if (answer < 0) return MatchOutcome::gave_up;
  const PCRE2_SIZE* at = pcre2_get_ovector_pointer(s.match);
  match = {at[0], at[1]};
  // \K in a look-ahead can end a match before its start; no translated pattern has one.
  return match.begin <= match.end ? MatchOutcome::found : MatchOutcome::gave_up;
}

bool Regex::matches_empty() const {
  uint32_t answer = 0;
  pcre2_pattern_info(static_cast<const pcre2_code*>(code_.get()), PCRE2_INFO_MATCHEMPTY, &answer);
  return answer != 0;
}

}  // namespace rg::text
