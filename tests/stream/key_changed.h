// Passes over golden checkpoints whose keys and values are changed, and what they leave.
#pragma once

#include <cstring>
#include <map>
#include <vector>

#include "key_record.h"
#include "support/key_changes.h"

namespace rg::stream {

// Grouped keys; half of a head rotated, behind a dense layer; values narrower than keys, windows
// and a part rotated; norms of a head behind the rotation and of all heads in front of it; values
// that are the keys; sinks; gates between the queries; latents of queries too, only of keys, and
// without positions.
inline const FamilyShape kChanged[] = {{"mixtral", "llama3-v4"},
                                       {"glm4_moe", "air-v4"},
                                       {"mimo_v2_flash", "published-v4"},
                                       {"hunyuan_v1_moe", "published-v4"},
                                       {"minimax_m2", "partial-v4"},
                                       {"gemma4", "published-v4"},
                                       {"gpt_oss", "mxfp4"},
                                       {"qwen3_next", "interval-v4"},
                                       {"deepseek_v3", "groups-f32"},
                                       {"deepseek_v3", "no-groups-v4"},
                                       {"kimi_linear", "published-v4"}};

template <typename T>
bool equal_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

inline bool equal_records(const Record& a, const Record& b) {
  for (size_t l = 0; l < a.layers.size(); ++l) {
    const LayerRecord &x = a.layers[l], &y = b.layers[l];
    if (!equal_bits(x.residual_in, y.residual_in) || !equal_bits(x.update, y.update) ||
        !equal_bits(x.attention_out, y.attention_out) || !equal_bits(x.topk_ids, y.topk_ids) ||
        !equal_bits(x.router_logits, y.router_logits) || !equal_bits(x.margins, y.margins) ||
        !equal_bits(x.topk_weights, y.topk_weights)) {
      return false;
    }
  }
  return equal_bits(a.logits, b.logits);
}

// A golden checkpoint and passes over its sequences.
class Changed {
 public:
  explicit Changed(const FamilyShape& shape)
      : golden(shape),
        set(golden_sequences(test::SafetensorsFile(shape.folder() / "expected.safetensors"),
                             true)) {
    const model::Model& all = golden.model();
    for (int layer = 0; layer < static_cast<int>(all.layers.size()); ++layer) {
      const auto found = model::key_facts(all.layer(layer).mixer);
      if (found) facts.emplace(layer, *found);
    }
  }

  // The same change in every layer with keys, or in one of them.
  Intervention everywhere(model::KeyStep step, model::KeyChange& change) const {
    Intervention intervention{"test", {}, {}};
    for (const auto& [layer, of] : facts) intervention.keys[layer] = {step, &change};
    return intervention;
  }
  static Intervention at(int layer, model::KeyStep step, model::KeyChange& change) {
    return {"test", {}, {{layer, {step, &change}}}};
  }
  std::vector<model::KeyStep> steps() const {
    std::vector<model::KeyStep> found;
    for (const model::KeyStep step :
         {model::KeyStep::normed, model::KeyStep::scored, model::KeyStep::latent}) {
      if (model::has_step(facts.begin()->second, step)) found.push_back(step);
    }
    return found;
  }
  Record run(const Intervention* intervention, How how = {}) const {
    how.intervention = intervention;
    return run_recorded(golden.checkpoint(), golden.model(), set, how);
  }
  KeyRecord keys(const Intervention* intervention, How how = {}) const {
    how.intervention = intervention;
    return record_keys(golden.checkpoint(), golden.model(), set, how);
  }
  int first_with_gate() const {
    for (const auto& [layer, of] : facts) {
      if (golden.model().layer(layer).router) return layer;
    }
    return -1;
  }

  FamilyGolden golden;
  tap::SequenceSet set;
  std::map<int, model::KeyFacts> facts;  // of the layers with keys
};

}  // namespace rg::stream
