// The normalizer of tokenizer.json: a sequence of steps over a text that keeps its alignment.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "text/aligned_text.h"
#include "text/unicode_form.h"

namespace rg::text {

struct Lowercase {};
struct Strip {
  bool left, right;  // White_Space at the ends
};
struct Replace {
  std::string pattern, content;  // a literal, never empty
};
using NormalizerStep = std::variant<UnicodeForm, Lowercase, Strip, Replace>;

class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  AlignedText apply(AlignedText text) const;

 private:
  std::vector<NormalizerStep> steps_;
};

}  // namespace rg::text
