// What a call threw: EXPECT_EQ(caught([&] { open(x); }).id, ErrorId::ST001).
#pragma once

#include <optional>
#include <ostream>
#include <string>

#include "base/error.h"

namespace rg {

inline void PrintTo(ErrorId id, std::ostream* out) { *out << error_name(id); }

namespace test {

struct Caught {
  std::optional<ErrorId> id;  // none: nothing was thrown
  std::string line;
  ErrorParts parts;

  bool says(std::string_view words) const { return line.find(words) != std::string::npos; }
};

template <typename Call>
Caught caught(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.id(), error.what(), error.parts()};
  }
  return {std::nullopt, "nothing thrown", {}};
}

}  // namespace test
}  // namespace rg
