#include "experiments/decomposition.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "experiments/centred.h"
#include "experiments/decomposition_state.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

// out = (a + b + c) * scale + bias in fp64, each operation rounded, then once to fp32. Lanes don't
// mix, so every width gives the same bits.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#endif
void mix(const float* __restrict a, const float* __restrict b, const float* __restrict c,
         double scale, const float* __restrict bias, float* __restrict out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const double z =
        static_cast<double>(a[i]) + static_cast<double>(b[i]) + static_cast<double>(c[i]);
    out[i] = static_cast<float>(z * scale + static_cast<double>(bias[i]));
  }
}

}  // namespace

DecompositionRecord::DecompositionRecord(size_t layer_count, size_t windows, size_t experts,
                                         size_t parts)
    : Record(layer_count, windows), layers(layer_count) {
  const char* const reason = "no position of the window defines it, or the value is not finite";
  const auto list = [&](WindowValues& values, const std::string& path, const char* title) {
    column(values, {path, title, reason});
  };
  const auto by_part = [&](std::array<WindowValues, kMaxParts>& values, const std::string& path,
                           const char* title) {
    for (size_t p = 0; p < parts; ++p) list(values[p], path + "." + kPartNames[p], title);
  };
  by_part(norm_share, "norm_share", "share of the contributions' norms, mean over positions");
  by_part(signed_num, "signed_num",
          "inner product of the part's contributions with all parts', summed over positions");
  by_part(signed_num_varying, "signed_num_varying", "signed_num without each expert's corpus mean");
  list(signed_den, "signed_den", "squared norm of all parts' contributions, summed over positions");
  list(signed_den_varying, "signed_den_varying", "signed_den without each expert's corpus mean");
  by_part(margin_part, "margin_part",
          "part of the gap between the k-th score and the next, mean over positions");
  list(margin_total, "margin_total",
       "gap between the k-th score and the next, mean over positions");
  for (const Subset subset : kProperSubsets) {
    list(val[subset], std::string("val.") + kSubsetNames[subset],
         "share of the selected set that is kept when the gate sees only these parts");
  }
  constexpr std::array<Subset, 7> kWithNone = {0, 1, 2, 4, 3, 5, 6};
  for (const Subset subset : kWithNone) {
    list(val_mean_replaced[subset], std::string("val_mean_replaced.") + kSubsetNames[subset],
         "share of the selected set that is kept when corpus means replace the other parts");
  }
  list(agreement_top1, "agreement_top1",
       "share of positions where the embedding alone and the rest alone have one first choice");
  list(agreement_topk, "agreement_topk",
       "share of the selected set on which the embedding alone and the rest alone agree");
  column(agreement_positions,
         {"agreement_positions", "positions where neither the embedding nor the rest is zero", ""});
  list(published_ratio, "published_ratio",
       "share of the raw projection's norm that is not the embedding's, mean over positions");
  column(undefined, {"n_undefined", "positions whose margin is not finite", ""});
  for (Layer& layer : layers) {
    for (auto* counts : {&layer.expert_counts, &layer.embedding_top1, &layer.rest_top1,
                         &layer.embedding_topk, &layer.rest_topk}) {
      keep(*counts, experts, uint64_t{0});
    }
  }
}

Decomposition::Decomposition(const Setting& setting, const TokenIndex& tokens, size_t layers)
    : setting_(setting),
      token_index_(tokens),
      projections_(tokens, setting.spec.experts, setting.seq_len),
      experts_(setting.spec.experts),
      k_(setting.spec.top_k),
      positions_(setting.seq_len - 1),
      windows_(setting.windows->sequences()),
      has_bias_(setting.spec.logit_bias || setting.spec.selection_bias),
      record_(layers, windows_, experts_, parts()),
      logit_bias_(experts_, 0.0f),
      zeros_(experts_, 0.0f),
      gained_(setting.windows->rows() * 2 * experts_),
      gram_(windows_ * positions_),
      defined_(windows_ * positions_),
      part_sums_(windows_ * 2 * setting.width),
      window_(windows_),
      means_(std::make_unique<Means>()) {}

Decomposition::~Decomposition() = default;

uint64_t Decomposition::bytes() const {
  return projections_.bytes() + gained_.size() * sizeof(float) + gram_.size() * sizeof(Gram) +
         defined_.size() + part_sums_.size() * sizeof(float) +
         windows_ * ((parts() + kMixParts) * experts_ * sizeof(double) + sizeof(WindowState)) +
         // What the embedding alone selects, and the mean parts' share in it, by token id.
         uint64_t{token_index_.distinct()} * (2 * k_ * sizeof(int32_t) + 2 * sizeof(double)) +
         record_.bytes();
}

float* Decomposition::stored(size_t row, size_t which) {
  return gained_.data() + (row * 2 + which) * experts_;
}

void Decomposition::begin_layer(const tap::LayerView& view, Scratch& scratch) {
  projections_.compute(view, scratch);
  if (setting_.spec.logit_bias) {  // the gate's answer to nothing is its bias
    float* rows = scratch.buffer(0, 0);
    std::fill_n(rows, size_t{setting_.seq_len} * view.width, 0.0f);
    view.router->logits_of_residual(rows, setting_.seq_len, scratch.buffer(0, 1), 0);
    std::copy_n(scratch.buffer(0, 1), experts_, logit_bias_.begin());
  }
  std::fill(part_sums_.begin(), part_sums_.end(), 0.0f);
  for (WindowState& window : window_) {
    std::vector<double> sums = std::move(window.sums), raw = std::move(window.raw_sums);
    window = WindowState{};
    window.sums = std::move(sums);
    window.raw_sums = std::move(raw);
    window.sums.assign(parts() * experts_, 0.0);
    window.raw_sums.assign(kMixParts * experts_, 0.0);
  }
  workers_.resize(static_cast<size_t>(view.threads));
  for (WorkerState& worker : workers_) {
    for (auto* counts : {&worker.expert_counts, &worker.embedding_top1, &worker.rest_top1,
                         &worker.embedding_topk, &worker.rest_topk}) {
      counts->assign(experts_, 0);
    }
    worker.v.resize(parts() * experts_);
    worker.total.resize(experts_);
    worker.mixed.resize(experts_);
    worker.member.assign(experts_, 0);
    for (auto& top : worker.top) top.resize(k_);
  }
  // The selection from the embedding alone depends only on the token id.
  constexpr size_t kChunk = 256;
  embedding_top_.resize(size_t{token_index_.distinct()} * k_);
  parallel_for(
      (token_index_.distinct() + kChunk - 1) / kChunk, view.threads, [&](size_t chunk, int worker) {
        const size_t end = std::min<size_t>((chunk + 1) * kChunk, token_index_.distinct());
        for (size_t x = chunk * kChunk; x < end; ++x) {
          const auto token = static_cast<uint32_t>(x);
          const double scale =
              inverse_rms(projections_.squared_norm(token), view.width, view.norm_epsilon);
          choose(view, {projections_.gained(token), zeros_.data(), zeros_.data()}, scale,
                 workers_[static_cast<size_t>(worker)], {embedding_top_.data() + x * k_, k_});
        }
      });
}

void Decomposition::choose(const tap::LayerView& view,
                           const std::array<const float*, kMixParts>& gained, double scale,
                           WorkerState& worker, std::span<int32_t> top) const {
  mix(gained[0], gained[1], gained[2], scale, logit_bias_.data(), worker.mixed.data(), experts_);
  gate::select(*view.spec, worker.mixed, view.selection_bias, top);
}

void Decomposition::on_gate(const tap::LayerView& view, const tap::GateBlock& block,
                            const SequenceRows& window, size_t slot, Scratch& scratch) {
  const size_t d = view.width, w = window.sequence;
  WindowState& sums = window_[w];
  WorkerState& worker = workers_[static_cast<size_t>(block.worker)];
  const float* attention = block.attention_sum + window.first * d;
  const float* experts = block.expert_sum + window.first * d;
  float* attention_gained = scratch.buffer(block.worker, 1);
  float* experts_gained = scratch.buffer(block.worker, 2);
  float* entering = scratch.buffer(block.worker, 3);
  view.router->project_gained(attention, window.length, attention_gained, block.worker);
  view.router->project_gained(experts, window.length, experts_gained, block.worker);
  view.router->project_raw(block.residual_in + window.first * d, window.length, entering,
                           block.worker);
  double published = 0;
  for (uint32_t t = 0; t < positions_; ++t) {
    const size_t row = window.first + t, place = w * positions_ + t;
    const uint32_t token = token_index_.of_row(window.first_in_set + t);
    const float* a = attention + t * d;
    const float* m = experts + t * d;
    const float* raw = projections_.raw(token);
    double of_embedding = 0, of_rest = 0;
    for (uint32_t e = 0; e < experts_; ++e) {
      const double direct = static_cast<double>(raw[e]);
      const double rest = static_cast<double>(entering[t * experts_ + e]) - direct;
      of_embedding += direct * direct;
      of_rest += rest * rest;
    }
    of_embedding = std::sqrt(of_embedding);
    of_rest = std::sqrt(of_rest);
    published += of_embedding + of_rest > 0 ? of_rest / (of_embedding + of_rest) : 0.5;

    defined_[place] = std::isfinite(block.margins[row]);
    if (!defined_[place]) continue;
    sums.defined += 1;
    const std::array<const float*, kMixParts> gained = {projections_.gained(token),
                                                        attention_gained + size_t{t} * experts_,
                                                        experts_gained + size_t{t} * experts_};
    Gram& gram = gram_[place];
    const float* e = block.embedding[row];
    gram.set(kEmbedding, kEmbedding, projections_.squared_norm(token));
    gram.set(kAttention, kAttention, kernels::squared_norm(a, d));
    gram.set(kExperts, kExperts, kernels::squared_norm(m, d));
    gram.set(kEmbedding, kAttention, kernels::dot(e, a, d));
    gram.set(kEmbedding, kExperts, kernels::dot(e, m, d));
    gram.set(kAttention, kExperts, kernels::dot(a, m, d));

    const float* x = block.residual_pre + row * d;
    const double scale = inverse_rms(kernels::squared_norm(x, d), d, view.norm_epsilon);
    const int32_t* ranked = block.ranked + row * (k_ + 1);
    add_shares(view, sums, worker, gained, scale, block.router_logits + row * experts_,
               block.scores + row * experts_, ranked);
    find_subsets(view, sums, worker, gained, gram, ranked, token);

    std::copy_n(gained[kAttention], experts_, stored(window.first_in_set + t, 0));
    std::copy_n(gained[kExperts], experts_, stored(window.first_in_set + t, 1));
    kernels::add(a, d, part_sums_.data() + (w * 2 + 0) * d);
    kernels::add(m, d, part_sums_.data() + (w * 2 + 1) * d);
    for (size_t p = 0; p < kMixParts; ++p) {
      double* sum = sums.raw_sums.data() + p * experts_;
      for (uint32_t i = 0; i < experts_; ++i) sum[i] += static_cast<double>(gained[p][i]);
    }
    for (uint32_t i = 0; i < k_; ++i) ++worker.expert_counts[static_cast<size_t>(ranked[i])];
  }
  record_.published_ratio.set(slot, w, published / positions_);
  record_.undefined.at(slot, w) = positions_ - static_cast<uint64_t>(sums.defined);
}

// Statistics 1 to 3 at one position, and how well the parts add up to the score.
void Decomposition::add_shares(const tap::LayerView& view, WindowState& sums, WorkerState& worker,
                               const std::array<const float*, kMixParts>& gained, double scale,
                               const float* logits, const float* scores, const int32_t* ranked) {
  const bool sigmoid = view.spec->score == gate::Score::sigmoid;
  const auto n = static_cast<double>(experts_);
  double* const all = worker.v.data();
  double* const total = worker.total.data();
  double largest = 0, error = 0;
  for (uint32_t i = 0; i < experts_; ++i) {
    const double z = static_cast<double>(logits[i]);
    const double slope = sigmoid ? sigmoid_slope(z) : 1.0;
    double absolute = 0, sum = 0;
    for (size_t p = 0; p < kMixParts; ++p) {
      const double v = slope * (static_cast<double>(gained[p][i]) * scale);
      all[p * experts_ + i] = v;
      sum += v;
      absolute += std::fabs(v);
    }
    const double selection =
        view.spec->selection_bias ? static_cast<double>(view.selection_bias[i]) : 0.0;
    if (has_bias_) {
      const double v = slope * static_cast<double>(logit_bias_[i]) + selection;
      all[kBias * experts_ + i] = v;
      sum += v;
      absolute += std::fabs(v);
    }
    total[i] = sum;
    largest = std::max(largest, absolute);
    const double s = sigmoid ? static_cast<double>(scores[i]) - 0.5 : z + selection;
    if (std::isfinite(s)) error = std::max(error, std::fabs(sum - s));
  }
  const double ratio = largest > 0 ? error / largest : (error > 0 ? 1.0 : 0.0);
  sums.max_error = std::max(sums.max_error, error);
  if (ratio >= sums.ratio) {
    sums.ratio = ratio;
    sums.scale = largest;
  }

  const auto last = static_cast<size_t>(ranked[k_ - 1]), next = static_cast<size_t>(ranked[k_]);
  std::array<double, kMaxParts> norm{};
  double norms = 0, total_mean = 0;
  for (uint32_t i = 0; i < experts_; ++i) total_mean += total[i];
  total_mean /= n;
  for (uint32_t i = 0; i < experts_; ++i) total[i] -= total_mean;
  double total_margin = 0;
  for (size_t p = 0; p < parts(); ++p) {
    const double* v = all + p * experts_;
    const double margin = v[last] - v[next];
    sums.margin[p] += margin;
    total_margin += margin;
    double mean = 0, squares = 0, inner = 0;
    for (uint32_t i = 0; i < experts_; ++i) mean += v[i];
    mean /= n;
    double* sum = sums.sums.data() + p * experts_;
    for (uint32_t i = 0; i < experts_; ++i) {
      const double centred = v[i] - mean;
      squares += centred * centred;
      inner += centred * total[i];
      sum[i] += centred;
    }
    norm[p] = std::sqrt(squares);
    norms += norm[p];
    sums.num[p] += inner;
  }
  sums.margin_total += total_margin;
  double own = 0;
  for (uint32_t i = 0; i < experts_; ++i) own += total[i] * total[i];
  sums.den += own;
  if (norms > 0) {
    sums.share_tokens += 1;
    for (size_t p = 0; p < parts(); ++p) sums.norm_share[p] += norm[p] / norms;
  }
}

// Statistics 4 and 5: what the gate chooses from only some of the parts.
void Decomposition::find_subsets(const tap::LayerView& view, WindowState& sums, WorkerState& worker,
                                 const std::array<const float*, kMixParts>& gained,
                                 const Gram& gram, const int32_t* ranked, uint32_t token) {
  Subset present = kNone;
  for (size_t p = 0; p < kMixParts; ++p) {
    if (gram.of[p][p] > 0) present |= only(p);
  }
  std::array<const int32_t*, kSubsets> top{};
  top[only(kEmbedding)] = embedding_top_.data() + size_t{token} * k_;
  uint8_t* member = worker.member.data();
  for (uint32_t i = 0; i < k_; ++i) member[ranked[i]] = 1;
  for (const Subset subset : kProperSubsets) {
    const Subset effective = subset & present;  // zero parts are dropped
    if (effective == kNone) {
      ++sums.emptied[subset];
      continue;
    }
    if (top[effective] == nullptr) {
      std::array<const float*, kMixParts> kept = gained;
      for (size_t p = 0; p < kMixParts; ++p) {
        if (!holds(effective, p)) kept[p] = zeros_.data();
      }
      choose(view, kept, inverse_rms(gram.squared_norm(effective), view.width, view.norm_epsilon),
             worker, worker.top[effective]);
      top[effective] = worker.top[effective].data();
    }
    sums.kept[subset] += count_members(member, top[effective], k_);
  }
  for (uint32_t i = 0; i < k_; ++i) member[ranked[i]] = 0;

  const Subset rest = (only(kAttention) | only(kExperts)) & present;
  if (!holds(present, kEmbedding) || rest == kNone) return;
  const int32_t *by_embedding = top[only(kEmbedding)], *by_rest = top[rest];
  sums.agreement_tokens += 1;
  sums.top1 += by_embedding[0] == by_rest[0];
  sums.topk += gate::overlap({by_embedding, k_}, {by_rest, k_});
  ++worker.embedding_top1[static_cast<size_t>(by_embedding[0])];
  ++worker.rest_top1[static_cast<size_t>(by_rest[0])];
  for (uint32_t i = 0; i < k_; ++i) {
    ++worker.embedding_topk[static_cast<size_t>(by_embedding[i])];
    ++worker.rest_topk[static_cast<size_t>(by_rest[i])];
  }
}

}  // namespace rg::experiments
