#include "experiments/kv_view.h"

namespace rg::experiments {
namespace {

bool is_long(const tap::RotationView& rotation, uint32_t seq_len) {
  return rotation.long_from && seq_len >= *rotation.long_from;
}

}  // namespace

keys::RotaryPlanes kv_planes(const tap::KeyView& view, uint32_t seq_len) {
  keys::RotaryPlanes out;
  if (!view.rotation) return out;
  const tap::RotationView& rotation = *view.rotation;
  const std::span<const float> frequencies =
      is_long(rotation, seq_len) ? rotation.long_frequencies : rotation.frequencies;
  const uint32_t planes = rotation.columns / 2;
  for (uint32_t p = 0; p < planes; ++p) {
    const bool halves = rotation.planes == tap::Planes::half_split;
    const uint32_t i = rotation.first_column + (halves ? p : 2 * p);
    out.pairs.push_back({i, halves ? i + planes : i + 1});
    out.frequencies.push_back(static_cast<double>(frequencies[p]));
  }
  return out;
}

double kv_rotation_factor(const tap::KeyView& view, uint32_t seq_len) {
  if (!view.rotation) return 1;
  return static_cast<double>(is_long(*view.rotation, seq_len) ? view.rotation->long_factor
                                                              : view.rotation->factor);
}

std::string_view name_of_norm(tap::KeyNorm norm) {
  switch (norm) {
    case tap::KeyNorm::none:
      return "none";
    case tap::KeyNorm::full_width:
      return "full_width";
    case tap::KeyNorm::per_head:
      return "per_head";
    default:
      return "per_head_rotated";
  }
}

}  // namespace rg::experiments
