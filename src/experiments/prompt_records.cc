#include "experiments/prompt_records.h"

#include <algorithm>
#include <cmath>

#include "experiments/centred.h"
#include "experiments/parts.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

// The first of the largest values; -1 if all are NaN.
int32_t arg_max(std::span<const double> values) {
  int32_t best = -1;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (best < 0 || values[i] > values[static_cast<size_t>(best)]) best = static_cast<int32_t>(i);
  }
  return best;
}

double norm(std::span<const double> values) { return std::sqrt(inner(values, values)); }

}  // namespace

PromptRecords::PromptRecords(const Setting& setting, size_t layers)
    : setting_(setting),
      exact_(layers * setting.prompts.size()),
      published_(layers * setting.prompts.size()) {}

void PromptRecords::on_gate(const tap::LayerView& view, const tap::GateBlock& block,
                            const SequenceRows& sequence, size_t slot, Scratch& scratch) {
  const size_t d = view.width, experts = view.spec->experts, k = view.spec->top_k;
  const Setting::Prompt& prompt = setting_.prompts[sequence.sequence];
  const bool exact = block.set->causal;
  const uint32_t position = exact ? prompt.exact_position : prompt.published_position;
  const size_t row = sequence.first + position;
  float* embedding = scratch.buffer(block.worker, 0);
  for (uint32_t t = 0; t < sequence.length; ++t) {
    std::copy_n(block.embedding[sequence.first + t], d, embedding + t * d);
  }
  const auto at_position = [&](size_t buffer) {
    const float* values = scratch.buffer(block.worker, buffer) + position * experts;
    return std::vector<double>(values, values + experts);
  };
  const auto project = [&](const float* rows, size_t buffer) {
    float* out = scratch.buffer(block.worker, buffer);
    if (exact) {
      view.router->project_gained(rows, sequence.length, out, block.worker);
    } else {
      view.router->project_raw(rows, sequence.length, out, block.worker);
    }
    return at_position(buffer);
  };
  Row& found =
      exact ? exact_[at(slot, sequence.sequence)] : published_[at(slot, sequence.sequence)];
  if (!exact) {
    const std::vector<double> direct = project(embedding, 1);
    const std::vector<double> entering = project(block.residual_in + sequence.first * d, 2);
    std::vector<double> rest(experts);
    for (size_t e = 0; e < experts; ++e) rest[e] = entering[e] - direct[e];
    found.embedding_norm = norm(direct);
    found.attention_norm = norm(rest);
    const double sum = found.embedding_norm + found.attention_norm;
    found.ratio = sum > 0 ? found.attention_norm / sum : 0.5;
    found.embedding_top = arg_max(direct);
    found.attention_top = arg_max(rest);
    found.top = arg_max(entering);
    return;
  }
  std::array<std::vector<double>, kMixParts> part = {
      project(embedding, 1), project(block.attention_sum + sequence.first * d, 2),
      project(block.expert_sum + sequence.first * d, 3)};
  const double squared = kernels::squared_norm(block.residual_pre + row * d, d);
  const double scale =
      1 / std::sqrt(squared / static_cast<double>(d) + static_cast<double>(view.norm_epsilon));
  const bool sigmoid = view.spec->score == gate::Score::sigmoid;
  double norms = 0;
  for (size_t p = 0; p < kMixParts; ++p) {
    for (size_t e = 0; e < experts; ++e) {
      const double z = static_cast<double>(block.router_logits[row * experts + e]);
      part[p][e] *= scale * (sigmoid ? sigmoid_slope(z) : 1.0);
    }
    centre(part[p]);
    norms += norm(part[p]);
  }
  found.embedding_norm = norm(part[kEmbedding]);
  found.attention_norm = norm(part[kAttention]);
  if (norms > 0) found.ratio = found.attention_norm / norms;
  found.embedding_top = arg_max(part[kEmbedding]);
  found.attention_top = arg_max(part[kAttention]);
  found.top = block.ranked[row * (k + 1)];
}

}  // namespace rg::experiments
