#include "formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"

namespace rg::formats {
namespace {

constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxMetadata = 100'000;  // entries
constexpr std::string_view kMetadata = "__metadata__";
// `"":{"dtype":"U8","shape":[],"data_offsets":[0,0]}`
constexpr size_t kShortestEntry = 48;

struct FormatDType {
  std::string_view name;
  uint64_t bits;
};
// All that the format knows.
constexpr std::array kFormatDTypes = {
    FormatDType{"BOOL", 8},        FormatDType{"U8", 8},          FormatDType{"I8", 8},
    FormatDType{"F8_E4M3", 8},     FormatDType{"F8_E5M2", 8},     FormatDType{"F8_E8M0", 8},
    FormatDType{"F8_E4M3FNUZ", 8}, FormatDType{"F8_E5M2FNUZ", 8}, FormatDType{"F4", 4},
    FormatDType{"F6_E2M3", 6},     FormatDType{"F6_E3M2", 6},     FormatDType{"I16", 16},
    FormatDType{"U16", 16},        FormatDType{"F16", 16},        FormatDType{"BF16", 16},
    FormatDType{"I32", 32},        FormatDType{"U32", 32},        FormatDType{"F32", 32},
    FormatDType{"F64", 64},        FormatDType{"I64", 64},        FormatDType{"U64", 64},
    FormatDType{"C64", 64}};

// Byte range of a tensor in the data part.
struct Range {
  uint64_t begin, end;
};

struct UnsupportedEntry {
  std::string name, dtype;
  Range range;
};

struct Table {
  std::vector<TensorEntry> tensors;
  std::vector<UnsupportedEntry> unsupported;
};

class HeaderEvents final : public JsonEvents {
 public:
  HeaderEvents(std::string_view text, const std::string& file) : file_(file) {
    // Names may hold the word too, so this is a guess from above; memory not touched costs nothing.
    constexpr std::string_view kField = "\"data_offsets\"";
    size_t count = 0;
    for (size_t at = text.find(kField); at != text.npos; at = text.find(kField, at + 1)) ++count;
    table_.tensors.reserve(std::min(count, text.size() / kShortestEntry + 1));
  }

  Table take() { return std::move(table_); }

  void key(std::string& value, size_t offset) override {
    switch (state_) {
      case State::header:
        name_ = value;
        name_offset_ = offset;
        return;
      case State::metadata:
        return add_metadata(value);
      default:
        return start_field(value, offset);
    }
  }
  void string(std::string& value, size_t offset) override {
    if (state_ == State::metadata) return;
    if (state_ == State::dtype) return finish_dtype(value);
    wrong_kind(offset, "a string");
  }
  void unsigned_integer(uint64_t value, size_t offset) override {
    if (state_ == State::shape_items) return add_dimension(value);
    if (state_ == State::offset_items) return add_offset(value);
    wrong_kind(offset, "a number");
  }
  void integer(int64_t value, size_t offset) override {
    if (state_ == State::metadata) wrong_kind(offset, "a number");
    wrong_kind(offset, fmt::format("{}", value));
  }
  void real(double value, size_t offset) override {
    wrong_kind(offset, fmt::format("{}, not written as an integer", value));
  }
  void null(size_t offset) override { wrong_kind(offset, "null"); }
  void boolean(bool, size_t offset) override { wrong_kind(offset, "a boolean"); }

  void start_object(size_t offset) override {
    if (state_ == State::outside) {
      state_ = State::header;
    } else if (state_ == State::header) {
      state_ = name_ == kMetadata ? State::metadata : State::entry;
      if (state_ == State::metadata && std::exchange(has_metadata_, true)) duplicate(kMetadata);
      dtype_.reset();
      shape_.clear();
      offsets_ = 0;
      has_dtype_ = has_shape_ = has_offsets_ = false;
    } else {
      wrong_kind(offset, "an object");
    }
  }
  void end_object(size_t) override {
    if (state_ == State::metadata) finish_metadata();
    if (state_ == State::entry) finish_entry();
    state_ = state_ == State::header ? State::outside : State::header;
  }
  void start_array(size_t offset) override {
    if (state_ == State::shape) {
      state_ = State::shape_items;
    } else if (state_ == State::offsets) {
      state_ = State::offset_items;
    } else {
      wrong_kind(offset, "an array");
    }
  }
  void end_array(size_t) override {
    if (state_ == State::offset_items && offsets_ != 2) bad_offsets(fmt::format("{}", offsets_));
    state_ = State::entry;
  }

 private:
  enum class State {
    outside,
    header,
    metadata,
    entry,
    dtype,
    shape,
    shape_items,
    offsets,
    offset_items,
  };

  [[noreturn]] void refuse(ErrorId id, std::string found, std::string expected,
                           std::string hint) const {
    throw Error(id, {.file = file_,
                     .object = name_,
                     .found = std::move(found),
                     .expected = std::move(expected),
                     .hint = std::move(hint)});
  }
  [[noreturn]] void duplicate(std::string_view what) const {
    refuse(ErrorId::ST004,
           fmt::format("\"{}\" again at byte {}", escape_for_terminal(what), name_offset_),
           "it once", "The file was not written by a safetensors library.");
  }
  [[noreturn]] void bad_offsets(std::string found) const {
    refuse(ErrorId::ST005, std::move(found) + " data_offsets", "two integers, [begin, end]",
           "The file was not written by a safetensors library.");
  }
  [[noreturn]] void wrong_kind(size_t offset, std::string_view what) const {
    if (state_ == State::shape || state_ == State::shape_items) {
      refuse(ErrorId::ST006, fmt::format("{} in its shape (byte {})", what, offset),
             "an array of integers from 0 up", "The header is damaged.");
    }
    if (state_ == State::offsets || state_ == State::offset_items) {
      refuse(ErrorId::ST005, fmt::format("{} in its data_offsets (byte {})", what, offset),
             "two integers from 0 up", "The header is damaged.");
    }
    const std::string_view expected = state_ == State::outside    ? "an object of tensors"
                                      : state_ == State::metadata ? "strings only in __metadata__"
                                      : state_ == State::dtype
                                          ? "the name of a dtype"
                                          : "an object with dtype, shape and data_offsets";
    refuse(ErrorId::ST003, fmt::format("{} at byte {}", what, offset), std::string(expected),
           "The header is damaged or not of a safetensors file.");
  }

  void start_field(std::string_view field, size_t offset) {
    bool* seen = nullptr;
    if (field == "dtype") {
      seen = &has_dtype_;
      state_ = State::dtype;
    } else if (field == "shape") {
      seen = &has_shape_;
      state_ = State::shape;
    } else if (field == "data_offsets") {
      seen = &has_offsets_;
      state_ = State::offsets;
    } else {
      refuse(ErrorId::ST003,
             fmt::format("the unknown field \"{}\" at byte {}", escape_for_terminal(field), offset),
             "dtype, shape and data_offsets", "The file needs a newer reader, or is damaged.");
    }
    if (std::exchange(*seen, true)) {
      refuse(ErrorId::ST004,
             fmt::format("\"{}\" again at byte {}", escape_for_terminal(field), offset), "it once",
             "The file was not written by a safetensors library.");
    }
  }

  void finish_dtype(const std::string& value) {
    const auto row = std::find_if(kFormatDTypes.begin(), kFormatDTypes.end(),
                                  [&](const FormatDType& known) { return known.name == value; });
    if (row == kFormatDTypes.end()) {
      refuse(ErrorId::ST016, fmt::format("dtype \"{}\"", escape_for_terminal(value)),
             "F32, F16 or BF16", "The dtype is unknown to the format as of this release.");
    }
    dtype_ = *row;
    state_ = State::entry;
  }

  void add_dimension(uint64_t value) {
    if (shape_.size() == kMaxRank) {
      refuse(ErrorId::ST008, fmt::format("more than {} dimensions", kMaxRank),
             fmt::format("at most {}", kMaxRank), "The header is damaged or hostile.");
    }
    shape_.push_back(value);
  }

  void add_offset(uint64_t value) {
    if (offsets_ == 2) bad_offsets("more than 2");
    (offsets_++ == 0 ? range_.begin : range_.end) = value;
  }

  void add_metadata(const std::string& key) {
    if (metadata_keys_.size() == kMaxMetadata) {
      refuse(ErrorId::ST008, fmt::format("more than {} entries", kMaxMetadata),
             fmt::format("at most {}", kMaxMetadata), "The header is damaged or hostile.");
    }
    metadata_keys_.push_back(key);
  }

  void finish_metadata() {
    std::sort(metadata_keys_.begin(), metadata_keys_.end());
    const auto twice = std::adjacent_find(metadata_keys_.begin(), metadata_keys_.end());
    if (twice != metadata_keys_.end()) duplicate(*twice);
    metadata_keys_ = {};
  }

  void finish_entry() {
    if (!has_dtype_ || !has_shape_ || !has_offsets_) {
      refuse(ErrorId::ST003,
             fmt::format("no {}", !has_dtype_   ? "dtype"
                                  : !has_shape_ ? "shape"
                                                : "data_offsets"),
             "dtype, shape and data_offsets", "The header is damaged.");
    }
    const std::string bytes_of_range = fmt::format("bytes {} to {}", range_.begin, range_.end);
    if (range_.begin > range_.end) {
      refuse(ErrorId::ST005, bytes_of_range, "a range that runs forwards",
             "The header is damaged.");
    }
    std::optional<uint64_t> bits = dtype_->bits;
    for (const uint64_t dimension : shape_) {
      if (bits) bits = checked_mul(*bits, dimension);
    }
    // A later 0 makes the product 0; the reference refuses the overflow before it, and so do we.
    if (!bits || *bits % 8 != 0) {
      refuse(ErrorId::ST006, fmt::format("shape {} of {}", shape_text(shape_), dtype_->name),
             bits ? "whole bytes" : "a size below 2^61 bytes", "The header is damaged.");
    }
    if (*bits / 8 != range_.end - range_.begin) {
      refuse(ErrorId::ST006,
             fmt::format("shape {} of {}, which takes {} bytes", shape_text(shape_), dtype_->name,
                         *bits / 8),
             fmt::format("{} bytes ({})", range_.end - range_.begin, bytes_of_range),
             "The header is damaged.");
    }
    // Copies, for exact capacities.
    if (const auto supported = dtype_from_name(dtype_->name)) {
      table_.tensors.push_back({name_, *supported, shape_, 0, range_.begin, *bits / 8});
    } else {
      table_.unsupported.push_back({name_, std::string(dtype_->name), range_});
    }
  }

  const std::string& file_;
  Table table_;
  State state_ = State::outside;
  std::string name_;
  size_t name_offset_ = 0;
  bool has_metadata_ = false;
  std::vector<std::string> metadata_keys_;
  // The entry being read.
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  std::optional<FormatDType> dtype_;
  std::vector<uint64_t> shape_;
  Range range_ = {};
  size_t offsets_ = 0;
};

// Where a key of the top level stands: only looked for once it is known to stand there twice.
class KeyFinder final : public JsonEvents {
 public:
  explicit KeyFinder(std::string_view key) : key_(key) {}
  std::vector<size_t> offsets;

  void key(std::string& value, size_t offset) override {
    if (depth_ == 1 && value == key_) offsets.push_back(offset);
  }
  void start_object(size_t) override { ++depth_; }
  void end_object(size_t) override { --depth_; }
  void null(size_t) override {}
  void boolean(bool, size_t) override {}
  void integer(int64_t, size_t) override {}
  void unsigned_integer(uint64_t, size_t) override {}
  void real(double, size_t) override {}
  void string(std::string&, size_t) override {}
  void start_array(size_t) override {}
  void end_array(size_t) override {}

 private:
  std::string_view key_;
  int depth_ = 0;
};

template <typename Events>
void scan(std::string_view json, const std::string& file, Events& events) {
  try {
    scan_json(json, {.max_depth = kMaxDepth, .max_bytes = kMaxHeaderBytes}, file, events);
  } catch (const Error& error) {
    if (!error_name(error.id()).starts_with("JS")) throw;
    throw Error(ErrorId::ST003, error.parts());
  }
}

template <typename Tensor>
bool by_name(const Tensor& a, const Tensor& b) {
  return a.name < b.name;
}

void sort_by_name(Table& table) {
  std::sort(table.tensors.begin(), table.tensors.end(), by_name<TensorEntry>);
  std::sort(table.unsupported.begin(), table.unsupported.end(), by_name<UnsupportedEntry>);
}

const std::string* find_duplicate(const Table& table) {
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
  Range range;
  const std::string* name;
};

// Sorted by place, the ranges must follow each other from 0 to the end of the file.
void check_ranges(const Table& table, uint64_t data_bytes, const std::string& file) {
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
                 .found = fmt::format("{} bytes behind the last tensor{}", data_bytes - end,
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
  HeaderEvents events(json, file);
  scan(json, file, events);
  Table table = events.take();
  sort_by_name(table);
  if (const std::string* name = find_duplicate(table)) {
    KeyFinder finder(*name);
    scan(json, file, finder);
    throw Error(ErrorId::ST004,
                {.file = file,
                 .object = *name,
                 .found = fmt::format("this name at byte {} and again at byte {} of the header",
                                      finder.offsets.at(0), finder.offsets.at(1)),
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
    header.unsupported.push_back({std::move(tensor.name), std::move(tensor.dtype)});
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
