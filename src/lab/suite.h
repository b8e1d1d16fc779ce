// A family of checkpoints on its domains: one pass per checkpoint, and every test of the
// routing-geometry contract that these passes can answer. docs/commands.md, `run suite`.
//
//   each checkpoint    chart_compatibility, terminal_ovk_scan, terminal_compatibility
//   each edge, both    boundary_amplification, behavior_compression
//   directions
//   base, descendants  kl_edge_dominance, entropy_collapse
//   base, siblings     terminal_tracking
//   frozen runs        kl_bounded_adaptation, with a comparison
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/family/boundary_record.h"
#include "experiments/family/family_outputs.h"
#include "experiments/family/output_record.h"
#include "lab/adaptation.h"
#include "lab/family.h"
#include "lab/outcome.h"
#include "lab/study.h"
#include "stream/final_states.h"

namespace rg::lab {

class Suite : public Study {
 public:
  // `texts`: what the family file doesn't say. The errors of Pass.
  Suite(Family family, Purpose purpose, TextSettings texts, EngineSettings engine);

  // Also RT010 where the tokenizers of a checkpoint and the base give different ids.
  void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
            Progress& progress) override;
  void assume() override;
  std::vector<std::string> tests() const override;
  Json identity() const override;
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress) override;
  std::vector<record::ResultEntry> write(const std::filesystem::path& out) override;

 private:
  // What an edge's end shows of the other end: its gates on this end's gate inputs.
  struct View {
    size_t edge;
    experiments::Direction direction;  // this end is the reference
    size_t other;                      // member
    record::UsedCheckpoint used;       // of the other one; after the pass
    std::vector<std::unique_ptr<experiments::BoundaryRecord>> of_domain;
  };
  struct Member {
    const Subject* subject = nullptr;
    Pass* pass = nullptr;                  // until it has run
    const Samples* own_reading = nullptr;  // where the tokenizer is not the base's
    std::vector<View> views;
    std::vector<std::unique_ptr<experiments::OutputRecord>> outputs;  // by domain
  };
  // An artifact of an edge or of the family, before it is written.
  struct Pending {
    record::TestVersion test;
    record::Contribution contribution;
    size_t reference = 0;         // of an edge: the member whose gate inputs are read,
    size_t domain = 0;            // the domain,
    record::EdgeFacts edge = {};  // and which edge
  };

  void add_member(const Family::Member& member, Purpose purpose, const TextSettings& texts,
                  const PassSettings& settings);
  void watch(const std::filesystem::path& folder);
  void reduce(const Pass& last, Progress& progress);
  void reduce_edge(const View& view, size_t reference);
  std::vector<experiments::DomainOutputs> outputs_by_domain(const Pass& pass) const;
  bool requires_terminal(size_t index) const;
  void write_bundles(const std::filesystem::path& out, std::vector<record::ResultEntry>& entries);

  Family family_;
  ExperimentSettings experiments_;
  std::vector<Member> members_;
  std::optional<stream::FinalStates> base_states_;
  std::vector<Outcome> outcomes_;  // of members, then siblings
  std::optional<AdaptationPasses> adaptation_;
  std::vector<Pending> of_edges_, of_family_;
};

}  // namespace rg::lab
