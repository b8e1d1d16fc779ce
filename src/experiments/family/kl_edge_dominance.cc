#include "experiments/family/kl_edge_dominance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "stats/holm.h"

namespace rg::experiments {
namespace {

constexpr const char* kNoGrowthDefined = "no window defines it";

// A domain's arrays, and the table that resamples them.
struct DriftDomain {
  const DomainOutputs* outputs;
  Statistician statistician;
  Quantity drift, forgetting, loss;
};

// How much one of the two grows along an edge.
struct Growth {
  std::vector<double> values;  // by window
  stats::Replicates replicates;
  double p;           // one-sided, of no growth; NaN where no replicate is defined
  double p_adjusted;  // of all growths of the artifact together

  bool none() const {
    return std::all_of(values.begin(), values.end(), [](double value) { return value == 0; });
  }
  bool holds() const { return stats::interval_above(replicates.values, 0); }
};

struct DriftEdge {
  size_t domain;
  std::string key;
  Growth drift, forgetting;

  std::array<Growth*, 2> both() { return {&drift, &forgetting}; }
  std::array<const Growth*, 2> both() const { return {&drift, &forgetting}; }
};

enum class DriftVerdict : int { fail, pass, degenerate };

const char* drift_verdict_name(DriftVerdict verdict) {
  switch (verdict) {
    case DriftVerdict::fail:
      return "FAIL";
    case DriftVerdict::pass:
      return "PASS";
    case DriftVerdict::degenerate:
      break;
  }
  return "DEGENERATE";
}

DriftDomain drift_domain(const FamilyFacts& family, const DomainOutputs& outputs) {
  DriftDomain domain{.outputs = &outputs,
                     .statistician = domain_statistician(family, outputs),
                     .drift = {"D", {}},
                     .forgetting = {"L_forget", {}},
                     .loss = {"loss", {}}};
  for (size_t c = 0; c < family.ckpts.size(); ++c) {
    const OutputRecord& record = *outputs.of_checkpoint[c];
    check_internal(c == 0 || record.kl().size() == outputs.windows(),
                   "every descendant is passed with the base as reference");
    domain.drift.of_checkpoint.push_back(c == 0 ? std::vector<double>(outputs.windows(), 0.0)
                                                : defined_values(record.kl()));
    domain.loss.of_checkpoint.push_back(defined_values(record.loss()));
    domain.forgetting.of_checkpoint.push_back(
        window_differences(domain.loss.of_checkpoint[c], domain.loss.of_checkpoint[0]));
  }
  return domain;
}

// (1 + replicates at or below 0) / (B' + 1): never 0, as B resamples can't show it.
double p_of_no_growth(std::span<const double> replicates) {
  double defined = 0, not_above = 0;
  for (const double value : replicates) {
    defined += !std::isnan(value);
    not_above += value <= 0;
  }
  return defined == 0 ? kNaN : (1 + not_above) / (defined + 1);
}

Growth growth_along(const FamilyFacts& family, const Edge& edge, const Quantity& quantity,
                    const Statistician& statistician) {
  std::vector<double> values = edge_differences(family, edge, quantity);
  stats::Replicates replicates = statistician.mean(values);
  const double p = p_of_no_growth(replicates.values);
  return {std::move(values), std::move(replicates), p, kNaN};
}

void adjust_growths(std::vector<DriftEdge>& edges) {
  std::vector<double> p;
  for (const DriftEdge& edge : edges) {
    for (const Growth* const growth : edge.both()) p.push_back(growth->p);
  }
  const std::vector<double> adjusted = stats::holm_adjusted(p);
  size_t next = 0;
  for (DriftEdge& edge : edges) {
    for (Growth* const growth : edge.both()) growth->p_adjusted = adjusted[next++];
  }
}

std::vector<DriftEdge> drift_edges(const FamilyFacts& family,
                                   std::span<const DriftDomain> domains) {
  std::vector<DriftEdge> edges;
  for (size_t d = 0; d < domains.size(); ++d) {
    const DriftDomain& domain = domains[d];
    for (const Edge& edge : family.edges) {
      edges.push_back(
          {.domain = d,
           .key = edge_key(edge),
           .drift = growth_along(family, edge, domain.drift, domain.statistician),
           .forgetting = growth_along(family, edge, domain.forgetting, domain.statistician)});
    }
  }
  adjust_growths(edges);
  return edges;
}

DriftVerdict drift_verdict_of(std::span<const DriftEdge> edges) {
  const auto degenerate = [](const DriftEdge& edge) {
    return edge.drift.none() && edge.forgetting.none();
  };
  const auto holds = [](const DriftEdge& edge) {
    return edge.drift.holds() && edge.forgetting.holds();
  };
  if (std::any_of(edges.begin(), edges.end(), degenerate)) return DriftVerdict::degenerate;
  return std::all_of(edges.begin(), edges.end(), holds) ? DriftVerdict::pass : DriftVerdict::fail;
}

// The same windows in every domain, and so one table for all.
DriftVerdict drift_verdict_of_subset(std::span<const DriftEdge> edges,
                                     std::span<const uint32_t> members,
                                     const stats::CountTable& table) {
  std::vector<DriftEdge> of_subset;
  for (const DriftEdge& edge : edges) {
    DriftEdge part{.domain = edge.domain, .key = {}, .drift = {}, .forgetting = {}};
    for (size_t i = 0; i < 2; ++i) {
      Growth& growth = *part.both()[i];
      stats::gather(edge.both()[i]->values, members, growth.values);
      growth.replicates = stats::mean_replicates(table, growth.values);
    }
    of_subset.push_back(std::move(part));
  }
  return drift_verdict_of(of_subset);
}

stats::Convergence drift_convergence(const FamilyFacts& family,
                                     std::span<const DomainOutputs> domains,
                                     std::span<const DriftEdge> edges, DriftVerdict verdict) {
  std::vector<stats::Criterion> criteria;
  for (const DriftEdge& edge : edges) {
    for (const Growth* const growth : edge.both()) {
      criteria.push_back(
          {growth->replicates.estimate, stats::standard_error(growth->replicates.values)});
    }
  }
  size_t fewest = domains.front().windows();
  for (const DomainOutputs& domain : domains) fewest = std::min(fewest, domain.windows());
  const stats::Judge judge = [&](std::span<const uint32_t> members,
                                 const stats::CountTable& table) {
    return static_cast<int>(drift_verdict_of_subset(edges, members, table));
  };
  return stats::judge_convergence(fewest, family.seed, family.threads, static_cast<int>(verdict),
                                  judge, stats::smallest_z(criteria));
}

Json drift_of_checkpoints(const FamilyFacts& family, const DriftDomain& domain, Nulls& nulls,
                          const std::string& path) {
  Json summary = Json::object();
  const auto block = [&](const std::vector<double>& values) {
    return domain.statistician.mean_block(domain.statistician.mean(values), nulls, path);
  };
  for (size_t c = 0; c < family.ckpts.size(); ++c) {
    summary[family.ckpts[c]] = {{"D_hat", block(domain.drift.of_checkpoint[c])},
                                {"L_forget_hat", block(domain.forgetting.of_checkpoint[c])}};
  }
  return summary;
}

Json drift_along_edge(const DriftEdge& edge, const Statistician& statistician, Nulls& nulls,
                      const std::string& path) {
  const auto block = [&](const Growth& growth) {
    return statistician.delta_block(growth.values, growth.replicates, nulls, path);
  };
  const auto p = [&](double value) { return nulls.number(value, path, kNoGrowthDefined); };
  Json drift = block(edge.drift), forgetting = block(edge.forgetting);
  const Json drift_ends = drift["ci95"], forgetting_ends = forgetting["ci95"];
  return {{"D_delta", std::move(drift)},
          {"L_delta", std::move(forgetting)},
          {"D_delta_ci95", drift_ends},
          {"L_delta_ci95", forgetting_ends},
          {"D_p", p(edge.drift.p)},
          {"L_p", p(edge.forgetting.p)},
          {"D_p_holm", p(edge.drift.p_adjusted)},
          {"L_p_holm", p(edge.forgetting.p_adjusted)},
          {"holds", edge.drift.holds() && edge.forgetting.holds()}};
}

}  // namespace

record::Contribution reduce_kl_edge_dominance(const FamilyFacts& family,
                                              std::span<const DomainOutputs> domains) {
  check_internal(!family.edges.empty(), "dominance along edges needs an edge");
  record::Contribution part{.fields = family_fields(family, domains), .notes = {}};
  std::vector<DriftDomain> measured;
  for (const DomainOutputs& domain : domains) measured.push_back(drift_domain(family, domain));
  const std::vector<DriftEdge> edges = drift_edges(family, measured);

  Nulls nulls;
  Json per_window = Json::object(), per_domain = Json::object(), by_edge = Json::object();
  for (const DriftDomain& domain : measured) {
    const std::string& name = domain.outputs->name;
    const Quantity quantities[] = {domain.drift, domain.forgetting, domain.loss};
    per_window[name] = quantities_json(family, quantities, nulls, "per_window." + name);
    per_domain[name] = drift_of_checkpoints(family, domain, nulls, "summary.per_domain." + name);
    by_edge[name] = Json::object();
  }
  for (const DriftEdge& edge : edges) {
    const DriftDomain& domain = measured[edge.domain];
    const std::string& name = domain.outputs->name;
    by_edge[name][edge.key] =
        drift_along_edge(edge, domain.statistician, nulls, "summary.edges." + name);
  }
  const DriftVerdict verdict = drift_verdict_of(edges);
  const stats::Convergence convergence = drift_convergence(family, domains, edges, verdict);

  part.fields["kl_direction"] = "theta||base";
  part.fields["per_window"] = std::move(per_window);
  part.fields["summary"] = {
      {"bootstrap", measured.front().statistician.bootstrap_json()},
      {"null",
       {{"kind",
         "empirical: along an edge neither the mean drift nor the mean forgetting grows; windows "
         "resampled with replacement"}}},
      {"per_domain", std::move(per_domain)},
      {"edges", std::move(by_edge)},
      {"verdict", drift_verdict_name(verdict)},
      {"convergence", convergence_json(convergence, drift_verdict_name(verdict), nulls)}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
