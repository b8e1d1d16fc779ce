// A model that says more than the blocks compute is refused by name.
#include "model/unsupported.h"

#include <gtest/gtest.h>

#include <functional>

#include "model/olmoe_folder.h"

namespace rg::model {
namespace {

using test::Caught;
using test::OlmoeFolder;

struct Claim {
  const char* object;
  std::function<void(Model&)> make;
};

TEST(Unsupported, EachClaimIsRefusedByName) {
  OlmoeFolder files;
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  const auto second = [](Model& m) -> Layer& { return m.layers[1]; };
  const Claim claims[] = {
      {"bias of the router's logits", [&](Model& m) { second(m).router->spec.logit_bias = true; }},
      {"selection bias", [&](Model& m) { second(m).router->spec.selection_bias = true; }},
      {"factors of the experts", [&](Model& m) { second(m).router->spec.per_expert_scale = true; }},
      {"bias of the router's logits",
       [&](Model& m) { second(m).router->logit_bias = m.final_norm.gain; }},
      {"expert ids", [&](Model& m) { second(m).router->spec.ids_from_table = true; }},
      {"gate", [&](Model& m) { second(m).router->spec.scaling = 2.0f; }},
      {"routed experts", [&](Model& m) { second(m).groups[0].experts.apart().pop_back(); }},
      {"routed experts", [&](Model& m) { second(m).groups[0].spec.inner_width += 1; }},
      {"groups of experts", [&](Model& m) { second(m).router.reset(); }},
      {"groups of experts", [&](Model& m) { second(m).groups[0].role = ExpertRole::shared; }},
      {"feed-forward part", [&](Model& m) { second(m).groups.clear(); }},
      {"feed-forward part",
       [&](Model& m) {
         second(m).router.reset();
         second(m).groups.clear();
         second(m).mixer = NoMixer{};
       }},
      {"feed-forward part",
       [&](Model& m) {
         second(m).router.reset();
         second(m).groups.clear();
         second(m).output_scalar = m.final_norm.gain;
       }},
      {"latent projection of experts", [&](Model& m) { second(m).groups[0].latent.emplace(); }},
      {"latent projection of experts",
       [&](Model& m) { second(m).groups[0].spec.latent_width = 8; }},
  };
  for (const Claim& claim : claims) {
    Model wrong = model;
    claim.make(wrong);
    const Caught error = test::caught([&] { refuse_unsupported(wrong); });
    EXPECT_EQ(error.id, ErrorId::CF018) << claim.object;
    EXPECT_EQ(error.parts.object, std::string("layer 1: ") + claim.object);
  }
  Model dense = model;
  for (Layer& layer : dense.layers) {
    layer.router.reset();
    layer.groups[0].role = ExpertRole::shared;
  }
  EXPECT_EQ(test::caught([&] { refuse_unsupported(dense); }).id, ErrorId::CF016);
}

}  // namespace
}  // namespace rg::model
