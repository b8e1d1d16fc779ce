#include "lab/token_rows.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxTokenFileBytes = uint64_t{1} << 30;

Error bad_tokens(const std::filesystem::path& file, std::string object, std::string found,
                 std::string expected, std::string hint) {
  return Error(ErrorId::CO007, {.file = file.string(),
                                .object = std::move(object),
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .hint = std::move(hint)});
}

}  // namespace

Error id_outside(const std::string& source, const std::string& place, const std::string& id,
                 uint32_t vocabulary) {
  return Error(ErrorId::TK010,
               {.file = source,
                .object = place,
                .found = "token id " + id,
                .expected = fmt::format("0 to {}, the rows of the embedding", vocabulary - 1),
                .hint = "The ids were made by the tokenizer of another model."});
}

tap::SequenceSet read_token_rows(const std::filesystem::path& file, uint32_t vocabulary) {
  const Json rows =
      parse_json(read_whole_file(file, kMaxTokenFileBytes), JsonLimits{}, file.string());
  if (!rows.is_array() || rows.empty() || !rows[0].is_array() || rows[0].empty()) {
    throw bad_tokens(file, "", "another JSON value",
                     "an array of equally long arrays of token ids, none empty",
                     "One window is written as [[1, 2, 3]].");
  }
  tap::SequenceSet set;
  set.name = "tokens";
  for (size_t w = 0; w < rows.size(); ++w) {
    const std::string window = fmt::format("window {}", w);
    if (!rows[w].is_array() || rows[w].size() != rows[0].size()) {
      throw bad_tokens(file, window,
                       rows[w].is_array() ? counted(rows[w].size(), "id") : "no array",
                       counted(rows[0].size(), "id") + " as in window 0",
                       "Cut the rows to one length, or trace them from several files.");
    }
    for (const Json& id : rows[w]) {
      if (!id.is_number_integer()) {
        throw bad_tokens(file, window, escape_for_terminal(write_json(id, JsonLayout::compact)),
                         "whole numbers", "Ids are written as integers, not as 1.0 or \"1\".");
      }
      if (id < 0 || id >= vocabulary) {
        throw id_outside(file.string(), window, write_json(id, JsonLayout::compact), vocabulary);
      }
      set.ids.push_back(id.get<int32_t>());
    }
    set.lengths.push_back(static_cast<uint32_t>(rows[w].size()));
  }
  return set;
}

}  // namespace rg::lab
