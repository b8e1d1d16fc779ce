// Levels B' and C for the layers of a model, from the tokens and residuals of some texts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/json.h"
#include "certificates/question.h"
#include "lab/cached_keys.h"
#include "lab/samples.h"

namespace rg::lab {

// What was found at one layer.
struct TurnedLayer {
  std::optional<Json> on_manifold, identical_bytes;  // files
  size_t turned = 0;             // of the tokens, those with a certificate of level B'
  size_t tried = 0, parted = 0;  // pairs for level C: computed; with equal keys, different sets
  certificates::Missing missing = {};  // why none of them has one; read only then
};

class TurnedResiduals {
 public:
  // Two passes: over prompts of one token, the first ones of the samples' windows, in fp32; and
  // over the windows. `layers`: ascending, residuals can be turned there. Samples were read.
  TurnedResiduals(const Subject& subject, const Samples& samples, const std::vector<int>& layers,
                  const EngineSettings& engine, const std::filesystem::path& spill_folder,
                  Progress& progress);

  size_t tokens() const { return tokens_.size(); }
  // Level B' of the token whose residual changes least, relative to its length; level C, if wanted,
  // of the pair with the widest margins, of all tokens that level B' turns.
  TurnedLayer at(const KeyQuestion& question, bool identical_bytes) const;

 private:
  const Subject& subject_;
  std::vector<int32_t> tokens_;
  LayerRows first_, sample_;
};

}  // namespace rg::lab
