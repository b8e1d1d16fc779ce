// One pass over one subject's layers: what it reads, who watches it, what it changes in the routes
// that the gates choose and in keys and values, and its plan.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/experiment.h"
#include "lab/samples.h"
#include "lab/settings.h"
#include "lab/subject.h"
#include "stream/final_states.h"
#include "stream/pass.h"

namespace rg::lab {

class Pass {
 public:
  // Both outlive the pass; the samples need not be read yet. US001 for a layer without a gate,
  // RT003 for a compute type that this CPU lacks, CF017 for sequences that the subject has no
  // positions for.
  Pass(const Subject& subject, const Samples& samples, PassSettings settings);
  Pass(const Pass&) = delete;  // experiments point into it
  Pass& operator=(const Pass&) = delete;

  // Another observer than the experiments, watching sets of the samples. It outlives run().
  void watch(tap::Observer& observer);
  // The gates of `other` decide on this subject's gate inputs too, and observers see it:
  // GateBlock's `other_gates`, in the order of these calls. It outlives the pass. RT008 unless it
  // chooses by the same rule.
  void ask_gates_of(const Subject& other);
  // Keeps the last hidden states for passes that are compared with this one; they outlive it.
  void keep_final_states(stream::FinalStates& states);
  // Changes routes, and keys and values; what it points to outlives run(). US001 where it doesn't
  // fit the subject; from make_plan() where imposed routes don't fit the samples' rows.
  void intervene(stream::Intervention intervention);
  // Observers of logits see those of `reference` beside this pass's own, from the states that the
  // pass over it kept. Both outlive the pass.
  void compare_with(const Subject& reference, const stream::FinalStates& states);

  // The plan, with the experiments of the settings, one for each domain: made to be asked what they
  // need, and freed, so that plans of several passes don't hold what each keeps. What must be
  // spilled goes to `spill_folder`. After the samples were read. RT0xx, RT009 for a reference
  // with another vocabulary, US003, ST023.
  void make_plan(const std::filesystem::path& spill_folder);
  // Makes the experiments again, and runs. parts() has them then.
  stream::PassResult run(Progress& progress);

  struct Part {
    const experiments::Declaration* declaration;
    size_t domain;  // index into samples().domains()
    std::unique_ptr<experiments::Experiment> experiment;
  };

  // What an observer of a domain's windows may know before the pass; without parameters and
  // prompts.
  experiments::Setting setting(size_t domain) const;

  const Subject& subject() const { return subject_; }
  const Samples& samples() const { return samples_; }
  const std::vector<const Subject*>& gates_asked() const { return gates_asked_; }
  const std::optional<stream::Intervention>& intervention() const { return intervention_; }
  const Subject* reference() const { return reference_; }  // null: none
  const PassSettings& settings() const { return settings_; }
  const std::vector<int>& layers() const { return layers_; }  // measured, ascending
  stream::Compute compute() const { return compute_; }
  const stream::Settings& engine() const { return engine_; }  // of make_plan()
  const stream::Plan& plan() const { return plan_; }
  std::vector<Part>& parts() { return parts_; }
  // Notes of checkpoint, tokenizer and domains, in that order, each once.
  std::vector<std::string> notes() const;
  // What a plan takes for given without having seen it; a sentence each.
  std::vector<std::string> assumed() const;
  // What files on disk this pass depends on, by content or stamp, and the numeric profile; no
  // paths.
  Json identity() const;

 private:
  void make_parts();
  std::vector<tap::Observer*> observers() const;

  const Subject& subject_;
  const Samples& samples_;
  PassSettings settings_;
  std::vector<int> layers_;
  stream::Compute compute_;
  std::vector<Part> parts_;
  std::vector<tap::Observer*> others_;
  std::vector<const Subject*> gates_asked_;
  stream::FinalStates* kept_states_ = nullptr;
  const Subject* reference_ = nullptr;
  const stream::FinalStates* reference_states_ = nullptr;
  std::optional<stream::Intervention> intervention_;
  stream::Settings engine_;
  stream::Plan plan_;
};

}  // namespace rg::lab
