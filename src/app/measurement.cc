#include "app/measurement.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/parameters.h"
#include "app/units.h"
#include "base/cancel.h"
#include "base/error.h"

namespace rg::app {

namespace {

std::optional<text::Tokenizer> tokenizer_of(const OpenModel& open, const RunOptions& options) {
  if (open.checkpoint.requested() != nullptr && !open.checkpoint.tokenizer_path()) {
    return std::nullopt;
  }
  return open_tokenizer(open, options.allow_regex);
}

}  // namespace

Measurement::Measurement(const std::string& model_argument, const RunOptions& options,
                         Purpose purpose)
    : options_(options),
      open_(purpose == Purpose::plan ? open_model_or_config(model_argument)
                                     : open_model(model_argument)),
      tokenizer_(tokenizer_of(open_, options)),
      layers_(measured_layers(open_.model, chosen_layers(options))),
      compute_(stream::choose_compute(options.compute)) {
  check_sequence_length(open_, options.windows.seq_len, "--seq-len", "Lower --seq-len.");
  if (const experiments::PromptTexts* declared = declared_prompts(options)) {
    const std::vector<std::string> texts = prompt_texts(options);
    prompts_ = tokenizer_
                   ? make_prompts(*tokenizer_, texts, declared->probes, open_.model.positions)
                   : assume_prompts(texts, declared->probes, open_.model.vocabulary,
                                    open_.model.positions);
  }
}

void Measurement::read_texts(ProgressPrinter& progress, const std::filesystem::path& spill_folder) {
  if (!tokenizer_) {
    throw Error(ErrorId::TK002,
                {.file = open_.checkpoint.location().folder.string(),
                 .object = "tokenizer.json",
                 .found = "no such file",
                 .expected = "the model's tokenizer, to count windows",
                 .hint = "Give a number of --windows, or fetch tokenizer.json as well."});
  }
  text::WindowSettings settings = options_.windows;
  settings.threads = effective_threads(options_.threads);
  settings.memory_bytes = options_.memory_bytes;
  settings.spill_folder = spill_folder;
  for (uint32_t i = 0; i < options_.domains.size(); ++i) {
    throw_if_stopped();
    progress.step(fmt::format("reading {}", options_.domains[i].name));
    windows_.push_back(text::make_windows(options_.domains[i], i, *tokenizer_, settings));
    text::WindowSet& windows = windows_.back();
    if (windows.document_ids.size() == 1) {
      windows.notes.push_back(
          fmt::format("domain {}: all windows are from one document; intervals are by window, not "
                      "by document",
                      windows.domain));
    }
    sequences_.push_back(sequences_of(windows_.back()));
  }
}

void Measurement::assume_texts() {
  const uint32_t count = options_.windows.windows.value();
  std::vector<text::DomainSpec> domains = options_.domains;
  if (domains.empty()) domains.push_back({.name = "text", .path = {}});
  assumed_texts_ = {fmt::format("text: {} of {} of {} tokens (--domain, --windows, --seq-len)",
                                counted(domains.size(), "domain"), counted(count, "window"),
                                format_count(options_.windows.seq_len)),
                    "token ids in turn, so as many different ones as there can be"};
  for (const text::DomainSpec& domain : domains) {
    text::WindowSet windows;
    windows.domain = domain.name;
    windows.seq_len = options_.windows.seq_len;
    for (uint64_t i = 0; i < uint64_t{count} * windows.seq_len; ++i) {
      windows.ids.push_back(static_cast<int32_t>(i % open_.model.vocabulary));
    }
    for (uint32_t w = 0; w < count; ++w) windows.document.push_back(w);
    windows_.push_back(std::move(windows));
    sequences_.push_back(sequences_of(windows_.back()));
  }
}

void Measurement::make_parts() {
  for (const std::string& name : options_.experiments) {
    const experiments::Declaration& declaration = declaration_of(name);
    for (size_t d = 0; d < windows_.size(); ++d) {
      experiments::Setting setting{.seed = options_.windows.seed,
                                   .moe_layers = open_.model.moe_layers(),
                                   .layers = layers_,
                                   .spec = open_.model.gate(),
                                   .width = open_.model.width,
                                   .rms_gate_norm = open_.model.has_rms_gate_norms(),
                                   .plain_updates = open_.model.adds_plain_outputs(),
                                   .gated_experts = open_.model.routed().spec.has_gate(),
                                   .expert_width = open_.model.expert_width(),
                                   .allow_small_t = options_.allow_small_t,
                                   .parameters = parameters_for(declaration, options_),
                                   .windows = &sequences_[d],
                                   .seq_len = windows_[d].seq_len,
                                   .window_document = windows_[d].document,
                                   .domain_index = static_cast<uint32_t>(d),
                                   .threads = effective_threads(options_.threads),
                                   .prompts = {},
                                   .prompt_set = nullptr,
                                   .prompt_set_unmasked = nullptr};
      if (declaration.prompts != nullptr) {
        setting.prompts = prompts_->prompts;
        setting.prompt_set = &prompts_->causal;
        setting.prompt_set_unmasked = &prompts_->unmasked;
      }
      parts_.push_back({&declaration, d, declaration.make(setting)});
    }
  }
}

std::vector<const tap::SequenceSet*> Measurement::sets() const {
  std::vector<const tap::SequenceSet*> sets;
  for (const tap::SequenceSet& set : sequences_) sets.push_back(&set);
  if (prompts_) {
    sets.push_back(&prompts_->causal);
    sets.push_back(&prompts_->unmasked);
  }
  return sets;
}

std::vector<tap::Observer*> Measurement::observers() const {
  std::vector<tap::Observer*> observers;
  for (const Part& part : parts_) observers.push_back(part.experiment.get());
  return observers;
}

void Measurement::prepare(const std::filesystem::path& spill_folder) {
  make_parts();
  settings_ = engine_settings(options_, compute_, spill_folder);
  settings_.last_layer = layers_.back();
  auto all = observers();
  plan_ = stream::make_plan(open_.model, sets(), all, stream::Logits::none, settings_);
}

stream::PassResult Measurement::run(ProgressPrinter& progress) {
  auto all = observers();
  return stream::run_pass(open_.checkpoint, open_.model, sets(), all, settings_, plan_, progress,
                          nullptr);
}

std::vector<std::string> Measurement::notes() const {
  std::vector<std::string> notes = open_.checkpoint.notes();
  const auto add = [&](const std::vector<std::string>& more) {
    for (const std::string& note : more) {  // those of the tokenizer are each domain's, too
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
    }
  };
  if (tokenizer_) add(tokenizer_->notes());
  for (const text::WindowSet& windows : windows_) add(windows.notes);
  return notes;
}

std::vector<std::string> Measurement::assumed() const {
  std::vector<std::string> all = open_.checkpoint.assumed();
  all.insert(all.end(), assumed_texts_.begin(), assumed_texts_.end());
  if (declared_prompts(options_) != nullptr && !tokenizer_) {
    all.push_back(fmt::format("no tokenizer.json: a token for every {} bytes of a prompt",
                              kAssumedBytesPerToken));
  }
  all.push_back(fmt::format("the disk reads {} per second (--disk)",
                            format_bytes(static_cast<uint64_t>(settings_.disk_bytes_per_s))));
  return all;
}

std::vector<std::pair<std::string, std::string>> Measurement::input_sha256() const {
  std::vector<std::pair<std::string, std::string>> hashes;
  for (const formats::HashedFile& file : open_.checkpoint.metadata_files()) {
    hashes.emplace_back(file.path.filename().string(), file.sha256);
  }
  hashes.emplace_back("tokenizer.json", tokenizer().sha256());
  for (const auto& file : tokenizer().side_files()) hashes.push_back(file);
  return hashes;
}

Json Measurement::input_identity() const {
  Json files = Json::object();
  for (const auto& [name, sha256] : input_sha256()) files[name] = sha256;
  Json shards = Json::array();
  for (const InputFile& shard : open_.checkpoint.shards()) {
    shards.push_back({{"name", shard.path().filename().string()},
                      {"bytes", shard.bytes()},
                      {"modified_s", shard.stamp().modified_s},
                      {"modified_ns", shard.stamp().modified_ns}});
  }
  Json texts = Json::array();
  for (const text::WindowSet& windows : windows_) {
    texts.push_back({{"name", windows.domain},
                     {"corpus_sha256", windows.corpus.corpus_sha256},
                     {"ids_sha256", windows.ids_sha256}});
  }
  const stream::Profile profile = stream::numeric_profile(compute_);
  return {{"model", open_.checkpoint.location().display_name},
          {"files", files},
          {"shards", shards},
          {"domains", texts},
          {"layers", layers_},
          {"profile",
           {{"isa", profile.isa}, {"compute", profile.compute}, {"onednn", profile.onednn}}}};
}

}  // namespace rg::app
