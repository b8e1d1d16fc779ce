// Collects doctored artifacts of one test, and what is often done to them.
#pragma once

#include <initializer_list>
#include <utility>

#include "verify/doctored.h"

namespace rg::verify::testing {

class DoctoredList {
 public:
  explicit DoctoredList(const char* test) : test_(test) {}

  void with(Check check, const std::string& what, const std::function<void(Json&)>& doctor) {
    with(check, what, doctor, test_);
  }
  // Of another test, or another variant of it.
  void with(Check check, const std::string& what, const std::function<void(Json&)>& doctor,
            const char* test) {
    all_.push_back({check, test, what, doctor, {}});
  }
  void lacking(const std::string& parent, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      with(Check::member_present, parent + ": " + key, erase(parent, key));
    }
  }
  std::vector<Doctored> take() { return std::move(all_); }

 private:
  const char* test_;
  std::vector<Doctored> all_;
};

// An integer changed by so much.
inline std::function<void(Json&)> count_more(const std::string& path, int amount) {
  return [path, amount](Json& artifact) {
    at(artifact, path) = at(artifact, path).get<int>() + amount;
  };
}

inline std::function<void(Json&)> first_dropped(const std::string& path) {
  return [path](Json& artifact) { at(artifact, path).erase(0); };
}

}  // namespace rg::verify::testing
