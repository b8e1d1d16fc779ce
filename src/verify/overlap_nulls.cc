#include "verify/overlap_nulls.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace rg::verify {
namespace {

// T_def, over all windows.
int64_t defined_positions(const Case& c, const Windows& undefined) {
  int64_t defined = 0;
  for (const std::optional<double>& lost : undefined) {
    defined += int64_t{c.header.seq_len} - 1 - static_cast<int64_t>(lost.value_or(0));
  }
  return defined;
}

}  // namespace

ExpertCounts read_expert_counts(const Case& c, const LayerWindows& undefined) {
  ExpertCounts found;
  const Header& h = c.header;
  const At all = c.inspect.need(c.root, "expert_counts");
  if (!c.inspect.is(all, Kind::object)) return found;
  for (const Member& member : all.value->object().members) {
    const std::optional<int> layer = c.inspect.layer_key(member.key);
    if (layer && std::binary_search(h.layers.begin(), h.layers.end(), *layer)) continue;
    c.inspect.invalid(Check::layer_arrays, (all / member.key).path, "is not a measured layer");
  }
  for (const int layer : h.layers) {
    const At at = all / std::to_string(layer);
    if (!at) {
      c.inspect.invalid(Check::layer_arrays, at.path, "is missing though `layers` names it");
      continue;
    }
    const int64_t defined = defined_positions(c, undefined.at(layer));
    const std::vector<int64_t> counts = c.inspect.counts(at, h.experts, defined);
    if (counts.size() != h.experts) continue;
    const int64_t sum = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    if (sum != int64_t{h.topk} * defined) {
      c.inspect.invalid(
          Check::count_total, at.path,
          fmt::format("adds up to {}, expected k times {} defined positions", sum, defined));
    }
    found[layer] = counts;
  }
  return found;
}

void claim_overlap_nulls(const Case& c, const ExpertCounts& counts, Claims& claims) {
  const Header& h = c.header;
  const double k = h.topk;
  const double experts = h.experts;
  c.inspect.text(c.inspect.need(c.inspect.need(c.inspect.need(c.root, "summary"), "null"), "kind"));
  for (const auto& [layer, of_experts] : counts) {
    const Claims::Path at = {"summary", "null", "per_layer", std::to_string(layer)};
    double squares = 0;
    double selections = 0;
    for (const int64_t count : of_experts) {
      squares += static_cast<double>(count) * static_cast<double>(count);
      selections += static_cast<double>(count);
    }
    const double positions = selections / k;
    claims.mean({at[0], at[1], at[2], at[3], "uniform"}, k / experts);
    claims.mean(
        {at[0], at[1], at[2], at[3], "popularity"},
        positions > 0 ? std::optional(squares / (k * (positions * positions))) : std::nullopt);
    const Claims::Path same_groups = {at[0], at[1], at[2], at[3], "uniform_same_groups"};
    if (h.groups > 1) {
      claims.mean(same_groups, k * h.groups / (h.groups_kept * experts));
    } else {
      claims.absent(same_groups);
    }
  }
}

}  // namespace rg::verify
