// kv_distortion's arrays: one layer, its sums over windows and its heads.
#include <fmt/format.h>

#include <algorithm>

#include "verify/kv_distortion.h"

namespace rg::verify::distortion {
namespace {

// Equal in every member, whatever their order.
bool same(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::string)) return a.string() == b.string();
  if (a.is(Kind::boolean)) return a.boolean() == b.boolean();
  if (a.is(Kind::array)) {
    return std::equal(a.array().begin(), a.array().end(), b.array().begin(), b.array().end(), same);
  }
  if (!a.is(Kind::object)) return true;
  const std::vector<Member>& members = a.object().members;
  return members.size() == b.object().members.size() &&
         std::all_of(members.begin(), members.end(), [&](const Member& member) {
           const Value* other = b.find(member.key);
           return other != nullptr && same(member.value, *other);
         });
}

// Whether `sinks_exact` says what `all` says.
bool repeats_itself(const At& entry) {
  const At all = entry / kMeasurementNames[0], exact = entry / kMeasurementNames[1];
  return all && exact && same(*all.value, *exact.value);
}

// Which entry of a list of codes: refused or not, as it may be.
class CodeEntries {
 public:
  CodeEntries(const Case& c, const Record& record) : c_(c), record_(record) {}

  // An entry for every code.
  bool complete(const At& list) const {
    if (!c_.inspect.is(list, Kind::array)) return false;
    const size_t found = list.value->array().size();
    if (found == record_.codes.size()) return true;
    c_.inspect.invalid(
        Check::ranked_list, list.path,
        fmt::format("holds {} entries, there are {} codes", found, record_.codes.size()));
    return false;
  }

  // Whether the entry is a refusal; none where that is no object.
  std::optional<bool> refused(const At& entry, const Code& code) const {
    if (!c_.inspect.is(entry, Kind::object)) return std::nullopt;
    const bool nothing_fitted = record_.measured.fit_keys == 0;
    const bool may_be = code.gauge == "signed_hadamard" || code.gauge == "itq_cosine" ||
                        (nothing_fitted && code.fitted());
    const At reason = entry / "refused";
    if (reason) {
      if (c_.inspect.is(reason, Kind::string) && reason.value->string().empty()) {
        c_.inspect.invalid(Check::value_range, reason.path, "says nothing");
      }
      if (!may_be) wrong(entry, "is refused though nothing can be in its way");
    } else if (nothing_fitted && code.fitted()) {
      wrong(entry, "is not refused though nothing was fitted on");
    }
    return static_cast<bool>(reason);
  }

  void wrong(const At& entry, const char* text) const {
    c_.inspect.invalid(Check::null_pattern, entry.path, text);
  }

 private:
  const Case& c_;
  const Record& record_;
};

WindowSums read_window_sums(const Case& c, size_t windows, const At& at) {
  Inspector& inspect = c.inspect;
  WindowSums record;
  if (!inspect.is(at, Kind::object)) return record;
  for (size_t i = 0; i < kSumNames.size(); ++i) {
    record.sums[i] = kv::numbers(inspect, inspect.need(at, kSumNames[i]), windows, kNotNegative);
  }
  const At vacuous = inspect.need(at, "vacuous");
  if (!inspect.is(vacuous, Kind::object)) return record;
  for (size_t i = 0; i < kBounds; ++i) {
    record.vacuous[i] = kv::counted_keys(inspect, inspect.need(vacuous, kBoundNames[i]), windows);
  }
  return record;
}

void read_layer_windows(const Case& c, const Record& record, const At& at, Layer& layer) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return;
  const size_t windows = record.measured.windows.size();
  layer.cases = kv::counted_keys(inspect, inspect.need(at, "cases"), windows);
  layer.trivial = kv::counted_keys(inspect, inspect.need(at, "trivial"), windows);
  const At list = inspect.need(at, "codes");
  const CodeEntries entries(c, record);
  if (!list || !entries.complete(list)) return;
  for (size_t i = 0; i < record.codes.size(); ++i) {
    const At entry = kv::element(list, i);
    const std::optional<bool> refused = entries.refused(entry, record.codes[i]);
    if (!refused) return;
    WindowCode& code = layer.codes.emplace_back();
    code.refused = *refused;
    if (code.refused) continue;
    for (size_t m = 0; m < kMeasurements; ++m) {
      code.of[m] = read_window_sums(c, windows, inspect.need(entry, kMeasurementNames[m]));
    }
    code.repeated = repeats_itself(entry);
  }
}

HeadRecord read_head_record(const Case& c, double cases, const At& at) {
  Inspector& inspect = c.inspect;
  HeadRecord record;
  if (!inspect.is(at, Kind::object)) return record;
  for (size_t i = 0; i < kSumNames.size(); ++i) {
    record.sums.sums[i] = kv::number_at(inspect, at, kSumNames[i], kNotNegative);
  }
  const At vacuous = inspect.need(at, "vacuous");
  if (inspect.is(vacuous, Kind::object)) {
    for (size_t i = 0; i < kBounds; ++i) {
      record.sums.vacuous[i] = kv::count_at(inspect, vacuous, kBoundNames[i]);
    }
  }
  read_stated(c, at, cases, record);
  return record;
}

HeadCode read_head_code(const Case& c, const Code& code, double cases, const At& entry) {
  Inspector& inspect = c.inspect;
  HeadCode of;
  of.key_error = kv::number_at(inspect, entry, "key_error", kNotNegative);
  if (code.values) {
    of.value_error = kv::number_at(inspect, entry, "value_error", kNotNegative);
  } else if (const At more = entry / "value_error") {
    inspect.invalid(Check::null_pattern, more.path, "is there though values aren't coded");
  }
  for (size_t m = 0; m < kMeasurements; ++m) {
    of.of[m] = read_head_record(c, cases, inspect.need(entry, kMeasurementNames[m]));
  }
  of.repeated = repeats_itself(entry);
  return of;
}

Head read_coded_head(const Case& c, const Record& record, const Layer& layer, const At& at) {
  Inspector& inspect = c.inspect;
  Head head;
  if (!inspect.is(at, Kind::object)) return head;
  const auto cases = inspect.integer(inspect.need(at, "cases"), 0, kMaxExactInteger);
  head.trivial = kv::count_at(inspect, at, "trivial");
  head.key_energy = kv::number_at(inspect, at, "key_energy", kNotNegative);
  head.value_energy = kv::number_at(inspect, at, "value_energy", kNotNegative);
  const At list = inspect.need(at, "codes");
  const CodeEntries entries(c, record);
  if (!list || !entries.complete(list) || !cases) return head;
  head.cases = static_cast<double>(*cases);
  for (size_t i = 0; i < record.codes.size(); ++i) {
    const At entry = kv::element(list, i);
    const std::optional<bool> refused = entries.refused(entry, record.codes[i]);
    if (!refused) return head;
    if (*refused != layer.codes[i].refused) {
      entries.wrong(entry, "is refused here and not in per_window, or the other way round");
      return head;
    }
    if (*refused) {
      head.codes.emplace_back().refused = true;
    } else {
      head.codes.push_back(read_head_code(c, record.codes[i], head.cases, entry));
    }
  }
  return head;
}

void read_coded_heads(const Case& c, const Record& record, const At& list, Layer& layer) {
  if (!c.inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != static_cast<size_t>(layer.attention.kv_heads)) {
    c.inspect.invalid(
        Check::array_length, list.path,
        fmt::format("found {} heads, the layer has {} KV heads", found, layer.attention.kv_heads));
    return;
  }
  for (size_t h = 0; h < found && c.inspect.sound(); ++h) {
    layer.heads.push_back(read_coded_head(c, record, layer, kv::element(list, h)));
  }
}

// What of a row of `attention` only kv_distortion states.
void check_own_attention(const Case& c, const At& at, const kv::Attention& attention) {
  Inspector& inspect = c.inspect;
  if (!inspect.sound()) return;
  inspect.integer(inspect.need(at, "value_width"), 1, kv::kMostColumns);
  const At scale = inspect.need(at, "scale");
  const auto stated = inspect.number(scale, kNotNegative);
  if (stated && *stated == 0) inspect.invalid(Check::value_range, scale.path, "is 0");
  if (attention.heads % attention.kv_heads == 0) return;
  inspect.invalid(Check::value_range, at.path + ".kv_heads",
                  fmt::format("{} query heads can't be shared alike by {} KV heads",
                              attention.heads, attention.kv_heads));
}

}  // namespace

void read_layer(const Case& c, const Record& record, const LayerPlaces& places, Layer& layer) {
  layer.attention = kv::read_attention(c, places.attention);
  check_own_attention(c, places.attention, layer.attention);
  read_layer_windows(c, record, places.windows, layer);
  if (c.inspect.sound()) read_coded_heads(c, record, places.heads, layer);
}

}  // namespace rg::verify::distortion
