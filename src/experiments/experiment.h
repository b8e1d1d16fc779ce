// One file per experiment: its declaration, its observer, its reduction. An experiment watches one
// domain; all experiments of a run share one pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "record/artifact.h"
#include "tap/tap.h"

namespace rg::experiments {

// What an experiment may know before the pass.
struct Setting {
  uint64_t seed = 0;
  uint32_t bootstrap_replicates = 2000;
  std::vector<int> moe_layers;  // every MoE layer of the model
  std::vector<int> layers;      // measured ones (a subset, ascending)
  gate::GateSpec spec;          // of the measured layers
  uint32_t width;               // d
  // Whether the router's norm is x / rms(x) times a gain, so that parts of x have shares of logits.
  bool rms_gate_norm = true;
  // Whether the update is the sum of the experts' weighted outputs, without a norm after it.
  bool plain_updates = true;
  // Whether a routed expert has a gate projection.
  bool gated_experts = true;
  uint32_t expert_width = 0;               // I, of routed experts
  bool allow_small_t = false;              // --allow-small-T: windows too short for an experiment
  std::map<std::string, Json> parameters;  // --parameter key=JSON, checked by the experiment

  // Sequences: this domain's windows and, for attention_router, prompts and probes.
  const tap::SequenceSet* windows = nullptr;
  uint32_t seq_len = 0;
  std::vector<uint32_t> window_document;  // (windows) index of each one's document
  uint32_t domain_index = 0;
  int threads = 1;  // of the reduction; observers use LayerView::threads

  struct Prompt {  // one sequence of `prompts` and of `prompts_unmasked`
    std::string text;
    std::string target;           // empty for a prompt; the probe's target token text
    uint32_t exact_position;      // target token located by offsets; last token for a prompt
    uint32_t published_position;  // first piece that contains the target; last token for a prompt
  };
  std::vector<Prompt> prompts;
  const tap::SequenceSet* prompt_set = nullptr;           // causal
  const tap::SequenceSet* prompt_set_unmasked = nullptr;  // the published convention
};

class Experiment : public tap::Observer {
 public:
  virtual record::Contribution reduce() = 0;  // after the last layer
};

struct Declaration {
  std::string name;                     // "attention_router"
  std::string summary;                  // one sentence for --help
  std::vector<std::string> parameters;  // known --parameter keys
  bool uses_prompts;
  // Refuses what cannot be measured before anything is read (RT001, RT002, RT006, US003).
  std::unique_ptr<Experiment> (*make)(const Setting&);
};

const std::vector<Declaration>& all_experiments();  // the explicit list

}  // namespace rg::experiments
