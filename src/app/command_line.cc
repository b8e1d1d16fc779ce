// The command line: with theorem_command_line.cc the only file that knows CLI11.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>

#include "app/options.h"
#include "app/parameters.h"
#include "app/theorem_command_line.h"
#include "app/trace_tensors.h"
#include "app/units.h"
#include "app/version.h"
#include "base/error.h"
#include "experiments/experiment.h"

namespace rg::app {
namespace {

Error usage_error(std::string object, std::string found, std::string expected) {
  return Error(ErrorId::US001, {.object = std::move(object),
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .hint = "See routegauge --help."});
}

// Texts as typed; turned into options once parsing is over, so that every refusal is ours.
struct RawPass {
  std::string compute;
  std::string layers = "", memory = "", max_decompressed = "";
  std::string windows = "200", disk = "1GB", utf8 = "refuse", nonfinite = "stop";
  bool pack = false;
  std::vector<std::string> domains = {};
};
struct RawRun {
  std::string experiments;
  std::vector<std::string> parameters;
};

void add_model(CLI::App& command, std::string& model) {
  command.add_option("--model", model, "folder, or org/name[@revision] in the Hugging Face cache")
      ->required();
}

void add_corpus_options(CLI::App& command, PassOptions& options, RawPass& raw) {
  const auto group = command.add_option_group("Text");
  group->add_option("--domain", raw.domains, "NAME=PATH; may be repeated")->allow_extra_args(false);
  group->add_option("--seq-len", options.windows.seq_len, "tokens of a window")
      ->capture_default_str();
  group->add_option("--windows", raw.windows, "windows per domain, or 'all'")
      ->capture_default_str();
  group->add_option("--seed", options.windows.seed, "of every random choice")
      ->capture_default_str();
  group->add_option("--text-field", options.windows.text_field, "text of a jsonl record")
      ->capture_default_str();
  group->add_option("--utf8", raw.utf8, "what to do about text that is not UTF-8: refuse, replace")
      ->capture_default_str();
  group->add_flag("--pack", raw.pack, "let windows cross documents (recorded)");
  group->add_option("--max-decompressed", raw.max_decompressed, "limit for .gz and .zst (64GiB)");
  group->add_flag("--allow-regex", options.allow_regex,
                  "accept a pre-tokenizer pattern that is not on the tested list (recorded)");
}

void add_engine_options(CLI::App& command, PassOptions& options, RawPass& raw) {
  const auto group = command.add_option_group("Engine");
  group->add_option("--layers", raw.layers, "measured MoE layers, such as 0,3,5-8 (all)");
  group->add_option("--compute", raw.compute, "auto, bf16 or f32")->capture_default_str();
  group->add_option("--threads", options.threads, "workers (every core)");
  group->add_option("--block-windows", options.block_windows, "windows of one block (by the plan)");
  group->add_option("--memory", raw.memory, "budget, such as 16G (what is available)");
  group->add_option("--nonfinite", raw.nonfinite, "NaN or Inf in weights: stop, record")
      ->capture_default_str();
  group->add_option("--disk", raw.disk, "assumed reading speed per second, for the plan")
      ->capture_default_str();
}

void add_run_options(CLI::App& command, RunOptions& options, RawPass& pass, RawRun& run) {
  std::string list;
  for (const auto& declaration : experiments::all_experiments()) {
    list += fmt::format("\n  {}: {}", declaration.name, declaration.summary);
  }
  command.add_option("experiments", run.experiments, "comma-separated, or 'all'" + list)
      ->required();
  command.add_option("--model", options.model,
                     "folder, or org/name[@revision] in the Hugging Face cache");
  command.add_option("--out", options.out, "folder for results")->default_val(".");
  command.add_option("--parameter", run.parameters, "key=JSON; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--allow-small-T", options.allow_small_t,
                   "measure windows of fewer than 11 tokens");
  command.add_flag("--overwrite", options.overwrite, "replace another run's results in --out");
  add_corpus_options(command, options, pass);
  add_engine_options(command, options, pass);
}

text::DomainSpec parse_domain(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const bool plain = !name.empty() && name.size() <= 100 && name[0] != '.' &&
                     name.find_first_of("/\\") == std::string::npos;
  if (equals == std::string::npos || equals + 1 == text.size() || !plain) {
    throw usage_error("--domain", fmt::format("'{}'", text),
                      "NAME=PATH, the name without slashes and not beginning with a dot");
  }
  return {.name = name, .path = text.substr(equals + 1)};
}

std::string one_of(const std::string& text, std::initializer_list<const char*> allowed,
                   const char* option) {
  std::string list;
  for (const char* value : allowed) {
    if (text == value) return text;
    list += (list.empty() ? "" : ", ") + std::string(value);
  }
  throw usage_error(option, fmt::format("'{}'", text), "one of " + list);
}

uint32_t parse_window_count(const std::string& text) {
  const std::vector<int> numbers = parse_number_list(text, "--windows");
  if (numbers.size() != 1 || numbers[0] == 0) {
    throw usage_error("--windows", fmt::format("'{}'", text),
                      "a number from 1 to 100,000, or 'all'");
  }
  return static_cast<uint32_t>(numbers[0]);
}

void finish_pass(PassOptions& options, const RawPass& raw) {
  for (const std::string& text : raw.domains) {
    options.domains.push_back(parse_domain(text));
    for (size_t i = 0; i + 1 < options.domains.size(); ++i) {
      if (options.domains[i].name == options.domains.back().name) {
        throw usage_error("--domain", fmt::format("'{}' twice", options.domains[i].name),
                          "every domain under a name of its own");
      }
    }
  }
  if (!raw.layers.empty()) options.layers = parse_number_list(raw.layers, "--layers");
  if (!raw.memory.empty()) options.memory_bytes = parse_size(raw.memory, "--memory");
  if (!raw.max_decompressed.empty()) {
    options.windows.max_decompressed_bytes = parse_size(raw.max_decompressed, "--max-decompressed");
  }
  options.disk_bytes_per_s = static_cast<double>(parse_size(raw.disk, "--disk"));
  if (raw.windows == "all") {
    options.windows.windows.reset();
  } else {
    options.windows.windows = parse_window_count(raw.windows);
  }
  options.windows.utf8 = one_of(raw.utf8, {"refuse", "replace"}, "--utf8") == "replace"
                             ? text::Utf8Policy::replace
                             : text::Utf8Policy::refuse;
  options.windows.packing = raw.pack ? text::Packing::packed : text::Packing::by_document;
  options.compute = one_of(raw.compute, {"auto", "bf16", "f32"}, "--compute");
  options.nonfinite = one_of(raw.nonfinite, {"stop", "record"}, "--nonfinite") == "record"
                          ? stream::NonFinite::record
                          : stream::NonFinite::stop;
  constexpr uint32_t kLongestWindow = 1u << 20;
  if (options.windows.seq_len < 2 || options.windows.seq_len > kLongestWindow) {
    throw usage_error("--seq-len", std::to_string(options.windows.seq_len), "2 to 1,048,576");
  }
  constexpr int kMostThreads = 1024;
  if (options.threads < 0 || options.threads > kMostThreads) {
    throw usage_error("--threads", std::to_string(options.threads), "1 to 1024");
  }
}

void finish_run(RunOptions& options, const RawPass& pass, const RawRun& run) {
  finish_pass(options, pass);
  options.experiments = parse_experiments(run.experiments);
  for (const std::string& text : run.parameters) {
    auto [key, value] = parse_parameter(text);
    if (!options.parameters.emplace(key, std::move(value)).second) {
      throw usage_error("--parameter", fmt::format("'{}' twice", key), "each key once");
    }
  }
  check_parameter_keys(options);
  if (options.domains.empty()) {
    throw usage_error("--domain", "none", "at least one --domain NAME=PATH");
  }
}

std::vector<std::string> split_commas(const std::string& text) {
  std::vector<std::string> items;
  for (size_t at = 0;;) {
    const size_t comma = text.find(',', at);
    items.push_back(text.substr(at, comma == std::string::npos ? comma : comma - at));
    if (comma == std::string::npos) return items;
    at = comma + 1;
  }
}

constexpr const char* kExamples = R"(Examples:
  routegauge inspect allenai/OLMoE-1B-7B-0924
  routegauge plan all --model MODEL --domain prose=texts/
  routegauge run attention_router,expert_load --model MODEL \
      --domain prose=texts/ --domain code=src.jsonl.zst --out results
  routegauge verify results
  routegauge theorems show KR-2
  routegauge trace --model MODEL --tokens ids.json --out trace.safetensors)";

}  // namespace

std::variant<CommandLine, std::string> parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "Measures the routers of Mixture-of-Experts checkpoints, and verifies what was measured.",
      "routegauge");
  app.set_version_flag("--version", version_text());
  app.footer(kExamples);
  app.require_subcommand(1);
  app.fallthrough();

  CommandLine line;
  std::string errors = "text", progress = "auto";
  app.add_flag("--quiet", line.global.quiet, "no progress and no notes");
  app.add_option("--errors", errors, "text, or json for programs")->capture_default_str();
  app.add_option("--progress", progress, "auto, plain or json")->capture_default_str();

  InspectOptions inspect;
  CLI::App* inspect_command = app.add_subcommand(
      "inspect", "Show what a checkpoint is, its gate field by field; reads no weight");
  inspect_command->add_option("model", inspect.model, "folder, or org/name[@revision]")->required();
  inspect_command->add_flag("--json", inspect.json, "for programs");
  inspect_command->add_flag("--hash", inspect.hash,
                            "SHA-256 of every weight file (reads them whole)");
  inspect_command->add_flag("--allow-regex", inspect.allow_regex,
                            "accept a pre-tokenizer pattern that is not on the tested list");
  inspect_command->footer("Example:\n  routegauge inspect allenai/OLMoE-1B-7B-0924 --json");

  PlanOptions plan;
  RawPass plan_pass{.compute = "auto"};
  RawRun plan_raw;
  CLI::App* plan_command =
      app.add_subcommand("plan", "Say what a run would read, compute and need; from headers alone");
  add_run_options(*plan_command, plan.run, plan_pass, plan_raw);
  plan_command->add_flag("--json", plan.run.json, "for programs");
  plan_command->footer(
      "Example:\n  routegauge plan all --model MODEL --domain prose=texts/ --memory 16G");

  RunOptions run;
  RawPass run_pass{.compute = "auto"};
  RawRun run_raw;
  CLI::App* run_command = app.add_subcommand(
      "run", "Measure in one pass over the weights, write artifacts, verify them");
  add_run_options(*run_command, run, run_pass, run_raw);
  run_command->add_flag("--json", run.json, "print the verdicts as JSON");
  run_command->footer(
      "Exit 0 once everything is written: only verify turns a verdict into a code.\nExample:\n"
      "  routegauge run all --model MODEL --domain prose=texts/ --out results\n"
      "  routegauge run attention_router --model MODEL --domain prose=texts/ "
      "--parameter layers='[4,8,12]'");

  TraceOptions trace;
  RawPass trace_pass{.compute = "f32"};
  std::string trace_tensors = "router_logits,topk_ids";
  CLI::App* trace_command =
      app.add_subcommand("trace", "Write what the gates saw and decided as a safetensors file");
  add_model(*trace_command, trace.model);
  trace_command->add_option("--tokens", trace.tokens_file,
                            "JSON array of equally long arrays of token ids; no tokenizer needed");
  trace_command->add_option("--out", trace.out, "the safetensors file to write")->required();
  trace_command->add_option("--tensors", trace_tensors, "comma-separated: " + trace_tensor_list())
      ->capture_default_str();
  add_corpus_options(*trace_command, trace, trace_pass);
  add_engine_options(*trace_command, trace, trace_pass);
  trace_command->footer(
      "Example:\n  routegauge trace --model MODEL --tokens ids.json --layers 0,8 "
      "--tensors router_logits,logits --out trace.safetensors");

  VerifyOptions verify;
  std::string required_layers;
  CLI::App* verify_command = app.add_subcommand(
      "verify", "Judge artifacts from their files alone; the code says how it went");
  verify_command->add_option("paths", verify.paths, "artifacts, or folders with run.json files")
      ->required();
  const auto json_flag = verify_command->add_flag("--json", verify.json, "for programs");
  verify_command->add_flag("--csv", verify.csv, "one line per artifact")->excludes(json_flag);
  verify_command->add_flag("--strict", verify.strict, "unknown members are errors");
  verify_command->add_flag("--convergence", verify.convergence, "recompute settled_at (slow)");
  verify_command->add_option("--required-layers", required_layers,
                             "such as 0,3,5-8: overrides the artifact's own list");
  verify_command->add_option("--model", verify.model,
                             "also compare the tensor hashes with this checkpoint's bytes");
  verify_command->footer(
      "Codes: 0 every verdict PASS, HOLDS or REPORTED; 1 some claim not supported; 6 some artifact "
      "INVALID.\nExample:\n  routegauge verify results --json");

  DoctorOptions doctor;
  CLI::App* doctor_command =
      app.add_subcommand("doctor", "Show what this machine offers: CPU, compute types, libraries");
  doctor_command->add_flag("--json", doctor.json, "for programs");

  const TheoremCommandLine theorem_commands(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    CLI::App* chosen = &app;
    while (!chosen->get_subcommands().empty()) chosen = chosen->get_subcommands().front();
    return chosen->help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + '\n';
  } catch (const CLI::ParseError& failure) {
    throw Error(
        ErrorId::US001,
        {.object = "command line", .found = failure.what(), .hint = "See routegauge --help."});
  }
  line.global.json_errors = one_of(errors, {"text", "json"}, "--errors") == "json";
  const std::string shape = one_of(progress, {"auto", "plain", "json"}, "--progress");
  line.global.progress = shape == "json"    ? ProgressStyle::json
                         : shape == "plain" ? ProgressStyle::plain
                                            : ProgressStyle::automatic;

  if (inspect_command->parsed()) {
    line.command = inspect;
  } else if (plan_command->parsed()) {
    finish_run(plan.run, plan_pass, plan_raw);
    line.command = plan;
  } else if (run_command->parsed()) {
    finish_run(run, run_pass, run_raw);
    line.command = run;
  } else if (trace_command->parsed()) {
    finish_pass(trace, trace_pass);
    trace.tensors = check_trace_tensors(split_commas(trace_tensors));
    if (trace.tokens_file.empty() ? trace.domains.size() != 1 : !trace.domains.empty()) {
      throw usage_error("trace",
                        fmt::format("{} --domain{}", trace.domains.size(),
                                    trace.tokens_file.empty() ? "" : " and --tokens"),
                        "either --tokens FILE or one --domain NAME=PATH");
    }
    line.command = trace;
  } else if (verify_command->parsed()) {
    if (!required_layers.empty()) {
      verify.required_layers = parse_number_list(required_layers, "--required-layers");
    }
    line.command = verify;
  } else if (const auto theorems = theorem_commands.chosen()) {
    line.command = *theorems;
  } else {
    line.command = doctor;
  }
  return line;
}

}  // namespace rg::app
