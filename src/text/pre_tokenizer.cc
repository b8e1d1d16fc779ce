#include "text/pre_tokenizer.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace rg::text {
namespace {

// Whether a part becomes one piece with the part before it.
bool joins(SplitBehavior behavior, bool previous_match, bool match) {
  switch (behavior) {
    case SplitBehavior::contiguous:
      return previous_match == match;
    case SplitBehavior::merged_with_previous:
      return match && !previous_match;
    case SplitBehavior::merged_with_next:
      return previous_match && !match;
    case SplitBehavior::removed:
    case SplitBehavior::isolated:
      break;
  }
  return false;
}

}  // namespace

void PreTokenizer::give_up(std::string_view pattern, size_t offset) {
  throw Error(ErrorId::TK006,
              {.file = {},
               .object = "pre-tokenizer pattern " + std::string(pattern),
               .found = "no answer within the step limit at byte " + std::to_string(offset),
               .expected = "a match in time that grows linearly with the text",
               .hint = "The pattern backtracks without end on this text. Use the model's own "
                       "tokenizer.json, or leave the text out."});
}

void PreTokenizer::start(std::string_view text, PreTokenizerScratch& scratch) const {
  scratch.levels.resize(splits_.size());
  scratch.depth = 0;
  scratch.down.reset();
  if (!text.empty()) scratch.down = Range{0, text.size()};
}

bool PreTokenizer::next_piece(std::string_view text, PreTokenizerScratch& scratch,
                              Range& piece) const {
  for (;;) {
    if (scratch.down) {
      piece = *scratch.down;
      scratch.down.reset();
      if (scratch.depth == splits_.size()) return true;
      scratch.levels[scratch.depth++] = {piece, piece.begin, piece.begin, {}, {}};
    }
    if (scratch.depth == 0) return false;
    const size_t at = scratch.depth - 1;
    if (next_of_level(splits_[at], text, scratch.levels[at], scratch.regex, piece)) {
      scratch.down = piece;
    } else {
      --scratch.depth;
    }
  }
}

bool PreTokenizer::next_of_level(const SplitStep& step, std::string_view text, Level& level,
                                 RegexScratch& regex, Range& piece) const {
  Part part;
  while (next_part(step, text, level, regex, part)) {
    if (step.invert) part.match = !part.match;
    if (step.behavior == SplitBehavior::removed && part.match) continue;
    if (step.behavior == SplitBehavior::removed || step.behavior == SplitBehavior::isolated) {
      piece = part.range;
      return true;
    }
    if (level.held && joins(step.behavior, level.held->match, part.match)) {
      level.held = Part{{level.held->range.begin, part.range.end}, part.match};
      continue;
    }
    const std::optional<Part> before = std::exchange(level.held, part);
    if (!before) continue;
    piece = before->range;
    return true;
  }
  if (!level.held) return false;
  piece = level.held->range;
  level.held.reset();
  return true;
}

// Matches and the gaps between them, in order; none is empty.
bool PreTokenizer::next_part(const SplitStep& step, std::string_view text, Level& level,
                             RegexScratch& regex, Part& part) const {
  if (level.match) {
    part = *level.match;
    level.match.reset();
    return true;
  }
  const size_t base = level.piece.begin, end = level.piece.end;
  const std::string_view subject = text.substr(base, end - base);
  while (level.search < end) {
    Range match{};
    if (step.regex) {
      const MatchOutcome outcome = step.regex->find(subject, level.search - base, regex, match);
      if (outcome == MatchOutcome::gave_up) give_up(step.shown, level.search);
      if (outcome == MatchOutcome::none) break;
    } else {
      match.begin = subject.find(step.literal, level.search - base);
      if (match.begin == std::string_view::npos) break;
      match.end = match.begin + step.literal.size();
    }
    const bool empty = match.begin == match.end;
    if (empty && match.begin == subject.size()) break;
    const Range gap{level.done, base + match.begin}, found{base + match.begin, base + match.end};
    level.done = found.end;
    level.search = empty ? found.end + decode_utf8(text, found.end).bytes : found.end;
    if (gap.begin < gap.end) {
      if (!empty) level.match = Part{found, true};
      part = {gap, false};
      return true;
    }
    if (empty) continue;
    part = {found, true};
    return true;
  }
  part = {{level.done, end}, false};
  level.done = level.search = end;
  return part.range.begin < part.range.end;
}

}  // namespace rg::text
