#include "keys/givens.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "keys/block_sums.h"
#include "keys/polar.h"

namespace rg::keys {
namespace {

constexpr size_t kBins = 512;
// A little less than kBins: times a share of at most 1 it rounds down to a bin. The ends of bins
// are those of this division.
constexpr float kLastBin = 511.999f;

// Bins divide sine / (sine + cosine), which grows with the angle, into equal parts.
struct Ends {
  std::array<double, kBins + 1> angle, cosine, sine;
};
const Ends& ends_of_bins() {
  static const Ends ends = [] {
    Ends out;
    for (size_t b = 0; b <= kBins; ++b) {
      const double share = std::min(1.0, static_cast<double>(b) / double{kLastBin});
      out.angle[b] = std::atan2(share, 1 - share);
      out.cosine[b] = std::cos(out.angle[b]);
      out.sine[b] = std::sin(out.angle[b]);
    }
    return out;
  }();
  return ends;
}

// Where points lie on an axis after a turn by an angle: its cosine and sine, both times the point's
// length, and its bin. Up to kLanes points.
struct Crossings {
  float cosine[kLanes], sine[kLanes];
  int32_t bin[kLanes];

  // A point on an axis crosses at 0 and at pi/2, which is the same: which of the two it is given
  // doesn't matter, nor does the sign of a zero.
  void find(const float* x, const float* y) {
    constexpr uint32_t kSize = 0x7fffffffu;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const uint32_t along = std::bit_cast<uint32_t>(x[lane]),
                     across = std::bit_cast<uint32_t>(y[lane]);
      const uint32_t differ = 0u - ((along ^ across) >> 31);  // all bits if the signs differ
      const uint32_t change = (along ^ across) & kSize & differ;
      cosine[lane] = std::bit_cast<float>((across & kSize) ^ change);
      sine[lane] = std::bit_cast<float>((along & kSize) ^ change);
      const float share = sine[lane] / (sine[lane] + cosine[lane] + 1e-30f);
      bin[lane] = static_cast<int32_t>(share * kLastBin);  // share is at most 1
    }
  }
};

// Calls use(cosine, sine, bin) for every point, in order.
template <typename Use>
void for_each_crossing(std::span<const float> x, std::span<const float> y, const Use& use) {
  Crossings found;
  size_t n = 0;
  for (; n + kLanes <= x.size(); n += kLanes) {
    found.find(x.data() + n, y.data() + n);
    for (size_t lane = 0; lane < kLanes; ++lane) {
      use(found.cosine[lane], found.sine[lane], static_cast<size_t>(found.bin[lane]));
    }
  }
  if (n == x.size()) return;
  float rest_x[kLanes] = {}, rest_y[kLanes] = {};
  std::copy(x.begin() + static_cast<ptrdiff_t>(n), x.end(), rest_x);
  std::copy(y.begin() + static_cast<ptrdiff_t>(n), y.end(), rest_y);
  found.find(rest_x, rest_y);
  for (size_t lane = 0; n < x.size(); ++n, ++lane) {
    use(found.cosine[lane], found.sine[lane], static_cast<size_t>(found.bin[lane]));
  }
}

struct Exact {
  double angle;
  double cosine, sine;
};

// f as a cos(t) + b sin(t) from the start of every bin on, and its value there.
struct Profile {
  std::array<double, kBins + 1> a, b, value;
  std::array<double, kBins> sizes;  // at least the sum of lengths in the bin
};

Profile profile_of(std::span<const float> x, std::span<const float> y) {
  std::array<double, kBins> cosines{}, sines{};
  for_each_crossing(x, y, [&](float cosine, float sine, size_t bin) {
    cosines[bin] += static_cast<double>(cosine);
    sines[bin] += static_cast<double>(sine);
  });
  Profile out;
  double a = 0, b = 0;
  for (size_t bin = 0; bin < kBins; ++bin) {
    a += cosines[bin] + sines[bin];
    b += sines[bin] - cosines[bin];
    out.sizes[bin] = cosines[bin] + sines[bin];
  }
  const Ends& ends = ends_of_bins();
  for (size_t bin = 0; bin <= kBins; ++bin) {
    out.a[bin] = a;
    out.b[bin] = b;
    out.value[bin] = a * ends.cosine[bin] + b * ends.sine[bin];
    if (bin == kBins) break;
    a -= 2 * sines[bin];  // every crossing in the bin changes one sign
    b += 2 * cosines[bin];
  }
  return out;
}

// What f can't exceed within a bin: the sinusoid that enters it, which is concave and so below its
// tangent, plus what crossings can add. Beyond the error of a float in a bin's ends.
double bound_in(const Profile& profile, size_t bin) {
  const Ends& ends = ends_of_bins();
  const double slope = profile.b[bin] * ends.cosine[bin] - profile.a[bin] * ends.sine[bin];
  const double width = ends.angle[bin + 1] - ends.angle[bin] + 1e-6;
  return profile.value[bin] + (std::max(0.0, slope) + 2 * profile.sizes[bin]) * width;
}

// The best angle from the start of the bin on, over the bin's crossings in order.
void look_into(const Profile& profile, size_t bin, std::vector<Exact>& crossings, double& best,
               double& angle) {
  std::sort(crossings.begin(), crossings.end(), [](const Exact& left, const Exact& right) {
    return left.angle != right.angle ? left.angle < right.angle : left.sine < right.sine;
  });
  double a = profile.a[bin], b = profile.b[bin], low = ends_of_bins().angle[bin];
  const auto offer = [&](double high) {
    const double top = std::clamp(std::atan2(b, a), low, std::max(low, high));
    const double gain = a * std::cos(top) + b * std::sin(top);
    if (gain > best) best = gain, angle = top;
  };
  for (const Exact& c : crossings) {
    offer(c.angle);
    a -= 2 * c.sine;
    b += 2 * c.cosine;
    low = std::max(low, c.angle);
  }
  offer(ends_of_bins().angle[bin + 1]);
}

// Turns rows i and j of the keys' coordinates (d, n), and of the rotation.
void turn_rows(std::span<float> x, std::span<float> y, double angle, linear::Matrix& rotation,
               Eigen::Index i, Eigen::Index j) {
  const double c = std::cos(angle), s = std::sin(angle);
  const auto fc = static_cast<float>(c), fs = static_cast<float>(s);
  for (size_t n = 0; n < x.size(); n += kLanes) {  // whole blocks of keys
    float* const along = x.data() + n;
    float* const across = y.data() + n;
    float new_along[kLanes], new_across[kLanes];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      new_along[lane] = fc * along[lane] - fs * across[lane];
      new_across[lane] = fs * along[lane] + fc * across[lane];
    }
    std::copy(new_along, new_along + kLanes, along);
    std::copy(new_across, new_across + kLanes, across);
  }
  const linear::Matrix before = rotation.row(i);
  rotation.row(i) = c * before - s * rotation.row(j);
  rotation.row(j) = s * before + c * rotation.row(j);
}

// Weighted coordinates (d, columns) of all blocks under the rotation.
std::vector<float> weighted_coordinates(const ItqKeys& keys, const linear::Matrix& rotation,
                                        Metric metric) {
  const PackedKeys& packed = keys.keys();
  const uint32_t d = packed.width(), columns = packed.block_rows();
  const size_t all = size_t{columns} * packed.blocks();
  const std::span<const float> weights = keys.weights(metric);
  const std::vector<float> matrix = row_major(rotation);
  std::vector<float> turned(size_t{d} * columns), out(d * all);
  for (uint32_t block = 0; block < packed.blocks(); ++block) {
    packed.turn(block, matrix, turned);
    const uint32_t first = packed.first_row(block);
    for (uint32_t i = 0; i < d; ++i) {
      for (uint32_t n = 0; n < columns; ++n) {
        out[i * all + first + n] = turned[size_t{i} * columns + n] * weights[first + n];
      }
    }
  }
  return out;
}

}  // namespace

double plane_gain(std::span<const float> x, std::span<const float> y, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  double sum = 0;
  for (size_t n = 0; n < x.size(); ++n) {
    const double along = double{x[n]}, across = double{y[n]};
    sum += std::abs(c * along - s * across) + std::abs(s * along + c * across);
  }
  return sum;
}

PlaneTurn best_plane_turn(std::span<const float> x, std::span<const float> y) {
  const Profile profile = profile_of(x, y);
  PlaneTurn out{.angle = 0, .gain = profile.value[0], .start = profile.value[0]};
  for (size_t bin = 1; bin <= kBins; ++bin) {
    if (profile.value[bin] > out.gain) {
      out.gain = profile.value[bin];
      out.angle = ends_of_bins().angle[bin];
    }
  }
  // -1: not looked into; otherwise the place of the bin among those that are.
  std::array<int, kBins> place;
  int candidates = 0;
  for (size_t bin = 0; bin < kBins; ++bin) {
    place[bin] = bound_in(profile, bin) > out.gain ? candidates++ : -1;
  }
  std::vector<std::vector<Exact>> crossings(static_cast<size_t>(candidates));
  if (candidates == 0) return out;
  for_each_crossing(x, y, [&](float cosine, float sine, size_t bin) {
    if (place[bin] < 0) return;
    const auto c = static_cast<double>(cosine), s = static_cast<double>(sine);
    crossings[static_cast<size_t>(place[bin])].push_back(
        {.angle = std::atan2(s, c), .cosine = c, .sine = s});
  });
  for (size_t bin = 0; bin < kBins; ++bin) {
    if (place[bin] < 0) continue;
    look_into(profile, bin, crossings[static_cast<size_t>(place[bin])], out.gain, out.angle);
  }
  return out;
}

Search givens_sweeps(const ItqKeys& keys, const linear::Matrix& start, Metric metric,
                     uint32_t most_sweeps, double tolerance) {
  const uint32_t d = keys.keys().width();
  std::vector<float> coordinates = weighted_coordinates(keys, start, metric);
  const size_t columns = coordinates.size() / d;
  const auto row = [&](uint32_t i) { return std::span(coordinates).subspan(i * columns, columns); };
  const double size = static_cast<double>(d);
  const auto value = [&] {
    const double sum = sum_of_sizes(coordinates);
    return metric == Metric::mean_cosine ? sum / (keys.nonzero_keys() * std::sqrt(size))
                                         : sum * sum / (keys.nonzero_keys() * size * keys.energy());
  };
  Search out{.gauge = start, .values = {value()}, .stop = Stop::most_steps};
  for (uint32_t sweep = 0; sweep < most_sweeps; ++sweep) {
    for (uint32_t i = 0; i < d; ++i) {
      for (uint32_t j = i + 1; j < d; ++j) {
        const PlaneTurn turn = best_plane_turn(row(i), row(j));
        if (turn.gain > turn.start) turn_rows(row(i), row(j), turn.angle, out.gauge, i, j);
      }
    }
    out.values.push_back(value());
    if (out.values.back() < out.values[sweep] * (1 + tolerance)) {
      out.stop = Stop::settled;
      break;
    }
  }
  out.gauge = orthonormal(out.gauge);
  return out;
}

}  // namespace rg::keys
