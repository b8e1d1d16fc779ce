// Which theorem says whether a layer's route is a function of keys, from plain facts of its
// architecture: KR-1 to KR-7 of the theorem catalogue, by id and part. RoPE never matters: it is
// invertible and the position known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rg::certificates {

enum class RouterReads {
  same_residual,    // as the keys: a parallel block, or a router before attention
  after_attention,  // x + Attn(x), the usual serial block
};
enum class QkNorm { none, per_head, full_width };

struct LayerFacts {
  RouterReads router_reads;
  uint32_t key_dimensions;  // m, of all KV heads of a token; of a shared latent, its width
  uint32_t key_heads;
  uint32_t width;  // D
  QkNorm qk_norm;
  bool key_bias;
  bool clipped;  // keys are clipped to a box (clip_qkv)
  // At position 0 attention adds W_O W_V N(x): no bias of values or outputs, no sink beside the
  // keys. Or it adds nothing to the residuals whose keys are zero, as values made of keys do.
  bool linear_at_first;
  bool values_seen;  // and it is W_O W_V N(x): values are a projection of their own
  bool router_bias;
  bool plain_top_k;  // no selection bias, no groups, no table
  bool first_layer;  // layer 0
  double epsilon;    // of the norm in front of the keys
};

// What a surrogate of the router would be given.
enum class Summary { own_keys, one_bit_keys, keys_of_all_positions, layer0_keys_of_all_positions };
// On which residuals it must agree with the router.
enum class Inputs { open_set, first_position, reachable };

enum class Answer {
  yes,
  generically_no,         // for almost every router
  if_router_in_keys,      // exactly if row(C_E G) lies in row(K): decided by the weights
  if_scale_matters_no,    // no if some direction's set changes with its length: decided by the
                          // weights
  if_context_matters_no,  // no if some context changes a set: decided by a pass
};

// Levels of certificates that can exist for a row whose answer may be no.
struct Levels {
  bool exact, enclosed, on_manifold, identical_bytes, twin_tokens;
  bool any() const noexcept {
    return exact || enclosed || on_manifold || identical_bytes || twin_tokens;
  }
};

struct Row {
  Inputs inputs;
  Summary summary;
  Answer answer;
  std::string_view theorem;    // "KR-4 (b)"
  std::string_view condition;  // in words, on keys and norms; empty: none
  std::string reservation;     // why the theorem doesn't apply as it is; empty: it does
  Levels levels;               // none where there is a reservation against them
};

// The rows that apply to a layer, open sets before reachable inputs, own keys before more.
std::vector<Row> decision_table(const LayerFacts& facts);

std::string_view name(Summary summary) noexcept;
std::string_view name(Inputs inputs) noexcept;
std::string_view name(Answer answer) noexcept;

}  // namespace rg::certificates
