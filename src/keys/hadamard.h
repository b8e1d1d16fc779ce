// Hadamard matrices: entries -1 and +1, H H' = n I. Sylvester's doubling (1867) and Paley's two
// constructions (1933) for primes q: order q + 1 for q = 3 mod 4, order 2 (q + 1) for q = 1 mod 4;
// and Kronecker products of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "linear/matrix.h"

namespace rg::keys {

// How the matrix of this order is made, "sylvester 16 x paley-2 36"; none where these constructions
// reach no matrix of that order.
std::optional<std::string> hadamard_name(uint32_t order);
// Why not: "no Hadamard matrix of order 6: orders are 1, 2 and multiples of 4". For orders without
// a name.
std::string why_no_hadamard(uint32_t order);
// Over sqrt(order), so orthogonal. Of an order that has a name.
linear::Matrix hadamard_matrix(uint32_t order);

}  // namespace rg::keys
