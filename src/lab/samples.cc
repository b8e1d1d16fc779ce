#include "lab/samples.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/numbers.h"
#include "lab/token_rows.h"

namespace rg::lab {
namespace {

tap::SequenceSet sequences_of(const text::WindowSet& windows) {
  return {.name = "domain:" + windows.domain,
          .lengths = std::vector<uint32_t>(windows.windows(), windows.seq_len),
          .ids = windows.ids,
          .causal = true};
}

}  // namespace

Samples::Samples(const Subject& reader, TextSettings settings,
                 const ExperimentSettings& experiments)
    : reader_(reader), settings_(std::move(settings)) {
  if (const experiments::PromptTexts* declared = declared_prompts(experiments)) {
    const std::vector<std::string> texts = prompt_texts(experiments);
    const model::Model& model = reader.model();
    prompts_ = reader.tokenizer() != nullptr
                   ? make_prompts(*reader.tokenizer(), texts, declared->probes, model.positions)
                   : assume_prompts(texts, declared->probes, model.vocabulary, model.positions);
  }
}

Samples::Samples(const Subject& reader, const std::filesystem::path& tokens_file)
    : reader_(reader), tokens_source_(tokens_file.string()) {
  sequences_.push_back(read_token_rows(tokens_file, reader.model().vocabulary));
}

Samples::Samples(const Subject& reader, tap::SequenceSet set, const std::string& source)
    : reader_(reader), tokens_source_(source) {
  const uint32_t vocabulary = reader.model().vocabulary;
  for (const int32_t id : set.ids) {
    if (id < 0 || static_cast<uint32_t>(id) >= vocabulary)
      throw id_outside(source, "", std::to_string(id), vocabulary);
  }
  sequences_.push_back(std::move(set));
}

void Samples::read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                   Progress& progress) {
  const text::Tokenizer* tokenizer = reader_.tokenizer();
  if (tokenizer == nullptr) {
    throw Error(ErrorId::TK002,
                {.file = reader_.checkpoint().location().folder.string(),
                 .object = "tokenizer.json",
                 .found = "no such file",
                 .expected = "the model's tokenizer, to count windows",
                 .hint = "Give a number of --windows, or fetch tokenizer.json as well."});
  }
  text::WindowSettings settings = settings_.windows;
  settings.threads = effective_threads(engine.threads);
  settings.memory_bytes = engine.memory_bytes;
  settings.spill_folder = spill_folder;
  for (uint32_t i = 0; i < settings_.domains.size(); ++i) {
    throw_if_stopped();
    progress.step("reading " + settings_.domains[i].name);
    domains_.push_back(text::make_windows(settings_.domains[i], i, *tokenizer, settings));
    sequences_.push_back(sequences_of(domains_.back()));
  }
}

void Samples::assume() {
  const uint32_t count = settings_.windows.windows.value(), seq_len = settings_.windows.seq_len;
  std::vector<text::DomainSpec> domains = settings_.domains;
  if (domains.empty()) domains.push_back({.name = "text", .path = {}});
  assumed_ = {fmt::format("text: {} of {} of {} tokens (--domain, --windows, --seq-len)",
                          counted(domains.size(), "domain"), counted(count, "window"),
                          format_count(seq_len)),
              "token ids in turn, so as many different ones as there can be"};
  for (const text::DomainSpec& domain : domains) {
    text::WindowSet windows;
    windows.domain = domain.name;
    windows.seq_len = seq_len;
    for (uint64_t i = 0; i < uint64_t{count} * seq_len; ++i) {
      windows.ids.push_back(static_cast<int32_t>(i % reader_.model().vocabulary));
    }
    for (uint32_t w = 0; w < count; ++w) windows.document.push_back(w);
    domains_.push_back(std::move(windows));
    sequences_.push_back(sequences_of(domains_.back()));
  }
}

void Samples::check_fit(const Subject& subject) const {
  if (!tokens_source_.empty()) {
    const std::vector<uint32_t>& lengths = sequences_[0].lengths;
    const auto longest = std::max_element(lengths.begin(), lengths.end());
    subject.check_sequence_length(
        *longest, fmt::format("window {} of {}", longest - lengths.begin(), tokens_source_),
        "Cut its tokens into shorter sequences.");
    return;
  }
  subject.check_sequence_length(settings_.windows.seq_len, "--seq-len", "Lower --seq-len.");
  if (prompts_) check_lengths(*prompts_, subject.model().positions);
}

std::vector<const tap::SequenceSet*> Samples::sets() const {
  std::vector<const tap::SequenceSet*> sets;
  for (const tap::SequenceSet& set : sequences_) sets.push_back(&set);
  if (prompts_) {
    sets.push_back(&prompts_->causal);
    sets.push_back(&prompts_->unmasked);
  }
  return sets;
}

Json Samples::identity() const {
  Json texts = Json::array();
  for (const text::WindowSet& windows : domains_) {
    texts.push_back({{"name", windows.domain},
                     {"corpus_sha256", windows.corpus.corpus_sha256},
                     {"ids_sha256", windows.ids_sha256}});
  }
  return texts;
}

std::vector<std::string> notes_of(const text::WindowSet& windows) {
  std::vector<std::string> notes = windows.notes;
  if (windows.document_ids.size() == 1) {
    notes.push_back(fmt::format(
        "domain {}: all windows are from one document; intervals are by window, not by document",
        windows.domain));
  }
  return notes;
}

}  // namespace rg::lab
