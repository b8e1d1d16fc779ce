#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/stop_watch.h"
#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "theorem_app/check_report.h"
#include "theorem_app/commands.h"
#include "theorem_app/slack_report.h"
#include "theorem_app/theorem_page.h"

namespace rg {
std::span<const EmbeddedFile> embedded_theorem_page();  // made by the build
}

namespace rg::app {

int theorems_page_command(const TheoremsPageOptions& options) {
  StopWatch watch("nothing was written; run the same command again.");
  const std::string_view page =
      built_page(embedded_theorem_page(), theorems::catalogue().sources_sha256);
  std::optional<Json> slack;
  if (!options.slack.empty()) slack = slack_for_page(read_slack_artifact(options.slack));
  const auto results = run_checks(theorems::all_checks(), options.seed, effective_threads(0));
  std::string html = filled_page(page, "checks", checks_json(results, options.seed));
  if (slack) html = filled_page(html, "slack", *slack);
  throw_if_stopped();
  watch.set_text("the page may be written; if so, it is complete. Run the same command again.");
  write_file_atomically(options.out, html, IfExists::replace);
  const auto holding = std::count_if(results.begin(), results.end(),
                                     [](const auto& r) { return r.findings.all_hold(); });
  print(fmt::format("{}: {} of {} numerical checks hold, seed {}, {}\n",
                    escape_for_terminal(options.out.string()), holding, results.size(),
                    options.seed, format_bytes(html.size())));
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
