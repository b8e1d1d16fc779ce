#include <fmt/format.h>

#include "app/commands.h"
#include "app/inputs.h"
#include "app/output.h"
#include "app/progress_printer.h"
#include "app/stop_watch.h"
#include "app/trace_log.h"
#include "app/trace_tensors.h"
#include "app/units.h"
#include "app/version.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"

namespace rg::app {
namespace {

constexpr uint64_t kMaxTokenFileBytes = uint64_t{1} << 30;

Error bad_tokens(const std::filesystem::path& file, std::string object, std::string found,
                 std::string expected, std::string hint) {
  return Error(ErrorId::CO007, {.file = file.string(),
                                .object = std::move(object),
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .hint = std::move(hint)});
}

// An array of rows of ids, all of one length that the model has positions for.
tap::SequenceSet read_tokens(const std::filesystem::path& file, const OpenModel& open) {
  const model::Model& model = open.model;
  const Json rows =
      parse_json(read_whole_file(file, kMaxTokenFileBytes), JsonLimits{}, file.string());
  if (!rows.is_array() || rows.empty() || !rows[0].is_array() || rows[0].empty()) {
    throw bad_tokens(file, "", "another JSON value",
                     "an array of equally long arrays of token ids, none empty",
                     "One window is written as [[1, 2, 3]].");
  }
  check_sequence_length(open, rows[0].size(), "window 0 of " + file.string(),
                        "Write shorter rows into the file.");
  tap::SequenceSet set;
  set.name = "tokens";
  for (size_t w = 0; w < rows.size(); ++w) {
    const std::string window = fmt::format("window {}", w);
    if (!rows[w].is_array() || rows[w].size() != rows[0].size()) {
      throw bad_tokens(file, window,
                       rows[w].is_array() ? counted(rows[w].size(), "id") : "no array",
                       counted(rows[0].size(), "id") + " as in window 0",
                       "Cut the rows to one length, or trace them from several files.");
    }
    for (const Json& id : rows[w]) {
      if (!id.is_number_integer()) {
        throw bad_tokens(file, window, escape_for_terminal(write_json(id, JsonLayout::compact)),
                         "whole numbers", "Ids are written as integers, not as 1.0 or \"1\".");
      }
      if (id < 0 || id >= model.vocabulary) {
        throw Error(
            ErrorId::TK010,
            {.file = file.string(),
             .object = window,
             .found = "token id " + write_json(id, JsonLayout::compact),
             .expected = fmt::format("0 to {}, the rows of the embedding", model.vocabulary - 1),
             .hint = "The ids were made by the tokenizer of another model."});
      }
      set.ids.push_back(id.get<int32_t>());
    }
    set.lengths.push_back(static_cast<uint32_t>(rows[w].size()));
  }
  return set;
}

tap::SequenceSet read_windows(const TraceOptions& options, const OpenModel& open,
                              ProgressPrinter& progress) {
  check_sequence_length(open, options.windows.seq_len, "--seq-len", "Lower --seq-len.");
  const text::Tokenizer tokenizer = open_tokenizer(open, options.allow_regex);
  for (const std::string& note : tokenizer.notes()) progress.note(note);
  text::WindowSettings settings = options.windows;
  settings.threads = effective_threads(options.threads);
  settings.memory_bytes = options.memory_bytes;
  progress.step("reading " + options.domains[0].name);
  const text::WindowSet windows = text::make_windows(options.domains[0], 0, tokenizer, settings);
  for (const std::string& note : windows.notes) progress.note(note);
  return sequences_of(windows);
}

constexpr const char* kNothingWritten =
    "nothing was written; a file that was at --out before is unchanged. Run the same command again "
    "to start over.";
constexpr const char* kMaybeWritten =
    "the trace may be written; if so, it is complete. Run the same command again to start over.";

// US001 where --out is a file that this command reads.
void require_other_than_inputs(const TraceOptions& options, const OpenModel& open) {
  std::vector<std::filesystem::path> inputs = {options.tokens_file};
  for (const InputFile& shard : open.checkpoint.shards()) inputs.push_back(shard.path());
  for (const auto& file : open.checkpoint.metadata_files()) inputs.push_back(file.path);
  if (const auto tokenizer = open.checkpoint.tokenizer_path()) inputs.push_back(*tokenizer);
  for (const text::DomainSpec& domain : options.domains) inputs.push_back(domain.path);
  for (const std::filesystem::path& input : inputs) {
    std::error_code missing;
    if (!std::filesystem::equivalent(options.out, input, missing)) continue;
    throw Error(ErrorId::US001, {.object = "--out",
                                 .found = options.out.string() + ", which is read",
                                 .expected = "a file that is no input of this command",
                                 .hint = "Choose another name."});
  }
}

int trace(const TraceOptions& options, ProgressPrinter& progress, StopWatch& watch) {
  const OpenModel open = open_model(options.model);
  require_other_than_inputs(options, open);
  for (const std::string& note : open.checkpoint.notes()) progress.note(note);
  const std::vector<int> layers = measured_layers(open.model, options.layers);
  const tap::SequenceSet set = options.tokens_file.empty() ? read_windows(options, open, progress)
                                                           : read_tokens(options.tokens_file, open);

  const stream::Compute compute = stream::choose_compute(options.compute);
  const stream::Profile profile = stream::numeric_profile(compute);
  const std::filesystem::path& out = options.out.empty() ? options.log : options.out;
  const std::filesystem::path folder =
      out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
  stream::Settings settings = engine_settings(options, compute, folder);
  std::map<std::string, std::string> metadata = {{"program", version_text()},
                                                 {"model", open.checkpoint.location().display_name},
                                                 {"isa", profile.isa},
                                                 {"compute", profile.compute},
                                                 {"onednn", profile.onednn}};
  if (open.model.head_despite_tie) metadata["unembedding"] = open.model.unembedding.values->name;
  std::optional<TraceObserver> observer;
  std::optional<TraceLogObserver> log;
  std::vector<tap::Observer*> observers;
  if (!options.out.empty()) {
    observer.emplace(options.out, open.model, set, layers, options.tensors, metadata);
    observers.push_back(&*observer);
  }
  if (!options.log.empty()) {
    log.emplace(open.model, open.checkpoint.location().display_name, set, layers);
    observers.push_back(&*log);
  }
  const bool logits = observer && observer->wants_logits();
  if (!logits) settings.last_layer = layers.back();
  const std::vector<const tap::SequenceSet*> sets = {&set};
  const stream::Plan plan =
      stream::make_plan(open.model, sets, observers,
                        logits ? stream::Logits::wanted : stream::Logits::none, settings);
  const stream::LogitsSink sink = [&](const tap::Block& block, const float* values,
                                      uint32_t vocabulary) {
    observer->write_logits(block, values, vocabulary);
  };
  stream::run_pass(open.checkpoint, open.model, sets, observers, settings, plan, progress,
                   logits ? &sink : nullptr);
  throw_if_stopped();
  watch.set_text(kMaybeWritten);
  if (observer) observer->commit();
  if (log) log->write(options.log);
  progress.finish_line();
  const std::string what = fmt::format("{} of {}, layer{} {}", counted(set.sequences(), "window"),
                                       counted(set.lengths[0], "token"),
                                       layers.size() == 1 ? "" : "s", format_ranges(layers));
  if (observer) {
    print(fmt::format("{}: {}, {}\n", escape_for_terminal(options.out.string()), what,
                      format_bytes(observer->file_bytes())));
  }
  if (log) {
    print(fmt::format("{}: {}, a routing log\n", escape_for_terminal(options.log.string()), what));
  }
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
