#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/command_lines.h"

namespace rg::app {
namespace {

bool reads_texts(const CertifyOptions& options) {
  return options.on_manifold || options.identical_bytes || options.twin_tokens;
}

// "A,B,D" into the flags of `options`; US001.
void choose_levels(const std::string& text, CertifyOptions& options) {
  options.exact = options.enclosed = false;
  options.on_manifold = options.identical_bytes = options.twin_tokens = false;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string level =
        one_of(text.substr(at, comma - at), {"A", "B", "B'", "C", "D"}, "--levels");
    bool& chosen = level == "A"    ? options.exact
                   : level == "B"  ? options.enclosed
                   : level == "B'" ? options.on_manifold
                   : level == "C"  ? options.identical_bytes
                                   : options.twin_tokens;
    chosen = true;
    at = comma + 1;
  }
}

}  // namespace

CertifyCommandLine::CertifyCommandLine(CLI::App& program) {
  pass_.compute = "f32";
  command_ = program.add_subcommand(
      "certify",
      "Say whether routes are functions of keys, with proofs that they aren't, from the weights");
  command_->add_option("model", options_.model, kModelHelp)->required();
  command_->add_option("--out", options_.out, "the folder to write certificates into")
      ->type_name("FOLDER")
      ->required();
  command_
      ->add_option("--levels", levels_,
                   "comma-separated: A exact, B enclosed in fp64; of --domain B' real residuals "
                   "turned, C equal bytes of cached keys, D twin tokens (default A,B, and all with "
                   "--domain)")
      ->type_name("LIST");
  command_->add_flag("--overwrite", options_.overwrite, "replace certificates that are there");
  command_->add_flag("--json", options_.json, "print the report, for programs");
  add_pass_options(*command_, options_, pass_);
  command_->footer(R"(
Level A takes seconds per layer at 512 key dimensions, and grows with their third power. Texts are
read for levels B', C and D only: D computes layer 0, B' and C every layer up to the last one asked
for.

Exit codes: 0 done, whatever was found; 2 usage; 3 input refused; 4 disk, permissions; 5 memory;
130, 143 stopped.

Examples:
  routegauge certify models/routegauge-tiny-olmoe --out certified
  routegauge certify MODEL --layers 0 --levels B,D --domain prose=texts/ --out certified
  routegauge certify MODEL --levels "B',C" --domain prose=texts/ --out certified
  routegauge verify certified --model MODEL)");
}

std::optional<Command> CertifyCommandLine::chosen() const {
  if (!command_->parsed()) return std::nullopt;
  CertifyOptions options = options_;
  finish_pass(options, pass_);
  const bool texts = !options.text.domains.empty();
  options.on_manifold = options.identical_bytes = options.twin_tokens = texts;
  if (command_->count("--levels") != 0) choose_levels(levels_, options);
  if (reads_texts(options) && !texts) {
    throw usage_error("--levels", "B', C or D without texts", "--domain NAME=PATH as well");
  }
  if (texts && !reads_texts(options)) {
    throw usage_error("--domain", "texts that no level reads",
                      "B', C or D among --levels, or no --domain");
  }
  return options;
}

}  // namespace rg::app
