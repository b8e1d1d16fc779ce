#include "experiments/family/terminal_tracking.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "experiments/family/bundled.h"

namespace rg::experiments {
namespace {

std::set<std::string> weight_hashes(const Json& artifact) {
  std::set<std::string> hashes;
  for (const Json& tensor : artifact.at("tensors")) {
    hashes.insert(tensor.at("sha256").get<std::string>());
  }
  return hashes;
}

void require_distinct_models(std::span<const Json* const> scans) {
  for (size_t i = 0; i < scans.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (weight_hashes(*scans[i]) != weight_hashes(*scans[j])) continue;
      const auto name = [&](size_t at) {
        return scans[at]->at("model").at("ckpt").get<std::string>();
      };
      throw Error(ErrorId::RT011,
                  {.object = "terminal_tracking",
                   .found = fmt::format("the same weights in {} and {}", name(j), name(i)),
                   .expected = "scans of different models",
                   .hint = "A model can't confirm itself. Leave one of the two out."});
    }
  }
}

// What no pass can make good comes first: too few windows, then a scan that can't tell.
std::string tracking_verdict(const std::vector<std::string>& scans, size_t distinct,
                             uint32_t min_distinct) {
  for (const char* const undecided : {"INSUFFICIENT", "DEGENERATE"}) {
    if (std::count(scans.begin(), scans.end(), undecided) > 0) return undecided;
  }
  const auto passed = static_cast<size_t>(std::count(scans.begin(), scans.end(), kPassVerdict));
  return passed == scans.size() && distinct >= min_distinct ? kPassVerdict : kFailVerdict;
}

// Of all scans the terminal jump that is nearest to none, or beyond it.
Json weakest_jump(std::span<const Json* const> scans, Nulls& nulls) {
  const auto jump_of = [](const Json& scan) -> const Json& {
    return scan.at("summary").at("terminal_jump");
  };
  const Json* weakest = scans[0];
  for (const Json* const scan : scans) {
    if (is_weaker(jump_of(*scan).at("delta_mean"), jump_of(*weakest).at("delta_mean"))) {
      weakest = scan;
    }
  }
  const Json& jump = jump_of(*weakest);
  return {{"ckpt", weakest->at("model").at("ckpt")},
          {"pair", jump.at("pair")},
          {"delta_mean", bundled_effect(jump.at("delta_mean"), nulls)},
          {"ci95", bundled_effect(jump.at("ci95"), nulls)}};
}

}  // namespace

record::Contribution bundle_terminal_scans(std::span<const Json* const> scans,
                                           uint32_t min_distinct) {
  check_internal(scans.size() >= 2, "a bundle of scans has at least two");
  for (const Json* const scan : scans) {
    check_internal(scan->at("domain") == scans[0]->at("domain"), "scans of one domain");
  }
  require_distinct_models(scans);

  Json whole = Json::array();
  std::vector<std::string> verdicts;
  std::vector<int> terminal_layers;
  for (const Json* const scan : scans) {
    whole.push_back(*scan);
    verdicts.push_back(bundled_verdict(*scan));
    terminal_layers.push_back(scan->at("model").at("terminal_moe_layer").get<int>());
  }
  const size_t distinct = std::set<int>(terminal_layers.begin(), terminal_layers.end()).size();
  Nulls nulls;
  record::Contribution part{
      .fields = {{"scans", std::move(whole)},
                 {"verification", {{"min_distinct_terminals", min_distinct}}},
                 {"summary",
                  {{"n_scans", scans.size()},
                   {"terminal_moe_layers", terminal_layers},
                   {"distinct_terminal_moe_layers", distinct},
                   {"effect", weakest_jump(scans, nulls)},
                   {"convergence", bundled_convergence(scans, nulls)},
                   {"verdict", tracking_verdict(verdicts, distinct, min_distinct)}}}},
      .notes = {}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
