#include "experiments/family/entropy_collapse.h"

#include <array>

namespace rg::experiments {
namespace {

using SpreadQuantities = std::array<Quantity, 5>;

SpreadQuantities spread_of(const DomainOutputs& domain) {
  SpreadQuantities spread = {{{"H", {}}, {"V", {}}, {"H2", {}}, {"loss", {}}, {"gap", {}}}};
  for (const OutputRecord* const record : domain.of_checkpoint) {
    const std::vector<double> entropy = defined_values(record->entropy());
    const std::vector<double> loss = defined_values(record->loss());
    spread[0].of_checkpoint.push_back(entropy);
    spread[1].of_checkpoint.push_back(defined_values(record->varentropy()));
    spread[2].of_checkpoint.push_back(defined_values(record->collision_entropy()));
    spread[3].of_checkpoint.push_back(loss);
    spread[4].of_checkpoint.push_back(window_differences(loss, entropy));
  }
  return spread;
}

// {ckpt{quantity: mean block}}
Json spread_of_checkpoints(const FamilyFacts& family, const SpreadQuantities& spread,
                           const Statistician& statistician, Nulls& nulls,
                           const std::string& path) {
  Json summary = Json::object();
  for (size_t c = 0; c < family.ckpts.size(); ++c) {
    Json& of_checkpoint = summary[family.ckpts[c]] = Json::object();
    for (const Quantity& quantity : spread) {
      of_checkpoint[quantity.name] =
          statistician.mean_block(statistician.mean(quantity.of_checkpoint[c]), nulls, path);
    }
  }
  return summary;
}

// {edge{quantity: delta block}}
Json spread_along_edges(const FamilyFacts& family, const SpreadQuantities& spread,
                        const Statistician& statistician, Nulls& nulls, const std::string& path) {
  Json summary = Json::object();
  for (const Edge& edge : family.edges) {
    Json& of_edge = summary[edge_key(edge)] = Json::object();
    for (const Quantity& quantity : spread) {
      const std::vector<double> values = edge_differences(family, edge, quantity);
      of_edge[quantity.name] =
          statistician.delta_block(values, statistician.mean(values), nulls, path);
    }
  }
  return summary;
}

}  // namespace

record::Contribution reduce_entropy_collapse(const FamilyFacts& family,
                                             std::span<const DomainOutputs> domains) {
  record::Contribution part{.fields = family_fields(family, domains), .notes = {}};
  Nulls nulls;
  Json per_window = Json::object(), per_domain = Json::object(), edges = Json::object();
  Json bootstrap;
  for (const DomainOutputs& domain : domains) {
    const SpreadQuantities spread = spread_of(domain);
    const Statistician statistician = domain_statistician(family, domain);
    per_window[domain.name] = quantities_json(family, spread, nulls, "per_window." + domain.name);
    per_domain[domain.name] = spread_of_checkpoints(family, spread, statistician, nulls,
                                                    "summary.per_domain." + domain.name);
    edges[domain.name] =
        spread_along_edges(family, spread, statistician, nulls, "summary.edges." + domain.name);
    bootstrap = statistician.bootstrap_json();
  }
  part.fields["per_window"] = std::move(per_window);
  part.fields["summary"] = {{"bootstrap", std::move(bootstrap)},
                            {"per_domain", std::move(per_domain)},
                            {"edges", std::move(edges)}};
  nulls.add_to(part.fields);
  return part;
}

}  // namespace rg::experiments
