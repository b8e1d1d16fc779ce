#include "verify/inspector.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rg::verify {
namespace {

constexpr size_t kMaxReasons = 40;
constexpr size_t kMaxWarnings = 40;

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::real:
      return "a number";
    case Kind::string:
      return "text";
    case Kind::array:
      return "an array";
    case Kind::object:
      return "an object";
  }
  return "nothing";
}

std::string show(double value) { return fmt::format("{}", value); }

}  // namespace

At At::operator/(std::string_view key) const {
  At member;
  member.path = path.empty() ? std::string(key) : path + '.' + std::string(key);
  if (value != nullptr) member.value = value->find(key);
  return member;
}

void Inspector::record(Reason reason) {
  // A long list is cut, but every check that fired is named once.
  const bool named = std::any_of(judgement_.reasons.begin(), judgement_.reasons.end(),
                                 [&](const Reason& r) { return r.check == reason.check; });
  if (named && judgement_.reasons.size() >= kMaxReasons) return;
  judgement_.reasons.push_back(std::move(reason));
}

void Inspector::invalid(Check check, const std::string& path, const std::string& text) {
  ++defects_;
  record({std::string(error_name(check_error(check))), std::string(check_name(check)), path, text});
}

void Inspector::adopt(Reason reason) {
  if (!reason.check.empty()) ++defects_;
  record(std::move(reason));
}

void Inspector::warn(const std::string& text) {
  if (judgement_.warnings.size() < kMaxWarnings) judgement_.warnings.push_back(text);
}

At Inspector::need(const At& parent, std::string_view key) {
  At member = parent / key;
  if (parent && !member) invalid(Check::member_present, member.path, "is missing");
  return member;
}

bool Inspector::is(const At& at, Kind kind) {
  if (!at) return false;
  if (at.value->is(kind)) return true;
  invalid(Check::value_kind, at.path,
          fmt::format("found {}, expected {}", kind_name(at.value->kind()), kind_name(kind)));
  return false;
}

std::optional<int64_t> Inspector::integer(const At& at, int64_t lo, int64_t hi) {
  if (!at) return std::nullopt;
  if (!at.value->is(Kind::integer)) {
    invalid(Check::value_kind, at.path,
            fmt::format("found {}, expected an integer", kind_name(at.value->kind())));
    return std::nullopt;
  }
  const int64_t value = at.value->integer();
  if (value < lo || value > hi) {
    invalid(Check::value_range, at.path, fmt::format("found {}, expected {} to {}", value, lo, hi));
    return std::nullopt;
  }
  return value;
}

bool Inspector::check_element(const Value& value, size_t index, const std::string& path,
                              Range range) {
  const auto place = [&] { return index == SIZE_MAX ? path : fmt::format("{}[{}]", path, index); };
  if (!value.is_number()) {
    invalid(Check::value_kind, place(),
            fmt::format("found {}, expected a number", kind_name(value.kind())));
    return false;
  }
  if (value.minus_zero()) {
    invalid(Check::plain_number, place(), "found -0, expected 0");
    return false;
  }
  const double number = value.number();
  if (value.large_integer() || (value.is(Kind::integer) && (value.integer() > kMaxExactInteger ||
                                                            value.integer() < -kMaxExactInteger))) {
    invalid(Check::plain_number, place(), "found an integer beyond 2^53");
    return false;
  }
  if (!(number >= range.lo && number <= range.hi)) {
    const std::string expected =
        range.hi >= kUnbounded
            ? (range.lo <= -kUnbounded ? std::string("a finite number of plausible size")
                                       : fmt::format("at least {}", range.lo))
            : fmt::format("{} to {}", range.lo, range.hi);
    invalid(Check::value_range, place(),
            fmt::format("found {}, expected {}", show(number), expected));
    return false;
  }
  return true;
}

std::optional<double> Inspector::number(const At& at, Range range) {
  if (!at || !check_element(*at.value, SIZE_MAX, at.path, range)) return std::nullopt;
  return at.value->number();
}

std::optional<bool> Inspector::boolean(const At& at) {
  if (!is(at, Kind::boolean)) return std::nullopt;
  return at.value->boolean();
}

std::string Inspector::text(const At& at) {
  return is(at, Kind::string) ? at.value->string() : std::string();
}

std::optional<Interval> Inspector::interval(const At& at) {
  if (!is(at, Kind::array)) return std::nullopt;
  const Array& ends = at.value->array();
  if (ends.size() != 2) {
    invalid(Check::value_kind, at.path,
            fmt::format("found {} ends, expected an interval of two", ends.size()));
    return std::nullopt;
  }
  for (size_t i = 0; i < 2; ++i) {
    if (!check_element(ends[i], i, at.path, kAnyNumber)) return std::nullopt;
  }
  const Interval interval{ends[0].number(), ends[1].number()};
  if (interval.lo > interval.hi) {
    invalid(Check::interval_order, at.path,
            fmt::format("found [{}, {}], expected the lower end first", show(interval.lo),
                        show(interval.hi)));
    return std::nullopt;
  }
  return interval;
}

Windows Inspector::windows(const At& at, size_t length, Range range) {
  Windows result(length);
  if (!is(at, Kind::array)) return result;
  const Array& values = at.value->array();
  if (values.size() != length) {
    invalid(Check::array_length, at.path,
            fmt::format("found {} values, expected n_windows = {}", values.size(), length));
    return result;
  }
  bool has_null = false;
  for (size_t w = 0; w < length; ++w) {
    if (values[w].is(Kind::null)) {
      has_null = true;
    } else if (check_element(values[w], w, at.path, range)) {
      result[w] = values[w].number();
    } else {
      break;  // one reason per array
    }
  }
  if (has_null) arrays_with_null_.push_back(at.path);
  return result;
}

LayerWindows Inspector::layer_counts(const At& at, const std::vector<int>& layers, size_t length,
                                     int64_t largest) {
  const LayerWindows result = layer_windows(at, layers, length, {0, static_cast<double>(largest)});
  for (const auto& [layer, values] : result) {
    const Value* stored = at ? at.value->find(std::to_string(layer)) : nullptr;
    if (stored == nullptr || !stored->is(Kind::array)) continue;
    for (size_t w = 0; w < stored->array().size(); ++w) {
      if (stored->array()[w].is(Kind::integer)) continue;
      if (stored->array()[w].is_number() || stored->array()[w].is(Kind::null)) {
        invalid(Check::value_kind, fmt::format("{}.{}[{}]", at.path, layer, w),
                fmt::format("found {}, expected an integer", kind_name(stored->array()[w].kind())));
      }
      break;
    }
  }
  return result;
}

std::vector<int64_t> Inspector::counts(const At& at, size_t length, int64_t largest) {
  std::vector<int64_t> result;
  if (!is(at, Kind::array)) return result;
  const Array& values = at.value->array();
  if (values.size() != length) {
    invalid(Check::array_length, at.path,
            fmt::format("found {} values, expected {}", values.size(), length));
    return result;
  }
  for (size_t i = 0; i < length; ++i) {
    const std::string place = at.path + '[' + std::to_string(i) + ']';
    if (!integer({&values[i], place}, 0, largest)) return {};
    result.push_back(values[i].integer());
  }
  return result;
}

std::optional<int> Inspector::layer_key(std::string_view key) {
  int layer = -1;
  const auto end = std::from_chars(key.data(), key.data() + key.size(), layer);
  const bool whole = end.ec == std::errc() && end.ptr == key.data() + key.size();
  if (!whole || layer < 0 || std::to_string(layer) != key) return std::nullopt;
  return layer;
}

LayerWindows Inspector::layer_windows(const At& at, const std::vector<int>& layers, size_t length,
                                      Range range) {
  LayerWindows result;
  for (const int layer : layers) result[layer] = Windows(length);
  if (!is(at, Kind::object)) return result;
  for (const Member& member : at.value->object().members) {
    const std::optional<int> layer = layer_key(member.key);
    if (!layer || !result.contains(*layer)) {
      invalid(Check::layer_arrays, (at / member.key).path, "is not a layer of `layers` in decimal");
    }
  }
  for (const int layer : layers) {
    const At array = at / std::to_string(layer);
    if (!array) {
      invalid(Check::layer_arrays, array.path, "is missing though `layers` names it");
      continue;
    }
    result[layer] = windows(array, length, range);
  }
  return result;
}

}  // namespace rg::verify
