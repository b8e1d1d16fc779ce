#include "stream/key_tap.h"

#include <algorithm>

#include "stream/slice_reader.h"

namespace rg::stream {
namespace {

uint64_t rows_bytes(const model::Model& model, uint32_t call_rows) {
  uint64_t bytes = 0;
  for (const model::Layer& layer : model.layers) {
    const auto facts = model::key_facts(layer.mixer);
    if (facts) bytes = std::max<uint64_t>(bytes, model::key_rows_bytes(*facts, call_rows));
  }
  return bytes;
}

tap::KeyNorm as_shown(model::QkNorm norm) {
  switch (norm) {
    case model::QkNorm::none:
      break;
    case model::QkNorm::full_width:
      return tap::KeyNorm::full_width;
    case model::QkNorm::per_head:
      return tap::KeyNorm::per_head;
    case model::QkNorm::per_head_rotated:
      return tap::KeyNorm::per_head_rotated;
  }
  return tap::KeyNorm::none;
}

tap::KeySteps as_shown(const model::KeyRows::Steps& steps) {
  return {.projected = steps.projected,
          .normed = steps.normed,
          .rotated = steps.rotated,
          .scored = steps.scored};
}

}  // namespace

KeyTap::KeyTap(const model::Model& model, std::span<tap::Observer* const> observers,
               uint32_t call_rows, int threads)
    : model_(model), call_rows_(call_rows) {
  for (tap::Observer* observer : observers) {
    if (observer->needs().keys) observers_.push_back(observer);
  }
  if (observers_.empty()) return;
  const uint64_t bytes = rows_bytes(model, call_rows);
  for (int i = 0; i < threads; ++i) {
    workers_.push_back({.input = Buffer<float>(size_t{call_rows} * model.width),
                        .memory = Buffer<std::byte>(bytes),
                        .rows = {}});
  }
}

void KeyTap::begin(const MixerSlice& slice) {
  shown_ = false;
  if (observers_.empty()) return;
  const int layer = slice.layer;
  const model::Mixer& mixer = model_.layer(layer).mixer;
  const auto facts = model::key_facts(mixer);
  if (!facts) {
    for (tap::Observer* observer : observers_) {
      observer->on_no_keys(layer, model::mixer_name(mixer));
    }
    return;
  }
  shown_ = true;
  describe(slice, *facts);
  for (Worker& worker : workers_) {
    worker.rows = model::place_key_rows(*facts, call_rows_, worker.memory.data());
  }
  for (tap::Observer* observer : observers_) observer->begin_keys(view_);
}

void KeyTap::describe(const MixerSlice& slice, const model::KeyFacts& facts) {
  const int layer = slice.layer;
  const model::NormSpec& norm = slice.mixer_norm.spec();
  view_ = {.layer = layer,
           .mixer = model::mixer_name(model_.layer(layer).mixer),
           .width = model_.width,
           .heads = facts.heads,
           .kv_heads = facts.kv_heads,
           .key_width = facts.width,
           .value_width = facts.value_width,
           .rotation = {},
           .norm = as_shown(facts.norm),
           .norm_epsilon = facts.norm == model::QkNorm::none ? 0 : facts.norm_spec.epsilon,
           .norm_is_rms = facts.norm_spec.kind != model::NormKind::layer,
           .clip = facts.clip,
           .query_bias = facts.query_bias,
           .key_bias = facts.key_bias,
           .value_bias = facts.value_bias,
           .values_are_keys = facts.values_are_keys,
           .scale = facts.scale,
           .window = facts.window,
           .sinks = facts.sinks,
           .latent_width = facts.latent,
           .shared_width = facts.shared_width,
           .input_gain = slice.mixer_norm.gain(),
           .input_epsilon = norm.epsilon,
           .input_is_rms =
               norm.kind == model::NormKind::rms || norm.kind == model::NormKind::rms_one_plus,
           .linear_at_first = facts.linear_at_first && !slice.mixer_output_norm,
           .projection = slice.key_projection.size() == 0 ? nullptr : slice.key_projection.data(),
           .threads = static_cast<int>(workers_.size())};
  if (facts.rope == nullptr) return;
  const model::Rope& rope = *facts.rope;
  frequencies_ = model::frequencies(rope, 1);
  tap::RotationView rotation = {.first_column = facts.first_rotated,
                                .columns = rope.dims,
                                .planes = rope.pairing == model::RopePairing::half_split
                                              ? tap::Planes::half_split
                                              : tap::Planes::interleaved,
                                .frequencies = frequencies_,
                                .factor = model::amplitude(rope, 1),
                                .long_from = {},
                                .long_frequencies = {},
                                .long_factor = 1};
  if (const auto* scaled = std::get_if<model::LongRope>(&rope.scaling)) {
    const uint32_t length = scaled->original_positions + 1;
    long_frequencies_ = model::frequencies(rope, length);
    rotation.long_from = length;
    rotation.long_frequencies = long_frequencies_;
    rotation.long_factor = model::amplitude(rope, length);
  }
  view_.rotation = rotation;
}

bool KeyTap::wants(const tap::SequenceSet* set) const {
  return shown_ &&
         std::any_of(observers_.begin(), observers_.end(), [&](const tap::Observer* observer) {
           const auto sets = observer->sets();
           return std::find(sets.begin(), sets.end(), set) != sets.end();
         });
}

const model::KeyRows* KeyTap::rows(int worker) const {
  return &workers_[static_cast<size_t>(worker)].rows;
}

float* KeyTap::input(int worker) { return workers_[static_cast<size_t>(worker)].input.data(); }

void KeyTap::show(const tap::Block& call, const float* residual_in) const {
  const Worker& worker = workers_[static_cast<size_t>(call.worker)];
  const model::KeyRows& rows = worker.rows;
  tap::KeyBlock block{};
  static_cast<tap::Block&>(block) = call;
  block.residual_in = residual_in;
  block.input = worker.input.data();
  block.queries = as_shown(rows.queries);
  block.keys = as_shown(rows.keys);
  block.values = rows.values;
  block.latent = rows.latent;
  block.shared = rows.shared;
  block.shared_rotated = rows.shared_rotated;
  for (tap::Observer* observer : observers_) {
    const auto sets = observer->sets();
    if (std::find(sets.begin(), sets.end(), call.set) != sets.end()) {
      observer->on_keys(view_, block);
    }
  }
}

void KeyTap::end() {
  if (!shown_) return;
  for (tap::Observer* observer : observers_) observer->end_keys(view_);
}

uint64_t KeyTap::worker_bytes(const model::Model& model, uint32_t call_rows) {
  return rows_bytes(model, call_rows) + uint64_t{call_rows} * model.width * sizeof(float);
}

uint64_t KeyTap::held_bytes(const model::Model& model, const tap::Needs& needs) {
  uint64_t most = 0;
  for (const model::Layer& layer : model.layers) {
    const auto facts = model::key_facts(layer.mixer);
    if (!facts) continue;
    const uint64_t width = facts->width, values = facts->value_width;
    most = std::max(most, needs.held_key_rows * facts->kv_heads * width +
                              needs.held_query_rows * facts->heads * width +
                              needs.held_value_rows * facts->kv_heads * values);
  }
  return most * sizeof(float);
}

}  // namespace rg::stream
