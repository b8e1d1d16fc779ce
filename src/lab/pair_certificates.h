// Certificates of a pair of residuals z and -z with equal keys and different routes, levels A
// (exact) and B (enclosed): made for a layer, and checked against a checkpoint.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "lab/certificate_file.h"
#include "lab/layer_matrices.h"

namespace rg::lab {

enum class PairLevel { exact, enclosed };
std::string_view name(PairLevel level) noexcept;

// The file, or why there is none.
struct MadePair {
  std::optional<Json> file;
  std::optional<certificates::Missing> missing;
};
MadePair make_pair(const Subject& subject, const KeyQuestion& question,
                   const LayerMatrices& matrices, PairLevel level);

// In words, for people.
std::string words(certificates::Missing missing);

// Throws what is wrong: the refusals of check_certificate_head(), AR022 for other tensors, AR010 if
// it proves nothing.
void check_pair(const Subject& subject, const Json& root, PairLevel level, const std::string& file);

}  // namespace rg::lab
