// The object of study: what one MoE layer's gate does with its logits. score -> select -> weigh,
// always in fp32; ties go to the lower index; every decision carries its margin. The fields are the
// columns of the table of released families in docs/gates.md (OLMoE, Qwen3-MoE, Mixtral, GPT-OSS,
// DeepSeek-V2/V3, GLM-4.5, Ernie-4.5, Llama-4 ...).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rg::gate {

// A field that must be stated, and where its value came from ("config.json: num_experts", "fixed by
// the family"). It has no default.
template <typename T>
struct Stated {
  Stated(T stated) : value(stated) {}  // NOLINT: the conversion is the point
  Stated(T stated, std::string from) : value(stated), source(std::move(from)) {}
  operator const T&() const noexcept { return value; }
  T value;
  std::string source;
};

inline constexpr uint32_t kMaxExperts = 1024;  // per layer; validate() refuses more

enum class Score { softmax, sigmoid, logits };  // of the logits z, over all experts
enum class GroupScore { none, max, top2_sum };  // over a group's biased scores
enum class Weigh {
  scores,            // the unbiased scores of the selected experts
  selected_softmax,  // softmax over the selected logits only (GPT-OSS, Granite)
  selected_sigmoid,  // sigmoid of the selected logits (Llama-4)
  sparsemixer,       // of each selected, its share in a softmax over the logits within 2 epsilon of
                     // it, those selected before left out (Phi-3.5-MoE)
};
enum class Normalise { no, by_sum, by_sum_plus_epsilon, by_max_of_sum_and_epsilon };

struct GateSpec {
  Stated<uint32_t> experts;  // E
  Stated<uint32_t> top_k;    // k, 1 <= k <= E
  Stated<bool> logit_bias;   // z = W y + b
  Stated<Score> score;
  Stated<bool> selection_bias;   // added to scores for ranking, never in the weights
  Stated<uint32_t> groups;       // 1: none; group g holds experts [g*E/groups, (g+1)*E/groups)
  Stated<uint32_t> groups_kept;  // <= groups
  Stated<GroupScore> group_score;
  Stated<Weigh> weigh;
  Stated<Normalise> normalise;    // over the k weights
  Stated<float> epsilon;          // of the normalisation or the sparsemixer; 0 without
  Stated<float> scaling;          // multiplies the weights, last
  Stated<bool> per_expert_scale;  // a factor per expert on its weight, after all that
  // Nothing is ranked: the experts are the row of a table that belongs to the token's id, the
  // scores only weigh them (DeepSeek-V4's first layers). decide() doesn't compute this.
  Stated<bool> ids_from_table;
  Stated<uint32_t> shared_experts;  // always computed, never routed, never in k

  bool operator==(const GateSpec&) const = default;
};

// Refuses an impossible spec (CF010, with the numbers; `file` is named in the message): counts out
// of range, groups that don't divide E or leave fewer than k eligible, a group score without
// groups, an epsilon without a rule that uses it, combinations that no gate has (raw logits as
// weights; normalising a softmax over the selected again; ids from a table and a rule that ranks).
// Validate every spec before the first
// decide(); k == eligible is legal and leaves margins undefined.
void validate(const GateSpec& spec, const std::string& file);

// The quantity that margins are measured in: "softmax", "sigmoid+bias", "logits".
std::string score_space(const GateSpec& spec);
// Spellings used in artifacts and tables: "softmax", "top2_sum", "selected_softmax", "by_sum".
std::string_view name(Score score) noexcept;
std::string_view name(GroupScore score) noexcept;
std::string_view name(Weigh weigh) noexcept;
std::string_view name(Normalise normalise) noexcept;

// A spec field by field, as `inspect` and docs/gates.md print it.
struct FieldFact {
  std::string field, value, source;
};
std::vector<FieldFact> facts(const GateSpec& spec);

// Everything a gate decided for one token. Spans belong to the caller.
struct DecisionView {
  std::span<float> scores;    // (E) selection scores: the ranked quantity; -inf where masked
  std::span<int32_t> ranked;  // (k+1) expert ids in rank order; -1 where nothing is eligible
  std::span<float> weights;   // (k) combination weights of ranked[0..k)
  float margin;               // m_set = s_(k) - s_(k+1); NaN where undefined
  float margin_logit;         // the same two experts' difference of logits; NaN where undefined
  float margin_group;         // last kept minus first dropped group score; NaN without groups
  uint32_t eligible;          // experts that may be selected at this token
};

// Scores with NaN rank last among the eligible, -0 equals +0, equal scores rank by lower index.
// `logits` (E) with the logit bias already in; `selection_bias` (E), read iff spec.selection_bias.
// A NaN logit has a NaN score and takes no part in the others' softmax; an infinite logit has the
// limit's score. Formulas: the gate table in docs/gates.md. Needs a validated spec.
void decide(const GateSpec& spec, std::span<const float> logits,
            std::span<const float> selection_bias, DecisionView& out) noexcept;

// What the gate decides if it has no `masked` experts (distinct ids): they take no part in the
// others' softmax or in their group's score, and a group without others is never kept. `eligible`
// and the margins are this decision's. At least k others in any groups that may be kept.
void decide_without(std::span<const int32_t> masked, const GateSpec& spec,
                    std::span<const float> logits, std::span<const float> selection_bias,
                    DecisionView& out) noexcept;

// The weights that the rule of the gate (without its `masked` experts) gives k experts that
// somebody else selected: distinct ids, none of them masked. The order counts for the sparsemixer
// only. Those of decide()'s own choice equal its weights bit for bit.
void weigh(const GateSpec& spec, std::span<const int32_t> masked, std::span<const float> logits,
           std::span<const int32_t> selected, std::span<float> weights) noexcept;

// The last step where spec.per_expert_scale: weights_i *= scale[ranked_i]. scale (E).
void scale_by_expert(std::span<const float> scale, std::span<const int32_t> ranked,
                     std::span<float> weights) noexcept;

// Only the selected set, for many counterfactual gates: ordered top-k of `logits` (k ids).
void select(const GateSpec& spec, std::span<const float> logits,
            std::span<const float> selection_bias, std::span<int32_t> top) noexcept;

// |A ∩ B| of two k-sets, each given as k distinct ids.
uint32_t overlap(std::span<const int32_t> a, std::span<const int32_t> b) noexcept;

}  // namespace rg::gate
