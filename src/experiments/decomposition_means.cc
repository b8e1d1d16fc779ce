// Statistic 4 with removed parts replaced by their corpus means, after these are known.
#include <algorithm>

#include "experiments/decomposition_state.h"
#include "kernels/elementwise.h"

namespace rg::experiments {

// Corpus means of the parts over all defined positions, in window order.
void Decomposition::on_gates_done(const tap::LayerView& view) {
  const size_t d = view.width;
  Means& means = *means_;
  double defined = 0;
  std::vector<double> uses(token_index_.distinct(), 0.0);
  for (size_t w = 0; w < windows_; ++w) {
    defined += window_[w].defined;
    for (uint32_t t = 0; t < positions_; ++t) {
      if (defined_[w * positions_ + t]) {
        uses[token_index_.of_row(w * setting_.seq_len + t)] += 1;
      }
    }
  }
  defined = std::max(defined, 1.0);
  std::vector<double> sum(d);
  for (size_t p = 0; p < kMixParts; ++p) {
    std::fill(sum.begin(), sum.end(), 0.0);
    if (p == kEmbedding) {
      for (uint32_t x = 0; x < token_index_.distinct(); ++x) {
        if (uses[x] == 0) continue;
        const float* row = view.embeddings->row(token_index_.id(x));
        for (size_t i = 0; i < d; ++i) sum[i] += uses[x] * static_cast<double>(row[i]);
      }
    } else {
      for (size_t w = 0; w < windows_; ++w) {
        const float* row = part_sums_.data() + (w * 2 + p - 1) * d;
        for (size_t i = 0; i < d; ++i) sum[i] += static_cast<double>(row[i]);
      }
    }
    means.part[p].resize(d);
    for (size_t i = 0; i < d; ++i) means.part[p][i] = static_cast<float>(sum[i] / defined);
    means.gained[p].resize(experts_);
    for (uint32_t i = 0; i < experts_; ++i) {
      double gained = 0;
      for (size_t w = 0; w < windows_; ++w) gained += window_[w].raw_sums[p * experts_ + i];
      means.gained[p][i] = static_cast<float>(gained / defined);
    }
  }
  for (size_t a = 0; a < kMixParts; ++a) {
    for (size_t b = a; b < kMixParts; ++b) {
      means.gram.set(a, b, kernels::dot(means.part[a].data(), means.part[b].data(), d));
    }
  }
  means.embedding_attention.resize(token_index_.distinct());
  means.embedding_experts.resize(token_index_.distinct());
  for (uint32_t x = 0; x < token_index_.distinct(); ++x) {
    const float* row = view.embeddings->row(token_index_.id(x));
    means.embedding_attention[x] = kernels::dot(row, means.part[kAttention].data(), d);
    means.embedding_experts[x] = kernels::dot(row, means.part[kExperts].data(), d);
  }
  // With all parts, or all but the embedding, replaced by means, the choice depends only on the id.
  WorkerState own;
  own.mixed.resize(experts_);
  const float *attention = means.gained[kAttention].data(),
              *experts = means.gained[kExperts].data();
  means.none_top.resize(k_);
  choose(view, {means.gained[kEmbedding].data(), attention, experts},
         inverse_rms(means.gram.squared_norm(kAll), d, view.norm_epsilon), own, means.none_top);
  means.embedding_top.resize(size_t{token_index_.distinct()} * k_);
  for (uint32_t x = 0; x < token_index_.distinct(); ++x) {
    const double squared = projections_.squared_norm(x) +
                           means.gram.squared_norm(only(kAttention) | only(kExperts)) +
                           2 * (means.embedding_attention[x] + means.embedding_experts[x]);
    choose(view, {projections_.gained(x), attention, experts},
           inverse_rms(std::max(squared, 0.0), d, view.norm_epsilon), own,
           {means.embedding_top.data() + size_t{x} * k_, k_});
  }
}

void Decomposition::on_update(const tap::LayerView& view, const tap::UpdateBlock& block,
                              const SequenceRows& window) {
  const Means& means = *means_;
  const size_t d = view.width, w = window.sequence;
  WindowState& sums = window_[w];
  WorkerState& worker = workers_[static_cast<size_t>(block.worker)];
  for (uint32_t t = 0; t < positions_; ++t) {
    if (!defined_[w * positions_ + t]) continue;
    const size_t row = window.first + t, row_in_set = window.first_in_set + t;
    const uint32_t token = token_index_.of_row(row_in_set);
    const float* a = block.attention_sum + row * d;
    const float* m = block.expert_sum + row * d;
    // cross[p][q] = part p . mean of part q
    std::array<std::array<double, kMixParts>, kMixParts> cross{};
    cross[kEmbedding][kAttention] = means.embedding_attention[token];
    cross[kEmbedding][kExperts] = means.embedding_experts[token];
    cross[kAttention][kEmbedding] = kernels::dot(a, means.part[kEmbedding].data(), d);
    cross[kAttention][kExperts] = kernels::dot(a, means.part[kExperts].data(), d);
    cross[kExperts][kEmbedding] = kernels::dot(m, means.part[kEmbedding].data(), d);
    cross[kExperts][kAttention] = kernels::dot(m, means.part[kAttention].data(), d);
    const std::array<const float*, kMixParts> own = {projections_.gained(token),
                                                     stored(row_in_set, 0), stored(row_in_set, 1)};
    const Gram& gram = gram_[w * positions_ + t];
    const int32_t* ranked = block.ranked + row * (k_ + 1);
    uint8_t* member = worker.member.data();
    for (uint32_t i = 0; i < k_; ++i) member[ranked[i]] = 1;
    for (Subset subset = kNone; subset < kAll; ++subset) {
      const int32_t* top = worker.top[0].data();
      if (subset == kNone) {
        top = means.none_top.data();
      } else if (subset == only(kEmbedding)) {
        top = means.embedding_top.data() + size_t{token} * k_;
      } else {
        double squared = gram.squared_norm(subset) + means.gram.squared_norm(kAll & ~subset);
        std::array<const float*, kMixParts> mixed;
        for (size_t p = 0; p < kMixParts; ++p) {
          mixed[p] = holds(subset, p) ? own[p] : means.gained[p].data();
          for (size_t q = 0; q < kMixParts; ++q) {
            if (holds(subset, p) && !holds(subset, q)) squared += 2 * cross[p][q];
          }
        }
        choose(view, mixed, inverse_rms(std::max(squared, 0.0), d, view.norm_epsilon), worker,
               worker.top[0]);
      }
      sums.kept_replaced[subset] += count_members(member, top, k_);
    }
    for (uint32_t i = 0; i < k_; ++i) member[ranked[i]] = 0;
  }
}

}  // namespace rg::experiments
