#include "certificates/exact_logits.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "certificates/columns.h"

namespace rg::certificates {
namespace {

exact::Integers one() {
  exact::Integers out(1, 1);
  out.set(0, 0, 1);
  return out;
}

// z as a vector of the whole width.
exact::Integers spread(const ExactVector& z, uint32_t width) {
  exact::Integers out(width, 1);
  for (size_t i = 0; i < z.columns.size(); ++i) out.copy(z.columns[i], 0, z.values, i);
  return out;
}

// An integer times 2^exponent, exponents of any sign.
struct Power {
  exact::Integers value;
  int exponent;
};
Power lowered(const Power& number, int exponent) {
  const auto shift = static_cast<size_t>(number.exponent - exponent);
  return {.value = exact::times_power_of_two(number.value, shift), .exponent = exponent};
}

// D rho^2 = 2^(2 scale) |z|^2 + D epsilon.
Power norm_square(const ExactVector& z, uint32_t width, double epsilon, int scale) {
  const Power squares{.value = exact::sum_of_squares(z.values), .exponent = 2 * scale};
  const exact::Dyadic small = exact::dyadic(epsilon);
  if (small.mantissa == 0) return squares;
  exact::Integers room(1, 1), factor(1, 1);
  room.set(0, 0, small.mantissa);
  factor.set(0, 0, width);
  const Power constant{.value = exact::product(room, factor), .exponent = small.exponent};
  const int exponent = std::min(squares.exponent, constant.exponent);
  return {.value = exact::sum(lowered(squares, exponent).value, lowered(constant, exponent).value),
          .exponent = exponent};
}

// W_O W_V z as integers over one power of two.
Power attended(const FirstPosition& attention, const exact::Integers& z) {
  const Scaled values = over_one_power(repeated(folded(attention.values), attention));
  const Scaled output = over_one_power(folded(attention.output));
  return {.value = exact::product(output.values, exact::product(values.values, z)),
          .exponent = output.exponent + values.exponent};
}

}  // namespace

int natural_scale(const ExactVector& z, uint32_t width) {
  const auto bits = static_cast<int>(exact::sum_of_squares(z.values).bits(0, 0));
  return -(bits - static_cast<int>(std::bit_width(width))) / 2;
}

exact::RootSums exact_logits(const Question& question, const Matrix& router, const ExactVector& z,
                             int scale) {
  const auto experts = static_cast<size_t>(router.rows());
  if (!question.attention) {
    const exact::Integers on_columns =
        integers(router, first_numbers(experts), z.columns, Scale::common);
    return {.p = exact::product(on_columns, z.values),
            .q = exact::Integers(experts, 1),
            .a = one(),
            .b = one()};
  }
  const uint32_t width = question.keys.columns;
  const exact::Integers whole = spread(z, width);
  const exact::Integers gate = over_one_power(router).values;
  const Power added = attended(*question.attention, whole);
  const Power square = norm_square(z, width, question.attention->epsilon, scale);
  // G z + 2^e q / rho, times rho sqrt(D): the roots of D rho^2 and of D 2^(2 e).
  exact::Integers d(1, 1);
  d.set(0, 0, width);
  const int apart = square.exponent - 2 * added.exponent;
  return {.p = exact::product(gate, whole),
          .q = exact::product(gate, added.value),
          .a = exact::times_power_of_two(square.value, static_cast<size_t>(std::max(apart, 0))),
          .b = exact::times_power_of_two(d, static_cast<size_t>(std::max(-apart, 0)))};
}

}  // namespace rg::certificates
