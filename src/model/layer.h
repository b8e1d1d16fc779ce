// A layer as data: norms, a token mixer, a router, experts. A family fills it in; the blocks of
// model/blocks compute it. x is the residual stream, d its width:
//   x += multiplier * mixer(mixer_norm(x));  y = feed_forward_norm(x)
//   x += multiplier * (sum over routed experts, weighted by the gate, of expert(y)
//                      + sum over the other experts of expert(y))
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "gate/gate.h"
#include "model/weight.h"

namespace rg::model {

enum class NormKind {
  rms,  // gain * x / sqrt(mean(x^2) + epsilon)
};

struct NormSpec {
  NormKind kind;
  float epsilon;
  bool operator==(const NormSpec&) const = default;
};

struct Norm {
  NormSpec spec;
  Weight gain;
};

enum class RopePairing {
  half_split,  // dimensions i and i + n/2 of the n rotated ones
};

struct Rope {
  float base;
  uint32_t dims;  // n: the first n of a head are rotated
  RopePairing pairing;
  bool operator==(const Rope&) const = default;
};

enum class QkNorm {
  none,
  full_width,  // over all heads together
};

// Softmax attention over shared key and value heads (MHA, GQA, MQA). The order: projections, norm
// of q and k, clip, rotation, scores.
struct AttentionSpec {
  uint32_t heads, kv_heads, head_width;
  QkNorm qk_norm;
  float qk_norm_epsilon;          // without effect if qk_norm is none
  std::optional<float> clip_qkv;  // clamp of q, k and v to [-clip, clip]
  std::optional<Rope> rope;
  float scale;  // of the scores
  bool operator==(const AttentionSpec&) const = default;
};

struct Attention {
  AttentionSpec spec;
  Weight q, k, v, o;      // (nh hd, d), (nkv hd, d) twice, (d, nh hd)
  Weight q_norm, k_norm;  // gains, with qk_norm
};

using Mixer = std::variant<Attention>;

// Which experts a layer's gate chooses: the logits z = W y + b, and what becomes of them.
struct Router {
  gate::GateSpec spec;
  Weight matrix;          // (E, d)
  Weight logit_bias;      // (E), with spec.logit_bias
  Weight selection_bias;  // (E), with spec.selection_bias
};

enum class Activation {
  silu,  // silu(gate) * up
};

// What the experts of one group have in common.
struct MlpSpec {
  uint32_t inner_width;  // I
  Activation activation;
  bool operator==(const MlpSpec&) const = default;
};

struct Expert {
  Weight gate, up, down;  // (I, d), (I, d), (d, I)
};

enum class ExpertRole {
  routed,  // computed for the tokens that the gate sends there
  shared,  // computed for every token; a dense MLP is one shared expert of a layer without gate
};

struct ExpertGroup {
  ExpertRole role;
  MlpSpec spec;
  std::vector<Expert> experts;  // E of them if routed
};

struct Layer {
  Norm mixer_norm;
  Mixer mixer;
  Norm feed_forward_norm;
  std::optional<Router> router;     // none: a dense layer
  std::vector<ExpertGroup> groups;  // in the order in which they are added; with a router the
                                    // first is routed
};

}  // namespace rg::model
