#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"
#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

constexpr uint32_t kT = 32, kE = 8, kK = 3;
using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
Vector centred(Vector v) {
  double mean = 0;
  for (const double x : v) mean += x / double(v.size());
  for (double& x : v) x -= mean;
  return v;
}
Vector plus(Vector a, const Vector& b) {
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

Setting full_setting(const FakeModel& model) {
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

TEST_F(AttentionTest, SourceTableSplitsEveryLayersPart) {
  for (int layer = 0; layer < 3; ++layer) {
    const Json& table = (*fields_)["source_table"][std::to_string(layer)];
    EXPECT_EQ(table["attention"].size(), size_t(layer) + 1);
    EXPECT_EQ(table["experts"].size(), size_t(layer));
    EXPECT_EQ(table["positions"], 24 * 4);
    double sum = table["embedding"].get<double>();
    for (const Json& share : table["attention"]) sum += share.get<double>();
    for (const Json& share : table["experts"]) sum += share.get<double>();
    EXPECT_NEAR(sum, 1.0, 1e-5);
  }
  // One entry from the definition: what the experts of layer 0 write for the gate of layer 2.
  const Reference reference(*model_);
  double num = 0, den = 0;
  for (uint32_t w = 0; w < 24; ++w) {
    for (const uint32_t t : draw_subset(kT, 4, 42, Purpose::sampled_positions, w, 0)) {
      const auto parts = reference.contributions(2, at(w, t));
      const Vector total = plus(plus(parts[0], parts[1]), parts[2]);
      Vector v = reference.project(2, reference.row(model_->trace(0, 0).update, at(w, t)), true);
      const double r = Reference::scale(reference.row(model_->trace(2, 0).residual_pre, at(w, t)));
      for (double& value : v) value *= r;
      num += dot(centred(v), total);
      den += dot(total, total);
    }
  }
  EXPECT_NEAR((*fields_)["source_table"]["2"]["experts"][0].get<double>(), num / den, 1e-5);
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

TEST_F(AttentionTest, TokenStatisticsEqualABruteForceEvaluation) {
  const Reference reference(*model_);
  struct Token {
    int32_t id;
    size_t window;
    std::set<int32_t> set;
  };
  std::vector<Token> tokens;
  std::map<int32_t, std::vector<size_t>> by_id;
  for (size_t w = 0; w < 24; ++w) {
    for (uint32_t t = 0; t < kT; ++t) {
      by_id[model_->sets[0].ids[at(w, t)]].push_back(tokens.size());
      tokens.push_back({model_->sets[0].ids[at(w, t)], w, reference.selected(1, at(w, t))});
    }
  }
  const auto same = [&](size_t a, size_t b) {
    double kept = 0;
    for (const int32_t e : tokens[a].set) kept += tokens[b].set.contains(e);
    return kept / kK;
  };
  std::vector<size_t> frequent;
  for (const auto& [id, places] : by_id) {
    if (places.size() >= 20) frequent.insert(frequent.end(), places.begin(), places.end());
  }
  // `without`: a window block (of 24 windows over 20 blocks) to leave out; -1: none.
  const auto evaluate = [&](int without) {
    const auto out = [&](size_t i) {
      return without >= 0 && tokens[i].window >= size_t(without) * 24 / 20 &&
             tokens[i].window < size_t(without + 1) * 24 / 20;
    };
    double weighted = 0, members = 0, between = 0, between_pairs = 0;
    std::map<int32_t, std::pair<double, double>> inside;
    for (const size_t a : frequent) {
      if (out(a)) continue;
      for (const size_t b : frequent) {
        if (a >= b || out(b)) continue;
        if (tokens[a].id == tokens[b].id) {
          inside[tokens[a].id].first += same(a, b);
          inside[tokens[a].id].second += 1;
        } else {
          between += same(a, b);
          between_pairs += 1;
        }
      }
    }
    for (const auto& [id, pair] : inside) {
      double n = 0;
      for (const size_t i : by_id[id]) n += !out(i);
      weighted += n * pair.first / pair.second;
      members += n;
    }
    double hits = 0, tested = 0;
    for (const auto& [id, places] : by_id) {
      if (places.size() < 20) continue;
      std::map<std::set<int32_t>, int> fitted;
      for (const size_t i : places) {
        if (tokens[i].window / 3 % 2 == 0 && !out(i)) ++fitted[tokens[i].set];
      }
      if (fitted.empty()) continue;
      const auto best = std::max_element(fitted.begin(), fitted.end(), [](auto& a, auto& b) {
                          return a.second < b.second;
                        })->first;  // the first of the most frequent: sets ascend
      for (const size_t i : places) {
        if (tokens[i].window / 3 % 2 == 0 || out(i)) continue;
        tested += 1;
        for (const int32_t e : best) hits += tokens[i].set.contains(e) / double(kK);
      }
    }
    std::map<std::pair<int32_t, int32_t>, double> joint;
    std::map<int32_t, double> ids, experts;
    double slots = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (out(i)) continue;
      for (const int32_t e : tokens[i].set) {
        ++joint[{tokens[i].id, e}];
        ++ids[tokens[i].id];
        ++experts[e];
        ++slots;
      }
    }
    double information = 0;
    for (const auto& [key, count] : joint) {
      information +=
          count / slots * std::log(count * slots / (ids[key.first] * experts[key.second]));
    }
    return std::array<double, 4>{weighted / members, between / between_pairs, hits / tested,
                                 information};
  };
  const Json& row = (*fields_)["token_id"]["1"];
  const auto whole = evaluate(-1), without = evaluate(7);
  EXPECT_GT(row["ids"].get<int>(), 3);
  EXPECT_EQ(row["occurrences"], frequent.size());
  size_t i = 0;
  for (const char* name : {"within", "between", "predictor"}) {
    EXPECT_NEAR(row[name]["value"].get<double>(), whole[i], 1e-12) << name;
    EXPECT_NEAR(row[name]["leave_one_out"][7].get<double>(), without[i], 1e-12) << name;
    ++i;
  }
  const Json& information = row["mi_token"];
  EXPECT_NEAR(information["value"].get<double>(), whole[3], 1e-10);
  EXPECT_NEAR(information["difference"]["value"].get<double>(),
              whole[3] - information["shuffled"].get<double>(), 1e-10);
  EXPECT_GT(information["shuffled"].get<double>(), 0.0);  // the bias of small counts
  EXPECT_FALSE(row["within"]["ci95"].is_null());
}

TEST_F(AttentionTest, PromptsByBothConventions) {
  const Json& prompts = (*fields_)["prompts"];
  ASSERT_EQ(prompts.size(), 2u * 2u * 3u);  // prompts, conventions, layers
  const Reference reference(*model_);
  // The second prompt, last token (row 3 + 4 of the set), layer 2.
  const Json& exact = prompts[6 + 2];
  const Json& published = prompts[6 + 3 + 2];
  EXPECT_EQ(exact["convention"], "exact");
  EXPECT_EQ(exact["text"], "three");
  EXPECT_EQ(exact["position"], 4);
  EXPECT_EQ(exact["layer"], 2);
  const auto parts = reference.contributions(2, 7, 1);
  double norms = 0;
  for (const Vector& part : parts) norms += std::sqrt(dot(part, part));
  EXPECT_NEAR(exact["attention_ratio"].get<double>(), std::sqrt(dot(parts[1], parts[1])) / norms,
              1e-6);
  EXPECT_EQ(exact["attention_top"].get<long>(),
            std::max_element(parts[1].begin(), parts[1].end()) - parts[1].begin());
  EXPECT_EQ(exact["top"], model_->trace(2, 1).ranked[7 * (kK + 1)]);

  EXPECT_EQ(published["convention"], "published");
  const Vector direct = reference.project(2, reference.part(2, 7, 0, 2), false);
  const Vector entering =
      reference.project(2, reference.row(model_->trace(2, 2).residual_in, 7), false);
  Vector rest = entering;
  for (size_t e = 0; e < kE; ++e) rest[e] -= direct[e];
  EXPECT_NEAR(published["embed_norm"].get<double>(), std::sqrt(dot(direct, direct)), 1e-5);
  EXPECT_NEAR(published["attention_norm"].get<double>(), std::sqrt(dot(rest, rest)), 1e-5);
  EXPECT_EQ(published["top"].get<long>(),
            std::max_element(entering.begin(), entering.end()) - entering.begin());
  const Json& table = (*fields_)["summary"]["published_table"];
  EXPECT_EQ(table[0]["mean"], 0.0);
  const double a = prompts[3 + 2]["attention_ratio"].get<double>(),
               b = published["attention_ratio"].get<double>();
  EXPECT_NEAR(table[2]["mean"].get<double>(), (a + b) / 2, 1e-12);
  EXPECT_NEAR(table[2]["std"].get<double>(), std::fabs(a - b) / 2, 1e-12);
}

TEST_F(AttentionTest, ProbesNameTheTokenThatEachConventionReads) {
  const Json& probes = (*fields_)["probes"];
  ASSERT_EQ(probes.size(), 2u * 2u * 3u);
  EXPECT_EQ(probes[0]["context"], "a 127");
  EXPECT_EQ(probes[0]["token_id"], 10);  // located by offsets
  EXPECT_EQ(probes[3]["convention"], "published");
  EXPECT_EQ(probes[3]["token_id"], 9);  // the first piece: another token
  const Json& tests = (*fields_)["summary"]["context_tests"];
  EXPECT_EQ(tests["exact"]["cells"], 3);
  EXPECT_EQ(tests["exact"]["table"][0]["tops"], Json({probes[0]["top"], probes[6]["top"]}));
  EXPECT_EQ(tests["exact"]["layers"], Json({0, 1, 2}));
}

TEST_F(AttentionTest, GeometryOfTheRouter) {
  const LayerWeights& weights = model_->weights(1);
  double squares = 0, first = 0;
  for (const float w : weights.router) squares += double(w) * double(w);
  for (const Json& s : (*fields_)["gate_geometry"]["1"]["singular_values"]) {
    first += std::pow(s.get<double>(), 2);
  }
  EXPECT_NEAR(first, squares, 1e-9);  // the Frobenius norm
  EXPECT_LE((*fields_)["gate_geometry"]["1"]["entropy_rank"].get<double>(), 8.0);
}

TEST(Attention, GeometryOfOrthogonalAndOfEqualRows) {
  Shape shape;
  shape.layers = 2;
  FakeModel::Hooks hooks;
  hooks.weights = [](int layer, LayerWeights& weights) {
    for (size_t i = 0; i < weights.router.size(); ++i) {
      const size_t e = i / 24, j = i % 24;
      weights.router[i] = layer == 0 ? (e == j ? 2.0f : 0.0f) : float(j + 1) * float(e + 1);
    }
  };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  const Json fields = measure(model, model.setting(), "attention_router", {}).fields;
  const Json &orthogonal = fields["gate_geometry"]["0"], &equal = fields["gate_geometry"]["1"];
  EXPECT_NEAR(orthogonal["entropy_rank"].get<double>(), 8.0, 1e-9);
  EXPECT_EQ(orthogonal["rank95"], 8);
  EXPECT_EQ(orthogonal["cosine"]["max"], 0.0);
  EXPECT_NEAR(equal["entropy_rank"].get<double>(), 1.0, 1e-9);
  EXPECT_EQ(equal["rank95"], 1);
  EXPECT_EQ(equal["rank95_share"], 0.125);
  EXPECT_NEAR(equal["cosine"]["min"].get<double>(), 1.0, 1e-12);
  EXPECT_EQ(fields["prompts"].size(), 0u);  // none were given
  EXPECT_TRUE(fields["summary"]["verdict"]["published"]["all_layers"]["mean"].is_null());
}

Json verdict_with(float attention, float experts, const std::vector<int>& layers) {
  Shape shape;
  shape.windows = 60;
  FakeModel::Hooks hooks;
  hooks.attention_scale = [attention](int) { return attention; };
  hooks.expert_scale = [experts](int) { return experts; };
  const FakeModel model(shape, softmax_spec(8, 2), hooks);
  Setting setting = full_setting(model);
  setting.layers = layers;
  return measure(model, setting, "attention_router", {}).fields["summary"];
}

TEST(Attention, HypothesesFollowWhoWritesTheResidual) {
  const Json attention = verdict_with(5.0f, 0.1f, {0, 1, 2, 3});
  EXPECT_EQ(attention["verdict"]["exact"], "H1");
  EXPECT_EQ(attention["verdict"]["published_ratio"], "H1");
  EXPECT_EQ(attention["convergence"]["verdict"], "H1");
  EXPECT_EQ(attention["convergence"]["settled_at"], 50);
  EXPECT_GT(attention["convergence"]["z"].get<double>(), 0.0);
  // Layer 0 is 0 by construction: it turns the published mean from H1 into something else.
  EXPECT_EQ(attention["verdict"]["published"]["without_first"]["label"], "H1");
  EXPECT_NE(attention["verdict"]["published"]["all_layers"]["label"], "H1");
  EXPECT_EQ(attention["verdict"]["published"]["layers"], Json({0, 2, 3}));

  // Experts write: "not the embedding" is not "attention".
  const Json experts = verdict_with(0.02f, 6.0f, {0, 1, 2, 3});
  EXPECT_EQ(experts["verdict"]["exact"], "H3");
  EXPECT_EQ(experts["verdict"]["published_ratio"], "H1");
}

TEST(Attention, LayersThatAreNotMeasuredStillFeedTheSourceTable) {
  Shape shape;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = full_setting(model);
  const Json all = measure(model, setting, "attention_router", {}).fields;
  setting.layers = {3};
  setting.parameters["convention"] = "published";
  setting.parameters["source_positions"] = 4;
  const Json some = measure(model, setting, "attention_router", {}).fields;
  EXPECT_EQ(some["source_table"]["3"], all["source_table"]["3"]);
  EXPECT_EQ(some["per_window"]["val"]["attention"]["3"],
            all["per_window"]["val"]["attention"]["3"]);
  EXPECT_EQ(some["convention"], "published");
  EXPECT_EQ(some["verification"]["required_layers"], Json({3}));
  EXPECT_EQ(some["summary"]["verdict"]["published"]["layers"], Json({3}));
}

TEST(Attention, TheFirstLayerAloneLeavesNothingToJudge) {
  Shape shape;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  Setting setting = full_setting(model);
  setting.layers = {0};
  const Json fields = measure(model, setting, "attention_router", {}).fields;
  EXPECT_EQ(fields["verification"]["required_layers"], Json::array());
  EXPECT_EQ(fields["summary"]["verdict"]["exact"], "inconclusive");
  EXPECT_EQ(fields["summary"]["verdict"]["published"]["without_first"]["label"], "inconclusive");
  EXPECT_TRUE(fields["summary"]["convergence"]["z"].is_null());
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
}  // namespace rg::experiments::testing
