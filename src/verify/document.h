// The verifier's own view of an artifact: a compact tree with everything needed to judge it that
// a convenient tree would lose (repeated keys, the sign of zero, integers apart from reals).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"

namespace rg::verify {

enum class Kind : uint8_t { null, boolean, integer, real, string, array, object };

struct Member;
class Value;
using Array = std::vector<Value>;

// Members in file order, and their order by key bytes.
struct Object {
  std::vector<Member> members;
  std::vector<uint32_t> by_key;
};

// 16 bytes. Integers beyond int64 (up to uint64) are kept as reals with `large_integer` set.
class Value {
 public:
  Value() = default;
  static Value of_boolean(bool value);
  static Value of_integer(int64_t value);
  static Value of_large_integer(uint64_t value);
  static Value of_real(double value);
  static Value of_string(const std::string* value);
  static Value of_array(Array* value);
  static Value of_object(Object* value);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_number() const { return kind_ == Kind::integer || kind_ == Kind::real; }
  bool large_integer() const { return large_; }
  bool minus_zero() const { return minus_zero_; }
  void mark_minus_zero() { minus_zero_ = true; }

  bool boolean() const { return as_.boolean; }
  int64_t integer() const { return as_.integer; }
  uint64_t large() const { return as_.large; }
  double number() const;  // integer or real
  const std::string& string() const { return *as_.string; }
  const Array& array() const { return *as_.array; }
  const Object& object() const { return *as_.object; }

  // The member of an object; null pointer if absent or not an object.
  const Value* find(std::string_view key) const;

 private:
  Kind kind_ = Kind::null;
  bool large_ = false;
  bool minus_zero_ = false;
  union {
    bool boolean;
    int64_t integer;
    uint64_t large;
    double real;
    const std::string* string;
    const Array* array;
    const Object* object;
  } as_ = {};
};

struct Member {
  std::string key;
  Value value;
};

struct DuplicateKey {
  std::string path;  // "summary.per_layer.3"
};

// Owns every node of one artifact.
class Document {
 public:
  // JS001, JS003, JS004 of base/json; the place of the error is in `ParseTrouble`.
  static Document parse(std::string_view text, const JsonLimits& limits, const std::string& file);

  Document(Document&&) noexcept = default;
  Document& operator=(Document&&) noexcept = default;

  const Value& root() const { return root_; }
  const std::vector<DuplicateKey>& duplicates() const { return duplicates_; }

 private:
  friend class DocumentBuilder;
  Document() = default;
  std::deque<std::string> strings_;
  std::deque<Array> arrays_;
  std::deque<Object> objects_;
  std::vector<DuplicateKey> duplicates_;
  Value root_;
};

// Text that is not strict JSON: where in the tree reading stopped, and why.
struct ParseTrouble {
  std::string path;
  std::string reason;
};
class NotJson : public std::exception {
 public:
  explicit NotJson(ParseTrouble trouble) : trouble_(std::move(trouble)) {}
  const ParseTrouble& trouble() const noexcept { return trouble_; }
  const char* what() const noexcept override { return trouble_.reason.c_str(); }

 private:
  ParseTrouble trouble_;
};

// The text that body_sha256 is taken of: every top-level member but `manifest` and `body_sha256`,
// keys in byte order, no spaces, numbers by std::to_chars (shortest that reads back exactly).
std::string body_digest(const Value& artifact);
// SHA-256 of any value's canonical text: equal for equal values.
std::string value_digest(const Value& value);

}  // namespace rg::verify
