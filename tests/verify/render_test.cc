// The table for people, and the two forms for programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "base/wrap.h"
#include "verify/artifacts.h"
#include "verify/words.h"

namespace rg::verify::testing {
namespace {

constexpr TableStyle kDetails{.details = true};

std::vector<Judgement> one_of_each() {
  std::vector<Judgement> judgements;
  for (const char* test : kTests) judgements.push_back(judge(make(test, {})));
  return judgements;
}

Judgement invalid() {
  Json artifact = make_terminal_ovk_scan({});
  at(artifact, "summary.terminal_jump.delta_mean") = -0.9;
  seal(artifact);
  return judge(artifact);
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string in_one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  return out;
}

size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, text_width(line));
  return widest;
}

TEST(Table, FitsAHundredColumnsWithAndWithoutDetails) {
  std::vector<Judgement> judgements = one_of_each();
  judgements.push_back(invalid());
  judgements.push_back(judge(make_terminal_ovk_scan({.windows = 50})));
  EXPECT_LE(widest_line(render_table(judgements, {})), 100u);
  EXPECT_LE(widest_line(render_table(judgements, kDetails)), 100u);
}

TEST(Table, OnANarrowTerminalTheEffectIsBelowItsRow) {
  const std::string table = render_table(one_of_each(), {.columns = 60});
  EXPECT_LE(widest_line(table), 60u);
  EXPECT_FALSE(holds(table, "EFFECT"));
  EXPECT_TRUE(holds(table, "\n    terminal jump, layer 5: "));
}

TEST(Table, SaysItInWords) {
  const std::string table = render_table(one_of_each(), {});
  for (const char* words : {"attention share, layer ", "largest load over mean, layer ",
                            "terminal jump, layer 5: -", "kappa vs ", "decisions that flip: 0.1"}) {
    EXPECT_TRUE(holds(table, words)) << words << '\n' << table;
  }
  for (const char* code : {"@", "max_over_mean", "terminal_jump", "H1", "H2", "H3", "beside"}) {
    EXPECT_FALSE(holds(table, code)) << code << '\n' << table;
  }
}

TEST(Table, ExplainsWhatOccursAndCounts) {
  const std::string pass = render_table({judge(make_terminal_ovk_scan({}))}, {});
  EXPECT_TRUE(holds(pass, "PASS: the claim is supported"));
  EXPECT_TRUE(holds(pass, "terminal jump: "));
  EXPECT_FALSE(holds(pass, "REPORTED"));
  EXPECT_FALSE(holds(pass, "kappa"));
  EXPECT_TRUE(pass.ends_with("\n1 test: 1 pass\n")) << pass;
  std::vector<Judgement> judgements = one_of_each();
  judgements.push_back(invalid());
  EXPECT_EQ(count_verdicts(judgements),
            "13 tests: 3 pass, 4 reported, 3 holds, 1 superior, 1 inferior, 1 invalid");
}

TEST(Table, AnEffectOfNoLayerIsAtNone) {
  const std::string table = render_table({judge(make("intervention", {}))}, {});
  EXPECT_TRUE(holds(table, "change of the loss: +0.108 [+0.0938, +0.121]")) << table;
  EXPECT_TRUE(holds(table, "95 % interval over windows\n")) << table;
  const std::string details = render_table({judge(make("intervention", {}))}, kDetails);
  EXPECT_TRUE(holds(details, "also: whether anything changed: CHANGED")) << details;
}

TEST(Table, WithoutDetailsOneSentencePerRow) {
  const std::string table = render_table(one_of_each(), {});
  for (const char* extra : {"also: ", "note: ", "sha256: ", "file: ", "convergence: "}) {
    EXPECT_FALSE(holds(table, extra)) << extra;
  }
  const std::string details = render_table(one_of_each(), kDetails);
  for (const char* extra : {"also: attention by size of the parts: balanced", "taken as stated",
                            "also: cosine of the two outputs, boundary: ", "sha256: ", "file: "}) {
    EXPECT_TRUE(holds(in_one_line(details), extra)) << extra << '\n' << details;
  }
  EXPECT_FALSE(holds(details, "beside"));
}

TEST(Table, WideShowsEveryColumn) {
  const std::string table = render_table(one_of_each(), {.wide = true});
  for (const char* column : {"MODEL", "LAYER", "95 %", "STABILITY", "REPL", "N90", "WINDOWS",
                             "STABILITY: ", "Z: ", "REPL: ", "N90: "}) {
    EXPECT_TRUE(holds(table, column)) << column;
  }
}

TEST(Table, GroupsByModel) {
  Judgement a = judge(make_terminal_ovk_scan({})), b = a, c = a;
  a.model = c.model = "one";
  b.model = "two";
  const std::string table = render_table({a, b, c}, {});
  EXPECT_TRUE(holds(table, "model one, 200 windows per domain\n"));
  EXPECT_EQ(table.find("model one"), table.rfind("model one"));
  EXPECT_TRUE(holds(table, "model two"));
}

// What takes something away from a verdict is never a detail.
TEST(Table, WhatQualifiesAVerdictIsAlwaysShown) {
  Judgement judgement = judge(make_terminal_ovk_scan({}));
  judgement.stability->fragile = true;
  judgement.stability->verdict = Verdict::fail;
  judgement.warnings = {"one", "two", "three", "four", "five"};
  const std::string table = render_table({judgement}, {});
  EXPECT_TRUE(holds(table, "warning: fragile: with other resamples the verdict would be FAIL"));
  EXPECT_TRUE(holds(table, "warning: three\n"));
  EXPECT_TRUE(holds(table, "... and 2 more warnings (--details lists them)"));
  EXPECT_TRUE(holds(render_table({judgement}, kDetails), "warning: five\n"));

  judgement.rule = "published";
  EXPECT_TRUE(holds(render_table({judgement}, {}), "judged by the published rule"));
}

TEST(Table, ADefectiveFileIsNamedWithItsReasons) {
  Judgement judgement = invalid();
  judgement.path = "results/run.json";
  const std::string table = in_one_line(render_table({judgement}, {}));
  EXPECT_TRUE(holds(table, "AR010: summary.terminal_jump.delta_mean: summary says -0.9")) << table;
  EXPECT_TRUE(holds(table, "file: results/run.json"));
  EXPECT_TRUE(holds(table, "INVALID: the file cannot be judged"));
}

TEST(Table, MoreReasonsThanAreShownAreCounted) {
  Judgement judgement = invalid();
  judgement.reasons.resize(8, judgement.reasons.front());
  EXPECT_TRUE(holds(render_table({judgement}, {}), "... and 3 more reasons (--json lists them)"));
}

TEST(Table, ColorIsOnlyOnDemand) {
  const std::vector<Judgement> judgements = one_of_each();
  EXPECT_FALSE(holds(render_table(judgements, {}), "\x1b"));
  EXPECT_TRUE(holds(render_table(judgements, {.color = true}), "\x1b[32mPASS\x1b[0m"));
}

TEST(Table, EverythingFromFilesIsEscaped) {
  Json artifact = make_terminal_ovk_scan({});
  artifact["model"]["ckpt"] = "evil\x1b[31m\u202e";
  seal(artifact);
  for (const bool wide : {false, true}) {
    const std::string table = render_table({judge(artifact)}, {.wide = wide, .details = true});
    EXPECT_FALSE(holds(table, "\x1b"));
    EXPECT_TRUE(holds(table, "\\x1b"));
  }
}

TEST(Table, OurOwnSentencesAreNotCut) {
  const Judgement judgement = judge(make_chart_compatibility({}));
  ASSERT_GT(judgement.sentence.size(), 200u);
  EXPECT_TRUE(holds(in_one_line(render_table({judgement}, {})), judgement.sentence));
}

TEST(Words, LayersAreRanges) {
  EXPECT_EQ(at_layers(std::vector<int>{3}), "layer 3");
  EXPECT_EQ(at_layers(std::vector<int>{0, 1}), "layers 0, 1");
  EXPECT_EQ(at_layers(std::vector<int>{0, 2, 4, 5, 6, 7, 9}), "layers 0, 2, 4-7, 9");
}

TEST(Words, LabelsAreSpelledOut) {
  EXPECT_EQ(label_words("H1"), "attention dominates");
  EXPECT_EQ(label_words("H2 (65.2 %)"), "balanced (65.2 %)");
  EXPECT_EQ(label_words("inconclusive"), "undecided");
  EXPECT_EQ(label_words("PASS"), "PASS");
  EXPECT_EQ(label_words("0.1 to 0.2"), "0.1 to 0.2");
}

TEST(Render, CsvIsEscapedAndWhole) {
  Json artifact = make_terminal_ovk_scan({});
  artifact["model"]["ckpt"] = "evil\x1b[31m\u202e\u0085,\"" + std::string(500, 'm') + "end";
  seal(artifact);
  const std::string csv = render_csv({judge(artifact)});
  for (const char* hidden : {"\x1b", "\u202e", "\u0085"}) EXPECT_FALSE(holds(csv, hidden));
  EXPECT_TRUE(holds(csv, "\\x1b[31m\\u202e"));
  EXPECT_TRUE(holds(csv, "mmmend"));
}

TEST(Render, JsonIsTheSameTwiceAndCsvHasOneRowEach) {
  const std::vector<Judgement> once = {judge(make_terminal_ovk_scan({})),
                                       judge(make_expert_load({}))};
  const std::vector<Judgement> again = {judge(make_terminal_ovk_scan({})),
                                        judge(make_expert_load({}))};
  EXPECT_EQ(render_json(once, quick_options()), render_json(again, quick_options()));
  const Json parsed = Json::parse(render_json(once, quick_options()));
  EXPECT_EQ(parsed["verdicts"][0]["verdict"], "PASS");
  const std::string csv = render_csv(once);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
}

}  // namespace
}  // namespace rg::verify::testing
