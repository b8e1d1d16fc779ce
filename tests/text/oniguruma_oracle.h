// Oniguruma with the syntax and encoding that Hugging Face uses it with; an oracle for tests.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/regex.h"

namespace rg::text {

class OnigurumaOracle {
 public:
  explicit OnigurumaOracle(std::string_view pattern);  // std::runtime_error if it isn't one
  ~OnigurumaOracle();

  // Each match from the end of the one before; stops at an empty one.
  std::vector<Range> all_matches(std::string_view text) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rg::text
