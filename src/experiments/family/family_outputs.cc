#include "experiments/family/family_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace rg::experiments {
namespace {

size_t checkpoint_index(const FamilyFacts& family, const std::string& name) {
  const auto found = std::find(family.ckpts.begin(), family.ckpts.end(), name);
  check_internal(found != family.ckpts.end(), "an edge joins checkpoints of its family");
  return static_cast<size_t>(found - family.ckpts.begin());
}

}  // namespace

std::vector<double> defined_values(std::span<const double> values) {
  std::vector<double> defined(values.size());
  std::transform(values.begin(), values.end(), defined.begin(),
                 [](double value) { return std::isfinite(value) ? value : kNaN; });
  return defined;
}

std::vector<double> window_differences(std::span<const double> after,
                                       std::span<const double> before) {
  std::vector<double> differences(after.size());
  std::transform(after.begin(), after.end(), before.begin(), differences.begin(), std::minus<>());
  return differences;
}

std::string edge_key(const Edge& edge) {
  return fmt::format("{}__to__{}", edge.first, edge.second);
}

std::vector<double> edge_differences(const FamilyFacts& family, const Edge& edge,
                                     const Quantity& quantity) {
  return window_differences(quantity.of_checkpoint[checkpoint_index(family, edge.second)],
                            quantity.of_checkpoint[checkpoint_index(family, edge.first)]);
}

Statistician domain_statistician(const FamilyFacts& family, const DomainOutputs& domain) {
  return {domain.window_document, family.replicates, family.seed};
}

Json family_fields(const FamilyFacts& family, std::span<const DomainOutputs> domains) {
  check_internal(!domains.empty() && !family.ckpts.empty(), "a family has domains and a base");
  for (const DomainOutputs& domain : domains) {
    check_internal(domain.of_checkpoint.size() == family.ckpts.size(),
                   "every checkpoint is measured on every domain");
    for (const OutputRecord* const record : domain.of_checkpoint) {
      check_internal(record->loss().size() == domain.windows(),
                     "every checkpoint is measured on the same windows");
    }
  }
  Json edges = Json::array();
  for (const Edge& edge : family.edges) {
    edges.push_back({{"from", edge.first}, {"to", edge.second}});
  }
  return {{"layers", Json::array()},
          {"verification", verification_json({})},
          {"edges", std::move(edges)}};
}

Json quantities_json(const FamilyFacts& family, std::span<const Quantity> quantities, Nulls& nulls,
                     const std::string& path) {
  Json object = Json::object();
  for (const Quantity& quantity : quantities) {
    Json& by_checkpoint = object[quantity.name] = Json::object();
    for (size_t c = 0; c < family.ckpts.size(); ++c) {
      by_checkpoint[family.ckpts[c]] =
          nulls.array(quantity.of_checkpoint[c], fmt::format("{}.{}", path, quantity.name),
                      "some position of the window leaves the value undefined");
    }
  }
  return object;
}

}  // namespace rg::experiments
