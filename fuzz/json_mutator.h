// Mutations of JSON texts that stay JSON, beside libFuzzer's own of bytes: a value is replaced by
// another of any kind, removed, or taken over from a second text. Include it in one target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace rg::fuzz {

class JsonMutator {
 public:
  explicit JsonMutator(unsigned seed) : random_(seed) {}

  bool by_bytes() { return below(4) == 0; }

  // Null where the text is no JSON.
  static Json parsed(const uint8_t* data, size_t size) {
    try {
      return parse_json({reinterpret_cast<const char*>(data), size}, JsonLimits{}, "");
    } catch (const Error&) {
      return nullptr;
    }
  }

  void change(Json& tree) {
    std::vector<Json::json_pointer> places;
    collect(tree, Json::json_pointer(), places);
    for (size_t times = 1 + below(3); times > 0; --times) {
      const auto& place = places[below(places.size())];
      if (place.empty() || !tree.contains(place)) continue;
      Json& value = tree[place];
      Json& parent = tree[place.parent_pointer()];
      switch (below(5)) {
        case 0:
          if (parent.is_object()) parent.erase(place.back());
          break;
        case 1:
          if (const auto& other = places[below(places.size())]; tree.contains(other)) {
            value = Json(tree[other]);
          }
          break;
        case 2:
          if (value.is_number_integer())
            value = value.get<int64_t>() + static_cast<int64_t>(below(5)) - 2;
          if (value.is_number_float())
            value = value.get<double>() * (static_cast<double>(below(9)) / 2 - 1);
          break;
        case 3:
          if (value.is_array() && !value.empty() && value.size() < 100) value.push_back(value[0]);
          if (value.is_boolean()) value = !value.get<bool>();
          break;
        default:
          value = literals()[below(literals().size())];
      }
    }
  }

  // A member of some object of `other`, into an object of `tree`.
  void take_over(Json& tree, const Json& other) {
    std::vector<Json::json_pointer> from, to;
    collect(other, Json::json_pointer(), from);
    collect(tree, Json::json_pointer(), to);
    const auto& source = from[below(from.size())];
    if (source.empty() || !other[source.parent_pointer()].is_object()) return;
    Json& target = tree[to[below(to.size())]];
    (target.is_object() && below(4) == 0 ? target : tree)[source.back()] = other[source];
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  static void collect(const Json& value, const Json::json_pointer& at,
                      std::vector<Json::json_pointer>& places) {
    places.push_back(at);
    if (!value.is_structured() || places.size() > 10'000) return;
    size_t index = 0;
    for (const auto& [key, child] : value.items()) {
      collect(child, value.is_array() ? at / index++ : at / key, places);
    }
  }

  static const std::vector<Json>& literals() {
    static const std::vector<Json> all = {nullptr,
                                          true,
                                          false,
                                          0,
                                          1,
                                          2,
                                          3,
                                          -1,
                                          16,
                                          32,
                                          128,
                                          1024,
                                          1 << 16,
                                          1u << 30,
                                          4294967295u,
                                          4294967296u,
                                          0.5,
                                          1e-300,
                                          1e300,
                                          "x",
                                          "yarn",
                                          "longrope",
                                          "llama3",
                                          "linear",
                                          "proportional",
                                          "full_attention",
                                          "sliding_attention",
                                          "fp8",
                                          "mxfp4",
                                          Json::array(),
                                          Json::object(),
                                          {{"__float__", "Infinity"}},
                                          {{"__float__", "NaN"}}};
    return all;
  }

  std::minstd_rand random_;
};

inline size_t put(const std::string& text, uint8_t* data, size_t max_size) {
  if (text.size() > max_size) return 0;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace rg::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  rg::fuzz::JsonMutator mutator(seed);
  rg::Json tree = rg::fuzz::JsonMutator::parsed(data, size);
  if (!tree.is_structured() || mutator.by_bytes()) return LLVMFuzzerMutate(data, size, max_size);
  mutator.change(tree);
  const size_t written = rg::fuzz::put(tree.dump(), data, max_size);
  return written != 0 ? written : LLVMFuzzerMutate(data, size, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size,
                                            const uint8_t* second, size_t second_size, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  rg::Json tree = rg::fuzz::JsonMutator::parsed(first, first_size);
  const rg::Json other = rg::fuzz::JsonMutator::parsed(second, second_size);
  if (!tree.is_object() || !other.is_object()) return 0;
  rg::fuzz::JsonMutator(seed).take_over(tree, other);
  return rg::fuzz::put(tree.dump(), out, max_size);
}
