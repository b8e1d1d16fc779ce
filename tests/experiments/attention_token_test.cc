// attention_router: what the token alone says of the choice.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "experiments/attention_fixture.h"

namespace rg::experiments::testing::attention {
namespace {

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

}  // namespace
}  // namespace rg::experiments::testing::attention
