// One opened model: checkpoint, bound model, tokenizer. Everything is checked, no weight is read.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "formats/checkpoint.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace rg::lab {

class Subject {
 public:
  // Headers and config; resolve_model says what an argument may be. HF0xx, ST0xx, CF0xx.
  static Subject open(const std::string& argument);
  // For a plan: also a folder with a config.json and no weights, or a file NAME.json that holds a
  // config. No header is checked then, and no weight can be read.
  static Subject open_or_config(const std::string& argument);

  // TK002 if the folder has none; TK010 if an id of it has no embedding row; the errors of
  // Tokenizer::load_for_model.
  void open_tokenizer(bool allow_regex);

  const formats::Checkpoint& checkpoint() const { return checkpoint_; }
  const model::Model& model() const { return model_; }
  // Null until open_tokenizer().
  const text::Tokenizer* tokenizer() const { return tokenizer_ ? &*tokenizer_ : nullptr; }
  const std::string& name() const { return checkpoint_.location().display_name; }
  bool from_config() const { return checkpoint_.requested() != nullptr; }

  // Whether the tokenizers of both give the same ids and notes for every text, and refuse the same
  // ones: equal files, equal words on them in config.json, equally many embedding rows. False
  // without tokenizers.
  bool reads_like(const Subject& other) const;

  // The wanted layers, or every MoE layer; US001 for a layer without a gate.
  std::vector<int> measured_layers(const std::optional<std::vector<int>>& wanted) const;
  // CF017 if a sequence is longer than the model's positions; `what` and `hint` say whose length
  // it is and how to shorten it.
  void check_sequence_length(uint64_t tokens, const std::string& what,
                             const std::string& hint) const;

  std::vector<std::string> notes() const;  // of checkpoint and tokenizer
  // Name and hash of config, index, tokenizer and what else changes an id.
  std::vector<std::pair<std::string, std::string>> input_sha256() const;
  // {model, files, shards}: by content or stamp what its numbers depend on; no paths.
  Json identity() const;

 private:
  explicit Subject(formats::Checkpoint checkpoint);

  formats::Checkpoint checkpoint_;
  model::Model model_;  // points into the checkpoint
  std::optional<text::Tokenizer> tokenizer_;
};

}  // namespace rg::lab
