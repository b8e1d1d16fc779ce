#include "experiments/audit/audit_rates.h"

#include <algorithm>
#include <functional>

namespace rg::experiments {
namespace {

void add_to(std::vector<double>& sums, std::span<const double> more) {
  std::transform(sums.begin(), sums.end(), more.begin(), sums.begin(), std::plus<>());
}

}  // namespace

Json rate_block(std::span<const double> over, std::span<const double> under,
                const Statistician& statistician, Nulls& nulls, const std::string& path) {
  const stats::Replicates rate = statistician.ratio(over, under);
  return {
      {"rate", nulls.number(rate.estimate, path, "there is nothing that it could be a rate of")},
      {"ci95", interval_json(stats::percentile_interval(rate.values), nulls, path)}};
}

std::vector<double> as_numbers(std::span<const uint32_t> counts) {
  return {counts.begin(), counts.end()};
}

std::vector<double> times(std::span<const double> values, double factor) {
  std::vector<double> products(values.size());
  std::transform(values.begin(), values.end(), products.begin(),
                 [factor](double value) { return factor * value; });
  return products;
}

AuditSums::AuditSums(const AuditResults& results, size_t slot)
    : top_k_(results.record.setting().spec.top_k), gates_equal_(results.record.gates_equal()) {
  const AuditRecord& record = results.record;
  const auto rest = [&](std::span<const uint32_t> undefined) {
    std::vector<double> decisions = as_numbers(undefined);
    for (double& value : decisions) value = record.positions() - value;
    return decisions;
  };
  for (size_t kind = 0; kind < counts_.size(); ++kind) {
    counts_[kind] = as_numbers(record.counts(static_cast<AuditCount>(kind), slot));
  }
  decisions_ = rest(record.counts(AuditCount::undefined, slot));
  depth_sum_ = {record.depth_sum(slot).begin(), record.depth_sum(slot).end()};
  if (!record.folds().empty()) bounds_ = record.forecast(slot).bounds;
  if (results.floor == nullptr) return;
  pass_floor_ = PassFloor{.decisions = rest(results.floor->counts(FloorCount::undefined, slot)),
                          .flips = as_numbers(results.floor->counts(FloorCount::flips, slot)),
                          .mass = as_numbers(results.floor->counts(FloorCount::mass, slot))};
}

void AuditSums::add(const AuditSums& other) {
  for (size_t kind = 0; kind < counts_.size(); ++kind) add_to(counts_[kind], other.counts_[kind]);
  add_to(decisions_, other.decisions_);
  add_to(depth_sum_, other.depth_sum_);
  if (bounds_) {
    add_to(bounds_->lower, other.bounds_->lower);
    add_to(bounds_->upper, other.bounds_->upper);
    add_to(bounds_->pair, other.bounds_->pair);
  }
  if (pass_floor_) {
    add_to(pass_floor_->decisions, other.pass_floor_->decisions);
    add_to(pass_floor_->flips, other.pass_floor_->flips);
    add_to(pass_floor_->mass, other.pass_floor_->mass);
  }
}

std::vector<double> AuditSums::phi(AuditCount own, AuditCount other) const {
  std::vector<double> parts(decisions_.size());
  for (size_t w = 0; w < parts.size(); ++w) {
    parts[w] = (of(own)[w] + of(AuditCount::total)[w] - of(other)[w]) / 2;
  }
  return parts;
}

Json AuditSums::json(const Statistician& statistician, Nulls& nulls,
                     const std::string& path) const {
  const std::vector<double> places = this->places();
  const auto rate = [&](const char* name, std::span<const double> over,
                        std::span<const double> under) {
    return rate_block(over, under, statistician, nulls, path + '.' + name);
  };
  const std::vector<double> gate = phi(AuditCount::local, AuditCount::through_a);
  const std::vector<double> input = phi(AuditCount::through_a, AuditCount::local);
  Json fields = {{"flips", rate("flips", of(AuditCount::flips), decisions_)},
                 {"total", rate("total", of(AuditCount::total), places)},
                 {"local", rate("local", of(AuditCount::local), places)},
                 {"inherited", rate("inherited", of(AuditCount::inherited), places)},
                 {"phi_gate", rate("phi_gate", gate, places)},
                 {"phi_input", rate("phi_input", input, places)}};
  const auto total =
      stats::percentile_interval(statistician.ratio(of(AuditCount::total), places).values);
  fields["share_gate"] =
      total && (*total)[0] > 0
          ? rate("share_gate", gate, of(AuditCount::total))
          : nulls.null(path + ".share_gate", "the interval of the total doesn't lie above 0");
  for (const auto& [name, count] :
       {std::pair{"reordered", AuditCount::reordered},
        std::pair{"reweighted", AuditCount::reweighted},
        std::pair{"neighbour", AuditCount::neighbour}, std::pair{"middle", AuditCount::middle},
        std::pair{"far", AuditCount::far}}) {
    fields[name] = rate(name, of(count), decisions_);
  }
  fields["depth"] = rate("depth", depth_sum_, of(AuditCount::depth_n));
  fields["guaranteed"] = guaranteed_json(statistician, nulls, path + ".guaranteed");
  fields["bounds"] = bounds_json(statistician, nulls, path + ".bounds");
  fields["floor"] = floor_json(statistician, nulls, path + ".floor");
  return fields;
}

Json AuditSums::guaranteed_json(const Statistician& statistician, Nulls& nulls,
                                const std::string& path) const {
  if (!gates_equal_) return nulls.null(path, "the gates of the two differ");
  return rate_block(of(AuditCount::guaranteed), decisions_, statistician, nulls, path);
}

Json AuditSums::bounds_json(const Statistician& statistician, Nulls& nulls,
                            const std::string& path) const {
  if (!bounds_) return nulls.null(path, "per_window.bounds is null");
  const auto rate = [&](const char* name, const std::vector<double>& sums) {
    return rate_block(sums, decisions_, statistician, nulls, path + '.' + name);
  };
  return {{"lower", rate("lower", bounds_->lower)},
          {"upper", rate("upper", bounds_->upper)},
          {"pair", rate("pair", bounds_->pair)}};
}

Json AuditSums::floor_json(const Statistician& statistician, Nulls& nulls,
                           const std::string& path) const {
  const auto rate = [&](const std::string& name, std::span<const double> over,
                        std::span<const double> under) {
    return rate_block(over, under, statistician, nulls, path + '.' + name);
  };
  Json floor = {{"gates",
                 {{"flips", rate("gates.flips", of(AuditCount::floor_flips), decisions_)},
                  {"d", rate("gates.d", of(AuditCount::floor_mass), places())},
                  {"ties", rate("gates.ties", of(AuditCount::floor_ties), decisions_)}}}};
  if (!pass_floor_) {
    floor["pass"] = nulls.null(path + ".pass", "this CPU computes with one number format only");
    return floor;
  }
  floor["pass"] = {{"flips", rate("pass.flips", pass_floor_->flips, pass_floor_->decisions)},
                   {"d", rate("pass.d", pass_floor_->mass, times(pass_floor_->decisions, top_k_))}};
  return floor;
}

}  // namespace rg::experiments
