#include "family_rate.h"

#include "base/error.h"
#include "clock.h"
#include "experiments/family/boundary_record.h"
#include "silent.h"
#include "stats/bootstrap.h"

namespace rg::bench {

double edge_pass_seconds(const formats::Checkpoint& checkpoint, const model::Model& model,
                         const tap::SequenceSet& windows, const stream::Settings& settings) {
  experiments::Setting setting{.moe_layers = model.moe_layers(),
                               .layers = model.moe_layers(),
                               .spec = model.gate(),
                               .width = model.width,
                               .parameters = {},
                               .windows = &windows,
                               .seq_len = windows.lengths.front(),
                               .window_document = std::vector<uint32_t>(windows.sequences()),
                               .threads = settings.threads,
                               .prompts = {}};
  experiments::BoundaryRecord record(setting, 0);
  stream::Settings with = settings;
  with.other_models = {{&checkpoint, &model, "itself"}};
  const tap::SequenceSet* sets[] = {&windows};
  tap::Observer* observers[] = {&record};
  Silent silent;
  const stream::Plan plan = stream::make_plan(model, sets, observers, with);
  return stream::run_pass(checkpoint, model, sets, observers, with, plan, silent).seconds;
}

double bootstrap_seconds() {
  constexpr size_t kWindows = 200, kLayers = 64;
  constexpr uint32_t kReplicates = 10'000;
  std::vector<double> values(kWindows);
  const double start = seconds_now();
  const stats::CountTable table(kWindows, kReplicates, 1, 0);
  double sum = 0;
  for (size_t layer = 0; layer < kLayers; ++layer) {
    for (size_t w = 0; w < kWindows; ++w) values[w] = static_cast<double>(w * layer % 17);
    sum += stats::mean_replicates(table, values).values.back();
  }
  const double seconds = seconds_now() - start;
  check_internal(sum > 0, "the replicates are computed");
  return seconds;
}

}  // namespace rg::bench
