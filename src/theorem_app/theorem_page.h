// The catalogue's page: built by `make viewer`, filled with the numerical checks' results here.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/embedded.h"
#include "base/json.h"

namespace rg::app {

// The page as it was built; TH001 if the program was built without one, or if the page does not
// name `sources_sha256`, and so shows statuses of other proofs than the program's.
std::string_view built_page(std::span<const EmbeddedFile> files, std::string_view sources_sha256);

// `page` with `checks` in place of the null in
//   <script id="checks" type="application/json">null</script>
// No text in `checks` can end that element or begin another. RT070 unless it stands there once.
std::string filled_page(std::string_view page, const Json& checks);

}  // namespace rg::app
