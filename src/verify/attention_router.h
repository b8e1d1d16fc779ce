// Internals of the attention_router judge, shared by its files (docs/artifacts.md section 5).
#pragma once

#include "verify/analysis.h"

namespace rg::verify::router {

inline constexpr const char* kParts[] = {"embedding", "attention", "experts", "bias"};
inline constexpr size_t kGroups = 3;     // embedding, attention, experts
inline constexpr size_t kAttention = 1;  // its place among the groups

using Parts = std::map<std::string, LayerWindows>;

struct Arrays {
  std::vector<std::string> parts;  // three, or four with the bias
  Parts norm_share, signed_num, signed_num_varying, margin_part;
  LayerWindows signed_den, signed_den_varying, margin_total;
  Parts val, val_mean_replaced;  // by subset
  LayerWindows agreement_top1, agreement_topk, null_share, null_signed_num, null_signed_den,
      published_ratio, undefined;
  LayerWindows agreement_positions;  // the agreements' divisor
};
// Ranges, sums, grids and where null is allowed.
Arrays read_arrays(const Case& c);

// Counts over all defined positions of one layer.
struct LayerCounts {
  std::vector<int64_t> experts, embedding_top1, rest_top1, embedding_topk, rest_topk;
};
LayerCounts read_counts(const Case& c, int layer, const Arrays& arrays);

// val * k * T_def is a count of kept experts plus k val_empty for each position whose parts of
// that subset are all zero.
void check_val_grid(const Case& c, int layer, const Arrays& arrays, double val_empty);

// One prompt or probe at one layer under one convention.
struct Reading {
  std::string text, target, context, convention;
  int layer = 0;
  std::optional<double> ratio;
  int64_t embed_top = 0, attention_top = 0, top = 0;
};
std::vector<Reading> read_prompts(const Case& c);
std::vector<Reading> read_probes(const Case& c);

// Members whose values the artifact alone cannot give, checked for form and consistency.
void check_token_ids(const Case& c);
void check_geometry(const Case& c);
void check_decomposition(const Case& c);
void check_source_table(const Case& c);
// `expert_similarity`, where it was asked for.
void check_similarity(const Case& c, Claims& claims);

// Of a list of layers: the first, the middle one (index floor(count/2)) and the last, each once.
std::vector<int> first_middle_last(const std::vector<int>& layers);

// The published program's verdict: over its layers, and without the model's first MoE layer.
struct PublishedVerdict {
  std::vector<int> layers;
  std::optional<double> all_layers, without_first;  // mean ratio
};
// summary.published_table, summary.verdict.published, summary.context_tests.
PublishedVerdict claim_published(const Case& c, const std::vector<Reading>& prompts,
                                 const std::vector<Reading>& probes, Claims& claims);

// "H1", "H2", "H3" or "inconclusive" from the intervals of an attention share.
std::string label_of(const std::vector<std::optional<Interval>>& intervals);
std::string label_of_mean(std::optional<double> mean);

inline constexpr double kDominates = 0.85;     // H1 above
inline constexpr double kBalancedHigh = 0.80;  // H2 up to
inline constexpr double kBalancedLow = 0.50;   // H2 from, H3 below

}  // namespace rg::verify::router
