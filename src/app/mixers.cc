#include "app/mixers.h"

#include <fmt/format.h>

#include <algorithm>

namespace rg::app {
namespace {

struct Described {
  std::string text;
  Json facts;
};

Json rope_base(const std::optional<model::Rope>& rope) {
  return rope ? Json(rope->base) : Json(nullptr);
}

Described describe(const model::Attention& attention) {
  const model::AttentionSpec& spec = attention.spec;
  const char* kind = spec.kv_heads == spec.heads ? "MHA" : "GQA";
  Described out = {fmt::format("{}, {} heads of {}, {} key and value heads", kind, spec.heads,
                               spec.head_width, spec.kv_heads),
                   {{"kind", kind},
                    {"heads", spec.heads},
                    {"kv_heads", spec.kv_heads},
                    {"head_width", spec.head_width},
                    {"qk_norm", spec.qk_norm != model::QkNorm::none},
                    {"clip_qkv", nullptr},
                    {"rope_base", rope_base(spec.rope)},
                    {"window", nullptr},
                    {"sinks", static_cast<bool>(attention.sinks)},
                    {"output_gate", spec.output_gate != model::OutputGate::none}}};
  if (spec.clip_qkv) out.facts["clip_qkv"] = *spec.clip_qkv;
  if (spec.window) {
    out.facts["window"] = *spec.window;
    out.text += fmt::format(", window of {}", *spec.window);
  }
  if (attention.sinks) out.text += ", sinks";
  if (spec.output_gate != model::OutputGate::none) out.text += ", output gate";
  if (!spec.rope) out.text += ", no positions";
  return out;
}

Described describe(const model::LatentAttention& attention) {
  const model::LatentAttentionSpec& spec = attention.spec;
  return {
      fmt::format("MLA, {} heads of {} + {} rotated, latent of {}{}", spec.heads, spec.plain_width,
                  spec.rotated_width, spec.latent, spec.head_gate ? ", output gate" : ""),
      {{"kind", "MLA"},
       {"heads", spec.heads},
       {"plain_width", spec.plain_width},
       {"rotated_width", spec.rotated_width},
       {"value_width", spec.value_width},
       {"latent", spec.latent},
       {"query_latent", spec.query_latent},
       {"output_gate", spec.head_gate},
       {"rope_base", rope_base(spec.rope)}}};
}

Described describe(const model::GatedDelta& delta) {
  const model::GatedDeltaSpec& spec = delta.spec;
  return {fmt::format("gated delta net, {} value heads of {}, {} key heads of {}", spec.value_heads,
                      spec.value_width, spec.key_heads, spec.key_width),
          {{"kind", "gated_delta_net"},
           {"value_heads", spec.value_heads},
           {"value_width", spec.value_width},
           {"key_heads", spec.key_heads},
           {"key_width", spec.key_width},
           {"kernel", spec.kernel}}};
}

Described describe(const model::Mamba2& mamba) {
  const model::Mamba2Spec& spec = mamba.spec;
  return {fmt::format("Mamba-2, {} heads of {}, state of {}", spec.heads, spec.head_width,
                      spec.state_width),
          {{"kind", "mamba2"},
           {"heads", spec.heads},
           {"head_width", spec.head_width},
           {"groups", spec.groups},
           {"state_width", spec.state_width},
           {"kernel", spec.kernel}}};
}

Described describe(const model::KimiDelta& delta) {
  const model::KimiDeltaSpec& spec = delta.spec;
  return {fmt::format("Kimi delta attention, {} heads of {}", spec.heads, spec.head_width),
          {{"kind", "kimi_delta_attention"},
           {"heads", spec.heads},
           {"head_width", spec.head_width},
           {"kernel", spec.kernel}}};
}

Described describe(const model::ShortConv& conv) {
  return {fmt::format("short convolution over {} tokens", conv.spec.kernel),
          {{"kind", "short_convolution"}, {"kernel", conv.spec.kernel}}};
}

Described describe(const model::NoMixer&) { return {}; }

}  // namespace

std::vector<MixerEntry> describe_mixers(const model::Model& model) {
  std::vector<MixerEntry> entries;
  for (size_t l = 0; l < model.layers.size(); ++l) {
    if (!model.layers[l].has_mixer()) continue;
    Described described =
        std::visit([](const auto& mixer) { return describe(mixer); }, model.layers[l].mixer);
    auto at = std::find_if(entries.begin(), entries.end(),
                           [&](const MixerEntry& entry) { return entry.facts == described.facts; });
    if (at == entries.end()) {
      at = entries.insert(at, {{}, std::move(described.text), std::move(described.facts)});
    }
    at->layers.push_back(static_cast<int>(l));
  }
  return entries;
}

}  // namespace rg::app
