// The pre-tokenizer of a byte-level model: splits, then ByteLevel as the last step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace rg::text {

// What becomes of the matches of a Split.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct SplitStep {
  std::optional<Regex> regex;  // none: the literal
  std::string literal;         // not empty when used
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;  // matches and gaps change places
  std::string shown;    // the pattern as tokenizer.json has it, for messages
};

struct ByteLevelStep {
  bool add_prefix_space = false;
  std::optional<Regex> regex;  // none: use_regex false
};

struct PreTokenizerScratch {
  struct Part {
    Range range;
    bool match;
  };
  // What one split has left to do in the piece that it works on.
  struct Level {
    Range piece;
    size_t done;                // end of the last part
    size_t search;              // where to look next; beyond `done` after an empty match
    std::optional<Part> match;  // found, after the gap that was handed over
    std::optional<Part> held;   // a part that its neighbour may join
  };
  RegexScratch regex;
  std::vector<Level> levels;  // one per split
  size_t depth = 0;           // levels at work
  std::optional<Range> down;  // a piece on its way to the next one
  std::string prefixed;
};

class PreTokenizer {
 public:
  PreTokenizer(std::vector<SplitStep> splits, ByteLevelStep byte_level)
      : splits_(std::move(splits)), byte_level_(std::move(byte_level)) {}

  // One word: `bytes`, which are those of `range` of the text, after one more leading space
  // where `prefixed`.
  struct Word {
    std::string_view bytes;
    Range range;
    bool prefixed;
  };
  // Calls `take` for every word of `text`, in order. TK006 when a pattern gives up; the message
  // names the pattern and the offset in `text`, its file is left empty.
  template <class Take>
  void split(std::string_view text, PreTokenizerScratch& scratch, Take take) const {
    start(text, scratch);
    Range piece;
    while (next_piece(text, scratch, piece)) {
      const std::string_view whole = text.substr(piece.begin, piece.end - piece.begin);
      const bool prefix = byte_level_.add_prefix_space && whole.front() != ' ';
      if (prefix) scratch.prefixed.assign(1, ' ').append(whole);
      each_word(prefix ? std::string_view(scratch.prefixed) : whole, piece.begin, scratch,
                [&](Range in_piece) {
                  const std::string_view source =
                      prefix ? std::string_view(scratch.prefixed) : whole;
                  const size_t shift = prefix ? 1 : 0;
                  const bool first = prefix && in_piece.begin == 0;
                  take(Word{source.substr(in_piece.begin, in_piece.end - in_piece.begin),
                            {piece.begin + in_piece.begin - (first ? 0 : shift),
                             piece.begin + in_piece.end - shift},
                            first});
                });
    }
  }

 private:
  using Level = PreTokenizerScratch::Level;
  using Part = PreTokenizerScratch::Part;

  // The pieces that the splits leave, one by one and depth first: memory doesn't grow with the
  // text.
  void start(std::string_view text, PreTokenizerScratch& scratch) const;
  bool next_piece(std::string_view text, PreTokenizerScratch& scratch, Range& piece) const;
  bool next_of_level(const SplitStep& step, std::string_view text, Level& level,
                     RegexScratch& regex, Range& piece) const;
  bool next_part(const SplitStep& step, std::string_view text, Level& level, RegexScratch& regex,
                 Part& part) const;
  [[noreturn]] static void give_up(std::string_view pattern, size_t offset);

  template <class Take>
  void each_word(std::string_view piece, size_t offset, PreTokenizerScratch& scratch,
                 Take take) const {
    if (!byte_level_.regex) return take(Range{0, piece.size()});
    size_t done = 0;
    while (done < piece.size()) {
      Range match{};
      const MatchOutcome outcome = byte_level_.regex->find(piece, done, scratch.regex, match);
      if (outcome == MatchOutcome::gave_up) give_up("GPT-2", offset + done);
      if (outcome == MatchOutcome::none) break;
      if (done < match.begin) take(Range{done, match.begin});
      take(match);
      done = match.end;
    }
    if (done < piece.size()) take(Range{done, piece.size()});
  }

  std::vector<SplitStep> splits_;
  ByteLevelStep byte_level_;
};

}  // namespace rg::text
