#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "gate/gate.h"

namespace rg::gate {
namespace {

class Check {
 public:
  explicit Check(const std::string& file) : file_(file) {}

  void require(bool holds, const char* object, const std::string& found,
               const std::string& expected) const {
    if (holds) return;
    throw Error(ErrorId::CF010,
                {.file = file_,
                 .object = object,
                 .found = found,
                 .expected = expected,
                 .hint = "The config is damaged or belongs to another model. Compare it with the "
                         "published config.json of this checkpoint."});
  }

 private:
  const std::string& file_;
};

void check_counts(const GateSpec& spec, const Check& check) {
  const uint32_t experts = spec.experts, k = spec.top_k;
  const uint32_t groups = spec.groups, kept = spec.groups_kept;
  check.require(experts >= 1 && experts <= kMaxExperts, "experts", fmt::format("{}", experts),
                fmt::format("1 to {}", kMaxExperts));
  check.require(k >= 1 && k <= experts, "experts per token", fmt::format("k = {}", k),
                fmt::format("1 to {} (the number of experts)", experts));
  check.require(groups >= 1 && groups <= experts && experts % groups == 0, "expert groups",
                fmt::format("{} groups of {} experts", groups, experts),
                "a number of groups that divides the number of experts");
  check.require(kept >= 1 && kept <= groups, "expert groups kept", fmt::format("{}", kept),
                fmt::format("1 to {} (the number of groups)", groups));
  const uint32_t eligible = kept * (experts / groups);
  check.require(k <= eligible, "experts per token", fmt::format("k = {}", k),
                fmt::format("at most {} ({} of {} groups of {} experts are kept)", eligible, kept,
                            groups, experts / groups));
}

void check_rules(const GateSpec& spec, const Check& check) {
  const uint32_t group_size = spec.experts / spec.groups;
  const bool has_rule = spec.group_score != GroupScore::none;
  check.require(has_rule == (spec.groups > 1), "group score",
                fmt::format("'{}' with {} groups", name(spec.group_score), spec.groups.value),
                "'none' exactly where there is one group");
  check.require(spec.group_score != GroupScore::top2_sum || group_size >= 2, "group score",
                fmt::format("'top2_sum' with {} expert per group", group_size),
                "two experts per group or more");
  check.require(spec.weigh != Weigh::scores || spec.score != Score::logits, "weights",
                "raw logits as combination weights", "scores, or a function of selected logits");
  check.require(spec.weigh != Weigh::selected_softmax || spec.normalise == Normalise::no,
                "normalisation", fmt::format("'{}' after a softmax", name(spec.normalise)),
                "'no': the softmax over the selected experts sums to 1 already");
  const bool sparse = spec.weigh == Weigh::sparsemixer;
  check.require(!sparse || (spec.score == Score::logits && !spec.selection_bias &&
                            spec.groups == 1u && spec.normalise == Normalise::no),
                "weights", "'sparsemixer' with scores, a selection bias, groups or a normalisation",
                "logits alone");
  check.require(!spec.ids_from_table || (!spec.selection_bias && spec.groups == 1u),
                "expert ids from a table", "a selection bias or groups beside them",
                "neither: nothing is ranked");
  const bool wants_epsilon = sparse || spec.normalise == Normalise::by_sum_plus_epsilon ||
                             spec.normalise == Normalise::by_max_of_sum_and_epsilon;
  const float epsilon = spec.epsilon;
  check.require(wants_epsilon ? std::isfinite(epsilon) && epsilon > 0 : epsilon == 0, "epsilon",
                fmt::format("{} with normalisation '{}'", epsilon, name(spec.normalise)),
                wants_epsilon ? "a positive number" : "0");
  check.require(std::isfinite(spec.scaling) && spec.scaling > 0, "scaling",
                fmt::format("{}", spec.scaling.value), "a positive number");
}

}  // namespace

void validate(const GateSpec& spec, const std::string& file) {
  const Check check(file);
  check_counts(spec, check);
  check_rules(spec, check);
}

}  // namespace rg::gate
