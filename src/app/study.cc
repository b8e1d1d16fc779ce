#include "app/study.h"

#include "app/parameters.h"
#include "app/recorded_routes.h"
#include "lab/audit.h"
#include "lab/family.h"
#include "lab/intervention.h"
#include "lab/measurement.h"
#include "lab/stored_keys_file.h"
#include "lab/suite.h"

namespace rg::app {

std::unique_ptr<lab::Study> make_study(const RunOptions& options, lab::Purpose purpose) {
  if (!options.family.empty()) {
    return std::make_unique<lab::Suite>(lab::read_family(options.family), purpose, options.text,
                                        options.engine);
  }
  if (!options.intervene.empty()) {
    const std::string model = chosen_models(options).front();
    const auto read_routes = [&](const std::filesystem::path& log) {
      return read_recorded_routes(log, model, options.engine.threads);
    };
    return std::make_unique<lab::InterventionStudy>(model, options.intervene, read_routes, purpose,
                                                    options.text, pass_settings(options));
  }
  if (!options.stored_keys.empty()) {
    const auto changes = [&](const model::Model& model) {
      std::vector<lab::KeyChangeTrial> one;
      one.push_back(lab::trial_of(
          lab::read_stored_keys(options.stored_keys, model, options.text.windows.seq_len), model));
      return one;
    };
    return std::make_unique<lab::KeyChangeStudy>(options.audited[0], changes, purpose, options.text,
                                                 pass_settings(options));
  }
  if (!options.audited.empty()) {
    return std::make_unique<lab::Audit>(options.audited[0], options.audited[1], purpose,
                                        options.text, pass_settings(options));
  }
  return std::make_unique<lab::Measurement>(chosen_models(options), purpose, options.text,
                                            pass_settings(options));
}

}  // namespace rg::app
