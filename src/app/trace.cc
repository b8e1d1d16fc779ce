#include <fmt/format.h>

#include "app/commands.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "app/trace_log.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/numbers.h"
#include "lab/programme.h"
#include "lab/trace_tensors.h"
#include "lab/version.h"

namespace rg::app {
namespace {

constexpr const char* kNothingWritten =
    "nothing was written; a file that was at --out before is unchanged. Run the same command again "
    "to start over.";
constexpr const char* kMaybeWritten =
    "the trace may be written; if so, it is complete. Run the same command again to start over.";

// US001 where --out is a file that this command reads.
void require_other_than_inputs(const TraceOptions& options, const lab::Subject& subject) {
  std::vector<std::filesystem::path> inputs = {options.tokens_file};
  for (const InputFile& shard : subject.checkpoint().shards()) inputs.push_back(shard.path());
  for (const auto& file : subject.checkpoint().metadata_files()) inputs.push_back(file.path);
  if (const auto tokenizer = subject.checkpoint().tokenizer_path()) inputs.push_back(*tokenizer);
  for (const text::DomainSpec& domain : options.text.domains) inputs.push_back(domain.path);
  for (const std::filesystem::path& input : inputs) {
    std::error_code missing;
    if (!std::filesystem::equivalent(options.out, input, missing)) continue;
    throw Error(ErrorId::US001, {.object = "--out",
                                 .found = options.out.string() + ", which is read",
                                 .expected = "a file that is no input of this command",
                                 .hint = "Choose another name."});
  }
}

// Ids of a file, or what the tokenizer makes of the one domain; that is read later.
lab::Samples& add_samples(lab::Programme& programme, lab::Subject& subject,
                          const TraceOptions& options) {
  if (!options.tokens_file.empty()) return programme.add_samples(subject, options.tokens_file);
  subject.open_tokenizer(options.text.allow_regex);
  return programme.add_samples(subject, options.text, {});
}

std::map<std::string, std::string> metadata_of(const lab::Pass& pass) {
  const stream::Profile profile = stream::numeric_profile(pass.compute());
  const lab::Subject& subject = pass.subject();
  std::map<std::string, std::string> metadata = {{"program", lab::version_text()},
                                                 {"model", subject.name()},
                                                 {"isa", profile.isa},
                                                 {"compute", profile.compute},
                                                 {"onednn", profile.onednn}};
  if (subject.model().head_despite_tie) {
    metadata["unembedding"] = subject.model().unembedding.values->name;
  }
  return metadata;
}

int trace(const TraceOptions& options, ProgressPrinter& progress, StopWatch& watch) {
  lab::Programme programme;
  lab::Subject& subject = programme.add(lab::Subject::open(options.model));
  require_other_than_inputs(options, subject);
  for (const std::string& note : subject.checkpoint().notes()) progress.note(note);
  lab::Samples& samples = add_samples(programme, subject, options);
  lab::Pass& pass = programme.add(
      subject, samples, {.layers = options.layers, .engine = options.engine, .experiments = {}});
  if (options.tokens_file.empty()) {
    for (const std::string& note : subject.tokenizer()->notes()) progress.note(note);
    samples.read(options.engine, {}, progress);
    for (const std::string& note : samples.domains()[0].notes) progress.note(note);
  }

  const tap::SequenceSet& set = samples.sequences()[0];
  const std::vector<int>& layers = pass.layers();
  std::optional<lab::TraceObserver> tensors;
  std::optional<TraceLogObserver> log;
  if (!options.out.empty()) {
    tensors.emplace(options.out, subject.model(), set, layers, options.tensors, metadata_of(pass));
    pass.watch(*tensors);
  }
  if (!options.log.empty()) {
    log.emplace(subject.model(), subject.name(), set, layers);
    pass.watch(*log);
  }
  const std::filesystem::path& out = options.out.empty() ? options.log : options.out;
  programme.make_plans(out.has_parent_path() ? out.parent_path() : ".");
  programme.run(progress, [&](const lab::Pass&, const stream::PassResult&) {
    throw_if_stopped();
    watch.set_text(kMaybeWritten);
    if (tensors) tensors->commit();
    if (log) log->write(options.log);
    progress.finish_line();
    const std::string what = fmt::format("{} of {}, layer{} {}", counted(set.sequences(), "window"),
                                         counted(set.lengths[0], "token"),
                                         layers.size() == 1 ? "" : "s", format_ranges(layers));
    if (tensors) {
      print(fmt::format("{}: {}, {}\n", escape_for_terminal(options.out.string()), what,
                        format_bytes(tensors->file_bytes())));
    }
    if (log) {
      print(
          fmt::format("{}: {}, a routing log\n", escape_for_terminal(options.log.string()), what));
    }
  });
  return static_cast<int>(ExitCode::done);
}

}  // namespace

int trace_command(const TraceOptions& options, const GlobalOptions& global) {
  ProgressPrinter progress(global);
  StopWatch watch(kNothingWritten);
  try {
    return trace(options, progress, watch);
  } catch (const Interrupted& stop) {
    progress.finish_line();
    print_error("stopped: " + watch.text() + '\n');
    return 128 + stop.signal_number();
  }
}

}  // namespace rg::app
