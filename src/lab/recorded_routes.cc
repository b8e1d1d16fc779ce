#include "lab/recorded_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/numbers.h"

namespace rg::lab {
namespace {

constexpr const char* kSameTokens =
    "Routes can be imposed only on the tokens that they were recorded on: the same text, windows "
    "and tokenizer.";

Error unfit_routes(ErrorId id, const RecordedRoutes& routes, std::string object, std::string found,
                   std::string expected, std::string hint) {
  return Error(id, {.file = routes.source,
                    .object = std::move(object),
                    .found = std::move(found),
                    .expected = std::move(expected),
                    .hint = std::move(hint)});
}

void require_finite_weights(const RecordedRoutes& routes, int layer,
                            const std::vector<float>& weights) {
  const auto at = std::find_if(weights.begin(), weights.end(),
                               [](float weight) { return !std::isfinite(weight); });
  if (at == weights.end()) return;
  throw unfit_routes(ErrorId::LG005, routes, fmt::format("layer {}", layer),
                     fmt::format("weight {} in row {}", *at, (at - weights.begin()) / routes.k),
                     "finite weights",
                     "With \"weights\": \"own\" the gate weighs the experts itself.");
}

}  // namespace

void require_same_sequences(const RecordedRoutes& routes, const Samples& samples) {
  std::vector<uint32_t> lengths;
  for (const tap::SequenceSet* set : samples.sets()) {
    lengths.insert(lengths.end(), set->lengths.begin(), set->lengths.end());
  }
  if (routes.lengths.size() != lengths.size()) {
    throw unfit_routes(ErrorId::LG008, routes, "sequences",
                       counted(routes.lengths.size(), "sequence"),
                       fmt::format("{}, one for each window", lengths.size()), kSameTokens);
  }
  for (size_t s = 0; s < lengths.size(); ++s) {
    if (routes.lengths[s] == lengths[s]) continue;
    throw unfit_routes(
        ErrorId::LG008, routes, fmt::format("sequence {}", s), counted(routes.lengths[s], "row"),
        fmt::format("{}, one for each token of the window", lengths[s]), kSameTokens);
  }
}

void require_same_tokens(const RecordedRoutes& routes, const Samples& samples) {
  require_same_sequences(routes, samples);
  size_t row = 0, sequence = 0;
  for (const tap::SequenceSet* set : samples.sets()) {
    size_t of_set = 0;
    for (const uint32_t length : set->lengths) {
      for (uint32_t position = 0; position < length; ++position, ++row, ++of_set) {
        if (routes.tokens[row] == set->ids[of_set]) continue;
        throw unfit_routes(ErrorId::LG008, routes,
                           fmt::format("sequence {}, position {}", sequence, position),
                           fmt::format("token id {}", routes.tokens[row]),
                           fmt::format("{} as in {}", set->ids[of_set], set->name), kSameTokens);
      }
      ++sequence;
    }
  }
}

void impose(const RecordedRoutes& routes, bool weights, const model::Model& model,
            stream::Intervention& intervention) {
  const uint32_t k = model.gate().top_k;
  if (routes.k != k) {
    throw unfit_routes(ErrorId::LG008, routes, "experts",
                       fmt::format("{} for each token", routes.k),
                       fmt::format("k = {} as in the model", k), "");
  }
  const std::vector<int> gated = model.moe_layers();
  for (const auto& [layer, recorded] : routes.layers) {
    if (!std::binary_search(gated.begin(), gated.end(), layer)) {
      throw unfit_routes(ErrorId::LG008, routes, "layers", std::to_string(layer),
                         fmt::format("layers with a gate, {}", format_ranges(gated)), "");
    }
    stream::LayerIntervention& how = intervention.layers[layer];
    how.imposed_ids = recorded.ids;
    if (!weights) continue;
    if (recorded.weights.empty()) {
      throw unfit_routes(ErrorId::LG006, routes, fmt::format("layer {}", layer), "no weights",
                         "those to replay",
                         "With \"weights\": \"own\" the gate weighs the experts itself.");
    }
    require_finite_weights(routes, layer, recorded.weights);
    how.imposed_weights = recorded.weights;
  }
}

}  // namespace rg::lab
