// Synthetic artifacts that are valid in every respect: arrays by seeded draws, the summary from
// what those arrays give, a right digest. Tests doctor them.
#pragma once

#include <string>

#include "base/json.h"
#include "verify/verify.h"

namespace rg::verify::testing {

struct Shape {
  uint32_t windows = 200;
  uint32_t seq_len = 64;
  uint32_t replicates = 200;
  uint32_t documents = 40;
};

Json make_chart_compatibility(const Shape& shape);
Json make_terminal_ovk_scan(const Shape& shape);
Json make_attention_router(const Shape& shape);
Json make_expert_load(const Shape& shape);
Json make_boundary_amplification(const Shape& shape);
Json make_behavior_compression(const Shape& shape);
// At most 80 windows of 33 tokens and 100 replicates; also "audit_<variant>" of audit_artifacts.h.
Json make_of_audit(const std::string& test, const Shape& shape);
// Also "kv_gauge_<variant>" of kv_gauge_artifacts.h.
Json make_of_kv_gauge(const std::string& test, const Shape& shape);
// Also "kv_distortion_<variant>" of kv_distortion_artifacts.h.
Json make_of_kv_distortion(const std::string& test, const Shape& shape);
// Also "key_only_router_<variant>" of key_only_router_artifacts.h.
Json make_of_key_only_router(const std::string& test, const Shape& shape);
// Also "theorem_slack_<variant>" of theorem_slack_artifacts.h.
Json make_of_theorem_slack(const std::string& test, const Shape& shape);
// A family of `base`, `tuned` and `aligned`, in prose and, with 20 windows more, code.
Json make_kl_edge_dominance(const Shape& shape);
Json make_entropy_collapse(const Shape& shape);
// Six runs with layers 0 and 1 frozen and two with layer 0 alone, on five times as many windows.
Json make_kl_bounded_adaptation(const Shape& shape);
// Two scans, of models whose last MoE layers are 5 and 7.
Json make_terminal_tracking(const Shape& shape);
Json make_terminal_compatibility(const Shape& shape);
Json make_of_family(const std::string& test, const Shape& shape);  // one of these five

Json make(const std::string& test, const Shape& shape);
inline constexpr const char* kTests[] = {"chart_compatibility",
                                         "terminal_ovk_scan",
                                         "attention_router",
                                         "expert_load",
                                         "intervention",
                                         "boundary_amplification",
                                         "behavior_compression",
                                         "audit",
                                         "kv_gauge",
                                         "kv_distortion",
                                         "key_only_router",
                                         "theorem_slack"};
inline constexpr const char* kFamilyTests[] = {"kl_edge_dominance", "entropy_collapse",
                                               "kl_bounded_adaptation", "terminal_tracking",
                                               "terminal_compatibility"};

// Writes the summary that the arrays give (members that the verifier takes as stated stay), then
// the digest. A published artifact (without program_version) gets its summary alone.
void complete(Json& artifact);
// The digest of the body as it stands.
void seal(Json& artifact);
std::string text_of(const Json& artifact);

// Few replicates of the verifier's own, for speed.
Options quick_options();
Judgement judge(const Json& artifact);

// Arrays deep in the tree by dotted path: `at(artifact, "per_window.boundary.tokens.3")`.
Json& at(Json& artifact, const std::string& path);

}  // namespace rg::verify::testing
