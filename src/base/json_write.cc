#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace rg {
namespace {

enum class KeyOrder { as_stored, by_bytes };
// The canonical form keeps every character: digests are computed from it. The other forms may be
// printed, so characters that a terminal obeys are written as \uXXXX, which means the same in JSON.
enum class Hidden { kept, escaped };

std::string with_hidden_escaped(std::string text) {
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](char c) { return static_cast<unsigned char>(c) >= 0x7f; });
  if (plain) return text;  // C0 is escaped already
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Utf8Step step = decode_utf8(text, i);
    if (step.valid && is_hidden(step.code_point)) {  // all of them in the basic plane
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(step.code_point));
    } else {
      out.append(text, i, step.bytes);
    }
    i += step.bytes;
  }
  return out;
}

class Writer {
 public:
  Writer(KeyOrder order, JsonLayout layout, Hidden hidden)
      : order_(order), layout_(layout), hidden_(hidden) {}

  void write(const Json& value, size_t level) {
    switch (value.type()) {
      case Json::value_t::object:
        return write_object(value, level);
      case Json::value_t::array:
        return write_array(value, level);
      case Json::value_t::string:
        return write_string(value);
      case Json::value_t::number_integer:
        return write_number(value.get<int64_t>());
      case Json::value_t::number_unsigned:
        return write_number(value.get<uint64_t>());
      case Json::value_t::number_float:
        return write_real(value.get<double>());
      case Json::value_t::boolean:
        out_ += value.get<bool>() ? "true" : "false";
        return;
      case Json::value_t::null:
        out_ += "null";
        return;
      case Json::value_t::binary:
      case Json::value_t::discarded:
        break;
    }
    check_internal(false, "a JSON value is of one of the seven kinds");
  }

  std::string take() { return std::move(out_); }

 private:
  void write_string(const Json& value) {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    out_ += hidden_ == Hidden::escaped ? with_hidden_escaped(std::move(text)) : text;
  }

  template <typename T>
  void write_number(T value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out_.append(digits.data(), end);
  }

  void write_real(double value) {
    check_internal(std::isfinite(value), "only finite numbers are written as JSON");
    write_number(value == 0 ? 0.0 : value);  // -0 reads back as an integer 0 elsewhere
  }

  void write_object(const Json& value, size_t level) {
    if (value.empty()) {
      out_ += "{}";
      return;
    }
    std::vector<Json::const_iterator> members;
    members.reserve(value.size());
    for (auto member = value.begin(); member != value.end(); ++member) members.push_back(member);
    if (order_ == KeyOrder::by_bytes) {
      std::sort(members.begin(), members.end(),
                [](const auto& a, const auto& b) { return a.key() < b.key(); });
    }
    char before = '{';
    for (const auto& member : members) {
      out_ += before;
      before = ',';
      new_line(level + 1);
      write_string(Json(member.key()));
      out_ += layout_ == JsonLayout::indented ? ": " : ":";
      write(member.value(), level + 1);
    }
    new_line(level);
    out_ += '}';
  }

  void write_array(const Json& value, size_t level) {
    const bool one_line = std::none_of(value.begin(), value.end(),
                                       [](const Json& item) { return item.is_structured(); });
    out_ += '[';
    bool first = true;
    for (const Json& item : value) {
      if (!first) out_ += ',';
      if (!one_line) {
        new_line(level + 1);
      } else if (!first && layout_ == JsonLayout::indented) {
        out_ += ' ';
      }
      first = false;
      write(item, level + 1);
    }
    if (!one_line) new_line(level);
    out_ += ']';
  }

  void new_line(size_t level) {
    if (layout_ != JsonLayout::indented) return;
    out_ += '\n';
    out_.append(2 * level, ' ');
  }

  KeyOrder order_;
  JsonLayout layout_;
  Hidden hidden_;
  std::string out_;
};

}  // namespace

std::string write_json(const Json& value, JsonLayout layout) {
  Writer writer(KeyOrder::as_stored, layout, Hidden::escaped);
  writer.write(value, 0);
  return writer.take();
}

std::string canonical_json(const Json& value) {
  Writer writer(KeyOrder::by_bytes, JsonLayout::compact, Hidden::kept);
  writer.write(value, 0);
  return writer.take();
}

}  // namespace rg
