#include "app/agree_sides.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/log_facts.h"
#include "app/log_options.h"
#include "app/pass_options.h"
#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/numbers.h"
#include "gate/profile.h"
#include "logs/record_file.h"
#include "logs/refuse.h"

namespace rg::app {
namespace {

namespace fs = std::filesystem;

logs::Side read_log_side(const std::string& path, const AgreeOptions& options,
                         const std::optional<logs::ModelFacts>& model,
                         const std::optional<logs::TokenLists>& tokens) {
  const int threads = effective_threads(options.engine.threads);
  logs::Side side{.name = path, .record = {}, .gates = {}};
  side.record = logs::read_log_file(path, read_options(options, model, threads));
  if (tokens && side.record.tokens.empty()) {
    logs::attach_tokens(*tokens, options.tokens.string(), side.record);
  }
  if (model) logs::take_gates(*model, side);
  return side;
}

// Sequences of a log that has every token of each. LG006, LG008.
tap::SequenceSet tokens_of_log(const logs::Side& log) {
  const logs::Record& record = log.record;
  if (record.tokens.empty()) {
    logs::refuse(ErrorId::LG006, log.name, "tokens", "a log without token ids",
                 "the tokens that the model shall route",
                 "Give them with --tokens FILE, an array of ids for every sequence.");
  }
  const logs::SequenceRows groups = logs::rows_by_sequence(record);
  tap::SequenceSet set{.name = "tokens", .lengths = {}, .ids = {}, .causal = true};
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    const uint32_t first = groups.first[s], rows = groups.first[s + 1] - first;
    std::vector<int32_t> ids(rows, -1);
    for (uint32_t i = 0; i < rows; ++i) {
      const uint32_t row = groups.order[first + i];
      const int32_t position = record.position[row];
      if (position < 0 || static_cast<uint32_t>(position) >= rows) {
        logs::refuse(ErrorId::LG008, log.name, fmt::format("sequence {}", s),
                     fmt::format("{} with one at position {}", counted(rows, "row"), position),
                     "every token from position 0 on, which the model reads before",
                     "Give all token ids with --tokens FILE, those without rows, too.");
      }
      ids[static_cast<size_t>(position)] = record.tokens[row];
    }
    set.lengths.push_back(rows);
    set.ids.insert(set.ids.end(), ids.begin(), ids.end());
  }
  return set;
}

tap::SequenceSet tokens_of_lists(const logs::TokenLists& lists, const std::string& file) {
  tap::SequenceSet set{.name = "tokens", .lengths = {}, .ids = {}, .causal = true};
  for (size_t s = 0; s < lists.sequences.size(); ++s) {
    const std::vector<int32_t>& ids = lists.sequences[s];
    if (ids.empty()) {
      logs::refuse(ErrorId::LG005, file, fmt::format("sequence {}", s), "no token ids",
                   "at least one");
    }
    set.lengths.push_back(static_cast<uint32_t>(ids.size()));
    set.ids.insert(set.ids.end(), ids.begin(), ids.end());
  }
  return set;
}

// A row for every token of the set.
logs::Side side_of_model(const lab::Subject& subject, const tap::SequenceSet& set,
                         std::vector<lab::LayerRouting> layers) {
  logs::Side side{.name = subject.name(), .record = {}, .gates = {}};
  logs::Record& record = side.record;
  const gate::GateSpec& gate = subject.model().gate();
  record.model = subject.name();
  record.format = "model";
  record.rows = static_cast<uint32_t>(set.rows());
  record.k = gate.top_k;
  record.experts = gate.experts;
  record.logit_columns = gate.experts;
  record.tokens = set.ids;
  record.positions_stated = true;
  record.phase.assign(set.rows(), logs::Phase::unknown);
  record.gate = gate::gate_profile(gate);
  for (size_t s = 0; s < set.sequences(); ++s) {
    for (uint32_t i = 0; i < set.lengths[s]; ++i) {
      record.sequence.push_back(static_cast<int32_t>(s));
      record.position.push_back(static_cast<int32_t>(i));
    }
  }
  for (lab::LayerRouting& layer : layers) {
    if (!layer.spec.ids_from_table) {
      side.gates.emplace(
          layer.layer,
          logs::LayerGate{.spec = layer.spec, .selection_bias = std::move(layer.selection_bias)});
    }
    record.layers.push_back({.layer = layer.layer,
                             .ids = std::move(layer.ids),
                             .weights = std::move(layer.weights),
                             .logits = std::move(layer.logits)});
  }
  logs::check_shapes(record);
  return side;
}

AgreeSides two_models(const AgreeOptions& options, const std::optional<logs::TokenLists>& tokens,
                      Progress& progress) {
  if (!tokens) {
    throw usage_error("agree", "two models and no --tokens",
                      "--tokens FILE, a JSON array of arrays of token ids");
  }
  const lab::Subject a = lab::Subject::open(options.a), b = lab::Subject::open(options.b);
  const lab::Samples samples(a, tokens_of_lists(*tokens, options.tokens.string()),
                             options.tokens.string());
  lab::ThreeWayReplay replay =
      lab::replay_three_ways(a, b, samples, options.engine, fs::temp_directory_path(), progress);
  const tap::SequenceSet& set = samples.sequences()[0];
  AgreeSides sides{.a = side_of_model(a, set, std::move(replay.a)),
                   .b = side_of_model(b, set, std::move(replay.b)),
                   .a_is_model = true,
                   .b_is_model = true,
                   .replay = {}};
  sides.replay = std::move(replay);
  return sides;
}

logs::Side routed_by_model(const std::string& argument, const logs::Side& log,
                           const AgreeOptions& options,
                           const std::optional<logs::TokenLists>& tokens, Progress& progress) {
  const lab::Subject subject = lab::Subject::open(argument);
  const bool by_list = tokens && !tokens->by_row;
  const std::string source = by_list ? options.tokens.string() : log.name;
  const lab::Samples samples(
      subject, by_list ? tokens_of_lists(*tokens, source) : tokens_of_log(log), source);
  std::vector<lab::LayerRouting> layers =
      lab::route_tokens(subject, samples, options.engine, fs::temp_directory_path(), progress);
  return side_of_model(subject, samples.sequences()[0], std::move(layers));
}

}  // namespace

bool is_log(const std::string& argument) {
  std::error_code missing;
  return fs::is_regular_file(argument, missing) ||
         fs::is_regular_file(fs::path(argument) / logs::kRecordTensors, missing);
}

AgreeSides read_sides(const AgreeOptions& options, Progress& progress) {
  std::optional<logs::TokenLists> tokens;
  if (!options.tokens.empty()) tokens = logs::read_token_lists(options.tokens);
  const bool a_is_log = is_log(options.a), b_is_log = is_log(options.b);
  if (!a_is_log && !b_is_log) return two_models(options, tokens, progress);
  const std::string& model = !options.model.empty() ? options.model
                             : !a_is_log            ? options.a
                                                    : options.b;
  std::optional<logs::ModelFacts> facts;
  if (!options.model.empty() || !a_is_log || !b_is_log) facts = log_model_facts(model);
  AgreeSides sides;
  const auto read = [&](const std::string& path) {
    progress.step("reading " + fs::path(path).filename().string());
    throw_if_stopped();
    return read_log_side(path, options, facts, tokens);
  };
  if (a_is_log) sides.a = read(options.a);
  if (b_is_log) sides.b = read(options.b);
  if (!a_is_log) sides.a = routed_by_model(options.a, sides.b, options, tokens, progress);
  if (!b_is_log) sides.b = routed_by_model(options.b, sides.a, options, tokens, progress);
  sides.a_is_model = !a_is_log;
  sides.b_is_model = !b_is_log;
  return sides;
}

}  // namespace rg::app
