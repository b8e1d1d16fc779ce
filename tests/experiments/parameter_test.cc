// Rows of --parameter: the values that they accept, and those that apply otherwise.
#include "experiments/parameter.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "experiments/experiment.h"

namespace rg::experiments {
namespace {

const std::vector<Parameter> kRows = {
    {"count", "a number", IntegerValues{.low = 2, .high = 9, .otherwise = 4}},
    {"kind", "a word", WordValues{{"plain", "fine"}}},
    {"loud", "a flag", FlagValues{false}},
    {"some", "layers", LayerValues{}},
    {"prompts", "texts", PromptValues{}}};
const std::vector<int> kMeasured = {1, 4, 6};

std::string refusal(const std::string& key, const Json& value) {
  try {
    effective_parameters(kRows, {{key, value}}, kMeasured);
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::US003);
    return error.what();
  }
  return "accepted";
}

TEST(Parameters, ApplyTheirDefaults) {
  const auto values = effective_parameters(kRows, {}, kMeasured);
  const std::map<std::string, Json> expected = {
      {"count", 4}, {"kind", "plain"}, {"loud", false}, {"some", {1, 4, 6}}};
  EXPECT_EQ(values, expected);
}

TEST(Parameters, ApplyTheGivenValues) {
  const auto values = effective_parameters(
      kRows, {{"count", 9}, {"kind", "fine"}, {"loud", true}, {"some", Json({6, 1})}}, kMeasured);
  const std::map<std::string, Json> expected = {
      {"count", 9}, {"kind", "fine"}, {"loud", true}, {"some", {1, 6}}};
  EXPECT_EQ(values, expected);
}

TEST(Parameters, RefuseOtherValuesAndSayWhatTheyAccept) {
  for (const Json& value : {Json(1), Json(10), Json(4.0), Json("4"), Json(true), Json(nullptr)}) {
    EXPECT_NE(refusal("count", value).find("an integer from 2 to 9"), std::string::npos) << value;
  }
  for (const Json& value : {Json("rough"), Json(1)}) {
    EXPECT_NE(refusal("kind", value).find("plain or fine"), std::string::npos) << value;
  }
  for (const Json& value : {Json(0), Json("true")}) {
    EXPECT_NE(refusal("loud", value).find("true or false"), std::string::npos) << value;
  }
  for (const Json& value : {Json::array(), Json({1, 1}), Json({2}), Json({1.0}), Json(1)}) {
    EXPECT_NE(refusal("some", value).find("distinct measured layers"), std::string::npos) << value;
  }
}

TEST(Parameters, RefuseAnUnknownKeyAndAnInput) {
  const std::string known = "one of count, kind, loud, some";
  EXPECT_NE(refusal("counts", 4).find(known), std::string::npos);
  // Prompts reach an experiment as sequences.
  EXPECT_NE(refusal("prompts", Json({"a"})).find(known), std::string::npos);
}

TEST(Parameters, DefaultsOfEveryRowAreAccepted) {
  for (const Declaration& one : all_experiments()) {
    const auto defaults = effective_parameters(one.parameters, {}, kMeasured);
    EXPECT_EQ(effective_parameters(one.parameters, defaults, kMeasured), defaults) << one.name;
    EXPECT_TRUE(defaults.contains("bootstrap")) << one.name;
  }
}

}  // namespace
}  // namespace rg::experiments
