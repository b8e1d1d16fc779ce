#include "verify/frozen_layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace rg::verify {
namespace {

using LayerHashes = std::map<int, std::string>;

LayerHashes read_hashes(const Case& c, const At& at) {
  LayerHashes hashes;
  if (!c.inspect.is(at, Kind::object)) return hashes;
  for (const Member& member : at.value->object().members) {
    const At hash = at / member.key;
    const std::optional<int> layer = c.inspect.layer_key(member.key);
    if (!layer) {
      c.inspect.invalid(Check::layer_arrays, hash.path, "is not a layer in decimal");
      continue;
    }
    check_sha256(c.inspect, hash);
    if (hash.value->is(Kind::string)) hashes[*layer] = hash.value->string();
  }
  return hashes;
}

std::vector<int> layers_in(const LayerHashes& hashes) {
  std::vector<int> layers;
  for (const auto& [layer, hash] : hashes) layers.push_back(layer);
  return layers;
}

void check_frozen(const Case& c, const std::vector<int>& frozen, const LayerHashes& base,
                  const LayerHashes& run, const std::string& path) {
  bool other_changed = false;
  for (const auto& [layer, hash] : base) {
    const bool same = run.at(layer) == hash;
    if (!std::binary_search(frozen.begin(), frozen.end(), layer)) {
      other_changed = other_changed || !same;
    } else if (!same) {
      c.inspect.invalid(Check::frozen_layers, fmt::format("{}.{}", path, layer),
                        "differs from the base's, though the layer is frozen");
    }
  }
  if (other_changed) return;
  c.inspect.invalid(Check::frozen_layers, path,
                    "is the base's in every layer that isn't frozen: nothing was tuned");
}

// Two runs with equal weights are one, which would count twice.
void check_distinct(const Case& c, const std::vector<std::string>& runs,
                    const std::map<std::string, LayerHashes>& hashes, const At& at) {
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (hashes.at(runs[i]) != hashes.at(runs[j])) continue;
      c.inspect.invalid(Check::frozen_layers, (at / runs[i]).path,
                        fmt::format("are those of {}: one run, listed twice", runs[j]));
    }
  }
}

}  // namespace

FrozenSets read_frozen_sets(const Case& c) {
  const At own = c.inspect.need(c.root, "frozen_set");
  const At comparison = c.inspect.need(c.inspect.need(c.root, "baseline"), "frozen_set");
  const FrozenSets frozen{.own = read_layers(c.inspect, own),
                          .comparison = read_layers(c.inspect, comparison)};
  if (!c.inspect.sound()) return frozen;
  if (frozen.own.empty()) c.inspect.invalid(Check::frozen_layers, own.path, "is empty");
  const bool part = std::includes(frozen.own.begin(), frozen.own.end(), frozen.comparison.begin(),
                                  frozen.comparison.end());
  if (!part || frozen.comparison.size() == frozen.own.size()) {
    c.inspect.invalid(Check::frozen_layers, comparison.path,
                      "does not freeze fewer layers of `frozen_set`");
  }
  return frozen;
}

void check_layer_hashes(const Case& c, const FrozenSets& frozen,
                        const std::vector<std::string>& tuned,
                        const std::vector<std::string>& compared) {
  const At at = c.inspect.need(c.root, "layer_hashes");
  if (!c.inspect.is(at, Kind::object)) return;
  std::map<std::string, LayerHashes> hashes;
  const std::vector<std::string>& known = c.header.family.checkpoints;
  for (const Member& member : at.value->object().members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    c.inspect.invalid(Check::family_arrays, (at / member.key).path,
                      "is not a checkpoint of the family");
  }
  for (const std::string& checkpoint : known) {
    const At of = at / checkpoint;
    if (of) {
      hashes[checkpoint] = read_hashes(c, of);
    } else {
      c.inspect.invalid(Check::family_arrays, of.path, "is missing though the family names it");
    }
  }
  if (!c.inspect.sound()) return;

  const LayerHashes& base = hashes[c.header.family.base()];
  const std::vector<int> layers = layers_in(base);
  if (!std::includes(layers.begin(), layers.end(), frozen.own.begin(), frozen.own.end())) {
    c.inspect.invalid(Check::layer_arrays, (at / c.header.family.base()).path,
                      "lacks a layer of `frozen_set`");
  }
  for (const auto& [checkpoint, of] : hashes) {
    if (layers_in(of) == layers) continue;
    c.inspect.invalid(Check::layer_arrays, (at / checkpoint).path,
                      "lists other layers than the base's");
  }
  if (!c.inspect.sound()) return;
  for (const auto& [runs, set] :
       {std::pair{&tuned, &frozen.own}, std::pair{&compared, &frozen.comparison}}) {
    for (const std::string& run : *runs) {
      check_frozen(c, *set, base, hashes.at(run), (at / run).path);
    }
  }
  std::vector<std::string> runs = tuned;
  runs.insert(runs.end(), compared.begin(), compared.end());
  check_distinct(c, runs, hashes, at);
}

}  // namespace rg::verify
