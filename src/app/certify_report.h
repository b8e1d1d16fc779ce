// What certify found, for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/certify.h"
#include "lab/twin_tokens.h"

namespace rg::app {

// One layer with what was written for it.
struct CertifiedLayer {
  lab::LayerCertificates found;  // without the files' content
  std::vector<lab::ListedFile> files;
};

// Level D: what the texts have, or why there is none.
struct TwinOutcome {
  std::optional<lab::FoundTwins> found;
  std::string absent;
};

// The decision table, layers with equal rows together, then a line per layer on certificates.
std::string certify_text(const std::string& model, const std::vector<CertifiedLayer>& layers,
                         const std::optional<TwinOutcome>& twins, bool colour, size_t columns);

}  // namespace rg::app
