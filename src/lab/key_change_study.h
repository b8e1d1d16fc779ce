// What changed keys and values do to a model. A plain pass A, A again with the other compute type
// where the CPU has one (how much is rounding), and for each change on the same texts:
//
//   B             A with the change: its decisions, its logits beside A's
//   A, B's ids    A with the experts that B chose, weighted by A's own gates
//   B, A's ids    the change with the experts that A chose
//
// Each change and domain is an audit (lab/audit.h) of A and A with the change, whose gates are
// equal: flips by decile of A's margin and how well they are forecast from A, loss, KL, and how
// much of the loss goes through the routes. Its settings have `key_change`: {name, description,
// step, layers}.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/audit/audit.h"
#include "lab/outcome.h"
#include "lab/study.h"
#include "stream/final_states.h"

namespace rg::lab {

struct KeyChangeTrial {
  std::string name;  // in artifacts
  Json description;  // what is done; equal only for changes that write equal rows
  model::KeyStep step;
  std::vector<int> layers;  // in the model; none: nothing is changed
  std::unique_ptr<model::KeyChange> change;
  // What the change has to see of the plain pass first, on one domain, whose rows begin at
  // `first_row` of the pass; it lives as long as the change. Not set: nothing.
  std::function<tap::Observer&(const experiments::Setting& setting, uint64_t first_row)>
      watch_plain = {};
};
// Of a model, whose layers and mixers they fit.
using MakeKeyChanges = std::function<std::vector<KeyChangeTrial>(const model::Model&)>;

class KeyChangeStudy : public Study {
 public:
  // `settings`: of every pass; its experiments hold the parameter `bootstrap` alone. US001 for no
  // change, a name that is empty or given twice, and a change that doesn't fit the model; the
  // errors of Pass.
  KeyChangeStudy(const std::string& model, const MakeKeyChanges& changes, Purpose purpose,
                 const TextSettings& texts, const PassSettings& settings);

  void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
            Progress& progress) override;
  void assume() override;
  std::vector<std::string> tests() const override { return {"audit"}; }
  Json identity() const override;
  // RT012 where a change leaves a prediction that is not finite: from Programme::run.
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress) override;
  std::vector<record::ResultEntry> write(const std::filesystem::path& out) override;

 private:
  // What watches A on one domain.
  struct Plain {
    std::unique_ptr<experiments::ReferenceRecord> reference;
    std::unique_ptr<experiments::TokenOutputs> outputs;
    std::unique_ptr<experiments::RouteFloor> floor;  // null: there is no such pass
    uint64_t kept_bytes;                             // of all three
  };
  // What watches the passes of one change on one domain.
  struct Watch {
    std::unique_ptr<experiments::AuditRecord> record;
    std::unique_ptr<experiments::TokenOutputs> b, ab, ba;
  };
  struct Trial {
    KeyChangeTrial given;
    std::string name;                          // of A with the change
    Pass *changed, *with_routes, *own_routes;  // in order, until each has run
    std::vector<Watch> watches;                // by domain, until reduced
    record::RunFacts facts;
    record::UsedCheckpoint used;
    std::vector<record::Contribution> contributions;  // by domain
  };

  void watch(const std::filesystem::path& folder);
  void watch_plain(size_t domain, uint64_t first_row, const std::filesystem::path& folder);
  void watch_change(Trial& trial, size_t domain);
  stream::Intervention keys_of(const Trial& trial) const;
  void take_trial(Trial& trial, Pass& pass, const stream::PassResult& result, Progress& progress);
  void reduce(Trial& trial, Progress& progress);

  ExperimentSettings experiments_;
  std::string name_;                          // of A
  Pass *plain_ = nullptr, *again_ = nullptr;  // until each has run; the second may be missing
  std::string compute_;
  std::optional<std::string> other_compute_;
  std::vector<Trial> trials_;
  std::optional<stream::FinalStates> states_;
  std::optional<experiments::RouteTable> plain_routes_, changed_routes_;  // the second of a change
  std::vector<Plain> domains_;
  Outcome outcome_;  // of A's pass
};

}  // namespace rg::lab
