#include "experiments/fake_engine.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <stdexcept>

#include "base/parallel.h"
#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::experiments::testing {
namespace {

std::vector<float> normals(uint64_t seed, size_t count, uint32_t j, uint32_t layer, double scale) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(scale * normal(seed, static_cast<uint32_t>(i), j, layer));
  }
  return values;
}

double inverse_rms(const float* x, size_t d) {
  double sum = 0;
  for (size_t i = 0; i < d; ++i) sum += double(x[i]) * double(x[i]);
  return 1 / std::sqrt(sum / double(d) + double(FakeModel::kEpsilon));
}

class FakeRouter : public tap::Router {
 public:
  FakeRouter(const FakeModel& model, int layer)
      : model_(model),
        weights_(model.weights(layer)),
        d_(model.shape.width),
        experts_(model.shape.experts) {}

  void project_raw(const float* in, size_t rows, float* out, int) const override {
    check(rows);
    for (size_t row = 0; row < rows; ++row) project(in + row * d_, nullptr, out + row * experts_);
  }
  void project_gained(const float* in, size_t rows, float* out, int) const override {
    check(rows);
    for (size_t row = 0; row < rows; ++row) {
      project(in + row * d_, weights_.gain.data(), out + row * experts_);
    }
  }
  void logits_of_residual(const float* in, size_t rows, float* out, int) const override {
    check(rows);
    std::vector<float> normed(d_);
    for (size_t row = 0; row < rows; ++row) {
      const double r = inverse_rms(in + row * d_, d_);
      for (size_t i = 0; i < d_; ++i) {
        normed[i] = float(double(in[row * d_ + i]) * r) * weights_.gain[i];
      }
      project(normed.data(), nullptr, out + row * experts_);
      for (size_t e = 0; e < experts_; ++e) {
        if (!weights_.logit_bias.empty()) out[row * experts_ + e] += weights_.logit_bias[e];
      }
    }
  }

 private:
  void project(const float* in, const float* gain, float* out) const {
    for (size_t e = 0; e < experts_; ++e) {
      double sum = 0;
      for (size_t i = 0; i < d_; ++i) {
        const float value = gain == nullptr ? in[i] : in[i] * gain[i];
        sum += double(weights_.router[e * d_ + i]) * double(value);
      }
      out[e] = float(sum);
    }
  }
  // The contract: as many rows as some sequence has.
  void check(size_t rows) const {
    for (const tap::SequenceSet& set : model_.sets) {
      if (std::count(set.lengths.begin(), set.lengths.end(), rows) > 0) return;
    }
    throw std::logic_error("rows that no sequence has");
  }

  const FakeModel& model_;
  const LayerWeights& weights_;
  const size_t d_, experts_;
};

class FakeEmbeddings : public tap::Embeddings {
 public:
  explicit FakeEmbeddings(const FakeModel& model) : model_(model) {}
  const float* row(int32_t id) const override { return model_.embedding(id); }

 private:
  const FakeModel& model_;
};

struct Requests : tap::OutputRequests {
  struct One {
    size_t row;
    std::vector<int32_t> experts;
  };
  void add(size_t row, std::span<const int32_t> experts) override {
    all.push_back({row, {experts.begin(), experts.end()}});
  }
  std::vector<One> all;
};

bool watches(const tap::Observer& observer, const tap::SequenceSet* set) {
  const auto sets = observer.sets();
  return std::find(sets.begin(), sets.end(), set) != sets.end();
}

void add_prompt(FakeModel& model, const std::string& text, const std::string& target,
                std::vector<int32_t> ids, uint32_t exact, uint32_t published) {
  model.prompts.push_back({text, target, exact, published});
  for (size_t s : {1u, 2u}) {
    model.sets[s].lengths.push_back(uint32_t(ids.size()));
    model.sets[s].ids.insert(model.sets[s].ids.end(), ids.begin(), ids.end());
  }
}

// The logits of one sequence's positions, in blocks of them.
void feed_sequence_logits(const FakeModel& model, std::span<tap::Observer* const> observers,
                          const Feeding& feeding, size_t set, size_t sequence, int worker) {
  const tap::SequenceSet& watched = model.sets[set];
  size_t first_row = 0;
  for (size_t s = 0; s < sequence; ++s) first_row += watched.lengths[s];
  const uint32_t length = watched.lengths[sequence];
  for (uint32_t first = 0; first < length; first += feeding.logit_rows) {
    const uint32_t rows = std::min(feeding.logit_rows, length - first);
    std::vector<float> logits, reference;
    for (size_t row = first_row + first; row < first_row + first + rows; ++row) {
      const std::vector<float> own = model.next_logits(set, row);
      logits.insert(logits.end(), own.begin(), own.end());
      if (!model.reference_logits) continue;
      const std::vector<float> other = model.reference_logits(set, row);
      reference.insert(reference.end(), other.begin(), other.end());
    }
    for (tap::Observer* observer : observers) {
      if (!observer->needs().logits || !watches(*observer, &watched)) continue;
      observer->on_logits({.set = &watched,
                           .sequence = sequence,
                           .first_position = first,
                           .rows = rows,
                           .vocabulary = model.shape.vocabulary,
                           .logits = logits.data(),
                           .reference_logits = reference.empty() ? nullptr : reference.data(),
                           .worker = worker});
    }
  }
}

void feed_logits(const FakeModel& model, std::span<tap::Observer* const> observers,
                 const Feeding& feeding) {
  for (size_t set = 0; set < model.sets.size(); ++set) {
    const size_t sequences = model.sets[set].sequences();
    parallel_for(sequences, feeding.threads, [&](size_t i, int worker) {
      const size_t sequence = feeding.backwards ? sequences - 1 - i : i;
      feed_sequence_logits(model, observers, feeding, set, sequence, worker);
    });
  }
}

tap::KeyView key_view(const FakeModel& model, const FakeKeys& attention, int layer, int threads) {
  tap::KeyView view{};
  view.layer = layer;
  view.mixer = "attention";
  view.width = model.shape.width;
  view.heads = attention.heads;
  view.kv_heads = attention.kv_heads;
  view.key_width = view.value_width = attention.width;
  view.norm = attention.norm;
  view.scale = 1;
  view.threads = threads;
  if (attention.frequencies.empty()) return view;
  tap::RotationView rotation{};
  rotation.columns = attention.width;
  rotation.planes = tap::Planes::half_split;
  rotation.frequencies = attention.frequencies;
  rotation.factor = 1;
  view.rotation = rotation;
  return view;
}

bool has_keys(const FakeModel& model, int layer) {
  if (!model.attention) return false;
  const std::vector<int>& without = model.attention->without;
  return std::find(without.begin(), without.end(), layer) == without.end();
}

// A block's queries and keys, to the observers that ask for them.
void feed_keys(const FakeModel& model, std::span<tap::Observer* const> observers,
               const tap::KeyView& view, const tap::Block& range) {
  const FakeKeys& attention = *model.attention;
  const size_t set = size_t(range.set - model.sets.data());
  const size_t wide = size_t(attention.heads) * attention.width;
  const size_t narrow = size_t(attention.kv_heads) * attention.width;
  std::vector<float> queries(range.rows * wide), keys(range.rows * narrow);
  for (size_t i = 0; i < range.rows; ++i) {
    attention.keys(view.layer, set, range.first_row + i, {keys.data() + i * narrow, narrow});
    attention.queries(view.layer, set, range.first_row + i, {queries.data() + i * wide, wide});
  }
  tap::KeyBlock block{};
  static_cast<tap::Block&>(block) = range;
  block.queries = {queries.data(), queries.data(), queries.data(), queries.data()};
  block.keys = {keys.data(), keys.data(), keys.data(), keys.data()};
  block.values = keys.data();
  for (tap::Observer* observer : observers) {
    if (observer->needs().keys && watches(*observer, range.set)) observer->on_keys(view, block);
  }
}

// Before and after the blocks of a layer.
void begin_or_end_keys(const FakeModel& model, std::span<tap::Observer* const> observers,
                       const tap::KeyView& view, bool begin) {
  if (!model.attention) return;
  const bool has = has_keys(model, view.layer);
  for (tap::Observer* observer : observers) {
    if (!observer->needs().keys) continue;
    if (has && begin) observer->begin_keys(view);
    if (has && !begin) observer->end_keys(view);
    if (!has && begin) observer->on_no_keys(view.layer, "Mamba-2");
  }
}

}  // namespace

double normal(uint64_t seed, uint32_t i, uint32_t j, uint32_t layer) {
  const double u = (draw_word(seed, Purpose::audit, {i, j, layer}, 7) + 0.5) / 4294967296.0;
  return stats::normal_quantile(u);
}

gate::GateSpec softmax_spec(uint32_t experts, uint32_t k) {
  return {.experts = experts,
          .top_k = k,
          .logit_bias = false,
          .score = gate::Score::softmax,
          .selection_bias = false,
          .groups = 1u,
          .groups_kept = 1u,
          .group_score = gate::GroupScore::none,
          .weigh = gate::Weigh::scores,
          .normalise = gate::Normalise::no,
          .epsilon = 0.0f,
          .scaling = 1.0f,
          .per_expert_scale = false,
          .ids_from_table = false,
          .shared_experts = 0u};
}

FakeModel::FakeModel(const Shape& shape_, const gate::GateSpec& spec_, const Hooks& hooks)
    : shape(shape_),
      spec(spec_),
      embedding_(normals(shape.seed, size_t(shape.vocabulary) * shape.width, 1, 900, 0.5)),
      unembedding_(normals(shape.seed, size_t(shape.vocabulary) * shape.width, 2, 900, 1.0)) {
  sets.resize(3);
  sets[0].name = "domain:prose";
  sets[1].name = "prompts";
  sets[2].name = "prompts-unmasked";
  sets[2].causal = false;
  for (uint32_t w = 0; w < shape.windows; ++w) {
    sets[0].lengths.push_back(shape.seq_len);
    for (uint32_t t = 0; t < shape.seq_len; ++t) {
      // Few ids often, many ids seldom, as in text.
      const double u = std::fabs(normal(shape.seed, t, w, 901)) / 3;
      sets[0].ids.push_back(
          int32_t(std::min(double(shape.vocabulary - 1), u * double(shape.vocabulary))));
    }
  }
  add_prompt(*this, "one two", "", {1, 2, 3}, 2, 2);
  add_prompt(*this, "three", "", {4, 5, 6, 7, 8}, 4, 4);
  add_prompt(*this, "a 127", "127", {9, 10}, 1, 0);
  add_prompt(*this, "b 127", "127", {11, 12, 10}, 2, 2);
  for (uint32_t l = 0; l < shape.layers; ++l) {
    LayerWeights weights;
    weights.router = normals(shape.seed, size_t(shape.experts) * shape.width, 3, l, 0.4);
    weights.gain = normals(shape.seed, shape.width, 4, l, 0.2);
    for (float& gain : weights.gain) gain += 1.0f;
    if (spec.selection_bias) {
      weights.selection_bias = normals(shape.seed, shape.experts, 5, l, 0.05);
    }
    if (spec.logit_bias) weights.logit_bias = normals(shape.seed, shape.experts, 6, l, 0.3);
    hooks.weights(int(l), weights);
    weights_.push_back(std::move(weights));
    expert_scale_.push_back(hooks.expert_scale(int(l)));
  }
  matrix = [seed = shape.seed, d = shape.width](int layer, int32_t expert, uint32_t projection) {
    return normals(seed + 20 + projection, size_t(kExpertWidth) * d, uint32_t(expert),
                   uint32_t(layer), 0.3);
  };
  compute(hooks);
}

void FakeModel::expert_output(int layer, size_t set, size_t row, int32_t expert, float* out) const {
  // Part of the expert, part of the token, part of both.
  const auto l = uint32_t(layer);
  const auto token = uint32_t(row + set * 100'000);
  const double scale = double(expert_scale_[size_t(layer)]);
  for (uint32_t i = 0; i < shape.width; ++i) {
    out[i] = float(scale *
                   (normal(shape.seed + 1, i, uint32_t(expert), l) +
                    0.5 * normal(shape.seed + 2, i, token, l) +
                    0.5 * normal(shape.seed + 3, i * shape.experts + uint32_t(expert), token, l)));
  }
}

void FakeModel::compute(const Hooks& hooks) {
  const size_t d = shape.width, experts = shape.experts, k = shape.k;
  traces_.resize(shape.layers);
  for (size_t s = 0; s < sets.size(); ++s) {
    const size_t rows = sets[s].rows();
    std::vector<float> residual(rows * d), attention_sum(rows * d, 0.0f),
        expert_sum(rows * d, 0.0f);
    for (size_t row = 0; row < rows; ++row) {
      std::copy_n(embedding(sets[s].ids[row]), d, residual.data() + row * d);
    }
    for (uint32_t l = 0; l < shape.layers; ++l) {
      Trace trace;
      const LayerWeights& weights = weights_[l];
      trace.residual_in = residual;
      trace.attention_out =
          normals(shape.seed + 10 + s, rows * d, 7, l, double(hooks.attention_scale(int(l))));
      for (size_t i = 0; i < rows * d; ++i) {
        residual[i] += trace.attention_out[i];
        attention_sum[i] += trace.attention_out[i];
      }
      trace.residual_pre = residual;
      trace.attention_sum = attention_sum;
      trace.expert_sum = expert_sum;
      trace.gate_input.resize(rows * d);
      trace.update.assign(rows * d, 0.0f);
      trace.logits.resize(rows * experts);
      trace.scores.resize(rows * experts);
      trace.ranked.resize(rows * (k + 1));
      trace.weights.resize(rows * k);
      trace.margins.resize(rows);
      trace.logit_margins.resize(rows);
      std::vector<float> output(d);
      for (size_t row = 0; row < rows; ++row) {
        const float* x = residual.data() + row * d;
        const double r = inverse_rms(x, d);
        for (size_t i = 0; i < d; ++i) {
          trace.gate_input[row * d + i] = float(double(x[i]) * r) * weights.gain[i];
        }
        for (size_t e = 0; e < experts; ++e) {
          double sum = weights.logit_bias.empty() ? 0.0 : double(weights.logit_bias[e]);
          for (size_t i = 0; i < d; ++i) {
            sum += double(weights.router[e * d + i]) * double(trace.gate_input[row * d + i]);
          }
          trace.logits[row * experts + e] = float(sum);
        }
        const std::span<float> logits(trace.logits.data() + row * experts, experts);
        if (s == 0) hooks.logits(int(l), row, logits);
        gate::DecisionView view{.scores = {trace.scores.data() + row * experts, experts},
                                .ranked = {trace.ranked.data() + row * (k + 1), k + 1},
                                .weights = {trace.weights.data() + row * k, k},
                                .margin = 0,
                                .margin_logit = 0,
                                .margin_group = 0,
                                .eligible = 0};
        gate::decide(spec, logits, weights.selection_bias, view);
        trace.margins[row] = view.margin;
        trace.logit_margins[row] = view.margin_logit;
        for (size_t i = 0; i < k; ++i) {
          expert_output(int(l), s, row, view.ranked[i], output.data());
          for (size_t j = 0; j < d; ++j) trace.update[row * d + j] += view.weights[i] * output[j];
        }
        for (size_t j = 0; j < d; ++j) {
          residual[row * d + j] += trace.update[row * d + j];
          expert_sum[row * d + j] += trace.update[row * d + j];
        }
      }
      traces_[l].push_back(std::move(trace));
    }
  }
}

Setting FakeModel::setting() const {
  Setting setting{.seed = 42,
                  .moe_layers = {},
                  .layers = {},
                  .spec = spec,
                  .width = shape.width,
                  .expert_width = kExpertWidth,
                  .allow_small_t = false,
                  .parameters = {{"bootstrap", Json(200)}},
                  .windows = &sets[0],
                  .seq_len = shape.seq_len,
                  .window_document = {},
                  .domain_index = 0,
                  .threads = 1,
                  .prompts = {},
                  .prompt_set = nullptr,
                  .prompt_set_unmasked = nullptr};
  for (uint32_t l = 0; l < shape.layers; ++l) setting.moe_layers.push_back(int(l));
  setting.layers = setting.moe_layers;
  for (uint32_t w = 0; w < shape.windows; ++w) setting.window_document.push_back(w / 3);
  return setting;
}

OtherDecision decide_other(const FakeModel& model, const FakeModel& other, int layer, size_t set,
                           size_t row) {
  const size_t d = model.shape.width, experts = model.shape.experts, k = model.shape.k;
  const LayerWeights& weights = other.weights(layer);
  const float* y = model.trace(layer, set).gate_input.data() + row * d;
  OtherDecision decision{std::vector<float>(experts), std::vector<int32_t>(k + 1)};
  for (size_t e = 0; e < experts; ++e) {
    double sum = weights.logit_bias.empty() ? 0.0 : double(weights.logit_bias[e]);
    for (size_t i = 0; i < d; ++i) sum += double(weights.router[e * d + i]) * double(y[i]);
    decision.logits[e] = float(sum);
  }
  std::vector<float> scores(experts), chosen(k);
  gate::DecisionView view{.scores = scores,
                          .ranked = decision.ranked,
                          .weights = chosen,
                          .margin = 0,
                          .margin_logit = 0,
                          .margin_group = 0,
                          .eligible = 0};
  gate::decide(other.spec, decision.logits, weights.selection_bias, view);
  return decision;
}

namespace {

// What the others' gates decide on a block: (others), rows one after another.
std::vector<OtherDecision> decide_others(const FakeModel& model,
                                         const std::vector<const FakeModel*>& others, int layer,
                                         size_t set, size_t first_row, size_t rows) {
  std::vector<OtherDecision> blocks(others.size());
  for (size_t o = 0; o < others.size(); ++o) {
    for (size_t row = first_row; row < first_row + rows; ++row) {
      const OtherDecision one = decide_other(model, *others[o], layer, set, row);
      blocks[o].logits.insert(blocks[o].logits.end(), one.logits.begin(), one.logits.end());
      blocks[o].ranked.insert(blocks[o].ranked.end(), one.ranked.begin(), one.ranked.end());
    }
  }
  return blocks;
}

}  // namespace

void run(const FakeModel& model, std::span<tap::Observer* const> observers,
         const Feeding& feeding) {
  struct Range {
    size_t set, first, count, first_row, rows;
  };
  std::vector<Range> blocks;
  for (size_t s = 0; s < model.sets.size(); ++s) {
    size_t row = 0;
    const auto& lengths = model.sets[s].lengths;
    for (size_t first = 0; first < lengths.size(); first += feeding.block_sequences) {
      Range range{s, first, std::min(feeding.block_sequences, lengths.size() - first), row, 0};
      for (size_t i = 0; i < range.count; ++i) range.rows += lengths[first + i];
      row += range.rows;
      blocks.push_back(range);
    }
  }
  if (feeding.backwards) std::reverse(blocks.begin(), blocks.end());
  const size_t d = model.shape.width, experts = model.shape.experts, k = model.shape.k;
  const FakeEmbeddings embeddings(model);
  for (int layer = 0; layer < int(model.shape.layers); ++layer) {
    const FakeRouter router(model, layer);
    const LayerWeights& weights = model.weights(layer);
    const tap::LayerView view{.layer = layer,
                              .spec = &model.spec,
                              .width = model.shape.width,
                              .router_weight = weights.router,
                              .selection_bias = weights.selection_bias,
                              .norm_gain = weights.gain,
                              .norm_epsilon = FakeModel::kEpsilon,
                              .router = &router,
                              .embeddings = &embeddings,
                              .threads = feeding.threads};
    for (tap::Observer* observer : observers) observer->begin_layer(view);
    const tap::KeyView keys = model.attention
                                  ? key_view(model, *model.attention, layer, feeding.threads)
                                  : tap::KeyView{};
    begin_or_end_keys(model, observers, keys, true);
    std::vector<std::vector<Requests>> asked(observers.size(),
                                             std::vector<Requests>(blocks.size()));
    const auto embedding_rows = [&](const Range& range) {
      std::vector<const float*> rows;
      for (size_t i = 0; i < range.rows; ++i) {
        rows.push_back(model.embedding(model.sets[range.set].ids[range.first_row + i]));
      }
      return rows;
    };
    const auto block_of = [&](const Range& range, int worker) {
      return tap::Block{&model.sets[range.set], range.first, range.count,
                        range.first_row,        range.rows,  worker};
    };
    parallel_for(blocks.size(), feeding.threads, [&](size_t b, int worker) {
      const Range& range = blocks[b];
      const Trace& trace = model.trace(layer, range.set);
      const auto rows = embedding_rows(range);
      if (has_keys(model, layer)) feed_keys(model, observers, keys, block_of(range, worker));
      tap::GateBlock block{};
      static_cast<tap::Block&>(block) = block_of(range, worker);
      block.residual_in = trace.residual_in.data() + range.first_row * d;
      block.attention_out = trace.attention_out.data() + range.first_row * d;
      block.residual_pre = trace.residual_pre.data() + range.first_row * d;
      block.gate_input = trace.gate_input.data() + range.first_row * d;
      block.router_logits = trace.logits.data() + range.first_row * experts;
      block.scores = trace.scores.data() + range.first_row * experts;
      block.ranked = trace.ranked.data() + range.first_row * (k + 1);
      block.weights = trace.weights.data() + range.first_row * k;
      block.margins = trace.margins.data() + range.first_row;
      block.logit_margins = trace.logit_margins.data() + range.first_row;
      block.embedding = rows.data();
      block.attention_sum = trace.attention_sum.data() + range.first_row * d;
      block.expert_sum = trace.expert_sum.data() + range.first_row * d;
      const std::vector<OtherDecision> decided =
          decide_others(model, feeding.others, layer, range.set, range.first_row, range.rows);
      std::vector<tap::OtherGate> other_gates;
      for (const OtherDecision& other : decided) {
        other_gates.push_back({other.logits.data(), other.ranked.data()});
      }
      block.other_gates = other_gates;
      for (size_t o = 0; o < observers.size(); ++o) {
        if (!watches(*observers[o], block.set)) continue;
        block.requests = &asked[o][b];
        observers[o]->on_gate(view, block);
      }
    });
    begin_or_end_keys(model, observers, keys, false);
    for (tap::Observer* observer : observers) observer->on_gates_done(view);
    for (tap::Observer* observer : observers) {
      for (const int32_t expert : observer->wanted_experts(layer)) {
        std::vector<float> matrices[3];
        for (uint32_t p = 0; p < 3; ++p) matrices[p] = model.matrix(layer, expert, p);
        observer->on_expert(view, {.expert = expert,
                                   .width = model.shape.width,
                                   .inner_width = FakeModel::kExpertWidth,
                                   .gate = matrices[0].data(),
                                   .up = matrices[1].data(),
                                   .down = matrices[2].data()});
      }
    }
    parallel_for(blocks.size(), feeding.threads, [&](size_t b, int worker) {
      const Range& range = blocks[b];
      const Trace& trace = model.trace(layer, range.set);
      const auto rows = embedding_rows(range);
      tap::UpdateBlock block{};
      static_cast<tap::Block&>(block) = block_of(range, worker);
      block.residual_pre = trace.residual_pre.data() + range.first_row * d;
      block.update = trace.update.data() + range.first_row * d;
      block.ranked = trace.ranked.data() + range.first_row * (k + 1);
      block.embedding = rows.data();
      block.attention_sum = trace.attention_sum.data() + range.first_row * d;
      block.expert_sum = trace.expert_sum.data() + range.first_row * d;
      for (tap::Observer* observer : observers) {
        if (observer->needs().update && watches(*observer, block.set)) {
          observer->on_update(view, block);
        }
      }
    });
    for (size_t o = 0; o < observers.size(); ++o) {
      parallel_for(blocks.size(), feeding.threads, [&](size_t b, int worker) {
        const Range& range = blocks[b];
        const tap::SequenceSet& set = model.sets[range.set];
        std::vector<float> outputs;
        for (const Requests::One& one : asked[o][b].all) {
          outputs.resize(one.experts.size() * d);
          for (size_t i = 0; i < one.experts.size(); ++i) {
            model.expert_output(layer, range.set, one.row, one.experts[i], outputs.data() + i * d);
          }
          const bool last = (one.row + 1) % model.shape.seq_len == 0;
          observers[o]->on_outputs(
              view, {.set = &set,
                     .row = one.row,
                     .experts = one.experts,
                     .outputs = outputs.data(),
                     .update = model.trace(layer, range.set).update.data() + one.row * d,
                     .next_unembedding = last ? nullptr : model.unembedding(set.ids[one.row + 1]),
                     .worker = worker});
        }
      });
    }
    for (tap::Observer* observer : observers) observer->end_layer(view);
  }
  if (model.next_logits) feed_logits(model, observers, feeding);
}

const Declaration& declaration(const std::string& name) {
  const auto& all = all_experiments();
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

record::Contribution measure(const FakeModel& model, const Setting& setting,
                             const std::string& experiment, const Feeding& feeding) {
  const auto made = declaration(experiment).make(setting);
  tap::Observer* const observer = made.get();
  run(model, {&observer, 1}, feeding);
  return made->reduce();
}

}  // namespace rg::experiments::testing
