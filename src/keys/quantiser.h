// Keys (or values: any rows) of one head stored with 1 to 4 bits per coordinate: a coordinate
// becomes the nearest level of the unit normal's best quantiser (normal_levels.h) after division by
// a spread, and the level times a scale when it is read. Spreads and scales belong to a key, which
// then stores its own, or to a channel or the head: those are fitted on some keys and applied to
// others.
//
// Meant for use inside a pass too: quantise() changes one key, or a head's block of keys, in place;
// a key's result depends on nothing but itself and the scales, to the bit, so neither block size
// nor threads matter, and no row is held. One KeyScales may be used by any number of threads.
//
// Input: fp32 of at most 1e30 in size; arithmetic is fp64, results are rounded to fp32 once.
// Whoever reads a model must refuse anything else with a numbered error. Of a key with a coordinate
// that isn't finite, quantise() makes NaN in every coordinate, so that later checks find it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "keys/centring.h"
#include "keys/key_set.h"
#include "linear/matrix.h"

namespace rg::keys {

enum class ScaleOf { key, channel, head };

// y the coordinates that share a scale, l their levels; JF-5 for 1 bit. The squared errors grow in
// this order.
enum class ScaleRule {
  least_squares,  // y'l / l'l: the least error for these levels
  norm,           // |y| / |l|: the code is as long as what it codes
  unbiased,       // y'y / y'l: the code's product with what it codes is that one's square
};

struct QuantiserSpec {
  uint32_t bits;  // 1 to kMostBits per coordinate; 1: the signs, that of 0 being +1
  ScaleOf scale_of;
  ScaleRule rule;
  Centring centring;  // subtracted before the code, added when it is read
};

// Bits per coordinate with 16 for every number stored per key: its scale, its DC. Scales of
// channels and of the head are stored once and not counted.
double stored_bits(const QuantiserSpec& spec, uint32_t width);

struct KeyScales {
  QuantiserSpec spec;
  uint32_t width;              // d
  linear::Matrix gauge;        // (d, d) orthogonal, empty for I: k is coded as gauge (k - mean)
  linear::Column mean;         // (d), 0 unless centring is dataset_mean
  std::vector<double> spread;  // (d) for channels, (1) for the head, () for keys: root mean square
  std::vector<double> scale;   // the same shape
};

// Of the keys `fit`, in their order; of them the spec may need nothing (a scale per key, no dataset
// mean), else at least one. A channel (or head) without energy gets scale 0: it is read as 0 for
// every key. Throws an internal error for bits, a gauge or a shape beyond the above; |gauge' gauge
// - I| up to 1e-6 in every entry counts as orthogonal.
KeyScales fit_scales(const KeySet& fit, const QuantiserSpec& spec, const linear::Matrix& gauge);
KeyScales fit_scales(const KeySet& fit, const QuantiserSpec& spec);  // gauge I, never multiplied

// Reused between keys, one per thread.
struct QuantiserScratch {
  linear::Column turned, coded;
};

// k becomes mean + gauge' Q(gauge (k - mean)), in place. (d). A key that is 0 after centring is
// read without error where it has its own scale.
void quantise(const KeyScales& scales, linear::Column& key, QuantiserScratch& scratch);
// `count` keys of `width` values, the first of each `stride` values after the one before.
void quantise(const KeyScales& scales, float* keys, size_t count, size_t stride);

// Sums over keys, k' being what is read of k. error / energy is the relative squared error, to be
// read beside 0.3634, 0.1175, 0.0345 and 0.0095, those of normal coordinates with 1 to 4 bits.
struct CodingError {
  double keys = 0;
  double energy = 0;          // |k|^2
  double centred_energy = 0;  // |k - mean|^2: of what is coded
  double error = 0;           // |k' - k|^2
  double product = 0;         // (k - mean)'(k' - mean)
};
CodingError coding_error(const KeyScales& scales, const KeySet& keys);

}  // namespace rg::keys
