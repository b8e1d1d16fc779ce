#include "text/pre_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace rg::text {
namespace {

using Part = PreTokenizerScratch::Part;

// Joins neighbours as the behaviour says; `out` receives what stays, in order.
void join(const std::vector<Part>& parts, SplitBehavior behavior, std::vector<Range>& out) {
  const size_t first = out.size();
  bool previous_match = false;
  switch (behavior) {
    case SplitBehavior::removed:
      for (const Part& part : parts) {
        if (!part.match) out.push_back(part.range);
      }
      break;
    case SplitBehavior::isolated:
      for (const Part& part : parts) out.push_back(part.range);
      break;
    case SplitBehavior::contiguous:
      for (size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && parts[i].match == parts[i - 1].match) {
          out.back().end = parts[i].range.end;
        } else {
          out.push_back(parts[i].range);
        }
      }
      break;
    case SplitBehavior::merged_with_previous:
      for (const Part& part : parts) {
        if (part.match && !previous_match && out.size() > first) {
          out.back().end = part.range.end;
        } else {
          out.push_back(part.range);
        }
        previous_match = part.match;
      }
      break;
    case SplitBehavior::merged_with_next:
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (part->match && !previous_match && out.size() > first) {
          out.back().begin = part->range.begin;
        } else {
          out.push_back(part->range);
        }
        previous_match = part->match;
      }
      std::reverse(out.begin() + static_cast<ptrdiff_t>(first), out.end());
      break;
  }
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

void PreTokenizer::run_splits(std::string_view text, PreTokenizerScratch& scratch) const {
  scratch.pieces.clear();
  if (!text.empty()) scratch.pieces.push_back({0, text.size()});
  for (const SplitStep& step : splits_) {
    scratch.next.clear();
    for (const Range piece : scratch.pieces) split_piece(step, text, piece, scratch);
    std::erase_if(scratch.next, [](Range range) { return range.begin == range.end; });
    scratch.pieces.swap(scratch.next);
  }
}

void PreTokenizer::split_piece(const SplitStep& step, std::string_view text, Range piece,
                               PreTokenizerScratch& scratch) const {
  find_parts(step, text, piece, scratch);
  if (step.invert) {
    for (Part& part : scratch.parts) part.match = !part.match;
  }
  join(scratch.parts, step.behavior, scratch.next);
}

void PreTokenizer::find_parts(const SplitStep& step, std::string_view text, Range piece,
                              PreTokenizerScratch& scratch) const {
  const std::string_view subject = text.substr(piece.begin, piece.end - piece.begin);
  const auto add = [&](size_t begin, size_t end, bool match) {
    if (begin < end) scratch.parts.push_back({{piece.begin + begin, piece.begin + end}, match});
  };
  scratch.parts.clear();
  size_t done = 0;    // end of the last part
  size_t search = 0;  // where to look next; beyond `done` after an empty match
  while (search < subject.size()) {
    Range match{};
    if (step.regex) {
      const MatchOutcome outcome = step.regex->find(subject, search, scratch.regex, match);
      if (outcome == MatchOutcome::gave_up) give_up(step.shown, piece.begin + search);
      if (outcome == MatchOutcome::none) break;
    } else {
      match.begin = subject.find(step.literal, search);
      if (match.begin == std::string_view::npos) break;
      match.end = match.begin + step.literal.size();
    }
    if (match.begin == match.end) {
      if (match.begin == subject.size()) break;
      add(done, match.begin, false);
      done = match.begin;
      search = match.begin + decode_utf8(subject, match.begin).bytes;
      continue;
    }
    add(done, match.begin, false);
    add(match.begin, match.end, true);
    done = search = match.end;
  }
  add(done, subject.size(), false);
}

}  // namespace rg::text
