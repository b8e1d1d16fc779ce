#include <array>
#include <charconv>

#include "base/json.h"
#include "base/sha256.h"
#include "verify/document.h"

namespace rg::verify {
namespace {

constexpr size_t kFlushBytes = 1 << 16;

class CanonicalWriter {
 public:
  void write(const Value& value) {
    switch (value.kind()) {
      case Kind::null:
        out_ += "null";
        break;
      case Kind::boolean:
        out_ += value.boolean() ? "true" : "false";
        break;
      case Kind::integer:
        number(value.integer());
        break;
      case Kind::real:
        if (value.large_integer()) {
          number(value.large());
        } else {
          number(value.minus_zero() ? 0.0 : value.number());
        }
        break;
      case Kind::string:
        string(value.string());
        break;
      case Kind::array:
        array(value.array(), [&](const Value& element) { write(element); });
        break;
      case Kind::object:
        object(value.object(), Part::value);
        break;
    }
    if (out_.size() > kFlushBytes) flush();
  }

  // What of an object's members is left out, and which of them are bundled artifacts.
  enum class Part { value, body, bundled };

  void object(const Object& object, Part part) {
    out_ += '{';
    bool first = true;
    for (const uint32_t index : object.by_key) {
      const Member& member = object.members[index];
      if (part != Part::value && member.key == "manifest") continue;
      if (part == Part::body && member.key == "body_sha256") continue;
      if (!first) out_ += ',';
      first = false;
      string(member.key);
      out_ += ':';
      if (part == Part::body && (member.key == "chart" || member.key == "scan")) {
        bundled(member.value);
      } else if (part == Part::body && member.key == "scans" && member.value.is(Kind::array)) {
        array(member.value.array(), [&](const Value& scan) { bundled(scan); });
      } else {
        write(member.value);
      }
    }
    out_ += '}';
  }

  std::string hex() {
    flush();
    return digest_.hex();
  }

 private:
  void bundled(const Value& value) {
    if (value.is(Kind::object)) {
      object(value.object(), Part::bundled);
    } else {
      write(value);
    }
  }

  template <typename Write>
  void array(const Array& array, const Write& write_element) {
    out_ += '[';
    bool first = true;
    for (const Value& value : array) {
      if (!first) out_ += ',';
      first = false;
      write_element(value);
    }
    out_ += ']';
  }

  template <typename Number>
  void number(Number value) {
    std::array<char, 64> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
    out_.append(text.data(), end.ptr);
  }

  void string(const std::string& text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || c == '"' || c == '\\') {
        out_ += nlohmann::json(text).dump();
        return;
      }
    }
    out_ += '"';
    out_ += text;
    out_ += '"';
  }

  void flush() {
    digest_.update(std::string_view(out_));
    out_.clear();
  }

  std::string out_;
  Sha256 digest_;
};

}  // namespace

std::string body_digest(const Value& artifact) {
  CanonicalWriter writer;
  if (artifact.is(Kind::object)) writer.object(artifact.object(), CanonicalWriter::Part::body);
  return writer.hex();
}

std::string value_digest(const Value& value) {
  CanonicalWriter writer;
  writer.write(value);
  return writer.hex();
}

}  // namespace rg::verify
