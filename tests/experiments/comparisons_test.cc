// Tables over several artifacts of a run.
#include <gtest/gtest.h>

#include "experiments/experiment.h"

namespace rg::experiments {
namespace {

Json compared(const std::vector<Json>& artifacts) {
  std::vector<const Json*> each;
  for (const Json& artifact : artifacts) each.push_back(&artifact);
  return comparisons(each);
}

Json load_artifact(const char* model, const char* domain, double share) {
  return {{"test", "expert_load"},
          {"model", {{"ckpt", model}}},
          {"domain", domain},
          {"summary", {{"per_layer", {{"0", {{"share", {share, 0.0, 0.5}}}}}}}}};
}

Json router_artifact(const char* exact, const char* published) {
  return {{"test", "attention_router"},
          {"model", {{"ckpt", "org/model"}}},
          {"domain", "prose"},
          {"convention", "exact"},
          {"prompts", Json::array()},
          {"summary",
           {{"published_table", Json::array()},
            {"context_tests", Json::object()},
            {"per_layer", Json::object()},
            {"verdict",
             {{"exact", exact}, {"published", {{"without_first", {{"label", published}}}}}}}}}};
}

TEST(Comparisons, DivideAnExpertsLoadOverTheDomainsOfItsModel) {
  const Json tables = compared({load_artifact("a", "prose", 0.3), load_artifact("a", "code", 0.1),
                                load_artifact("b", "prose", 0.3)});
  EXPECT_FALSE(tables.contains("attention_router"));
  const Json& rows = tables.at("expert_load").at("domain_specialisation");
  ASSERT_EQ(rows.size(), 1u);  // one domain of b has nothing to be compared with
  EXPECT_EQ(rows.at(0).at("model"), "a");
  EXPECT_EQ(rows.at(0).at("domains"), Json({"prose", "code"}));
  const Json& layer = rows.at(0).at("layers").at("0");
  EXPECT_NEAR(layer.at(0).at(0).get<double>(), 0.75, 1e-15);
  EXPECT_TRUE(layer.at(1).at(0).is_null());
  EXPECT_EQ(layer.at(2), Json({0.5, 0.5}));
}

TEST(Comparisons, GiveModelsTheLabelThatTheyShare) {
  const auto exact = [](const std::vector<const char*>& labels) {
    std::vector<Json> artifacts;
    for (const char* label : labels) artifacts.push_back(router_artifact(label, "H2"));
    const Json table = compared(artifacts).at("attention_router");
    EXPECT_EQ(table.at("models").size(), labels.size());
    EXPECT_EQ(table.at("comparison").at("published"), "H2");
    return table.at("comparison").at("exact").get<std::string>();
  };
  EXPECT_EQ(exact({"H1", "H1"}), "H1");
  EXPECT_EQ(exact({"H1", "H2"}), "H2");
  EXPECT_EQ(exact({"H2", "H3", "H1"}), "H3");
  EXPECT_EQ(exact({"H1", "inconclusive"}), "inconclusive");
}

TEST(Comparisons, PassOverTestsThatCompareNothing) {
  const Json scan = {{"test", "terminal_ovk_scan"}};
  EXPECT_TRUE(compared({scan}).empty());
}

}  // namespace
}  // namespace rg::experiments
