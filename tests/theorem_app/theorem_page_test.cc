#include "theorem_app/theorem_page.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/json.h"
#include "support/caught.h"
#include "theorem_app/check_report.h"

namespace rg::app {
namespace {

const std::string kPage =
    R"(<!doctype html><script id="checks" type="application/json">null</script><p>x</p>)";

// The text inside the element, and the text after it.
std::pair<std::string, std::string> split(const std::string& html) {
  const std::string opening = R"(<script id="checks" type="application/json">)";
  const size_t begin = html.find(opening) + opening.size();
  const size_t end = html.find("</script", begin);
  return {html.substr(begin, end - begin), html.substr(end)};
}

TEST(TheoremPage, IsRefusedWhereTheProgramHasNone) {
  const test::Caught refusal = test::caught([] { built_page({}, "ab"); });
  EXPECT_EQ(refusal.id, ErrorId::TH001);
  EXPECT_EQ(error_exit_code(ErrorId::TH001), ExitCode::environment);
  EXPECT_TRUE(refusal.says("make viewer")) << refusal.line;
}

TEST(TheoremPage, IsTheEmbeddedFile) {
  const std::array files = {EmbeddedFile{"theorems.html", kPage}};
  EXPECT_EQ(built_page(files, "checks"), kPage);
}

TEST(TheoremPage, IsRefusedWhereItShowsOtherProofs) {
  const std::array files = {EmbeddedFile{"theorems.html", kPage}};
  const test::Caught refusal = test::caught([&] { built_page(files, std::string(64, 'a')); });
  EXPECT_EQ(refusal.id, ErrorId::TH001);
  EXPECT_EQ(error_exit_code(ErrorId::TH001), ExitCode::environment);
  EXPECT_TRUE(refusal.says("make viewer")) << refusal.line;
}

TEST(TheoremPage, HoldsTheChecksInPlaceOfNull) {
  const Json checks = {{"seed", 7}, {"checks", Json::array()}};
  const auto [inside, behind] = split(filled_page(kPage, "checks", checks));
  EXPECT_EQ(parse_json(inside, JsonLimits{}, "page"), checks);
  EXPECT_EQ(behind, "</script><p>x</p>");
}

TEST(TheoremPage, NoTextOfTheChecksLeavesItsElement) {
  const std::string hostile =
      "</script><script>alert(1)</script><!--<script> \u2028 \u2029 </SCRIPT \"'\\ & > \x01";
  theorems::Findings findings;
  findings.input(hostile);
  findings.at_most(hostile, 1, 2, 0);
  const Json checks = checks_json({{"XX-1", findings}}, 0);
  const std::string html = filled_page(kPage, "checks", checks);
  const auto [inside, behind] = split(html);
  EXPECT_EQ(inside.find('<'), std::string::npos);
  EXPECT_EQ(html.find("\u2028"), std::string::npos);
  EXPECT_EQ(html.find("\u2029"), std::string::npos);
  EXPECT_EQ(behind, "</script><p>x</p>");
  EXPECT_EQ(parse_json(inside, JsonLimits{}, "page"), checks);
  EXPECT_EQ(checks["checks"][0]["findings"][0]["relation"], "<=");
}

TEST(TheoremPage, WithoutExactlyOneEmptyPlaceIsOurBug) {
  const std::string filled = filled_page(kPage, "checks", Json::array());
  for (const std::string& page : {std::string("<p>x</p>"), kPage + kPage, filled, kPage + filled}) {
    EXPECT_EQ(test::caught([&] { filled_page(page, "checks", Json::array()); }).id, ErrorId::RT070)
        << page;
  }
}

}  // namespace
}  // namespace rg::app
