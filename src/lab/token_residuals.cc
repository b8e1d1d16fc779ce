#include "lab/token_residuals.h"

#include <algorithm>

#include "base/error.h"
#include "experiments/key_sample.h"
#include "lab/pass.h"
#include "model/blocks/block.h"

namespace rg::lab {
namespace {

// Chosen rows of some sets, of what enters some layers.
class KeptResiduals : public tap::Observer {
 public:
  struct Row {
    const tap::SequenceSet* set;
    size_t row;  // within it
  };

  KeptResiduals(std::vector<const tap::SequenceSet*> sets, std::vector<Row> rows,
                const std::vector<int>& layers, uint32_t width)
      : sets_(std::move(sets)), rows_(std::move(rows)), width_(width) {
    for (const int layer : layers) kept_[layer].resize(rows_.size() * width_);
  }

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.keys = true;
    needs.held_bytes = kept_.size() * rows_.size() * width_ * sizeof(float);
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }

  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    const auto layer = kept_.find(view.layer);
    if (layer == kept_.end()) return;
    for (size_t i = 0; i < rows_.size(); ++i) {
      const Row& row = rows_[i];
      if (row.set != block.set || row.row < block.first_row ||
          row.row >= block.first_row + block.rows) {
        continue;
      }
      std::copy_n(block.residual_in + (row.row - block.first_row) * width_, width_,
                  layer->second.begin() + static_cast<std::ptrdiff_t>(i * width_));
    }
  }

  LayerRows take() { return std::move(kept_); }

 private:
  std::vector<const tap::SequenceSet*> sets_;
  std::vector<Row> rows_;
  uint32_t width_;
  LayerRows kept_;
};

LayerRows rows_of_pass(const Subject& subject, const Samples& samples, KeptResiduals& residuals,
                       const std::vector<int>& layers, const EngineSettings& engine,
                       const std::filesystem::path& spill_folder, Progress& progress) {
  Pass pass(subject, samples, {.layers = layers, .engine = engine, .experiments = {}});
  pass.watch(residuals);
  pass.make_plan(spill_folder);
  pass.run(progress);
  return residuals.take();
}

std::vector<KeptResiduals::Row> sampled_rows(const Samples& samples, size_t most) {
  const std::vector<const tap::SequenceSet*> sets = samples.sets();
  size_t windows = 0, window = 0;
  for (const tap::SequenceSet* set : sets) windows += set->sequences();
  std::vector<KeptResiduals::Row> out;
  for (uint32_t s = 0; s < sets.size(); ++s) {
    size_t start = 0;
    for (uint32_t w = 0; w < sets[s]->sequences(); ++w, ++window) {
      const size_t count = (window + 1) * most / windows - window * most / windows;
      const uint32_t length = sets[s]->lengths[w];
      for (const uint32_t position : experiments::sampled_key_positions(
               samples.settings().windows.seed, s, w, length, static_cast<uint32_t>(count))) {
        out.push_back({.set = sets[s], .row = start + position});
      }
      start += length;
    }
  }
  return out;
}

}  // namespace

std::vector<int32_t> first_tokens(const Samples& samples, size_t most) {
  std::vector<int32_t> out;
  for (const tap::SequenceSet* set : samples.sets()) {
    size_t start = 0;
    for (const uint32_t length : set->lengths) {
      const int32_t token = set->ids[start];
      if (out.size() < most && std::find(out.begin(), out.end(), token) == out.end()) {
        out.push_back(token);
      }
      start += length;
    }
  }
  return out;
}

LayerRows token_residuals(const Subject& subject, const std::vector<int32_t>& tokens,
                          const std::vector<int>& layers, const EngineSettings& engine,
                          const std::filesystem::path& spill_folder, Progress& progress) {
  tap::SequenceSet prompts{.name = "first tokens",
                           .lengths = std::vector<uint32_t>(tokens.size(), 1),
                           .ids = tokens,
                           .causal = true};
  const Samples samples(subject, std::move(prompts), "the first tokens");
  std::vector<KeptResiduals::Row> rows;
  for (size_t i = 0; i < tokens.size(); ++i) rows.push_back({&samples.sequences()[0], i});
  KeptResiduals residuals({&samples.sequences()[0]}, std::move(rows), layers,
                          subject.model().width);
  EngineSettings exact = engine;
  exact.compute = "f32";
  return rows_of_pass(subject, samples, residuals, layers, exact, spill_folder, progress);
}

LayerRows sampled_residuals(const Subject& subject, const Samples& samples,
                            const std::vector<int>& layers, size_t most,
                            const EngineSettings& engine, const std::filesystem::path& spill_folder,
                            Progress& progress) {
  KeptResiduals residuals(samples.sets(), sampled_rows(samples, most), layers,
                          subject.model().width);
  return rows_of_pass(subject, samples, residuals, layers, engine, spill_folder, progress);
}

TokenResiduals::TokenResiduals(const Subject& subject, const EngineSettings& engine,
                               std::filesystem::path spill_folder, Progress& progress, int deepest)
    : subject_(subject),
      engine_(engine),
      spill_folder_(std::move(spill_folder)),
      progress_(progress),
      deepest_(deepest) {}

std::span<const float> TokenResiduals::of(int32_t token, int layer) {
  LayerRows& known = known_[token];
  if (!known.contains(layer)) {
    std::vector<int> layers;
    for (const int gated : subject_.model().moe_layers()) {
      const bool wanted = gated == layer || gated <= deepest_;
      if (wanted && model::key_facts(subject_.model().layer(gated).mixer)) layers.push_back(gated);
    }
    known = token_residuals(subject_, {token}, layers, engine_, spill_folder_, progress_);
  }
  const std::vector<float>& row = known.at(layer);
  check_internal(row.size() == subject_.model().width, "one row of a token");
  return row;
}

}  // namespace rg::lab
