#include "theorem_app/command_line.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <span>

#include "app/help_format.h"
#include "app/output.h"
#include "app/parameters.h"
#include "app/pass_options.h"
#include "base/error.h"
#include "lab/version.h"

namespace rg::app {
namespace {

using theorems::word_of;

template <typename Values>
std::string words(const Values& values) {
  std::string list;
  for (const auto value : values) list += (list.empty() ? "" : ", ") + std::string(word_of(value));
  return list;
}

// None for an empty word; US001 for an unknown one.
template <typename Values>
std::optional<typename Values::value_type> parse_word(const std::string& text, const Values& values,
                                                      const char* option) {
  if (text.empty()) return std::nullopt;
  for (const auto value : values) {
    if (text == word_of(value)) return value;
  }
  throw Error(ErrorId::US001, {.object = option,
                               .found = fmt::format("'{}'", escape_for_terminal(text)),
                               .expected = "one of " + words(values),
                               .hint = "See routegauge theorems list --help."});
}

// CLI11 accepts a number beyond 64 bits as the largest one.
std::optional<uint64_t> seed_of(const std::string& text) {
  uint64_t seed = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, seed);
  if (failure == std::errc() && rest == end) return seed;
  return std::nullopt;
}

// For CLI11: what is wrong with it, or nothing.
std::string seed_problem(const std::string& text) {
  return seed_of(text) ? "" : "--seed is no integer from 0 to 2^64 - 1";
}

uint64_t parse_seed(const std::string& text) {
  if (const auto seed = seed_of(text)) return *seed;
  throw Error(ErrorId::US001, {.object = "--seed",
                               .found = fmt::format("'{}'", escape_for_terminal(text)),
                               .expected = "an integer from 0 to 2^64 - 1",
                               .hint = "See routegauge theorems check --help."});
}

}  // namespace

struct TheoremCommandLine::Raw {
  CLI::App *all = nullptr, *list = nullptr, *show = nullptr, *status = nullptr, *check = nullptr;
  TheoremsListOptions list_options;
  std::string family, verdict, status_word, seed = "0";
  TheoremsShowOptions show_options;
  TheoremsStatusOptions status_options;
  TheoremsCheckOptions check_options;
  RunOptions run;  // of check --model
  RawPass pass;
  std::vector<std::string> parameters;
  TheoremsPageOptions page_options;
};

void TheoremCommandLine::add_list(Raw& raw) {
  raw.list = raw.all->add_subcommand("list", "One line per theorem of the catalogue");
  raw.list->add_option("--family", raw.family, "theorems of one family, such as KR")
      ->type_name("ID");
  raw.list
      ->add_option("--verdict", raw.verdict,
                   "theorems with this verdict on a published claim: " + words(theorems::kVerdicts))
      ->type_name("WORD");
  raw.list
      ->add_option("--status", raw.status_word,
                   "theorems with a formal statement of this status: " + words(theorems::kStatuses))
      ->type_name("WORD");
  raw.list->add_flag("--json", raw.list_options.json, "print JSON, for programs");
  raw.list->footer(R"(
Exit codes: 0 done; 2 no such family, verdict or status.

Example:
  routegauge theorems list --family KR --verdict false)");
}

void TheoremCommandLine::add_show(Raw& raw) {
  raw.show = raw.all->add_subcommand("show", "Everything the catalogue says about one theorem");
  raw.show->add_option("id", raw.show_options.id, "such as KR-2")->required();
  raw.show->add_flag("--json", raw.show_options.json, "print JSON, for programs");
  raw.show->footer(R"(
Exit codes: 0 done; 2 no such theorem.

Example:
  routegauge theorems show KR-2)");
}

void TheoremCommandLine::add_status(Raw& raw) {
  raw.status = raw.all->add_subcommand("status", "Counts of what the proof checker reported");
  raw.status->add_flag("--json", raw.status_options.json, "print the status file unchanged");
  raw.status->footer(R"(
Exit codes: 0 done.

Example:
  routegauge theorems status)");
}

void TheoremCommandLine::add_check(Raw& raw) {
  raw.check = raw.all->add_subcommand(
      "check", "Run the numerical checks, on seeded tensors or on a checkpoint's");
  raw.check->add_option("--id", raw.check_options.ids, "only this one, in full; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  raw.check->add_flag("--json", raw.check_options.json, "print JSON, for programs");
  const char* on_model = "With a checkpoint";
  raw.check->add_option("--model", raw.run.model, kModelHelp)->type_name("MODEL")->group(on_model);
  raw.check->add_option("--out", raw.run.out, "folder for the artifact")
      ->type_name("DIR")
      ->default_val(".")
      ->group(on_model);
  raw.check
      ->add_option("--parameter", raw.parameters,
                   "contexts, context_positions or context_queries, such as contexts=16; may be "
                   "repeated")
      ->type_name("KEY=JSON")
      ->allow_extra_args(false)
      ->group(on_model);
  raw.check
      ->add_flag("--overwrite", raw.run.overwrite, "replace the results of another run in --out")
      ->group(on_model);
  add_pass_options(*raw.check, raw.run, raw.pass);
  raw.check->get_option("--seed")->check(seed_problem);
  raw.check->footer(R"(
With --model the experiment theorem_slack runs: every theorem that speaks of keys, queries, values,
gates or experts, on tokens of the texts. It writes an artifact as `routegauge run` does.

Exit codes: 0 everything holds; 1 something does not; 2 no such theorem; with --model also those of
`routegauge run`.

Examples:
  routegauge theorems check --id KR-2 --seed 7
  routegauge theorems check --model MODEL --domain prose=texts/ --out slack)");
}

void TheoremCommandLine::add_page(Raw& raw) {
  CLI::App* page = raw.all->add_subcommand("page", "Write the catalogue as one HTML file");
  page->add_option("-o,--out", raw.page_options.out, "the file to write")
      ->type_name("FILE")
      ->required();
  page->add_option("--seed", raw.seed, "seed of its numerical checks")
      ->type_name("N")
      ->capture_default_str();
  page->add_option("--slack", raw.page_options.slack,
                   "an artifact of theorem_slack, whose shares of slack the page shows")
      ->type_name("ARTIFACT");
  page->footer(R"(
Exit codes: 0 done; 2 --slack is no artifact of theorem_slack; 4 a file cannot be read or written,
or the program was built without the page (make viewer, then make build).

Example:
  routegauge theorems page -o theorems.html)");
}

TheoremCommandLine::TheoremCommandLine(CLI::App& program) : raw_(std::make_unique<Raw>()) {
  Raw& raw = *raw_;
  raw.all = &program;
  raw.all->require_subcommand(1);
  raw.all->footer(R"(
Examples:
  routegauge theorems list --verdict false
  routegauge theorems show KR-2
  routegauge theorems check --id KR-2 --seed 7
  routegauge theorems check --model MODEL --domain prose=texts/ --out slack
  routegauge theorems page -o theorems.html)");
  add_list(raw);
  add_show(raw);
  add_status(raw);
  add_check(raw);
  add_page(raw);
}

TheoremCommandLine::~TheoremCommandLine() = default;

TheoremCommand TheoremCommandLine::chosen_check(const Raw& raw) {
  if (raw.run.model.empty()) {
    for (const CLI::Option* option : raw.check->get_options()) {
      const std::string name = option->get_name();
      if (option->count() == 0 || name == "--id" || name == "--seed" || name == "--json") continue;
      throw usage_error(name, "given without --model", "--model, or checks on seeded tensors");
    }
    TheoremsCheckOptions options = raw.check_options;
    options.seed = raw.run.text.windows.seed;
    return options;
  }
  TheoremsModelOptions options{.ids = raw.check_options.ids, .run = raw.run};
  options.run.json = raw.check_options.json;
  finish_pass(options.run, raw.pass);
  if (options.run.text.domains.empty()) {
    throw usage_error("--domain", "none", "at least one --domain NAME=PATH");
  }
  options.run.experiments.names = {"theorem_slack"};
  for (const std::string& text : raw.parameters) {
    auto [key, value] = parse_parameter(text);
    if (!options.run.experiments.parameters.emplace(key, std::move(value)).second) {
      throw usage_error("--parameter", fmt::format("'{}' twice", key), "each key once");
    }
  }
  check_parameter_keys(options.run);
  return options;
}

TheoremCommand TheoremCommandLine::chosen() const {
  const Raw& raw = *raw_;
  if (raw.list->parsed()) {
    TheoremsListOptions options = raw.list_options;
    if (!raw.family.empty()) options.family = raw.family;
    options.verdict = parse_word(raw.verdict, theorems::kVerdicts, "--verdict");
    options.status = parse_word(raw.status_word, theorems::kStatuses, "--status");
    return options;
  }
  if (raw.show->parsed()) return raw.show_options;
  if (raw.status->parsed()) return raw.status_options;
  if (raw.check->parsed()) return chosen_check(raw);
  TheoremsPageOptions options = raw.page_options;
  options.seed = parse_seed(raw.seed);
  return options;
}

std::variant<ParsedTheorems, std::string> parse_theorems(int argc, const char* const* argv) {
  CLI::App app("What is proved about routers, by which checker, and numerical checks.",
               "routegauge theorems");
  app.formatter(std::make_shared<HelpFormat>(stdout_columns()));
  app.set_help_flag("-h,--help", "show this and stop");
  app.set_version_flag("--version", lab::version_text(), "show the version and stop");
  app.fallthrough();
  RawGlobal global;
  add_global_options(app, global);
  const TheoremCommandLine theorems(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::CallForVersion& version) {
    return std::string(version.what()) + '\n';
  } catch (const CLI::ParseError& failure) {
    throw Error(ErrorId::US001, {.object = "command line",
                                 .found = failure.what(),
                                 .hint = "See routegauge theorems --help."});
  }
  return ParsedTheorems{.global = finish_global(global, argv[0]), .command = theorems.chosen()};
}

}  // namespace rg::app
