// What passes read: the windows of some domains and the prompts of an experiment, as one subject's
// tokenizer cuts them; or token ids that are there already. Subjects that read alike share them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "lab/prompts.h"
#include "lab/settings.h"
#include "lab/subject.h"
#include "tap/tap.h"
#include "text/windows.h"

namespace rg::lab {

class Samples {
 public:
  // Encodes the prompts that the experiments declare; where `reader` has no tokenizer, assumes
  // them. The domains are read later. Keeps `reader`. US001, CF017.
  Samples(const Subject& reader, TextSettings settings, const ExperimentSettings& experiments);
  // Ids that `reader` has embedding rows for, from a file (token_rows.h). CO007, TK010.
  Samples(const Subject& reader, const std::filesystem::path& tokens_file);
  // The same of ids that the caller has, of sequences of any lengths; `source` names them in
  // messages. TK010.
  Samples(const Subject& reader, tap::SequenceSet set, const std::string& source);
  Samples(const Samples&) = delete;  // observers point at its sets
  Samples& operator=(const Samples&) = delete;

  // Reads the domains and cuts their windows; ids that memory should not hold go to `spill_folder`
  // (empty: where temporary files go). TK002 without a tokenizer, CO0xx, RT004.
  void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
            Progress& progress);
  // For a plan, which reads no text: of each domain (of one, if none is named) as many windows as
  // were asked for, with all token ids in turn.
  void assume();

  // CF017 if a sequence is longer than the subject has positions.
  void check_fit(const Subject& subject) const;

  const Subject& reader() const { return reader_; }
  const TextSettings& settings() const { return settings_; }
  const std::vector<text::WindowSet>& domains() const { return domains_; }
  // One for each domain; or the ids.
  const std::vector<tap::SequenceSet>& sequences() const { return sequences_; }
  const Prompts* prompts() const { return prompts_ ? &*prompts_ : nullptr; }  // null: none are read
  std::vector<const tap::SequenceSet*> sets() const;  // all that a pass carries
  // A sentence for each thing that a plan takes for given without having seen it.
  const std::vector<std::string>& assumed() const { return assumed_; }
  // By content which texts were read: an array, one member per domain.
  Json identity() const;

 private:
  const Subject& reader_;
  TextSettings settings_;
  std::string tokens_source_;  // of ids; empty: domains are read
  std::vector<text::WindowSet> domains_;
  std::vector<tap::SequenceSet> sequences_;
  std::optional<Prompts> prompts_;
  std::vector<std::string> assumed_;
};

// Of a domain's windows, as artifacts and stderr say them.
std::vector<std::string> notes_of(const text::WindowSet& windows);

}  // namespace rg::lab
