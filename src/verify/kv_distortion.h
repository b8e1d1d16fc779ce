// The arrays of kv_distortion (docs/artifacts.md, kv_distortion), read and checked against each
// other. Errors, but for AR004 where the draws would be too much work: defects in the inspector.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/kv_common.h"

namespace rg::verify::distortion {

inline constexpr size_t kBounds = 6;
inline constexpr std::array<const char*, kBounds> kBoundNames = {"B1", "B2", "B3",
                                                                 "B4", "B5", "B6"};
inline constexpr size_t kMeasurements = 2;  // of every code
inline constexpr std::array<const char*, kMeasurements> kMeasurementNames = {"all", "sinks_exact"};
inline constexpr double kAllowance = 1e-9;  // of a bound's excess

// A record's sums over cases, in its order.
enum Sum : size_t {
  kError,
  kForecast,
  kProduct,
  kForecastSquares,
  kVariation,
  kDivergence,
  kScoreSquares,
  kIsotropicSquares
};
inline constexpr std::array<const char*, 8> kSumNames = {
    "error",     "forecast",   "product",       "forecast_squares",
    "variation", "divergence", "score_squares", "isotropic_squares"};

enum class CodeList { scales, plain, all };

// `keys`: what was asked for.
struct Parameters {
  CodeList codes = CodeList::scales;
  bool coded_values = false;
  int64_t fewest_bits = 0, most_bits = 0;
  int64_t windows = 0, queries = 0;  // measured, and sampled positions of each
  int64_t positions = 0;             // sampled of every window, sinks included
  int64_t sink_positions = 0;
};

struct Code {
  int64_t bits = 0;
  std::string scale, rule, centring, gauge;
  bool values = false;
  bool operator==(const Code&) const = default;

  bool plain() const { return never_refused() && rule == "least_squares" && !values; }
  bool never_refused() const { return scale == "key" && centring == "raw" && gauge == "identity"; }
  // Whether something is fitted, which needs fitted keys.
  bool fitted() const { return scale != "key" || centring != "raw" || gauge == "itq_cosine"; }
};
// All of a layer, in order.
std::vector<Code> codes_of(const Parameters& parameters);

// The windows whose queries are measured.
struct Measured {
  std::vector<int64_t> windows;                 // (m) indices, ascending
  std::vector<int64_t> documents;               // (m) numbered by first measured window
  std::vector<std::vector<int64_t>> positions;  // (m) of queries, ascending
  size_t n_documents = 0;
  double fit_keys = 0;

  size_t queries() const;  // of one query head
};

// A record over some cases.
struct Sums {
  std::array<double, kSumNames.size()> sums = {};
  std::array<double, kBounds> vacuous = {};  // counts
};
// A record for each measured window.
struct WindowSums {
  std::array<Windows, kSumNames.size()> sums;  // (m) each
  std::array<Windows, kBounds> vacuous;        // (m) each
  Sums of_window(size_t w) const;
  Sums total() const;  // in the order of windows
};

// A head's record with what is stated of its cases.
struct HeadRecord {
  Sums sums;
  std::optional<double> median, p95, largest;  // of error
  std::array<bool, kBounds> positive = {};     // tightness is not null: the bound is, somewhere
  std::array<std::optional<double>, kBounds> excess;
  bool ranked = false;  // rank_correlation is not null
  std::array<double, 10> decile_forecast = {}, decile_error = {};
};

struct HeadCode {
  bool refused = false;  // then nothing below is there
  double key_error = 0;
  double value_error = 0;  // 0 where values aren't coded
  std::array<HeadRecord, kMeasurements> of;
  bool repeated = false;  // the two are equal in everything they say
};
struct Head {
  double cases = 0, trivial = 0;
  double key_energy = 0, value_energy = 0;
  std::vector<HeadCode> codes;
};

struct WindowCode {
  bool refused = false;
  std::array<WindowSums, kMeasurements> of;
  bool repeated = false;  // likewise
};
// A layer that has keys.
struct Layer {
  kv::Attention attention;
  Windows cases, trivial;         // (m) over all query heads
  std::vector<WindowCode> codes;  // over all query heads
  std::vector<Head> heads;        // KV heads

  bool has_cases() const { return verify::total(cases).sum > 0; }
};

struct Record {
  Parameters parameters;
  std::vector<Code> codes;
  Measured measured;
  Windows keys, sinks;          // (windows) counts
  std::map<int, Layer> layers;  // that have keys, ascending
};

// Everything below `root` but the summary; defects are in the inspector.
Record read_record(const Case& c);
// `measured` and the counts of `per_window` (kv_distortion_windows.cc).
void read_windows(const Case& c, Record& record);
// One layer's row of `attention`, sums over windows and heads (kv_distortion_layers.cc).
struct LayerPlaces {
  At attention, windows, heads;
};
void read_layer(const Case& c, const Record& record, const LayerPlaces& places, Layer& layer);
// `errors`, `tightness`, `excess`, ... of a head (kv_distortion_stated.cc).
void read_stated(const Case& c, const At& at, double cases, HeadRecord& record);
// What must hold between the numbers of a record whose shapes are right (kv_distortion_checks.cc).
void check_record(const Case& c, const Record& record);
// Numbers that look copied: warnings (kv_distortion_checks.cc).
void warn_copies(const Case& c, const Record& record);

// Cases of a decile, by number of cases and index.
int64_t decile_size(int64_t cases, int64_t index);

}  // namespace rg::verify::distortion
