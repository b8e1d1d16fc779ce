#include "stream/layer_pass.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/cancel.h"
#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"

namespace rg::stream {

using kernels::kTileRows;

std::vector<Sequence> list_sequences(std::span<const tap::SequenceSet* const> sets) {
  std::vector<Sequence> out;
  uint32_t row = 0;
  for (uint32_t s = 0; s < sets.size(); ++s) {
    for (uint32_t i = 0; i < sets[s]->sequences(); ++i) {
      out.push_back({.set = s, .index = i, .first_row = row, .length = sets[s]->lengths[i]});
      row += sets[s]->lengths[i];
    }
  }
  return out;
}

std::vector<BlockRange> cut_blocks(std::span<const tap::SequenceSet* const> sets,
                                   const std::vector<Sequence>& sequences, size_t block_windows) {
  std::vector<BlockRange> out;
  for (uint32_t i = 0; i < sequences.size();) {
    const Sequence& first = sequences[i];
    const std::vector<uint32_t>& lengths = sets[first.set]->lengths;
    const bool equal = std::all_of(lengths.begin(), lengths.end(),
                                   [&](uint32_t length) { return length == lengths.front(); });
    const size_t left = lengths.size() - first.index;
    const auto count = static_cast<uint32_t>(equal ? std::min(block_windows, left) : 1);
    out.push_back({.first_sequence = i,
                   .sequences = count,
                   .first_row = first.first_row,
                   .rows = count * first.length});
    i += count;
  }
  return out;
}

tap::Needs combined_needs(std::span<tap::Observer* const> observers) {
  tap::Needs all;
  for (const tap::Observer* observer : observers) {
    const tap::Needs one = observer->needs();
    all.residual_in |= one.residual_in;
    all.attention_out |= one.attention_out;
    all.parts |= one.parts;
    all.update |= one.update;
    all.expert_outputs |= one.expert_outputs;
    all.next_unembedding |= one.next_unembedding;
    all.held_bytes += one.held_bytes;
  }
  return all;
}

// One worker's buffers. Block buffers hold the rows of the largest block.
struct LayerPass::Worker {
  int index;
  kernels::Scratch products;
  model::AttentionScratch attention;
  model::ExpertTile tile;
  Buffer<float> padded_out;                                        // (longest, d)
  Buffer<float> residual, residual_in, attention_out, gate_input;  // (block rows, d)
  Buffer<float> attention_sum, expert_sum, update;  // (block rows, d), where parts are spilled
  Buffer<std::byte> narrow;                         // (block rows, d) compute type
  Buffer<float> logits, scores, margins, logit_margins;
  Buffer<float> update_row;             // (d)
  std::vector<const float*> embedding;  // (block rows)

  Worker(int index_, const model::Model& model, const Shapes& shapes, kernels::Compute compute,
         size_t block_rows, const tap::Needs& needs)
      : index(index_),
        attention(model, shapes.longest(), compute),
        tile(model, compute),
        padded_out(size_t{shapes.longest()} * model.width),
        residual(block_rows * model.width),
        residual_in(needs.residual_in ? block_rows * model.width : 0),
        attention_out(block_rows * model.width),
        gate_input(block_rows * model.width),
        attention_sum(needs.parts ? block_rows * model.width : 0),
        expert_sum(needs.parts ? block_rows * model.width : 0),
        update(block_rows * model.width),
        narrow(block_rows * model.width * compute_bytes(compute)),
        logits(block_rows * model.gate.experts),
        scores(block_rows * model.gate.experts),
        margins(block_rows),
        logit_margins(block_rows),
        update_row(model.width),
        embedding(block_rows) {}
};

// What an observer asked for in one block.
struct LayerPass::PendingRequests : tap::OutputRequests {
  struct Request {
    uint32_t row;           // of the run
    uint32_t first, count;  // in experts
    int32_t slot = -1;      // of the first expert's output
  };
  uint32_t set_first_row = 0;
  std::vector<Request> requests;
  std::vector<int32_t> experts;

  void add(size_t row, std::span<const int32_t> wanted) override {
    requests.push_back({.row = set_first_row + static_cast<uint32_t>(row),
                        .first = static_cast<uint32_t>(experts.size()),
                        .count = static_cast<uint32_t>(wanted.size())});
    experts.insert(experts.end(), wanted.begin(), wanted.end());
  }
};

// One layer while it runs.
struct LayerPass::LayerState {
  const AttentionSlice* slice;
  LayerRouter router;
  tap::LayerView view;
  std::unique_ptr<ExpertSchedule> schedule;
};

namespace {

size_t largest_block(const std::vector<BlockRange>& blocks) {
  size_t rows = 0;
  for (const BlockRange& block : blocks) rows = std::max<size_t>(rows, block.rows);
  return rows;
}

Place place(bool spilled) { return spilled ? Place::spilled : Place::memory; }

float* floats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }
std::byte* bytes_of(float* values) { return reinterpret_cast<std::byte*>(values); }

}  // namespace

LayerPass::LayerPass(const model::Model& model, std::span<const tap::SequenceSet* const> sets,
                     std::span<tap::Observer* const> observers, const Settings& settings,
                     const Plan& plan, const Shapes& shapes, const model::ExpertShape& experts,
                     const TokenTables& tables)
    : model_(model),
      sets_(sets),
      observers_(observers),
      settings_(settings),
      shapes_(shapes),
      expert_shape_(experts),
      tables_(tables),
      needs_(combined_needs(observers)),
      rope_(model.attention.rope_base, model.attention.head_width, shapes.longest()),
      sequences_(list_sequences(sets)),
      blocks_(cut_blocks(sets, sequences_, plan.block_windows)) {
  rows_ = sequences_.empty() ? 0 : sequences_.back().first_row + sequences_.back().length;
  output_rows_ = plan.output_rows;
  if (plan.spill_bytes != 0) spill_.emplace(settings.spill_folder);
  SpillFile* spill = spill_ ? &*spill_ : nullptr;
  const size_t wide = model.width * sizeof(float);
  update_ = RowStore(rows_, wide, place(plan.spill_updates), spill);
  gate_inputs_ = RowStore(rows_, model.width * compute_bytes(settings.compute),
                          place(plan.spill_gate_inputs), spill);
  residual_ = RowStore(rows_, wide, place(plan.spill_residual), spill);
  if (needs_.parts) {
    attention_sum_ = RowStore(rows_, wide, place(plan.spill_parts), spill);
    expert_sum_ = RowStore(rows_, wide, place(plan.spill_parts), spill);
  }
  if (needs_.expert_outputs) {
    outputs_ = RowStore(plan.output_rows, wide, place(plan.spill_outputs), spill);
  }
  ranked_ = Buffer<int32_t>(rows_ * (model.gate.top_k + 1));
  weights_ = Buffer<float>(rows_ * model.gate.top_k);

  const size_t block_rows = largest_block(blocks_);
  for (int i = 0; i < settings.threads; ++i) {
    workers_.emplace_back(i, model, shapes, settings.compute, block_rows, needs_);
  }
  const size_t product_scratch = std::max(
      {shapes.scratch_bytes(), experts.gate_up().scratch_bytes(), experts.down().scratch_bytes()});
  for (Worker& worker : workers_) {
    worker.products.reserve(product_scratch);
    router_scratch_.push_back({Buffer<float>(size_t{shapes.longest()} * model.width),
                               Buffer<float>(size_t{shapes.longest()} * model.gate.experts),
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

tap::Block LayerPass::view(const BlockRange& block, int worker) const {
  const Sequence& first = sequences_[block.first_sequence];
  const Sequence& set_start = sequences_[block.first_sequence - first.index];
  return {.set = sets_[first.set],
          .first_sequence = first.index,
          .sequences = block.sequences,
          .first_row = block.first_row - set_start.first_row,
          .rows = block.rows,
          .worker = worker};
}

bool LayerPass::watches(const tap::Observer& observer, const tap::SequenceSet* set) const {
  const auto sets = observer.sets();
  return std::find(sets.begin(), sets.end(), set) != sets.end();
}

void LayerPass::attention(const AttentionSlice& slice) {
  layer_.reset(
      new LayerState{.slice = &slice,
                     .router = LayerRouter(model_, shapes_, slice.weights, router_scratch_),
                     .view = {.layer = slice.layer,
                              .spec = &model_.gate,
                              .width = model_.width,
                              .router_weight = slice.weights.router_plain.span(),
                              .selection_bias = {},
                              .norm_gain = slice.weights.mlp_gain.span(),
                              .norm_epsilon = model_.norm_epsilon,
                              .router = nullptr,
                              .embeddings = needs_.parts ? &tables_ : nullptr,
                              .threads = settings_.threads},
                     .schedule = nullptr});
  layer_->view.router = &layer_->router;
  for (tap::Observer* observer : observers_) observer->begin_layer(layer_->view);
  for (PendingRequests& pending : pending_) {
    pending.requests.clear();
    pending.experts.clear();
  }
  parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
    throw_if_stopped();
    const BlockRange& block = blocks_[b];
    Worker& worker = workers_[static_cast<size_t>(w)];
    const size_t values = size_t{block.rows} * model_.width;
    float* residual =
        floats(residual_.load(block.first_row, block.rows, bytes_of(worker.residual.data())));
    if (needs_.residual_in) std::copy_n(residual, values, worker.residual_in.data());

    const model::Attention part(model_, slice.weights, rope_, settings_.compute);
    for (uint32_t s = 0; s < block.sequences; ++s) {
      const Sequence& sequence = sequences_[block.first_sequence + s];
      const size_t at = size_t{sequence.first_row - block.first_row} * model_.width;
      const model::AttentionShape& shape = shapes_.of_length(sequence.length);
      const bool padded = shape.rows() != sequence.length;
      float* out = padded ? worker.padded_out.data() : worker.attention_out.data() + at;
      part.run(shape, sequence.length,
               sets_[sequence.set]->causal ? model::Mask::causal : model::Mask::none, residual + at,
               out, worker.attention, worker.products);
      if (padded) {
        std::copy_n(out, size_t{sequence.length} * model_.width, worker.attention_out.data() + at);
      }
    }
    kernels::add(worker.attention_out.data(), values, residual);
    residual_.store(block.first_row, block.rows, bytes_of(residual));
    if (needs_.parts) {
      float* sum = floats(
          attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
      kernels::add(worker.attention_out.data(), values, sum);
      attention_sum_.store(block.first_row, block.rows, bytes_of(sum));
    }
    route(block, worker, residual);
    show_gate(b, block, worker, residual);
  });
  schedule();
}

// Norm, router product and decision of every row of the block.
void LayerPass::route(const BlockRange& block, Worker& worker, const float* residual) {
  const size_t width = model_.width;
  const uint32_t experts = model_.gate.experts;
  const uint32_t k = model_.gate.top_k;
  const auto& gain = layer_->slice->weights.mlp_gain;
  for (size_t r = 0; r < block.rows; ++r) {
    kernels::rms_norm(residual + r * width, gain.data(), width, model_.norm_epsilon,
                      worker.gate_input.data() + r * width);
  }
  const size_t values = size_t{block.rows} * width;
  if (settings_.compute == Compute::bf16) {
    std::byte* narrow = gate_inputs_.load_for_writing(block.first_row, worker.narrow.data());
    kernels::round_to_bf16(worker.gate_input.data(), values, reinterpret_cast<bf16_t*>(narrow));
    gate_inputs_.store(block.first_row, block.rows, narrow);
  } else {
    gate_inputs_.store(block.first_row, block.rows, bytes_of(worker.gate_input.data()));
  }
  for (uint32_t s = 0; s < block.sequences; ++s) {
    const Sequence& sequence = sequences_[block.first_sequence + s];
    const size_t at = sequence.first_row - block.first_row;
    layer_->router.logits_of_gate_input(worker.gate_input.data() + at * width, sequence.length,
                                        worker.logits.data() + at * experts, worker.index);
  }
  for (size_t r = 0; r < block.rows; ++r) {
    const size_t row = block.first_row + r;
    gate::DecisionView decision{.scores = {worker.scores.data() + r * experts, experts},
                                .ranked = {ranked_.data() + row * (k + 1), k + 1},
                                .weights = {weights_.data() + row * k, k},
                                .margin = 0,
                                .margin_logit = 0,
                                .margin_group = 0,
                                .eligible = 0};
    gate::decide(model_.gate, {worker.logits.data() + r * experts, experts},
                 layer_->view.selection_bias, decision);
    worker.margins[r] = decision.margin;
    worker.logit_margins[r] = decision.margin_logit;
  }
}

void LayerPass::show_gate(size_t block_index, const BlockRange& block, Worker& worker,
                          float* residual) {
  if (observers_.empty()) return;
  tap::GateBlock shown{};
  static_cast<tap::Block&>(shown) = view(block, worker.index);
  shown.residual_in = needs_.residual_in ? worker.residual_in.data() : nullptr;
  shown.attention_out = worker.attention_out.data();
  shown.residual_pre = residual;
  shown.gate_input = worker.gate_input.data();
  shown.router_logits = worker.logits.data();
  shown.scores = worker.scores.data();
  shown.ranked = ranked_.data() + size_t{block.first_row} * (model_.gate.top_k + 1);
  shown.weights = weights_.data() + size_t{block.first_row} * model_.gate.top_k;
  shown.margins = worker.margins.data();
  shown.logit_margins = worker.logit_margins.data();
  if (needs_.parts) {
    for (size_t r = 0; r < block.rows; ++r) {
      worker.embedding[r] = tables_.row(shown.set->ids[shown.first_row + r]);
    }
    shown.embedding = worker.embedding.data();
    shown.attention_sum = floats(
        attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
    shown.expert_sum =
        floats(expert_sum_.load(block.first_row, block.rows, bytes_of(worker.expert_sum.data())));
  }
  for (size_t o = 0; o < observers_.size(); ++o) {
    if (!watches(*observers_[o], shown.set)) continue;
    PendingRequests& pending = pending_[o * blocks_.size() + block_index];
    pending.set_first_row = block.first_row - static_cast<uint32_t>(shown.first_row);
    shown.requests = &pending;
    observers_[o]->on_gate(layer_->view, shown);
  }
}

// Gives every wished output a slot and sorts all rows by expert.
void LayerPass::schedule() {
  std::vector<OutputWish> wishes;
  int32_t slot = 0;
  for (PendingRequests& pending : pending_) {
    for (PendingRequests::Request& request : pending.requests) {
      request.slot = slot;
      for (uint32_t i = 0; i < request.count; ++i) {
        wishes.push_back({request.row, pending.experts[request.first + i], slot++});
      }
    }
  }
  check_internal(static_cast<uint64_t>(slot) <= output_rows_, "expert outputs within the plan");
  layer_->schedule = std::make_unique<ExpertSchedule>(model_.gate.experts, model_.gate.top_k,
                                                      model_.gate.top_k + 1, ranked_.span(),
                                                      weights_.span(), wishes);
}

void LayerPass::experts(const ExpertSlice& slice) {
  const auto count = static_cast<uint32_t>(slice.experts.size());
  struct Task {
    uint32_t expert, first_row;  // of the slice; in the expert's batch
  };
  std::vector<Task> tasks;
  std::vector<uint32_t> tiles(count);
  for (uint32_t e = 0; e < count; ++e) {
    const size_t rows = layer_->schedule->of(slice.first_expert + e).size();
    for (size_t at = 0; at < rows; at += kTileRows) {
      tasks.push_back({e, static_cast<uint32_t>(at)});
      ++tiles[e];
    }
  }
  AscendingCommit order(tiles);
  parallel_for(tasks.size(), settings_.threads, [&](size_t t, int w) {
    try {
      throw_if_stopped();
      Worker& worker = workers_[static_cast<size_t>(w)];
      const uint32_t expert = tasks[t].expert;
      const auto batch = layer_->schedule->of(slice.first_expert + expert);
      const auto rows = batch.subspan(
          tasks[t].first_row, std::min<size_t>(kTileRows, batch.size() - tasks[t].first_row));
      compute_tile(slice.experts[expert], rows, worker);
      if (!order.wait_for_turn(expert)) return;
      commit_tile(rows, worker);
      order.done(expert);
    } catch (...) {
      order.abort();
      throw;
    }
  });
}

void LayerPass::compute_tile(const model::ExpertWeights& weights, std::span<const Assignment> rows,
                             Worker& worker) {
  const size_t row_bytes = gate_inputs_.row_bytes();
  for (size_t r = 0; r < rows.size(); ++r) {
    std::byte* target = worker.tile.input() + r * row_bytes;
    const std::byte* source = gate_inputs_.load(rows[r].row, 1, target);
    if (source != target) std::memcpy(target, source, row_bytes);
  }
  worker.tile.run(expert_shape_, weights, static_cast<uint32_t>(rows.size()), worker.products);
}

void LayerPass::commit_tile(std::span<const Assignment> rows, Worker& worker) {
  const size_t width = model_.width;
  for (size_t r = 0; r < rows.size(); ++r) {
    const Assignment& row = rows[r];
    const float* output = worker.tile.output() + r * width;
    if (row.slot >= 0) {
      outputs_.store(static_cast<size_t>(row.slot), 1, reinterpret_cast<const std::byte*>(output));
    }
    if (!row.routed) continue;
    float* scratch = worker.update_row.data();
    if (row.first) {
      float* sum = floats(update_.load_for_writing(row.row, bytes_of(scratch)));
      kernels::set_scaled(row.weight, output, width, sum);
      update_.store(row.row, 1, bytes_of(sum));
    } else {
      float* sum = floats(update_.load(row.row, 1, bytes_of(scratch)));
      kernels::add_scaled(row.weight, output, width, sum);
      update_.store(row.row, 1, bytes_of(sum));
    }
  }
}

void LayerPass::finish_layer() {
  parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
    throw_if_stopped();
    update_block(blocks_[b], workers_[static_cast<size_t>(w)]);
  });
  if (needs_.expert_outputs) deliver_outputs();
  for (tap::Observer* observer : observers_) observer->end_layer(layer_->view);
  layer_.reset();
}

// Shows the update, then adds it to the residual and to the experts' sum.
void LayerPass::update_block(const BlockRange& block, Worker& worker) {
  const size_t values = size_t{block.rows} * model_.width;
  tap::UpdateBlock shown{};
  static_cast<tap::Block&>(shown) = view(block, worker.index);
  float* residual =
      floats(residual_.load(block.first_row, block.rows, bytes_of(worker.residual.data())));
  const float* update =
      floats(update_.load(block.first_row, block.rows, bytes_of(worker.update.data())));
  float* expert_sum = nullptr;
  shown.residual_pre = residual;
  shown.update = update;
  shown.ranked = ranked_.data() + size_t{block.first_row} * (model_.gate.top_k + 1);
  if (needs_.parts) {
    for (size_t r = 0; r < block.rows; ++r) {
      worker.embedding[r] = tables_.row(shown.set->ids[shown.first_row + r]);
    }
    shown.embedding = worker.embedding.data();
    shown.attention_sum = floats(
        attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
    expert_sum =
        floats(expert_sum_.load(block.first_row, block.rows, bytes_of(worker.expert_sum.data())));
    shown.expert_sum = expert_sum;
  }
  if (needs_.update) {
    for (tap::Observer* observer : observers_) {
      if (watches(*observer, shown.set)) observer->on_update(layer_->view, shown);
    }
  }
  kernels::add(update, values, residual);
  residual_.store(block.first_row, block.rows, bytes_of(residual));
  if (needs_.parts) {
    kernels::add(update, values, expert_sum);
    expert_sum_.store(block.first_row, block.rows, bytes_of(expert_sum));
  }
}

void LayerPass::deliver_outputs() {
  const size_t width = model_.width;
  parallel_for(pending_.size(), settings_.threads, [&](size_t p, int w) {
    throw_if_stopped();
    const PendingRequests& pending = pending_[p];
    if (pending.requests.empty()) return;
    tap::Observer& observer = *observers_[p / blocks_.size()];
    Worker& worker = workers_[static_cast<size_t>(w)];
    const tap::Block block = view(blocks_[p % blocks_.size()], w);
    Buffer<float> spilled;
    for (const PendingRequests::Request& request : pending.requests) {
      const size_t row = request.row - pending.set_first_row;
      if (outputs_.spilled() && spilled.size() < request.count * width) {
        spilled = Buffer<float>(request.count * width);
      }
      tap::ExpertOutputs shown{};
      shown.set = block.set;
      shown.row = row;
      shown.experts = std::span(pending.experts).subspan(request.first, request.count);
      shown.outputs = floats(outputs_.load(static_cast<size_t>(request.slot), request.count,
                                           bytes_of(spilled.data())));
      shown.update = floats(update_.load(request.row, 1, bytes_of(worker.update_row.data())));
      shown.worker = w;
      const auto sequence = std::upper_bound(
          sequences_.begin(), sequences_.end(), request.row,
          [](uint32_t at, const Sequence& candidate) { return at < candidate.first_row; });
      const uint32_t end = (sequence - 1)->first_row + (sequence - 1)->length;
      if (needs_.next_unembedding && request.row + 1 < end) {
        shown.next_unembedding = tables_.unembedding(block.set->ids[row + 1]);
      }
      observer.on_outputs(layer_->view, shown);
    }
  });
}

const float* LayerPass::residual(size_t first, size_t rows, float* scratch) const {
  return floats(residual_.load(first, rows, bytes_of(scratch)));
}

}  // namespace rg::stream
