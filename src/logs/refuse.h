// Refusals of logs. The LG errors are in docs/errors.md.
#pragma once

#include <string>
#include <utility>

#include "base/error.h"

namespace rg::logs {

[[noreturn]] inline void refuse(ErrorId id, std::string file, std::string object, std::string found,
                                std::string expected, std::string hint = {}) {
  throw Error(id, {.file = std::move(file),
                   .object = std::move(object),
                   .found = std::move(found),
                   .expected = std::move(expected),
                   .hint = std::move(hint)});
}

}  // namespace rg::logs
