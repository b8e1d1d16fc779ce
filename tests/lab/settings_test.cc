#include "lab/settings.h"

#include <gtest/gtest.h>

namespace rg::lab {
namespace {

TEST(Settings, ParametersReachOnlyTheirExperiment) {
  using Values = std::map<std::string, Json>;
  const Values given = {{"convention", 1}, {"prompts", "file.json"}, {"layers", Json({0})}};
  EXPECT_EQ(parameters_for(declaration_of("attention_router"), given), (Values{{"convention", 1}}));
  EXPECT_EQ(parameters_for(declaration_of("expert_load"), given), Values{});
}

}  // namespace
}  // namespace rg::lab
