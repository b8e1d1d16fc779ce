// The prompts and probes that attention_router reads besides the windows, encoded as Hugging Face
// would (special tokens as the tokenizer's post-processor says).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "experiments/experiment.h"
#include "tap/tap.h"
#include "text/tokenizer.h"

namespace rg::app {

struct PromptInput {
  // Prompts first, then probes; one sequence each.
  std::vector<experiments::Setting::Prompt> prompts;
  tap::SequenceSet causal, unmasked;
};

// The texts of the parameter `prompts`: a JSON array of strings, or the name of a file that holds
// one; without the parameter the nine published prompts. US001.
std::vector<std::string> prompt_texts(const Json* parameter);

// `texts` and the three published probes in four contexts each.
// Positions: of a prompt its last token. Of a probe: exact = the token whose bytes hold the last
// byte of the target, by offsets; published = the first piece whose text contains the target (the
// last token where none does). CF017 beyond `max_positions`.
PromptInput make_prompts(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                         uint32_t max_positions);

// For a plan without a tokenizer: the same sequences with a token for every kAssumedBytesPerToken
// bytes, rounded up, ids in turn. CF017 likewise.
inline constexpr size_t kAssumedBytesPerToken = 3;
PromptInput assume_prompts(const std::vector<std::string>& texts, uint32_t vocabulary,
                           uint32_t max_positions);

}  // namespace rg::app
