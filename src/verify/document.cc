#include "verify/document.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/json.h"

namespace rg::verify {

Value Value::of_boolean(bool value) {
  Value v;
  v.kind_ = Kind::boolean;
  v.as_.boolean = value;
  return v;
}
Value Value::of_integer(int64_t value) {
  Value v;
  v.kind_ = Kind::integer;
  v.as_.integer = value;
  return v;
}
Value Value::of_large_integer(uint64_t value) {
  Value v;
  v.kind_ = Kind::real;
  v.large_ = true;
  v.as_.large = value;
  return v;
}
Value Value::of_real(double value) {
  Value v;
  v.kind_ = Kind::real;
  v.as_.real = value;
  return v;
}
Value Value::of_string(const std::string* value) {
  Value v;
  v.kind_ = Kind::string;
  v.as_.string = value;
  return v;
}
Value Value::of_array(Array* value) {
  Value v;
  v.kind_ = Kind::array;
  v.as_.array = value;
  return v;
}
Value Value::of_object(Object* value) {
  Value v;
  v.kind_ = Kind::object;
  v.as_.object = value;
  return v;
}

double Value::number() const {
  if (kind_ == Kind::integer) return static_cast<double>(as_.integer);
  return large_ ? static_cast<double>(as_.large) : as_.real;
}

const Value* Value::find(std::string_view key) const {
  if (kind_ != Kind::object) return nullptr;
  const Object& object = *as_.object;
  const auto at = std::lower_bound(
      object.by_key.begin(), object.by_key.end(), key,
      [&](uint32_t index, std::string_view wanted) { return object.members[index].key < wanted; });
  if (at == object.by_key.end() || object.members[*at].key != key) return nullptr;
  return &object.members[*at].value;
}

// Builds the tree from events and knows the path to the place being read.
class DocumentBuilder : public JsonEvents {
 public:
  DocumentBuilder(Document& document, std::string_view text) : document_(document), text_(text) {}

  void null(size_t offset) override { put(Value(), offset); }
  void boolean(bool value, size_t offset) override { put(Value::of_boolean(value), offset); }
  void integer(int64_t value, size_t offset) override {
    Value v = Value::of_integer(value);
    if (value == 0 && starts_with_minus(offset)) v.mark_minus_zero();
    put(v, offset);
  }
  void unsigned_integer(uint64_t value, size_t offset) override {
    if (value > static_cast<uint64_t>(INT64_MAX)) {
      put(Value::of_large_integer(value), offset);
    } else {
      integer(static_cast<int64_t>(value), offset);
    }
  }
  void real(double value, size_t offset) override {
    Value v = Value::of_real(value);
    if (value == 0.0 && std::signbit(value)) v.mark_minus_zero();
    put(v, offset);
  }
  void string(std::string& value, size_t offset) override {
    document_.strings_.push_back(std::move(value));
    put(Value::of_string(&document_.strings_.back()), offset);
  }
  void key(std::string& value, size_t offset) override {
    last_offset_ = offset;
    frames_.back().object->members.push_back({std::move(value), Value()});
  }
  void start_object(size_t offset) override {
    document_.objects_.emplace_back();
    Object* object = &document_.objects_.back();
    put(Value::of_object(object), offset);
    frames_.push_back({object, nullptr});
  }
  void end_object(size_t offset) override {
    last_offset_ = offset;
    sort_keys(*frames_.back().object);
    frames_.pop_back();
  }
  void start_array(size_t offset) override {
    document_.arrays_.emplace_back();
    Array* array = &document_.arrays_.back();
    put(Value::of_array(array), offset);
    frames_.push_back({nullptr, array});
  }
  void end_array(size_t offset) override {
    last_offset_ = offset;
    frames_.pop_back();
  }

  std::string path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.object != nullptr) {
        if (frame.object->members.empty()) break;
        if (!path.empty()) path += '.';
        path += frame.object->members.back().key;
      } else {
        const bool deepest = &frame == &frames_.back();
        const size_t size = frame.array->size();
        path += '[' + std::to_string(deepest ? size : size - 1) + ']';
      }
    }
    return path;
  }

  // Python and JavaScript write NaN and Infinity, which JSON doesn't have.
  bool stopped_at_non_finite() const {
    if (last_offset_ >= text_.size()) return false;
    const std::string_view near = text_.substr(last_offset_, 400);
    return near.find("NaN") != std::string_view::npos ||
           near.find("Infinity") != std::string_view::npos;
  }

 private:
  struct Frame {
    Object* object;
    Array* array;
  };

  bool starts_with_minus(size_t offset) const {
    return offset < text_.size() && text_[offset] == '-';
  }

  void put(Value value, size_t offset) {
    last_offset_ = offset;
    if (frames_.empty()) {
      document_.root_ = value;
    } else if (frames_.back().object != nullptr) {
      frames_.back().object->members.back().value = value;
    } else {
      frames_.back().array->push_back(value);
    }
  }

  void sort_keys(Object& object) {
    object.by_key.resize(object.members.size());
    std::iota(object.by_key.begin(), object.by_key.end(), 0u);
    const auto key = [&](uint32_t i) -> const std::string& { return object.members[i].key; };
    std::stable_sort(object.by_key.begin(), object.by_key.end(),
                     [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
    for (size_t i = 1; i < object.by_key.size(); ++i) {
      if (key(object.by_key[i]) != key(object.by_key[i - 1])) continue;
      std::string at = path();
      at.resize(at.size() - std::min(at.size(), object.members.back().key.size()));
      document_.duplicates_.push_back({at + key(object.by_key[i])});
    }
  }

  Document& document_;
  std::string_view text_;
  std::vector<Frame> frames_;
  size_t last_offset_ = 0;
};

Document Document::parse(std::string_view text, const JsonLimits& limits, const std::string& file) {
  Document document;
  DocumentBuilder builder(document, text);
  try {
    scan_json(text, limits, file, builder);
  } catch (const Error& error) {
    ParseTrouble trouble{builder.path(), {}};
    if (builder.stopped_at_non_finite()) {
      trouble.reason = "NaN or Infinity as Python writes them; JSON has neither";
    } else {
      trouble.reason = "found " + error.parts().found + ", expected " + error.parts().expected;
      if (error.parts().expected.empty()) trouble.reason = error.what();
    }
    throw NotJson(std::move(trouble));
  }
  return document;
}

}  // namespace rg::verify
