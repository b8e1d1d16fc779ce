// How sure the next-token distribution is, along the declared edges of a family: a report.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "verify/domains.h"
#include "verify/family_arrays.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr double kEntropySlack = 1e-9;  // collision entropy is at most Shannon's, up to rounding

struct EntropySeries {
  const char* name;
  Range range;
};
constexpr EntropySeries kEntropySeries[] = {{"H", kNotNegative},
                                            {"V", kNotNegative},
                                            {"H2", kNotNegative},
                                            {"loss", kNotNegative},
                                            {"gap", kAnyNumber}};

using EntropyArrays = std::map<std::string, CheckpointWindows>;  // by name of series

EntropyArrays read_entropies(const Case& c, const DomainWindows& domain) {
  EntropyArrays arrays;
  for (const EntropySeries& series : kEntropySeries) {
    arrays[series.name] = read_checkpoints(c, domain, series.name, series.range);
  }
  if (!c.inspect.sound()) return arrays;
  for (const std::string& checkpoint : c.header.family.checkpoints) {
    const auto path = [&](const char* name) {
      return fmt::format("per_window.{}.{}.{}", domain.name, name, checkpoint);
    };
    const Windows& shannon = arrays["H"][checkpoint];
    const Windows& collision = arrays["H2"][checkpoint];
    check_difference(c, path("gap"), arrays["gap"][checkpoint], arrays["loss"][checkpoint],
                     shannon);
    for (size_t w = 0; w < shannon.size(); ++w) {
      if (*collision[w] <= *shannon[w] + kEntropySlack) continue;
      c.inspect.invalid(
          Check::value_range, fmt::format("{}[{}]", path("H2"), w),
          fmt::format("found {}, expected at most H = {}", *collision[w], *shannon[w]));
      break;
    }
  }
  return arrays;
}

// The smallest and largest estimate over domains and edges.
struct EdgeRange {
  double lowest = 1e300, highest = -1e300;
  void add(double value) {
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  std::string text() const {
    return lowest == highest ? fmt::format("{:+.3g}", lowest)
                             : fmt::format("{:+.3g} to {:+.3g}", lowest, highest);
  }
};

}  // namespace

void judge_entropy_collapse(const Case& c, Finding& finding) {
  const Family& family = c.header.family;
  check_domains(c);
  std::vector<EntropyArrays> arrays;
  for (const DomainWindows& domain : family.domains) arrays.push_back(read_entropies(c, domain));
  if (!c.inspect.sound()) return;

  // By domain and series: the checkpoints' levels, the edges' changes.
  struct Ids {
    std::vector<ColumnId> levels, changes;
  };
  DomainAnalyses analyses(c);
  std::vector<std::map<std::string, Ids>> columns(family.domains.size());
  for (size_t d = 0; d < family.domains.size(); ++d) {
    for (const auto& [name, values] : arrays[d]) {
      for (const std::string& checkpoint : family.checkpoints) {
        columns[d][name].levels.push_back(analyses[d].add(values.at(checkpoint)));
      }
      for (const Windows& change : edge_differences(family, values)) {
        columns[d][name].changes.push_back(analyses[d].add(change));
      }
    }
  }
  analyses.resample();

  Judgement& judgement = c.inspect.judgement();
  EdgeRange entropy, gap;
  for (size_t d = 0; d < family.domains.size(); ++d) {
    const std::string& domain = family.domains[d].name;
    for (const auto& [name, ids] : columns[d]) {
      for (size_t i = 0; i < family.checkpoints.size(); ++i) {
        analyses[d].mean_block(finding.claims,
                               {"summary", "per_domain", domain, family.checkpoints[i], name},
                               ids.levels[i]);
      }
      for (size_t e = 0; e < family.edges.size(); ++e) {
        analyses[d].delta_block(finding.claims,
                                {"summary", "edges", domain, family.edges[e].key(), name},
                                ids.changes[e]);
        const double change = analyses[d].mean(ids.changes[e]).value_or(0);
        if (name == "H") entropy.add(change);
        if (name == "gap") gap.add(change);
      }
    }
  }
  finding.verdict = Verdict::reported;
  judgement.sentence = fmt::format(
      "Along {} in {} the entropy of the next-token distribution changes by {} nats, and the "
      "calibration gap (loss less entropy) by {} nats.",
      counted(family.edges.size(), "edge"), counted(family.domains.size(), "domain"),
      entropy.text(), gap.text());
}

}  // namespace rg::verify
