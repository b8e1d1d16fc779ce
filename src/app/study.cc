#include "app/study.h"

#include "app/parameters.h"
#include "lab/measurement.h"

namespace rg::app {

std::unique_ptr<lab::Study> make_study(const RunOptions& options, lab::Purpose purpose) {
  return std::make_unique<lab::Measurement>(chosen_models(options), purpose, options.text,
                                            pass_settings(options));
}

}  // namespace rg::app
