// RG on real gate inputs, logits and expert outputs: margins, distances to a change of route, and
// what a change costs. A token is compared with the one before it.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "slack/walk.h"
#include "theorems/extremes.h"
#include "theorems/mixture.h"
#include "theorems/routing_geometry.h"

namespace rg::slack {
namespace {

Eigen::Index chosen_experts(const GateSample& sample) {
  return static_cast<Eigen::Index>(sample.layer->gate.top_k);
}

// body(token, row) for every token at a query position.
template <typename Body>
void for_each_token(const GateSample& sample, const Body& body) {
  const Contexts& contexts = sample.layer->contexts;
  for (uint32_t token = 0; token < contexts.tokens(); ++token) body(token, contexts.row_of(token));
}

void rg_2(const GateSample& sample, Row& row) {
  theorems::Findings findings;
  theorems::popularity_null(sample.routes, sample.logits.cols(), findings);
  const theorems::Finding &overlap = findings.list()[0], &balance = findings.list()[1];
  row.see(0, {.value = balance.bound, .bound = balance.value, .allowance = kRounding}, {});
  row.see(1, case_of(overlap, kRounding), {});
}

void rg_5(const GateSample& sample, Row& row) {
  const Eigen::Index k = chosen_experts(sample);
  for_each_token(sample, [&](uint32_t, uint32_t at) {
    const Vector logits = sample.logits.row(at).transpose();
    const Vector before = sample.logits.row(at - 1).transpose();
    const theorems::Set set = theorems::top_k(logits, k);
    if (theorems::top_k(before, k) == set) return row.skip(0);
    row.see(0,
            {.value = theorems::set_margin(logits, set) / 2,
             .bound = theorems::largest_size(before - logits),
             .allowance = 0},
            {at});
  });
}

// How far along a direction the first change of the set is; infinite if there is none.
double distance_along(const Vector& logits, const Vector& slopes, const theorems::Set& set) {
  double nearest = std::numeric_limits<double>::infinity();
  for (const Eigen::Index i : set) {
    for (const Eigen::Index j : theorems::complement(set, logits.size())) {
      const double speed = slopes[j] - slopes[i];
      if (speed > 0) nearest = std::min(nearest, (logits[i] - logits[j]) / speed);
    }
  }
  return nearest;
}

void rg_6(const GateSample& sample, Row& row) {
  const Eigen::Index k = chosen_experts(sample);
  theorems::Draws draws = draws_of(*sample.layer, "RG-6", 0);
  for_each_token(sample, [&](uint32_t token, uint32_t at) {
    const Vector input = sample.inputs.row(token).transpose(), logits = sample.router * input;
    const Vector before = sample.inputs_before.row(token).transpose();
    const theorems::Set set = theorems::top_k(logits, k);
    const double radius = theorems::gate_radius(sample.router, logits, k).length;
    const Vector direction = draws.normal_vector(input.size()).normalized();
    const auto see = [&](size_t quantity, double distance) {
      if (!std::isfinite(radius) || !std::isfinite(distance)) return row.skip(quantity);
      row.see(quantity,
              {.value = radius, .bound = distance, .allowance = kRounding * (1 + distance)}, {at});
    };
    const bool moved = theorems::top_k(sample.router * before, k) != set;
    see(0, moved ? (before - input).norm() : std::numeric_limits<double>::infinity());
    see(1, distance_along(logits, sample.router * direction, set));
  });
}

// The way to the token before, shortened to a quarter of the gap between the best expert and the
// first one that isn't chosen: of longer ones the theorem says nothing.
void rg_7(const GateSample& sample, Row& row) {
  const Eigen::Index k = chosen_experts(sample);
  for_each_token(sample, [&](uint32_t, uint32_t at) {
    const Tensor logits = sample.logits.row(at);
    const Vector scores = logits.row(0).transpose();
    const theorems::Set set = theorems::top_k(scores, k);
    const Tensor way = sample.logits.row(at - 1) - logits;
    const double length = theorems::largest_size(way);
    double next = -std::numeric_limits<double>::infinity();
    for (const Eigen::Index j : theorems::complement(set, scores.size())) {
      next = std::max(next, scores[j]);
    }
    const double gap = scores.maxCoeff() - next;
    const Tensor other =
        length > 0 ? Tensor(logits + way * std::min(1.0, gap / (4 * length))) : logits;
    theorems::Findings findings;
    theorems::overlap_bound(logits, {set}, other, {theorems::top_k(other.row(0).transpose(), k)},
                            findings);
    row.see(0, case_of(findings.list().front(), 0), {at});
  });
}

void rg_9(const GateSample& sample, Row& row) {
  for_each_token(sample, [&](uint32_t token, uint32_t at) {
    const Eigen::Index i = sample.last[token], j = sample.next[token];
    const Vector logits = sample.logits.row(at).transpose();
    if (j < 0 || logits[i] < logits[j]) return row.skip(0);
    Tensor outputs = Tensor::Zero(logits.size(), sample.last_output.cols());
    outputs.row(i) = sample.last_output.row(token);
    outputs.row(j) = sample.next_output.row(token);
    theorems::Findings findings;
    theorems::swap_cost(logits, outputs, i, j, findings);
    const theorems::Finding& found = findings.list()[1];
    row.see(0, case_of(found, kRounding * found.bound), {at});
  });
}

void rg_10(const GateSample& sample, Row& row) {
  for_each_token(sample, [&](uint32_t token, uint32_t at) {
    const Vector a = sample.last_output.row(token).transpose();
    const Vector b = sample.next_output.row(token).transpose();
    const double size = a.norm() + b.norm();
    if (sample.next[token] < 0 || size == 0) return row.skip(0);
    row.see(0, {.value = (a - b).norm() / size, .bound = 1, .allowance = kRounding}, {at});
  });
}

Vector centred_logits(const Vector& logits) { return logits.array() - logits.mean(); }

void rg_11(const GateSample& sample, Row& row) {
  const Vector mean = sample.inputs.colwise().mean().transpose();
  const Vector common = centred_logits(sample.router * mean);
  for_each_token(sample, [&](uint32_t token, uint32_t at) {
    const Vector input = sample.inputs.row(token).transpose();
    const Vector logits = centred_logits(sample.router * input);
    const Vector own = centred_logits(sample.router * (input - mean));
    const double square = logits.squaredNorm();
    if (square == 0) return row.skip(0);
    const double first = logits.dot(common) / square, second = logits.dot(own) / square;
    row.see(0,
            {.value = first + second,
             .bound = 1,
             .allowance = kRounding * (1 + std::abs(first) + std::abs(second))},
            {at});
  });
}

std::optional<std::string> needs_gate(const LayerFacts& layer) {
  if (layer.gate.finite) return std::nullopt;
  return "gate inputs or logits that are not finite";
}

std::optional<std::string> needs_another_expert(const LayerFacts& layer) {
  if (auto reason = needs_gate(layer)) return reason;
  if (layer.gate.top_k == layer.gate.experts) return "every expert is chosen";
  return std::nullopt;
}

std::optional<std::string> needs_largest_logits(const LayerFacts& layer) {
  if (auto reason = needs_another_expert(layer)) return reason;
  if (!layer.gate.plain) return "the gate doesn't choose the largest logits";
  return std::nullopt;
}

std::optional<std::string> needs_linear_logits(const LayerFacts& layer) {
  if (auto reason = needs_largest_logits(layer)) return reason;
  if (layer.gate.logit_bias) return "a pass doesn't show the gate's logit bias";
  return std::nullopt;
}

std::optional<std::string> needs_full_softmax(const LayerFacts& layer) {
  if (auto reason = needs_largest_logits(layer)) return reason;
  if (!layer.gate.full_softmax) return "weights are no softmax over all experts";
  return std::nullopt;
}

constexpr Quantity kRg2[] = {{"balance", Relation::at_most, Unit::layer},
                             {"overlap", Relation::equal, Unit::layer}};
constexpr Quantity kRg5[] = {{"margin", Relation::at_most, Unit::token}};
constexpr Quantity kRg6[] = {{"token", Relation::at_most, Unit::token},
                             {"direction", Relation::at_most, Unit::token}};
constexpr Quantity kRg7[] = {{"kept", Relation::at_most, Unit::token}};
constexpr Quantity kRg9[] = {{"swap", Relation::at_most, Unit::token}};
constexpr Quantity kRg10[] = {{"index", Relation::at_most, Unit::token}};
constexpr Quantity kRg11[] = {{"shares", Relation::equal, Unit::token}};

}  // namespace

std::span<const TheoremCheck> routing_slack() {
  static constexpr std::array kChecks{
      TheoremCheck{"RG-2", kRg2, needs_gate, nullptr, rg_2, nullptr},
      TheoremCheck{"RG-5", kRg5, needs_largest_logits, nullptr, rg_5, nullptr},
      TheoremCheck{"RG-6", kRg6, needs_linear_logits, nullptr, rg_6, nullptr},
      TheoremCheck{"RG-7", kRg7, needs_largest_logits, nullptr, rg_7, nullptr},
      TheoremCheck{"RG-9", kRg9, needs_full_softmax, nullptr, rg_9, nullptr},
      TheoremCheck{"RG-10", kRg10, needs_another_expert, nullptr, rg_10, nullptr},
      TheoremCheck{"RG-11", kRg11, needs_linear_logits, nullptr, rg_11, nullptr}};
  return kChecks;
}

}  // namespace rg::slack
