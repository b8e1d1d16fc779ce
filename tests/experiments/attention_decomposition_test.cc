// attention_router: the shares of parts, against a brute-force decomposition.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/random.h"
#include "experiments/attention_fixture.h"

namespace rg::experiments::testing::attention {
namespace {

TEST_F(AttentionTest, SharesEqualABruteForceDecomposition) {
  const Reference reference(*model_);
  for (int layer = 0; layer < 3; ++layer) {
    for (size_t w = 0; w < 24; w += 9) {
      Vector norm(3), num(3), margin(3);
      double den = 0, published = 0;
      for (uint32_t t = 0; t < kT; ++t) {
        const auto parts = reference.contributions(layer, at(w, t));
        const Vector total = plus(plus(parts[0], parts[1]), parts[2]);
        const int32_t* ranked = model_->trace(layer, 0).ranked.data() + at(w, t) * (kK + 1);
        double norms = 0;
        for (const Vector& part : parts) norms += std::sqrt(dot(part, part));
        for (size_t p = 0; p < 3; ++p) {
          norm[p] += std::sqrt(dot(parts[p], parts[p])) / norms / kT;
          num[p] += dot(parts[p], total);
          margin[p] += (parts[p][size_t(ranked[kK - 1])] - parts[p][size_t(ranked[kK])]) / kT;
        }
        den += dot(total, total);
        const Vector entering = reference.row(model_->trace(layer, 0).residual_in, at(w, t));
        const Vector direct = reference.project(layer, reference.part(layer, at(w, t), 0), false);
        Vector rest = reference.project(layer, entering, false);
        for (size_t e = 0; e < kE; ++e) rest[e] -= direct[e];
        const double a = std::sqrt(dot(direct, direct)), b = std::sqrt(dot(rest, rest));
        published += b / (a + b) / kT;
      }
      for (size_t p = 0; p < 3; ++p) {
        EXPECT_NEAR(found("norm_share", kNames[p], layer, w), norm[p], 1e-6);
        EXPECT_NEAR(found("signed_num", kNames[p], layer, w), num[p], 1e-4);
        EXPECT_NEAR(found("margin_part", kNames[p], layer, w), margin[p], 1e-6);
      }
      EXPECT_NEAR(found("signed_den", layer, w), den, 1e-4);
      EXPECT_NEAR(found("published_ratio", layer, w), published, 1e-6);
    }
  }
  EXPECT_EQ(found("published_ratio", 0, 0), 0.0);  // nothing has been added when layer 0 begins
  EXPECT_EQ(found("norm_share", "experts", 0, 0), 0.0);
}

TEST_F(AttentionTest, NullsAreNamed) {
  const auto kind = (*fields_)["summary"]["null"]["kind"].get<std::string>();
  EXPECT_NE(kind.find("popularity"), std::string::npos);
  EXPECT_NE(kind.find("random"), std::string::npos);
}

TEST_F(AttentionTest, AgreementCountsThePositionsThatHaveBothSides) {
  EXPECT_EQ(found("agreement_positions", 1, 3), kT);
  FakeModel::Hooks hooks;
  hooks.attention_scale = [](int layer) { return layer == 0 ? 0.0f : 0.7f; };
  hooks.logits = [](int layer, size_t row, std::span<float> logits) {
    if (layer != 1 || row != 4) return;
    std::fill(logits.begin() + 2, logits.end(), std::numeric_limits<float>::quiet_NaN());
  };
  const FakeModel model(shape(), softmax_spec(kE, kK), hooks);
  const Json fields = measure(model, model.setting(), "attention_router", {}).fields;
  const Json& positions = fields["per_window"]["agreement_positions"];
  EXPECT_EQ(positions["0"][0], 0);  // nothing but the embedding is there
  EXPECT_TRUE(fields["per_window"]["agreement_top1"]["0"][0].is_null());
  EXPECT_EQ(positions["1"][0], kT - 1);  // one margin is undefined
  EXPECT_EQ(positions["1"][1], kT);
}

TEST_F(AttentionTest, VaryingSharesLeaveTheCorpusMeanOut) {
  const Reference reference(*model_);
  std::vector<Vector> mean(3, Vector(kE, 0.0));
  for (size_t w = 0; w < 24; ++w) {
    for (uint32_t t = 0; t < kT; ++t) {
      const auto parts = reference.contributions(1, at(w, t));
      for (size_t p = 0; p < 3; ++p) {
        for (size_t e = 0; e < kE; ++e) mean[p][e] += parts[p][e] / (24.0 * kT);
      }
    }
  }
  for (size_t w = 0; w < 24; w += 11) {
    Vector num(3);
    double den = 0;
    for (uint32_t t = 0; t < kT; ++t) {
      auto parts = reference.contributions(1, at(w, t));
      Vector total(kE, 0.0);
      for (size_t p = 0; p < 3; ++p) {
        for (size_t e = 0; e < kE; ++e) {
          parts[p][e] -= mean[p][e];
          total[e] += parts[p][e];
        }
      }
      for (size_t p = 0; p < 3; ++p) num[p] += dot(parts[p], total);
      den += dot(total, total);
    }
    for (size_t p = 0; p < 3; ++p) {
      EXPECT_NEAR(found("signed_num_varying", kNames[p], 1, w), num[p], 1e-4);
    }
    EXPECT_NEAR(found("signed_den_varying", 1, w), den, 1e-4);
  }
}

TEST_F(AttentionTest, CausalValuesEqualTheGateOnSumsOfParts) {
  const Reference reference(*model_);
  const std::vector<std::pair<const char*, std::vector<size_t>>> subsets = {
      {"embedding", {0}},
      {"attention", {1}},
      {"experts", {2}},
      {"embedding+attention", {0, 1}},
      {"embedding+experts", {0, 2}},
      {"attention+experts", {1, 2}}};
  for (size_t w = 0; w < 24; w += 9) {
    for (const auto& [name, members] : subsets) {
      double value = 0;
      for (uint32_t t = 0; t < kT; ++t) {
        Vector sum(24, 0.0);
        for (const size_t p : members) sum = plus(sum, reference.part(2, at(w, t), p));
        value += reference.overlap(2, at(w, t), reference.choose(2, sum)) / kT;
      }
      EXPECT_NEAR(found("val", name, 2, w), value, 1e-12) << name;
    }
    double top1 = 0, topk = 0;
    for (uint32_t t = 0; t < kT; ++t) {
      const auto a = reference.choose(2, reference.part(2, at(w, t), 0));
      const auto b =
          reference.choose(2, plus(reference.part(2, at(w, t), 1), reference.part(2, at(w, t), 2)));
      top1 += (a[0] == b[0]) / double(kT);
      for (const int32_t e : a) topk += double(std::count(b.begin(), b.end(), e)) / (kT * kK);
    }
    EXPECT_NEAR(found("agreement_top1", 2, w), top1, 1e-12);
    EXPECT_NEAR(found("agreement_topk", 2, w), topk, 1e-12);
  }
}

TEST_F(AttentionTest, ZeroPartsAreDroppedAndTheEmptySetIsThePopularityNull) {
  std::map<int32_t, double> counts;
  for (size_t w = 0; w < 24; ++w) {
    for (uint32_t t = 0; t < kT; ++t) {
      for (const int32_t e : Reference(*model_).selected(0, at(w, t))) ++counts[e];
    }
  }
  double null = 0;
  for (const auto& [e, count] : counts) null += std::pow(count / (24.0 * kT), 2) / kK;
  EXPECT_NEAR(summary(0)["val_empty"].get<double>(), null, 1e-14);
  for (size_t w = 0; w < 24; ++w) {  // at layer 0 no expert has written yet
    EXPECT_NEAR(found("val", "experts", 0, w), null, 1e-14);
    EXPECT_EQ(found("val", "embedding+experts", 0, w), found("val", "embedding", 0, w));
  }
  EXPECT_NEAR(summary(0)["shapley"]["experts"]["mean"].get<double>(), 0.0, 1e-14);
}

TEST_F(AttentionTest, MeanReplacedValuesEqualTheDefinition) {
  const Reference reference(*model_);
  std::vector<Vector> mean(3, Vector(24, 0.0));
  for (size_t w = 0; w < 24; ++w) {
    for (uint32_t t = 0; t < kT; ++t) {
      for (size_t p = 0; p < 3; ++p) {
        const Vector part = reference.part(2, at(w, t), p);
        for (size_t i = 0; i < 24; ++i) mean[p][i] += part[i] / (24.0 * kT);
      }
    }
  }
  const std::vector<std::pair<const char*, std::vector<size_t>>> subsets = {
      {"none", {}}, {"attention", {1}}, {"embedding+experts", {0, 2}}};
  for (size_t w = 0; w < 24; w += 9) {
    for (const auto& [name, members] : subsets) {
      double value = 0;
      for (uint32_t t = 0; t < kT; ++t) {
        Vector sum(24, 0.0);
        for (size_t p = 0; p < 3; ++p) {
          const bool own = std::count(members.begin(), members.end(), p) > 0;
          sum = plus(sum, own ? reference.part(2, at(w, t), p) : mean[p]);
        }
        value += reference.overlap(2, at(w, t), reference.choose(2, sum)) / kT;
      }
      EXPECT_NEAR(found("val_mean_replaced", name, 2, w), value, 1e-12) << name;
    }
  }
}

TEST_F(AttentionTest, SharesAddUpToOne) {
  for (int layer = 0; layer < 3; ++layer) {
    for (const char* statistic : {"norm_share", "signed_share", "signed_share_varying", "shapley",
                                  "shapley_mean_replaced"}) {
      double sum = 0;
      for (const std::string& part : kNames) {
        sum += summary(layer)[statistic][part]["mean"].get<double>();
      }
      EXPECT_NEAR(sum, 1.0, 1e-9) << statistic << " at layer " << layer;
    }
    double ratios = 0;
    for (const std::string& part : kNames) {
      ratios += summary(layer)["margin_share"][part]["ratio"].get<double>();
    }
    EXPECT_NEAR(ratios, 1.0, 1e-9);
    const Json& check = (*fields_)["decomposition_check"][std::to_string(layer)];
    EXPECT_TRUE(check["holds"].get<bool>());
    EXPECT_GT(check["ratio"].get<double>(), 0.0);  // float parts do round
  }
}

TEST_F(AttentionTest, NullSharesComeFromTheSignedRouter) {
  const Reference reference(*model_);
  for (uint32_t w = 0; w < 24; w += 8) {
    double share = 0, num = 0, den = 0;
    for (const uint32_t t : draw_subset(kT, 4, 42, Purpose::sampled_positions, w, 0)) {
      const double r = Reference::scale(reference.row(model_->trace(1, 0).residual_pre, at(w, t)));
      std::vector<Vector> parts;
      Vector total(kE, 0.0);
      double norms = 0;
      for (size_t p = 0; p < 3; ++p) {
        Vector x = reference.part(1, at(w, t), p);
        for (uint32_t i = 0; i < x.size(); ++i) {
          if (draw_below(2, 42, Purpose::random_direction, {i, 0, 1}) == 1) x[i] = -x[i];
          x[i] *= r;
        }
        parts.push_back(centred(reference.project(1, x, true)));
        total = plus(total, parts.back());
        norms += std::sqrt(dot(parts.back(), parts.back()));
      }
      share += std::sqrt(dot(parts[1], parts[1])) / norms / 4;
      num += dot(parts[1], total);
      den += dot(total, total);
    }
    EXPECT_NEAR(found("null_share", 1, w), share, 1e-6);
    EXPECT_NEAR(found("null_signed_num", 1, w), num, 1e-4);
    EXPECT_NEAR(found("null_signed_den", 1, w), den, 1e-4);
  }
}

// Sigmoid scores with a selection bias and a logit bias: the parts still add up.
TEST(Attention, BiasIsAPartOfItsOwn) {
  gate::GateSpec spec = softmax_spec(8, 2);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  spec.logit_bias = true;
  spec.normalise = gate::Normalise::by_sum;
  Shape shape;
  shape.layers = 2;
  const FakeModel model(shape, spec, {});
  const Json fields = measure(model, full_setting(model), "attention_router", {}).fields;
  for (const char* layer : {"0", "1"}) {
    EXPECT_TRUE(fields["decomposition_check"][layer]["holds"].get<bool>());
    double sum = 0;
    for (const auto& [part, block] :
         fields["summary"]["per_layer"][layer]["signed_share"].items()) {
      sum += block["mean"].get<double>();
    }
    EXPECT_NEAR(sum, 1.0, 1e-9);
  }
  EXPECT_TRUE(fields["per_window"]["norm_share"].contains("bias"));
  EXPECT_GT(fields["per_window"]["norm_share"]["bias"]["1"][0].get<double>(), 0.0);
  EXPECT_FALSE(fields["summary"]["per_layer"]["0"]["shapley"].contains("bias"));
}

// A decomposition that does not add up is seen: the engine's expert sums leave something out.
TEST(Attention, TheCheckFailsWhenAPartIsMissing) {
  Shape shape;
  shape.layers = 2;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  const auto experiment = declaration("attention_router").make(model.setting());
  class Lossy : public tap::Observer {
   public:
    explicit Lossy(tap::Observer& to) : to_(to) {}
    tap::Needs needs() const override { return to_.needs(); }
    std::span<const tap::SequenceSet* const> sets() const override { return to_.sets(); }
    void begin_layer(const tap::LayerView& view) override { to_.begin_layer(view); }
    void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
      tap::GateBlock changed = block;
      std::vector<float> sums(block.attention_sum, block.attention_sum + block.rows * view.width);
      for (float& value : sums) value *= 0.99f;
      changed.attention_sum = sums.data();
      to_.on_gate(view, changed);
    }
    void on_gates_done(const tap::LayerView& view) override { to_.on_gates_done(view); }
    void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override {
      to_.on_update(view, block);
    }
    void end_layer(const tap::LayerView& view) override { to_.end_layer(view); }

   private:
    tap::Observer& to_;
  } lossy(*experiment);
  tap::Observer* const observer = &lossy;
  run(model, {&observer, 1}, {});
  const Json fields = experiment->reduce().fields;
  EXPECT_FALSE(fields["decomposition_check"]["0"]["holds"].get<bool>());
}

}  // namespace
}  // namespace rg::experiments::testing::attention
