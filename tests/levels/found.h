// What the verifier finds in one artifact: the summary that it recomputes from the arrays.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "verify/tests.h"

namespace rg::levels {

class Found {
 public:
  // Throws (RT070) if the verifier refuses the arrays.
  explicit Found(const Json& artifact);

  // By dotted path, such as "summary.per_layer.5.a.holds"; RT070 if nothing is claimed there.
  bool flag(const std::string& path) const { return at(path).flag; }
  const std::string& text(const std::string& path) const { return at(path).text; }
  // The upper end of an interval.
  double upper_end(const std::string& path) const { return at(path).interval.hi; }

 private:
  const verify::Claim& at(const std::string& path) const;
  verify::Claims claims_;
};

}  // namespace rg::levels
