// NumPy's array format: 6 magic bytes, major and minor version, the header's length (2 bytes in
// version 1, else 4), the header (a Python literal: {'descr': '<i2', 'fortran_order': False,
// 'shape': (300, 24, 4), }), then the numbers.
#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "logs/array.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxNpyHeader = 1 << 16;
constexpr size_t kMaxNpyRank = 8;

class NpyHeader {
 public:
  NpyHeader(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Array read() {
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        read_descr();
      } else if (key == "fortran_order") {
        fortran_ = truth();
      } else if (key == "shape") {
        read_shape();
      } else {
        refuse_at("the key '" + escape_for_terminal(key) + "'");
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) refuse_at("text after the header's end");
    if (!storage_ || !shape_ || !fortran_) refuse_at("no descr, fortran_order or shape");
    return {.name = "", .storage = *storage_, .shape = *shape_, .fortran = *fortran_, .bytes = {}};
  }

 private:
  [[noreturn]] void refuse_at(std::string found) const {
    refuse(ErrorId::LG003, file_, fmt::format("byte {} of the array's header", at_),
           std::move(found), "{'descr': '<i2', 'fortran_order': False, 'shape': (rows, layers, k)}",
           "Write the array again with numpy.save.");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char wanted) {
    skip();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (take(wanted)) return;
    refuse_at(at_ == text_.size() ? std::string("the end")
                                  : fmt::format("'{}'", escape_for_terminal(text_.substr(at_, 1))));
  }
  std::string_view quoted() {
    skip();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) {
      refuse_at("no quoted word");
    }
    const char quote = text_[at_];
    const size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) refuse_at("a quote that doesn't end");
    const std::string_view word = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return word;
  }
  bool truth() {
    skip();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += std::string_view(word).size();
        return value;
      }
    }
    refuse_at("neither True nor False");
  }
  void read_descr() {
    skip();
    if (at_ < text_.size() && text_[at_] == '[') refuse_at("an array of records");
    const std::string_view descr = quoted();
    if (descr.ends_with('O')) {
      refuse(ErrorId::LG002, file_, "", "an array of Python objects, which are pickled", "numbers",
             "Loading it runs code. Stack the rows into one array: numpy.save(name, "
             "numpy.stack([numpy.asarray(row) for row in array])).");
    }
    constexpr std::pair<std::string_view, Storage> kDescr[] = {
        {"|i1", Storage::i8},  {"|u1", Storage::u8},  {"<i2", Storage::i16}, {"<u2", Storage::u16},
        {"<i4", Storage::i32}, {"<u4", Storage::u32}, {"<i8", Storage::i64}, {"<u8", Storage::u64},
        {"<f2", Storage::f16}, {"<f4", Storage::f32}, {"<f8", Storage::f64}, {"|b1", Storage::u8},
    };
    for (const auto& [spelling, storage] : kDescr) {
      if (descr == spelling) storage_ = storage;
    }
    if (!storage_) refuse_at("numbers of type '" + escape_for_terminal(descr) + "'");
  }
  void read_shape() {
    expect('(');
    std::vector<uint64_t> shape;
    while (!take(')')) {
      if (shape.size() == kMaxNpyRank) refuse_at(fmt::format("more than {} axes", kMaxNpyRank));
      shape.push_back(number());
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    shape_ = std::move(shape);
  }
  uint64_t number() {
    skip();
    const size_t start = at_;
    uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto tens = checked_mul(value, 10);
      const auto sum = tens ? checked_add(*tens, static_cast<uint64_t>(text_[at_] - '0')) : tens;
      if (!sum) refuse_at("a number beyond 64 bits");
      value = *sum;
    }
    if (at_ == start) refuse_at("no number in the shape");
    return value;
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  std::optional<Storage> storage_;
  std::optional<bool> fortran_;
  std::optional<std::vector<uint64_t>> shape_;
};

}  // namespace

bool looks_like_npy(std::span<const std::byte> start) noexcept {
  return start.size() >= kMagic.size() &&
         std::memcmp(start.data(), kMagic.data(), kMagic.size()) == 0;
}

Array parse_npy(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!looks_like_npy(bytes) || text.size() < 10) {
    refuse(ErrorId::LG003, file, "", fmt::format("{} bytes that are no array", text.size()),
           "NumPy's array format");
  }
  const auto byte_at = [&](size_t at) { return std::to_integer<size_t>(bytes[at]); };
  const size_t version = byte_at(6);
  if (version < 1 || version > 3) {
    refuse(ErrorId::LG003, file, "", fmt::format("version {} of NumPy's array format", version),
           "1, 2 or 3");
  }
  const size_t start = version == 1 ? 10 : 12;
  size_t length = byte_at(8) | byte_at(9) << 8;
  if (version > 1 && text.size() >= 12) length |= byte_at(10) << 16 | byte_at(11) << 24;
  if (length > kMaxNpyHeader || text.size() < start || length > text.size() - start) {
    refuse(ErrorId::LG003, file, "", fmt::format("a header of {} bytes", length),
           fmt::format("one within the {} bytes of the array", text.size()),
           "The file is cut or damaged.");
  }
  Array array = NpyHeader(text.substr(start, length), file).read();
  std::optional<uint64_t> size = storage_bytes(array.storage);
  for (const uint64_t extent : array.shape) {
    if (size) size = checked_mul(*size, extent);
  }
  const uint64_t there = text.size() - start - length;
  if (!size || *size != there) {
    refuse(ErrorId::LG003, file, "", fmt::format("{} bytes of numbers", there),
           size ? fmt::format("{} for {}", *size, describe(array)) : "a shape that fits the file",
           "The file is cut or damaged.");
  }
  array.name = file;
  array.bytes = bytes.subspan(start + length);
  return array;
}

}  // namespace rg::logs
