// A layer as data: norms, a token mixer, a router, experts. A family fills it in; the blocks of
// model/blocks compute it. x is the residual stream, d its width:
//   x += multiplier * mixer(mixer_norm(x));  y = feed_forward_norm(x)
//   x += multiplier * (sum over routed experts, weighted by the gate, of expert(y)
//                      + sum over the other experts of expert(y))
// A layer may have one of the two lines only (Nemotron-H).
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "gate/gate.h"
#include "model/expert.h"
#include "model/rope.h"
#include "model/weight.h"

namespace rg::model {

enum class NormKind {
  none,          // x itself: no norm, no gain
  rms,           // gain * x / sqrt(mean(x^2) + epsilon)
  rms_one_plus,  // the same with gain 1 + w
  layer,         // gain * (x - mean(x)) / sqrt(var(x) + epsilon) + bias
};

struct NormSpec {
  NormKind kind;
  float epsilon;
  bool operator==(const NormSpec&) const = default;
};

struct Norm {
  NormSpec spec;
  Weight gain = {};  // w
  Weight bias = {};  // NormKind::layer
};
inline constexpr NormSpec kNoNorm = {.kind = NormKind::none, .epsilon = 0};

enum class QkNorm {
  none,
  full_width,        // over all heads together
  per_head,          // each head by itself, one gain for all
  per_head_rotated,  // the same, after the rotation
};

// sigmoid(gate) multiplies each head's context, element by element.
enum class OutputGate {
  none,
  with_query,  // the q projection's rows are, head by head, the query and the gate
  projected,   // a projection of its own
};

// Softmax attention over shared key and value heads (MHA, GQA, MQA). The order: projections and
// their biases, norm of q and k, clip, rotation, scores.
struct AttentionSpec {
  uint32_t heads, kv_heads, head_width;
  uint32_t value_width;  // of one head's values; head_width as a rule
  QkNorm qk_norm;
  NormSpec qk_norm_spec;          // without effect if qk_norm is none
  std::optional<float> clip_qkv;  // clamp of q, k and v to [-clip, clip]
  std::optional<Rope> rope;       // none: no positions
  float scale;                    // of the scores
  // Epsilon of a norm without gain over each head's values.
  std::optional<float> value_norm_epsilon;
  OutputGate output_gate;
  std::optional<uint32_t> window;  // keys that a query sees, its own included; none: all before it
  float value_scale = 1;           // of the values
  bool operator==(const AttentionSpec&) const = default;
};

struct Attention {
  AttentionSpec spec;
  // (nh hd, d), (nkv hd, d) twice, (d, nh hd); without v the values are the projected keys.
  Weight q, k, v, o;  // (nh hd, d), (nkv hd, d) twice, (d, nh hd)
  Weight gate = {};   // (nh hd, d), OutputGate::projected
  Weight q_bias = {}, k_bias = {}, v_bias = {}, o_bias = {};
  Weight q_norm = {}, k_norm = {};  // gains, with qk_norm
  // (nh): a logit per head that takes part in the softmax and has no value.
  Weight sinks = {};
};

// Multi-head latent attention (DeepSeek-V2): queries and keys have a part without positions and a
// rotated part; the rotated key is one for all heads; keys and values come from a normed latent.
struct LatentAttentionSpec {
  uint32_t heads;
  uint32_t query_latent;                             // 0: queries come straight from the input
  uint32_t latent;                                   // of keys and values
  uint32_t plain_width, rotated_width, value_width;  // of one head
  float latent_norm_epsilon;
  std::optional<Rope> rope;  // of the rotated part; none: it stays as it is
  float scale;
  bool head_gate = false;  // a head's output times sigmoid(gate y)
  bool operator==(const LatentAttentionSpec&) const = default;
};

struct LatentAttention {
  LatentAttentionSpec spec;
  Weight q_down = {}, q_norm = {};  // (query_latent, d), (query_latent); absent without it
  Weight q;                         // (nh (plain + rotated), query_latent or d)
  Weight kv_down, kv_norm;          // (latent + rotated, d), (latent)
  Weight kv;         // (nh (plain + value), latent): per head the key, then the value
  Weight o;          // (d, nh value)
  Weight gate = {};  // (nh, d), with spec.head_gate
  Weight q_down_bias = {}, kv_down_bias = {}, o_bias = {};
};

// Gated delta net (arXiv 2412.06464): a causal convolution over queries, keys and values, then per
// value head a state that decays and is corrected towards each token's value. Value heads
// h*r .. h*r + r-1 share key head h.
struct GatedDeltaSpec {
  uint32_t key_heads, value_heads, key_width, value_width;
  uint32_t kernel;  // tokens of the convolution
  float norm_epsilon;
  bool packed;  // the input projections' rows go key head by key head: q k v z, and b a
  bool operator==(const GatedDeltaSpec&) const = default;
};

struct GatedDelta {
  GatedDeltaSpec spec;
  Weight qkv, z, b, a;           // packed: qkv has z's rows too, b has a's
  Weight convolution;            // (2 nk dk + nv dv, kernel)
  Weight decay_log, decay_bias;  // (nv): A_log, dt_bias
  Weight norm;                   // (dv), of each head's output
  Weight out;                    // (d, nv dv)
};

// LFM2's short convolution: out(C * conv(B * x)) of [B | C | x] = in(x).
struct ShortConvSpec {
  uint32_t kernel;
  bool operator==(const ShortConvSpec&) const = default;
};

struct ShortConv {
  ShortConvSpec spec;
  Weight in, convolution, out;  // (3d, d), (d, kernel), (d, d)
  Weight in_bias = {}, convolution_bias = {}, out_bias = {};
};

// Mamba-2 (arXiv 2405.21060): a causal convolution over x, B and C, then per head a state that
// decays with its own time step. Heads h*r .. h*r + r-1 share the B and C of group h.
struct Mamba2Spec {
  uint32_t heads, head_width, groups, state_width;
  uint32_t kernel;         // tokens of the convolution
  uint32_t normed_groups;  // the gated output is normed in so many parts
  float norm_epsilon;
  float least_step, largest_step;  // the time step is clamped to these
  bool operator==(const Mamba2Spec&) const = default;
};

struct Mamba2 {
  Mamba2Spec spec;
  Weight in;                          // (di + channels + nh, d): gate, x B C, time steps
  Weight convolution;                 // (channels, kernel), channels = di + 2 groups state
  Weight decay_log, skip, step_bias;  // (nh): A_log, D, dt_bias
  Weight norm;                        // (di)
  Weight out;                         // (d, di)
  Weight in_bias = {}, convolution_bias = {}, out_bias = {};
};

// Kimi delta attention (arXiv 2510.26692): a gated delta net whose state decays channel by channel;
// each head has its own queries, keys and values, all of one width.
struct KimiDeltaSpec {
  uint32_t heads, head_width;
  uint32_t kernel;                     // tokens of the convolution
  uint32_t decay_latent, gate_latent;  // width in the middle of these projections; 0: one matrix
  std::optional<float> decay_bound;    // least logarithm of the decay; none: no bound
  float norm_epsilon;
  bool operator==(const KimiDeltaSpec&) const = default;
};

struct KimiDelta {
  KimiDeltaSpec spec;
  Weight q, k, v;                 // (nh hd, d) each
  Weight b;                       // (nh, d)
  Weight decay_down = {}, decay;  // (decay_latent, d); (nh hd, decay_latent or d)
  Weight gate_down = {}, gate;    // the same of the output's gate
  // (nh hd, kernel) each, or all three in the first one.
  Weight q_convolution, k_convolution = {}, v_convolution = {};
  Weight decay_log, decay_bias;  // (nh): A_log; (nh hd): dt_bias
  Weight norm;                   // (hd), of each head's output
  Weight out;                    // (d, nh hd)
};

// The layer has a feed-forward part only.
struct NoMixer {};

using Mixer =
    std::variant<Attention, LatentAttention, GatedDelta, ShortConv, Mamba2, KimiDelta, NoMixer>;

// Which experts a layer's gate chooses: the logits z = W y + b, and what becomes of them.
struct Router {
  gate::GateSpec spec;
  Weight matrix;                 // (E, d)
  Weight logit_bias = {};        // (E), with spec.logit_bias
  Weight selection_bias = {};    // (E), with spec.selection_bias
  Weight per_expert_scale = {};  // (E), with spec.per_expert_scale
  // A norm of its own of the residual stream, times `input_multiplier`; none: it reads what the
  // experts read.
  std::optional<Norm> input_norm = {};
  float input_multiplier = 1;
};

enum class Activation {
  silu,          // silu(g) * u
  gelu_tanh,     // gelu(g) * u, with the tanh approximation
  clamped_silu,  // g * sigmoid(alpha g) * (u + 1), g <= limit, |u| <= limit (GPT-OSS)
  relu_squared,  // max(u, 0)^2; there is no gate projection (Nemotron-H)
};

// What the experts of one group have in common.
struct MlpSpec {
  uint32_t inner_width;  // I
  Activation activation;
  float alpha = 0, limit = 0;  // clamped_silu
  uint32_t latent_width = 0;   // with a LatentProjection; else 0

  bool has_gate() const { return activation != Activation::relu_squared; }
  // What one expert reads and writes, of a model with rows of `width`.
  uint32_t input_width(uint32_t width) const { return latent_width != 0 ? latent_width : width; }
  bool operator==(const MlpSpec&) const = default;
};

// A group's experts read down y and write through up: one pair for all of them (Nemotron-H's latent
// experts), whose width is then MlpSpec::latent_width instead of d.
struct LatentProjection {
  Weight down, up;  // (latent, d), (d, latent)
};

enum class ExpertRole {
  routed,  // computed for the tokens that the gate sends there
  shared,  // computed for every token; a dense MLP is one shared expert of a layer without gate
};

struct ExpertGroup {
  ExpertRole role;
  MlpSpec spec;
  ExpertList experts;  // E of them if routed
  // Norms of its own: of the residual stream, instead of feed_forward_norm; of what its experts
  // add.
  std::optional<Norm> input_norm = {}, output_norm = {};
  // (1, d): a shared expert's output is multiplied by sigmoid(w y).
  Weight token_gate = {};
  std::optional<LatentProjection> latent = {};  // of routed experts
};

struct Layer {
  Norm mixer_norm = {kNoNorm};
  Mixer mixer = NoMixer{};
  std::optional<Norm> mixer_output_norm = {};  // of what the mixer adds
  Norm feed_forward_norm = {kNoNorm};
  std::optional<Router> router = {};     // none: a dense layer
  std::vector<ExpertGroup> groups = {};  // in the order in which they are added; with a router the
                                         // first is routed; none: a mixer only
  std::optional<Norm> feed_forward_output_norm = {};  // of what all groups add
  float residual_multiplier = 1;
  Weight output_scalar = {};  // (1): multiplies the residual stream after the layer

  // Whether what the experts add is the sum of their weighted outputs, without a norm after it.
  bool adds_plain_outputs() const;
  bool has_mixer() const { return !std::holds_alternative<NoMixer>(mixer); }
};

}  // namespace rg::model
