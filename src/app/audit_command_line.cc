// audit: a checkpoint and a changed copy of it. Its options are those of `run`; what is measured is
// not chosen.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"
#include "app/parameters.h"

namespace rg::app {
namespace {

constexpr const char* kBootstrap = "bootstrap";
constexpr int64_t kFewestReplicates = 200, kMostReplicates = 100'000, kDefaultReplicates = 2000;

bool was_given(const CLI::App& command, const char* name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->count() > 0;
}

// `layers` may stand among the parameters, as for `run`.
void read_parameters(const std::vector<std::string>& texts, RunOptions& options) {
  auto& parameters = options.experiments.parameters;
  for (const std::string& text : texts) {
    auto [key, value] = parse_parameter(text);
    if (key != kBootstrap && key != "layers") {
      throw Error(ErrorId::US003, {.object = "--parameter",
                                   .found = fmt::format("'{}'", key),
                                   .expected = "one of bootstrap, layers"});
    }
    if (!parameters.emplace(key, std::move(value)).second) {
      throw usage_error("--parameter", fmt::format("'{}' twice", key), "each key once");
    }
  }
  const auto found = parameters.emplace(kBootstrap, kDefaultReplicates).first;
  const Json& replicates = found->second;
  if (!replicates.is_number_integer() || replicates < kFewestReplicates ||
      replicates > kMostReplicates) {
    throw Error(ErrorId::US003, {.object = "--parameter bootstrap",
                                 .found = write_json(replicates, JsonLayout::compact),
                                 .expected = fmt::format("an integer from {} to {}",
                                                         kFewestReplicates, kMostReplicates)});
  }
}

}  // namespace

RunOptions finish_audit(const CLI::App& command, const RawRun& raw) {
  for (const char* option :
       {"--model", "--family", "--intervene", "--allow-small-T", "--nonfinite"}) {
    if (!was_given(command, option)) continue;
    throw usage_error(option, "given with audit",
                      "checkpoints whose weights are all finite, and no other");
  }
  const bool keys = !raw.options.stored_keys.empty();
  if (raw.a.empty() || (raw.b.empty() && !keys)) {
    throw usage_error("audit", raw.a.empty() ? "no checkpoint" : "one checkpoint",
                      keys ? "the one whose keys are stored as --keys says"
                           : "two, the reference and its changed copy, or --keys FILE");
  }
  if (keys && !raw.b.empty()) {
    throw usage_error("--keys", "given with two checkpoints",
                      "one: it is audited against itself with its keys stored otherwise");
  }
  RunOptions options = raw.options;
  finish_pass(options, raw.pass);
  options.audited = {raw.a};
  if (!keys) options.audited.push_back(raw.b);
  read_parameters(raw.parameters, options);
  options.layers = chosen_layers(options);
  options.experiments.parameters.erase("layers");
  return options;
}

void add_keys_option(CLI::App& command, RawRun& raw) {
  command
      .add_option("--keys", raw.options.stored_keys,
                  "instead of B: the file that says how A's keys are stored in few bits")
      ->type_name("FILE");
}

AuditCommandLine::AuditCommandLine(CLI::App& program) {
  command_ = program.add_subcommand(
      "audit",
      "Measure what a changed copy of a checkpoint, or keys stored in few bits, change: routes, "
      "predictions, and why");
  command_->add_option("A", raw_.a, "the reference: as --model of other commands")->required();
  command_->add_option("B", raw_.b, "its changed copy; none with --keys");
  add_keys_option(*command_, raw_);
  command_->add_option("--out", raw_.options.out, "folder for the results")
      ->type_name("DIR")
      ->default_val(".");
  command_
      ->add_option("--parameter", raw_.parameters,
                   "bootstrap=N, resamples for the intervals (200 to 100000, default 2000); may be "
                   "repeated")
      ->type_name("KEY=JSON")
      ->allow_extra_args(false);
  command_->add_flag("--overwrite", raw_.options.overwrite,
                     "replace the results of another run in --out");
  add_pass_options(*command_, raw_.options, raw_.pass);
  const char* output = "Output";
  command_->add_flag("--details", raw_.options.shape.details, "everything that was found, by row")
      ->group(output);
  command_->add_flag("--wide", raw_.options.shape.wide, "every column")->group(output);
  command_->add_flag("--json", raw_.options.json, "print the verdicts as JSON")->group(output);
  command_->footer(R"(
Both checkpoints have gates of one rule, one vocabulary, and tokenizers that give the same ids;
types of tensors may differ. Five passes, four where the CPU has one compute type only;
`routegauge plan audit A B` says what they cost. The verdict is REPORTED.

With --keys there is one checkpoint, and B is A whose keys are written in 1 to 4 bits and read
again: schema/stored_keys_file.schema.json describes the file.

Exit codes: 0 everything is written; 2 usage, or another run in --out; 3 input refused; 4 disk,
permissions, folder in use; 5 memory; 130, 143 stopped: the same command starts over.

Examples:
  routegauge audit MODEL MODEL-quantised --domain prose=texts/ --out audited
  routegauge audit MODEL --keys keys.json --domain prose=texts/ --out audited)");
}

std::optional<Command> AuditCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  AuditOptions options = {finish_audit(*command_, raw_)};
  if (options.run.text.domains.empty()) {
    throw usage_error("--domain", "none", "at least one --domain NAME=PATH");
  }
  return options;
}

}  // namespace rg::app
