#include "verify/intervention_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr std::array<std::string_view, 3> kActionWords = {"masked", "forced", "scaled"};

void misstated(const Case& c, const std::string& path, const std::string& text) {
  c.inspect.invalid(Check::intervention_stated, path, text);
}

// An object of these members and no other.
bool has_exactly(const Value& value, std::initializer_list<std::string_view> keys) {
  return value.is(Kind::object) && value.object().members.size() == keys.size() &&
         std::all_of(keys.begin(), keys.end(),
                     [&](std::string_view key) { return value.find(key) != nullptr; });
}

bool is_fp32_factor(const Value& value) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return value.is_number() && value.number() >= -kLargest && value.number() <= kLargest;
}

bool is_sha256(const Value& value) {
  return value.is(Kind::string) && value.string().size() == 64 &&
         value.string().find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Imposed routes, by their digests; null: the gate weighs them.
bool is_imposition(const Value& action) {
  if (!has_exactly(action, {"impose"})) return false;
  const Value& routes = *action.find("impose");
  if (!has_exactly(routes, {"ids_sha256", "weights_sha256"})) return false;
  const Value& weights = *routes.find("weights_sha256");
  return is_sha256(*routes.find("ids_sha256")) && (weights.is(Kind::null) || is_sha256(weights));
}

std::optional<ExpertAction> action_of(const Value& value) {
  if (value.is(Kind::string) && value.string() == "mask") return ExpertAction::mask;
  if (value.is(Kind::string) && value.string() == "force") return ExpertAction::force;
  if (has_exactly(value, {"scale"}) && is_fp32_factor(*value.find("scale"))) {
    return ExpertAction::scale;
  }
  return std::nullopt;
}

std::optional<InterventionRow> read_intervention_row(const Case& c, const At& row) {
  const bool of_layer = has_exactly(*row.value, {"layer", "action"});
  if (!of_layer && !has_exactly(*row.value, {"layer", "expert", "action"})) {
    misstated(c, row.path, "is not an object of layer, expert and action");
    return std::nullopt;
  }
  const Value& layer = *row.value->find("layer");
  const std::vector<int>& gates = c.header.moe_layers;
  if (!layer.is(Kind::integer) ||
      std::find(gates.begin(), gates.end(), layer.integer()) == gates.end()) {
    misstated(c, row.path + ".layer", "is not a layer that has a gate");
    return std::nullopt;
  }
  if (of_layer) {
    if (is_imposition(*row.value->find("action"))) {
      return InterventionRow{static_cast<int>(layer.integer()), 0, ExpertAction::impose};
    }
    misstated(c, row.path + ".action", "is not imposed routes by SHA-256 of their ids and weights");
    return std::nullopt;
  }
  const Value& expert = *row.value->find("expert");
  if (!expert.is(Kind::integer) || expert.integer() < 0 || expert.integer() >= c.header.experts) {
    misstated(c, row.path + ".expert",
              fmt::format("is not an expert from 0 to {}", c.header.experts - 1));
    return std::nullopt;
  }
  const std::optional<ExpertAction> action = action_of(*row.value->find("action"));
  if (!action) {
    misstated(c, row.path + ".action", "is not mask, force or a scale within fp32");
    return std::nullopt;
  }
  return InterventionRow{static_cast<int>(layer.integer()), static_cast<int>(expert.integer()),
                         *action};
}

// The gate must be left a choice, and the forced must have room in it.
void check_feasible(const Case& c, const std::string& path,
                    const std::vector<InterventionRow>& rows) {
  std::map<int, std::set<int>> masked;
  std::map<int, size_t> forced;
  for (size_t i = 0; i < rows.size(); ++i) {
    const InterventionRow& row = rows[i];
    const std::string at = fmt::format("{}[{}]", path, i);
    if (row.action == ExpertAction::impose) {
      if (masked[row.layer].empty() && forced[row.layer] == 0) continue;
      misstated(c, at, "imposes routes where experts are masked or forced");
      return;
    }
    if (row.action == ExpertAction::mask) {
      masked[row.layer].insert(row.expert);
      if (masked[row.layer].size() + c.header.topk > c.header.experts) {
        misstated(c, at, fmt::format("leaves layer {} fewer than k experts", row.layer));
        return;
      }
    } else if (masked[row.layer].contains(row.expert)) {
      misstated(c, at, "is of an expert that is masked");
      return;
    } else if (row.action == ExpertAction::force && ++forced[row.layer] > c.header.topk) {
      misstated(c, at, fmt::format("forces more than k experts at layer {}", row.layer));
      return;
    }
  }
}

}  // namespace

std::vector<InterventionRow> read_intervention(const Case& c) {
  const At stated = c.inspect.need(c.root, "intervention");
  const At settings = c.root / "settings";
  const At run_with = c.inspect.need(settings, "intervention");
  if (!stated || !run_with) return {};
  if (value_digest(*stated.value) != value_digest(*run_with.value)) {
    misstated(c, stated.path, "is not the intervention of `settings`");
    return {};
  }
  const At list = stated / "interventions";
  if (!has_exactly(*stated.value, {"interventions"}) || !list.value->is(Kind::array)) {
    misstated(c, stated.path, "is not an object of a list, interventions");
    return {};
  }
  std::vector<InterventionRow> rows;
  const Array& values = list.value->array();
  for (size_t i = 0; i < values.size(); ++i) {
    const At at{&values[i], fmt::format("{}[{}]", list.path, i)};
    const std::optional<InterventionRow> row = read_intervention_row(c, at);
    if (!row) return {};
    const auto key = [](const InterventionRow& r) {
      return std::tuple(r.layer, r.action, r.expert);
    };
    if (!rows.empty() && key(rows.back()) >= key(*row)) {
      misstated(c, at.path,
                "breaks the order: layer, then masked, forced, scaled, imposed, then expert");
      return {};
    }
    rows.push_back(*row);
  }
  check_feasible(c, list.path, rows);
  return rows;
}

std::string describe_intervention(const std::vector<InterventionRow>& rows) {
  std::vector<std::string> parts;
  for (size_t a = 0; a < kActionWords.size(); ++a) {
    size_t experts = 0;
    std::set<int> layers;
    for (const InterventionRow& row : rows) {
      if (row.action != static_cast<ExpertAction>(a)) continue;
      ++experts;
      layers.insert(row.layer);
    }
    if (experts == 0) continue;
    const std::vector<int> at(layers.begin(), layers.end());
    parts.push_back(fmt::format(
        "{} {} at {}", parts.empty() ? counted(experts, "expert") : std::to_string(experts),
        kActionWords[a], at_layers(at)));
  }
  const auto imposed =
      static_cast<uint64_t>(std::count_if(rows.begin(), rows.end(), [](const InterventionRow& row) {
        return row.action == ExpertAction::impose;
      }));
  if (imposed > 0) parts.push_back("routes imposed at " + counted(imposed, "layer"));
  if (parts.empty()) return "no expert masked, forced or scaled";
  std::string text = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) {
    text += (i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return text;
}

}  // namespace rg::verify
