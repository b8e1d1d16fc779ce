#include "lab/same_ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace rg::lab {

void require_same_ids(const std::string& name, const Samples& own, const std::string& base_name,
                      const Samples& base, const std::string& hint) {
  for (size_t d = 0; d < base.domains().size(); ++d) {
    const std::vector<int32_t>&ids = own.sequences()[d].ids, &expected = base.sequences()[d].ids;
    const size_t common = std::min(ids.size(), expected.size());
    const auto at = static_cast<size_t>(
        std::mismatch(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(common), expected.begin())
            .first -
        ids.begin());
    if (at == common && ids.size() == expected.size()) continue;
    const uint32_t length = base.domains()[d].seq_len;
    const auto token = [&](const std::vector<int32_t>& of) {
      return at < of.size() ? fmt::format("token {}", of[at]) : std::string("no window");
    };
    throw Error(ErrorId::RT010,
                {.object = name,
                 .found = fmt::format("{} at position {} of window {} of {}", token(ids),
                                      at % length, at / length, base.domains()[d].domain),
                 .expected = fmt::format("{}, as {} reads it", token(expected), base_name),
                 .hint = hint});
  }
}

}  // namespace rg::lab
