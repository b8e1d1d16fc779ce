// What the checks of levels B and B' share: numbers as stated, taken for nothing but numbers.
#pragma once

#include <optional>
#include <span>

#include "certificates/enclosure.h"

namespace rg::certificates {

bool is_column(std::span<const double> values, uint32_t width);  // `width` finite numbers
Column column_of(std::span<const double> values);
Column column_of(std::span<const float> values);

// Keys scaled as stated, with the inverse as stated; none if either isn't what it should be.
std::optional<Enclosure> stated_rows(const Question& question, const IndependentRows& rows);

// Bounds computed twice differ by what another order of sums rounds.
inline bool no_more_than(double claimed, double found) { return claimed <= found * 1.001; }

}  // namespace rg::certificates
