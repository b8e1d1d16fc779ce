// The summary that the arrays of kv_distortion give.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "verify/kv_distortion_statistics.h"

namespace rg::verify::distortion {

// How far a distortion is above a bound, as a share of what it can be; where.
struct Excess {
  double value;
  int layer;
  size_t head, code, measurement, bound;
};

// A plain code over the layers that the verdict asks for.
struct PlainCode {
  int64_t bits = 0;
  kv::Series error, ratio, slope;  // of `all`
  std::string calibration = "INSUFFICIENT";
  std::optional<double> vacuous;  // share of cases, of B2
  std::optional<double> key_error;
};

// The squared error of normal coordinates with 1 to 4 bits, relative to their variance.
inline constexpr std::array kGaussianMse = {0.3634, 0.1175, 0.0345, 0.0095};

// Over the layers that the verdict asks for.
struct Model {
  std::vector<PlainCode> plain;  // by bits, ascending
  std::optional<Excess> largest;
  std::optional<int64_t> calibrated_from;  // bits
  int64_t cases = 0;
  std::vector<int> without_cases;  // required layers with a head without cases
  bool degenerate = false;

  bool bounds_hold() const { return !largest || largest->value <= kAllowance; }
};

// Claims all of `summary`. `bootstrap`: resampled.
Model claim_summary(const Case& c, const Record& record, const DocumentBootstrap& bootstrap,
                    Claims& claims);

}  // namespace rg::verify::distortion
