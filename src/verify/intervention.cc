// What masking, forcing or scaling experts does to loss, next-token distribution and routing
// (docs/artifacts.md section 7).
#include <fmt/format.h>

#include <algorithm>

#include "verify/analysis.h"
#include "verify/intervention_list.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

struct TouchedArrays {
  Windows loss_plain, loss, kl;
  Windows top1_equal;
  LayerWindows mass, changed;
};

// One value per window, never null: every window has positions.
Windows read_measure(const Case& c, const At& at, Range range) {
  const Windows values = c.inspect.windows(at, c.header.n_windows, range);
  if (!at || !at.value->is(Kind::array)) return values;
  const Array& stored = at.value->array();
  const auto null = std::find_if(stored.begin(), stored.end(),
                                 [](const Value& value) { return value.is(Kind::null); });
  if (null != stored.end()) {
    c.inspect.invalid(Check::null_pattern, fmt::format("{}[{}]", at.path, null - stored.begin()),
                      "is null, though every window has positions");
  }
  return values;
}

void check_divergence_direction(const Case& c) {
  constexpr std::string_view kDirection = "p_intervened||p_plain";
  const At direction = c.inspect.need(c.root, "kl_direction");
  if (!c.inspect.is(direction, Kind::string) || direction.value->string() == kDirection) return;
  c.inspect.invalid(Check::value_range, direction.path,
                    fmt::format("found {}, expected {}", direction.value->string(), kDirection));
}

// A token with another set differs in at least one of its k experts.
void check_route_counts(const Case& c, const TouchedArrays& arrays) {
  for (const int layer : c.header.layers) {
    const Windows& mass = arrays.mass.at(layer);
    const Windows& changed = arrays.changed.at(layer);
    for (size_t w = 0; w < mass.size(); ++w) {
      if (*changed[w] <= *mass[w] && *mass[w] <= c.header.topk * *changed[w]) continue;
      c.inspect.invalid(Check::count_total, fmt::format("per_window.mass.{}[{}]", layer, w),
                        fmt::format("found {}, expected 1 to k experts of each of {} tokens",
                                    *mass[w], *changed[w]));
      break;
    }
  }
}

TouchedArrays read_touched(const Case& c) {
  const Header& h = c.header;
  const int64_t tokens = h.seq_len - 1;
  const At at = c.inspect.need(c.root, "per_window");
  TouchedArrays arrays;
  arrays.loss_plain = read_measure(c, c.inspect.need(at, "loss_plain"), kNotNegative);
  arrays.loss = read_measure(c, c.inspect.need(at, "loss"), kNotNegative);
  arrays.kl = read_measure(c, c.inspect.need(at, "kl"), kNotNegative);
  for (const int64_t count :
       c.inspect.counts(c.inspect.need(at, "top1_equal"), h.n_windows, tokens)) {
    arrays.top1_equal.emplace_back(static_cast<double>(count));
  }
  arrays.mass =
      c.inspect.layer_counts(c.inspect.need(at, "mass"), h.layers, h.n_windows, h.topk * tokens);
  arrays.changed =
      c.inspect.layer_counts(c.inspect.need(at, "changed"), h.layers, h.n_windows, tokens);
  if (c.inspect.sound()) check_route_counts(c, arrays);
  return arrays;
}

bool all_equal(const Windows& values, double expected) {
  return std::all_of(values.begin(), values.end(),
                     [&](const auto& value) { return value == expected; });
}

bool same_outputs(const TouchedArrays& arrays, double tokens) {
  return all_equal(arrays.kl, 0) && arrays.loss == arrays.loss_plain &&
         all_equal(arrays.top1_equal, tokens);
}

bool same_routes(const TouchedArrays& arrays, int layer) {
  return all_equal(arrays.mass.at(layer), 0) && all_equal(arrays.changed.at(layer), 0);
}

// What lies before the first intervention is computed from the same numbers as in the plain run.
void check_untouched(const Case& c, const TouchedArrays& arrays, std::optional<int> first) {
  for (const int layer : c.header.layers) {
    if ((first && layer >= *first) || same_routes(arrays, layer)) continue;
    c.inspect.invalid(Check::intervention_stated, fmt::format("per_window.mass.{}", layer),
                      "is not 0, though nothing is changed at this layer or below");
  }
  if (!first && !same_outputs(arrays, c.header.seq_len - 1)) {
    c.inspect.invalid(Check::intervention_stated, "per_window",
                      "holds other outputs than the plain run's, though nothing is changed");
  }
}

struct RateColumns {
  ColumnId part, whole;
};

// `whole` of every window.
RateColumns add_rate(Analysis& analysis, const Windows& part, double whole) {
  RateColumns columns;
  add_ratio(analysis, part, Windows(part.size(), whole), columns.part, columns.whole);
  return columns;
}

struct RouteRates {
  RateColumns overlap, changed;
};

// Routes of these layers together; `topk` experts of each of `tokens`.
RouteRates add_routes(Analysis& analysis, const TouchedArrays& arrays,
                      const std::vector<int>& layers, double topk, double tokens) {
  const double choices = topk * tokens * static_cast<double>(layers.size());
  Windows kept(arrays.loss.size(), choices);
  Windows changed(arrays.loss.size(), 0.0);
  for (const int layer : layers) {
    for (size_t w = 0; w < kept.size(); ++w) {
      *kept[w] -= *arrays.mass.at(layer)[w];
      *changed[w] += *arrays.changed.at(layer)[w];
    }
  }
  return {add_rate(analysis, kept, choices),
          add_rate(analysis, changed, tokens * static_cast<double>(layers.size()))};
}

void rate_block(const Analysis& analysis, Claims& claims, const Claims::Path& at,
                const RateColumns& columns) {
  analysis.ratio_block(claims, at, columns.part, columns.whole, "rate", "ci95");
}

void routes_block(const Analysis& analysis, Claims& claims, Claims::Path at,
                  const RouteRates& rates) {
  at.emplace_back("overlap");
  rate_block(analysis, claims, at, rates.overlap);
  at.back() = "changed";
  rate_block(analysis, claims, at, rates.changed);
}

double rate_of(const Analysis& analysis, const RateColumns& columns) {
  return total(analysis.values(columns.part)).sum / total(analysis.values(columns.whole)).sum;
}

// Column numbers of the summary's statistics.
struct TouchedColumns {
  ColumnId loss_plain, loss, loss_delta, kl;
  RateColumns top1;
  std::map<int, RouteRates> layers;
  std::optional<RouteRates> downstream;
};

TouchedColumns add_touched(Analysis& analysis, const Header& header, const TouchedArrays& arrays,
                           std::optional<int> first) {
  const double tokens = header.seq_len - 1;
  TouchedColumns columns;
  columns.loss_plain = analysis.add(arrays.loss_plain);
  columns.loss = analysis.add(arrays.loss);
  columns.loss_delta = analysis.add(difference(arrays.loss, arrays.loss_plain));
  columns.kl = analysis.add(arrays.kl);
  columns.top1 = add_rate(analysis, arrays.top1_equal, tokens);
  std::vector<int> later;
  for (const int layer : header.layers) {
    columns.layers[layer] = add_routes(analysis, arrays, {layer}, header.topk, tokens);
    if (first && layer > *first) later.push_back(layer);
  }
  if (!later.empty()) {
    columns.downstream = add_routes(analysis, arrays, later, header.topk, tokens);
  }
  return columns;
}

void claim_touched(const Analysis& analysis, const TouchedColumns& columns, Claims& claims) {
  analysis.mean_block(claims, {"summary", "loss_plain"}, columns.loss_plain);
  analysis.mean_block(claims, {"summary", "loss"}, columns.loss);
  analysis.mean_block(claims, {"summary", "loss_delta"}, columns.loss_delta);
  analysis.mean_block(claims, {"summary", "kl"}, columns.kl);
  rate_block(analysis, claims, {"summary", "top1"}, columns.top1);
  for (const auto& [layer, rates] : columns.layers) {
    routes_block(analysis, claims, {"summary", "per_layer", std::to_string(layer)}, rates);
  }
  if (columns.downstream) {
    routes_block(analysis, claims, {"summary", "downstream"}, *columns.downstream);
  } else {
    claims.mean({"summary", "downstream"}, std::nullopt);
  }
}

std::string explain_touched(const Analysis& analysis, const TouchedColumns& columns, bool unchanged,
                            const std::string& intervention) {
  if (unchanged) {
    return fmt::format(
        "With {}, nothing changes: losses, next-token distributions and routes are those of the "
        "plain run.",
        intervention);
  }
  std::string text = fmt::format(
      "With {}, the loss changes by {:+.3g} nats per token, and the next-token distribution "
      "diverges from the plain run's by {:.3g} nats. {:.1f} % of the tokens keep their most "
      "probable next token",
      intervention, analysis.mean(columns.loss_delta).value_or(0),
      analysis.mean(columns.kl).value_or(0), 100 * rate_of(analysis, columns.top1));
  if (columns.downstream) {
    text += fmt::format(", and later layers {:.1f} % of their choices",
                        100 * rate_of(analysis, columns.downstream->overlap));
  }
  return text + '.';
}

}  // namespace

void judge_intervention(const Case& c, Finding& finding) {
  const Header& header = c.header;
  const std::vector<InterventionRow> rows = read_intervention(c);
  check_divergence_direction(c);
  const TouchedArrays arrays = read_touched(c);
  if (!c.inspect.sound()) return;
  std::optional<int> first;
  if (!rows.empty()) first = rows.front().layer;
  check_untouched(c, arrays, first);
  if (!c.inspect.sound()) return;

  Analysis analysis(c);
  const TouchedColumns columns = add_touched(analysis, header, arrays, first);
  analysis.resample();
  const bool unchanged = same_outputs(arrays, header.seq_len - 1) &&
                         std::all_of(header.layers.begin(), header.layers.end(),
                                     [&](int layer) { return same_routes(arrays, layer); });
  const std::string outcome = unchanged ? "UNCHANGED" : "CHANGED";
  claim_touched(analysis, columns, finding.claims);
  finding.claims.text({"summary", "outcome"}, outcome);
  finding.claims.text({"summary", "verdict"}, "REPORTED");
  finding.verdict = Verdict::reported;

  Judgement& judgement = c.inspect.judgement();
  judgement.effect = Criterion{.name = "loss_delta",
                               .layer = -1,
                               .estimate = analysis.mean(columns.loss_delta).value_or(0),
                               .ci95 = analysis.primary().interval(columns.loss_delta),
                               .holds = true,
                               .z = std::nullopt};
  judgement.beside.push_back({"outcome", outcome});
  judgement.sentence = explain_touched(analysis, columns, unchanged, describe_intervention(rows));
}

}  // namespace rg::verify
