// Artifacts of kv_distortion: sums over simulated cases, so that every inequality between sums,
// order statistics and bounds holds, with a mean error and a forecast as asked for.
#pragma once

#include "verify/fixture.h"

namespace rg::verify::testing {

struct DistortionVariant {
  const char* codes = "scales";
  bool coded_values = true;
  int fewest_bits = 1, most_bits = 2;
  int windows = 32, queries = 2, positions = 16, sink_positions = 2;
  bool normed = false;
  bool refused = false;       // no Hadamard and no learned gauge in layer 5
  bool without_keys = false;  // in no layer
  bool one_head = false;      // head 1 of layer 5 sees values that are all equal
  int window = 0;             // of attention in layer 5
  double error = 0.3;         // of one bit, as a share of the values' spread; halved by every bit
  double forecast = 1;        // over the error, with two bits and more; with one two thirds of that
  double spread = 0.05;       // of forecasts about that
  double excess = 0;          // added to every case's, above what its bounds allow
};
Json kv_distortion_of(const Shape& shape, const DistortionVariant& variant);

// What make_of_kv_distortion accepts.
inline constexpr const char* kKvDistortions[] = {
    "kv_distortion",          "kv_distortion_all",      "kv_distortion_plain",
    "kv_distortion_refused",  "kv_distortion_one_head", "kv_distortion_without_keys",
    "kv_distortion_no_sinks", "kv_distortion_one_bit",  "kv_distortion_unfitted"};

}  // namespace rg::verify::testing
