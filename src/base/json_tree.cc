#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"

namespace rg {
namespace {

class TreeBuilder final : public JsonEvents {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  void null(size_t) override { add(nullptr); }
  void boolean(bool value, size_t) override { add(value); }
  void integer(int64_t value, size_t) override { add(value); }
  void unsigned_integer(uint64_t value, size_t) override { add(value); }
  void real(double value, size_t) override { add(value); }
  void string(std::string& value, size_t) override { add(std::move(value)); }
  void start_array(size_t) override { open_.push_back({add(Json::array()), {}}); }
  void end_array(size_t) override { open_.pop_back(); }
  void start_object(size_t) override { open_.push_back({add(Json::object()), {}}); }
  void end_object(size_t) override { open_.pop_back(); }
  void key(std::string& value, size_t offset) override {
    const auto [first, fresh] = open_.back().keys.emplace(value, offset);
    if (!fresh) throw_duplicate_key(file_, value, first->second, offset);
    key_ = std::move(value);
  }

  Json take() { return std::move(root_); }

 private:
  struct Open {
    Json* value;  // the last element of its parent, which doesn't grow while this is open
    std::unordered_map<std::string, size_t> keys;
  };

  template <typename T>
  Json* add(T&& value) {
    if (open_.empty()) {
      root_ = std::forward<T>(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      auto& elements = parent.get_ref<Json::array_t&>();
      return &elements.emplace_back(std::forward<T>(value));
    }
    // Not ordered_map's emplace, whose search is linear: the key is known to be new.
    using Pairs = Json::object_t::Container;
    Pairs& pairs = parent.get_ref<Json::object_t&>();
    return &pairs.emplace_back(std::move(key_), std::forward<T>(value)).second;
  }

  const std::string& file_;
  Json root_;
  std::vector<Open> open_;
  std::string key_;
};

}  // namespace

Json parse_json(std::string_view text, const JsonLimits& limits, const std::string& file) {
  TreeBuilder builder(file);
  scan_json(text, limits, file, builder);
  return builder.take();
}

}  // namespace rg
