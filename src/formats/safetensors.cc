#include "formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "formats/safetensors_table.h"

namespace rg::formats {
namespace {

template <typename Tensor>
bool by_name(const Tensor& a, const Tensor& b) {
  return a.name < b.name;
}

void sort_by_name(HeaderTable& table) {
  std::sort(table.tensors.begin(), table.tensors.end(), by_name<TensorEntry>);
  std::sort(table.unsupported.begin(), table.unsupported.end(), by_name<UnsupportedEntry>);
}

const std::string* find_duplicate(const HeaderTable& table) {
  const auto twice = [](const auto& tensors) -> const std::string* {
    const auto found =
        std::adjacent_find(tensors.begin(), tensors.end(),
                           [](const auto& a, const auto& b) { return a.name == b.name; });
    return found == tensors.end() ? nullptr : &found->name;
  };
  if (const std::string* name = twice(table.tensors)) return name;
  if (const std::string* name = twice(table.unsupported)) return name;
  for (const UnsupportedEntry& tensor : table.unsupported) {
    const auto at =
        std::lower_bound(table.tensors.begin(), table.tensors.end(), tensor.name,
                         [](const TensorEntry& a, const std::string& b) { return a.name < b; });
    if (at != table.tensors.end() && at->name == tensor.name) return &tensor.name;
  }
  return nullptr;
}

struct NamedRange {
  ByteRange range;
  const std::string* name;
};

// Sorted by place, the ranges must follow each other from 0 to the end of the file.
void check_ranges(const HeaderTable& table, uint64_t data_bytes, const std::string& file) {
  std::vector<NamedRange> ranges;
  ranges.reserve(table.tensors.size() + table.unsupported.size());
  for (const TensorEntry& tensor : table.tensors) {
    ranges.push_back(
        {{tensor.offset_bytes, tensor.offset_bytes + tensor.size_bytes}, &tensor.name});
  }
  for (const UnsupportedEntry& tensor : table.unsupported) {
    ranges.push_back({tensor.range, &tensor.name});
  }
  std::sort(ranges.begin(), ranges.end(), [](const NamedRange& a, const NamedRange& b) {
    return std::pair(a.range.begin, a.range.end) < std::pair(b.range.begin, b.range.end);
  });
  const auto describe = [](const NamedRange& range) {
    return fmt::format("{} at bytes {} to {}", escape_for_terminal(*range.name), range.range.begin,
                       range.range.end);
  };
  uint64_t end = 0;
  const NamedRange* before = nullptr;
  for (const NamedRange& range : ranges) {
    if (range.range.begin != end) {
      const bool hole = range.range.begin > end;
      throw Error(ErrorId::ST005,
                  {.file = file,
                   .object = *range.name,
                   .found = before == nullptr ? describe(range) + ", the first tensor"
                                              : describe(range) + " after " + describe(*before),
                   .expected = fmt::format("a start at byte {}, without {}", end,
                                           hole ? "a hole" : "overlap"),
                   .hint = "The file was not written by a safetensors library, or is damaged."});
    }
    end = range.range.end;
    before = &range;
  }
  if (end > data_bytes) {
    throw Error(
        ErrorId::ST007,
        {.file = file,
         .found = fmt::format("{} bytes of tensors, {} missing", data_bytes, end - data_bytes),
         .expected = fmt::format("{} by its header", end),
         .hint = "The download is probably incomplete. Fetch this file again, then rerun."});
  }
  if (end < data_bytes) {
    throw Error(ErrorId::ST005,
                {.file = file,
                 .object = before == nullptr ? "" : *before->name,
                 .found = fmt::format("{} more byte{} after the last tensor{}", data_bytes - end,
                                      data_bytes - end == 1 ? "" : "s",
                                      before == nullptr ? "" : ", " + describe(*before)),
                 .expected = "the end of the file",
                 .hint = "The file was joined with another or damaged. Fetch it again."});
  }
}

}  // namespace

std::string shape_text(const std::vector<uint64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t file_bytes,
                                           const std::string& file) {
  if (!json.starts_with('{')) {
    throw Error(ErrorId::ST003, {.file = file,
                                 .object = "byte 0 of the header",
                                 .found = '"' + escape_for_terminal(json.substr(0, 20)) + '"',
                                 .expected = "\"{\"",
                                 .hint = "This is not a safetensors file, or it is damaged."});
  }
  HeaderTable table = read_header_table(json, file);
  sort_by_name(table);
  if (const std::string* name = find_duplicate(table)) {
    const std::vector<size_t> offsets = find_header_key(json, file, *name);
    throw Error(ErrorId::ST004,
                {.file = file,
                 .object = *name,
                 .found = fmt::format("this name at byte {} and again at byte {} of the header",
                                      offsets.at(0), offsets.at(1)),
                 .expected = "every name once",
                 .hint = "Readers disagree on which one counts. Fetch the file again."});
  }
  const uint64_t data_start = 8 + json.size();
  check_ranges(table, file_bytes - data_start, file);
  SafetensorsHeader header;
  header.data_bytes = file_bytes - data_start;
  for (TensorEntry& tensor : table.tensors) tensor.offset_bytes += data_start;
  header.tensors = std::move(table.tensors);
  for (UnsupportedEntry& tensor : table.unsupported) {
    header.unsupported.push_back({std::move(tensor.name), std::move(tensor.dtype),
                                  std::move(tensor.shape), tensor.range.begin + data_start,
                                  tensor.range.end - tensor.range.begin});
  }
  return header;
}

SafetensorsHeader read_safetensors_header(const InputFile& file) {
  const std::string name = file.path().filename().string();
  constexpr std::string_view kPointer = "version https://git-lfs";
  std::array<char, 64> start = {};
  const size_t there = static_cast<size_t>(std::min<uint64_t>(file.bytes(), start.size()));
  file.read_exact(0, std::as_writable_bytes(std::span(start).first(there)));
  if (std::string_view(start.data(), there).starts_with(kPointer)) {
    throw Error(ErrorId::ST007,
                {.file = name,
                 .found = fmt::format("a git-lfs pointer of {} bytes", file.bytes()),
                 .expected = "the weights it points to",
                 .hint = "Run `git lfs pull` in the model's folder, then rerun."});
  }
  const std::string incomplete =
      "The download is probably incomplete. Fetch this file again, then rerun.";
  if (file.bytes() == 0) {
    throw Error(ErrorId::ST007, {.file = name,
                                 .found = "an empty file",
                                 .expected = "a safetensors file",
                                 .hint = incomplete});
  }
  if (file.bytes() < 8) {
    throw Error(ErrorId::ST001, {.file = name,
                                 .found = fmt::format("{} bytes", file.bytes()),
                                 .expected = "at least the 8 bytes of the header's length",
                                 .hint = incomplete});
  }
  static_assert(std::endian::native == std::endian::little);
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, start.data(), sizeof header_bytes);
  if (header_bytes > kMaxHeaderBytes) {
    throw Error(
        ErrorId::ST002,
        {.file = name,
         .found = fmt::format("a header of {} bytes in a file of {}", header_bytes, file.bytes()),
         .expected = fmt::format("at most {}", kMaxHeaderBytes),
         .hint = "This is not a safetensors file, or its first bytes are damaged."});
  }
  if (header_bytes > file.bytes() - 8) {
    throw Error(ErrorId::ST001, {.file = name,
                                 .found = fmt::format("{} bytes", file.bytes()),
                                 .expected = fmt::format("at least {} (a header of {} bytes)",
                                                         header_bytes + 8, header_bytes),
                                 .hint = incomplete});
  }
  std::string json(header_bytes, '\0');
  file.read_exact(8, std::as_writable_bytes(std::span(json)));
  return parse_safetensors_header(json, file.bytes(), name);
}

}  // namespace rg::formats
