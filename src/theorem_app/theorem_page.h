// The catalogue's page: built by `make viewer`, filled with the numerical checks' results here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/embedded.h"
#include "base/json_fwd.h"

namespace rg::app {

// The page as built; TH001 if the program was built without one, or if the page doesn't contain
// `sources_sha256`: then its statuses come from other proofs than the program's.
std::string_view built_page(std::span<const EmbeddedFile> files, std::string_view sources_sha256);

// `page` with `value` in place of the null in
//   <script id="ID" type="application/json">null</script>
// where ID is "checks" or "slack". No text in `value` can end that element or begin another. RT070
// unless it occurs exactly once.
std::string filled_page(std::string_view page, std::string_view id, const Json& value);

}  // namespace rg::app
