// The predictors of one layer's routes, from nothing to the router's own input, with what they find
// on the test documents, by unit.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/key_only_rows.h"
#include "readout/routes.h"

namespace rg::experiments {

inline constexpr size_t kRouterBudgets = 3;  // k, 2k, 4k experts
inline constexpr uint32_t kCeilingDraws = 64;
inline constexpr const char* kRouterFeatures[] = {"previous",    "keys",     "signs",
                                                  "keys_values", "residual", "gate_input"};
inline constexpr const char* kRouterModels[] = {"closed_form", "ridge", "mlp"};

struct RouterFit {
  uint32_t mlp_hidden, mlp_epochs;  // hidden a multiple of 64; 0: no MLP
  uint64_t seed;
  int layer, threads;
};

// Integers are exact; shares of rows are at most the rows they are of.
struct RouterPredictor {
  std::string features, model;
  std::string refused;  // why there is none; empty: there is one
  uint32_t width = 0;   // features
  uint64_t choosing_common = 0;
  std::vector<uint64_t> common, exact, top1;  // (units)
  std::array<std::vector<uint64_t>, kRouterBudgets> hits;
  std::vector<double> mass, error;  // (units)
  std::array<uint64_t, 10> margin_common = {};
  // Of ridge: the lambda and every lambda's error, NaN where there is no solution.
  std::optional<double> lambda;
  std::vector<std::pair<double, double>> grid;
  // Of the MLP: loss on the documents that choose, by epoch; the best one's index.
  std::vector<double> path;
  uint32_t best_epoch = 0;
};

struct RouterCeiling {
  std::vector<double> lower, upper;  // (units), sums over rows
};

struct RouterPredictors {
  std::vector<RouterPredictor> all;                  // in the order of docs/artifacts.md, 20.1
  std::vector<double> energy;                        // (units)
  std::vector<uint64_t> fitted_chosen, test_chosen;  // (E)
  std::array<uint64_t, 10> margin_rows = {};
  bool negative_weights = false;  // then shares of the weights mean nothing
  std::optional<RouterCeiling> ceiling;
};

// Whether all numbers that the predictors read are finite and small enough for products in fp32.
bool router_rows_are_sound(const RouterRows& rows);
RouterPredictors router_predictors(const readout::Gate& gate, const readout::Routes& routes,
                                   const RouterSplit& split, const RouterRows& rows,
                                   const RouterFit& fit);

}  // namespace rg::experiments
