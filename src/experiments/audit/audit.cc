#include "experiments/audit/audit.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "experiments/audit/audit_arrays.h"
#include "experiments/audit/audit_forecasts.h"
#include "experiments/audit/audit_rates.h"

namespace rg::experiments {
namespace {

constexpr const char* kOneCompute = "this CPU computes with one number format only";

bool all_zero(std::span<const uint32_t> counts) {
  return std::all_of(counts.begin(), counts.end(), [](uint32_t count) { return count == 0; });
}

// Whether nothing at all tells the two apart.
bool identical(const AuditRecord& record, const WindowOutputs& outputs) {
  for (size_t slot = 0; slot < record.setting().layers.size(); ++slot) {
    for (const AuditCount count :
         {AuditCount::total, AuditCount::local, AuditCount::inherited, AuditCount::through_a,
          AuditCount::flips, AuditCount::reordered, AuditCount::reweighted}) {
      if (!all_zero(record.counts(count, slot))) return false;
    }
  }
  const auto is_all = [](const auto& values, auto value) {
    return std::all_of(values.begin(), values.end(), [value](auto one) { return one == value; });
  };
  return is_all(outputs.kl, 0.0) && is_all(outputs.top1_equal, record.positions()) &&
         outputs.loss_a == outputs.loss_b && outputs.loss_a == outputs.loss_ab &&
         outputs.loss_a == outputs.loss_ba;
}

// d of a bin: share of the selected places that others took.
Json deciles_summary(const AuditRecord& record, MarginKind kind, size_t slot,
                     const Statistician& statistician, Nulls& nulls, const std::string& path) {
  const auto& deciles = record.deciles(kind, slot);
  if (!deciles) return nulls.null(path, "no margin is defined, or all are equal");
  Json rows = Json::array();
  for (size_t bin = 0; bin < kMarginDeciles; ++bin) {
    const std::vector<uint32_t>& counts = deciles->decisions[bin];
    const uint64_t all = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
    if (all == 0) continue;
    const std::vector<double> decisions = as_numbers(counts);
    rows.push_back({{"bin", bin},
                    {"m_lo", deciles->edges[bin]},
                    {"m_hi", deciles->edges[bin + 1]},
                    {"decisions", all},
                    {"flips", rate_block(as_numbers(deciles->flips[bin]), decisions, statistician,
                                         nulls, path)},
                    {"d", rate_block(as_numbers(deciles->mass[bin]),
                                     times(decisions, record.setting().spec.top_k), statistician,
                                     nulls, path)}});
  }
  return rows;
}

// Per layer, and of all layers together.
struct LayersSummary {
  Json per_layer = Json::object(), pooled;
};

LayersSummary summarise_layers(const AuditResults& results, const Statistician& statistician,
                               Nulls& nulls) {
  const AuditRecord& record = results.record;
  const std::vector<int>& layers = record.setting().layers;
  LayersSummary summary;
  std::vector<double> unflipped(record.windows(), record.positions()), flipped_tokens;
  const std::vector<double> tokens = unflipped;
  std::optional<AuditSums> all;
  for (size_t slot = 0; slot < layers.size(); ++slot) {
    const std::string key = layer_key(layers[slot]), path = "summary.per_layer." + key;
    const AuditSums sums(results, slot);
    Json fields = sums.json(statistician, nulls, path);
    const auto onset = sums.of(AuditCount::onset);
    fields["hazard"] = rate_block(onset, unflipped, statistician, nulls, path + ".hazard");
    std::transform(unflipped.begin(), unflipped.end(), onset.begin(), unflipped.begin(),
                   std::minus<>());
    for (size_t kind = 0; kind < margin_kinds(record.setting().spec); ++kind) {
      fields["deciles"][kMarginKinds[kind]] =
          deciles_summary(record, static_cast<MarginKind>(kind), slot, statistician, nulls,
                          path + ".deciles." + kMarginKinds[kind]);
    }
    summary.per_layer[key] = std::move(fields);
    if (all) {
      all->add(sums);
    } else {
      all = sums;
    }
  }
  summary.pooled = all->json(statistician, nulls, "summary.pooled");
  summary.pooled["token_flips"] = rate_block(all->of(AuditCount::onset), tokens, statistician,
                                             nulls, "summary.pooled.token_flips");
  return summary;
}

// f of every window.
std::vector<double> by_window(size_t windows, const std::function<double(size_t)>& f) {
  std::vector<double> values(windows);
  for (size_t w = 0; w < windows; ++w) values[w] = f(w);
  return values;
}

Json damage_json(const WindowOutputs& outputs, uint32_t positions, const Statistician& statistician,
                 Nulls& nulls) {
  const std::string path = "summary.damage";
  const auto mean = [&](const char* name, const std::vector<double>& values) {
    return statistician.mean_block(statistician.mean(values), nulls, path + '.' + name);
  };
  const std::string bins_path = path + ".by_flipped_layers";
  Json bins = Json::array();
  for (size_t bin = 0; bin < kFlippedLayerBins; ++bin) {
    const std::vector<double> tokens = as_numbers(outputs.tokens[bin]);
    const uint64_t all =
        std::accumulate(outputs.tokens[bin].begin(), outputs.tokens[bin].end(), uint64_t{0});
    if (all == 0) continue;
    Json row = {{"from", kFlippedLayersFrom[bin]}};
    if (bin + 1 < kFlippedLayerBins) row["to"] = kFlippedLayersFrom[bin + 1] - 1;
    row["tokens"] = all;
    row["kl"] = rate_block(outputs.kl_sum[bin], tokens, statistician, nulls, bins_path);
    row["loss_delta"] =
        rate_block(outputs.loss_delta_sum[bin], tokens, statistician, nulls, bins_path);
    bins.push_back(std::move(row));
  }
  const std::vector<double> all(outputs.kl.size(), positions);
  return {{"kl", mean("kl", outputs.kl)},
          {"loss_a", mean("loss_a", outputs.loss_a)},
          {"loss_b", mean("loss_b", outputs.loss_b)},
          {"loss_delta",
           mean("loss_delta",
                by_window(outputs.kl.size(),
                          [&](size_t w) { return outputs.loss_b[w] - outputs.loss_a[w]; }))},
          {"top1",
           rate_block(as_numbers(outputs.top1_equal), all, statistician, nulls, path + ".top1")},
          {"by_flipped_layers", std::move(bins)}};
}

// The loss's change by weights and by routes, each averaged over what the other one is.
Json two_by_two_json(const WindowOutputs& outputs, const Statistician& statistician, Nulls& nulls) {
  const std::string path = "summary.two_by_two";
  const auto &a = outputs.loss_a, &b = outputs.loss_b, &ab = outputs.loss_ab, &ba = outputs.loss_ba;
  const auto each = [&](const std::function<double(size_t)>& f) { return by_window(a.size(), f); };
  const std::vector<double> change = each([&](size_t w) { return b[w] - a[w]; });
  const std::vector<double> routes =
      each([&](size_t w) { return ((ab[w] - a[w]) + (b[w] - ba[w])) / 2; });
  const std::vector<double> weights =
      each([&](size_t w) { return ((ba[w] - a[w]) + (b[w] - ab[w])) / 2; });
  const std::vector<double> both = each([&](size_t w) { return b[w] - ba[w] - ab[w] + a[w]; });
  const auto mean = [&](const char* name, const std::vector<double>& values) {
    return statistician.mean_block(statistician.mean(values), nulls, path + '.' + name);
  };
  const auto interval = stats::percentile_interval(statistician.mean(change).values);
  const bool changed = interval && ((*interval)[0] > 0 || (*interval)[1] < 0);
  const auto share = [&](const char* name, const std::vector<double>& part) {
    const std::string at = path + '.' + name;
    return changed ? rate_block(part, change, statistician, nulls, at)
                   : nulls.null(at, "the interval of D holds 0");
  };
  return {{"D", mean("D", change)},
          {"phi_R", mean("phi_R", routes)},
          {"phi_W", mean("phi_W", weights)},
          {"I", mean("I", both)},
          {"share_R", share("share_R", routes)},
          {"share_W", share("share_W", weights)}};
}

std::vector<std::string> audit_notes(const AuditRecord& record) {
  std::vector<uint64_t> undefined;
  for (size_t slot = 0; slot < record.setting().layers.size(); ++slot) {
    const auto counts = record.counts(AuditCount::undefined, slot);
    undefined.push_back(std::accumulate(counts.begin(), counts.end(), uint64_t{0}));
  }
  return window_notes(record.setting(), undefined);
}

}  // namespace

record::Contribution reduce_audit(const AuditResults& results) {
  const AuditRecord& record = results.record;
  const Setting& setting = record.setting();
  const Statistician statistician(setting);
  const WindowOutputs outputs = window_outputs(results.outputs, record.flipped_layers());
  Nulls nulls;
  record::Contribution part{.fields = Json::object(), .notes = audit_notes(record)};
  Json& fields = part.fields;
  fields["layers"] = setting.layers;
  fields["verification"] = verification_json(setting.layers);
  fields["gates_equal"] = record.gates_equal();
  fields["audit"] = {
      {"compute", results.compute},
      {"other_compute", results.other_compute ? Json(*results.other_compute)
                                              : nulls.null("audit.other_compute", kOneCompute)},
      {"draws", kAuditDraws},
      {"reweigh", "own"}};
  fields["folds"] = record.folds().empty() ? nulls.null("folds", "all windows are of one document")
                                           : Json(record.folds());
  fields["decile_edges"] = decile_edges_json(record, nulls);
  fields["per_window"] = audit_per_window(results, outputs, nulls);
  LayersSummary layers = summarise_layers(results, statistician, nulls);
  fields["summary"] = {{"bootstrap", statistician.bootstrap_json()},
                       {"outcome", identical(record, outputs) ? "IDENTICAL" : "CHANGED"},
                       {"per_layer", std::move(layers.per_layer)},
                       {"pooled", std::move(layers.pooled)},
                       {"damage", damage_json(outputs, record.positions(), statistician, nulls)},
                       {"two_by_two", two_by_two_json(outputs, statistician, nulls)},
                       {"forecasts", audit_forecasts(record, statistician, nulls)},
                       {"verdict", "REPORTED"}};
  nulls.add_to(fields);
  return part;
}

}  // namespace rg::experiments
