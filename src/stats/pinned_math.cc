#include "stats/pinned_math.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace rg::stats {
namespace {

constexpr double kLn2High = 0x1.62e42fefa3800p-1, kLn2Low = 0x1.ef35793c76730p-45;
constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kInverseSqrtTwoPi = 0.39894228040143267794;

double polynomial(const std::array<double, 8>& ascending, double x) noexcept {
  double value = 0;
  for (size_t i = ascending.size(); i-- > 0;) value = value * x + ascending[i];
  return value;
}

// One end of AS 241: numerator and denominator polynomials of degree 7.
struct Rational {
  std::array<double, 8> above, below;
  double operator()(double x) const noexcept { return polynomial(above, x) / polynomial(below, x); }
};

constexpr Rational kCentre = {
    {3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
     1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
     3.3430575583588128105e+4, 2.5090809287301226727e+3},
    {1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
     2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
     5.2264952788528545610e+3}};
constexpr Rational kShoulder = {
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9}};
constexpr Rational kTail = {
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15}};

}  // namespace

double pinned_log(double x) noexcept {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < kSqrtHalf) {
    m *= 2;
    --exponent;
  }
  // log m = 2 artanh s, |s| <= 0.1716: eleven terms leave less than 1e-17.
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double series = 0;
  for (int odd = 23; odd >= 3; odd -= 2) series = (series + 1.0 / odd) * s2;
  return exponent * kLn2High + (2 * s + (2 * s * series + exponent * kLn2Low));
}

double pinned_exp(double x) noexcept {
  const double steps = std::nearbyint(x / (kLn2High + kLn2Low));
  const double r = (x - steps * kLn2High) - steps * kLn2Low;  // |r| <= 0.35
  double sum = 1;
  for (int i = 16; i >= 1; --i) sum = 1 + sum * r / i;
  return std::ldexp(sum, static_cast<int>(steps));
}

double x_log_x(double x) noexcept { return x > 0 ? x * pinned_log(x) : 0.0; }

double normal_cdf(double x) noexcept {
  if (x > 8.5) return 1;
  if (x < -8.5) return 0;
  // 1/2 + density(x) * (x + x^3/3 + x^5/15 + ...): all terms of one sign (Marsaglia 2004).
  double sum = x, term = x, before = 0;
  for (int odd = 3; sum != before; odd += 2) {
    before = sum;
    term = term * x * x / odd;
    sum += term;
  }
  const double p = 0.5 + sum * kInverseSqrtTwoPi * pinned_exp(-0.5 * x * x);
  return p < 0 ? 0 : p > 1 ? 1 : p;
}

double normal_quantile(double p) noexcept {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) return q * kCentre(0.180625 - q * q);
  const double r = std::sqrt(-pinned_log(q < 0 ? p : 1 - p));
  const double x = r <= 5 ? kShoulder(r - 1.6) : kTail(r - 5);
  return q < 0 ? -x : x;
}

}  // namespace rg::stats
