#include "logs/agreement/noise.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::logs {
namespace {

constexpr double kNoSigma = std::numeric_limits<double>::infinity();
constexpr double kImpossible = -std::numeric_limits<double>::infinity();
constexpr int kOctaves = 14, kStepsPerOctave = 8;      // of the grid of sigma, below the largest
constexpr double kHalfChiSquare = 1.9207294103470622;  // 0.95 quantile, one degree, halved

// Draw s of a decision: E normal values. Purpose 6, i = position + 2^20 s, j = sequence.
void draw_noise(uint64_t seed, uint32_t sequence, uint32_t position, uint32_t draw, int layer,
                std::span<float> out) {
  for (uint32_t e = 0; e < out.size(); ++e) {
    const uint32_t word = draw_word(seed, Purpose::audit,
                                    {.i = (position & 0xfffffu) + (draw << 20),
                                     .j = sequence,
                                     .layer = static_cast<uint32_t>(layer) + (e << 16)},
                                    0);
    out[e] = static_cast<float>(stats::normal_quantile((word + 0.5) * 0x1p-32));
  }
}

bool monotone_in_logits(const gate::GateSpec& spec) {
  return !spec.selection_bias && spec.groups == 1u;
}

double critical_of_pairs(std::span<const float> logits, std::span<const int32_t> set,
                         std::span<const float> draw) {
  double smallest = kNoSigma;
  for (uint32_t j = 0; j < logits.size(); ++j) {
    if (std::find(set.begin(), set.end(), static_cast<int32_t>(j)) != set.end()) continue;
    for (const int32_t inside : set) {
      const auto i = static_cast<size_t>(inside);
      if (!(draw[j] > draw[i])) continue;
      smallest = std::min(smallest, (static_cast<double>(logits[i]) - logits[j]) /
                                        (static_cast<double>(draw[j]) - draw[i]));
    }
  }
  return smallest;
}

bool changes_set(const LayerGate& gate, std::span<const float> logits, std::span<const int32_t> set,
                 std::span<const float> draw, double sigma) {
  std::vector<float> noisy(logits.size());
  for (size_t e = 0; e < noisy.size(); ++e) {
    noisy[e] = static_cast<float>(logits[e] + sigma * static_cast<double>(draw[e]));
  }
  std::vector<int32_t> chosen(set.size());
  gate::select(gate.spec, noisy, gate.selection_bias, chosen);
  return gate::overlap(chosen, set) != set.size();
}

double critical_by_bisection(const LayerGate& gate, std::span<const float> logits,
                             std::span<const int32_t> set, std::span<const float> draw,
                             double largest) {
  if (!changes_set(gate, logits, set, draw, largest)) return kNoSigma;
  double low = std::ldexp(largest, -kOctaves), high = largest;
  if (changes_set(gate, logits, set, draw, low)) return low;
  for (int step = 0; step < 12; ++step) {  // to 0.25 %
    const double middle = std::sqrt(low * high);
    (changes_set(gate, logits, set, draw, middle) ? high : low) = middle;
  }
  return high;
}

// The decisions of a layer that can be fitted: logits finite, the set the gate's own.
struct FittedDecisions {
  std::vector<size_t> pairs;
  std::vector<uint32_t> sequence;         // of each
  std::vector<std::vector<int32_t>> set;  // of each
  uint64_t other_choice = 0;
  double variance = 0;  // mean over rows, of the logits of a row
};

double row_variance(std::span<const float> logits) {
  double sum = 0, square = 0;
  for (const float z : logits) sum += static_cast<double>(z);
  const double mean = sum / static_cast<double>(logits.size());
  for (const float z : logits) square += (z - mean) * (z - mean);
  return square / static_cast<double>(logits.size());
}

FittedDecisions fitted_decisions(const Side& reference, const LayerLog& log, const LayerGate& gate,
                                 std::span<const uint32_t> rows, const LayerComparison& comparison,
                                 const Pairs& pairs) {
  FittedDecisions fitted;
  std::vector<size_t> usable;
  std::vector<uint32_t> sequence_of(pairs.count());
  for (uint32_t s = 0; s < pairs.sequences(); ++s) {
    for (uint32_t p = pairs.first[s]; p < pairs.first[s + 1]; ++p) {
      sequence_of[p] = s;
      if (comparison.recorded[p]) usable.push_back(p);
    }
  }
  const size_t count = std::min(usable.size(), kMostFitted), experts = gate.spec.experts;
  double variance = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t p = usable[i * usable.size() / count];
    const std::span<const float> logits{log.logits.data() + rows[p] * experts, experts};
    const bool finite =
        std::all_of(logits.begin(), logits.end(), [](float z) { return std::isfinite(z); });
    if (!finite) continue;
    std::vector<int32_t> set(gate.spec.top_k);
    gate::select(gate.spec, logits, gate.selection_bias, set);
    if (common_experts(set, reference.record.ids(log, rows[p])) != set.size()) {
      ++fitted.other_choice;
      continue;
    }
    variance += row_variance(logits);
    fitted.pairs.push_back(p);
    fitted.sequence.push_back(sequence_of[p]);
    fitted.set.push_back(std::move(set));
  }
  if (!fitted.pairs.empty()) fitted.variance = variance / static_cast<double>(fitted.pairs.size());
  return fitted;
}

// --- likelihood ---

// Good 1953: P(c = 1) = S E[q (1-q)^(S-1)] and P(c = 0) = E[(1-q)^S], so E[q | c = 0] is about
// N_1 / (S N_0); likewise at the other end.
void set_ends(FlipCounts& counts) {
  constexpr double kDraws = kNoiseDraws;
  const auto all = [&](uint32_t c) {
    return static_cast<double>(counts.flipped[c]) + counts.kept[c];
  };
  const auto beyond = [&](uint32_t end, uint32_t next) {
    return all(end) > 0 ? std::min(all(next) / (kDraws * all(end)), 1 / kDraws) : 0;
  };
  counts.chance_of_none = beyond(0, 1);
  counts.chance_of_all = 1 - beyond(kNoiseDraws, kNoiseDraws - 1);
}

// Logarithms of P(flip) = eps + (1 - eps) q and of 1 - P(flip).
struct LogChances {
  double flipped, kept;
  LogChances(double eps, double q) {
    const double flip = eps + (1 - eps) * q, keep = (1 - eps) * (1 - q);
    flipped = flip > 0 ? stats::pinned_log(flip) : kImpossible;
    kept = keep > 0 ? stats::pinned_log(keep) : kImpossible;
  }
  double of(uint32_t flips, uint32_t keeps) const {
    return (flips > 0 ? flips * flipped : 0) + (keeps > 0 ? keeps * kept : 0);
  }
};

// For one eps: at c of 64 draws for 0 < c < 64, which are the same for all sigmas and layers.
class Chances {
 public:
  explicit Chances(double eps) : eps_(eps) {
    inner_.reserve(kNoiseDraws - 1);
    for (uint32_t c = 1; c < kNoiseDraws; ++c) {
      inner_.emplace_back(eps, static_cast<double>(c) / kNoiseDraws);
    }
  }
  double log_likelihood(const FlipCounts& counts) const {
    const LogChances none(eps_, counts.chance_of_none), all(eps_, counts.chance_of_all);
    double sum = none.of(counts.flipped[0], counts.kept[0]) +
                 all.of(counts.flipped[kNoiseDraws], counts.kept[kNoiseDraws]);
    for (uint32_t c = 1; c < kNoiseDraws; ++c) {
      sum += inner_[c - 1].of(counts.flipped[c], counts.kept[c]);
    }
    return sum;
  }

 private:
  double eps_;
  std::vector<LogChances> inner_;
};

struct BestSigma {
  double value;  // log-likelihood
  size_t at;     // in the grid
};
BestSigma best_sigma(const LayerNoise& layer, const Chances& chances) {
  BestSigma best{.value = kImpossible, .at = 0};
  for (size_t at = 0; at < layer.counts.size(); ++at) {
    const double value = chances.log_likelihood(layer.counts[at]);
    if (value > best.value) best = {.value = value, .at = at};
  }
  return best;
}

// sum over layers of the largest over sigma.
double profile(std::span<const LayerNoise* const> layers, double eps) {
  const Chances chances(eps);
  double sum = 0;
  for (const LayerNoise* layer : layers) sum += best_sigma(*layer, chances).value;
  return sum;
}

// 0, then 1e-7 to 1 in equal steps of the logarithm.
std::vector<double> eps_grid() {
  constexpr int kPoints = 280;
  std::vector<double> grid = {0};
  for (int i = 0; i <= kPoints; ++i) grid.push_back(std::pow(10.0, -7.0 + 7.0 * i / kPoints));
  grid.back() = 1;
  return grid;
}

// The largest value of f between low and high, where it has one peak.
double golden_section(double low, double high, const std::function<double(double)>& f) {
  constexpr double kGolden = 0.6180339887498949;
  double left = high - kGolden * (high - low), right = low + kGolden * (high - low);
  double at_left = f(left), at_right = f(right);
  for (int step = 0; step < 40; ++step) {
    if (at_left < at_right) {
      low = left;
      left = right;
      at_left = at_right;
      right = low + kGolden * (high - low);
      at_right = f(right);
    } else {
      high = right;
      right = left;
      at_right = at_left;
      left = high - kGolden * (high - low);
      at_left = f(left);
    }
  }
  return (low + high) / 2;
}

// Where f, above `level` at `inside`, falls below it towards `outside`.
double crossing(double inside, double outside, double level,
                const std::function<double(double)>& f) {
  for (int step = 0; step < 50; ++step) {
    const double middle = (inside + outside) / 2;
    (f(middle) >= level ? inside : outside) = middle;
  }
  return outside;
}

}  // namespace

std::string_view name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::numerical:
      return "NUMERICAL";
    case Verdict::bug:
      return "BUG";
    case Verdict::undecided:
      return "UNDECIDED";
  }
  return "?";
}

double critical_sigma(const LayerGate& gate, std::span<const float> logits,
                      std::span<const int32_t> set, std::span<const float> draw, double largest) {
  if (!monotone_in_logits(gate.spec)) {
    return critical_by_bisection(gate, logits, set, draw, largest);
  }
  const double sigma = critical_of_pairs(logits, set, draw);
  return sigma <= largest ? sigma : kNoSigma;
}

LayerNoise layer_noise(const Side& reference, std::span<const uint32_t> rows,
                       const LayerComparison& comparison, const Pairs& pairs, uint64_t seed,
                       int threads) {
  const LayerLog& log = *reference.record.find(comparison.layer);
  const LayerGate& gate = reference.gates.at(comparison.layer);
  const FittedDecisions fitted = fitted_decisions(reference, log, gate, rows, comparison, pairs);
  const size_t count = fitted.pairs.size(), experts = gate.spec.experts;
  LayerNoise noise{.layer = comparison.layer,
                   .scale = std::sqrt(fitted.variance),
                   .decisions = count,
                   .flips = 0,
                   .other_choice = fitted.other_choice,
                   .sigma = {},
                   .counts = {}};
  const double largest = kLargestNoise * noise.scale;
  std::vector<std::array<double, kNoiseDraws>> critical(count);  // each ascending
  parallel_for(count, threads, [&](size_t i, int) {
    const size_t p = fitted.pairs[i];
    std::vector<float> draw(experts);
    for (uint32_t s = 0; s < kNoiseDraws; ++s) {
      draw_noise(seed, fitted.sequence[i], static_cast<uint32_t>(pairs.position[p]), s,
                 comparison.layer, draw);
      critical[i][s] = critical_sigma(gate, {log.logits.data() + rows[p] * experts, experts},
                                      fitted.set[i], draw, largest);
    }
    std::sort(critical[i].begin(), critical[i].end());
  });
  noise.sigma.push_back(0);
  for (int step = -kOctaves * kStepsPerOctave; step <= 0; ++step) {
    noise.sigma.push_back(largest * std::exp2(static_cast<double>(step) / kStepsPerOctave));
  }
  noise.counts.resize(noise.sigma.size());
  for (size_t i = 0; i < count; ++i) {
    const bool flipped = comparison.same_set[fitted.pairs[i]] == 0;
    noise.flips += flipped ? 1u : 0u;
    for (size_t at = 0; at < noise.sigma.size(); ++at) {
      const auto changed = static_cast<size_t>(
          std::lower_bound(critical[i].begin(), critical[i].end(), noise.sigma[at]) -
          critical[i].begin());
      ++(flipped ? noise.counts[at].flipped : noise.counts[at].kept)[changed];
    }
  }
  for (FlipCounts& counts : noise.counts) set_ends(counts);
  return noise;
}

NoiseFit fit_noise(std::span<const LayerNoise* const> layers) {
  check_internal(!layers.empty(), "noise is fitted to some layer");
  const auto f = [&](double eps) { return profile(layers, eps); };
  const std::vector<double> grid = eps_grid();
  std::vector<double> values;
  for (const double eps : grid) values.push_back(f(eps));
  const auto at =
      static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  NoiseFit fit;
  fit.eps = grid[at];
  double best = values[at];
  const double between =
      golden_section(grid[at == 0 ? 0 : at - 1], grid[std::min(at + 1, grid.size() - 1)], f);
  if (f(between) > best) {
    fit.eps = between;
    best = f(between);
  }
  const double level = best - kHalfChiSquare;
  // The outermost eps of the grid that are within, and from there to where it ends.
  size_t low = at, high = at;
  for (size_t i = 0; i < grid.size(); ++i) {
    if (values[i] < level) continue;
    low = std::min(low, i);
    high = std::max(high, i);
  }
  fit.eps_interval[0] =
      low == 0 ? 0 : crossing(std::min(grid[low], fit.eps), grid[low - 1], level, f);
  fit.eps_interval[1] = high + 1 == grid.size()
                            ? 1
                            : crossing(std::max(grid[high], fit.eps), grid[high + 1], level, f);
  const Chances chances(fit.eps);
  for (const LayerNoise* layer : layers) {
    fit.decisions += layer->decisions;
    fit.flips += layer->flips;
    fit.sigma.push_back(layer->sigma[best_sigma(*layer, chances).at]);
  }
  if (fit.eps_interval[1] <= kFaultShare) fit.verdict = Verdict::numerical;
  if (fit.eps_interval[0] > kFaultShare) fit.verdict = Verdict::bug;
  return fit;
}

}  // namespace rg::logs
