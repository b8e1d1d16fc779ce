// The expert part of a layer: which rows each expert computes, tile by tile, and in which order the
// tiles are added to the tokens' updates.
#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "stream/layer_state.h"

namespace rg::stream {

// Gives every requested output a slot and sorts all rows by expert. Tied margins can put more
// tokens into an experiment's strata than the plan expects: the store then grows, on disk if there
// is a memory budget.
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
  if (static_cast<uint64_t>(slot) > output_rows_) {
    output_rows_ = static_cast<uint64_t>(slot);
    const bool spilled = outputs_.spilled() || settings_.memory_bytes.has_value();
    outputs_ = RowStore();  // gives its memory back first
    outputs_ = RowStore(output_rows_, model_.width * sizeof(float),
                        spilled ? Place::spilled : Place::memory, spilled ? open_spill() : nullptr);
  }
  const gate::GateSpec& spec = layer_->router->spec;
  layer_->schedule = std::make_unique<ExpertSchedule>(spec.experts, spec.top_k, spec.top_k + 1,
                                                      ranked_.span(), weights_.span(), wishes);
}

void LayerPass::experts(const ExpertSlice& slice) {
  show_experts(slice);
  const bool routed = layer_->groups[slice.group].role == model::ExpertRole::routed;
  const auto count = static_cast<uint32_t>(slice.experts.size());
  struct Task {
    uint32_t expert, first_row, rows;  // of the slice; in the expert's batch
  };
  std::vector<Task> tasks;
  std::vector<uint32_t> tiles(count);
  for (uint32_t e = 0; e < count; ++e) {
    const size_t rows = routed ? layer_->schedule->of(slice.first_expert + e).size() : rows_;
    const uint32_t tile = layer_->products.groups[slice.group]->tile_rows(rows);
    for (size_t at = 0; at < rows; at += tile) {
      tasks.push_back(
          {e, static_cast<uint32_t>(at), static_cast<uint32_t>(std::min<size_t>(tile, rows - at))});
      ++tiles[e];
    }
  }
  AscendingCommit order(tiles);
  parallel_for(tasks.size(), settings_.threads, [&](size_t t, int w) {
    try {
      throw_if_stopped();
      Worker& worker = workers_[static_cast<size_t>(w)];
      const Task& task = tasks[t];
      const auto rows =
          routed
              ? layer_->schedule->tile(slice.first_expert + task.expert, task.first_row, task.rows)
              : all_rows_tile(slice, task.expert, task.first_row, task.rows, worker);
      compute_tile(slice.group, slice.experts[task.expert], rows, worker);
      if (!order.wait_for_turn(task.expert)) return;
      commit_tile(rows, worker);
      order.done(task.expert);
    } catch (...) {
      order.abort();
      throw;
    }
  });
  throw_if_a_product_failed();
  const bool last = slice.first_expert + count == layer_->groups[slice.group].experts.size();
  const auto& output_norm = layer_->slice->groups[slice.group].output_norm;
  if (!routed || !last || !output_norm) return;
  parallel_for(blocks_.size(), settings_.threads, [&](size_t b, int w) {
    const BlockRange& block = blocks_[b];
    Worker& worker = workers_[static_cast<size_t>(w)];
    float* sum = floats(update_.load(block.first_row, block.rows, bytes_of(worker.update.data())));
    norm_rows(*output_norm, sum, block.rows, sum);
    update_.store(block.first_row, block.rows, bytes_of(sum));
  });
}

// A tile of an expert that every row takes.
std::span<const Assignment> LayerPass::all_rows_tile(const ExpertSlice& slice, uint32_t expert,
                                                     uint32_t first_row, uint32_t rows,
                                                     Worker& worker) const {
  const bool weighed = layer_->slice->groups[slice.group].token_gate.size() != 0;
  const bool first = slice.group == 0 && slice.first_expert + expert == 0;
  for (uint32_t r = 0; r < rows; ++r) {
    const uint32_t row = first_row + r;
    const float weight = weighed ? token_weights_[slice.group * rows_ + row] : 1.0f;
    worker.every_row[r] = {.row = row, .slot = -1, .weight = weight, .added = true, .first = first};
  }
  return std::span(worker.every_row).first(rows);
}

void LayerPass::compute_tile(uint32_t group, const model::PackedExpert& expert,
                             std::span<const Assignment> rows, Worker& worker) {
  const size_t row_bytes = gate_inputs_.row_bytes();
  const MixerSlice::Group& around = layer_->slice->groups[group];
  for (size_t r = 0; r < rows.size(); ++r) {
    std::byte* target = worker.tile_in.data() + r * row_bytes;
    if (around.input_norm) {
      norm_row(*around.input_norm,
               floats(residual_.load(rows[r].row, 1, bytes_of(worker.update_row.data()))), worker,
               target);
      continue;
    }
    const std::byte* source = gate_inputs_.load(rows[r].row, 1, target);
    if (source != target) std::memcpy(target, source, row_bytes);
  }
  layer_->products.groups[group]->run(expert, around.latent ? &*around.latent : nullptr,
                                      static_cast<uint32_t>(rows.size()), worker.tile_in.data(),
                                      worker.tile_out.data(), worker.tile.data(), worker.products);
  // Of a shared expert; the routed ones' sum is normed when it is complete.
  if (around.output_norm && layer_->groups[group].role == model::ExpertRole::shared) {
    norm_rows(*around.output_norm, worker.tile_out.data(), rows.size(), worker.tile_out.data());
  }
}

void LayerPass::commit_tile(std::span<const Assignment> rows, Worker& worker) {
  const size_t width = model_.width;
  const float multiplier = model_.layer(layer_->slice->layer).residual_multiplier;
  for (size_t r = 0; r < rows.size(); ++r) {
    const Assignment& row = rows[r];
    const float* output = worker.tile_out.data() + r * width;
    if (row.slot >= 0) {
      const float* kept = output;
      if (multiplier != 1) {
        kernels::set_scaled(multiplier, output, width, worker.update_row.data());
        kept = worker.update_row.data();
      }
      outputs_.store(static_cast<size_t>(row.slot), 1, reinterpret_cast<const std::byte*>(kept));
    }
    if (!row.added) continue;
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

}  // namespace rg::stream
