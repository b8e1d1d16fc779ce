// Gates of another checkpoint on the gate inputs of a pass.
#include "stream/other_gates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>

#include "family_golden.h"
#include "support/caught.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

// Everything about gates that a pass shows, (rows, .) of each MoE layer.
class SeenGates : public tap::Observer {
 public:
  SeenGates(const tap::SequenceSet& set, const model::Model& model)
      : set_(&set), layers(model.layers.size()) {
    for (Layer& layer : layers) {
      layer.own_logits.resize(set.rows() * model.gate().experts);
      layer.other_logits = layer.own_logits;
      layer.own_ranked.resize(set.rows() * (model.gate().top_k + 1));
      layer.other_ranked = layer.own_ranked;
      layer.gate_input.resize(set.rows() * model.width);
    }
  }
  tap::Needs needs() const override { return {}; }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    ASSERT_EQ(block.other_gates.size(), 1u);
    Layer& layer = layers[static_cast<size_t>(view.layer)];
    const auto keep = [&](const auto* from, size_t columns, auto& to) {
      std::copy_n(from, block.rows * columns,
                  to.begin() + static_cast<ptrdiff_t>(block.first_row * columns));
    };
    const size_t experts = view.spec->experts, ranks = view.spec->top_k + 1;
    keep(block.router_logits, experts, layer.own_logits);
    keep(block.other_gates[0].logits, experts, layer.other_logits);
    keep(block.ranked, ranks, layer.own_ranked);
    keep(block.other_gates[0].ranked, ranks, layer.other_ranked);
    keep(block.gate_input, view.width, layer.gate_input);
  }

 private:
  const tap::SequenceSet* set_;

 public:
  struct Layer {
    std::vector<float> own_logits, other_logits, gate_input;
    std::vector<int32_t> own_ranked, other_ranked;
  };
  std::vector<Layer> layers;
};

struct SeenPass {
  std::vector<SeenGates::Layer> layers;
  Plan plan;
  PassResult result;
};

// `other`: bound to the checkpoint of `twin`.
SeenPass pass_with(const FamilyGolden& golden, const FamilyGolden& twin, const model::Model& other,
                   size_t block_windows) {
  tap::SequenceSet set = {.name = "windows", .lengths = {9, 9, 9, 9, 9}, .ids = {}, .causal = true};
  for (size_t i = 0; i < 45; ++i) {
    set.ids.push_back(static_cast<int32_t>(i * 5 % golden.model().vocabulary));
  }
  SeenGates gates(set, golden.model());
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&gates};
  Settings settings;
  settings.threads = 2;
  settings.block_windows = block_windows;
  settings.flops_per_s = 1e9;
  settings.spill_folder = std::filesystem::temp_directory_path();
  settings.other_models = {{&twin.checkpoint(), &other, "other"}};
  SeenPass outcome;
  outcome.plan = make_plan(golden.model(), sets, observers, settings);
  test::KeptProgress progress;
  outcome.result = run_pass(golden.checkpoint(), golden.model(), sets, observers, settings,
                            outcome.plan, progress);
  outcome.layers = std::move(gates.layers);
  return outcome;
}

const FamilyShape kShapes[] = {{"mixtral", "llama3-v4"},
                               {"sarvam_moe", "groups-bias-f32"},
                               {"gpt_oss", "mxfp4"},
                               {"gemma4", "published-v4"}};

TEST(OtherGates, OfTheSameModelDecideTheSame) {
  for (const FamilyShape& shape : kShapes) {
    const FamilyGolden golden(shape), twin(shape);
    const SeenPass outcome = pass_with(golden, twin, twin.model(), 0);
    for (const int l : golden.model().moe_layers()) {
      const SeenGates::Layer& layer = outcome.layers[static_cast<size_t>(l)];
      EXPECT_EQ(layer.own_logits, layer.other_logits) << shape.name() << l;
      EXPECT_EQ(layer.own_ranked, layer.other_ranked) << shape.name() << l;
    }
  }
}

// Layers that exchange their routers: W_1 y_0 and W_0 y_1, by plain sums.
TEST(OtherGates, MultiplyThisPassesGateInputs) {
  for (const FamilyShape& shape : kShapes) {
    const FamilyGolden golden(shape), twin(shape);
    const std::vector<int> gated = golden.model().moe_layers();
    ASSERT_GE(gated.size(), 2u) << shape.name();
    const auto a = static_cast<size_t>(gated[0]), b = static_cast<size_t>(gated[1]);
    model::Model other = twin.model();
    std::swap(other.layers[a].router, other.layers[b].router);
    const SeenPass outcome = pass_with(golden, twin, other, 2);
    EXPECT_EQ(outcome.layers[a].other_logits,
              pass_with(golden, twin, other, 1).layers[a].other_logits);
    TensorReader reader(twin.checkpoint(), NonFinite::stop);
    const model::Router& router = *other.layers[a].router;
    const Buffer<float> matrix = model::read_values(reader, router.matrix);
    const Buffer<float> bias = model::read_values(reader, router.logit_bias);
    const Buffer<float> selection = model::read_values(reader, router.selection_bias);
    const SeenGates::Layer& layer = outcome.layers[a];
    const size_t width = golden.model().width, experts = router.spec.experts;
    const size_t ranks = router.spec.top_k + 1;
    size_t differ = 0;
    for (size_t row = 0; row < 45; ++row) {
      for (size_t e = 0; e < experts; ++e) {
        double sum = bias.size() == 0 ? 0.0 : double{bias[e]};
        for (size_t i = 0; i < width; ++i) {
          sum += double{matrix[e * width + i]} * double{layer.gate_input[row * width + i]};
        }
        ASSERT_NEAR(layer.other_logits[row * experts + e], sum, 1e-4) << shape.name();
      }
      std::vector<float> scores(experts), weights(router.spec.top_k);
      std::vector<int32_t> ranked(ranks);
      gate::DecisionView decision{scores, ranked, weights, 0, 0, 0, 0};
      gate::decide(router.spec, std::span(layer.other_logits).subspan(row * experts, experts),
                   selection.span(), decision);
      EXPECT_TRUE(std::equal(ranked.begin(), ranked.end(),
                             layer.other_ranked.begin() + static_cast<ptrdiff_t>(row * ranks)));
      differ += layer.own_ranked[row * ranks] != ranked[0] ? 1u : 0u;
    }
    EXPECT_GT(differ, 0u) << shape.name();
  }
}

TEST(OtherGates, AreReadOnceAndHashed) {
  const FamilyGolden golden(kShapes[1]), twin(kShapes[1]);
  const SeenPass outcome = pass_with(golden, twin, twin.model(), 0);
  EXPECT_EQ(outcome.result.weight_bytes_read, outcome.plan.read_bytes);
  ASSERT_EQ(outcome.result.other_digests.size(), 1u);
  const std::vector<TensorDigest>& digests = outcome.result.other_digests[0];
  ASSERT_FALSE(digests.empty());
  for (const TensorDigest& digest : digests) {
    const auto own = std::find_if(
        outcome.result.digests.begin(), outcome.result.digests.end(),
        [&](const TensorDigest& one) { return one.tensor->name == digest.tensor->name; });
    ASSERT_NE(own, outcome.result.digests.end());
    EXPECT_EQ(own->sha256, digest.sha256);
  }
}

TEST(OtherGates, OfAnotherRuleAreRefusedWithBothValues) {
  const FamilyGolden golden(kShapes[1]);
  const auto refused = [&](const auto& change) {
    model::Model other = golden.model();
    change(other);
    return test::caught([&] { require_same_gates(golden.model(), {nullptr, &other, "tuned"}); });
  };
  const size_t first = static_cast<size_t>(golden.model().moe_layers().front());
  const auto expect = [](const test::Caught& error, const std::string& found) {
    EXPECT_EQ(error.id, ErrorId::RT008);
    EXPECT_TRUE(error.says(found)) << error.line;
  };
  expect(refused([](model::Model& other) { other.width += 1; }), "hidden size");
  expect(refused([](model::Model& other) { other.layers.pop_back(); }), "layers");
  expect(refused([&](model::Model& other) { other.layers[first].router.reset(); }), "no gate");
  expect(refused([&](model::Model& other) { other.layers[first].router->spec.top_k = 1; }),
         "top_k 1");
  expect(refused([&](model::Model& other) {
           other.layers[first].router->spec.score = gate::Score::softmax;
         }),
         "score softmax");
  expect(refused([&](model::Model& other) { other.layers[first].router->spec.scaling = 9.5f; }),
         "scaling 9.5");
  EXPECT_NO_THROW(require_same_gates(golden.model(), {nullptr, &golden.model(), "same"}));
}

}  // namespace
}  // namespace rg::stream
