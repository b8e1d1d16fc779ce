// Level B': a real residual of position 0, that of a prompt of one token, and another one with its
// keys and its norm and with other experts (KR-10). Made from the layer's matrices, checked with
// them and with a pass that computes the residual.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/json.h"
#include "certificates/makers.h"
#include "lab/certificate_file.h"
#include "lab/layer_matrices.h"
#include "lab/token_residuals.h"

namespace rg::lab {

// `sample` (n, D), n >= 2: residuals of the same layer, by which the change is called plausible.
Json manifold_file(const Subject& subject, const KeyQuestion& question,
                   const LayerMatrices& matrices, int32_t token,
                   const certificates::ManifoldCertificate& certificate,
                   std::span<const float> sample);

// As check_pair(). AR010 also for a residual that the layer doesn't have for this token.
void check_manifold(const Subject& subject, const Json& root, TokenResiduals& residuals,
                    const std::string& file);

// What certificates of levels B' and C share. `token` of a file; AR010 for a layer where no
// residual is turned; AR010 unless x0 is what enters the layer for the token, to 1e-4 of its
// length: other instruction sets round otherwise.
int32_t read_token(certificates::Members& members, const Subject& subject);
void require_turnable(const KeyQuestion& question, const certificates::Members& members);
void require_real(std::span<const float> x0, std::span<const float> computed,
                  const certificates::Members& members);

}  // namespace rg::lab
