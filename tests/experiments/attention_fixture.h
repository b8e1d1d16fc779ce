// The fake model that the tests of attention_router share, measured once, and its numbers from the
// definitions.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "experiments/fake_engine.h"

namespace rg::experiments::testing::attention {

inline constexpr uint32_t kT = 32, kE = 8, kK = 3;
using Vector = std::vector<double>;

inline double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
inline Vector centred(Vector v) {
  double mean = 0;
  for (const double x : v) mean += x / double(v.size());
  for (double& x : v) x -= mean;
  return v;
}
inline Vector plus(Vector a, const Vector& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// Positions of the fake model from the definitions, in plain double arithmetic.
class Reference {
 public:
  explicit Reference(const FakeModel& model) : model_(model) {}

  Vector row(const std::vector<float>& rows, size_t at) const {
    const size_t d = model_.shape.width;
    return {rows.begin() + long(at * d), rows.begin() + long((at + 1) * d)};
  }
  Vector part(int layer, size_t at, size_t p, size_t set = 0) const {
    const Trace& trace = model_.trace(layer, set);
    if (p == 1) return row(trace.attention_sum, at);
    if (p == 2) return row(trace.expert_sum, at);
    const float* e = model_.embedding(model_.sets[set].ids[at]);
    return {e, e + model_.shape.width};
  }
  Vector project(int layer, const Vector& x, bool gained) const {
    const LayerWeights& weights = model_.weights(layer);
    Vector out(model_.shape.experts, 0.0);
    for (size_t e = 0; e < out.size(); ++e) {
      for (size_t i = 0; i < x.size(); ++i) {
        out[e] += double(weights.router[e * x.size() + i]) * x[i] *
                  (gained ? double(weights.gain[i]) : 1.0);
      }
    }
    return out;
  }
  static double scale(const Vector& x) {
    return 1 / std::sqrt(dot(x, x) / double(x.size()) + double(FakeModel::kEpsilon));
  }
  // Centred contributions of the three parts at a position.
  std::vector<Vector> contributions(int layer, size_t at, size_t set = 0) const {
    const double r = scale(row(model_.trace(layer, set).residual_pre, at));
    std::vector<Vector> found;
    for (size_t p = 0; p < 3; ++p) {
      Vector v = project(layer, part(layer, at, p, set), true);
      for (double& value : v) value *= r;
      found.push_back(centred(v));
    }
    return found;
  }
  std::vector<int32_t> choose(int layer, const Vector& x) const {
    Vector z = project(layer, x, true);
    std::vector<int32_t> order(z.size());
    for (size_t e = 0; e < z.size(); ++e) order[e] = int32_t(e);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return z[size_t(a)] > z[size_t(b)]; });
    order.resize(model_.shape.k);
    return order;
  }
  std::set<int32_t> selected(int layer, size_t at) const {
    const int32_t* ranked = model_.trace(layer, 0).ranked.data() + at * (model_.shape.k + 1);
    return {ranked, ranked + model_.shape.k};
  }
  double overlap(int layer, size_t at, const std::vector<int32_t>& top) const {
    double kept = 0;
    for (const int32_t e : top) kept += selected(layer, at).contains(e);
    return kept / model_.shape.k;
  }

 private:
  const FakeModel& model_;
};

inline Setting full_setting(const FakeModel& model) {
  Setting setting = model.setting();
  setting.prompts = model.prompts;
  setting.prompt_set = &model.sets[1];
  setting.prompt_set_unmasked = &model.sets[2];
  return setting;
}

class AttentionTest : public ::testing::Test {
 protected:
  static Shape shape() {
    Shape shape;
    shape.experts = kE;
    shape.k = kK;
    shape.layers = 3;
    return shape;
  }
  static void SetUpTestSuite() {
    model_ = new FakeModel(shape(), softmax_spec(kE, kK), {});
    fields_ =
        new Json(measure(*model_, full_setting(*model_), "attention_router", {2, 3, false}).fields);
  }
  static void TearDownTestSuite() {
    delete model_;
    delete fields_;
  }
  static size_t at(size_t window, uint32_t t) { return window * 33 + t; }
  static double found(const std::string& field, int layer, size_t w) {
    return (*fields_)["per_window"][field][std::to_string(layer)][w].get<double>();
  }
  static double found(const std::string& field, const std::string& part, int layer, size_t w) {
    return (*fields_)["per_window"][field][part][std::to_string(layer)][w].get<double>();
  }
  static const Json& summary(int layer) {
    return (*fields_)["summary"]["per_layer"][std::to_string(layer)];
  }

  inline static FakeModel* model_ = nullptr;
  inline static Json* fields_ = nullptr;
  inline static const std::vector<std::string> kNames = {"embedding", "attention", "experts"};
};

}  // namespace rg::experiments::testing::attention
