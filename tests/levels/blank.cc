#include "levels/blank.h"

#include <algorithm>

#include "verify/artifacts.h"
#include "verify/fixture.h"

namespace rg::levels {
namespace {

// Members named after measured layers that are not kept.
void drop_layers(Json& value, const std::vector<int>& kept) {
  if (!value.is_object()) return;
  for (const int layer : verify::testing::kLayers) {
    if (std::find(kept.begin(), kept.end(), layer) == kept.end()) {
      value.erase(std::to_string(layer));
    }
  }
  for (Json& member : value) drop_layers(member, kept);
}

}  // namespace

void forget_summary(Json& artifact, uint32_t replicates) {
  Json& summary = artifact["summary"];
  Json bootstrap = summary["bootstrap"];
  bootstrap["B"] = replicates;
  const Json null = summary.value("null", Json::object());
  summary = {{"bootstrap", std::move(bootstrap)}};
  if (null.contains("kind")) summary["null"] = {{"kind", null["kind"]}};
  artifact.erase("null_reasons");  // nothing that is drawn is undefined
}

void set_seed(Json& artifact, uint64_t seed) { artifact["summary"]["bootstrap"]["seed"] = seed; }

Json blank(const std::string& test, const Size& size, const std::vector<int>& layers) {
  // Few replicates: the summary is thrown away.
  Json artifact = verify::testing::make(test, {.windows = size.windows,
                                               .seq_len = size.seq_len,
                                               .replicates = 20,
                                               .documents = size.windows});
  forget_summary(artifact, size.replicates);
  artifact["layers"] = layers;
  artifact["verification"]["required_layers"] = layers;
  for (const char* member : {"per_window", "y_ref_A", "expert_counts"}) {
    if (artifact.contains(member)) drop_layers(artifact[member], layers);
  }
  if (artifact.contains("y_ref_A")) artifact["y_ref_A"]["layers"] = layers;
  return artifact;
}

}  // namespace rg::levels
