// What masking, forcing or scaling experts, or imposing recorded routes, does to a model: a plain
// pass, then one with the intervention, which is compared with it; an artifact per domain.
// docs/commands.md, `run intervention`.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "experiments/family/output_record.h"
#include "experiments/intervention_record.h"
#include "lab/outcome.h"
#include "lab/recorded_routes.h"
#include "lab/study.h"
#include "stream/final_states.h"

namespace rg::lab {

class InterventionStudy : public Study {
 public:
  // `settings` name no experiments; of parameters, intervention_parameters(). The errors of Pass
  // and read_intervention(), US003. `read_routes` is called where the file names a log; its errors
  // and those of impose().
  InterventionStudy(const std::string& model, const std::filesystem::path& intervention,
                    const ReadRoutes& read_routes, Purpose purpose, const TextSettings& texts,
                    const PassSettings& settings);

  // LG008 where a log's routes are of other tokens.
  void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
            Progress& progress) override;
  void assume() override;
  std::vector<std::string> tests() const override;
  Json identity() const override;
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress) override;
  std::vector<record::ResultEntry> write(const std::filesystem::path& out) override;

 private:
  struct Domain {
    std::unique_ptr<experiments::RouteRecord> routes;  // of the plain pass
    std::unique_ptr<experiments::OutputRecord> plain, touched;
    std::unique_ptr<experiments::RouteChange> change;
  };

  void watch(const std::filesystem::path& folder);
  void reduce(const Pass& touched, Progress& progress);

  std::optional<RecordedRoutes> routes_;        // which the second pass points into
  uint32_t replicates_ = 0;                     // of the bootstrap
  Pass *plain_ = nullptr, *touched_ = nullptr;  // until each has run
  std::optional<stream::FinalStates> plain_states_;
  std::vector<Domain> domains_;
  Outcome outcome_;  // of the second pass
};

}  // namespace rg::lab
