// A checkpoint A and a changed copy B of it on the same texts: what the change did to routes and
// predictions. Five passes, one of them only where the CPU has two compute types:
//
//   A            its decisions; what B's gates would choose there
//   B            its decisions; what A's gates would choose there; its logits beside A's
//   A, B's ids   A's weights with the experts that B chose, weighted by A's rule
//   B, A's ids   the same the other way round
//   A, again     with the other compute type: how much of all that is rounding
//
// docs/commands.md, `audit`; an artifact per domain.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/audit/audit.h"
#include "lab/outcome.h"
#include "lab/study.h"
#include "stream/final_states.h"

namespace rg::lab {

class Audit : public Study {
 public:
  // `a`, `b`: as --model takes them. `settings`: of every pass; its experiments hold the parameter
  // `bootstrap` alone. The errors of Pass.
  Audit(const std::string& a, const std::string& b, Purpose purpose, const TextSettings& texts,
        const PassSettings& settings);

  // Also RT010 where the tokenizers give different ids.
  void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
            Progress& progress) override;
  void assume() override;
  std::vector<std::string> tests() const override { return {"audit"}; }
  Json identity() const override;
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress) override;
  std::vector<record::ResultEntry> write(const std::filesystem::path& out) override;

 private:
  // The passes in their order.
  enum Step : size_t { kA, kB, kAWithRoutesOfB, kBWithRoutesOfA, kAAgain, kSteps };

  // What watches the passes on one domain.
  struct Watch {
    std::unique_ptr<experiments::ReferenceRecord> reference;
    std::unique_ptr<experiments::AuditRecord> record;
    std::unique_ptr<experiments::TokenOutputs> a, b, ab, ba;
    std::unique_ptr<experiments::RouteFloor> floor;  // null: there is no such pass
  };

  // Adds what watches each pass, now that its windows are known.
  void watch(const std::filesystem::path& folder);
  void watch_domain(size_t domain, uint64_t first_row, const std::filesystem::path& folder);
  void take_reference(Pass& pass, const stream::PassResult& result,
                      const std::filesystem::path& out, Progress& progress);
  void take_copy(const Pass& pass, const stream::PassResult& result);
  void reduce(Progress& progress);

  std::array<std::string, 2> names_;  // of A and B, in artifacts
  ExperimentSettings experiments_;
  std::array<Pass*, kSteps> passes_ = {};  // until it has run; the last may be missing
  const Samples* own_reading_ = nullptr;   // B's, where its tokenizer is not A's
  std::string compute_;
  std::optional<std::string> other_compute_;
  std::optional<stream::FinalStates> states_;
  std::optional<experiments::RouteTable> routes_a_, routes_b_;
  std::vector<Watch> watches_;  // by domain
  size_t taken_ = 0;            // passes

  Outcome outcome_;  // of A's pass
  record::UsedCheckpoint used_b_;
  std::vector<record::Contribution> contributions_;  // by domain
};

}  // namespace rg::lab
