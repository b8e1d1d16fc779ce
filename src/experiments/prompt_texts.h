// Texts that an experiment reads besides a domain's windows.
#pragma once

#include <string>
#include <vector>

namespace rg::experiments {

// A target token in several contexts.
struct ProbeTexts {
  std::string target;
  std::vector<std::string> contexts;
};

struct PromptTexts {
  std::vector<std::string> prompts;  // unless --parameter prompts gives others
  std::vector<ProbeTexts> probes;
};

// The nine prompts and three probes of the published analysis (attention_router).
const PromptTexts& published_prompts();

}  // namespace rg::experiments
