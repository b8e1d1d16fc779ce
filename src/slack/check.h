// The theorems of the catalogue that speak of keys, queries, values, gates or expert outputs, each
// with the quantities that are computed from a layer's sample; and the others, with the reason why
// they have none (docs/artifacts.md, 18.1).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slack/case.h"
#include "slack/sample.h"
#include "slack/tally.h"

namespace rg::slack {

// What a case is of: its candidates, and the numbers of its place.
enum class Unit {
  key,
  head,
  context,
  block,
  query,
  query_head,
  plane,
  plane_pair,
  head_plane,
  token,
  layer
};
const char* name_of(Unit unit);
uint64_t candidates(Unit unit, const LayerFacts& layer);

struct Quantity {
  std::string_view name;
  Relation relation;
  Unit unit;
};

// The tallies of one theorem's quantities, filled in the order of places.
class Row {
 public:
  explicit Row(std::span<const Quantity> quantities);
  void see(size_t quantity, const Case& at, Place place) {
    tallies_[quantity].see(at, std::move(place));
  }
  void skip(size_t quantity, uint64_t count = 1) { tallies_[quantity].skip(count); }
  void skip_all() {  // one candidate of every quantity
    for (Tally& tally : tallies_) tally.skip();
  }
  void append(const Row& later);
  std::vector<Found> found() const;

 private:
  std::vector<Tally> tallies_;
};

struct TheoremCheck {
  std::string_view id;
  std::span<const Quantity> quantities;
  // Why the theorem says nothing about the layer; none: it applies.
  std::optional<std::string> (*why_not)(const LayerFacts&);
  // One of the three: once per KV head, in parallel; once per layer.
  void (*of_head)(const HeadSample&, Row&);
  void (*of_gate)(const GateSample&, Row&);
  void (*of_layer)(const LayerFacts&, Row&);
};

std::span<const TheoremCheck> gauge_slack();       // GI
std::span<const TheoremCheck> one_bit_slack();     // JF, MR, IF
std::span<const TheoremCheck> centring_slack();    // DC
std::span<const TheoremCheck> landscape_slack();   // LH
std::span<const TheoremCheck> residual_slack();    // RR
std::span<const TheoremCheck> distortion_slack();  // AD
std::span<const TheoremCheck> rope_slack();        // RC
std::span<const TheoremCheck> key_route_slack();   // KR
std::span<const TheoremCheck> routing_slack();     // RG
std::span<const TheoremCheck> search_slack();      // GS

std::vector<TheoremCheck> all_slack_checks();  // in the catalogue's order

struct NoCheck {
  std::string_view id, reason;
};
std::span<const NoCheck> theorems_without_slack();  // in the catalogue's order

}  // namespace rg::slack
