// Of a suite: runs tuned from the base with frozen layers, and a comparison with fewer, for
// kl_bounded_adaptation. One pass each, and one of the base, on windows of their own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/family/kl_bounded_adaptation.h"
#include "experiments/family/output_record.h"
#include "lab/family.h"
#include "lab/outcome.h"
#include "lab/programme.h"
#include "lab/registration.h"
#include "stream/final_states.h"

namespace rg::lab {

class AdaptationPasses {
 public:
  // Adds the passes to the programme, after all others. RT010 for a run with another tokenizer;
  // the errors of read_registration.
  AdaptationPasses(Programme& programme, const Family& family, Purpose purpose, TextSettings texts,
                   const EngineSettings& engine);

  // After the texts were read.
  void watch(const std::filesystem::path& folder);
  // In the order of the passes. FA002 for a run with the weights of an earlier one.
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress);
  // After the last pass.
  record::Artifact artifact(const record::FamilyStamp& stamp) const;

 private:
  struct Run {
    std::string name;
    Pass* pass = nullptr;  // until it has run
    std::unique_ptr<experiments::OutputRecord> eval, base;
    experiments::LayerHashes layer_hashes;
  };

  void require_distinct(const Run& run) const;

  const Family& family_;
  Registration registration_;
  std::vector<Run> runs_;  // base, runs, comparison
  std::vector<Outcome> outcomes_;
  record::Contribution contribution_;
  std::optional<stream::FinalStates> base_states_;
};

}  // namespace rg::lab
