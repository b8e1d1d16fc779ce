#include "stream/layer_pass.h"

#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "stream/layer_state.h"

namespace rg::stream {

namespace {

size_t largest_block(const std::vector<BlockRange>& blocks) {
  size_t rows = 0;
  for (const BlockRange& block : blocks) rows = std::max<size_t>(rows, block.rows);
  return rows;
}

}  // namespace

LayerPass::LayerPass(const model::Model& model, std::span<const tap::SequenceSet* const> sets,
                     std::span<tap::Observer* const> observers, const Settings& settings,
                     const Plan& plan, const PaddedLengths& lengths,
                     const model::ModelProducts& products, TokenTables& tables)
    : model_(model),
      sets_(sets),
      observers_(observers),
      settings_(settings),
      lengths_(lengths),
      products_(products),
      tables_(tables),
      needs_(combined_needs(observers)),
      sequences_(list_sequences(sets)),
      blocks_(cut_blocks(sets, sequences_, lengths, plan.block_windows)),
      key_tap_(model, observers, lengths.most_rows(), settings.threads) {
  rows_ = sequences_.empty() ? 0 : sequences_.back().first_row + sequences_.back().length;
  output_rows_ = plan.output_rows;
  ScratchFile* spill = plan.stores.spilled_bytes() != 0 ? open_spill() : nullptr;
  update_ = plan.stores.allocate(Stored::updates, spill);
  gate_inputs_ = plan.stores.allocate(Stored::gate_inputs, spill);
  residual_ = plan.stores.allocate(Stored::residual, spill);
  attention_sum_ = plan.stores.allocate(Stored::attention_sum, spill);
  expert_sum_ = plan.stores.allocate(Stored::expert_sum, spill);
  outputs_ = plan.stores.allocate(Stored::outputs, spill);
  lone_mixers_ = plan.stores.allocate(Stored::lone_mixers, spill);
  const uint32_t top_k = model.gate().top_k;
  ranked_ = Buffer<int32_t>(rows_ * (top_k + 1));
  weights_ = Buffer<float>(rows_ * top_k);

  size_t gated = 0;
  for (const model::Layer& layer : model.layers) {
    for (const model::ExpertGroup& group : layer.groups) {
      if (group.token_gate) gated = std::max(gated, layer.groups.size());
    }
  }
  token_weights_ = Buffer<float>(gated * rows_);

  const size_t block_rows = largest_block(blocks_);
  for (int i = 0; i < settings.threads; ++i) {
    workers_.emplace_back(i, model, products, lengths.longest(), lengths.most_rows(), settings,
                          block_rows, needs_);
  }
  for (Worker& worker : workers_) {
    worker.products.reserve(products.product_scratch_bytes());
    router_scratch_.push_back({Buffer<float>(size_t{lengths.longest()} * model.width),
                               Buffer<float>(size_t{lengths.longest()} * products.experts()),
                               &worker.products});
  }
  pending_.resize(observers.size() * blocks_.size());
}

LayerPass::~LayerPass() = default;

void LayerPass::begin() {
  parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
    const BlockRange& block = blocks_[b];
    Worker& worker = workers_[static_cast<size_t>(w)];
    const size_t width = model_.width;
    const tap::SequenceSet& set = *sets_[sequences_[block.first_sequence].set];
    const size_t row_in_set = view(block, w).first_row;
    float* residual =
        floats(residual_.load(block.first_row, block.rows, bytes_of(worker.residual.data())));
    for (size_t r = 0; r < block.rows; ++r) {
      std::memcpy(residual + r * width, tables_.row(set.ids[row_in_set + r]),
                  width * sizeof(float));
    }
    residual_.store(block.first_row, block.rows, bytes_of(residual));
    if (!needs_.parts) return;
    std::fill_n(worker.attention_sum.data(), block.rows * width, 0.0f);
    attention_sum_.store(block.first_row, block.rows, bytes_of(worker.attention_sum.data()));
    expert_sum_.store(block.first_row, block.rows, bytes_of(worker.attention_sum.data()));
  });
}

void LayerPass::mix(const MixerSlice& slice) {
  const Intervention* intervention = settings_.intervention;
  layer_ =
      std::make_unique<LayerState>(model_.layer(slice.layer), products_.of(slice.layer), slice,
                                   intervention ? intervention->of(slice.layer) : nullptr,
                                   intervention ? intervention->keys_of(slice.layer) : nullptr);
  if (layer_->router) {
    const model::NormWeights& gate_norm = slice.gate_norm();
    layer_->gate.emplace(lengths_, *layer_->products.router, *slice.router, gate_norm,
                         router_scratch_);
    for (const model::RouterProducts::Packed& other : slice.other_gates) {
      layer_->other_gates.emplace_back(lengths_, *layer_->products.router, other, gate_norm,
                                       router_scratch_);
    }
    layer_->view = {.layer = slice.layer,
                    .spec = &layer_->router->spec,
                    .width = model_.width,
                    .router_weight = slice.router->matrix.span(),
                    .selection_bias = slice.router->selection_bias.span(),
                    .per_expert_scale = slice.router->per_expert_scale.span(),
                    .norm_gain = gate_norm.gain(),
                    .norm_epsilon = gate_norm.spec().epsilon,
                    .router = &*layer_->gate,
                    .embeddings = needs_.parts ? &tables_ : nullptr,
                    .threads = settings_.threads};
    for (tap::Observer* observer : observers_) observer->begin_layer(layer_->view);
  }
  key_tap_.begin(slice);
  for (PendingRequests& pending : pending_) {
    pending.requests.clear();
    pending.experts.clear();
  }
  parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
    throw_if_stopped();
    const BlockRange& block = blocks_[b];
    Worker& worker = workers_[static_cast<size_t>(w)];
    float* residual =
        floats(residual_.load(block.first_row, block.rows, bytes_of(worker.residual.data())));
    mix_block(block, worker, residual);
    if (layer_->groups.empty()) return;
    norm_gate_input(block, worker, residual);
    weigh_shared_experts(block, worker);
    if (!layer_->router) return;
    if (slice.router_norm) {
      norm_rows(*slice.router_norm, residual, block.rows, worker.gate_input.data());
    }
    route(block, worker);
    ask_other_gates(block, worker);
    show_gate(b, block, worker, residual);
  });
  throw_if_a_product_failed();
  key_tap_.end();
  if (!layer_->router) return;
  for (tap::Observer* observer : observers_) observer->on_gates_done(layer_->view);
  schedule();
}

// The normed rows that gate and experts read.
void LayerPass::norm_gate_input(const BlockRange& block, Worker& worker, const float* residual) {
  const size_t width = model_.width, values = size_t{block.rows} * width;
  norm_rows(layer_->slice->feed_forward_norm, residual, block.rows, worker.gate_input.data());
  if (settings_.compute == Compute::bf16) {
    std::byte* narrow = gate_inputs_.load_for_writing(block.first_row, worker.narrow.data());
    kernels::round_to_bf16(worker.gate_input.data(), values, reinterpret_cast<bf16_t*>(narrow));
    gate_inputs_.store(block.first_row, block.rows, narrow);
  } else {
    gate_inputs_.store(block.first_row, block.rows, bytes_of(worker.gate_input.data()));
  }
}

// sigmoid(w y) of shared experts that have such a gate.
void LayerPass::weigh_shared_experts(const BlockRange& block, const Worker& worker) {
  for (size_t g = 0; g < layer_->groups.size(); ++g) {
    const Buffer<float>& gate = layer_->slice->groups[g].token_gate;
    if (gate.size() == 0) continue;
    float* weights = token_weights_.data() + g * rows_ + block.first_row;
    for (size_t r = 0; r < block.rows; ++r) {
      weights[r] = static_cast<float>(
          kernels::dot(worker.gate_input.data() + r * model_.width, gate.data(), model_.width));
    }
    kernels::sigmoid(weights, block.rows, weights);
  }
}

// Logits (rows, E) of the block's gate inputs, sequence by sequence.
void LayerPass::gate_logits(const LayerRouter& gate, const BlockRange& block, const Worker& worker,
                            float* logits) const {
  for (uint32_t s = 0; s < block.sequences; ++s) {
    const Sequence& sequence = sequences_[block.first_sequence + s];
    const size_t at = sequence.first_row - block.first_row;
    gate.logits_of_gate_input(worker.gate_input.data() + at * model_.width, sequence.length,
                              logits + at * layer_->router->spec.experts, worker.index);
  }
}

// What other models' gates decide on the same gate inputs.
void LayerPass::ask_other_gates(const BlockRange& block, Worker& worker) const {
  const gate::GateSpec& spec = layer_->router->spec;
  const uint32_t experts = spec.experts, k = spec.top_k;
  worker.other_gates.clear();
  for (size_t g = 0; g < layer_->other_gates.size(); ++g) {
    float* logits = worker.other_logits.data() + g * block.rows * experts;
    int32_t* ranked = worker.other_ranked.data() + g * block.rows * (k + 1);
    gate_logits(layer_->other_gates[g], block, worker, logits);
    for (size_t r = 0; r < block.rows; ++r) {
      gate::DecisionView decision{.scores = worker.other_scores.span(),
                                  .ranked = {ranked + r * (k + 1), k + 1},
                                  .weights = worker.other_weights.span(),
                                  .margin = 0,
                                  .margin_logit = 0,
                                  .margin_group = 0,
                                  .eligible = 0};
      gate::decide(spec, {logits + r * experts, experts},
                   layer_->slice->other_gates[g].selection_bias.span(), decision);
    }
    worker.other_gates.push_back({.logits = logits, .ranked = ranked});
  }
}

// Router product and decision of every row of the block, and what the pass's intervention makes of
// it.
void LayerPass::route(const BlockRange& block, Worker& worker) {
  const gate::GateSpec& spec = layer_->router->spec;
  const uint32_t experts = spec.experts, k = spec.top_k;
  gate_logits(*layer_->gate, block, worker, worker.logits.data());
  for (size_t r = 0; r < block.rows; ++r) {
    const size_t row = block.first_row + r;
    gate::DecisionView decision{.scores = {worker.scores.data() + r * experts, experts},
                                .ranked = {ranked_.data() + row * (k + 1), k + 1},
                                .weights = {weights_.data() + row * k, k},
                                .margin = 0,
                                .margin_logit = 0,
                                .margin_group = 0,
                                .eligible = 0};
    gate::decide(spec, {worker.logits.data() + r * experts, experts}, layer_->view.selection_bias,
                 decision);
    if (spec.per_expert_scale) {
      gate::scale_by_expert(layer_->slice->router->per_expert_scale.span(), decision.ranked,
                            decision.weights);
    }
    if (layer_->intervention) {
      intervene(*layer_->intervention, row,
                {.spec = spec,
                 .logits = {worker.logits.data() + r * experts, experts},
                 .selection_bias = layer_->view.selection_bias,
                 .per_expert_scale = layer_->slice->router->per_expert_scale.span()},
                decision);
    }
    worker.margins[r] = decision.margin;
    worker.logit_margins[r] = decision.margin_logit;
  }
}

void LayerPass::finish_layer() {
  after_lone_mixer_ = layer_->groups.empty();
  if (!after_lone_mixer_) {
    parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
      throw_if_stopped();
      update_block(blocks_[b], workers_[static_cast<size_t>(w)]);
    });
  }
  if (layer_->router) {
    if (needs_.expert_outputs) deliver_outputs();
    for (tap::Observer* observer : observers_) observer->end_layer(layer_->view);
  }
  throw_if_a_product_failed();
  // The embedding is scaled as a part of the residual stream too.
  if (needs_.parts) tables_.scale_embedding(layer_->slice->output_scalar);
  layer_.reset();
}

ScratchFile* LayerPass::open_spill() {
  if (!spill_) {
    spill_.emplace(settings_.spill_folder,
                   "Hidden states go there when --memory is too small for them. Free some space or "
                   "raise --memory.");
  }
  return &*spill_;
}

void LayerPass::throw_if_a_product_failed() const {
  for (const Worker& worker : workers_) worker.products.throw_if_failed();
}

const float* LayerPass::residual(size_t first, size_t rows, float* scratch) const {
  return floats(residual_.load(first, rows, bytes_of(scratch)));
}

}  // namespace rg::stream
