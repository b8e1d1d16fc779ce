// theorem_slack's arrays: the theorems, what is stated of the layers, and who has cases.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "verify/theorem_slack.h"

namespace rg::verify::slack {
namespace {

constexpr int64_t kMostColumns = 1 << 20;  // and heads

using Names = std::vector<std::string>;

// An object with exactly these members.
bool has_members(const Case& c, const At& at, const Names& names, Check check,
                 const std::string& stranger) {
  if (!c.inspect.is(at, Kind::object)) return false;
  const std::set<std::string> expected(names.begin(), names.end());
  bool all = true;
  for (const Member& member : at.value->object().members) {
    if (expected.contains(member.key)) continue;
    c.inspect.invalid(check, (at / member.key).path, stranger);
    all = false;
  }
  for (const std::string& name : names) {
    if (at / name) continue;
    c.inspect.invalid(check, (at / name).path, "is missing");
    all = false;
  }
  return all;
}

bool has_layers(const Case& c, const At& at, const std::vector<int>& layers, const char* stranger) {
  Names names;
  for (const int layer : layers) names.push_back(std::to_string(layer));
  return has_members(c, at, names, Check::layer_arrays, stranger);
}

void check_reason(const Case& c, const At& at) {
  if (!c.inspect.is(at, Kind::string) || !at.value->string().empty()) return;
  c.inspect.invalid(Check::value_range, at.path, "says nothing");
}

void check_quantity(const Case& c, const At& at, const Quantity& quantity) {
  if (!c.inspect.is(at, Kind::object)) return;
  const auto check = [&](const char* key, std::string_view expected) {
    const At member = c.inspect.need(at, key);
    if (!c.inspect.is(member, Kind::string) || member.value->string() == expected) return;
    c.inspect.invalid(Check::theorem_list, member.path,
                      fmt::format("found {}, expected {}", member.value->string(), expected));
  };
  check("name", quantity.name);
  check("relation", relation_text(quantity.relation));
  check("unit", unit_text(quantity.unit));
}

// `theorems` and `no_check` are the catalogue's.
void check_theorems(const Case& c) {
  Names checked;
  for (const Theorem& theorem : checked_theorems()) checked.emplace_back(theorem.id);
  const At theorems = c.inspect.need(c.root, "theorems");
  if (has_members(c, theorems, checked, Check::theorem_list, "is no theorem with a check")) {
    for (const Theorem& theorem : checked_theorems()) {
      const At list = theorems / theorem.id;
      if (!c.inspect.is(list, Kind::array)) continue;
      if (list.value->array().size() != theorem.quantities.size()) {
        c.inspect.invalid(Check::theorem_list, list.path,
                          fmt::format("holds {} quantities, expected {}",
                                      list.value->array().size(), theorem.quantities.size()));
        continue;
      }
      for (size_t i = 0; i < theorem.quantities.size(); ++i) {
        check_quantity(c, {&list.value->array()[i], fmt::format("{}[{}]", list.path, i)},
                       theorem.quantities[i]);
      }
    }
  }
  const Names unchecked(unchecked_theorems().begin(), unchecked_theorems().end());
  const At others = c.inspect.need(c.root, "no_check");
  if (!has_members(c, others, unchecked, Check::theorem_list, "is no theorem without a check")) {
    return;
  }
  for (const std::string& id : unchecked) check_reason(c, others / id);
}

// The layers that have keys: all but those of `without_keys`.
std::vector<int> read_keyed(const Case& c) {
  std::vector<int> keyed = c.header.layers;
  const At without = c.inspect.need(c.root, "without_keys");
  if (!c.inspect.is(without, Kind::object)) return keyed;
  for (const Member& member : without.value->object().members) {
    const At at = without / member.key;
    const std::optional<int> layer = c.inspect.layer_key(member.key);
    if (!layer || std::erase(keyed, *layer) == 0) {
      c.inspect.invalid(Check::layer_arrays, at.path, "is not a layer of `layers` in decimal");
    }
    check_reason(c, at);
  }
  return keyed;
}

void read_attention(const Case& c, const At& at, LayerFacts& facts) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return;
  const auto count = [&](const char* key, int64_t lo, int64_t hi) {
    return inspect.integer(inspect.need(at, key), lo, hi).value_or(hi);
  };
  facts.keys = true;
  inspect.text(inspect.need(at, "mixer"));
  facts.heads = count("heads", 1, kMostColumns);
  facts.kv_heads = count("kv_heads", 1, facts.heads);
  if (inspect.sound() && facts.heads % facts.kv_heads != 0) {
    inspect.invalid(Check::value_range, at.path + ".kv_heads", "does not divide `heads`");
  }
  facts.width = count("key_width", 1, kMostColumns);
  count("value_width", 1, kMostColumns);
  facts.planes = count("planes", 0, facts.width / 2);
  inspect.boolean(inspect.need(at, "latent"));
  const At steps = inspect.need(at, "steps");
  if (!inspect.is(steps, Kind::string)) return;
  facts.normed = steps.value->string() == "normed";
  if (facts.normed || steps.value->string() == "scored") return;
  inspect.invalid(Check::value_range, steps.path,
                  fmt::format("found {}, expected normed or scored", steps.value->string()));
}

// The gate of a layer is the one that `gate_semantics` describes.
void read_slack_gate(const Case& c, const At& at, LayerFacts& facts) {
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::object)) return;
  const auto same = [&](const char* key, int64_t expected) {
    const At member = inspect.need(at, key);
    const auto found = inspect.integer(member, 1, kMostColumns);
    if (found && *found != expected) {
      inspect.invalid(Check::gate_semantics, member.path,
                      fmt::format("found {}, the gate has {}", *found, expected));
    }
    return found.value_or(expected);
  };
  const auto flag = [&](const char* key) {
    return inspect.boolean(inspect.need(at, key)).value_or(false);
  };
  facts.experts = same("experts", c.header.experts);
  facts.topk = same("topk", c.header.topk);
  facts.plain = flag("plain");
  facts.full_softmax = flag("full_softmax");
  facts.logit_bias = flag("logit_bias");
  facts.finite = flag("finite");
  const At gate = c.root / "gate_semantics";
  const auto says = [&](const char* key) {
    const At member = gate / key;
    return member && member.value->is(Kind::boolean) && member.value->boolean();
  };
  if (facts.plain && (says("selection_bias") || c.header.groups > 1)) {
    inspect.invalid(Check::gate_semantics, at.path + ".plain",
                    "is true though the gate has groups or a selection bias");
  }
  if (inspect.sound() && facts.logit_bias != says("logit_bias")) {
    inspect.invalid(Check::gate_semantics, at.path + ".logit_bias",
                    "is not what the gate profile says");
  }
}

// Theorems with cases and those without are the ones that the layer's facts give.
void read_layer(const Case& c, const Record& record, int number, Layer& layer) {
  const std::string key = std::to_string(number);
  Names with, without;
  for (const Theorem& theorem : checked_theorems()) {
    const bool may = applies(theorem.id, layer.facts, record.sample);
    (may ? with : without).emplace_back(theorem.id);
  }
  const At reasons = (c.root / "not_applicable") / key;
  if (has_members(c, reasons, without, Check::theorem_list, "applies to this layer")) {
    for (const std::string& id : without) check_reason(c, reasons / id);
  }
  const At cases = (c.root / "cases") / key;
  if (!has_members(c, cases, with, Check::theorem_list, "does not apply to this layer")) return;
  for (const Theorem& theorem : checked_theorems()) {
    layer.theorems.emplace_back();
    const At list = cases / theorem.id;
    if (!list || !c.inspect.is(list, Kind::array)) continue;
    if (list.value->array().size() != theorem.quantities.size()) {
      c.inspect.invalid(Check::theorem_list, list.path,
                        fmt::format("holds {} quantities, expected {}", list.value->array().size(),
                                    theorem.quantities.size()));
      continue;
    }
    for (size_t i = 0; i < theorem.quantities.size(); ++i) {
      layer.theorems.back().push_back(
          read_cases(c, record, layer.facts, theorem.quantities[i],
                     {&list.value->array()[i], path_of(number, theorem.id, i)}));
    }
  }
}

void read_facts(const Case& c, Record& record) {
  const std::vector<int> keyed = read_keyed(c);
  if (!c.inspect.sound()) return;  // what follows would only repeat it
  const At attention = c.inspect.need(c.root, "attention");
  const At gates = c.inspect.need(c.root, "gates");
  const bool stated = has_layers(c, attention, keyed, "is not a layer that has keys, in decimal");
  const bool gated = has_layers(c, gates, c.header.layers, "is not a layer of `layers` in decimal");
  if (!stated || !gated) return;
  for (const int number : c.header.layers) {
    const std::string key = std::to_string(number);
    LayerFacts& facts = record.layers[number].facts;
    if (std::binary_search(keyed.begin(), keyed.end(), number)) {
      read_attention(c, attention / key, facts);
    }
    read_slack_gate(c, gates / key, facts);
  }
}

}  // namespace

bool applies(std::string_view id, const LayerFacts& facts, const Sample& sample) {
  const std::string_view family = id.substr(0, id.find('-'));
  if (family == "RG") {
    if (!facts.finite) return false;
    if (id == "RG-2") return true;
    if (facts.topk == facts.experts) return false;
    if (id == "RG-10") return true;
    if (!facts.plain) return false;
    if (id == "RG-6" || id == "RG-11") return !facts.logit_bias;
    return id != "RG-9" || facts.full_softmax;
  }
  if (!facts.keys) return false;
  if (family == "KR" && !facts.finite) return false;
  if (id == "KR-9") return sample.rows() > facts.width + 1;
  if (id == "IF-6") return facts.width >= 8;
  if ((family == "RC" || id == "DC-2") && facts.planes == 0) return false;
  if (id == "DC-2" || id == "RC-4" || id == "RC-8") return facts.normed;
  return id != "RC-2" || facts.planes > 1;
}

std::string path_of(int layer, std::string_view id, size_t quantity) {
  return fmt::format("cases.{}.{}[{}]", layer, id, quantity);
}

const Cases* Layer::find(std::string_view id, std::string_view name) const {
  for (size_t t = 0; t < theorems.size(); ++t) {
    const Theorem& theorem = checked_theorems()[t];
    if (theorem.id != id) continue;
    for (size_t i = 0; i < theorems[t].size(); ++i) {
      if (theorem.quantities[i].name == name) return &theorems[t][i];
    }
  }
  return nullptr;
}

Record read_record(const Case& c) {
  Record record;
  if (!c.header.required_by_verifier && c.header.required != c.header.layers) {
    c.inspect.invalid(Check::required_layers, "verification.required_layers",
                      "is not `layers`: every layer counts");
  }
  record.sample = read_sample(c);
  check_theorems(c);
  read_facts(c, record);
  const At reasons = c.inspect.need(c.root, "not_applicable");
  const At cases = c.inspect.need(c.root, "cases");
  const char* stranger = "is not a layer of `layers` in decimal";
  const bool explained = has_layers(c, reasons, c.header.layers, stranger);
  const bool measured = has_layers(c, cases, c.header.layers, stranger);
  if (!explained || !measured || !c.inspect.sound()) return record;
  for (auto& [number, layer] : record.layers) read_layer(c, record, number, layer);
  if (!c.inspect.sound()) return record;
  for (const auto& [number, layer] : record.layers) check_layer(c, record.sample, number, layer);
  return record;
}

}  // namespace rg::verify::slack
