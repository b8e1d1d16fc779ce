// An experiment is a declaration, an observer and a reduction. It watches one domain; all
// experiments of a run share one pass.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "experiments/parameter.h"
#include "experiments/prompt_texts.h"
#include "record/artifact.h"
#include "tap/tap.h"

namespace rg::experiments {

// What an experiment may know before the pass.
struct Setting {
  uint64_t seed = 0;
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
  uint32_t expert_width = 0;   // I, of routed experts
  bool allow_small_t = false;  // --allow-small-T: windows too short for an experiment
  // --parameter key=JSON, as given; Declaration::make checks them and adds the defaults.
  std::map<std::string, Json> parameters;
  int64_t integer(const std::string& key) const { return parameter(key).get<int64_t>(); }
  bool flag(const std::string& key) const { return parameter(key).get<bool>(); }
  std::string word(const std::string& key) const { return parameter(key).get<std::string>(); }
  std::vector<int> some_layers(const std::string& key) const {
    return parameter(key).get<std::vector<int>>();
  }

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

 private:
  const Json& parameter(const std::string& key) const;
};

class Experiment : public tap::Observer {
 public:
  virtual record::Contribution reduce() = 0;  // after the last layer
};

struct Declaration {
  std::string name;     // "attention_router"
  std::string version;  // of its artifacts' schema: what their fields mean
  std::string summary;  // one sentence for --help
  std::vector<Parameter> parameters;
  const PromptTexts* prompts;  // what it reads besides a domain's windows; null: nothing
  // What no single artifact holds: a table of all of its artifacts of a run, in the order of
  // models, then domains. Null: none.
  Json (*compare)(std::span<const Json* const> artifacts);
  // From a setting whose parameters are checked and complete; refuses what cannot be measured.
  std::unique_ptr<Experiment> (*create)(const Setting&);
  bool by_name = false;  // takes long: left out of `all`

  // Refuses what cannot be measured before anything is read (RT001, RT002, RT006, RT007, US003).
  std::unique_ptr<Experiment> make(const Setting& setting) const;
};

const std::vector<Declaration>& all_experiments();  // the explicit list

// By experiment, the tables of those that compare artifacts; those of others are passed over.
Json comparisons(std::span<const Json* const> artifacts);

}  // namespace rg::experiments
