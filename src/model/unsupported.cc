#include "model/unsupported.h"

#include <fmt/format.h>

#include "base/error.h"

namespace rg::model {
namespace {

void require(bool holds, size_t layer, const char* object, std::string found,
             std::string expected) {
  if (holds) return;
  throw Error(ErrorId::CF018, {.file = "config.json",
                               .object = fmt::format("layer {}: {}", layer, object),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = "No block computes this. Measure another checkpoint, or "
                                       "report the family."});
}

void check_router(const Router& router, size_t layer) {
  require(!router.spec.ids_from_table, layer, "expert ids", "a table of them by token id",
          "experts that the gate ranks");
  const auto matches = [&](bool stated, const Weight& weight, const char* part) {
    require(stated == static_cast<bool>(weight), layer, part, stated ? "none" : "one",
            stated ? "the one that the gate's spec states" : "none, as the gate's spec states");
  };
  matches(router.spec.logit_bias, router.logit_bias, "bias of the router's logits");
  matches(router.spec.selection_bias, router.selection_bias, "selection bias");
  matches(router.spec.per_expert_scale, router.per_expert_scale, "factors of the experts");
}

void check_groups(const Layer& layer, size_t number) {
  require(!layer.groups.empty() || (layer.has_mixer() && !layer.router), number,
          "feed-forward part", "none", "a dense MLP or experts, or a mixer alone");
  require(!layer.groups.empty() || (!layer.output_scalar && !layer.feed_forward_output_norm),
          number, "feed-forward part", "none", "one, where its output is normed or scaled");
  for (size_t g = 0; g < layer.groups.size(); ++g) {
    const bool routed = layer.groups[g].role == ExpertRole::routed;
    const ExpertGroup& group = layer.groups[g];
    require(group.latent.has_value() == (group.spec.latent_width != 0), number,
            "latent projection of experts", group.latent ? "one" : "none",
            "one exactly where the experts' width is another");
    require(routed == (layer.router.has_value() && g == 0), number, "groups of experts",
            routed ? "routed experts without a gate, or after shared ones"
                   : "a gate without routed experts",
            "routed experts first, and exactly where there is a gate");
  }
  if (!layer.router) return;
  const size_t experts = layer.groups.front().experts.size();
  require(experts == layer.router->spec.experts, number, "routed experts", std::to_string(experts),
          fmt::format("{}, as the gate states", layer.router->spec.experts.value));
}

}  // namespace

void refuse_unsupported(const Model& model) {
  const Layer* first = nullptr;
  for (size_t l = 0; l < model.layers.size(); ++l) {
    const Layer& layer = model.layers[l];
    check_groups(layer, l);
    if (!layer.router) continue;
    check_router(*layer.router, l);
    if (first == nullptr) first = &layer;
    require(layer.router->spec == first->router->spec, l, "gate",
            "another gate than in layers before", "the same gate in all layers that have one");
    require(layer.groups.front().spec == first->groups.front().spec, l, "routed experts",
            "another width or activation than in layers before", "the same in all layers");
  }
  if (first != nullptr) return;
  throw Error(ErrorId::CF016, {.file = "config.json",
                               .object = "layers",
                               .found = fmt::format("{}, all dense", model.layers.size()),
                               .expected = "at least one MoE layer with experts",
                               .hint = "A dense model has no routers to measure."});
}

}  // namespace rg::model
