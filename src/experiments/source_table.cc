#include "experiments/source_table.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "base/random.h"
#include "experiments/centred.h"
#include "experiments/parts.h"
#include "kernels/elementwise.h"

namespace rg::experiments {

NullShareRecord::NullShareRecord(size_t layers, size_t windows) : Record(layers, windows) {
  const char* const reason = "no position of the window defines it, or the value is not finite";
  column(share, {"null_share",
                 "attention's norm share under a router of random directions, mean over sampled "
                 "positions",
                 reason});
  column(signed_num,
         {"null_signed_num",
          "inner product of attention's contributions with all parts', summed over sampled "
          "positions, under a router of random directions",
          reason});
  column(signed_den,
         {"null_signed_den",
          "squared norm of all parts' contributions, summed over sampled positions, under a "
          "router of random directions",
          reason});
}

SourceTable::SourceTable(const Setting& setting, uint32_t positions_per_window)
    : setting_(setting),
      per_window_(std::min(positions_per_window, setting.seq_len - 1)),
      experts_(setting.spec.experts),
      samples_(setting.windows->sequences() * per_window_),
      attention_sum_(samples_ * setting.width),
      expert_sum_(samples_ * setting.width),
      scale_(samples_, kNaN),
      logits_(samples_ * experts_),
      rows_(setting.layers.size()),
      null_(setting.layers.size(), setting.windows->sequences()) {
  for (uint32_t w = 0; w < setting.windows->sequences(); ++w) {
    auto drawn = draw_subset(setting.seq_len - 1, per_window_, setting.seed,
                             Purpose::sampled_positions, w, 0);
    std::sort(drawn.begin(), drawn.end());
    position_.insert(position_.end(), drawn.begin(), drawn.end());
  }
  for (const int layer : setting.moe_layers) {
    layers_[layer] = {std::vector<float>(samples_ * setting.width),
                      std::vector<float>(samples_ * setting.width)};
  }
}

uint64_t SourceTable::bytes() const {
  return samples_ * (setting_.width * (2 * layers_.size() + 2) + experts_ * 8) * sizeof(float) +
         null_.bytes();
}

void SourceTable::on_gate(const tap::LayerView& view, const tap::GateBlock& block,
                          const SequenceRows& window) {
  const size_t d = view.width;
  Layer& layer = layers_.at(view.layer);
  for (uint32_t i = 0; i < per_window_; ++i) {
    const size_t sample = window.sequence * per_window_ + i;
    const size_t row = window.first + position_[sample];
    std::copy_n(block.attention_out + row * d, d, layer.attention.data() + sample * d);
    std::copy_n(block.attention_sum + row * d, d, attention_sum_.data() + sample * d);
    std::copy_n(block.expert_sum + row * d, d, expert_sum_.data() + sample * d);
    std::copy_n(block.router_logits + row * experts_, experts_, logits_.data() + sample * experts_);
    const double squared = kernels::squared_norm(block.residual_pre + row * d, d);
    scale_[sample] = std::isfinite(block.margins[row])
                         ? 1 / std::sqrt(squared / static_cast<double>(d) +
                                         static_cast<double>(view.norm_epsilon))
                         : kNaN;
  }
}

void SourceTable::on_update(const tap::LayerView& view, const tap::UpdateBlock& block,
                            const SequenceRows& window) {
  const size_t d = view.width;
  Layer& layer = layers_.at(view.layer);
  for (uint32_t i = 0; i < per_window_; ++i) {
    const size_t sample = window.sequence * per_window_ + i;
    std::copy_n(block.update + (window.first + position_[sample]) * d, d,
                layer.update.data() + sample * d);
  }
}

const float* SourceTable::embedding(const tap::LayerView& view, size_t sample) const {
  const size_t row = sample / per_window_ * setting_.seq_len + position_[sample];
  return view.embeddings->row(setting_.windows->ids[row]);
}

// Samples are multiplied in groups of seq_len rows, always grouped the same way.
void SourceTable::project(const tap::LayerView& view, const RowSource& source, const float* signs,
                          std::vector<float>& out, Scratch& scratch) const {
  const size_t d = view.width, group_rows = setting_.seq_len;
  const size_t groups = (samples_ + group_rows - 1) / group_rows;
  out.resize(groups * group_rows * experts_);
  parallel_for(groups, view.threads, [&](size_t group, int worker) {
    float* rows = scratch.buffer(worker, 0);
    for (size_t i = 0; i < group_rows; ++i) {
      const size_t sample = group * group_rows + i;
      if (sample >= samples_) {
        std::fill_n(rows + i * d, d, 0.0f);
        continue;
      }
      const float* in = source(sample);
      for (size_t j = 0; j < d; ++j) {
        rows[i * d + j] = signs == nullptr ? in[j] : signs[j] * in[j];
      }
    }
    view.router->project_gained(rows, group_rows, out.data() + group * group_rows * experts_,
                                worker);
  });
}

void SourceTable::end_layer(const tap::LayerView& view, size_t slot, Scratch& scratch) {
  tabulate(view, slot, scratch);
  measure_null(view, slot, scratch);
}

void SourceTable::tabulate(const tap::LayerView& view, size_t slot, Scratch& scratch) {
  const size_t d = view.width;
  const bool sigmoid = view.spec->score == gate::Score::sigmoid;
  std::vector<float> projected, whole;
  // The parts sum to x, without the bias; the shares are relative to their projection.
  std::vector<double> total(samples_ * experts_, 0.0), part(experts_);
  const auto contribution = [&](size_t sample, std::span<double> v) {
    for (uint32_t e = 0; e < experts_; ++e) {
      const size_t at = sample * experts_ + e;
      const double slope = sigmoid ? sigmoid_slope(static_cast<double>(logits_[at])) : 1.0;
      v[e] = slope * (static_cast<double>(projected[at]) * scale_[sample]);
    }
    centre(v);
  };
  const auto add_total = [&](const RowSource& source) {
    project(view, source, nullptr, projected, scratch);
    for (size_t s = 0; s < samples_; ++s) {
      contribution(s, part);
      for (uint32_t e = 0; e < experts_; ++e) total[s * experts_ + e] += part[e];
    }
  };
  add_total([&](size_t s) { return embedding(view, s); });
  add_total([&](size_t s) { return attention_sum_.data() + s * d; });
  add_total([&](size_t s) { return expert_sum_.data() + s * d; });
  Row& row = rows_[slot];
  double den = 0;
  for (size_t s = 0; s < samples_; ++s) {
    if (std::isnan(scale_[s])) continue;
    ++row.positions;
    const std::span<const double> own(total.data() + s * experts_, experts_);
    den += inner(own, own);
  }
  const auto share = [&](const RowSource& source) {
    project(view, source, nullptr, projected, scratch);
    double num = 0;
    for (size_t s = 0; s < samples_; ++s) {
      if (std::isnan(scale_[s])) continue;
      contribution(s, part);
      num += inner(part, {total.data() + s * experts_, experts_});
    }
    return den > 0 ? num / den : kNaN;
  };
  row.embedding = share([&](size_t s) { return embedding(view, s); });
  row.attention.assign(static_cast<size_t>(view.layer) + 1, kNaN);
  row.experts.assign(static_cast<size_t>(view.layer), kNaN);
  for (const auto& [layer, kept] : layers_) {
    if (layer > view.layer) break;
    const auto at = static_cast<size_t>(layer);
    row.attention[at] = share([&](size_t s) { return kept.attention.data() + s * d; });
    if (layer < view.layer) {
      row.experts[at] = share([&](size_t s) { return kept.update.data() + s * d; });
    }
  }
}

// The router with a random sign per input coordinate: rows of the same norms, random directions.
void SourceTable::measure_null(const tap::LayerView& view, size_t slot, Scratch& scratch) {
  const size_t d = view.width;
  std::vector<float> signs(d);
  for (uint32_t j = 0; j < d; ++j) {
    const uint32_t drawn = draw_below(2, setting_.seed, Purpose::random_direction,
                                      {j, 0, static_cast<uint32_t>(view.layer)});
    signs[j] = drawn == 0 ? 1.0f : -1.0f;
  }
  std::array<std::vector<float>, kMixParts> projected;
  project(
      view, [&](size_t s) { return embedding(view, s); }, signs.data(), projected[kEmbedding],
      scratch);
  project(
      view, [&](size_t s) { return attention_sum_.data() + s * d; }, signs.data(),
      projected[kAttention], scratch);
  project(
      view, [&](size_t s) { return expert_sum_.data() + s * d; }, signs.data(), projected[kExperts],
      scratch);
  std::array<std::vector<double>, kMixParts> v;
  for (auto& part : v) part.resize(experts_);
  std::vector<double> total(experts_);
  for (size_t w = 0; w < setting_.windows->sequences(); ++w) {
    double shares = 0, counted = 0, num = 0, den = 0, defined = 0;
    for (size_t s = w * per_window_; s < (w + 1) * per_window_; ++s) {
      if (std::isnan(scale_[s])) continue;
      std::fill(total.begin(), total.end(), 0.0);
      double norms = 0;
      for (size_t p = 0; p < kMixParts; ++p) {
        for (uint32_t e = 0; e < experts_; ++e) {
          v[p][e] = static_cast<double>(projected[p][s * experts_ + e]) * scale_[s];
        }
        centre(v[p]);
        norms += std::sqrt(inner(v[p], v[p]));
        for (uint32_t e = 0; e < experts_; ++e) total[e] += v[p][e];
      }
      defined += 1;
      num += inner(v[kAttention], total);
      den += inner(total, total);
      if (norms > 0) {
        counted += 1;
        shares += std::sqrt(inner(v[kAttention], v[kAttention])) / norms;
      }
    }
    if (counted > 0) null_.share.set(slot, w, shares / counted);
    if (defined > 0) {
      null_.signed_num.set(slot, w, num);
      null_.signed_den.set(slot, w, den);
    }
  }
}

}  // namespace rg::experiments
