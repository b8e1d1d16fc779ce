#include "app/study.h"

#include "app/parameters.h"
#include "app/recorded_routes.h"
#include "lab/audit.h"
#include "lab/family.h"
#include "lab/intervention.h"
#include "lab/measurement.h"
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
  if (!options.audited.empty()) {
    return std::make_unique<lab::Audit>(options.audited[0], options.audited[1], purpose,
                                        options.text, pass_settings(options));
  }
  return std::make_unique<lab::Measurement>(chosen_models(options), purpose, options.text,
                                            pass_settings(options));
}

}  // namespace rg::app
