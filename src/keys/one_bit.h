// What one bit per coordinate keeps of keys: sums per document that can be added in any weighting
// (a bootstrap over documents), and the four aggregates of them. Formulas: JF-1, JF-3, JF-7 of the
// theorem catalogue.
//
// A key y is coded by its signs, the sign of zero being +1, and a scale. c(y) = |y|_1 / (sqrt(d)
// |y|_2) is the cosine between key and signs, in [1/sqrt(d), 1].
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "keys/key_set.h"
#include "keys/packed_keys.h"

namespace rg::keys {

struct CodeSums {
  double keys = 0;               // of those below; zero rows aren't counted here
  double zero_keys = 0;          // dropped: they have no direction
  double cosines = 0;            // sum of c(y)
  double squared_norms = 0;      // sum of |y|_1^2 / d: the energy that a scale per key keeps
  double energy = 0;             // sum of |y|_2^2
  std::vector<double> channels;  // (d): sum of |y_j|; empty before anything is added

  void add(const CodeSums& other, double weight);
};

// Four averages, never one number. Each beta is 1 - squared error / energy with as many least-error
// scales as its name says; 1 - beta_per_key is the relative squared error of the usual code.
struct Aggregates {
  double mean_cosine;       // mean of c(y)
  double beta_per_key;      // sum |y|_1^2 / (d sum |y|_2^2)
  double beta_per_channel;  // sum_j (sum_n |y_nj|)^2 / (n sum |y|_2^2)
  double beta_pooled;       // (sum |y_nj|)^2 / (n d sum |y|_2^2)
};
// None without a key that isn't zero.
std::optional<Aggregates> aggregates_of(const CodeSums& sums);
// Of documents with the given weights, one per document: how often a bootstrap drew each.
std::optional<Aggregates> aggregates_of(std::span<const CodeSums> documents,
                                        std::span<const double> weights);
CodeSums total_of(std::span<const CodeSums> documents);

// Sums of the keys after the gauge (d, d), one per document of `documents` (rows of `keys`).
std::vector<CodeSums> code_sums(const PackedKeys& keys, const linear::Matrix& gauge,
                                std::span<const Document> documents);

}  // namespace rg::keys
