// routegauge-theorems: what `routegauge theorems` runs.
#include "app/output.h"
#include "app/program.h"
#include "base/error.h"
#include "theorem_app/command_line.h"
#include "theorem_app/commands.h"

namespace rg::app {
namespace {

int dispatch(const ParsedTheorems& line) {
  struct Visitor {
    const GlobalOptions& global;
    int operator()(const TheoremsListOptions& options) const {
      return theorems_list_command(options);
    }
    int operator()(const TheoremsShowOptions& options) const {
      return theorems_show_command(options);
    }
    int operator()(const TheoremsStatusOptions& options) const {
      return theorems_status_command(options);
    }
    int operator()(const TheoremsCheckOptions& options) const {
      return theorems_check_command(options, global);
    }
    int operator()(const TheoremsModelOptions& options) const {
      return theorems_model_command(options, global);
    }
    int operator()(const TheoremsPageOptions& options) const {
      return theorems_page_command(options);
    }
  };
  return std::visit(Visitor{line.global}, line.command);
}

int parse_and_run(int argc, char** argv) {
  const auto parsed = parse_theorems(argc, argv);
  if (const auto* text = std::get_if<std::string>(&parsed)) {
    print(*text);
    return static_cast<int>(ExitCode::done);
  }
  return dispatch(std::get<ParsedTheorems>(parsed));
}

}  // namespace
}  // namespace rg::app

int main(int argc, char** argv) {
  return rg::app::run_reporting(argc, argv, rg::app::parse_and_run);
}
