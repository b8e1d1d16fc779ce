// The options of each command of `routegauge theorems`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/global_options.h"
#include "app/options.h"
#include "theorems/catalogue.h"

namespace rg::app {

struct TheoremsListOptions {
  std::optional<std::string> family;         // none: every family
  std::optional<theorems::Verdict> verdict;  // entries with such a claim
  std::optional<theorems::Status> status;    // entries with such a formal statement
  bool json = false;
};

struct TheoremsShowOptions {
  std::string id;
  bool json = false;
};

struct TheoremsStatusOptions {
  bool json = false;
};

struct TheoremsCheckOptions {
  std::vector<std::string> ids;  // none: every check
  uint64_t seed = 0;
  bool json = false;
};

// `check --model`: the run of theorem_slack, and what is printed of it.
struct TheoremsModelOptions {
  std::vector<std::string> ids;  // none: a line per theorem
  RunOptions run;
};

struct TheoremsPageOptions {
  std::filesystem::path out;
  std::filesystem::path slack;  // an artifact of theorem_slack; empty: none
  uint64_t seed = 0;
};

using TheoremCommand =
    std::variant<TheoremsListOptions, TheoremsShowOptions, TheoremsStatusOptions,
                 TheoremsCheckOptions, TheoremsModelOptions, TheoremsPageOptions>;

}  // namespace rg::app
