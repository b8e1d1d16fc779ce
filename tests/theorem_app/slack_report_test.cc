// Artifacts of theorem_slack as the page and the terminal get them: anyone may have written them.
#include "theorem_app/slack_report.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "support/caught.h"

namespace rg::app {
namespace {

Json small_artifact() {
  const Json histogram = {3, 0, 1};
  const Json of = {{"layers", 1},         {"cases", 5},
                   {"skipped", 0},        {"violated", 0},
                   {"without_share", 1},  {"histogram", histogram},
                   {"largest_used", 0.9}, {"tightest", {{"layer", 3}, {"name", "most"}}}};
  const Json found = {{"cases", 5},
                      {"skipped", 2},
                      {"violated", 0},
                      {"tightest", {{"value", 0.9}, {"bound", 1}, {"used", 0.9}}}};
  return {{"test", "theorem_slack"},
          {"model", {{"ckpt", "small"}}},
          {"domain", "prose"},
          {"layers", {3}},
          {"theorems", {{"JF-2", {{{"name", "most"}, {"relation", "<="}, {"unit", "key"}}}}}},
          {"no_check", {{"KR-2", "needs a matrix"}}},
          {"not_applicable", {{"3", {{"RC-1", "no RoPE"}}}}},
          {"cases", {{"3", {{"JF-2", {found}}}}}},
          {"summary",
           {{"bootstrap", {{"B", 200}}},
            {"per_theorem", {{"JF-2", of}}},
            {"verdict", {{"outcome", "HOLDS"}, {"theorems", 1}, {"cases", 5}, {"violated", 0}}}}},
          {"program_version", "0"},
          {"body_sha256", "ab"}};
}

test::Caught reading(const Json& artifact) {
  const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "slack.json";
  write_file_atomically(file, write_json(artifact, JsonLayout::compact), IfExists::replace);
  return test::caught([&] { read_slack_artifact(file); });
}

TEST(SlackReport, ReadsAnArtifactAndNothingElse) {
  EXPECT_FALSE(reading(small_artifact()).id.has_value());
  Json other = small_artifact();
  other["test"] = "kv_gauge";
  EXPECT_EQ(reading(other).id, ErrorId::US001);
  EXPECT_EQ(reading(Json::array()).id, ErrorId::US001);
}

TEST(SlackReport, RefusesWhatThePageCouldNotShow) {
  for (const char* member : {"model", "domain", "theorems", "no_check", "not_applicable", "summary",
                             "program_version", "body_sha256"}) {
    Json lacking = small_artifact();
    lacking.erase(member);
    EXPECT_EQ(reading(lacking).id, ErrorId::US001) << member;
  }
  const auto changed = [](const char* pointer, const Json& value) {
    Json artifact = small_artifact();
    artifact[Json::json_pointer(pointer)] = value;
    return reading(artifact).id;
  };
  for (const char* member : {"layers", "cases", "violated", "histogram", "tightest"}) {
    const std::string pointer = std::string("/summary/per_theorem/JF-2/") + member;
    EXPECT_EQ(changed(pointer.c_str(), "x"), ErrorId::US001) << member;
  }
  EXPECT_EQ(changed("/summary/per_theorem/JF-2/largest_used", 1.5), ErrorId::US001);
  EXPECT_EQ(changed("/summary/per_theorem/JF-2/histogram", {1, -1}), ErrorId::US001);
  EXPECT_EQ(changed("/summary/per_theorem/JF-2/tightest", {{"layer", 3}}), ErrorId::US001);
  EXPECT_EQ(changed("/summary/verdict", Json::array()), ErrorId::US001);
  EXPECT_EQ(changed("/no_check/KR-2", 7), ErrorId::US001);
  EXPECT_EQ(changed("/not_applicable/3", "x"), ErrorId::US001);
  EXPECT_EQ(changed("/model", {{"ckpt", 1}}), ErrorId::US001);
  Json nothing = small_artifact();
  nothing["summary"]["per_theorem"]["JF-2"]["largest_used"] = nullptr;
  nothing["summary"]["per_theorem"]["JF-2"]["tightest"] = nullptr;
  EXPECT_FALSE(reading(nothing).id.has_value());
}

TEST(SlackReport, PrintsALinePerTheorem) {
  const std::string text = slack_table(small_artifact());
  EXPECT_NE(text.find("JF-2"), std::string::npos);
  EXPECT_NE(text.find("Range of the cosine and its ends"), std::string::npos);
  EXPECT_NE(text.find("0.00-0.33"), std::string::npos) << text;  // the bin of the median
  EXPECT_NE(text.find("layer 3, most"), std::string::npos);
  EXPECT_NE(text.find("0 of 5 cases of 1 theorems violated, HOLDS"), std::string::npos) << text;
}

TEST(SlackReport, PrintsQuantitiesOrTheReason) {
  const std::string text = slack_in_full(small_artifact(), {"JF-2", "KR-2", "RC-1"});
  EXPECT_NE(text.find("most"), std::string::npos);
  EXPECT_NE(text.find("needs a matrix"), std::string::npos);
  EXPECT_NE(text.find("layer 3: no RoPE"), std::string::npos);
}

TEST(SlackReport, GivesThePageNoCases) {
  const Json shown = slack_for_page(small_artifact());
  EXPECT_FALSE(shown.contains("cases"));
  EXPECT_FALSE(shown.at("summary").contains("bootstrap"));
  EXPECT_EQ(shown.at("summary").at("per_theorem"),
            small_artifact().at("summary").at("per_theorem"));
  EXPECT_TRUE(slack_holds(small_artifact()));
  Json broken = small_artifact();
  broken["summary"]["verdict"]["violated"] = 1;
  EXPECT_FALSE(slack_holds(broken));
}

}  // namespace
}  // namespace rg::app
