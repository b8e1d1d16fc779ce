#include "slack/sample.h"

#include <algorithm>

namespace rg::slack {

uint32_t Contexts::tokens() const {
  return contexts * static_cast<uint32_t>(query_positions.size());
}

uint32_t Contexts::row_of(uint32_t token) const {
  const auto queries = static_cast<uint32_t>(query_positions.size());
  return token / queries * positions + query_positions[token % queries];
}

Visible visible_keys(const LayerFacts& layer, uint32_t token) {
  const uint32_t row = layer.contexts.row_of(token), position = row % layer.contexts.positions;
  uint32_t count = position + 1;
  if (layer.keys->window) count = std::min(count, *layer.keys->window);
  return {.first = row + 1 - count, .count = count};
}

}  // namespace rg::slack
