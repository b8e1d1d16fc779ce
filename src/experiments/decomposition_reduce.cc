// The sums of one layer's windows turned into the per-window values of the artifact.
#include <algorithm>

#include "experiments/decomposition_state.h"

namespace rg::experiments {

void Decomposition::end_layer(const tap::LayerView&, size_t slot) {
  DecompositionRecord::Layer& layer = record_.layers[slot];
  const auto total = [&](std::vector<uint64_t> WorkerState::*counts) {
    std::vector<uint64_t> sum(experts_, 0);
    for (const WorkerState& worker : workers_) {
      for (uint32_t e = 0; e < experts_; ++e) sum[e] += (worker.*counts)[e];
    }
    return sum;
  };
  layer.expert_counts = total(&WorkerState::expert_counts);
  layer.embedding_top1 = total(&WorkerState::embedding_top1);
  layer.rest_top1 = total(&WorkerState::rest_top1);
  layer.embedding_topk = total(&WorkerState::embedding_topk);
  layer.rest_topk = total(&WorkerState::rest_topk);
  double squares = 0, defined = 0;
  for (const uint64_t count : layer.expert_counts) {
    const auto c = static_cast<double>(count);
    squares += c * c;
    defined += c;
  }
  defined /= k_;
  if (defined > 0) layer.val_empty = squares / (k_ * (defined * defined));

  // Corpus means of the centred contributions, then the sums without them.
  std::vector<double> mean(parts() * experts_, 0.0), mean_total(experts_, 0.0);
  for (const WindowState& window : window_) {
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += window.sums[i];
    if (window.ratio >= layer.ratio) {
      layer.ratio = window.ratio;
      layer.scale = window.scale;
    }
    layer.max_error = std::max(layer.max_error, window.max_error);
  }
  for (size_t i = 0; i < mean.size(); ++i) {
    mean[i] /= std::max(defined, 1.0);
    mean_total[i % experts_] += mean[i];
  }
  for (size_t w = 0; w < windows_; ++w) {
    const WindowState& sums = window_[w];
    if (sums.defined == 0) continue;
    double den = sums.den;
    std::vector<double> total_sum(experts_, 0.0);
    for (size_t i = 0; i < sums.sums.size(); ++i) total_sum[i % experts_] += sums.sums[i];
    for (uint32_t i = 0; i < experts_; ++i) {
      den += sums.defined * mean_total[i] * mean_total[i] - 2 * mean_total[i] * total_sum[i];
    }
    for (size_t p = 0; p < parts(); ++p) {
      double num = sums.num[p];
      for (uint32_t i = 0; i < experts_; ++i) {
        const double m = mean[p * experts_ + i];
        num += sums.defined * m * mean_total[i] - m * total_sum[i] -
               sums.sums[p * experts_ + i] * mean_total[i];
      }
      record_.signed_num[p].set(slot, w, sums.num[p]);
      record_.signed_num_varying[p].set(slot, w, num);
      record_.margin_part[p].set(slot, w, sums.margin[p] / sums.defined);
      if (sums.share_tokens > 0) {
        record_.norm_share[p].set(slot, w, sums.norm_share[p] / sums.share_tokens);
      }
    }
    record_.signed_den.set(slot, w, sums.den);
    record_.signed_den_varying.set(slot, w, den);
    record_.margin_total.set(slot, w, sums.margin_total / sums.defined);
    for (const Subset subset : kProperSubsets) {
      record_.val[subset].set(slot, w,
                              (static_cast<double>(sums.kept[subset]) / k_ +
                               static_cast<double>(sums.emptied[subset]) * layer.val_empty) /
                                  sums.defined);
    }
    for (Subset subset = kNone; subset < kAll; ++subset) {
      record_.val_mean_replaced[subset].set(
          slot, w, static_cast<double>(sums.kept_replaced[subset]) / (k_ * sums.defined));
    }
    record_.agreement_positions.at(slot, w) = static_cast<uint64_t>(sums.agreement_tokens);
    if (sums.agreement_tokens > 0) {
      record_.agreement_top1.set(slot, w, static_cast<double>(sums.top1) / sums.agreement_tokens);
      record_.agreement_topk.set(slot, w,
                                 static_cast<double>(sums.topk) / (k_ * sums.agreement_tokens));
    }
  }
}

}  // namespace rg::experiments
