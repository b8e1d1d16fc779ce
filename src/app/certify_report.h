// What certify found, for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/certify.h"
#include "lab/turned_residuals.h"
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

// Levels B' and C: what was tried at the layers where residuals can be turned.
struct TurnsOutcome {
  size_t tokens = 0;  // whose residuals were turned; 0: there is no such layer
  struct Layer {
    int layer;
    lab::TurnedLayer found;  // without the content of identical_bytes
  };
  std::vector<Layer> layers = {};
};

// What came of the texts; none: the level wasn't asked for.
struct TextOutcome {
  std::optional<TurnsOutcome> turns;
  std::optional<TwinOutcome> twins;
};

// The decision table, layers with equal rows together, then a line per layer on certificates.
std::string certify_text(const std::string& model, const std::vector<CertifiedLayer>& layers,
                         const TextOutcome& texts, bool colour, size_t columns);

}  // namespace rg::app
