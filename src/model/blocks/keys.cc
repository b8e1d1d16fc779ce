#include "model/blocks/keys.h"

#include "model/blocks/arena.h"

namespace rg::model {
namespace {

bool is_linear(const Attention& attention) {
  const AttentionSpec& spec = attention.spec;
  return !attention.v_bias && !attention.o_bias && !attention.sinks && !spec.clip_qkv &&
         !spec.value_norm_epsilon && spec.output_gate == OutputGate::none;
}

std::optional<KeyFacts> facts_of(const Attention& attention) {
  const AttentionSpec& spec = attention.spec;
  return KeyFacts{.heads = spec.heads,
                  .kv_heads = spec.kv_heads,
                  .width = spec.head_width,
                  .value_width = spec.value_width,
                  .rope = spec.rope ? &*spec.rope : nullptr,
                  .shared_width = 0,
                  .first_rotated = 0,
                  .norm = spec.qk_norm,
                  .norm_spec = spec.qk_norm_spec,
                  .clip = spec.clip_qkv,
                  .query_bias = static_cast<bool>(attention.q_bias),
                  .key_bias = static_cast<bool>(attention.k_bias),
                  .value_bias = static_cast<bool>(attention.v_bias),
                  .values_are_keys = !attention.v,
                  .scale = spec.scale,
                  .window = spec.window,
                  .sinks = static_cast<bool>(attention.sinks),
                  .latent = 0,
                  .linear_at_first = is_linear(attention)};
}

std::optional<KeyFacts> facts_of(const LatentAttention& attention) {
  const LatentAttentionSpec& spec = attention.spec;
  return KeyFacts{.heads = spec.heads,
                  .kv_heads = spec.heads,
                  .width = spec.plain_width + spec.rotated_width,
                  .value_width = spec.value_width,
                  .rope = spec.rope ? &*spec.rope : nullptr,
                  .shared_width = spec.rotated_width,
                  .first_rotated = spec.plain_width,
                  .norm = QkNorm::none,
                  .norm_spec = kNoNorm,
                  .clip = {},
                  .query_bias = static_cast<bool>(attention.q_down_bias),
                  .key_bias = static_cast<bool>(attention.kv_down_bias),
                  .value_bias = static_cast<bool>(attention.kv_down_bias),
                  .values_are_keys = false,
                  .scale = spec.scale,
                  .window = {},
                  .sinks = false,
                  .latent = spec.latent,
                  .linear_at_first = false};  // the latent is normed
}

template <typename Other>
std::optional<KeyFacts> facts_of(const Other&) {
  return {};
}

const Weight* projection_of(const Attention& attention) { return &attention.k; }
const Weight* projection_of(const LatentAttention& attention) { return &attention.kv_down; }
template <typename Other>
const Weight* projection_of(const Other&) {
  return nullptr;
}

std::string_view name_of(const Attention&) { return "attention"; }
std::string_view name_of(const LatentAttention&) { return "latent attention"; }
std::string_view name_of(const GatedDelta&) { return "gated delta net"; }
std::string_view name_of(const ShortConv&) { return "short convolution"; }
std::string_view name_of(const Mamba2&) { return "Mamba-2"; }
std::string_view name_of(const KimiDelta&) { return "Kimi delta attention"; }
std::string_view name_of(const NoMixer&) { return "none"; }

// Of `values` floats a step.
KeyRows::Steps take_steps(Arena& arena, const KeyFacts& facts, size_t values) {
  const bool norm_last = facts.norm == QkNorm::per_head_rotated;
  const bool changes = facts.clip || (facts.norm != QkNorm::none && !norm_last);
  KeyRows::Steps steps = {};
  steps.projected = arena.take<float>(values);
  steps.normed = changes ? arena.take<float>(values) : steps.projected;
  steps.rotated = facts.rope != nullptr ? arena.take<float>(values) : steps.normed;
  steps.scored = norm_last ? arena.take<float>(values) : steps.rotated;
  return steps;
}

KeyRows take_rows(Arena& arena, const KeyFacts& facts, size_t rows) {
  const size_t keys = rows * facts.kv_heads * facts.width;
  KeyRows taken = {};
  taken.queries = take_steps(arena, facts, rows * facts.heads * facts.width);
  taken.values = arena.take<float>(rows * facts.kv_heads * facts.value_width);
  if (facts.latent == 0) {
    taken.keys = take_steps(arena, facts, keys);
    return taken;
  }
  taken.keys.scored = arena.take<float>(keys);
  taken.latent = arena.take<float>(rows * facts.latent);
  taken.shared = arena.take<float>(rows * facts.shared_width);
  taken.shared_rotated =
      facts.rope != nullptr ? arena.take<float>(rows * facts.shared_width) : taken.shared;
  return taken;
}

}  // namespace

std::optional<KeyFacts> key_facts(const Mixer& mixer) {
  return std::visit([](const auto& data) { return facts_of(data); }, mixer);
}

const Weight* key_projection(const Mixer& mixer) {
  return std::visit([](const auto& data) { return projection_of(data); }, mixer);
}

std::string_view mixer_name(const Mixer& mixer) {
  return std::visit([](const auto& data) { return name_of(data); }, mixer);
}

bool has_step(const KeyFacts& facts, KeyStep step) {
  switch (step) {
    case KeyStep::normed:
      return facts.latent == 0;
    case KeyStep::scored:
      return true;
    case KeyStep::latent:
      return facts.latent != 0;
  }
  return false;
}

// Heads of softmax attention are changed where they lie; latent attention puts one together.
size_t key_change_bytes(const KeyFacts& facts, size_t length) {
  return facts.latent == 0 ? 0 : length * facts.width * sizeof(float);
}

KeyRows place_key_rows(const KeyFacts& facts, size_t rows, std::byte* memory) {
  Arena arena(memory);
  return take_rows(arena, facts, rows);
}

size_t key_rows_bytes(const KeyFacts& facts, size_t rows) {
  Arena counting;
  take_rows(counting, facts, rows);
  return counting.used();
}

}  // namespace rg::model
