// The plan: before a weight is read, what a pass will read, compute, hold and spill.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "stream/available_memory.h"
#include "stream/final_states.h"
#include "stream/layer_pass.h"
#include "stream/logits.h"
#include "stream/other_gates.h"
#include "stream/tensor_reader.h"

namespace rg::stream {
namespace {

constexpr uint64_t kProgramBytes = uint64_t{48} << 20;  // code, libraries, generated kernels
constexpr uint64_t kSliceTarget = uint64_t{128} << 20;  // packed bytes of an expert slice
constexpr size_t kBlockRows = 256;                      // at least, by default
constexpr double kPreparationSecondsPerByte = 1.45e-9;  // read, hash, check and pack; one core

// The facts of a run that memory and work follow from.
struct Run {
  const model::Model& model;
  std::span<const tap::SequenceSet* const> sets;
  std::span<tap::Observer* const> observers;
  const Settings& settings;
  const PaddedLengths& lengths;
  const model::ModelProducts& products;
  tap::Needs needs;
  uint64_t rows = 0;
  uint64_t distinct = 0;

  uint64_t wide_row() const { return uint64_t{model.width} * sizeof(float); }
  uint64_t narrow_row() const { return uint64_t{model.width} * compute_bytes(settings.compute); }
};

uint64_t rows_of(std::span<const tap::SequenceSet* const> sets) {
  uint64_t rows = 0;
  for (const tap::SequenceSet* set : sets) rows += set->rows();
  return rows;
}

uint64_t output_rows(const Run& run) {
  double rows = 0;
  for (const tap::Observer* observer : run.observers) {
    rows +=
        observer->needs().stored_outputs_per_row * static_cast<double>(rows_of(observer->sets()));
  }
  return static_cast<uint64_t>(rows) + (rows > 0 ? 1 : 0);
}

uint64_t worker_bytes(const Run& run, size_t block_rows) {
  const uint64_t wide = block_rows * run.wide_row(), longest = run.lengths.longest();
  const uint32_t call_rows = run.lengths.most_rows();
  const uint64_t buffers = 4u + (run.needs.residual_in ? 1u : 0u) + (run.needs.parts ? 2u : 0u) +
                           (sums_lone_mixers(run.model, run.needs) ? 1u : 0u);
  const uint64_t experts = run.products.experts();
  const uint64_t keys = run.needs.keys ? KeyTap::worker_bytes(run.model, call_rows) : 0;
  const uint64_t key_change =
      run.settings.intervention
          ? run.settings.intervention->key_scratch_bytes(run.model, run.lengths.longest())
          : 0;
  return keys + key_change + buffers * wide + block_rows * run.narrow_row() +
         2 * block_rows * experts * 4 + (longest + call_rows) * run.wide_row() +
         longest * experts * 4 + call_rows * run.narrow_row() + run.products.mixer_scratch_bytes() +
         run.settings.other_models.size() * block_rows * (experts + run.model.gate().top_k + 1) *
             4 +
         kernels::tallest_tile(run.settings.compute) * (run.wide_row() + run.narrow_row()) +
         run.products.expert_scratch_bytes();
}

// Fills the memory table for the choices already made in `plan`.
void tabulate(const Run& run, Plan& plan) {
  plan.memory.clear();
  plan.spilled.clear();
  // Stores of one name share a line.
  const auto add = [](const std::string& what, uint64_t bytes, std::vector<Plan::Line>& lines) {
    if (bytes == 0) return;
    if (!lines.empty() && lines.back().what == what) {
      lines.back().bytes += bytes;
    } else {
      lines.push_back({what, bytes});
    }
  };
  const auto line = [&](const std::string& what, uint64_t bytes) { add(what, bytes, plan.memory); };
  const uint64_t k = run.model.gate().top_k;
  size_t block_rows = 0;
  for (const BlockRange& block :
       cut_blocks(run.sets, list_sequences(run.sets), run.lengths, plan.block_windows)) {
    block_rows = std::max<size_t>(block_rows, block.rows);
  }

  line("program", kProgramBytes);
  line("embedding rows of the tokens", run.distinct * run.wide_row() + 4 * run.model.vocabulary);
  if (run.needs.next_unembedding) {
    line("unembedding rows of the next tokens",
         run.distinct * run.wide_row() + 4 * run.model.vocabulary);
  }
  if (run.needs.logits) {
    const uint64_t table = uint64_t{run.model.vocabulary} * run.narrow_row();
    line("unembedding, packed (and once as read)", 2 * table);
    if (run.settings.reference) {
      line("the reference's unembedding, packed (and once as read)",
           2 * uint64_t{run.model.vocabulary} * run.settings.reference->model->width *
               compute_bytes(run.settings.compute));
    }
    line("logits, some rows per thread", logits_worker_bytes(run.model, run.settings) *
                                             static_cast<uint64_t>(run.settings.threads));
  }
  for (const StoreLine& store : plan.stores.lines()) {
    add(store.name, store.bytes(), store.place == Place::memory ? plan.memory : plan.spilled);
  }
  plan.spill_bytes = plan.stores.spilled_bytes();
  plan.kept_bytes = run.needs.kept_file_bytes;
  add("experiments' records for later passes", plan.kept_bytes, plan.spilled);
  if (run.settings.keep_final_states != nullptr) {
    const uint64_t states = FinalStates::bytes(run.model, run.settings.compute, run.rows);
    add("last hidden states, for passes compared with this one", states, plan.spilled);
    plan.kept_bytes += states;
  }
  plan.spill_bytes += plan.kept_bytes;
  line("decisions and schedule of a layer", run.rows * ((k + 1) * 4 + k * (4 + 16 + 8)));
  if (run.settings.intervention) {
    line("imposed routes", run.settings.intervention->imposed_bytes());
  }
  line("experiments' own records", run.needs.held_bytes + KeyTap::held_bytes(run.model, run.needs));
  line(fmt::format("{} weight slices", plan.slices_in_memory),
       plan.slices_in_memory *
           SliceReader::slot_bytes(run.model, run.products, plan.experts_per_slice));
  uint64_t latents = 0;
  for (const model::Layer& layer : run.model.layers) {
    for (const model::ExpertGroup& group : layer.groups) latents += group.latent ? 1u : 0u;
  }
  line("latent projections of experts",
       std::min<uint64_t>(latents, plan.slices_in_memory + 1) * run.products.latent_bytes());
  // In fp32, as a product reads it, and so with the norm's gain.
  line("gates of other models", run.settings.other_models.size() * (plan.slices_in_memory + 1) * 3 *
                                    run.products.experts() * run.wide_row());
  line("weights as read", run.products.staging_bytes() + 3 * kChunkBytes);
  line("scales, and a weight stored in another order",
       TensorReader::held_bytes(run.model, layers_to_run(run.model, run.settings)));
  const SlicePlan slices = {.layers = layers_to_run(run.model, run.settings),
                            .observers = run.observers,
                            .experts_per_slice = plan.experts_per_slice,
                            .slots = plan.slices_in_memory};
  line("experts' matrices as shown to experiments",
       plan.slices_in_memory * SliceReader::shown_bytes(run.model, slices));
  // The slice that is computed is kept until its layer ends.
  line("keys' projections as shown to experiments",
       (plan.slices_in_memory + 1) * SliceReader::projection_bytes(run.model, slices));
  line(fmt::format("buffers of {} thread{}", run.settings.threads,
                   run.settings.threads == 1 ? "" : "s"),
       static_cast<uint64_t>(run.settings.threads) * worker_bytes(run, block_rows));
  plan.peak_bytes = 0;
  for (const Plan::Line& entry : plan.memory) plan.peak_bytes += entry.bytes;
}

// Spills more and more, least used rows first, and cuts slices finer, until the plan fits.
bool fit(const Run& run, uint32_t default_experts, Plan& plan) {
  for (int order = 0; order <= Ledger::kLastToSpill; ++order) {
    plan.stores.spill_up_to(order);
    const uint32_t finest = order == Ledger::kLastToSpill ? 1 : std::max(1u, default_experts / 8);
    for (uint32_t experts = default_experts;; experts = std::max(finest, experts / 2)) {
      plan.experts_per_slice = experts;
      tabulate(run, plan);
      if (plan.peak_bytes <= plan.budget_bytes) return true;
      if (experts == finest) break;
    }
  }
  return false;
}

std::string table_of(const Plan& plan) {
  std::string text;
  for (const Plan::Line& entry : plan.memory) {
    if (!text.empty()) text += " + ";
    text += fmt::format("{} {:.1f} MB", entry.what, static_cast<double>(entry.bytes) / 1e6);
  }
  return text;
}

[[noreturn]] void refuse(const Run& run, Plan plan) {
  const double need = static_cast<double>(plan.peak_bytes) / 1e6;
  const bool asked = run.settings.memory_bytes.has_value();
  const double enough = need * 1.01 + 1;
  std::string fix = asked ? fmt::format("Use --memory {:.0f}M", enough)
                          : fmt::format("Make {:.0f} MB available", enough);
  for (const auto& [option, threads, windows] :
       {std::tuple{"--block-windows 1", run.settings.threads, size_t{1}},
        std::tuple{"--threads 1", 1, plan.block_windows},
        std::tuple{"--threads 1 --block-windows 1", 1, size_t{1}}}) {
    Settings smaller = run.settings;
    smaller.threads = threads;
    const Run other{run.model,    run.sets,  run.observers, smaller,     run.lengths,
                    run.products, run.needs, run.rows,      run.distinct};
    Plan attempt = plan;
    attempt.block_windows = windows;
    tabulate(other, attempt);
    if (attempt.peak_bytes <= plan.budget_bytes) {
      fix = fmt::format("Use {}", option);
      break;
    }
  }
  const double budget = static_cast<double>(plan.budget_bytes) / 1e6;
  throw Error(
      ErrorId::RT004,
      {.object = asked ? "--memory" : "memory",
       .found =
           fmt::format("a plan of {:.1f} MB with everything spilled: {}", need, table_of(plan)),
       .expected = asked ? fmt::format("at most {:.1f} MB", budget)
                         : fmt::format("at most {:.1f} MB, by {}", budget, plan.budget_source),
       .hint = fix + ", or measure fewer windows."});
}

// Bytes of the tensors that the pass binds.
uint64_t bytes_to_read(const Run& run) {
  const model::Model& model = run.model;
  uint64_t bytes = model.embedding.bytes();
  const bool unembedding = run.needs.logits || run.needs.next_unembedding;
  if (unembedding && !model.tied_embeddings) bytes += model.unembedding.bytes();
  if (run.needs.logits) {
    bytes += model.final_norm.gain.bytes() + model.final_norm.bias.bytes();
    bytes += model.unembedding_bias.bytes();
    if (run.settings.reference) {
      const model::Model& reference = *run.settings.reference->model;
      bytes += reference.unembedding.bytes() + reference.unembedding_bias.bytes();
    }
  }
  for (const int layer : layers_to_run(model, run.settings)) {
    model::for_each_weight(model.layer(layer),
                           [&](const model::Weight& weight) { bytes += weight.bytes(); });
    for (const OtherModel& other : run.settings.other_models) {
      if (!model.layer(layer).router) continue;
      model::for_each_weight(*other.model->layer(layer).router,
                             [&](const model::Weight& weight) { bytes += weight.bytes(); });
    }
  }
  return bytes;
}

void count_work(const Run& run, Plan& plan) {
  const model::Model& model = run.model;
  const double width = model.width;
  const auto rows = static_cast<double>(run.rows);
  double gated = 0;  // layers
  for (const int index : layers_to_run(model, run.settings)) {
    const model::Layer& layer = model.layer(index);
    gated += layer.router ? 1 : 0;
    for (const tap::SequenceSet* set : run.sets) {
      for (const uint32_t length : set->lengths) {
        plan.flops += model::mixer_flops(layer, model.width, length);
      }
    }
    plan.flops += rows * model::feed_forward_flops(layer, model.width);
  }
  if (run.needs.logits) {
    plan.flops += 2 * width * model.vocabulary * rows;
    if (run.settings.reference) {
      plan.extra_flops += 2.0 * run.settings.reference->model->width * model.vocabulary * rows;
    }
  }
  plan.extra_flops += static_cast<double>(run.settings.other_models.size()) * gated * rows * 2 *
                      width * model.gate().experts;
  const double expert = model::expert_flops(model.routed().spec, model.width);
  for (const tap::Observer* observer : run.observers) {
    plan.extra_flops += gated * expert * observer->needs().extra_outputs_per_row *
                        static_cast<double>(rows_of(observer->sets()));
  }
  plan.read_bytes = bytes_to_read(run);
  const double read = static_cast<double>(plan.read_bytes);
  const double compute = (plan.flops + plan.extra_flops) / plan.flops_per_s +
                         read * kPreparationSecondsPerByte / run.settings.threads;
  plan.expected_seconds =
      std::max({compute, read / run.settings.disk_bytes_per_s, read * kPreparationSecondsPerByte});
}

}  // namespace

std::vector<int> layers_to_run(const model::Model& model, const Settings& settings) {
  const auto all = static_cast<int>(model.layers.size());
  std::vector<int> layers(
      static_cast<size_t>(settings.last_layer ? std::min(all, *settings.last_layer + 1) : all));
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

Plan make_plan(const model::Model& model, std::span<const tap::SequenceSet* const> sets,
               std::span<tap::Observer* const> observers, const Settings& settings) {
  for (const OtherModel& other : settings.other_models) require_same_gates(model, other);
  if (settings.reference) require_same_vocabulary(model, *settings.reference);
  if (settings.intervention) {
    require_fits(*settings.intervention, model);
    require_routes(*settings.intervention, model, rows_of(sets));
  }
  const PaddedLengths lengths(sets, settings.compute);
  const model::ModelProducts products(model, settings.compute, lengths.shapes());
  const Run run{model,
                sets,
                observers,
                settings,
                lengths,
                products,
                combined_needs(observers),
                rows_of(sets),
                TokenTables::distinct_ids(sets)};
  if (run.needs.logits || run.needs.next_unembedding) model::require_unembedding(model);
  Plan plan;
  uint32_t shortest = UINT32_MAX;
  for (const uint32_t length : sets.front()->lengths) shortest = std::min(shortest, length);
  plan.block_windows = settings.block_windows != 0
                           ? settings.block_windows
                           : std::max<size_t>(1, kBlockRows / std::max(1u, shortest));
  plan.output_rows = output_rows(run);
  plan.stores = Ledger(run.needs, sums_lone_mixers(model, run.needs), model.width, settings.compute,
                       run.rows, plan.output_rows);
  const model::ExpertProducts& routed = *products.of(model.moe_layers().front()).groups.front();
  const auto default_experts = static_cast<uint32_t>(
      std::clamp<uint64_t>(kSliceTarget / routed.packed_bytes(), 1, model.gate().experts));
  plan.experts_per_slice = default_experts;
  if (settings.whole_model_first) {
    plan.slices_in_memory = 0;
    for (const int layer : layers_to_run(model, settings)) {
      plan.slices_in_memory += 1 + expert_slices(model.layer(layer), default_experts);
    }
  }
  const AvailableMemory budget = settings.memory_bytes
                                     ? AvailableMemory{*settings.memory_bytes, "--memory"}
                                     : available_memory();
  plan.budget_bytes = budget.bytes;
  plan.budget_source = budget.source;
  if (!fit(run, default_experts, plan)) refuse(run, plan);
  plan.flops_per_s = settings.flops_per_s
                         ? *settings.flops_per_s
                         : measure_flops_per_s(model.width, 2 * model.routed().spec.inner_width,
                                               settings.compute, settings.threads);
  count_work(run, plan);
  return plan;
}

}  // namespace rg::stream
