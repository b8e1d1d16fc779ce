#include "certificates/bounded_logits.h"

#include <cmath>
#include <limits>

#include "certificates/bounds.h"

namespace rg::certificates {

BoundedLogits bounded_logits(const Matrix& router, const Column& x, double distance) {
  const Column rounding = gamma(router.cols()) * (router.cwiseAbs() * x.cwiseAbs());
  return {.values = router * x,
          .errors = (rounding + router.rowwise().norm() * distance).unaryExpr(&at_most)};
}

BoundedLogits bounded_logits(const Matrix& router, const FirstPosition& attention, const Column& x,
                             double distance) {
  BoundedLogits out = bounded_logits(router, x, distance);
  const Matrix values = repeated(folded(attention.values), attention);
  const Matrix output = folded(attention.output);
  const Column seen = values * x, added = output * seen, shift = router * added;
  // Of the three products in turn, and of a change of x by `distance` in every coordinate.
  const Matrix sizes = output.cwiseAbs();
  const auto all_sizes = [&](const Column& of) -> Column {
    const Column first = values.cwiseAbs() * of, second = sizes * first;
    return router.cwiseAbs() * second;
  };
  const Eigen::Index rounded = 2 * x.size() + output.cols();
  const Column shift_errors =
      gamma(rounded) * all_sizes(x.cwiseAbs()) + distance * all_sizes(Column::Ones(x.size()));
  const double rho = std::sqrt(x.squaredNorm() / static_cast<double>(x.size()) + attention.epsilon);
  const double rho_error = at_most(distance + gamma(x.size() + 8) * rho);
  const double least = at_least(rho) - rho_error;
  if (!(least > 0)) {
    out.errors.setConstant(std::numeric_limits<double>::infinity());
    return out;
  }
  const Column term = shift / rho;
  const Column term_errors = shift_errors / least + term.cwiseAbs() * (rho_error / least);
  out.errors = (out.errors + term_errors + 4 * kUnit * (out.values.cwiseAbs() + term.cwiseAbs()))
                   .unaryExpr(&at_most);
  out.values += term;
  return out;
}

BoundedLogits bounded_logits(const Question& question, const Matrix& router, const Column& x,
                             double distance) {
  return question.attention ? bounded_logits(router, *question.attention, x, distance)
                            : bounded_logits(router, x, distance);
}

}  // namespace rg::certificates
