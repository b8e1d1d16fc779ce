#include "audit_rate.h"

#include <vector>

#include "base/json.h"
#include "clock.h"
#include "experiments/audit/audit.h"
#include "silent.h"
#include "stream/final_states.h"

namespace rg::bench {
namespace {

using experiments::TokenOutputs;

constexpr uint32_t kWindowsPerDocument = 4;
constexpr float kScale = 1.2f;  // of half of the experts of the first layer

struct AuditBench {
  const formats::Checkpoint& checkpoint;
  const model::Model& model;
  const tap::SequenceSet& windows;

  experiments::Setting setting(const stream::Settings& settings) const {
    experiments::Setting made{.moe_layers = model.moe_layers(),
                              .layers = model.moe_layers(),
                              .spec = model.gate(),
                              .width = model.width,
                              .parameters = {{"bootstrap", 2000}},
                              .windows = &windows,
                              .seq_len = windows.lengths.front(),
                              .window_document = {},
                              .threads = settings.threads,
                              .prompts = {}};
    for (uint32_t w = 0; w < windows.sequences(); ++w) {
      made.window_document.push_back(w / kWindowsPerDocument);
    }
    return made;
  }

  double pass_seconds(const stream::Settings& settings,
                      std::vector<tap::Observer*> observers) const {
    const tap::SequenceSet* sets[] = {&windows};
    Silent silent;
    const stream::Plan plan = stream::make_plan(model, sets, observers, settings);
    return stream::run_pass(checkpoint, model, sets, observers, settings, plan, silent).seconds;
  }

  // Another model than the checkpoint, made without writing one.
  stream::Intervention changed() const {
    stream::Intervention intervention{"the changed copy", {}};
    auto& scaled = intervention.layers[model.moe_layers().front()].scaled;
    for (uint32_t expert = 0; expert < model.gate().experts; expert += 2) {
      scaled.push_back({static_cast<int32_t>(expert), kScale});
    }
    return intervention;
  }
};

stream::Intervention imposing(const experiments::RouteTable& routes) {
  stream::Intervention intervention{"routes", {}};
  for (const int layer : routes.layers()) {
    intervention.layers[layer].imposed_ids = routes.of_layer(layer);
  }
  return intervention;
}

double flip_rate(const experiments::AuditRecord& record) {
  double flips = 0, decisions = 0;
  for (size_t slot = 0; slot < record.setting().layers.size(); ++slot) {
    for (const uint32_t count : record.counts(experiments::AuditCount::flips, slot)) {
      flips += count;
    }
    decisions += static_cast<double>(record.windows()) * record.positions();
  }
  return flips / decisions;
}

}  // namespace

AuditRate audit_rate(const formats::Checkpoint& checkpoint, const model::Model& model,
                     const tap::SequenceSet& windows, const stream::Settings& settings) {
  const AuditBench bench{checkpoint, model, windows};
  const experiments::Setting setting = bench.setting(settings);
  experiments::RouteTable routes_a(model.moe_layers(), windows.rows(), model.gate().top_k);
  experiments::RouteTable routes_b(model.moe_layers(), windows.rows(), model.gate().top_k);
  stream::FinalStates states(settings.spill_folder);
  experiments::ReferenceRecord reference(setting, routes_a, 0, settings.spill_folder, 0);
  experiments::AuditRecord record(setting, reference, routes_a, routes_b, 0);
  record.set_gates_equal(true);
  const auto outputs = [&](TokenOutputs::Compared compared) {
    return TokenOutputs(&windows, setting.seq_len, compared, 0);
  };
  TokenOutputs a = outputs(TokenOutputs::Compared::no), b = outputs(TokenOutputs::Compared::yes);
  TokenOutputs ab = outputs(TokenOutputs::Compared::no), ba = outputs(TokenOutputs::Compared::no);

  stream::Settings of_a = settings;
  of_a.other_models = {{&checkpoint, &model, "the copy"}};
  of_a.keep_final_states = &states;
  double watched = bench.pass_seconds(of_a, {&reference, &a});

  const stream::Intervention changed = bench.changed();
  stream::Settings of_b = settings;
  of_b.other_models = {{&checkpoint, &model, "the reference"}};
  of_b.reference = {&checkpoint, &model, &states, "the reference"};
  of_b.intervention = &changed;
  watched += bench.pass_seconds(of_b, {&record, &b});

  const auto imposed_seconds = [&](const experiments::RouteTable& routes, TokenOutputs& to) {
    const stream::Intervention intervention = imposing(routes);
    stream::Settings imposed = settings;
    imposed.intervention = &intervention;
    return bench.pass_seconds(imposed, {&to});
  };
  const double plain = imposed_seconds(routes_b, ab) + imposed_seconds(routes_a, ba);
  const double start = seconds_now();
  experiments::reduce_audit({.record = record,
                             .outputs = {.a = a, .b = b, .ab = ab, .ba = ba},
                             .floor = nullptr,
                             .compute = "f32",
                             .other_compute = {}});
  return {watched + plain + seconds_now() - start, 2 * plain, flip_rate(record)};
}

}  // namespace rg::bench
