#include "experiments/expert_similarity.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/parallel.h"
#include "base/random.h"
#include "kernels/elementwise.h"
#include "linear/decompositions.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kDrawn = 8;
constexpr double kUpcycled = 0.5, kFromScratch = 0.1, kEnergy = 0.95;
constexpr size_t kPanel = 128;  // columns of the Gram matrix' factor at a time
constexpr std::array<const char*, kProjections> kProjectionNames = {"gate", "up", "down"};

// Gram matrix of W - mean W on its smaller side, summed panel by panel in fp64.
linear::Matrix gram_of_difference(std::span<const float* const> matrices, size_t which, size_t rows,
                                  size_t columns) {
  const bool wide = rows <= columns;
  const size_t small = wide ? rows : columns, large = wide ? columns : rows;
  const auto number = static_cast<double>(matrices.size());
  const auto side = static_cast<Eigen::Index>(small);
  linear::Matrix gram = linear::Matrix::Zero(side, side);
  for (size_t first = 0; first < large; first += kPanel) {
    const size_t count = std::min(kPanel, large - first);
    linear::Matrix panel(side, static_cast<Eigen::Index>(count));
    for (size_t i = 0; i < small; ++i) {
      for (size_t j = 0; j < count; ++j) {
        const size_t at = wide ? i * columns + first + j : (first + j) * columns + i;
        double sum = 0;
        for (const float* matrix : matrices) sum += static_cast<double>(matrix[at]);
        panel(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
            static_cast<double>(matrices[which][at]) - sum / number;
      }
    }
    linear::add_gram(gram, panel);
  }
  return gram;
}

uint32_t rank_of_energy(const linear::Matrix& gram) {
  const linear::Column eigenvalues = linear::symmetric_eigenvalues(gram);
  std::vector<double> values(eigenvalues.data(), eigenvalues.data() + eigenvalues.size());
  std::sort(values.begin(), values.end(), std::greater<>());
  double total = 0;
  for (double& value : values) {
    value = std::max(value, 0.0);
    total += value;
  }
  if (!(total > 0)) return 0;
  uint32_t rank = 0;
  for (double reached = 0; rank < values.size() && reached < kEnergy; ++rank) {
    reached += values[rank] / total;
  }
  return rank;
}

// Finishes one projection after ranks and products <W_a, W_b>, a <= b, are known.
void summarise(const ProjectionMatrices& of, const std::vector<double>& products,
               ProjectionSimilarity& found) {
  const size_t n = of.of_expert.size();
  double ranks = 0;
  for (const uint32_t rank : found.rank95) ranks += rank;
  found.rank95_share =
      ranks / (static_cast<double>(n) * static_cast<double>(std::min(of.rows, of.columns)));
  found.cosine_min = 1;
  found.cosine_max = -1;
  double sum = 0, pairs = 0;
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = a + 1; b < n; ++b) {
      const double norms = std::sqrt(products[a * n + a]) * std::sqrt(products[b * n + b]);
      const double cosine = norms > 0 ? std::clamp(products[a * n + b] / norms, -1.0, 1.0) : 0.0;
      found.cosine_min = std::min(found.cosine_min, cosine);
      found.cosine_max = std::max(found.cosine_max, cosine);
      sum += cosine;
      pairs += 1;
    }
  }
  found.cosine_mean = sum / pairs;
}

std::vector<int> layers_of(const std::vector<int>& moe_layers) {
  std::vector<int> layers = {moe_layers.front(), moe_layers[moe_layers.size() / 2],
                             moe_layers.back()};
  layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
  return layers;
}

}  // namespace

struct ExpertSimilarity::Layer {
  size_t rows[kProjections] = {}, columns[kProjections] = {};
  std::array<std::vector<std::vector<float>>, kProjections> copies;  // by drawn expert
  std::vector<ProjectionSimilarity> found;                           // by projection
};

std::vector<ProjectionSimilarity> compare_matrices(std::span<const ProjectionMatrices> projections,
                                                   int threads) {
  const size_t n = projections.front().of_expert.size();
  std::vector<ProjectionSimilarity> found(projections.size());
  std::vector<std::vector<double>> products(projections.size(), std::vector<double>(n * n));
  for (ProjectionSimilarity& one : found) one.rank95.resize(n);
  parallel_for(projections.size() * n, threads, [&](size_t item, int) {
    const size_t p = item / n, a = item % n;
    const ProjectionMatrices& of = projections[p];
    found[p].rank95[a] = rank_of_energy(gram_of_difference(of.of_expert, a, of.rows, of.columns));
    for (size_t b = a; b < n; ++b) {
      products[p][a * n + b] = kernels::dot(of.of_expert[a], of.of_expert[b], of.rows * of.columns);
    }
  });
  for (size_t p = 0; p < projections.size(); ++p) summarise(projections[p], products[p], found[p]);
  return found;
}

const char* similarity_verdict(std::span<const double> cosine_means) {
  const auto all = [&](const auto& holds) {
    return std::all_of(cosine_means.begin(), cosine_means.end(), holds);
  };
  if (all([](double mean) { return mean >= kUpcycled; })) return "upcycled";
  if (all([](double mean) { return std::fabs(mean) <= kFromScratch; })) {
    return "trained from scratch";
  }
  return "unclear";
}

ExpertSimilarity::ExpertSimilarity(const std::vector<int>& moe_layers, uint32_t experts,
                                   uint64_t seed) {
  check_internal(experts >= 2, "two experts can be compared");
  for (const uint32_t expert :
       draw_subset(experts, std::min(experts, kDrawn), seed, Purpose::drawn_experts, 0, 0)) {
    experts_.push_back(static_cast<int32_t>(expert));
  }
  std::sort(experts_.begin(), experts_.end());
  for (const int layer : layers_of(moe_layers)) layers_[layer] = std::make_unique<Layer>();
}

ExpertSimilarity::~ExpertSimilarity() = default;

std::span<const int32_t> ExpertSimilarity::wanted(int layer) const {
  if (!layers_.contains(layer)) return {};
  return experts_;
}

void ExpertSimilarity::take(int layer, const tap::ExpertMatrices& matrices) {
  Layer& of = *layers_.at(layer);
  check_internal(
      of.copies[0].size() < experts_.size() && experts_[of.copies[0].size()] == matrices.expert,
      "the engine hands over the wanted experts in ascending order");
  const float* const given[kProjections] = {matrices.gate, matrices.up, matrices.down};
  for (size_t p = 0; p < kProjections; ++p) {
    const bool down = p == kProjections - 1;
    of.rows[p] = down ? matrices.width : matrices.inner_width;
    of.columns[p] = down ? matrices.inner_width : matrices.width;
    of.copies[p].emplace_back(given[p], given[p] + of.rows[p] * of.columns[p]);
  }
}

void ExpertSimilarity::end_layer(int layer, int threads) {
  const auto at = layers_.find(layer);
  if (at == layers_.end()) return;
  Layer& of = *at->second;
  std::vector<ProjectionMatrices> projections(kProjections);
  for (size_t p = 0; p < kProjections; ++p) {
    check_internal(of.copies[p].size() == experts_.size(), "every wanted expert was handed over");
    projections[p] = {{}, of.rows[p], of.columns[p]};
    for (const std::vector<float>& copy : of.copies[p]) {
      projections[p].of_expert.push_back(copy.data());
    }
  }
  of.found = compare_matrices(projections, threads);
  for (auto& copies : of.copies) copies = {};
}

uint64_t ExpertSimilarity::bytes(uint32_t width, uint32_t expert_width, int threads) const {
  const uint64_t side = std::min(width, expert_width);
  const uint64_t copies =
      experts_.size() * kProjections * width * expert_width * sizeof(float);  // of one layer
  // The solver copies the Gram matrix.
  return copies + static_cast<uint64_t>(threads) * side * (2 * side + kPanel) * sizeof(double);
}

Json ExpertSimilarity::json() const {
  Json layers = Json::array(), per_layer = Json::object();
  std::vector<double> means;
  for (const auto& [layer, of] : layers_) {
    layers.push_back(layer);
    Json& projections = per_layer[std::to_string(layer)] = Json::object();
    for (size_t p = 0; p < kProjections; ++p) {
      const ProjectionSimilarity& found = of->found[p];
      means.push_back(found.cosine_mean);
      projections[kProjectionNames[p]] = {{"rank95", found.rank95},
                                          {"rank95_share", found.rank95_share},
                                          {"cosine_mean", found.cosine_mean},
                                          {"cosine_min", found.cosine_min},
                                          {"cosine_max", found.cosine_max}};
    }
  }
  return {{"experts", experts_},
          {"layers", std::move(layers)},
          {"per_layer", std::move(per_layer)},
          {"thresholds", {{"upcycled", kUpcycled}, {"trained_from_scratch", kFromScratch}}},
          {"verdict", similarity_verdict(means)}};
}

}  // namespace rg::experiments
