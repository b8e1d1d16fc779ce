// Where a field of a bound model came from, and its value as `inspect` shows it.
#pragma once

#include <string>

#include "model/model.h"

namespace rg::test {

inline const model::Origin* find_origin(const model::Model& model, const std::string& field) {
  for (const model::Origin& origin : model.origins) {
    if (origin.field == field) return &origin;
  }
  return nullptr;
}

inline std::string source(const model::Model& model, const std::string& field) {
  const model::Origin* origin = find_origin(model, field);
  return origin == nullptr ? "no such field" : origin->source;
}

inline std::string value(const model::Model& model, const std::string& field) {
  const model::Origin* origin = find_origin(model, field);
  return origin == nullptr ? "no such field" : origin->value;
}

}  // namespace rg::test
