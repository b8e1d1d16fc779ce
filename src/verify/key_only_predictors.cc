// key_only_router's predictors: which there are, and what each states.
#include <fmt/format.h>

#include <algorithm>

#include "verify/key_only_router.h"

namespace rg::verify::key_only {
namespace {

constexpr std::array kLambdas = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3};

// Whether the features can't be there, whatever is fitted.
bool no_features(const Case& c, int number, const Architecture& of, size_t feature) {
  const std::vector<int>& moe = c.header.moe_layers;
  if (feature == kPrevious) return !moe.empty() && moe.front() == number;
  return feature == kKeysValues && of.latent();
}

void read_grid(Inspector& inspect, const At& list, Entry& entry) {
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != kLambdas.size()) {
    inspect.invalid(Check::array_length, list.path,
                    fmt::format("found {} lambdas, expected {}", found, kLambdas.size()));
    return;
  }
  bool any = false;
  for (size_t i = 0; i < found; ++i) {
    const At at = kv::element(list, i);
    if (!inspect.is(at, Kind::object)) return;
    const At lambda = inspect.need(at, "lambda"), error = inspect.need(at, "error");
    const auto stated = inspect.number(lambda, kNotNegative);
    if (!stated || !error) return;
    if (*stated != kLambdas[i]) {
      inspect.invalid(Check::ranked_list, lambda.path,
                      fmt::format("found {}, expected {}", *stated, kLambdas[i]));
      return;
    }
    Grid& point = entry.grid.emplace_back();
    point.lambda = kLambdas[i];
    if (kv::is_null(error)) continue;
    point.error = inspect.number(error, kNotNegative);
    any = true;
  }
  if (any) return;
  inspect.invalid(Check::null_pattern, list.path, "has no error though lambda was chosen by it");
}

void read_path(const Case& c, const Record& record, const At& list, Entry& entry) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  const auto most = static_cast<size_t>(record.parameters.mlp_epochs) + 1;
  if (found == 0 || found > most) {
    inspect.invalid(Check::array_length, list.path,
                    fmt::format("found {} losses, expected 1 to {}", found, most));
    return;
  }
  for (const auto& loss : kv::numbers(inspect, list, found, kNotNegative)) {
    entry.path.push_back(*loss);
  }
}

void read_hits(Inspector& inspect, const At& list, size_t units, Entry& entry) {
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != kBudgets) {
    inspect.invalid(Check::array_length, list.path,
                    fmt::format("found {} budgets, expected {}", found, kBudgets));
    return;
  }
  for (size_t b = 0; b < kBudgets; ++b) {
    entry.hits[b] = inspect.counts(kv::element(list, b), units, kMaxExactInteger);
  }
}

void read_found(const Case& c, const Record& record, const At& at, Entry& entry) {
  Inspector& inspect = c.inspect;
  const size_t units = record.rows.of_unit.size();
  const auto count = [&](const char* key) {
    return inspect.integer(inspect.need(at, key), 0, kMaxExactInteger).value_or(0);
  };
  const auto counts = [&](const char* key, size_t length) {
    return inspect.counts(inspect.need(at, key), length, kMaxExactInteger);
  };
  entry.width = count("width");
  entry.choosing_common = count("choosing_common");
  entry.common = counts("common", units);
  entry.exact = counts("exact", units);
  entry.top1 = counts("top1", units);
  read_hits(inspect, inspect.need(at, "hits"), units, entry);
  const At mass = inspect.need(at, "mass");
  if (mass && !kv::is_null(mass)) entry.mass = kv::numbers(inspect, mass, units, kNotNegative);
  entry.error = kv::numbers(inspect, inspect.need(at, "error"), units, kNotNegative);
  entry.margin_common = counts("margin_common", kMargins);
  if (entry.model == "ridge") {
    inspect.number(inspect.need(at, "lambda"), kNotNegative);
    read_grid(inspect, inspect.need(at, "grid"), entry);
  } else if (entry.model == "mlp") {
    inspect.integer(inspect.need(at, "best_epoch"), 0, kMaxExactInteger);
    read_path(c, record, inspect.need(at, "path"), entry);
  }
}

// Whether an entry's names are those expected here.
bool named(Inspector& inspect, const At& at, const EntryName& name) {
  bool right = true;
  for (const auto& [key, expected] :
       {std::pair{"features", kFeatureNames[name.feature]}, {"model", name.model}}) {
    const At member = inspect.need(at, key);
    if (!inspect.is(member, Kind::string)) {
      right = false;
    } else if (member.value->string() != expected) {
      inspect.invalid(Check::ranked_list, member.path,
                      fmt::format("found another word, expected {}", expected));
      right = false;
    }
  }
  return right;
}

void check_refusal(Inspector& inspect, const At& at, const At& refused, size_t feature,
                   bool impossible) {
  const auto wrong = [&](const char* text) { inspect.invalid(Check::null_pattern, at.path, text); };
  if (refused) {
    const std::string why = inspect.text(refused);
    if (refused.value->is(Kind::string) && why.empty()) {
      inspect.invalid(Check::value_range, refused.path, "says nothing");
    }
    if (feature == kNone || feature == kToken) wrong("is refused though nothing can be in its way");
  } else if (impossible) {
    wrong("is not refused though this layer has no such features");
  }
}

}  // namespace

std::vector<EntryName> entries_of(const Parameters& parameters) {
  std::vector<EntryName> names = {{kNone, "best_set"}, {kToken, "mean"}};
  for (size_t feature = kPrevious; feature < kFeatures; ++feature) {
    names.push_back({feature, "closed_form"});
    names.push_back({feature, "ridge"});
    if (parameters.mlp_hidden > 0) names.push_back({feature, "mlp"});
  }
  return names;
}

size_t entry_index(const Record& record, size_t feature, const std::string& model) {
  const std::vector<EntryName> names = entries_of(record.parameters);
  const auto found = std::find_if(names.begin(), names.end(), [&](const EntryName& name) {
    return name.feature == feature && model == name.model;
  });
  return static_cast<size_t>(found - names.begin());
}

void read_predictors(const Case& c, const Record& record, int number, const At& list,
                     Layer& layer) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(list, Kind::array)) return;
  const std::vector<EntryName> names = entries_of(record.parameters);
  const size_t found = list.value->array().size();
  if (found != names.size()) {
    inspect.invalid(Check::array_length, list.path,
                    fmt::format("found {} predictors, expected {}", found, names.size()));
    return;
  }
  std::map<size_t, std::string> reasons;  // of features that can't be there
  for (size_t i = 0; i < found; ++i) {
    const At at = kv::element(list, i);
    if (!inspect.is(at, Kind::object) || !named(inspect, at, names[i])) return;
    Entry& entry = layer.predictors.emplace_back();
    entry.feature = names[i].feature;
    entry.model = names[i].model;
    const At refused = at / "refused";
    const bool impossible = no_features(c, number, layer.architecture, entry.feature);
    check_refusal(inspect, at, refused, entry.feature, impossible);
    entry.refused = static_cast<bool>(refused);
    if (!entry.refused) {
      read_found(c, record, at, entry);
    } else if (impossible && refused.value->is(Kind::string)) {
      const std::string& why = refused.value->string();
      if (reasons.try_emplace(entry.feature, why).first->second != why) {
        inspect.invalid(Check::value_range, refused.path, "is another reason than its features'");
      }
    }
  }
}

}  // namespace rg::verify::key_only
