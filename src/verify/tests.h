// One judge per test. A judge reads its arrays (collecting defects), and if they are sound
// recomputes the summary and the verdict.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "verify/claims.h"
#include "verify/header.h"

namespace rg::verify {

struct Case {
  Inspector& inspect;
  const Header& header;
  At root;
};

// A judge's result. Criteria, effect, sentence, ... go into the Judgement itself.
struct Finding {
  Claims claims;                       // the summary that the arrays give
  Verdict verdict = Verdict::invalid;  // that the arrays give
};

struct TestJudge {
  std::string_view name;
  HeaderRules rules;
  std::vector<std::string_view> members;  // top-level members, without the common ones
  void (*judge)(const Case&, Finding&);
};

// The explicit list.
const std::vector<TestJudge>& all_judges();

void judge_chart_compatibility(const Case& c, Finding& finding);
void judge_terminal_ovk_scan(const Case& c, Finding& finding);
void judge_attention_router(const Case& c, Finding& finding);
void judge_expert_load(const Case& c, Finding& finding);
void judge_intervention(const Case& c, Finding& finding);
void judge_boundary_amplification(const Case& c, Finding& finding);
void judge_behavior_compression(const Case& c, Finding& finding);
void judge_audit(const Case& c, Finding& finding);
void judge_kv_gauge(const Case& c, Finding& finding);
void judge_kv_distortion(const Case& c, Finding& finding);
void judge_key_only_router(const Case& c, Finding& finding);
void judge_theorem_slack(const Case& c, Finding& finding);
void judge_kl_edge_dominance(const Case& c, Finding& finding);
void judge_entropy_collapse(const Case& c, Finding& finding);
void judge_kl_bounded_adaptation(const Case& c, Finding& finding);
void judge_terminal_tracking(const Case& c, Finding& finding);
void judge_terminal_compatibility(const Case& c, Finding& finding);

// An artifact that lies inside another one, judged as a file of its own; paths count from it.
// AR004 where that would be too much work.
Judgement judge_bundled(const At& artifact, const Options& options);

// The claims that a sound artifact's arrays give, whatever its summary says; empty if the arrays
// are not sound. For tests that make artifacts.
Claims recompute_summary(std::string_view text, const Options& options);

}  // namespace rg::verify
