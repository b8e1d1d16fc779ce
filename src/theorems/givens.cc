#include "theorems/givens.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace rg::theorems {
namespace {

constexpr double kQuarter = std::numbers::pi / 2;

struct Break {
  double angle;  // where the point crosses an axis, in [0, pi/2)
  double size;   // weight times distance from the origin
};

std::vector<Break> breaks_of(VectorView x, VectorView y, VectorView weights) {
  std::vector<Break> out;
  for (Eigen::Index n = 0; n < x.size(); ++n) {
    double angle = std::fmod(-std::atan2(y[n], x[n]), kQuarter);
    if (angle < 0) angle += kQuarter;
    out.push_back({.angle = angle, .size = weights[n] * std::hypot(x[n], y[n])});
  }
  std::sort(out.begin(), out.end(), [](Break a, Break b) { return a.angle < b.angle; });
  return out;
}

}  // namespace

double plane_gain(VectorView x, VectorView y, VectorView weights, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  return weights.dot((c * x - s * y).cwiseAbs() + (s * x + c * y).cwiseAbs());
}

PlaneTurn best_plane_turn(VectorView x, VectorView y, VectorView weights) {
  const std::vector<Break> breaks = breaks_of(x, y, weights);
  double a = 0, b = 0;  // the piece from 0 to the first break: no point has crossed yet
  for (const Break& k : breaks) {
    a += k.size * (std::cos(k.angle) + std::sin(k.angle));
    b += k.size * (std::sin(k.angle) - std::cos(k.angle));
  }
  double best_angle = 0, best = a, low = 0;
  const auto offer = [&](double high) {
    const double top = std::clamp(std::atan2(b, a), low, high);
    const double gain = a * std::cos(top) + b * std::sin(top);
    if (gain > best) best = gain, best_angle = top;
  };
  for (const Break& k : breaks) {
    offer(k.angle);
    a -= 2 * k.size * std::sin(k.angle);
    b += 2 * k.size * std::cos(k.angle);
    low = k.angle;
  }
  offer(kQuarter);
  return {.angle = best_angle, .gain = plane_gain(x, y, weights, best_angle)};
}

}  // namespace rg::theorems
