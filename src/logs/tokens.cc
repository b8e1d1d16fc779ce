#include "logs/tokens.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "logs/array.h"
#include "logs/refuse.h"
#include "tensor/buffer.h"

namespace rg::logs {
namespace {

void add_ids(const Json& list, const std::string& file, const std::string& place,
             std::vector<int32_t>& ids) {
  if (!list.is_array()) refuse(ErrorId::LG005, file, place, "no array", "an array of token ids");
  for (const Json& id : list) {
    if (!id.is_number_integer() || id < 0 || id > std::numeric_limits<int32_t>::max()) {
      refuse(ErrorId::LG005, file, place, escape_for_terminal(write_json(id, JsonLayout::compact)),
             "a token id");
    }
    ids.push_back(id.get<int32_t>());
  }
}

TokenLists lists_of_array(const Array& array, const std::string& file) {
  TokenLists lists;
  const std::vector<int32_t> ids = to_int32(array, file);
  if (array.shape.size() == 1) {
    lists.by_row = true;
    lists.sequences.push_back(ids);
    return lists;
  }
  if (array.shape.size() != 2 || array.fortran || ids.empty()) {
    refuse(ErrorId::LG004, file, "", describe(array), "token ids (rows) or (sequences, tokens)");
  }
  const auto length = static_cast<ptrdiff_t>(array.shape[1]);
  for (auto at = ids.begin(); at != ids.end(); at += length) {
    lists.sequences.emplace_back(at, at + length);
  }
  return lists;
}

// Rows that a sequence of n tokens, p of them the prompt, may have, and its first row's position.
struct Shape {
  uint64_t rows, first;
};
std::vector<Shape> likely_shapes(uint64_t n, uint64_t p) {
  std::vector<Shape> shapes;
  shapes.reserve(4);
  shapes.push_back({n, 0});
  if (n > 1) shapes.push_back({n - 1, 0});
  if (p > 0 && n > p) shapes.push_back({n - p, p});
  if (p > 0 && n > p + 1) shapes.push_back({n - p - 1, p});
  return shapes;
}

// One sequence in the log, several lists: rows are cut by the first rule that uses them all.
bool cut_rows(const TokenLists& lists, Record& record) {
  for (size_t rule = 0; rule < 4; ++rule) {
    std::vector<Shape> cuts;
    uint64_t total = 0;
    for (size_t s = 0; s < lists.sequences.size(); ++s) {
      const auto shapes =
          likely_shapes(lists.sequences[s].size(), lists.prompt.empty() ? 0 : lists.prompt[s]);
      if (rule >= shapes.size()) break;
      cuts.push_back(shapes[rule]);
      total += shapes[rule].rows;
    }
    if (cuts.size() != lists.sequences.size() || total != record.rows) continue;
    size_t row = 0;
    for (size_t s = 0; s < cuts.size(); ++s) {
      for (uint64_t i = 0; i < cuts[s].rows; ++i, ++row) {
        record.sequence[row] = static_cast<int32_t>(s);
        record.position[row] = static_cast<int32_t>(cuts[s].first + i);
      }
    }
    return true;
  }
  return false;
}

}  // namespace

TokenLists parse_token_lists(std::span<const std::byte> bytes, const std::string& file) {
  if (looks_like_npy(bytes)) return lists_of_array(parse_npy(bytes, file), file);
  Json json;
  try {
    json =
        parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, JsonLimits{}, file);
  } catch (const Error& error) {
    if (!error_name(error.id()).starts_with("JS")) throw;
    throw Error(ErrorId::LG005, error.parts());
  }
  if (!json.is_array() || json.empty()) {
    refuse(ErrorId::LG005, file, "", "another JSON value", "an array of arrays of token ids",
           "One sequence is written as [[1, 2, 3]].");
  }
  TokenLists lists;
  for (size_t s = 0; s < json.size(); ++s) {
    const std::string place = fmt::format("sequence {}", s);
    std::vector<int32_t> ids;
    if (json[s].is_object()) {
      const auto prompt = json[s].find("prompt_token_ids"), generated = json[s].find("token_ids");
      if (prompt == json[s].end() || generated == json[s].end()) {
        refuse(ErrorId::LG005, file, place, "an object without them",
               "prompt_token_ids and token_ids");
      }
      add_ids(*prompt, file, place, ids);
      lists.prompt.push_back(static_cast<uint32_t>(ids.size()));
      add_ids(*generated, file, place, ids);
    } else {
      add_ids(json[s], file, place, ids);
    }
    lists.sequences.push_back(std::move(ids));
  }
  if (!lists.prompt.empty() && lists.prompt.size() != lists.sequences.size()) {
    refuse(ErrorId::LG005, file, "", "arrays and objects mixed", "one of the two");
  }
  return lists;
}

TokenLists read_token_lists(const std::filesystem::path& path) {
  const InputFile file(path);
  Buffer<std::byte> bytes(file.bytes());
  file.read_exact(0, bytes.span());
  return parse_token_lists(bytes.span(), path.string());
}

void attach_tokens(const TokenLists& lists, const std::string& file, Record& record) {
  if (lists.by_row) {
    if (lists.sequences[0].size() != record.rows) {
      refuse(ErrorId::LG008, file, "", fmt::format("{} token ids", lists.sequences[0].size()),
             fmt::format("one for each of the {} rows", record.rows));
    }
    record.tokens = lists.sequences[0];
    return;
  }
  const size_t count = lists.sequences.size();
  if (record.sequences() == 1 && count > 1 && !record.positions_stated) cut_rows(lists, record);
  if (record.sequences() != count) {
    refuse(ErrorId::LG008, file, "", fmt::format("{} sequences", count),
           fmt::format("{} as in the log of {} rows", record.sequences(), record.rows),
           "Write one array of ids for every sequence of the log, in the log's order.");
  }
  record.sequence_tokens.clear();
  for (const auto& ids : lists.sequences) {
    record.sequence_tokens.push_back(static_cast<uint32_t>(ids.size()));
  }
  record.sequence_prompt = lists.prompt;
  const SequenceRows groups = rows_by_sequence(record);
  std::vector<int32_t> tokens(record.rows, -1);
  for (size_t s = 0; s < count; ++s) {
    const std::vector<int32_t>& ids = lists.sequences[s];
    const uint64_t rows = groups.first[s + 1] - groups.first[s];
    const auto shapes = likely_shapes(ids.size(), lists.prompt.empty() ? 0 : lists.prompt[s]);
    uint64_t shift = 0;
    bool fits = record.positions_stated;
    for (const Shape& shape : shapes) {
      if (fits || shape.rows != rows) continue;
      const auto first = static_cast<uint64_t>(record.position[groups.order[groups.first[s]]]);
      fits = true;
      shift = shape.first > first ? shape.first - first : 0;
    }
    for (uint64_t i = groups.first[s]; fits && i < groups.first[s + 1]; ++i) {
      const uint32_t row = groups.order[i];
      record.position[row] += static_cast<int32_t>(shift);
      const int32_t position = record.position[row];
      if (position < 0 || static_cast<size_t>(position) >= ids.size()) {
        tokens[row] = -1;
      } else {
        tokens[row] = ids[static_cast<size_t>(position)];
      }
    }
  }
  for (const int32_t token : tokens) {
    if (token < 0) {
      record.tokens.clear();
      return;  // L7 says which rows are missing
    }
  }
  record.tokens = std::move(tokens);
}

}  // namespace rg::logs
