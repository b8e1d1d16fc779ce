#include "experiments/theorem_slack_sample.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "experiments/common.h"
#include "experiments/kv_view.h"

namespace rg::experiments {
namespace {

constexpr float kLargestValue = 1e30f;

slack::Tensor as_tensor(const float* from, size_t rows, size_t columns) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const Floats>(from, static_cast<Eigen::Index>(rows),
                                  static_cast<Eigen::Index>(columns))
      .cast<double>();
}

// Columns in the order of planes, then those without one.
slack::Tensor in_planes(const slack::Tensor& rows, const std::vector<uint32_t>& columns) {
  slack::Tensor out(rows.rows(), rows.cols());
  for (size_t j = 0; j < columns.size(); ++j) {
    out.col(static_cast<Eigen::Index>(j)) = rows.col(columns[j]);
  }
  return out;
}

bool all_within(const Buffer<float>& values) {
  return std::all_of(values.data(), values.data() + values.size(),
                     [](float value) { return std::abs(value) <= kLargestValue; });
}

bool all_finite(const Buffer<float>& values) {
  return std::all_of(values.data(), values.data() + values.size(),
                     [](float value) { return std::isfinite(value); });
}

// Copies row `row` of (rows, heads * width) to row `to` of (heads, to_rows, width).
void copy_heads(const float* from, size_t row, uint32_t heads, uint32_t width, size_t to,
                size_t to_rows, Buffer<float>& out) {
  for (uint32_t h = 0; h < heads; ++h) {
    std::copy_n(from + (row * heads + h) * width, width,
                out.data() + (size_t{h} * to_rows + to) * width);
  }
}

}  // namespace

SlackChoice choose_contexts(uint32_t windows, uint32_t seq_len, uint32_t contexts,
                            uint32_t positions, uint32_t queries, uint64_t seed) {
  SlackChoice out;
  const uint32_t count = std::min(contexts, windows);
  // j = windows: no window has this number, so that no counter of sampled keys is used twice.
  out.chosen = draw_subset(windows, count, seed, Purpose::key_positions, windows, 0);
  std::sort(out.chosen.begin(), out.chosen.end());
  out.contexts = {
      .contexts = count, .positions = std::min(positions, seq_len), .query_positions = {}};
  const uint32_t last = out.contexts.positions - 1, asked = std::min(queries, last);
  for (uint32_t i = asked; i-- > 0;) {
    out.contexts.query_positions.push_back(last - i * last / asked);
  }
  return out;
}

slack::KeyFacts key_facts(const tap::KeyView& view, bool before_rope, uint32_t seq_len) {
  slack::KeyFacts out{.heads = view.heads,
                      .kv_heads = view.kv_heads,
                      .key_width = view.key_width,
                      .before_rope = before_rope,
                      .rotary = {.frequencies = {}, .unrotated = view.key_width},
                      .columns = {},
                      .window = view.window};
  const keys::RotaryPlanes rotary = kv_planes(view, seq_len);
  out.rotary.frequencies = Eigen::Map<const slack::Vector>(
      rotary.frequencies.data(), static_cast<Eigen::Index>(rotary.frequencies.size()));
  for (const auto& pair : rotary.pairs) {
    out.columns.insert(out.columns.end(), pair.begin(), pair.end());
  }
  const std::vector<uint32_t> unrotated = rotary.unrotated(view.key_width);
  out.columns.insert(out.columns.end(), unrotated.begin(), unrotated.end());
  out.rotary.unrotated = static_cast<Eigen::Index>(unrotated.size());
  return out;
}

slack::GateFacts gate_facts(const gate::GateSpec& spec) {
  const bool plain = !spec.selection_bias && !spec.ids_from_table && spec.groups == 1u;
  return {.experts = spec.experts,
          .top_k = spec.top_k,
          .plain = plain,
          .full_softmax = spec.score == gate::Score::softmax && spec.weigh == gate::Weigh::scores &&
                          spec.normalise == gate::Normalise::no && !spec.per_expert_scale,
          .logit_bias = spec.logit_bias,
          .finite = true};
}

SlackSample::SlackSample(SlackChoice choice) : choice_(std::move(choice)) {
  if (choice_.chosen.empty()) return;
  context_of_window_.assign(choice_.chosen.back() + 1, -1);
  for (size_t i = 0; i < choice_.chosen.size(); ++i) {
    context_of_window_[choice_.chosen[i]] = static_cast<int>(i);
  }
}

uint64_t SlackSample::index_bytes() const { return context_of_window_.size() * sizeof(int); }

void SlackSample::begin_gate(const tap::LayerView& view) {
  const size_t rows = choice_.contexts.rows(), tokens = choice_.contexts.tokens();
  width_ = view.width;
  experts_ = view.spec->experts;
  top_k_ = view.spec->top_k;
  logits_ = Buffer<float>(rows * experts_);
  inputs_ = Buffer<float>(tokens * width_);
  inputs_before_ = Buffer<float>(tokens * width_);
  last_output_ = Buffer<float>(tokens * width_);
  next_output_ = Buffer<float>(tokens * width_);
  std::fill_n(last_output_.data(), last_output_.size(), 0.0f);
  std::fill_n(next_output_.data(), next_output_.size(), 0.0f);
  routes_.assign(rows, {});
  last_.assign(tokens, -1);
  next_.assign(tokens, -1);
}

void SlackSample::begin_keys(const tap::KeyView& view) {
  const slack::Contexts& sample = choice_.contexts;
  heads_ = view.heads;
  kv_heads_ = view.kv_heads;
  key_width_ = view.key_width;
  value_width_ = view.value_width;
  query_scale_ = static_cast<double>(view.scale) * std::sqrt(static_cast<double>(key_width_));
  // Latent attention forms no keys before RoPE.
  before_rope_ = view.latent_width == 0;
  keys_ = Buffer<float>(size_t{sample.rows()} * kv_heads_ * key_width_);
  values_ = Buffer<float>(size_t{sample.rows()} * kv_heads_ * value_width_);
  queries_ = Buffer<float>(size_t{sample.tokens()} * heads_ * key_width_);
  if (!before_rope_) return;
  early_keys_ = Buffer<float>(size_t{sample.positions} * kv_heads_ * key_width_);
  early_queries_ = Buffer<float>(sample.query_positions.size() * heads_ * key_width_);
}

template <typename OnRow, typename OnQuery>
void SlackSample::for_each_sampled(const tap::Block& block, const OnRow& on_row,
                                   const OnQuery& on_query) const {
  const slack::Contexts& sample = choice_.contexts;
  const size_t queries = sample.query_positions.size();
  for_each_sequence(block, [&](const SequenceRows& window) {
    if (window.sequence >= context_of_window_.size()) return;
    const int found = context_of(window.sequence);
    if (found < 0) return;
    const auto context = static_cast<size_t>(found);
    const auto sampled = [&](size_t number, size_t position, size_t each) {
      return Sampled{.context = context,
                     .number = number,
                     .from = window.first + position,
                     .in_set = window.first_in_set + position,
                     .to = context * each + number};
    };
    for (size_t p = 0; p < sample.positions; ++p) on_row(sampled(p, p, sample.positions));
    for (size_t i = 0; i < queries; ++i) {
      on_query(sampled(i, sample.query_positions[i], queries));
    }
  });
}

void SlackSample::add_keys(const tap::KeyView&, const tap::KeyBlock& block) {
  const slack::Contexts& sample = choice_.contexts;
  const size_t rows = sample.rows(), tokens = sample.tokens();
  const auto on_row = [&](const Sampled& row) {
    copy_heads(block.keys.scored, row.from, kv_heads_, key_width_, row.to, rows, keys_);
    copy_heads(block.values, row.from, kv_heads_, value_width_, row.to, rows, values_);
    if (row.context > 0 || !before_rope_) return;
    copy_heads(block.keys.normed, row.from, kv_heads_, key_width_, row.number, sample.positions,
               early_keys_);
  };
  const auto on_query = [&](const Sampled& query) {
    copy_heads(block.queries.scored, query.from, heads_, key_width_, query.to, tokens, queries_);
    if (query.context > 0 || !before_rope_) return;
    copy_heads(block.queries.normed, query.from, heads_, key_width_, query.number,
               sample.query_positions.size(), early_queries_);
  };
  for_each_sampled(block, on_row, on_query);
}

void SlackSample::add_gate(const tap::LayerView&, const tap::GateBlock& block) {
  const auto on_row = [&](const Sampled& row) {
    std::copy_n(block.router_logits + row.from * experts_, experts_,
                logits_.data() + row.to * experts_);
    const int32_t* const ranked = block.ranked + row.from * (top_k_ + 1);
    routes_[row.to].assign(ranked, ranked + top_k_);
  };
  const auto on_query = [&](const Sampled& query) {
    const size_t token = query.to;
    std::copy_n(block.gate_input + query.from * width_, width_, inputs_.data() + token * width_);
    std::copy_n(block.gate_input + (query.from - 1) * width_, width_,
                inputs_before_.data() + token * width_);
    const int32_t* const ranked = block.ranked + query.from * (top_k_ + 1);
    const int32_t wanted[] = {ranked[top_k_ - 1], ranked[top_k_]};
    if (wanted[0] < 0 || wanted[1] < 0) return;
    last_[token] = wanted[0];
    next_[token] = wanted[1];
    block.requests->add(query.in_set, wanted);
  };
  for_each_sampled(block, on_row, on_query);
}

void SlackSample::add_outputs(const tap::ExpertOutputs& answer) {
  const slack::Contexts& sample = choice_.contexts;
  const uint32_t length = answer.set->lengths.front();  // windows are of one length
  const auto context = static_cast<size_t>(context_of(answer.row / length));
  const auto position = static_cast<uint32_t>(answer.row % length);
  const auto at = std::find(sample.query_positions.begin(), sample.query_positions.end(), position);
  const size_t token = context * sample.query_positions.size() +
                       static_cast<size_t>(at - sample.query_positions.begin());
  std::copy_n(answer.outputs, width_, last_output_.data() + token * width_);
  std::copy_n(answer.outputs + width_, width_, next_output_.data() + token * width_);
}

void SlackSample::release() {
  keys_ = {};
  values_ = {};
  queries_ = {};
  early_keys_ = {};
  early_queries_ = {};
  logits_ = {};
  inputs_ = {};
  inputs_before_ = {};
  last_output_ = {};
  next_output_ = {};
  routes_ = {};
}

bool SlackSample::usable_keys() const {
  return all_within(keys_) && all_within(values_) && all_within(queries_) &&
         all_within(early_keys_) && all_within(early_queries_);
}

bool SlackSample::finite_gate() const {
  return all_finite(logits_) && all_finite(inputs_) && all_finite(inputs_before_) &&
         all_finite(last_output_) && all_finite(next_output_);
}

slack::HeadSample SlackSample::head(const slack::LayerFacts& layer, uint32_t head,
                                    const slack::GateSample& gate) const {
  const slack::Contexts& sample = choice_.contexts;
  const size_t rows = sample.rows(), tokens = sample.tokens(), d = key_width_;
  const size_t queries = sample.query_positions.size();
  slack::HeadSample out{
      .layer = &layer,
      .head = head,
      .keys = as_tensor(keys_.data() + head * rows * d, rows, d),
      .values = as_tensor(values_.data() + head * rows * value_width_, rows, value_width_),
      .queries = {},
      .early_keys = {},
      .early_queries = {},
      .routes = &gate.routes,
      .logits = &gate.logits};
  const std::vector<uint32_t>& columns = layer.keys->columns;
  if (before_rope_) {
    out.early_keys = in_planes(
        as_tensor(early_keys_.data() + head * sample.positions * d, sample.positions, d), columns);
  }
  const uint32_t group = layer.keys->group();
  for (uint32_t h = head * group; h < (head + 1) * group; ++h) {
    out.queries.push_back(query_scale_ * as_tensor(queries_.data() + h * tokens * d, tokens, d));
    if (!before_rope_) continue;
    out.early_queries.push_back(in_planes(
        query_scale_ * as_tensor(early_queries_.data() + h * queries * d, queries, d), columns));
  }
  return out;
}

slack::GateSample SlackSample::gate(const slack::LayerFacts& layer,
                                    const tap::LayerView& view) const {
  const size_t rows = choice_.contexts.rows(), tokens = choice_.contexts.tokens();
  slack::GateSample out{.layer = &layer,
                        .logits = as_tensor(logits_.data(), rows, experts_),
                        .routes = {},
                        .router = as_tensor(view.router_weight.data(), experts_, width_),
                        .inputs = as_tensor(inputs_.data(), tokens, width_),
                        .inputs_before = as_tensor(inputs_before_.data(), tokens, width_),
                        .last_output = as_tensor(last_output_.data(), tokens, width_),
                        .next_output = as_tensor(next_output_.data(), tokens, width_),
                        .last = last_,
                        .next = next_};
  for (const std::vector<int32_t>& route : routes_) {
    theorems::Set set(route.begin(), route.end());
    std::sort(set.begin(), set.end());
    out.routes.push_back(std::move(set));
  }
  return out;
}

}  // namespace rg::experiments
