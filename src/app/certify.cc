#include "lab/certify.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "app/certify_report.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "lab/certificate_check.h"
#include "lab/programme.h"
#include "lab/turned_residuals.h"

namespace rg::app {
namespace {

constexpr uint64_t kMaxReportBytes = uint64_t{256} << 20;

constexpr const char* kStopped =
    "certificates may be written without the report that lists them; each is complete. Run the "
    "same "
    "command again with --overwrite to start over.";

// Files that a report in the folder lists, the report included; US002 unless they may go.
std::vector<std::filesystem::path> old_files(const CertifyOptions& options) {
  const std::filesystem::path report = options.out / lab::kReportName;
  std::error_code missing;
  if (!std::filesystem::exists(report, missing)) return {};
  if (!options.overwrite) {
    throw Error(ErrorId::US002, {.file = options.out.string(),
                                 .found = lab::kReportName,
                                 .expected = "a folder without one",
                                 .hint = "Choose another --out, or replace it by --overwrite."});
  }
  const std::string text = read_whole_file(report, kMaxReportBytes);
  return lab::listed_files(parse_json(text, JsonLimits{}, report.string()), options.out);
}

lab::ListedFile write_certificate(const CertifyOptions& options, int layer,
                                  const std::string& level, const Json& content) {
  const std::string text = write_json(content, JsonLayout::compact) + '\n';
  lab::ListedFile out{
      .level = level, .file = lab::certificate_name(layer, level), .sha256 = sha256_hex(text)};
  write_file_atomically(options.out / out.file, text, IfExists::replace);
  return out;
}

std::vector<CertifiedLayer> certify_layers(const CertifyOptions& options,
                                           const lab::Subject& subject, ProgressPrinter& progress) {
  std::vector<CertifiedLayer> out;
  for (const int layer : subject.measured_layers(options.layers)) {
    throw_if_stopped();
    progress.step(fmt::format("layer {}", layer));
    CertifiedLayer made{.found = lab::certify_layer(subject, layer,
                                                    {.exact = options.exact,
                                                     .enclosed = options.enclosed,
                                                     .on_manifold = options.on_manifold,
                                                     .identical_bytes = options.identical_bytes}),
                        .files = {}};
    for (lab::LayerCertificates::Made& each : made.found.made) {
      made.files.push_back(write_certificate(options, layer, each.level, each.file));
      each.file = Json();
    }
    out.push_back(std::move(made));
  }
  return out;
}

// Levels B' and C, added to the layers where residuals can be turned.
TurnsOutcome certify_turns(const CertifyOptions& options, const lab::Subject& subject,
                           const lab::Samples& samples, std::vector<CertifiedLayer>& layers,
                           ProgressPrinter& progress) {
  std::vector<int> turnable;
  for (const CertifiedLayer& layer : layers) {
    const lab::KeyQuestion& question = layer.found.question;
    if (question.facts && question.no_turn.empty()) turnable.push_back(question.layer);
  }
  TurnsOutcome out;
  if (turnable.empty()) return out;
  const lab::TurnedResiduals residuals(subject, samples, turnable, options.engine, options.out,
                                       progress);
  out.tokens = residuals.tokens();
  for (CertifiedLayer& layer : layers) {
    const int number = layer.found.question.layer;
    if (!std::binary_search(turnable.begin(), turnable.end(), number)) continue;
    throw_if_stopped();
    progress.step(fmt::format("layer {}: turning residuals", number));
    lab::TurnedLayer found = residuals.at(layer.found.question, options.identical_bytes);
    if (found.on_manifold && options.on_manifold) {
      layer.files.push_back(write_certificate(options, number, "on_manifold", *found.on_manifold));
      layer.found.rank = layer.found.question.facts->key_dimensions;
      found.on_manifold->erase("rows");  // the largest member; the table needs none of it
    }
    if (found.identical_bytes) {
      layer.files.push_back(
          write_certificate(options, number, "identical_bytes", *found.identical_bytes));
      found.identical_bytes = Json();
    }
    out.layers.push_back({.layer = number, .found = std::move(found)});
  }
  return out;
}

// Level D, added to layer 0 of `layers`.
TwinOutcome certify_twins(const CertifyOptions& options, const lab::Subject& subject,
                          const lab::Samples& samples, std::vector<CertifiedLayer>& layers,
                          ProgressPrinter& progress) {
  if (layers.empty() || layers[0].found.question.layer != 0) {
    return {.found = {}, .absent = "layer 0 has no gate or is not among --layers"};
  }
  const lab::KeyQuestion& question = layers[0].found.question;
  if (!question.facts) return {.found = {}, .absent = "of layer 0, " + question.uncovered};
  TwinOutcome out;
  out.found = lab::find_twins(subject, samples, options.engine, options.out, progress);
  if (!out.found->widest) {
    out.absent = "no token of the texts has two sets at one position";
    return out;
  }
  const std::optional<Json> file = lab::make_twin_certificate(
      subject, question, *out.found->widest, options.engine, options.out, progress);
  if (!file) {
    out.absent = "computed alone, the prompts have the same sets";
    return out;
  }
  layers[0].files.push_back(write_certificate(options, 0, "twin_tokens", *file));
  return out;
}

// The levels that need texts.
TextOutcome certify_texts(const CertifyOptions& options, lab::Programme& programme,
                          lab::Subject& subject, std::vector<CertifiedLayer>& layers,
                          ProgressPrinter& progress) {
  const bool turns = options.on_manifold || options.identical_bytes;
  TextOutcome out;
  if (!turns && !options.twin_tokens) return out;
  subject.open_tokenizer(options.text.allow_regex);
  lab::Samples& samples = programme.add_samples(subject, options.text, {});
  samples.read(options.engine, options.out, progress);
  samples.check_fit(subject);
  if (turns) out.turns = certify_turns(options, subject, samples, layers, progress);
  if (options.twin_tokens) {
    out.twins = certify_twins(options, subject, samples, layers, progress);
  }
  return out;
}

void remove_old(const std::vector<std::filesystem::path>& old, const CertifyOptions& options,
                const std::vector<CertifiedLayer>& layers) {
  std::vector<std::filesystem::path> kept;
  for (const CertifiedLayer& layer : layers) {
    for (const lab::ListedFile& file : layer.files) kept.push_back(options.out / file.file);
  }
  for (const std::filesystem::path& path : old) {
    std::error_code ignored;
    if (std::find(kept.begin(), kept.end(), path) == kept.end()) {
      std::filesystem::remove(path, ignored);
    }
  }
}

int certify(const CertifyOptions& options, const GlobalOptions& global, ProgressPrinter& progress) {
  lab::Programme programme;
  lab::Subject& subject = programme.add(lab::Subject::open(options.model));
  for (const std::string& note : subject.checkpoint().notes()) progress.note(note);
  std::error_code failure;
  std::filesystem::create_directories(options.out, failure);
  if (failure) {
    throw Error(ErrorId::IO003, {.file = options.out.string(),
                                 .found = failure.message(),
                                 .expected = "a folder to write into"});
  }
  const std::vector<std::filesystem::path> old = old_files(options);
  std::vector<CertifiedLayer> layers = certify_layers(options, subject, progress);
  const TextOutcome texts = certify_texts(options, programme, subject, layers, progress);
  Json rows = Json::array();
  for (const CertifiedLayer& layer : layers) {
    rows.push_back(lab::layer_json(subject.model(), layer.found, layer.files));
  }
  const Json report = lab::report_json(subject, rows);
  const std::string text = write_json(report, JsonLayout::indented) + '\n';
  write_file_atomically(options.out / lab::kReportName, text, IfExists::replace);
  remove_old(old, options, layers);
  progress.finish_line();
  if (options.json) {
    print(text);
  } else {
    print(certify_text(subject.name(), layers, texts, stdout_has_colour(), stdout_columns()));
    print(
        fmt::format("\n{} verify {} --model {} checks them.\n", escape_for_terminal(global.program),
                    escape_for_terminal(options.out.string()), escape_for_terminal(options.model)));
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace

int certify_command(const CertifyOptions& options, const GlobalOptions& global) {
  ProgressPrinter progress(global);
  StopWatch watch(kStopped);
  try {
    return certify(options, global, progress);
  } catch (const Interrupted& stop) {
    progress.finish_line();
    print_error("stopped: " + watch.text() + '\n');
    return 128 + stop.signal_number();
  }
}

}  // namespace rg::app
