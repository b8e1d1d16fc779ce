#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"
#include "experiments/chart_summary.h"
#include "experiments/fake_engine.h"
#include "experiments/strata.h"
#include "experiments/swap_weights.h"

namespace rg::experiments::testing {
namespace {

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / double(values.size());
}

// One window of one layer, straight from the definitions.
class BruteForce {
 public:
  BruteForce(const FakeModel& model, int layer, size_t window, uint64_t seed)
      : model_(model), trace_(model.trace(layer, 0)), layer_(layer), window_(window), seed_(seed) {
    std::vector<float> sorted;
    for (uint32_t t = 0; t < positions(); ++t) sorted.push_back(margin(t));
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    low_ = sorted[(n + 9) / 10 - 1];
    middle_ = sorted[(n + 1) / 2 - 1];
    high_ = sorted[(9 * n + 9) / 10 - 1];
  }

  uint32_t positions() const { return model_.shape.seq_len - 1; }
  float margin(uint32_t t) const { return trace_.margins[row(t)]; }
  bool boundary(uint32_t t) const { return margin(t) <= low_; }
  bool interior(uint32_t t) const { return margin(t) >= middle_; }
  bool high(uint32_t t) const { return margin(t) >= high_; }
  size_t row(uint32_t t) const { return window_ * model_.shape.seq_len + t; }
  int32_t ranked(uint32_t t, size_t rank) const {
    return trace_.ranked[row(t) * (model_.shape.k + 1) + rank];
  }
  int32_t next(uint32_t t) const { return ranked(t, model_.shape.k); }
  int32_t random(uint32_t t) const { return random_of(t, 1); }
  int32_t unselected(uint32_t t) const { return unselected_of(t, 1); }
  int32_t random_of(uint32_t t, uint32_t draw) const {
    return drawn(t, {ranked(t, model_.shape.k - 1), next(t)}, Purpose::random_expert, draw);
  }
  int32_t unselected_of(uint32_t t, uint32_t draw) const {
    std::set<int32_t> out;
    for (size_t i = 0; i <= model_.shape.k; ++i) out.insert(ranked(t, i));
    return drawn(t, out, Purpose::unselected_expert, draw);
  }
  float logit_margin(uint32_t t) const { return trace_.logit_margins[row(t)]; }
  float threshold() const { return low_; }

  std::vector<double> output(uint32_t t, int32_t expert) const {
    std::vector<float> values(model_.shape.width);
    model_.expert_output(layer_, 0, row(t), expert, values.data());
    return {values.begin(), values.end()};
  }
  static double norm(const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += value * value;
    return std::sqrt(sum);
  }
  static std::vector<double> combine(double a, const std::vector<double>& x, double b,
                                     const std::vector<double>& y) {
    std::vector<double> out(x.size());
    for (size_t i = 0; i < x.size(); ++i) out[i] = a * x[i] + b * y[i];
    return out;
  }
  double kappa(uint32_t t, int32_t other) const {
    const auto a = output(t, ranked(t, model_.shape.k - 1)), b = output(t, other);
    return norm(combine(1, a, -1, b)) / (norm(a) + norm(b) + 1e-12);
  }
  double target(uint32_t t, int32_t other) const {
    const auto a = output(t, ranked(t, model_.shape.k - 1)), b = output(t, other);
    const float* next_row = model_.unembedding(model_.sets[0].ids[row(t) + 1]);
    double wa = 0, wb = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      wa += double(next_row[i]) * a[i];
      wb += double(next_row[i]) * b[i];
    }
    return std::fabs(wa - wb) / (std::fabs(wa) + std::fabs(wb) + 1e-12);
  }
  double jump(uint32_t t, int32_t other) const {  // full softmax: an expert's weight is its score
    const int32_t last = ranked(t, model_.shape.k - 1);
    const size_t experts = model_.shape.experts, d = model_.shape.width;
    const auto a = output(t, last), b = output(t, other);
    std::vector<double> u(d);
    for (size_t i = 0; i < d; ++i) u[i] = double(trace_.update[row(t) * d + i]);
    return norm(combine(double(trace_.scores[row(t) * experts + size_t(last)]), a,
                        -double(trace_.scores[row(t) * experts + size_t(other)]), b)) /
           norm(u);
  }

 private:
  int32_t drawn(uint32_t t, const std::set<int32_t>& out, Purpose purpose, uint32_t draw) const {
    std::vector<int32_t> members;
    for (int32_t e = 0; e < int32_t(model_.shape.experts); ++e) {
      if (!out.contains(e)) members.push_back(e);
    }
    return members[draw_below(uint32_t(members.size()), seed_, purpose,
                              {t + draw * (1u << 20), uint32_t(window_), uint32_t(layer_)})];
  }

  const FakeModel& model_;
  const Trace& trace_;
  int layer_;
  size_t window_;
  uint64_t seed_;
  float low_, middle_, high_;
};

class ChartTest : public ::testing::Test {
 protected:
  static Shape shape() {
    Shape shape;
    shape.k = 3;
    shape.layers = 3;
    return shape;
  }
  ChartTest()
      : model_(shape(), softmax_spec(8, 3), {}),
        fields_(measure(model_, model_.setting(), "chart_compatibility", {2, 3, false}).fields) {}

  double found(const std::string& stratum, const std::string& member, int layer, size_t w) const {
    return fields_["per_window"][stratum][member][std::to_string(layer)][w].get<double>();
  }
  const FakeModel model_;
  const Json fields_;
};

TEST_F(ChartTest, StrataEqualABruteForceEvaluation) {
  for (int layer = 0; layer < 3; ++layer) {
    for (size_t w = 0; w < 24; w += 7) {
      const BruteForce window(model_, layer, w, 42);
      struct Case {
        const char* stratum;
        bool (BruteForce::*member)(uint32_t) const;
        int32_t (BruteForce::*partner)(uint32_t) const;
      };
      for (const Case& one :
           {Case{"boundary", &BruteForce::boundary, &BruteForce::next},
            Case{"interior", &BruteForce::interior, &BruteForce::next},
            Case{"interior_q90", &BruteForce::high, &BruteForce::next},
            Case{"boundary_random_e2", &BruteForce::boundary, &BruteForce::random},
            Case{"interior_random_e2", &BruteForce::interior, &BruteForce::random},
            Case{"boundary_unselected_e2", &BruteForce::boundary, &BruteForce::unselected},
            Case{"interior_unselected_e2", &BruteForce::interior, &BruteForce::unselected}}) {
        std::vector<double> hidden, target, jump;
        for (uint32_t t = 0; t < window.positions(); ++t) {
          if (!(window.*one.member)(t)) continue;
          const int32_t other = (window.*one.partner)(t);
          hidden.push_back(window.kappa(t, other));
          target.push_back(window.target(t, other));
          jump.push_back(window.jump(t, other));
        }
        EXPECT_EQ(found(one.stratum, "tokens", layer, w), double(hidden.size()));
        EXPECT_NEAR(found(one.stratum, "kappa_hidden_median", layer, w), median_of(hidden), 1e-7);
        EXPECT_NEAR(found(one.stratum, "kappa_hidden_mean", layer, w), mean_of(hidden), 1e-7);
        EXPECT_NEAR(found(one.stratum, "kappa_target_median", layer, w), median_of(target), 1e-6);
        EXPECT_NEAR(found(one.stratum, "jump_hidden_median", layer, w), median_of(jump), 1e-6)
            << one.stratum;
      }
    }
  }
  EXPECT_EQ(found("boundary", "tokens", 0, 0), 4.0);   // ceil(0.1 * 32)
  EXPECT_EQ(found("interior", "tokens", 0, 0), 17.0);  // 32 - 16 + 1
}

TEST_F(ChartTest, KappaIsItsOrthogonalValueCorrectedByTheCosine) {
  // kappa^2 = kappa_orth^2 - 2 r cos/(1+r)^2, token by token; here for a stratum of few tokens by
  // recomputing the parts.
  const BruteForce window(model_, 1, 5, 42);
  std::vector<double> cosines, ratios, orthogonal;
  for (uint32_t t = 0; t < window.positions(); ++t) {
    if (!window.boundary(t)) continue;
    const auto a = window.output(t, window.ranked(t, 2)), b = window.output(t, window.next(t));
    double inner = 0;
    for (size_t i = 0; i < a.size(); ++i) inner += a[i] * b[i];
    const double r = BruteForce::norm(a) / BruteForce::norm(b);
    cosines.push_back(inner / (BruteForce::norm(a) * BruteForce::norm(b)));
    ratios.push_back(std::log(r));
    orthogonal.push_back(std::sqrt(1 + r * r) / (1 + r));
    EXPECT_NEAR(std::pow(window.kappa(t, window.next(t)), 2),
                std::pow(orthogonal.back(), 2) - 2 * r * cosines.back() / std::pow(1 + r, 2), 1e-9);
  }
  EXPECT_NEAR(found("boundary", "cos_mean", 1, 5), mean_of(cosines), 1e-6);
  EXPECT_NEAR(found("boundary", "log_r_mean", 1, 5), mean_of(ratios), 1e-6);
  EXPECT_NEAR(found("boundary", "kappa_orth_mean", 1, 5), mean_of(orthogonal), 1e-6);
}

TEST_F(ChartTest, ExactControlAveragesOverEveryEligibleCompetitor) {
  for (size_t w = 0; w < 24; w += 6) {
    const BruteForce window(model_, 2, w, 42);
    const auto t = fields_["per_window"]["exact_random"]["2"]["positions"][w].get<uint32_t>();
    ASSERT_TRUE(window.boundary(t));
    double sum = 0;
    for (int32_t e = 0; e < 8; ++e) {
      if (e != window.ranked(t, 2) && e != window.next(t)) sum += window.kappa(t, e);
    }
    EXPECT_NEAR(fields_["per_window"]["exact_random"]["2"]["mean"][w].get<double>(), sum / 6, 1e-7);
  }
}

TEST_F(ChartTest, MarginsAreStoredInScoresAndInLogits) {
  const BruteForce window(model_, 1, 4, 42);
  double set = 0, logit = 0;
  for (uint32_t t = 0; t < window.positions(); ++t) {
    set += double(window.margin(t)) / window.positions();
    logit += double(window.logit_margin(t)) / window.positions();
  }
  const Json& margins = fields_["per_window"]["margins"];
  EXPECT_NEAR(margins["m_set_mean"]["1"][4].get<double>(), set, 1e-12);
  EXPECT_NEAR(margins["m_logit_mean"]["1"][4].get<double>(), logit, 1e-12);
  EXPECT_GT(logit, 2 * set);  // they are different quantities
  EXPECT_EQ(margins["m_thr"]["1"][4].get<float>(), window.threshold());
}

TEST_F(ChartTest, CosinesAndNormRatiosAreSummarised) {
  const Json& layer = fields_["summary"]["per_layer"]["2"];
  for (const char* stratum : {"boundary", "interior"}) {
    for (const auto& [block, member] :
         {std::pair("cos_", "cos_mean"), std::pair("log_r_", "log_r_mean")}) {
      double sum = 0;
      for (size_t w = 0; w < 24; ++w) sum += found(stratum, member, 2, w);
      const Json& summary = layer[std::string(block) + stratum];
      EXPECT_NEAR(summary["mean"].get<double>(), sum / 24, 1e-14);
      EXPECT_LT(summary["ci95"][0].get<double>(), summary["mean"].get<double>());
    }
  }
}

TEST_F(ChartTest, FurtherDrawsAverageTheMediansOfEachDraw) {
  constexpr uint32_t kDraws = 3;
  Setting setting = model_.setting();
  setting.parameters["random_draws"] = kDraws;
  const Json more = measure(model_, setting, "chart_compatibility", {2, 5, true}).fields;
  EXPECT_EQ(more["random_draws"], 3);
  EXPECT_FALSE(fields_["per_window"].contains("random_draws"));
  // Verdicts come from draw 1, whose values keep their bits.
  for (const auto& [name, values] : fields_["per_window"].items()) {
    EXPECT_EQ(more["per_window"][name], values) << name;
  }
  for (const auto& [name, values] : fields_["summary"]["per_layer"]["1"].items()) {
    EXPECT_EQ(more["summary"]["per_layer"]["1"][name], values) << name;
  }
  for (int layer = 0; layer < 3; ++layer) {
    const std::string key = std::to_string(layer);
    for (size_t w = 0; w < 24; w += 7) {
      const BruteForce window(model_, layer, w, 42);
      double random = 0, unselected = 0;
      for (uint32_t draw = 1; draw <= kDraws; ++draw) {
        std::vector<double> of_random, of_unselected;
        for (uint32_t t = 0; t < window.positions(); ++t) {
          if (!window.boundary(t)) continue;
          of_random.push_back(window.kappa(t, window.random_of(t, draw)));
          of_unselected.push_back(window.kappa(t, window.unselected_of(t, draw)));
        }
        random += median_of(of_random) / kDraws;
        unselected += median_of(of_unselected) / kDraws;
      }
      const Json& draws = more["per_window"]["random_draws"];
      EXPECT_NEAR(draws["boundary_random_e2"][key][w].get<double>(), random, 1e-7);
      EXPECT_NEAR(draws["boundary_unselected_e2"][key][w].get<double>(), unselected, 1e-7);
    }
  }
  double sum = 0;
  for (size_t w = 0; w < 24; ++w) {
    sum += found("boundary", "kappa_hidden_median", 1, w) -
           more["per_window"]["random_draws"]["boundary_random_e2"]["1"][w].get<double>();
  }
  const Json& block = more["summary"]["per_layer"]["1"]["c2_draws"];
  EXPECT_NEAR(block["delta"].get<double>(), sum / 24, 1e-14);
  EXPECT_EQ(block["holds"], block["ci95"][1].get<double>() < 0);
  EXPECT_TRUE(block.contains("ci95_bca") && block.contains("probability"));
  EXPECT_TRUE(more["summary"]["per_layer"]["1"]["c2_unselected_draws"].contains("holds"));
}

TEST_F(ChartTest, NullIsNamed) {
  EXPECT_NE(fields_["summary"]["null"]["kind"].get<std::string>().find("random-expert"),
            std::string::npos);
}

TEST_F(ChartTest, SummaryFollowsFromTheArrays) {
  const Json& layer = fields_["summary"]["per_layer"]["1"];
  double sum = 0;
  for (size_t w = 0; w < 24; ++w) {
    sum += found("boundary", "kappa_hidden_median", 1, w) -
           found("interior", "kappa_hidden_median", 1, w);
  }
  EXPECT_NEAR(layer["kappa_hidden"]["delta"].get<double>(), sum / 24, 1e-14);
  EXPECT_EQ(layer["c1"]["holds"], layer["kappa_hidden"]["ci95"][1].get<double>() < 0);
  EXPECT_TRUE(layer["kappa_hidden"].contains("ci95_doc"));  // three windows a document
  EXPECT_EQ(fields_["summary"]["degenerate_layers"], Json::array());
}

// Outputs of the pair at the boundary made alike, elsewhere not: both axes must hold.
TEST(Chart, FindsCompatibilityThatIsThere) {
  Shape shape;
  shape.windows = 60;
  shape.layers = 2;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  const Setting setting = model.setting();
  const auto experiment = declaration("chart_compatibility").make(setting);
  // A relay that mixes e_{k+1}'s output towards e_k's as the margin falls.
  class Relay : public tap::Observer {
   public:
    Relay(tap::Observer& to, const FakeModel& model) : to_(to), model_(model) {}
    tap::Needs needs() const override { return to_.needs(); }
    std::span<const tap::SequenceSet* const> sets() const override { return to_.sets(); }
    void begin_layer(const tap::LayerView& view) override { to_.begin_layer(view); }
    void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
      to_.on_gate(view, block);
    }
    void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) override {
      const Trace& trace = model_.trace(view.layer, 0);
      const int32_t* ranked = trace.ranked.data() + answer.row * 3;
      const size_t d = view.width;
      std::vector<float> changed(answer.outputs, answer.outputs + answer.experts.size() * d);
      const auto at = [&](int32_t e) {
        return size_t(std::find(answer.experts.begin(), answer.experts.end(), e) -
                      answer.experts.begin());
      };
      const float share = std::min(1.0f, 20 * trace.margins[answer.row]);
      for (size_t i = 0; i < d; ++i) {
        float& next = changed[at(ranked[2]) * d + i];
        next = share * next + (1 - share) * changed[at(ranked[1]) * d + i];
      }
      tap::ExpertOutputs passed = answer;
      passed.outputs = changed.data();
      to_.on_outputs(view, passed);
    }
    void end_layer(const tap::LayerView& view) override { to_.end_layer(view); }

   private:
    tap::Observer& to_;
    const FakeModel& model_;
  } relay(*experiment, model);
  tap::Observer* const observer = &relay;
  run(model, {&observer, 1}, {});
  const Json summary = experiment->reduce().fields["summary"];
  EXPECT_EQ(summary["per_layer"]["0"]["failure_type"], "neither");
  EXPECT_EQ(summary["per_layer"]["1"]["failure_type"], "neither");
  EXPECT_TRUE(summary["per_layer"]["0"]["c1_matched"]["holds"].get<bool>());
  EXPECT_TRUE(summary["per_layer"]["0"]["c2_unselected"]["holds"].get<bool>());
  EXPECT_EQ(summary["convergence"]["verdict"], "PASS");
  EXPECT_EQ(summary["convergence"]["settled_at"], 50);
}

TEST(Chart, RandomOutputsFailBothAxes) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    Shape shape;
    shape.windows = 40;
    shape.layers = 2;
    shape.seed = seed;
    const FakeModel model(shape, softmax_spec(8, 2), {});
    const Json summary =
        measure(model, model.setting(), "chart_compatibility", {}).fields["summary"];
    EXPECT_EQ(summary["convergence"]["verdict"], "FAIL") << seed;
    for (const char* layer : {"0", "1"}) {
      EXPECT_EQ(summary["per_layer"][layer]["failure_type"], "both") << seed << " " << layer;
    }
  }
}

// Ties at the threshold put more tokens into the boundary than the plan expects, and are measured.
TEST(Chart, TiedMarginsWidenTheBoundary) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.logits = [](int layer, size_t row, std::span<float> logits) {
    // Ten of the 32 measured positions have the same, smallest margin.
    if (layer != 0 || row % 33 % 3 != 0 || row % 33 > 28) return;
    for (size_t e = 0; e < logits.size(); ++e) logits[e] = 1.0f - 1e-5f * float(e);
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "chart_compatibility", {}).fields;
  EXPECT_EQ(fields["summary"]["degenerate_layers"], Json::array());
  for (size_t w = 0; w < 24; ++w) {
    EXPECT_EQ(fields["per_window"]["boundary"]["tokens"]["0"][w], 10);
    EXPECT_EQ(fields["per_window"]["boundary"]["tokens"]["1"][w], 4);
    EXPECT_EQ(fields["per_window"]["interior"]["tokens"]["0"][w], 17);
    const auto t = fields["per_window"]["exact_random"]["0"]["positions"][w].get<uint32_t>();
    EXPECT_EQ(t % 3, 0u);
    EXPECT_FALSE(fields["per_window"]["c1_matched_interior"]["0"][w].is_null());
  }
}

TEST(Chart, RefusesGatesWithoutAnExpertToDraw) {
  const FakeModel model({}, softmax_spec(8, 2), {});
  Setting setting = model.setting();
  setting.spec = softmax_spec(2, 1);
  try {
    declaration("chart_compatibility").make(setting);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::RT001);
  }
  EXPECT_NO_THROW(declaration("terminal_ovk_scan").make(setting));
  setting.spec = softmax_spec(3, 1);
  EXPECT_NO_THROW(declaration("chart_compatibility").make(setting));
  setting.spec = softmax_spec(3, 2);
  EXPECT_NO_THROW(declaration("chart_compatibility").make(setting));
}

TEST(Chart, EqualMarginsAreDegenerate) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.logits = [](int layer, size_t, std::span<float> logits) {
    if (layer == 1) std::fill(logits.begin(), logits.end(), 0.5f);
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "chart_compatibility", {}).fields;
  EXPECT_EQ(fields["summary"]["degenerate_layers"], Json({1}));
  EXPECT_EQ(fields["summary"]["overlapping_strata"]["1"], 24);
  EXPECT_TRUE(fields["per_window"]["boundary"]["kappa_hidden_median"]["1"][0].is_null());
  EXPECT_EQ(fields["summary"]["convergence"]["verdict"], "DEGENERATE");

  // Where only the other layer is required, the tie doesn't matter.
  Setting setting = model.setting();
  setting.parameters["required_layers"] = Json({0});
  const Json other = measure(model, setting, "chart_compatibility", {}).fields;
  EXPECT_EQ(other["verification"]["required_layers"], Json({0}));
  EXPECT_NE(other["summary"]["convergence"]["verdict"], "DEGENERATE");
}

TEST(Chart, UndefinedMarginsAreCountedAndNoted) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.logits = [](int layer, size_t row, std::span<float> logits) {
    const bool some = layer == 0 && row % 33 == 3, all = layer == 1;
    if (some || all) {
      std::fill(logits.begin() + 2, logits.end(), std::numeric_limits<float>::quiet_NaN());
    }
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const auto part = measure(model, model.setting(), "chart_compatibility", {});
  EXPECT_EQ(part.fields["per_window"]["n_undefined"]["0"][7], 1);
  EXPECT_EQ(part.fields["per_window"]["n_undefined"]["1"][7], 32);
  EXPECT_EQ(part.fields["per_window"]["interior"]["tokens"]["0"][7], 16);  // 31 - 16 + 1
  EXPECT_TRUE(part.fields["per_window"]["interior"]["cos_mean"]["1"][7].is_null());
  EXPECT_FALSE(part.fields["summary"]["per_layer"]["1"]["c1"]["holds"].get<bool>());
  EXPECT_EQ(part.fields["summary"]["convergence"]["verdict"], "INVALID");
  EXPECT_EQ(part.notes.size(), 3u);  // short windows, and one note per layer
}

TEST(Chart, RandomPartnersThatDoNotExistAreLeftOut) {
  Shape shape;
  shape.experts = 4;
  shape.k = 3;
  shape.layers = 2;
  const FakeModel model(shape, softmax_spec(4, 3), {});
  const Json fields = measure(model, model.setting(), "chart_compatibility", {}).fields;
  // Ranks above k+1 = 4: none.
  EXPECT_EQ(fields["per_window"]["boundary_unselected_e2"]["tokens"]["0"][0], 0);
  EXPECT_TRUE(
      fields["per_window"]["boundary_unselected_e2"]["kappa_hidden_median"]["0"][0].is_null());
  EXPECT_EQ(fields["per_window"]["boundary_random_e2"]["tokens"]["0"][0], 4);
}

TEST(Chart, WindowsTooShortForStrataAreRefused) {
  Shape shape;
  shape.seq_len = 10;  // nine positions
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = model.setting();
  try {
    declaration("chart_compatibility").make(setting);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::RT006);
  }
  setting.allow_small_t = true;
  EXPECT_EQ(measure(model, setting, "chart_compatibility", {}).notes.size(), 1u);
}

class ChartNeeds : public ::testing::TestWithParam<int> {};

TEST_P(ChartNeeds, CountWhatIsAskedForWhereMarginsAreUntied) {
  Shape shape;
  shape.layers = 2;
  shape.experts = 16;
  const FakeModel model(shape, softmax_spec(16, 2), {});
  Setting setting = model.setting();
  setting.parameters["random_draws"] = GetParam();
  const auto experiment = declaration("chart_compatibility").make(setting);
  class Counter : public tap::OutputRequests {
   public:
    void add(size_t, std::span<const int32_t> experts) override { outputs += experts.size(); }
    size_t outputs = 0;
  } counter;
  const Trace& trace = model.trace(0, 0);
  tap::GateBlock block{};
  block.set = &model.sets[0];
  block.sequences = 24;
  block.rows = 24 * 33;
  block.router_logits = trace.logits.data();
  block.scores = trace.scores.data();
  block.ranked = trace.ranked.data();
  block.weights = trace.weights.data();
  block.margins = trace.margins.data();
  block.logit_margins = trace.logit_margins.data();
  block.requests = &counter;
  tap::LayerView view{};
  view.layer = 0;
  view.spec = &model.spec;
  view.width = 24;
  experiment->on_gate(view, block);
  const double per_row = double(counter.outputs) / (24 * 33);
  EXPECT_LE(per_row, experiment->needs().stored_outputs_per_row);
  EXPECT_GE(per_row, 0.75 * experiment->needs().stored_outputs_per_row);
}

INSTANTIATE_TEST_SUITE_P(Draws, ChartNeeds, ::testing::Values(1, 3, 64));

TEST(Strata, RanksFollowTheQuantileRule) {
  std::vector<float> margins(255);
  for (size_t t = 0; t < 255; ++t) margins[t] = float((t * 89) % 255);
  const Strata strata = stratify(margins);
  EXPECT_EQ(strata.boundary, 26u);
  EXPECT_EQ(boundary_size(255), 26u);
  EXPECT_EQ(interior_size(255), 128u);
  EXPECT_EQ(std::count_if(strata.of_position.begin(), strata.of_position.end(),
                          [](uint8_t bits) { return (bits & kInterior) != 0; }),
            128);
  EXPECT_FALSE(strata.overlapping);
  margins.assign(255, 1.0f);
  EXPECT_TRUE(stratify(margins).overlapping);
  EXPECT_TRUE(stratify(std::vector<float>{2.0f}).overlapping);
  EXPECT_EQ(stratify(std::vector<float>(3, std::numeric_limits<float>::infinity())).undefined, 3u);
}

// The weight that the gate itself gives when the swap really happens.
TEST(SwapWeights, EqualTheGatesOwnAfterTheSwap) {
  const std::vector<float> logits = {0.9f, -0.3f, 1.4f, 0.2f, 1.1f, -1.0f};
  const std::vector<float> bias = {0.1f, 0.0f, -0.2f, 0.05f, 0.0f, 0.3f};
  const auto decide = [&](const gate::GateSpec& spec, const std::vector<float>& z,
                          std::span<float> scores, std::span<int32_t> ranked,
                          std::span<float> weights) {
    gate::DecisionView view{.scores = scores,
                            .ranked = ranked,
                            .weights = weights,
                            .margin = 0,
                            .margin_logit = 0,
                            .margin_group = 0,
                            .eligible = 0};
    gate::decide(spec, z, bias, view);
  };
  for (const auto weigh :
       {gate::Weigh::scores, gate::Weigh::selected_softmax, gate::Weigh::sparsemixer}) {
    for (const auto normalise : {gate::Normalise::no, gate::Normalise::by_sum}) {
      if (weigh != gate::Weigh::scores && normalise != gate::Normalise::no) continue;
      gate::GateSpec spec = softmax_spec(6, 3);
      if (weigh == gate::Weigh::sparsemixer) {
        spec.score = gate::Score::logits;
        spec.epsilon = 0.4f;
      }
      spec.weigh = weigh;
      spec.normalise = normalise;
      spec.scaling = 2.5f;
      std::vector<float> scores(6), weights(3), swapped_scores(6), swapped_weights(3);
      std::vector<int32_t> ranked(4), swapped_ranked(4);
      decide(spec, logits, scores, ranked, weights);
      const GatedToken token{&spec, logits.data(), scores.data(), ranked.data(), weights.data()};
      // A selected competitor keeps its weight.
      EXPECT_EQ(swapped_weight(token, ranked[0]), double(weights[0]));
      if (weigh == gate::Weigh::scores && normalise == gate::Normalise::no) {
        EXPECT_NEAR(swapped_weight(token, ranked[3]), 2.5 * double(scores[size_t(ranked[3])]),
                    1e-7);
        continue;
      }
      // Push e_k out of the set without touching the other logits.
      std::vector<float> pushed = logits;
      pushed[size_t(ranked[2])] = -30;
      decide(spec, pushed, swapped_scores, swapped_ranked, swapped_weights);
      ASSERT_EQ(swapped_ranked[2], ranked[3]);
      EXPECT_NEAR(swapped_weight(token, ranked[3]), double(swapped_weights[2]), 1e-6);
    }
  }
}

// Level of the matched C1 under the null: kappa unrelated to the margin (nominal 0.025).
TEST(ChartLevel, MatchedBoundaryAgainstInteriorIsNominal) {
  constexpr int kRuns = 400;
  constexpr size_t kWindows = 60, kBoundary = 26, kInterior = 128;
  int passes = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> differences;
    ChartRecord record(1, kWindows, 1);
    for (uint32_t w = 0; w < kWindows; ++w) {
      std::vector<Redundancy> members(kBoundary + kInterior);
      for (uint32_t t = 0; t < members.size(); ++t) {
        const double z = normal(uint64_t(run) + 5000, t, w, 0);
        members[t] = {std::exp(z) / (1 + std::exp(z)), 0.5, 0.1, 0, 0, 0.7};
      }
      const std::span<const Redundancy> all(members);
      record.add_stratum(ChartStratum::boundary, 0, w, all.first(kBoundary));
      record.add_matched(0, w, all.subspan(kBoundary), kBoundary);
      differences.push_back(record.of(ChartStratum::boundary).kappa_hidden_median.of_layer(0)[w] -
                            record.matched.of_layer(0)[w]);
    }
    const stats::CountTable table(kWindows, 400, uint64_t(run), 0);
    passes += stats::interval_below(stats::mean_replicates(table, differences).values, 0);
  }
  // 0.025 * 400 = 10; 2.5 standard deviations above are 17.8.
  EXPECT_LE(passes, 17);
}

}  // namespace
}  // namespace rg::experiments::testing
