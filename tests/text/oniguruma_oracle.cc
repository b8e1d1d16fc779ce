// Apart from the tests: oniguruma.h and GoogleTest's regex.h define the same names.
#include "text/oniguruma_oracle.h"

#include <oniguruma.h>

#include <stdexcept>

namespace rg::text {

struct OnigurumaOracle::State {
  regex_t* regex = nullptr;
  OnigRegion* region = nullptr;
};

OnigurumaOracle::OnigurumaOracle(std::string_view pattern) : state_(std::make_unique<State>()) {
  OnigErrorInfo info;
  const auto* begin = reinterpret_cast<const OnigUChar*>(pattern.data());
  const int answer = onig_new(&state_->regex, begin, begin + pattern.size(), ONIG_OPTION_NONE,
                              ONIG_ENCODING_UTF8, ONIG_SYNTAX_RUBY, &info);
  if (answer != ONIG_NORMAL) throw std::runtime_error("Oniguruma refuses the pattern");
  state_->region = onig_region_new();
}

OnigurumaOracle::~OnigurumaOracle() {
  onig_region_free(state_->region, 1);
  onig_free(state_->regex);
}

std::vector<Range> OnigurumaOracle::all_matches(std::string_view text) const {
  std::vector<Range> matches;
  const auto* begin = reinterpret_cast<const OnigUChar*>(text.data());
  const auto* end = begin + text.size();
  OnigRegion* region = state_->region;
  for (size_t at = 0; at < text.size();) {
    if (onig_search(state_->regex, begin, end, begin + at, end, region, ONIG_OPTION_NONE) < 0)
      break;
    const Range match{static_cast<size_t>(region->beg[0]), static_cast<size_t>(region->end[0])};
    if (match.begin == match.end) break;
    matches.push_back(match);
    at = match.end;
  }
  return matches;
}

}  // namespace rg::text
