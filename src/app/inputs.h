// From arguments to checked inputs: the model bound, its tokenizer, the domains' windows as
// sequences. No weight is read here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/options.h"
#include "formats/checkpoint.h"
#include "model/model.h"
#include "stream/pass.h"
#include "tap/tap.h"
#include "text/tokenizer.h"
#include "text/windows.h"

namespace rg::app {

struct OpenModel {
  formats::Checkpoint checkpoint;
  model::Model model;  // points into the checkpoint
};
OpenModel open_model(const std::string& argument);
// For a plan: also a folder with a config.json and no weights, or a file NAME.json that holds a
// config. No header is checked then, and no weight can be read.
OpenModel open_model_or_config(const std::string& argument);

// TK002 if the folder has none; TK010 if an id of it has no embedding row.
text::Tokenizer open_tokenizer(const OpenModel& model, bool allow_regex);

// The wanted layers, or every MoE layer; US001 for a layer without a gate.
std::vector<int> measured_layers(const model::Model& model,
                                 const std::optional<std::vector<int>>& wanted);

// CF017 if a sequence is longer than the model's positions; `what` and `hint` say whose length it
// is and how to shorten it.
void check_sequence_length(const OpenModel& model, uint64_t tokens, const std::string& what,
                           const std::string& hint);

// One domain's windows as the pass carries them.
tap::SequenceSet sequences_of(const text::WindowSet& windows);

int effective_threads(int wanted);  // 0: the cores this process may use

stream::Settings engine_settings(const PassOptions& options, stream::Compute compute,
                                 const std::filesystem::path& spill_folder);

}  // namespace rg::app
