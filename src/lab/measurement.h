// The chosen experiments on each of some models, one after another: an artifact for each
// experiment, model and domain.
#pragma once

#include <string>
#include <vector>

#include "lab/outcome.h"
#include "lab/study.h"

namespace rg::lab {

class Measurement : public Study {
 public:
  // One pass per model, all with the same settings. Models that read alike share their samples.
  Measurement(const std::vector<std::string>& models, Purpose purpose, const TextSettings& texts,
              const PassSettings& settings);

  std::vector<std::string> tests() const override { return experiments_.names; }
  Json identity() const override { return run_identity(programme_, experiments_); }
  void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
            Progress& progress) override;
  std::vector<record::ResultEntry> write(const std::filesystem::path& out) override;

 private:
  ExperimentSettings experiments_;
  std::vector<Outcome> outcomes_;
};

}  // namespace rg::lab
