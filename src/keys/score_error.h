// What a code costs where it is used: the error of scores, in the keys' own coordinates. It
// compares gauges that are no rotations (RC-8) and centred with raw keys (DC-5), where cosines
// can't.
#pragma once

#include <span>
#include <vector>

#include "keys/key_set.h"
#include "keys/packed_keys.h"

namespace rg::keys {

// Sums over the keys of a document, e = G^-1 (Gk - code of Gk) with the gauge G and a scale per
// key, S the second moments of the queries that read them (those of the whole group, MH-3).
struct ScoreSums {
  double keys = 0;
  double error = 0;   // sum e' S e: n times the mean squared score error, GS-2 (d)
  double scores = 0;  // sum k' S k
};
// gauge invertible, S positive semidefinite and in the keys' own coordinates, both (d, d); S = I
// gives the squared error of the keys themselves. One per document of `documents`, rows of `keys`.
std::vector<ScoreSums> score_sums(const PackedKeys& keys, const linear::Matrix& gauge,
                                  const linear::Matrix& query_moments,
                                  std::span<const Document> documents);

}  // namespace rg::keys
