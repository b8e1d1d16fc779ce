// What must hold between the numbers of kv_gauge: keys add up to the windows', sums over units to
// those over all of them, and sums are of so many keys of that width as they are said to be.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

constexpr double kInOrder = 1e-12;  // relative: sums in the order of units
constexpr double kSlack = 1e-9;     // relative: sums added in another order
constexpr double kOfBound = 1e-6;   // relative: bounds that fp32 keys may reach

bool close(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}
bool at_most(double a, double b) { return a <= b * (1 + kOfBound); }

// Keys of a layer: how many, and how wide.
struct KeySet {
  double keys, width;
};

// Cosines of a key lie between 1/sqrt(d), on an axis, and 1.
bool cosines_fit(double cosines, const KeySet& of) {
  return at_most(of.keys / std::sqrt(of.width), cosines) && at_most(cosines, of.keys);
}

// |y|_1^2 lies between |y|_2^2 and d |y|_2^2.
bool norms_fit(double squared_norms, double energy, const KeySet& of) {
  if (of.keys == 0) return squared_norms == 0 && energy == 0;
  return energy > 0 && at_most(squared_norms, energy) && at_most(energy, of.width * squared_norms);
}

// Cauchy-Schwarz, over the keys and over the channels.
bool sums_fit(const Sums& sums, const KeySet& of) {
  if (of.keys == 0)
    return sums.cosines == 0 && sums.sizes == 0 && norms_fit(sums.squared_norms, sums.energy, of);
  const double squared_sizes = sums.sizes * sums.sizes;
  const double squares = of.width * sums.squared_norms;  // sum of |y|_1^2
  return cosines_fit(sums.cosines, of) && norms_fit(sums.squared_norms, sums.energy, of) &&
         at_most(squares, squared_sizes) && at_most(squared_sizes, of.keys * squares);
}

bool channels_fit(const Sums& sums, const KeySet& of) {
  if (of.keys == 0) return sums.channel_squares == 0;
  return at_most(sums.sizes * sums.sizes, of.width * sums.channel_squares) &&
         at_most(sums.channel_squares, of.keys * sums.energy);
}

// The keys of a record's windows, sampled positions that are no sinks.
struct Sampled {
  double fitted = 0, sinks = 0;  // sinks: held out
  std::vector<double> of_unit;
};

Sampled sampled_keys(const Record& record) {
  Sampled sampled;
  sampled.of_unit.assign(record.units.count, 0);
  for (size_t w = 0; w < record.keys.size(); ++w) {
    const int64_t unit = record.units.of_window[w];
    if (unit < 0) {
      sampled.fitted += *record.keys[w];
    } else {
      sampled.of_unit[static_cast<size_t>(unit)] += *record.keys[w];
      sampled.sinks += *record.sinks[w];
    }
  }
  return sampled;
}

void check_windows(const Case& c, const Record& record) {
  const auto sampled = std::min<int64_t>(record.parameters.positions, c.header.seq_len);
  for (size_t w = 0; w < record.keys.size(); ++w) {
    const double sinks = *record.sinks[w];
    if (sinks > static_cast<double>(record.parameters.sink_positions)) {
      c.inspect.invalid(Check::count_total, fmt::format("per_window.sinks[{}]", w),
                        "exceeds sink_positions");
      return;
    }
    if (*record.keys[w] + sinks == static_cast<double>(sampled)) continue;
    c.inspect.invalid(
        Check::count_total, fmt::format("per_window.keys[{}]", w),
        fmt::format("is with the sinks not the {} positions sampled per window", sampled));
    return;
  }
}

// The checks of one head; every demand names what missed it first.
class HeadChecks {
 public:
  HeadChecks(const Case& c, const Record& record, const Sampled& sampled, const LayerKeys& layer,
             const Head& head, std::string path)
      : inspect_(c.inspect),
        record_(record),
        sampled_(sampled),
        width_(static_cast<double>(layer.width)),
        head_(head),
        path_(std::move(path)) {}

  void check() {
    equal("fit_keys", head_.fit_keys + head_.fit_zero_keys, sampled_.fitted);
    equal("sink_keys", head_.sink_keys + head_.sink_zero_keys, sampled_.sinks);
    units_add_up("", head_.keys, head_.zero_keys);
    for (size_t g = 0; g < head_.gauges.size(); ++g) {
      if (!head_.gauges[g].refused) gauge(head_.gauges[g], fmt::format("gauges[{}].", g));
    }
    if (head_.noise) noise(*head_.noise);
    for (size_t i = 0; i < kCentrings; ++i) {
      if (head_.centring[i]) {
        centred(*head_.centring[i], fmt::format("centring.{}.", kCentringNames[i]));
      }
    }
    if (const auto& named = head_.centring[record_.parameters.centring]) {
      if (inspect_.sound()) repeats(*named);
    }
  }

 private:
  void miss(Check check, const std::string& member, const std::string& what) {
    inspect_.invalid(check, path_ + '.' + member, what);
  }
  KeySet set(double keys) const { return {keys, width_}; }

  void equal(const char* member, double found, double expected) {
    if (found == expected) return;
    miss(Check::count_total, member,
         fmt::format("and zero keys are {}, the windows have {}", found, expected));
  }
  void units_add_up(const std::string& below, const Windows& keys, const Windows& zero_keys) {
    for (size_t u = 0; u < keys.size(); ++u) {
      const double found = *keys[u] + *zero_keys[u];
      if (found == sampled_.of_unit[u]) continue;
      miss(Check::count_total, fmt::format("{}keys[{}]", below, u),
           fmt::format("and zero keys are {}, the unit's windows have {}", found,
                       sampled_.of_unit[u]));
      return;
    }
  }
  void at_most_count(const std::string& member, double found, double limit) {
    if (found > limit) {
      miss(Check::count_total, member, fmt::format("is {}, of {} sampled", found, limit));
    }
  }

  // Cosines of every unit as its keys can have them.
  void unit_cosines(const std::string& member, const Windows& cosines, const Windows& keys,
                    bool may_be_less) {
    for (size_t u = 0; u < cosines.size(); ++u) {
      const bool fits =
          may_be_less ? at_most(*cosines[u], *keys[u]) : cosines_fit(*cosines[u], set(*keys[u]));
      if (fits) continue;
      miss(Check::value_range, fmt::format("{}[{}]", member, u),
           fmt::format("is {}, which {} keys of width {} cannot have", *cosines[u], *keys[u],
                       width_));
      return;
    }
  }

  void adds_up(const std::string& member, const Windows& units, double whole, double tolerance) {
    if (units.empty() && record_.units.count > 0) return;  // not kept
    const double sum = total(units).sum;
    if (close(sum, whole, tolerance)) return;
    miss(Check::share_total, member, fmt::format("is {}, the units add up to {}", whole, sum));
  }

  void set_of_sums(const std::string& member, const Sums& sums, double keys, bool channels) {
    if (sums_fit(sums, set(keys)) && (!channels || channels_fit(sums, set(keys)))) return;
    miss(Check::share_total, member,
         fmt::format("holds sums that {} keys of width {} cannot have", keys, width_));
  }

  void gauge(const Gauge& of, const std::string& below) {
    set_of_sums(below + "in_sample", of.in_sample, head_.fit_keys, true);
    set_of_sums(below + "held_out", of.held_out, head_.held_out(), true);
    set_of_sums(below + "sinks", of.sinks, head_.sink_keys, false);
    unit_cosines(below + "cosines", of.cosines, head_.keys, false);
    if (!inspect_.sound()) return;
    adds_up(below + "held_out.cosines", of.cosines, of.held_out.cosines, kInOrder);
    adds_up(below + "held_out.squared_norms", of.squared_norms, of.held_out.squared_norms, kSlack);
    adds_up(below + "held_out.sizes", of.sizes, of.held_out.sizes, kSlack);
    adds_up(below + "held_out.energy", of.energy, of.held_out.energy, kSlack);
    for (size_t u = 0; u < of.energy.size(); ++u) {
      const Sums unit{.cosines = *of.cosines[u],
                      .squared_norms = *of.squared_norms[u],
                      .sizes = *of.sizes[u],
                      .energy = *of.energy[u],
                      .channel_squares = 0};
      if (sums_fit(unit, set(*head_.keys[u]))) continue;
      miss(Check::share_total, fmt::format("{}energy[{}]", below, u),
           fmt::format("and the other sums are none that {} keys of width {} can have",
                       *head_.keys[u], width_));
      return;
    }
  }

  void noise(const Noise& of) {
    if (of.fit_keys != sampled_.fitted) {
      miss(Check::count_total, "noise.fit_keys",
           fmt::format("is {}, the windows have {}", of.fit_keys, sampled_.fitted));
    }
    units_add_up("noise.", of.keys, Windows(of.keys.size(), 0.0));  // none is zero
    in_sample("noise.in_sample_cosines", of.in_sample_cosines, of.fit_keys);
    unit_cosines("noise.cosines", of.cosines, of.keys, false);
    unit_cosines("noise.random_cosines", of.random_cosines, of.keys, true);
  }

  void in_sample(const std::string& member, double cosines, double keys) {
    if (cosines_fit(cosines, set(keys))) return;
    miss(Check::share_total, member,
         fmt::format("is {}, which {} keys of width {} cannot have", cosines, keys, width_));
  }

  void centred(const Centred& of, const std::string& below) {
    at_most_count(below + "fit_keys", of.fit_keys, sampled_.fitted);
    units_add_up(below, of.keys, of.zero_keys);
    in_sample(below + "in_sample_cosines", of.in_sample_cosines, of.fit_keys);
    unit_cosines(below + "cosines", of.cosines, of.keys, false);
    const double keys = total(of.keys).sum;
    if (norms_fit(of.squared_norms, of.energy, set(keys))) return;
    miss(Check::share_total, below + "energy",
         fmt::format("and squared_norms are none that {} keys of width {} can have", keys, width_));
  }

  // The member named by `keys.centring` says what `gauges` says.
  void repeats(const Centred& of) {
    const Gauge& learned = head_.learned();
    const char* what = nullptr;
    if (of.fit_keys != head_.fit_keys) what = "fit_keys";
    if (of.in_sample_cosines != learned.in_sample.cosines) what = "in_sample_cosines";
    if (of.keys != head_.keys) what = "keys";
    if (of.cosines != learned.cosines) what = "cosines";
    if (!close(of.squared_norms, learned.held_out.squared_norms, kSlack)) what = "squared_norms";
    if (!close(of.energy, learned.held_out.energy, kSlack)) what = "energy";
    if (what == nullptr) return;
    miss(Check::share_total,
         fmt::format("centring.{}.{}", kCentringNames[record_.parameters.centring], what),
         "does not repeat itq_cosine of `gauges`");
  }

  Inspector& inspect_;
  const Record& record_;
  const Sampled& sampled_;
  double width_;
  const Head& head_;
  std::string path_;
};

}  // namespace

void check_record(const Case& c, const Record& record) {
  check_windows(c, record);
  if (!c.inspect.sound()) return;
  const Sampled sampled = sampled_keys(record);
  for (const auto& [number, layer] : record.layers) {
    for (size_t h = 0; h < layer.heads.size(); ++h) {
      HeadChecks(c, record, sampled, layer, layer.heads[h], fmt::format("heads.{}[{}]", number, h))
          .check();
    }
  }
}

}  // namespace rg::verify::kv
