#include "verify/kv_gauge_statistics.h"

namespace rg::verify::kv {
namespace {

// Per unit the mean over the random gauges of their sums of cosines; none without such gauges.
std::optional<Windows> random_cosines(const Head& head) {
  Windows sums(head.keys.size(), 0.0);
  size_t count = 0;
  for (const Gauge& gauge : head.gauges) {
    if (!is_random(gauge)) continue;
    ++count;
    for (size_t u = 0; u < sums.size(); ++u) *sums[u] += *gauge.cosines[u];
  }
  if (count == 0) return std::nullopt;
  for (std::optional<double>& sum : sums) *sum /= static_cast<double>(count);
  return sums;
}

}  // namespace

bool is_random(const Gauge& gauge) {
  return !gauge.refused && (gauge.name.kind == "signed_hadamard" || gauge.name.kind == "rotation");
}

UnitBootstrap::UnitBootstrap(const Record& record, Extent extent) : columns_(record.units.count) {
  for (const auto& [number, layer] : record.layers) {
    std::vector<HeadColumns>& heads = heads_[number];
    for (const Head& head : layer.heads) heads.push_back(add_head(head, extent));
  }
}

HeadColumns::Ratio UnitBootstrap::add_ratio(const Windows& numerator, const Windows& denominator) {
  return {columns_.add(numerator), columns_.add(denominator)};
}

HeadColumns UnitBootstrap::add_head(const Head& head, Extent extent) {
  HeadColumns of;
  of.keys = columns_.add(head.keys);
  const Gauge& learned = head.learned();
  const std::optional<Windows> random = random_cosines(head);
  if (random && !learned.refused) {
    of.advantage = {columns_.add(verify::difference(learned.cosines, *random)), of.keys};
  }
  if (extent == Extent::advantage) return of;
  if (random) of.random = {columns_.add(*random), of.keys};
  if (!learned.refused) of.learned = {columns_.add(learned.cosines), of.keys};
  if (head.noise) {
    of.noise_advantage = add_ratio(
        verify::difference(head.noise->cosines, head.noise->random_cosines), head.noise->keys);
  }
  for (size_t i = 0; i < kCentrings; ++i) {
    if (!head.centring[i]) continue;
    of.centred[i] = add_ratio(head.centring[i]->cosines, head.centring[i]->keys);
  }
  for (const Gauge& gauge : head.gauges) {
    of.gauges.push_back(gauge.refused ? SIZE_MAX : columns_.add(gauge.cosines));
    HeadColumns::Kept& kept = of.kept.emplace_back();
    if (gauge.squared_norms.empty()) continue;
    kept = {columns_.add(gauge.squared_norms), columns_.add(gauge.sizes),
            columns_.add(gauge.energy)};
  }
  return of;
}

void UnitBootstrap::resample(const Case& c, const UnitDraws& draws) {
  replicates_ = draw_units(c, columns_, draws);
}

Series UnitBootstrap::ratio(const HeadColumns::Ratio& ratio) const {
  return kv::ratio(columns_, *replicates_, ratio.numerator, ratio.denominator);
}

Blocks UnitBootstrap::blocks(const HeadColumns& head) const {
  Blocks blocks;
  blocks[kLearned] = ratio(head.learned);
  blocks[kRandom] = ratio(head.random);
  blocks[kAdvantage] = ratio(head.advantage);
  blocks[kNoiseAdvantage] = ratio(head.noise_advantage);
  blocks[kExcess] = difference(blocks[kAdvantage], blocks[kNoiseAdvantage]);
  for (size_t i = 0; i < kCentrings; ++i) blocks[kCentred + i] = ratio(head.centred[i]);
  return blocks;
}

std::optional<Interval> UnitBootstrap::mean_cosine(const HeadColumns& head, size_t gauge) const {
  return ratio({head.gauges[gauge], head.keys}).interval();
}

std::optional<Interval> UnitBootstrap::beta_per_key(const HeadColumns& head, size_t gauge) const {
  return ratio({head.kept[gauge].squared_norms, head.kept[gauge].energy}).interval();
}

std::optional<Interval> UnitBootstrap::beta_pooled(const HeadColumns& head, size_t gauge,
                                                   double width) const {
  const HeadColumns::Kept& kept = head.kept[gauge];
  if (kept.sizes == SIZE_MAX) return std::nullopt;
  std::vector<double> values;
  for (size_t b = 0; b < replicates(); ++b) {
    const double sizes = replicates_->sum(kept.sizes, b);
    const double below = replicates_->sum(head.keys, b) * width * replicates_->sum(kept.energy, b);
    if (const auto value = quotient(sizes * sizes, below)) values.push_back(*value);
  }
  return percentile_interval(std::move(values));
}

Support support_of(const Blocks& blocks) {
  const Outcome outcome = outcome_of(blocks[kAdvantage].interval());
  if (outcome == Outcome::equivalent || outcome == Outcome::inferior) return Support::no_advantage;
  if (outcome != Outcome::superior) return Support::undecided;
  size_t below = 0;
  for (size_t i = 0; i < kCentrings; ++i) {
    const Place place = place_of(blocks[kCentred + i].interval(), kPublishedLearned);
    if (place == Place::within || place == Place::above) return Support::learned_rotations;
    if (place == Place::below) ++below;
  }
  return below == kCentrings ? Support::smaller_advantage : Support::undecided;
}

std::string name_of(Support support) {
  constexpr const char* kNames[] = {"no_advantage", "learned_rotations", "smaller_advantage",
                                    "undecided"};
  return kNames[static_cast<size_t>(support)];
}

}  // namespace rg::verify::kv
