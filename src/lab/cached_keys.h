// Level C: two fp32 residuals of position 0 whose keys are the same bytes in a bf16 cache and whose
// experts differ, as the program's own fp32 products compute them. The first is real: that of a
// prompt of one token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "certificates/makers.h"
#include "lab/certificate_file.h"
#include "lab/first_position.h"
#include "lab/token_residuals.h"

namespace rg::lab {

// A real residual (D) that may be turned.
struct Turnable {
  int32_t token;
  std::span<const float> x0;
};

struct FoundBytes {
  std::optional<Json> file;
  size_t tried = 0, parted = 0;  // pairs that were computed; with equal keys and different sets
};

// Turns each residual beyond its tie, by little and by much, as long as fp32 shows other experts
// and bf16 the same keys; of all these pairs, the one whose smaller margin is widest.
FoundBytes make_cached_keys(const Subject& subject, const KeyQuestion& question,
                            const FirstPositionLayer& layer,
                            const certificates::ManifoldMaker& maker,
                            const std::vector<Turnable>& residuals);

// As check_manifold(), by computing both residuals again. AR010 for other keys, sets or margins.
void check_cached_keys(const Subject& subject, const Json& root, TokenResiduals& residuals,
                       const std::string& file);

}  // namespace rg::lab
