#include "verify/family_arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rg::verify {
namespace {

constexpr double kDifferenceTolerance = 1e-12;

void check_defined_everywhere(const Case& c, const At& array) {
  if (!array.value->is(Kind::array)) return;
  const Array& values = array.value->array();
  const auto found = std::find_if(values.begin(), values.end(),
                                  [](const Value& value) { return value.is(Kind::null); });
  if (found == values.end()) return;
  c.inspect.invalid(Check::null_pattern, fmt::format("{}[{}]", array.path, found - values.begin()),
                    "is null, though every window has positions");
}

}  // namespace

void check_domains(const Case& c) {
  const At per_window = c.inspect.need(c.root, "per_window");
  if (!c.inspect.is(per_window, Kind::object)) return;
  const std::vector<DomainWindows>& domains = c.header.family.domains;
  for (const Member& member : per_window.value->object().members) {
    const bool known = std::any_of(domains.begin(), domains.end(),
                                   [&](const DomainWindows& d) { return d.name == member.key; });
    if (known) continue;
    c.inspect.invalid(Check::family_arrays, (per_window / member.key).path,
                      "is not one of `domains`");
  }
  for (const DomainWindows& domain : domains) {
    const At at = per_window / domain.name;
    if (!at) {
      c.inspect.invalid(Check::family_arrays, at.path, "is missing though `domains` names it");
    }
  }
}

CheckpointWindows read_checkpoints(const Case& c, const DomainWindows& domain, const char* name,
                                   Range range) {
  CheckpointWindows result;
  const Family& family = c.header.family;
  for (const std::string& checkpoint : family.checkpoints) {
    result[checkpoint] = Windows(domain.n_windows, 0.0);
  }
  const At at = c.inspect.need((c.root / "per_window") / domain.name, name);
  if (!c.inspect.is(at, Kind::object)) return result;
  for (const Member& member : at.value->object().members) {
    if (result.contains(member.key)) continue;
    c.inspect.invalid(Check::family_arrays, (at / member.key).path,
                      "is not a checkpoint of the family");
  }
  for (auto& [checkpoint, values] : result) {
    const At array = at / checkpoint;
    if (!array && !c.header.full && checkpoint == family.base()) continue;
    if (!array) {
      c.inspect.invalid(Check::family_arrays, array.path, "is missing though the family names it");
      continue;
    }
    values = c.inspect.windows(array, domain.n_windows, range);
    check_defined_everywhere(c, array);
  }
  return result;
}

void check_base_is_zero(const Case& c, const DomainWindows& domain, const char* name,
                        const CheckpointWindows& values) {
  const std::string& base = c.header.family.base();
  const Windows& own = values.at(base);
  const auto found =
      std::find_if(own.begin(), own.end(), [](const auto& value) { return value != 0.0; });
  if (found == own.end()) return;
  c.inspect.invalid(
      Check::value_range,
      fmt::format("per_window.{}.{}.{}[{}]", domain.name, name, base, found - own.begin()),
      "is not 0, though this is the base itself");
}

void check_difference(const Case& c, const std::string& path, const Windows& values,
                      const Windows& minuend, const Windows& subtrahend) {
  for (size_t w = 0; w < values.size(); ++w) {
    const double a = minuend[w].value_or(0);
    const double b = subtrahend[w].value_or(0);
    const double scale = std::max({1.0, std::abs(a), std::abs(b)});
    const double found = values[w].value_or(0);
    if (std::abs(found - (a - b)) <= kDifferenceTolerance * scale) continue;
    c.inspect.invalid(Check::share_total, fmt::format("{}[{}]", path, w),
                      fmt::format("found {}, its terms give {}", found, a - b));
    return;
  }
}

std::vector<Windows> edge_differences(const Family& family, const CheckpointWindows& values) {
  std::vector<Windows> differences;
  for (const FamilyEdge& edge : family.edges) {
    differences.push_back(difference(values.at(edge.to), values.at(edge.from)));
  }
  return differences;
}

}  // namespace rg::verify
