// What an intervention may say of a model: each refusal names the layer and the numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "stream/intervention.h"

namespace rg::stream {
namespace {

bool lists(std::span<const int32_t> experts, int32_t expert) {
  return std::find(experts.begin(), experts.end(), expert) != experts.end();
}

// Checks one layer; a refusal names the place.
class LayerCheck {
 public:
  LayerCheck(const std::string& source, int layer, const gate::GateSpec& spec)
      : source_(source), layer_(layer), spec_(spec) {}

  void check(const LayerIntervention& how) const {
    check_experts(how.masked, "masked");
    check_experts(how.forced, "forced");
    std::vector<int32_t> scaled;
    for (const ExpertScale& scale : how.scaled) {
      scaled.push_back(scale.expert);
      if (!std::isfinite(scale.factor)) {
        throw refusal(fmt::format("expert {} scaled by {}", scale.expert, scale.factor),
                      "a finite factor");
      }
    }
    check_experts(scaled, "scaled");
    for (const int32_t expert : how.masked) {
      if (!lists(how.forced, expert) && !lists(scaled, expert)) continue;
      throw refusal(fmt::format("expert {} masked and also forced or scaled", expert),
                    "one or the other: a masked expert is never selected");
    }
    const uint32_t left = fewest_eligible(how.masked), k = spec_.top_k;
    if (left < k) {
      throw refusal(fmt::format("{} masked, which can leave a token {} to choose from",
                                how.masked.size(), left),
                    fmt::format("at least k = {}", k));
    }
    if (how.forced.size() > k) {
      throw refusal(fmt::format("{} forced", how.forced.size()), fmt::format("at most k = {}", k));
    }
    if (!how.imposed_ids.empty() && !(how.masked.empty() && how.forced.empty())) {
      throw refusal("routes imposed, and experts masked or forced", "one or the other");
    }
  }

  void check_routes(const LayerIntervention& how, uint64_t rows) const {
    const size_t k = spec_.top_k;
    if (!how.imposed_weights.empty() && how.imposed_weights.size() != how.imposed_ids.size()) {
      throw refusal(fmt::format("{} weights imposed on {} ids", how.imposed_weights.size(),
                                how.imposed_ids.size()),
                    "one for each id");
    }
    if (how.imposed_ids.empty()) return;
    if (how.imposed_ids.size() != rows * k) {
      throw refusal(fmt::format("{} ids imposed", how.imposed_ids.size()),
                    fmt::format("{} rows of k = {}", rows, k));
    }
    for (uint64_t row = 0; row < rows; ++row) {
      const auto ids = how.imposed_ids.subspan(row * k, k);
      for (size_t i = 0; i < k; ++i) {
        if (exists(ids[i]) && !lists(ids.first(i), ids[i])) continue;
        throw refusal(fmt::format("expert {} at rank {} of row {}", ids[i], i, row),
                      fmt::format("distinct experts from 0 to {}", spec_.experts.value - 1));
      }
    }
  }

 private:
  bool exists(int32_t expert) const {
    return expert >= 0 && expert < static_cast<int32_t>(spec_.experts.value);
  }
  Error refusal(std::string found, std::string expected) const {
    return Error(ErrorId::US001, {.file = source_,
                                  .object = fmt::format("layer {}", layer_),
                                  .found = std::move(found),
                                  .expected = std::move(expected)});
  }
  void check_experts(const std::vector<int32_t>& experts, const char* action) const {
    std::set<int32_t> seen;
    for (const int32_t expert : experts) {
      if (!exists(expert)) {
        throw refusal(fmt::format("expert {} {}", expert, action),
                      fmt::format("experts from 0 to {}", spec_.experts.value - 1));
      }
      if (!seen.insert(expert).second) {
        throw refusal(fmt::format("expert {} {} twice", expert, action), "each once");
      }
    }
  }
  // Experts that a token can choose from where the gate keeps the groups with the fewest left.
  uint32_t fewest_eligible(const std::vector<int32_t>& masked) const {
    const uint32_t size = spec_.experts / spec_.groups;
    std::vector<uint32_t> left(spec_.groups, size);
    for (const int32_t expert : masked) --left[static_cast<uint32_t>(expert) / size];
    std::erase(left, 0u);  // never kept
    std::sort(left.begin(), left.end());
    uint32_t eligible = 0;
    for (size_t g = 0; g < std::min<size_t>(left.size(), spec_.groups_kept); ++g) {
      eligible += left[g];
    }
    return eligible;
  }

  const std::string& source_;
  int layer_;
  const gate::GateSpec& spec_;
};

void require_keys_fit(const Intervention& intervention, const model::Model& model) {
  const auto refuse = [&](int layer, std::string found, std::string expected) {
    throw Error(ErrorId::US001, {.file = intervention.source,
                                 .object = fmt::format("layer {}", layer),
                                 .found = std::move(found),
                                 .expected = std::move(expected)});
  };
  const auto layers = static_cast<int>(model.layers.size());
  for (const auto& [layer, how] : intervention.keys) {
    check_internal(how.change != nullptr, "a change of keys is given");
    if (layer < 0 || layer >= layers) {
      refuse(layer, "no such layer", fmt::format("layers 0 to {}", layers - 1));
    }
    const model::Mixer& mixer = model.layer(layer).mixer;
    const auto facts = model::key_facts(mixer);
    if (!facts) {
      refuse(layer, fmt::format("no keys to change: its mixer is {}", model::mixer_name(mixer)),
             "a layer with attention or latent attention");
    }
    if (!model::has_step(*facts, how.step)) {
      refuse(layer,
             fmt::format("keys of {} changed at the step {}", model::mixer_name(mixer),
                         key_step_name(how.step)),
             facts->latent == 0 ? "normed or scored" : "scored or latent");
    }
  }
}

}  // namespace

void require_fits(const Intervention& intervention, const model::Model& model) {
  const std::vector<int> gated = model.moe_layers();
  for (const auto& [layer, how] : intervention.layers) {
    if (std::find(gated.begin(), gated.end(), layer) == gated.end()) {
      throw Error(ErrorId::US001, {.file = intervention.source,
                                   .object = fmt::format("layer {}", layer),
                                   .found = "no gate there",
                                   .expected = fmt::format("a layer with a gate, of {} to {}",
                                                           gated.front(), gated.back())});
    }
    LayerCheck(intervention.source, layer, model.layer(layer).router->spec).check(how);
  }
  require_keys_fit(intervention, model);
}

void require_routes(const Intervention& intervention, const model::Model& model, uint64_t rows) {
  for (const auto& [layer, how] : intervention.layers) {
    LayerCheck(intervention.source, layer, model.layer(layer).router->spec).check_routes(how, rows);
  }
}

}  // namespace rg::stream
