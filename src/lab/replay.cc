#include "lab/replay.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/numbers.h"
#include "kernels/logits.h"
#include "lab/pass.h"

namespace rg::lab {
namespace {

class PredictionObserver : public tap::Observer {
 public:
  explicit PredictionObserver(const tap::SequenceSet& set) : sets_{&set} {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    size_t first = 0;
    for (const uint32_t length : set.lengths) {
      first_.push_back(first);
      first += length;
      loss_.push_back(length < 2 ? kNone : 0);
    }
    kl_ = loss_;
  }

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.logits = true;
    needs.held_bytes = loss_.size() * 2 * sizeof(double);
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }

  void on_logits(const tap::LogitsBlock& block) override {
    const uint32_t positions = sets_[0]->lengths[block.sequence] - 1;
    for (uint32_t row = 0; row < block.rows && block.first_position + row < positions; ++row) {
      const size_t at = size_t{row} * block.vocabulary;
      const float* logits = block.logits + at;
      const int32_t next = sets_[0]->ids[first_[block.sequence] + block.first_position + row + 1];
      const double total = kernels::logit_facts(logits, block.vocabulary).log_total;
      loss_[block.sequence] += (total - static_cast<double>(logits[next])) / positions;
      if (block.reference_logits == nullptr) continue;
      has_reference_ = true;
      kl_[block.sequence] +=
          kernels::kl_divergence(logits, block.reference_logits + at, block.vocabulary) / positions;
    }
  }

  Predictions predictions() const {
    return {.loss = loss_, .kl = has_reference_ ? kl_ : std::vector<double>{}};
  }

 private:
  std::array<const tap::SequenceSet*, 1> sets_;
  std::vector<size_t> first_;  // row of every sequence
  std::vector<double> loss_, kl_;
  std::atomic<bool> has_reference_ = false;
};

void require_same_gates(const Subject& a, const Subject& b) {
  const auto say = [](const Subject& subject) {
    const gate::GateSpec& gate = subject.model().gate();
    return fmt::format("{} of {} experts at layers {}", gate.top_k.value, gate.experts.value,
                       format_ranges(subject.model().moe_layers()));
  };
  if (say(a) == say(b)) return;
  throw Error(ErrorId::RT008, {.file = b.name(),
                               .object = "gates",
                               .found = say(b),
                               .expected = say(a) + " as " + a.name(),
                               .hint = "Routes of one model can be replayed in another only where "
                                       "both choose as many of as many experts."});
}

stream::Intervention imposed(const std::vector<LayerRouting>& routes, bool weights,
                             const std::string& source) {
  stream::Intervention intervention{.source = source, .layers = {}};
  for (const LayerRouting& layer : routes) {
    stream::LayerIntervention how;
    how.imposed_ids = layer.ids;
    if (weights) how.imposed_weights = layer.weights;
    intervention.layers.emplace(layer.layer, std::move(how));
  }
  return intervention;
}

void run_pass(Pass& pass, const std::string& what, const std::filesystem::path& spill_folder,
              Progress& progress) {
  progress.step(what);
  pass.make_plan(spill_folder);
  pass.run(progress);
}

// What A and B share in a replay.
struct ReplayRun {
  const Subject& a;
  const Subject& b;
  const Samples& samples;
  const PassSettings& settings;
  const std::filesystem::path& spill_folder;
  Progress& progress;

  const tap::SequenceSet& set() const { return samples.sequences()[0]; }
};

Predictions run_a(const ReplayRun& run, stream::FinalStates& states,
                  std::vector<LayerRouting>& routing) {
  Pass pass(run.a, run.samples, run.settings);
  RoutingObserver gates(run.a.model(), run.set(), pass.layers());
  PredictionObserver outputs(run.set());
  pass.watch(gates);
  pass.watch(outputs);
  pass.keep_final_states(states);
  run_pass(pass, "A: " + run.a.name(), run.spill_folder, run.progress);
  routing = gates.take();
  return outputs.predictions();
}

// `routing`: filled where it isn't null.
Predictions run_b(const ReplayRun& run, const stream::FinalStates& states, const std::string& what,
                  std::optional<stream::Intervention> intervention,
                  std::vector<LayerRouting>* routing) {
  Pass pass(run.b, run.samples, run.settings);
  RoutingObserver gates(run.b.model(), run.set(), pass.layers());
  PredictionObserver outputs(run.set());
  if (routing != nullptr) pass.watch(gates);
  pass.watch(outputs);
  pass.compare_with(run.a, states);
  if (intervention) pass.intervene(std::move(*intervention));
  run_pass(pass, "B, " + what + ": " + run.b.name(), run.spill_folder, run.progress);
  if (routing != nullptr) *routing = gates.take();
  return outputs.predictions();
}

}  // namespace

ThreeWayReplay replay_three_ways(const Subject& a, const Subject& b, const Samples& samples,
                                 const EngineSettings& engine,
                                 const std::filesystem::path& spill_folder, Progress& progress) {
  require_same_gates(a, b);
  const PassSettings settings{.layers = {}, .engine = engine, .experiments = {}};
  const ReplayRun run{.a = a,
                      .b = b,
                      .samples = samples,
                      .settings = settings,
                      .spill_folder = spill_folder,
                      .progress = progress};
  stream::FinalStates states(spill_folder);
  ThreeWayReplay replay;
  replay.of_a = run_a(run, states, replay.a);
  replay.natural = run_b(run, states, "its own routes", std::nullopt, &replay.b);
  replay.ids_replayed = run_b(run, states, "experts of A",
                              imposed(replay.a, false, "experts of " + a.name()), nullptr);
  replay.ids_and_weights_replayed =
      run_b(run, states, "experts and weights of A",
            imposed(replay.a, true, "experts and weights of " + a.name()), nullptr);
  return replay;
}

std::vector<LayerRouting> route_tokens(const Subject& subject, const Samples& samples,
                                       const EngineSettings& engine,
                                       const std::filesystem::path& spill_folder,
                                       Progress& progress) {
  Pass pass(subject, samples, {.layers = {}, .engine = engine, .experiments = {}});
  RoutingObserver gates(subject.model(), samples.sequences()[0], pass.layers());
  pass.watch(gates);
  run_pass(pass, subject.name(), spill_folder, progress);
  return gates.take();
}

}  // namespace rg::lab
