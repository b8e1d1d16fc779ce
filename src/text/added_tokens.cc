#include "text/added_tokens.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

// `\w` as Rust's regex defines it (Unicode TR18, annex C).
constexpr std::string_view kWordCharacter = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}])";

size_t character_start_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while ((static_cast<uint8_t>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

size_t spaces_start_before(std::string_view text, size_t end, size_t limit) {
  while (end > limit) {
    const size_t at = character_start_before(text, end);
    if (!is_white_space(decode_utf8(text, at).code_point)) break;
    end = at;
  }
  return end;
}

size_t spaces_end_after(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Utf8Step step = decode_utf8(text, at);
    if (!is_white_space(step.code_point)) break;
    at += step.bytes;
  }
  return at;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<Entry> entries, SpecialInText special)
    : entries_(std::move(entries)), special_(special) {
  nodes_.emplace_back();
  for (uint32_t entry = 0; entry < entries_.size(); ++entry) {
    insert(entry);
    if (entries_[entry].token.single_word && !word_character_) {
      std::string reason;
      word_character_ = Regex::compile(kWordCharacter, reason);
      check_internal(word_character_.has_value(), "pattern of a word character: " + reason);
    }
  }
}

void AddedTokenFinder::insert(uint32_t entry) {
  const std::string& pattern = entries_[entry].pattern;
  starts_[static_cast<uint8_t>(pattern[0])] = true;
  uint32_t node = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<uint8_t>(c);
    auto& children = nodes_[node].children;
    const auto place =
        std::lower_bound(children.begin(), children.end(), std::pair{byte, uint32_t{0}});
    if (place != children.end() && place->first == byte) {
      node = place->second;
      continue;
    }
    const auto added = static_cast<uint32_t>(nodes_.size());
    children.insert(place, {byte, added});
    nodes_.emplace_back();
    node = added;
  }
  if (nodes_[node].entry < 0) nodes_[node].entry = static_cast<int32_t>(entry);
}

auto AddedTokenFinder::longest_at(std::string_view text, size_t at) const -> std::optional<Match> {
  std::optional<Match> best;
  uint32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const auto& children = nodes_[node].children;
    const auto place =
        std::lower_bound(children.begin(), children.end(), std::pair{byte, uint32_t{0}});
    if (place == children.end() || place->first != byte) break;
    node = place->second;
    if (nodes_[node].entry >= 0) best = Match{i + 1, static_cast<uint32_t>(nodes_[node].entry)};
  }
  return best;
}

bool AddedTokenFinder::inside_word(std::string_view text, Range range) const {
  RegexScratch scratch;
  const auto is_word = [&](size_t at) {
    const std::string_view character = text.substr(at, decode_utf8(text, at).bytes);
    Range match;
    return word_character_->find(character, 0, scratch, match) == MatchOutcome::found;
  };
  return (range.begin > 0 && is_word(character_start_before(text, range.begin))) ||
         (range.end < text.size() && is_word(range.end));
}

void AddedTokenFinder::split(std::string_view text,
                             const std::function<void(const Segment&)>& take) const {
  size_t done = 0;
  size_t run_end = 0;  // of the white space looked at last
  for (size_t at = 0; at < text.size();) {
    if (!starts_[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    const auto match = longest_at(text, at);
    if (!match) {
      ++at;
      continue;
    }
    const AddedToken& token = entries_[match->entry].token;
    Range range{at, match->end};
    at = match->end;  // also where the match is discarded, and before white space it takes
    if (token.special && special_ == SpecialInText::split) continue;
    if (token.single_word && inside_word(text, range)) continue;
    if (token.lstrip) {
      const size_t limit = std::min(done, range.begin);
      range.begin = std::max(spaces_start_before(text, range.begin, limit), done);
    }
    if (token.rstrip) {
      // Tokens that are white space themselves ask again within one run.
      if (range.end >= run_end) run_end = spaces_end_after(text, range.end);
      range.end = run_end;
    }
    if (done < range.begin) take({{done, range.begin}, std::nullopt});
    take({range, token.id});
    done = range.end;
  }
  if (done < text.size()) take({{done, text.size()}, std::nullopt});
}

}  // namespace rg::text
