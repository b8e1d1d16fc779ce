#include "levels/found.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace rg::levels {
namespace {

// The verifier's own replicates say how stable a verdict is and enter no claim.
verify::Options cheapest() {
  verify::Options options;
  options.replicates = 2;
  return options;
}

}  // namespace

Found::Found(const Json& artifact)
    : claims_(verify::recompute_summary(write_json(artifact, JsonLayout::compact), cheapest())) {
  check_internal(!claims_.all().empty(), "the verifier takes a simulated artifact");
}

const verify::Claim& Found::at(const std::string& path) const {
  for (const verify::Claim& claim : claims_.all()) {
    if (fmt::format("{}", fmt::join(claim.path, ".")) == path) return claim;
  }
  throw Error(ErrorId::RT070, {.object = "simulated artifact",
                               .found = "no claim at " + path,
                               .expected = "one",
                               .hint = "The verifier refused the arrays, or the path is wrong."});
}

}  // namespace rg::levels
