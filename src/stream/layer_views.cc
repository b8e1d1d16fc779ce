// What observers are shown of a layer: the gate of each block, the update, the expert outputs that
// they asked for.
#include <algorithm>

#include "base/cancel.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "stream/layer_state.h"

namespace rg::stream {

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
    all.logits |= one.logits;
    all.keys |= one.keys;
    all.key_projection |= one.key_projection;
    all.held_bytes += one.held_bytes;
    all.held_key_rows += one.held_key_rows;
    all.held_query_rows += one.held_query_rows;
    all.held_value_rows += one.held_value_rows;
    all.kept_file_bytes += one.kept_file_bytes;
  }
  return all;
}

bool sums_lone_mixers(const model::Model& model, const tap::Needs& needs) {
  if (!needs.attention_out) return false;
  return std::any_of(model.layers.begin(), model.layers.end(),
                     [](const model::Layer& layer) { return layer.groups.empty(); });
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

template <typename Shown>
float* LayerPass::show_parts(const BlockRange& block, Worker& worker, Shown& shown) const {
  for (size_t r = 0; r < block.rows; ++r) {
    worker.embedding[r] = tables_.row(shown.set->ids[shown.first_row + r]);
  }
  shown.embedding = worker.embedding.data();
  shown.attention_sum = floats(
      attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
  float* const expert_sum =
      floats(expert_sum_.load(block.first_row, block.rows, bytes_of(worker.expert_sum.data())));
  shown.expert_sum = expert_sum;
  return expert_sum;
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
  shown.ranked = ranked_.data() + size_t{block.first_row} * (layer_->router->spec.top_k + 1);
  shown.weights = weights_.data() + size_t{block.first_row} * layer_->router->spec.top_k;
  shown.margins = worker.margins.data();
  shown.logit_margins = worker.logit_margins.data();
  shown.other_gates = worker.other_gates;
  if (needs_.parts) show_parts(block, worker, shown);
  for (size_t o = 0; o < observers_.size(); ++o) {
    if (!watches(*observers_[o], shown.set)) continue;
    PendingRequests& pending = pending_[o * blocks_.size() + block_index];
    pending.set_first_row = block.first_row - static_cast<uint32_t>(shown.first_row);
    shown.requests = &pending;
    observers_[o]->on_gate(layer_->view, shown);
  }
}

void LayerPass::show_experts(const ExpertSlice& slice) const {
  for (const tap::ExpertMatrices& matrices : slice.shown) {
    for (tap::Observer* observer : observers_) {
      if (wants_expert(*observer, slice.layer, static_cast<uint32_t>(matrices.expert))) {
        observer->on_expert(layer_->view, matrices);
      }
    }
  }
}

// Shows the update, then adds it to the residual and to the experts' sum.
void LayerPass::update_block(const BlockRange& block, Worker& worker) {
  const size_t values = size_t{block.rows} * model_.width;
  tap::UpdateBlock shown{};
  static_cast<tap::Block&>(shown) = view(block, worker.index);
  float* residual =
      floats(residual_.load(block.first_row, block.rows, bytes_of(worker.residual.data())));
  float* update = floats(update_.load(block.first_row, block.rows, bytes_of(worker.update.data())));
  const MixerSlice& slice = *layer_->slice;
  const float multiplier = model_.layer(slice.layer).residual_multiplier;
  if (slice.feed_forward_output_norm) {
    norm_rows(*slice.feed_forward_output_norm, update, block.rows, update);
  }
  if (multiplier != 1) kernels::set_scaled(multiplier, update, values, update);
  if (multiplier != 1 || slice.feed_forward_output_norm) {
    update_.store(block.first_row, block.rows, bytes_of(update));
  }
  float* expert_sum = nullptr;
  shown.residual_pre = residual;
  shown.update = update;
  if (needs_.parts) expert_sum = show_parts(block, worker, shown);
  if (needs_.update && layer_->router) {
    shown.ranked = ranked_.data() + size_t{block.first_row} * (layer_->router->spec.top_k + 1);
    for (tap::Observer* observer : observers_) {
      if (watches(*observer, shown.set)) observer->on_update(layer_->view, shown);
    }
  }
  kernels::add(update, values, residual);
  const float scalar = slice.output_scalar;
  if (scalar != 1) kernels::set_scaled(scalar, residual, values, residual);
  residual_.store(block.first_row, block.rows, bytes_of(residual));
  if (!needs_.parts) return;
  kernels::add(update, values, expert_sum);
  if (scalar != 1) {
    kernels::set_scaled(scalar, expert_sum, values, expert_sum);
    float* attention_sum = floats(
        attention_sum_.load(block.first_row, block.rows, bytes_of(worker.attention_sum.data())));
    kernels::set_scaled(scalar, attention_sum, values, attention_sum);
    attention_sum_.store(block.first_row, block.rows, bytes_of(attention_sum));
  }
  expert_sum_.store(block.first_row, block.rows, bytes_of(expert_sum));
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

}  // namespace rg::stream
