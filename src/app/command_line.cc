// The whole command line. Only the files *_command_line.cc, pass_options.cc, log_options.cc and
// help_format.* know CLI11.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "app/command_lines.h"
#include "app/global_options.h"
#include "app/help_format.h"
#include "app/options.h"
#include "app/output.h"
#include "base/error.h"
#include "lab/version.h"

namespace rg::app {
namespace {

constexpr const char* kFooter = R"(
Exit codes:
  0    done; for verify: every verdict is PASS, HOLDS or REPORTED; for import: nothing found
  1    verify: some verdict is FAIL, BROKEN, DEGENERATE or INSUFFICIENT; import: some check found
       something; agree: a fault, or undecided; theorems check: something does not hold
  2    usage
  3    input refused: checkpoint, text, tokenizer, config
  4    environment: disk, permissions, folder in use
  5    budget: memory, decompression, work of the verifier
  6    verify: some artifact is INVALID; import, agree: not readable as a routing
       log, or logs of other tokens
  130  stopped by Ctrl-C (143: SIGTERM); run the same command again
  141  the reader of the output went away
  70   internal error, please report

Examples:
  routegauge inspect allenai/OLMoE-1B-7B-0924
  routegauge plan all --model MODEL --domain prose=texts/
  routegauge run all --model MODEL --domain prose=texts/ --out results
  routegauge audit MODEL CHANGED_COPY --domain prose=texts/ --out audited
  routegauge certify MODEL --out certified
  routegauge verify results --details
  routegauge import routed_experts.npy --check --model MODEL
  routegauge agree routed_experts.npy MODEL --tokens ids.json
  routegauge theorems show KR-2

A MODEL is a folder with config.json, *.safetensors and tokenizer.json, or ORG/NAME[@REVISION] in
the Hugging Face cache; the network is never used.
Help on a command: routegauge COMMAND --help)";

}  // namespace

std::variant<CommandLine, std::string> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "Measures the routers of Mixture-of-Experts checkpoints, and verifies what was measured.",
      "routegauge");
  app.formatter(std::make_shared<HelpFormat>(stdout_columns()));
  app.set_help_flag("-h,--help", "show this and stop");
  app.set_version_flag("--version", lab::version_text(), "show the version and stop");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  RawGlobal global;
  add_global_options(app, global);

  const InspectCommandLine inspect(app);
  const PlanCommandLine plan(app);
  const RunCommandLine run(app);
  const AuditCommandLine audit(app);
  const CertifyCommandLine certify(app);
  const VerifyCommandLine verify(app);
  const TraceCommandLine trace(app);
  const ImportCommandLine import(app);
  const AgreeCommandLine agree(app);
  const DoctorCommandLine doctor(app);
  const TheoremsCommandLine theorems(app, argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + '\n';
  } catch (const CLI::ParseError& failure) {
    throw Error(
        ErrorId::US001,
        {.object = "command line", .found = failure.what(), .hint = "See routegauge --help."});
  }

  CommandLine line{.global = finish_global(global, argv[0]), .command = DoctorOptions{}};
  const auto take = [&](std::optional<Command> command) {
    if (command) line.command = std::move(*command);
  };
  take(inspect.chosen());
  take(plan.chosen());
  take(run.chosen());
  take(audit.chosen());
  take(certify.chosen());
  take(verify.chosen());
  take(trace.chosen());
  take(import.chosen());
  take(agree.chosen());
  take(doctor.chosen());
  take(theorems.chosen());
  return line;
}

}  // namespace rg::app
