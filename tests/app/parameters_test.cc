// The keys of --parameter: which are known to a run, and the table in docs/experiments.md.
#include "app/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"

namespace rg::app {
namespace {

std::string table() {
  std::string text = "| key | experiments | value |\n| --- | --- | --- |\n";
  for (const ParameterLine& line : parameter_lines()) {
    const bool all = line.experiments.size() == experiments::all_experiments().size();
    const std::string of = line.experiments.empty() ? "the program"
                           : all                    ? "all"
                                 : fmt::format("{}", fmt::join(line.experiments, ", "));
    text += fmt::format("| `{}` | {} | {} |\n", line.key, of, line.text);
  }
  return text;
}

TEST(Parameters, AreListedInThePageOfTheExperiments) {
  const std::string page =
      read_whole_file(std::string(RG_SOURCE_ROOT) + "/docs/experiments.md", 1u << 20);
  EXPECT_NE(page.find("\n\n" + table() + "\n"), std::string::npos)
      << "docs/experiments.md should have this table:\n"
      << table();
}

TEST(Experiments, AllLeavesOutWhatIsAskedForByName) {
  const std::vector<std::string> all = parse_experiments("all");
  EXPECT_EQ(all, (std::vector<std::string>{"attention_router", "expert_load", "chart_compatibility",
                                           "terminal_ovk_scan"}));
  EXPECT_EQ(parse_experiments("kv_gauge"), std::vector<std::string>{"kv_gauge"});
  EXPECT_EQ(parse_experiments("kv_distortion"), std::vector<std::string>{"kv_distortion"});
  EXPECT_EQ(parse_experiments("all,kv_gauge").size(), all.size() + 1);
}

RunOptions options_of(const std::vector<std::string>& experiments, const std::string& key) {
  RunOptions options;
  options.experiments.names = experiments;
  options.experiments.parameters = {{key, Json(1)}};
  return options;
}

TEST(Parameters, BelongToTheExperimentsThatDeclareThem) {
  EXPECT_NO_THROW(check_parameter_keys(options_of({"expert_load"}, "bootstrap")));
  EXPECT_NO_THROW(check_parameter_keys(options_of({"expert_load"}, "layers")));
  EXPECT_NO_THROW(check_parameter_keys(options_of({"attention_router"}, "prompts")));
  try {
    check_parameter_keys(options_of({"expert_load"}, "prompts"));
    FAIL() << "expert_load reads no prompts";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::US003);
  }
}

}  // namespace
}  // namespace rg::app
