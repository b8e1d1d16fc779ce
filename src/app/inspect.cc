#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/mixers.h"
#include "app/output.h"
#include "app/table.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "gate/profile.h"
#include "lab/subject.h"

namespace rg::app {
namespace {

struct TokenizerFacts {
  std::string file, sha256;
  size_t entries = 0;
  int32_t largest_id = 0;
  std::vector<std::string> notes;
};

// Facts, the reason why it can't be used, or neither: the folder has none. inspect reads no text,
// so all three are fine.
struct TokenizerState {
  std::optional<TokenizerFacts> facts;
  std::optional<Error> error;
};

TokenizerState tokenizer_state(lab::Subject& subject, bool allow_regex) {
  TokenizerState state;
  try {
    const auto path = subject.checkpoint().tokenizer_path();
    if (!path) return state;
    subject.open_tokenizer(allow_regex);
    const text::Tokenizer& tokenizer = *subject.tokenizer();
    state.facts = {.file = path->filename().string(),
                   .sha256 = tokenizer.sha256(),
                   .entries = tokenizer.vocabulary_size(),
                   .largest_id = tokenizer.largest_id(),
                   .notes = tokenizer.notes()};
  } catch (const Error& error) {
    if (error.exit_code() == ExitCode::internal) throw;
    state.error = error;
  }
  return state;
}

// Of the checkpoint's files and of what was bound.
std::vector<std::string> notes_of(const lab::Subject& subject) {
  std::vector<std::string> notes = subject.checkpoint().notes();
  notes.insert(notes.end(), subject.model().notes.begin(), subject.model().notes.end());
  return notes;
}

std::string hash_file(const InputFile& file) {
  constexpr uint64_t kPieceBytes = 8u << 20;
  std::vector<std::byte> piece(std::min(kPieceBytes, file.bytes()));
  Sha256 digest;
  for (uint64_t at = 0; at < file.bytes(); at += kPieceBytes) {
    throw_if_stopped();
    const auto part = std::span(piece).first(std::min(kPieceBytes, file.bytes() - at));
    file.read_exact(at, part);
    digest.update(part);
  }
  return digest.hex();
}

std::vector<int> dense_layers(const model::Model& model) {
  std::vector<int> dense;
  for (size_t layer = 0; layer < model.layers.size(); ++layer) {
    const model::Layer& each = model.layers[layer];
    if (!each.router && !each.groups.empty()) dense.push_back(static_cast<int>(layer));
  }
  return dense;
}

struct DTypeUse {
  std::string dtype;
  uint64_t tensors = 0, bytes = 0;
};

std::vector<DTypeUse> dtype_uses(const formats::Checkpoint& checkpoint) {
  std::vector<DTypeUse> uses;
  for (const formats::TensorEntry& entry : checkpoint.tensors()) {
    const std::string dtype(dtype_name(entry.dtype));
    auto at = std::find_if(uses.begin(), uses.end(),
                           [&](const DTypeUse& use) { return use.dtype == dtype; });
    if (at == uses.end()) at = uses.insert(uses.end(), DTypeUse{dtype, 0, 0});
    at->tensors += 1;
    at->bytes += entry.size_bytes;
  }
  return uses;
}

Json as_json(const lab::Subject& subject, const TokenizerState& tokenizer,
             const std::vector<std::string>& shard_hashes) {
  const model::Model& model = subject.model();
  Json origins = Json::array(), dtypes = Json::object(), shards = Json::array();
  for (const model::Origin& origin : model.origins) {
    origins.push_back(
        {{"field", origin.field}, {"value", origin.value}, {"source", origin.source}});
  }
  for (const DTypeUse& use : dtype_uses(subject.checkpoint())) {
    dtypes[use.dtype] = {{"tensors", use.tensors}, {"bytes", use.bytes}};
  }
  for (size_t i = 0; i < subject.checkpoint().shards().size(); ++i) {
    const InputFile& shard = subject.checkpoint().shards()[i];
    Json row = {{"file", shard.path().filename().string()}, {"bytes", shard.bytes()}};
    if (!shard_hashes.empty()) row["sha256"] = shard_hashes[i];
    shards.push_back(row);
  }
  Json files = Json::object();
  for (const auto& file : subject.checkpoint().metadata_files()) {
    files[file.path.filename().string()] = file.sha256;
  }
  Json mixers = Json::array();
  for (const MixerEntry& entry : describe_mixers(model)) {
    Json facts = {{"layers", entry.layers}};
    facts.update(entry.facts);
    mixers.push_back(std::move(facts));
  }
  Json described = {{"model", subject.name()},
                    {"family", model.family},
                    {"layers", model.layers.size()},
                    {"moe_layers", model.moe_layers()},
                    {"dense_layers", dense_layers(model)},
                    {"terminal_moe_layer", model.moe_layers().back()},
                    {"width", model.width},
                    {"expert_width", model.expert_width()},
                    {"vocabulary", model.vocabulary},
                    {"positions", model.positions},
                    {"tied_embeddings", model.tied_embeddings},
                    {"norm_epsilon", model.final_norm.spec.epsilon},
                    {"mixers", mixers},
                    {"gate", gate::gate_profile(model.gate())},
                    {"origins", origins},
                    {"tensors", subject.checkpoint().tensors().size()},
                    {"weight_bytes", subject.checkpoint().weight_bytes()},
                    {"dtypes", dtypes},
                    {"shards", shards},
                    {"files_sha256", files},
                    {"tokenizer", nullptr},
                    {"notes", notes_of(subject)},
                    {"weight_bytes_read", subject.checkpoint().bytes_read()}};
  if (tokenizer.facts) {
    described["tokenizer"] = {{"file", tokenizer.facts->file},
                              {"sha256", tokenizer.facts->sha256},
                              {"entries", tokenizer.facts->entries},
                              {"largest_id", tokenizer.facts->largest_id},
                              {"notes", tokenizer.facts->notes}};
  } else if (tokenizer.error) {
    described["tokenizer"] = {{"error", parse_json(tokenizer.error->json(), JsonLimits{}, "")}};
  }
  return described;
}

std::string as_text(const lab::Subject& subject, const TokenizerState& tokenizer,
                    const std::vector<std::string>& shard_hashes, bool colour) {
  using Align = Table::Align;
  const model::Model& model = subject.model();
  const auto heading = [&](const std::string& text) {
    return styled(text, Style::bold, colour) + '\n';
  };
  Table facts({Align::left, Align::left});
  facts.row({"model", escape_for_terminal(subject.name())});
  facts.row({"family", model.family});
  facts.row({"layers", std::to_string(model.layers.size())});
  facts.row({"MoE layers", format_ranges(model.moe_layers())});
  if (const auto dense = dense_layers(model); !dense.empty()) {
    facts.row({"dense layers", format_ranges(dense) + " (no gate: computed, not measured)"});
  }
  facts.row({"width", std::to_string(model.width)});
  facts.row({"expert width", std::to_string(model.expert_width())});
  facts.row({"vocabulary", std::to_string(model.vocabulary)});
  facts.row({"positions", std::to_string(model.positions)});
  const std::vector<MixerEntry> mixers = describe_mixers(model);
  for (const MixerEntry& entry : mixers) {
    facts.row(
        {"attention", mixers.size() == 1
                          ? entry.text
                          : fmt::format("layers {}: {}", format_ranges(entry.layers), entry.text)});
  }
  std::string text = facts.text(0);

  text += '\n' + heading("gate");
  Table gate({Align::left, Align::left});
  const Json semantics = gate::gate_profile(model.gate());
  for (const auto& [field, value] : semantics.items()) {
    gate.row({field, value.is_string() ? value.get<std::string>()
                                       : write_json(value, JsonLayout::compact)});
  }
  text += gate.text(2);

  text += '\n' + heading("where each value came from");
  Table origins({Align::left, Align::left, Align::left});
  for (const model::Origin& origin : model.origins) {
    origins.row(
        {origin.field, escape_for_terminal(origin.value), escape_for_terminal(origin.source)});
  }
  text += origins.text(2);

  text += '\n' + heading("weights");
  Table weights({Align::left, Align::right, Align::right});
  for (const DTypeUse& use : dtype_uses(subject.checkpoint())) {
    weights.row({use.dtype, counted(use.tensors, "tensor"), format_bytes(use.bytes)});
  }
  text += weights.text(2);
  Table shards({Align::left, Align::right, Align::left});
  for (size_t i = 0; i < subject.checkpoint().shards().size(); ++i) {
    const InputFile& shard = subject.checkpoint().shards()[i];
    shards.row({escape_for_terminal(shard.path().filename().string()), format_bytes(shard.bytes()),
                shard_hashes.empty() ? "" : shard_hashes[i]});
  }
  text += shards.text(2);
  text += '\n';
  if (tokenizer.facts) {
    text += fmt::format("tokenizer  {}: {} entries, largest id {}, sha256 {}\n",
                        tokenizer.facts->file, format_count(tokenizer.facts->entries),
                        tokenizer.facts->largest_id, tokenizer.facts->sha256);
    for (const std::string& note : tokenizer.facts->notes) {
      text += "note       " + escape_for_terminal(note) + '\n';
    }
  } else {
    text += fmt::format("tokenizer  {}: text can't be read with this model; trace --tokens works\n",
                        tokenizer.error ? "can't be used" : "none");
    if (tokenizer.error) text += fmt::format("           {}\n", tokenizer.error->what());
  }
  for (const std::string& note : notes_of(subject)) {
    text += "note       " + escape_for_terminal(note) + '\n';
  }
  return text;
}

}  // namespace

int inspect_command(const InspectOptions& options, const GlobalOptions&) {
  lab::Subject subject = lab::Subject::open(options.model);
  const TokenizerState tokenizer = tokenizer_state(subject, options.allow_regex);
  std::vector<std::string> shard_hashes;
  if (options.hash) {
    for (const InputFile& shard : subject.checkpoint().shards())
      shard_hashes.push_back(hash_file(shard));
  }
  if (options.json) {
    print(write_json(as_json(subject, tokenizer, shard_hashes), JsonLayout::indented) + '\n');
  } else {
    print(as_text(subject, tokenizer, shard_hashes, stdout_has_colour()));
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
