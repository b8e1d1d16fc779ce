// Routes that a pass changes: masked, forced, scaled and imposed experts.
#include "stream/intervention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "family_golden.h"
#include "model/blocks/block.h"
#include "stream/tensor_reader.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

// Softmax with shared experts; sigmoid with groups, selection bias and shared experts; softmax over
// the selected, with biases; a factor per expert; the sparsemixer.
const FamilyShape kTouched[] = {{"qwen2_moe", "bias-v4"},
                                {"deepseek_v3", "groups-f32"},
                                {"gpt_oss", "mxfp4"},
                                {"gemma4", "published-v4"},
                                {"phimoe", "published-v4"}};

template <typename T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// The first layer, by index, in which the records differ; layers.size() where the logits do; -1.
int first_difference(const Record& a, const Record& b) {
  for (size_t l = 0; l < a.layers.size(); ++l) {
    const LayerRecord &x = a.layers[l], &y = b.layers[l];
    if (!same_bits(x.topk_ids, y.topk_ids) || !same_bits(x.topk_weights, y.topk_weights) ||
        !same_bits(x.router_logits, y.router_logits) || !same_bits(x.scores, y.scores) ||
        !same_bits(x.margins, y.margins) || !same_bits(x.update, y.update)) {
      return static_cast<int>(l);
    }
  }
  return same_bits(a.logits, b.logits) ? -1 : static_cast<int>(a.layers.size());
}

// A golden checkpoint, its plain run, and runs of it with interventions.
class Touched {
 public:
  explicit Touched(const FamilyShape& shape) : golden(shape), plain(golden.run(model(), {})) {}

  const model::Model& model() const { return golden.model(); }
  int layer() const { return model().moe_layers().front(); }
  const gate::GateSpec& spec() const { return model().layer(layer()).router->spec; }
  Record with(const Intervention& intervention) const {
    return golden.run(model(), {.intervention = &intervention});
  }
  Record with(LayerIntervention how) const {
    return with(Intervention{"test", {{layer(), std::move(how)}}});
  }
  // Of the first layer with a gate.
  const LayerRecord& first(const Record& record) const {
    return record.layers[static_cast<size_t>(layer())];
  }
  size_t rows() const { return first(plain).margins.size(); }
  std::vector<int32_t> ids(const Record& record, size_t l, bool last_rank) const {
    const size_t k = spec().top_k;
    std::vector<int32_t> chosen;
    for (size_t row = 0; row < rows(); ++row) {
      const auto from = record.layers[l].topk_ids.begin() + static_cast<ptrdiff_t>(row * (k + 1));
      chosen.insert(chosen.end(), from, from + static_cast<ptrdiff_t>(last_rank ? k + 1 : k));
    }
    return chosen;
  }
  // The experts that the plain run selects most in that layer, best first.
  std::vector<int32_t> favourites() const {
    std::vector<int32_t> experts(spec().experts);
    std::iota(experts.begin(), experts.end(), 0);
    const auto chosen = ids(plain, static_cast<size_t>(layer()), false);
    std::stable_sort(experts.begin(), experts.end(), [&](int32_t a, int32_t b) {
      return std::count(chosen.begin(), chosen.end(), a) >
             std::count(chosen.begin(), chosen.end(), b);
    });
    return experts;
  }
  Buffer<float> selection_bias() const {
    TensorReader reader(golden.checkpoint(), NonFinite::stop);
    return model::read_values(reader, model().layer(layer()).router->selection_bias);
  }
  Buffer<float> per_expert_scale() const {
    TensorReader reader(golden.checkpoint(), NonFinite::stop);
    return model::read_values(reader, model().layer(layer()).router->per_expert_scale);
  }

  FamilyGolden golden;
  Record plain;
};

class Interventions : public testing::TestWithParam<FamilyShape> {};

TEST_P(Interventions, ThatChangeNothingChangeNoBit) {
  const Touched touched(GetParam());
  Intervention nothing{"test", {}}, idle = nothing, times_one = nothing, own_routes = nothing,
                                    replayed = nothing;
  std::vector<std::vector<int32_t>> ids;
  for (const int layer : touched.model().moe_layers()) {
    idle.layers[layer] = {};
    for (uint32_t e = 0; e < touched.spec().experts; ++e) {
      times_one.layers[layer].scaled.push_back({static_cast<int32_t>(e), 1});
    }
    ids.push_back(touched.ids(touched.plain, static_cast<size_t>(layer), false));
    own_routes.layers[layer].imposed_ids = ids.back();
    replayed.layers[layer].imposed_ids = ids.back();
    replayed.layers[layer].imposed_weights =
        touched.plain.layers[static_cast<size_t>(layer)].topk_weights;
  }
  for (const Intervention& one : {nothing, idle, times_one, own_routes, replayed}) {
    EXPECT_EQ(first_difference(touched.plain, touched.with(one)), -1);
  }
}

TEST_P(Interventions, AMaskedExpertIsNeverSelectedAndTheOthersAreTheGatesChoice) {
  const Touched touched(GetParam());
  const gate::GateSpec& spec = touched.spec();
  const int32_t favourite = touched.favourites().front();
  const Record record = touched.with({.masked = {favourite}});
  const LayerRecord &changed = touched.first(record), &plain = touched.first(touched.plain);
  const auto chosen = touched.ids(record, static_cast<size_t>(touched.layer()), true);
  EXPECT_EQ(std::count(chosen.begin(), chosen.end(), favourite), 0);
  // The gate's own numbers stay; what follows doesn't.
  EXPECT_TRUE(same_bits(changed.router_logits, plain.router_logits));
  EXPECT_TRUE(same_bits(changed.scores, plain.scores));
  EXPECT_TRUE(same_bits(changed.margins, plain.margins));
  EXPECT_FALSE(same_bits(changed.update, plain.update));
  EXPECT_FALSE(same_bits(record.logits, touched.plain.logits));

  const Buffer<float> bias = touched.selection_bias(), factors = touched.per_expert_scale();
  const size_t experts = spec.experts, k = spec.top_k;
  for (size_t row = 0; row < touched.rows(); ++row) {
    std::vector<float> scores(experts), weights(k);
    std::vector<int32_t> ranked(k + 1);
    gate::DecisionView decision{scores, ranked, weights, 0, 0, 0, 0};
    gate::decide_without(std::span(&favourite, 1), spec,
                         std::span(plain.router_logits).subspan(row * experts, experts),
                         bias.span(), decision);
    if (spec.per_expert_scale) gate::scale_by_expert(factors.span(), ranked, weights);
    EXPECT_TRUE(std::equal(ranked.begin(), ranked.end(),
                           chosen.begin() + static_cast<ptrdiff_t>(row * (k + 1))));
    EXPECT_TRUE(std::equal(weights.begin(), weights.end(),
                           changed.topk_weights.begin() + static_cast<ptrdiff_t>(row * k)));
  }
}

TEST_P(Interventions, AForcedExpertTakesTheLastPlaceUnlessItIsSelected) {
  const Touched touched(GetParam());
  const gate::GateSpec& spec = touched.spec();
  const size_t experts = spec.experts, k = spec.top_k;
  const int32_t forced = touched.favourites()[1];
  const Record record = touched.with({.forced = {forced}});
  const auto l = static_cast<size_t>(touched.layer());
  const LayerRecord &changed = touched.first(record), &plain = touched.first(touched.plain);
  const auto before = touched.ids(touched.plain, l, true), after = touched.ids(record, l, true);
  EXPECT_TRUE(same_bits(changed.margins, plain.margins));
  const Buffer<float> factors = touched.per_expert_scale();
  size_t selected = 0, replaced = 0;
  for (size_t row = 0; row < touched.rows(); ++row) {
    std::vector<int32_t> expected(before.begin() + static_cast<ptrdiff_t>(row * (k + 1)),
                                  before.begin() + static_cast<ptrdiff_t>((row + 1) * (k + 1)));
    const auto end = expected.begin() + static_cast<ptrdiff_t>(k);
    const bool already = std::find(expected.begin(), end, forced) != end;
    ++(already ? selected : replaced);
    if (!already) {
      expected[k] = expected[k - 1];
      expected[k - 1] = forced;
    }
    const auto* found = after.data() + row * (k + 1);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), found)) << row;
    const float* weights = changed.topk_weights.data() + row * k;
    if (already) {
      EXPECT_TRUE(std::equal(weights, weights + k, plain.topk_weights.data() + row * k));
      continue;
    }
    std::vector<float> own(k);
    gate::weigh(spec, {}, std::span(plain.router_logits).subspan(row * experts, experts),
                std::span(expected).first(k), own);
    if (spec.per_expert_scale) gate::scale_by_expert(factors.span(), expected, own);
    EXPECT_TRUE(std::equal(own.begin(), own.end(), weights)) << row;
  }
  EXPECT_GT(selected, 0u);
  EXPECT_GT(replaced, 0u);
}

// Another run's ids, here every id moved by one: weights by the gate's rule, or as given.
TEST_P(Interventions, ImposedRoutesAreComputedWith) {
  const Touched touched(GetParam());
  const size_t experts = touched.spec().experts, k = touched.spec().top_k;
  const auto l = static_cast<size_t>(touched.layer());
  std::vector<int32_t> moved = touched.ids(touched.plain, l, false);
  for (int32_t& id : moved) id = (id + 1) % static_cast<int32_t>(experts);
  const Record record = touched.with({.imposed_ids = moved});
  EXPECT_EQ(touched.ids(record, l, false), moved);
  const LayerRecord &changed = touched.first(record), &plain = touched.first(touched.plain);
  EXPECT_FALSE(same_bits(changed.update, plain.update));
  EXPECT_FALSE(same_bits(record.logits, touched.plain.logits));
  const Buffer<float> factors = touched.per_expert_scale();
  for (size_t row = 0; row < touched.rows(); ++row) {
    std::vector<float> own(k);
    const auto set = std::span(moved).subspan(row * k, k);
    gate::weigh(touched.spec(), {}, std::span(plain.router_logits).subspan(row * experts, experts),
                set, own);
    if (touched.spec().per_expert_scale) gate::scale_by_expert(factors.span(), set, own);
    EXPECT_TRUE(std::equal(own.begin(), own.end(), changed.topk_weights.data() + row * k));
    const int32_t* ranks = plain.topk_ids.data() + row * (k + 1);
    const int32_t* best = std::find_if(ranks, ranks + k, [&](int32_t expert) {
      return std::find(set.begin(), set.end(), expert) == set.end();
    });
    EXPECT_EQ(changed.topk_ids[row * (k + 1) + k], *best);
  }
  const Record replayed =
      touched.with({.imposed_ids = moved, .imposed_weights = plain.topk_weights});
  EXPECT_EQ(touched.ids(replayed, l, false), moved);
  EXPECT_TRUE(same_bits(touched.first(replayed).topk_weights, plain.topk_weights));
}

TEST_P(Interventions, DoNotDependOnThreadsOrBlocks) {
  const Touched touched(GetParam());
  const auto experts = touched.favourites();
  const std::vector<int> gated = touched.model().moe_layers();
  auto routes = touched.ids(touched.plain, static_cast<size_t>(gated.back()), false);
  for (int32_t& id : routes) id = (id + 1) % static_cast<int32_t>(experts.size());
  const Intervention all{
      "test",
      {{gated.front(),
        {.masked = {experts[0]}, .forced = {experts[1]}, .scaled = {{experts[2], 0.5f}}}},
       {gated.back(), {.scaled = {{experts[0], -2}}, .imposed_ids = routes}}}};
  const Record one = touched.golden.run(touched.model(), {.intervention = &all});
  const Record other =
      touched.golden.run(touched.model(), {.threads = 2, .block_windows = 1, .intervention = &all});
  EXPECT_EQ(first_difference(one, other), -1);
  EXPECT_EQ(first_difference(one, touched.plain), gated.front());
}

INSTANTIATE_TEST_SUITE_P(All, Interventions, testing::ValuesIn(kTouched),
                         [](const auto& tested) { return tested.param.identifier(); });

// Keeps one expert's unweighted outputs, the weights it has, and the updates, of one layer.
class OneExpert : public tap::Observer {
 public:
  OneExpert(const tap::SequenceSet& set, int layer, int32_t expert)
      : set_(&set), layer_(layer), expert_(expert) {}
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.update = needs.expert_outputs = true;
    needs.extra_outputs_per_row = needs.stored_outputs_per_row = 1;
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void begin_layer(const tap::LayerView& view) override {
    if (view.layer != layer_) return;
    updates.resize(set_->rows() * view.width);
    outputs = updates;
    weights.resize(set_->rows());
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    if (view.layer != layer_) return;
    const size_t k = view.spec->top_k;
    for (size_t row = 0; row < block.rows; ++row) {
      block.requests->add(block.first_row + row, {&expert_, 1});
      for (size_t i = 0; i < k; ++i) {
        if (block.ranked[row * (k + 1) + i] != expert_) continue;
        weights[block.first_row + row] = block.weights[row * k + i];
      }
    }
  }
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& shown) override {
    const auto at = static_cast<ptrdiff_t>(shown.row * view.width);
    std::copy_n(shown.update, view.width, updates.begin() + at);
    std::copy_n(shown.outputs, view.width, outputs.begin() + at);
  }

  std::vector<float> updates, outputs, weights;

 private:
  const tap::SequenceSet* set_;
  int layer_;
  int32_t expert_;
};

OneExpert watch_expert(const Touched& touched, const tap::SequenceSet& set, int32_t expert,
                       const Intervention* intervention) {
  OneExpert watched(set, touched.layer(), expert);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&watched};
  Settings settings;
  settings.flops_per_s = 1e9;
  settings.spill_folder = std::filesystem::temp_directory_path();
  settings.intervention = intervention;
  const Plan plan = make_plan(touched.model(), sets, observers, settings);
  test::KeptProgress progress;
  run_pass(touched.golden.checkpoint(), touched.model(), sets, observers, settings, plan, progress);
  return watched;
}

TEST(Intervention, AScaledExpertsOutputCountsThatMuchMore) {
  for (const FamilyShape& shape : {kTouched[0], kTouched[1], kTouched[2]}) {
    const Touched touched(shape);
    const int32_t expert = touched.favourites().front();
    tap::SequenceSet set = {.name = "windows", .lengths = {9, 9, 9}, .ids = {}, .causal = true};
    for (size_t i = 0; i < 27; ++i) {
      set.ids.push_back(static_cast<int32_t>(i * 5 % touched.model().vocabulary));
    }
    const OneExpert plain = watch_expert(touched, set, expert, nullptr);
    EXPECT_GT(std::count_if(plain.weights.begin(), plain.weights.end(),
                            [](float weight) { return weight != 0; }),
              3);
    for (const float factor : {0.0f, 0.25f, -1.0f}) {
      const Intervention how{"test", {{touched.layer(), {.scaled = {{expert, factor}}}}}};
      const OneExpert scaled = watch_expert(touched, set, expert, &how);
      EXPECT_TRUE(same_bits(plain.outputs, scaled.outputs));
      EXPECT_FALSE(same_bits(plain.updates, scaled.updates));
      const size_t width = touched.model().width;
      for (size_t i = 0; i < plain.updates.size(); ++i) {
        const double removed =
            (1 - double{factor}) * double{plain.weights[i / width]} * double{plain.outputs[i]};
        ASSERT_NEAR(scaled.updates[i], double{plain.updates[i]} - removed, 1e-5) << shape.name();
      }
    }
  }
}

// Weights of imposed sets by the rules as docs/gates.md states them, in plain fp64.
TEST(Intervention, ImposedSetsAreWeighedByTheModelsRule) {
  const auto imposed = [](const Touched& touched, const auto& weight_of) {
    const size_t experts = touched.spec().experts, k = touched.spec().top_k;
    std::vector<int32_t> moved =
        touched.ids(touched.plain, static_cast<size_t>(touched.layer()), false);
    for (int32_t& id : moved) id = (id + 1) % static_cast<int32_t>(experts);
    const Record record = touched.with({.imposed_ids = moved});
    for (size_t row = 0; row < touched.rows(); ++row) {
      const float* logits = touched.first(touched.plain).router_logits.data() + row * experts;
      double all = 0, chosen = 0;
      for (size_t e = 0; e < experts; ++e) all += weight_of(double{logits[e]});
      for (size_t i = 0; i < k; ++i) chosen += weight_of(double{logits[moved[row * k + i]]});
      for (size_t i = 0; i < k; ++i) {
        const double sum = touched.spec().normalise == gate::Normalise::no &&
                                   touched.spec().weigh == gate::Weigh::scores
                               ? all
                               : chosen;
        EXPECT_NEAR(touched.first(record).topk_weights[row * k + i],
                    weight_of(double{logits[moved[row * k + i]]}) / sum *
                        double{touched.spec().scaling.value},
                    1e-5);
      }
    }
  };
  const auto exponential = [](double z) { return std::exp(z); };
  const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  imposed(Touched(kTouched[0]), exponential);
  imposed(Touched(kTouched[1]), sigmoid);
  imposed(Touched(kTouched[2]), exponential);
}

TEST(Intervention, ForcingSeveralKeepsTheBestOfTheOthers) {
  const std::vector<float> logits = {5, 4, 3, 2, 1, 0};
  const Touched touched({"gpt_oss", "mxfp4"});
  gate::GateSpec spec = touched.spec();
  spec.experts = 6u;
  spec.top_k = 3u;
  const auto forced = [&](std::vector<int32_t> experts) {
    std::vector<float> scores(6), weights(3);
    std::vector<int32_t> ranked(4);
    gate::DecisionView decision{scores, ranked, weights, 0, 0, 0, 0};
    gate::decide(spec, logits, {}, decision);
    intervene({.forced = std::move(experts)}, 0, {spec, logits, {}, {}}, decision);
    return ranked;
  };
  EXPECT_EQ(forced({5}), (std::vector<int32_t>{0, 1, 5, 2}));
  EXPECT_EQ(forced({2}), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(forced({3}), (std::vector<int32_t>{0, 1, 3, 2}));
  EXPECT_EQ(forced({2, 5}), (std::vector<int32_t>{0, 5, 2, 1}));
  EXPECT_EQ(forced({4, 5}), (std::vector<int32_t>{0, 5, 4, 1}));
  EXPECT_EQ(forced({3, 4, 5}), (std::vector<int32_t>{5, 4, 3, 0}));
}

TEST(Intervention, MaskedExpertsHaveNoShareInTheWeightsOfForcedOnes) {
  const std::vector<float> logits = {3, 2, 1, 0};
  gate::GateSpec spec = Touched({"qwen2_moe", "bias-v4"}).spec();
  spec.experts = 4u;
  spec.top_k = 2u;
  ASSERT_EQ(spec.score, gate::Score::softmax);
  spec.normalise = gate::Normalise::no;
  spec.per_expert_scale = true;
  const std::vector<float> factors = {1, 2, 3, 4};
  std::vector<float> scores(4), weights(2);
  std::vector<int32_t> ranked(3);
  gate::DecisionView decision{scores, ranked, weights, 0, 0, 0, 0};
  gate::decide(spec, logits, {}, decision);
  const std::vector<float> undisturbed = scores;
  intervene({.masked = {0}, .forced = {3}, .scaled = {{3, 0.5f}, {2, 9}}}, 0,
            {spec, logits, {}, factors}, decision);
  EXPECT_EQ(ranked, (std::vector<int32_t>{1, 3, 2}));
  const double left = std::exp(2.0) + std::exp(1.0) + 1;
  EXPECT_NEAR(weights[0], 2 * std::exp(2.0) / left, 1e-6);
  EXPECT_NEAR(weights[1], 0.5 * 4 / left, 1e-6);
  EXPECT_EQ(scores, undisturbed);
}

}  // namespace
}  // namespace rg::stream
