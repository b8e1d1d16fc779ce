#include "app/run_summary.h"

#include <gtest/gtest.h>

namespace rg::app {
namespace {

const std::vector<std::filesystem::path> kFiles = {
    "out/a/m/prose/single/run.json", "out/a/m/code/single/run.json", "out/verdicts.json",
    "out/results/results_1.json"};

TEST(RunSummary, NamesTheFolderOnceAndWhatToTryNext) {
  EXPECT_EQ(run_summary("out", kFiles, {}, "routegauge"),
            "\nWritten to out: 2 artifacts (run.json), verdicts.json, results/results_1.json\n"
            "Next: routegauge verify out --details\n");
}

TEST(RunSummary, CallsTheProgramAsItWasCalled) {
  const std::string text = run_summary("out", kFiles, {}, "build/release/bin/routegauge");
  EXPECT_NE(text.find("Next: build/release/bin/routegauge verify out --details\n"),
            std::string::npos);
}

TEST(RunSummary, ListsEveryFileWithDetails) {
  EXPECT_EQ(run_summary("out", kFiles, {.details = true}, "routegauge"),
            "\nWritten to out:\n"
            "  a/m/prose/single/run.json\n"
            "  a/m/code/single/run.json\n"
            "  verdicts.json\n"
            "  results/results_1.json\n");
}

TEST(RunSummary, SuggestsNoCommandForANameThatATerminalMustNotSee) {
  const std::string text =
      run_summary("out\x1b[31m", {"out\x1b[31m/verdicts.json"}, {}, "routegauge");
  EXPECT_EQ(text, "\nWritten to out\\x1b[31m: 0 artifacts (run.json), verdicts.json\n");
}

TEST(ShellWord, QuotesWhatAShellWouldSplitOrExpand) {
  EXPECT_EQ(shell_word("build/demo"), "build/demo");
  EXPECT_EQ(shell_word("my results"), "'my results'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace rg::app
