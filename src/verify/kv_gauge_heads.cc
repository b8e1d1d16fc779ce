// kv_gauge's arrays: the KV heads of a layer, and the gauges of each.
#include <fmt/format.h>

#include <algorithm>

#include "verify/kv_gauge.h"

namespace rg::verify::kv {
namespace {

bool keeps_sums(const GaugeName& name) {
  return name.kind == "identity" || name.kind == "itq_cosine";
}

bool searched(const GaugeName& name) {
  return name.kind.starts_with("itq_") || name.kind == "givens";
}

enum class Channels { summed, left_out };

Sums read_sums(const Case& c, const At& at, Channels channels) {
  Inspector& inspect = c.inspect;
  Sums sums;
  if (!inspect.is(at, Kind::object)) return sums;
  sums.cosines = number_at(inspect, at, "cosines", kNotNegative);
  sums.squared_norms = number_at(inspect, at, "squared_norms", kNotNegative);
  sums.sizes = number_at(inspect, at, "sizes", kNotNegative);
  sums.energy = number_at(inspect, at, "energy", kNotNegative);
  if (channels == Channels::summed) {
    sums.channel_squares = number_at(inspect, at, "channel_squares", kNotNegative);
  }
  return sums;
}

Gauge read_gauge(const Case& c, const Record& record, const At& at, const GaugeName& name) {
  Inspector& inspect = c.inspect;
  Gauge gauge;
  gauge.name = name;
  if (const At refused = at / "refused") {
    gauge.refused = true;
    if (inspect.is(refused, Kind::string) && refused.value->string().empty()) {
      inspect.invalid(Check::value_range, refused.path, "says nothing");
    }
    return gauge;
  }
  inspect.text(inspect.need(at, "made_of"));
  gauge.in_sample = read_sums(c, inspect.need(at, "in_sample"), Channels::summed);
  gauge.held_out = read_sums(c, inspect.need(at, "held_out"), Channels::summed);
  gauge.sinks = read_sums(c, inspect.need(at, "sinks"), Channels::left_out);
  const auto array = [&](const char* key) {
    return numbers(inspect, inspect.need(at, key), record.units.count, kNotNegative);
  };
  gauge.cosines = array("cosines");
  if (keeps_sums(name)) {
    gauge.squared_norms = array("squared_norms");
    gauge.sizes = array("sizes");
    gauge.energy = array("energy");
  }
  if (searched(name)) check_search(c, at, name.kind == "givens");
  return gauge;
}

// Kind and number of an entry; none where they can't be read.
std::optional<GaugeName> read_name(const Case& c, const At& at) {
  if (!c.inspect.is(at, Kind::object)) return std::nullopt;
  const At kind = c.inspect.need(at, "kind");
  const auto number = c.inspect.integer(c.inspect.need(at, "number"), 0, kMaxExactInteger);
  if (!number || !c.inspect.is(kind, Kind::string)) return std::nullopt;
  return GaugeName{kind.value->string(), *number};
}

std::vector<Gauge> read_gauges(const Case& c, const Record& record, const At& list) {
  std::vector<Gauge> gauges;
  if (!c.inspect.is(list, Kind::array)) return gauges;
  const std::vector<GaugeName> names = gauge_names(record.parameters);
  if (list.value->array().size() != names.size()) {
    c.inspect.invalid(
        Check::ranked_list, list.path,
        fmt::format("holds {} gauges, `keys` gives {}", list.value->array().size(), names.size()));
    return gauges;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const At at = element(list, i);
    const std::optional<GaugeName> found = read_name(c, at);
    if (!found) return gauges;
    if (*found != names[i]) {
      c.inspect.invalid(Check::ranked_list, at.path,
                        fmt::format("found {} {}, expected {} {}", found->kind, found->number,
                                    names[i].kind, names[i].number));
      return gauges;
    }
    gauges.push_back(read_gauge(c, record, at, names[i]));
  }
  return gauges;
}

Head read_head(const Case& c, const Record& record, const At& at, const LayerKeys& layer) {
  Inspector& inspect = c.inspect;
  Head head;
  if (!inspect.is(at, Kind::object)) return head;
  head.fit_keys = count_at(inspect, at, "fit_keys");
  head.fit_zero_keys = count_at(inspect, at, "fit_zero_keys");
  head.sink_keys = count_at(inspect, at, "sink_keys");
  head.sink_zero_keys = count_at(inspect, at, "sink_zero_keys");
  head.keys = counted_keys(inspect, inspect.need(at, "keys"), record.units.count);
  head.zero_keys = counted_keys(inspect, inspect.need(at, "zero_keys"), record.units.count);
  head.gauges = read_gauges(c, record, inspect.need(at, "gauges"));
  if (inspect.sound()) read_parts(c, record, at, layer, head);
  return head;
}

}  // namespace

const Gauge& Head::learned() const {
  return *std::find_if(gauges.begin(), gauges.end(),
                       [](const Gauge& gauge) { return gauge.name.kind == "itq_cosine"; });
}

double Head::held_out() const { return total(keys).sum; }

bool Head::defined() const { return !learned().refused && held_out() > 0; }

void read_heads(const Case& c, const Record& record, const At& list, int64_t count,
                LayerKeys& layer) {
  if (!c.inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != static_cast<size_t>(count)) {
    c.inspect.invalid(Check::array_length, list.path,
                      fmt::format("found {} heads, the layer has {} KV heads", found, count));
    return;
  }
  for (size_t h = 0; h < found; ++h) {
    layer.heads.push_back(read_head(c, record, element(list, h), layer));
    if (!c.inspect.sound()) return;
  }
}

}  // namespace rg::verify::kv
