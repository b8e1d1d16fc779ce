#include "formats/safetensors_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"
#include "formats/safetensors.h"

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
// Every dtype of the format.
constexpr std::array kFormatDTypes = {
    FormatDType{"BOOL", 8},        FormatDType{"U8", 8},          FormatDType{"I8", 8},
    FormatDType{"F8_E4M3", 8},     FormatDType{"F8_E5M2", 8},     FormatDType{"F8_E8M0", 8},
    FormatDType{"F8_E4M3FNUZ", 8}, FormatDType{"F8_E5M2FNUZ", 8}, FormatDType{"F4", 4},
    FormatDType{"F6_E2M3", 6},     FormatDType{"F6_E3M2", 6},     FormatDType{"I16", 16},
    FormatDType{"U16", 16},        FormatDType{"F16", 16},        FormatDType{"BF16", 16},
    FormatDType{"I32", 32},        FormatDType{"U32", 32},        FormatDType{"F32", 32},
    FormatDType{"F64", 64},        FormatDType{"I64", 64},        FormatDType{"U64", 64},
    FormatDType{"C64", 64}};

class HeaderEvents final : public JsonEvents {
 public:
  HeaderEvents(std::string_view text, const std::string& file) : file_(file) {
    // An upper bound, since names may hold the word too; untouched memory costs nothing.
    constexpr std::string_view kField = "\"data_offsets\"";
    size_t count = 0;
    for (size_t at = text.find(kField); at != text.npos; at = text.find(kField, at + 1)) ++count;
    table_.tensors.reserve(std::min(count, text.size() / kShortestEntry + 1));
  }

  HeaderTable take() { return std::move(table_); }

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
  void null(size_t offset) override {
    if (state_ != State::header || name_ != kMetadata) wrong_kind(offset, "null");
    // null means no metadata, as in the reference.
    if (std::exchange(has_metadata_, true)) duplicate(kMetadata);
  }
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
             "F32, F16 or BF16, or F8_E4M3 with scales",
             "The dtype is unknown to the format as of this release.");
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
    // As in the reference, an overflow is refused even if a later 0 would make the product 0.
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
      table_.unsupported.push_back({name_, std::string(dtype_->name), shape_, range_});
    }
  }

  const std::string& file_;
  HeaderTable table_;
  State state_ = State::outside;
  std::string name_;
  size_t name_offset_ = 0;
  bool has_metadata_ = false;
  std::vector<std::string> metadata_keys_;
  // The entry being read.
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  std::optional<FormatDType> dtype_;
  std::vector<uint64_t> shape_;
  ByteRange range_ = {};
  size_t offsets_ = 0;
};

// Finds where a top-level key occurs; only used once it is known to occur twice.
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

}  // namespace

HeaderTable read_header_table(std::string_view json, const std::string& file) {
  HeaderEvents events(json, file);
  scan(json, file, events);
  return events.take();
}

std::vector<size_t> find_header_key(std::string_view json, const std::string& file,
                                    std::string_view key) {
  KeyFinder finder(key);
  scan(json, file, finder);
  return finder.offsets;
}

}  // namespace rg::formats
