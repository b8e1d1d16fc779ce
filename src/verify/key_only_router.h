// The arrays of key_only_router (docs/artifacts.md 20), read and checked against each other.
// Errors: defects in the inspector; nothing is thrown.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/kv_common.h"

namespace rg::verify::key_only {

inline constexpr size_t kFeatures = 8;
enum Feature : size_t {
  kNone,
  kToken,
  kPrevious,
  kKeys,
  kSigns,
  kKeysValues,
  kResidual,
  kGateInput
};
inline constexpr std::array<const char*, kFeatures> kFeatureNames = {
    "none", "token", "previous", "keys", "signs", "keys_values", "residual", "gate_input"};
inline constexpr size_t kBudgets = 3;   // of a prefetcher: k, 2k and 4k experts
inline constexpr size_t kMargins = 10;  // tenths of the margin

struct Parameters {
  int64_t positions = 0;  // sampled of every window
  int64_t mlp_hidden = 0;
  int64_t mlp_epochs = 0;
};

// Documents fitted on, chosen on and tested, and the units of the last.
struct Split {
  int64_t documents = 0, fitted = 0, choosing = 0, tests = 0, units = 0;
  std::vector<int64_t> of_window;  // (windows) a unit; -1 chooses, -2 fitted on
};
// From the header's documents and the seed of the data.
Split split_of(const Case& c);

// Sampled rows.
struct Rows {
  std::vector<int64_t> of_unit;                 // (U)
  int64_t tests = 0, fitted = 0, choosing = 0;  // R, F, C
};

struct Architecture {
  int64_t residual_width = 0, kv_heads = 0, key_width = 0, value_width = 0;
  int64_t latent_width = 0, shared_width = 0;
  std::string norm;
  double epsilon = 0;
  bool router_bias = false, plain_top_k = false;

  bool latent() const { return latent_width > 0; }
  int64_t key_dimensions() const {
    return latent() ? latent_width + shared_width : kv_heads * key_width;
  }
  int64_t width_of(size_t feature) const;  // in features
};

struct Truth {
  Windows energy;                                   // (U)
  std::vector<int64_t> fitted_chosen, test_chosen;  // (E)
  std::vector<int64_t> margin_rows;                 // (10)
};

struct Grid {
  double lambda = 0;
  std::optional<double> error;
};

// A predictor. Of a refused one nothing else is there.
struct Entry {
  size_t feature = 0;
  std::string model;
  bool refused = false;
  int64_t width = 0, choosing_common = 0;
  std::vector<int64_t> common, exact, top1;         // (U)
  std::array<std::vector<int64_t>, kBudgets> hits;  // (U) each
  std::optional<Windows> mass;                      // (U); none where a weight is negative
  Windows error;                                    // (U)
  std::vector<int64_t> margin_common;               // (10)
  std::vector<Grid> grid;                           // of ridge
  std::vector<double> path;                         // of mlp
};

struct Ceiling {
  Windows lower, upper;  // (U)
};

struct Layer {
  Architecture architecture;
  std::optional<int64_t> rank;  // of the key projection; none without geometry
  Truth truth;
  std::vector<Entry> predictors;
  std::optional<Ceiling> ceiling;
};

struct Record {
  Parameters parameters;
  Split split;
  Rows rows;
  std::map<int, Layer> layers;  // measured ones, ascending
};

struct EntryName {
  size_t feature;
  const char* model;
};
// Features and models of a layer's entries, in order.
std::vector<EntryName> entries_of(const Parameters& parameters);
// The index of an entry.
size_t entry_index(const Record& record, size_t feature, const std::string& model);

// Everything below `root` but the summary; defects are in the inspector.
Record read_record(const Case& c);
// A layer's row of `architecture`, with the decision table (key_only_architecture.cc).
Architecture read_architecture(const Case& c, int number, const At& at);
// A layer's row of `geometry` (key_only_geometry.cc).
void read_geometry(const Case& c, const Record& record, const At& at, Layer& layer);
// A layer's list of `predictors` (key_only_predictors.cc).
void read_predictors(const Case& c, const Record& record, int number, const At& list, Layer& layer);
// What must hold between the numbers of a layer whose shapes are right (key_only_checks.cc).
void check_layer(const Case& c, const Record& record, int number, const Layer& layer);
// Numbers that look copied: warnings (key_only_checks.cc).
void warn_copies(const Case& c, const Record& record);

int64_t sum_of(const std::vector<int64_t>& counts);
// The experts by how often they were chosen, ties to the lower id.
std::vector<size_t> by_count(const std::vector<int64_t>& chosen);

}  // namespace rg::verify::key_only
