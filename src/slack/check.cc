#include "slack/check.h"

namespace rg::slack {

const char* name_of(Unit unit) {
  switch (unit) {
    case Unit::key:
      return "key";
    case Unit::head:
      return "head";
    case Unit::context:
      return "context";
    case Unit::block:
      return "block";
    case Unit::query:
      return "query";
    case Unit::query_head:
      return "query_head";
    case Unit::plane:
      return "plane";
    case Unit::plane_pair:
      return "plane_pair";
    case Unit::head_plane:
      return "head_plane";
    case Unit::token:
      return "token";
    case Unit::layer:
      return "layer";
  }
  return "?";
}

uint64_t candidates(Unit unit, const LayerFacts& layer) {
  const Contexts& sample = layer.contexts;
  if (unit == Unit::token) return sample.tokens();
  if (unit == Unit::layer) return 1;
  const KeyFacts& keys = *layer.keys;
  const uint64_t heads = keys.heads, kv_heads = keys.kv_heads;
  switch (unit) {
    case Unit::key:
      return kv_heads * sample.rows();
    case Unit::head:
      return kv_heads;
    case Unit::context:
      return kv_heads * sample.contexts;
    case Unit::block:
      return heads * sample.contexts;
    case Unit::query:
      return heads * sample.tokens();
    case Unit::query_head:
      return heads;
    case Unit::plane:
      return keys.planes();
    case Unit::plane_pair:
      return keys.planes() - 1;
    default:
      return kv_heads * (keys.key_width / 2);  // head_plane
  }
}

Row::Row(std::span<const Quantity> quantities) {
  for (const Quantity& quantity : quantities) tallies_.emplace_back(quantity.relation);
}

void Row::append(const Row& later) {
  for (size_t i = 0; i < tallies_.size(); ++i) tallies_[i].append(later.tallies_[i]);
}

std::vector<Found> Row::found() const {
  std::vector<Found> out;
  for (const Tally& tally : tallies_) out.push_back(tally.found());
  return out;
}

std::vector<TheoremCheck> all_slack_checks() {
  std::vector<TheoremCheck> all;
  for (const auto family :
       {gauge_slack, one_bit_slack, centring_slack, landscape_slack, residual_slack,
        distortion_slack, rope_slack, key_route_slack, routing_slack, search_slack}) {
    const std::span<const TheoremCheck> checks = family();
    all.insert(all.end(), checks.begin(), checks.end());
  }
  return all;
}

}  // namespace rg::slack
