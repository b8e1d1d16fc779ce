// The prompts and probes that an experiment declares as an input, encoded as Hugging Face would
// (special tokens as the tokenizer's post-processor says).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "lab/settings.h"
#include "tap/tap.h"
#include "text/tokenizer.h"

namespace rg::lab {

struct Prompts {
  // Prompts first, then probes; one sequence each.
  std::vector<experiments::Setting::Prompt> prompts;
  tap::SequenceSet causal, unmasked;
};

// What the chosen experiment that reads prompts declares; null if none does.
const experiments::PromptTexts* declared_prompts(const ExperimentSettings& asked);

// The texts of the parameter `prompts`: a JSON array of strings, or the name of a file that holds
// one; without the parameter the declared ones, which may be none. US001.
std::vector<std::string> prompt_texts(const ExperimentSettings& asked);

// Positions: of a prompt its last token. Of a probe: exact = the token whose bytes hold the last
// byte of the target, by offsets; published = the first piece whose text contains the target (the
// last token where none does). CF017 beyond `max_positions`.
Prompts make_prompts(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                     const std::vector<experiments::ProbeTexts>& probes, uint32_t max_positions);

// For a plan without a tokenizer: the same sequences with a token for every kAssumedBytesPerToken
// bytes, rounded up, ids in turn. CF017 likewise.
inline constexpr size_t kAssumedBytesPerToken = 3;
Prompts assume_prompts(const std::vector<std::string>& texts,
                       const std::vector<experiments::ProbeTexts>& probes, uint32_t vocabulary,
                       uint32_t max_positions);

// CF017 likewise, for another model that reads them.
void check_lengths(const Prompts& prompts, uint32_t max_positions);

}  // namespace rg::lab
