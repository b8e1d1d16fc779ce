#include "verify/audit_summary.h"

#include <algorithm>
#include <functional>

namespace rg::verify::audit {
namespace {

Windows scaled(const Windows& values, double factor) {
  Windows result = values;
  for (std::optional<double>& value : result) *value *= factor;
  return result;
}

// Window by window.
Windows combined(const Windows& a, const Windows& b, const Windows& c,
                 const std::function<double(double, double, double)>& of) {
  Windows result(a.size());
  for (size_t w = 0; w < a.size(); ++w) result[w] = of(*a[w], *b[w], *c[w]);
  return result;
}

void add_to(Windows& sums, const Windows& values) {
  if (sums.empty()) {
    sums = values;
    return;
  }
  for (size_t w = 0; w < values.size(); ++w) *sums[w] += *values[w];
}

constexpr Windows LayerRecord::*kSummed[] = {
    &LayerRecord::decisions,      &LayerRecord::total,      &LayerRecord::local,
    &LayerRecord::inherited,      &LayerRecord::through_a,  &LayerRecord::flips,
    &LayerRecord::reordered,      &LayerRecord::reweighted, &LayerRecord::neighbour,
    &LayerRecord::middle,         &LayerRecord::far,        &LayerRecord::depth_sum,
    &LayerRecord::depth_n,        &LayerRecord::onset,      &LayerRecord::guaranteed,
    &LayerRecord::lower,          &LayerRecord::upper,      &LayerRecord::pair,
    &LayerRecord::gates_flips,    &LayerRecord::gates_mass, &LayerRecord::gates_ties,
    &LayerRecord::pass_decisions, &LayerRecord::pass_flips, &LayerRecord::pass_mass};

// Window by window over the layers, ascending.
LayerRecord over_layers(const Record& record) {
  LayerRecord all;
  for (const auto& [layer, of] : record.layers) {
    for (Windows LayerRecord::*member : kSummed) add_to(all.*member, of.*member);
  }
  return all;
}

Claims::Path below(Claims::Path at, std::initializer_list<std::string> keys) {
  at.insert(at.end(), keys);
  return at;
}

// The statistics of one layer, or of the sums over all layers.
class LayerSummary {
 public:
  LayerSummary(const Case& c, const Record& record, const LayerRecord& of, Claims::Path at,
               Report& report, Claims& claims)
      : record_(record),
        of_(of),
        at_(std::move(at)),
        report_(report),
        claims_(claims),
        topk_(c.header.topk),
        decisions_(report.add(of.decisions)),
        experts_(report.add(scaled(of.decisions, topk_))),
        total_(report.add(of.total)),
        flips_(report.add(of.flips)) {}

  void add() {
    report_.rate(at({"flips"}), flips_, decisions_);
    report_.rate(at({"total"}), total_, experts_);
    per_expert({"local"}, of_.local);
    per_expert({"inherited"}, of_.inherited);
    add_split();
    per_decision({"reordered"}, of_.reordered);
    per_decision({"reweighted"}, of_.reweighted);
    per_decision({"neighbour"}, of_.neighbour);
    per_decision({"middle"}, of_.middle);
    per_decision({"far"}, of_.far);
    report_.rate(at({"depth"}), report_.add(of_.depth_sum), report_.add(of_.depth_n));
    add_guarantee_and_bounds();
    add_floor();
  }

  // Onsets among the tokens that no lower layer flipped; `lower`: onsets below, by window.
  void add_hazard(const Windows& lower, double positions) {
    Windows open(lower.size());
    for (size_t w = 0; w < lower.size(); ++w) open[w] = positions - *lower[w];
    report_.rate(at({"hazard"}), report_.add(of_.onset), report_.add(open));
  }

  void add_deciles() {
    for (const char* kind : kMarginKinds) {
      if (kind == std::string("group") && !record_.groups) continue;
      const auto found = of_.deciles.find(kind);
      if (found == of_.deciles.end()) {
        claims_.mean(at({"deciles", kind}), std::nullopt);
      } else {
        add_rows(kind, found->second);
      }
    }
  }

  ColumnId decisions() const { return decisions_; }
  ColumnId total() const { return total_; }
  ColumnId flips() const { return flips_; }
  ColumnId phi_input() const { return phi_input_; }

 private:
  Claims::Path at(std::initializer_list<std::string> keys) const { return below(at_, keys); }
  void per_decision(std::initializer_list<std::string> keys, const Windows& values) {
    report_.rate(at(keys), report_.add(values), decisions_);
  }
  void per_expert(std::initializer_list<std::string> keys, const Windows& values) {
    report_.rate(at(keys), report_.add(values), experts_);
  }

  // The exact split of the total between the gate and its input.
  void add_split() {
    const ColumnId phi_gate = report_.add(combined(
        of_.local, of_.total, of_.through_a,
        [](double gate, double both, double through) { return (gate + both - through) / 2; }));
    phi_input_ = report_.add(combined(
        of_.local, of_.total, of_.through_a,
        [](double gate, double both, double through) { return (through + both - gate) / 2; }));
    report_.rate(at({"phi_gate"}), phi_gate, experts_);
    report_.rate(at({"phi_input"}), phi_input_, experts_);
    const Analysis& analysis = report_.analysis();
    const ColumnId total = total_, experts = experts_;
    report_.rate_if(at({"share_gate"}), phi_gate, total_, [&analysis, total, experts] {
      const std::optional<Interval> interval = analysis.ratio_interval(total, experts);
      return interval && interval->lo > 0;
    });
  }

  void add_guarantee_and_bounds() {
    if (record_.gates_equal) {
      per_decision({"guaranteed"}, of_.guaranteed);
    } else {
      claims_.mean(at({"guaranteed"}), std::nullopt);
    }
    if (record_.bounds) {
      per_decision({"bounds", "lower"}, of_.lower);
      per_decision({"bounds", "upper"}, of_.upper);
      per_decision({"bounds", "pair"}, of_.pair);
    } else {
      claims_.mean(at({"bounds"}), std::nullopt);
    }
  }

  void add_floor() {
    per_decision({"floor", "gates", "flips"}, of_.gates_flips);
    per_expert({"floor", "gates", "d"}, of_.gates_mass);
    per_decision({"floor", "gates", "ties"}, of_.gates_ties);
    if (!record_.other_compute) {
      claims_.mean(at({"floor", "pass"}), std::nullopt);
      return;
    }
    report_.rate(at({"floor", "pass", "flips"}), report_.add(of_.pass_flips),
                 report_.add(of_.pass_decisions));
    report_.rate(at({"floor", "pass", "d"}), report_.add(of_.pass_mass),
                 report_.add(scaled(of_.pass_decisions, topk_)));
  }

  void add_rows(const std::string& kind, const Deciles& deciles) {
    size_t row = 0;
    for (size_t i = 0; i < kDeciles; ++i) {
      const double decisions = verify::total(deciles.decisions[i]).sum;
      if (decisions == 0) continue;
      const std::string number = std::to_string(row++);
      const auto member = [&](const char* key) { return at({"deciles", kind, number, key}); };
      claims_.count(member("bin"), static_cast<int64_t>(i));
      claims_.mean(member("m_lo"), deciles.edges[i]);
      claims_.mean(member("m_hi"), deciles.edges[i + 1]);
      claims_.count(member("decisions"), static_cast<int64_t>(decisions));
      report_.rate(member("flips"), report_.add(deciles.flips[i]),
                   report_.add(deciles.decisions[i]));
      report_.rate(member("d"), report_.add(deciles.mass[i]),
                   report_.add(scaled(deciles.decisions[i], topk_)));
    }
    claims_.absent(at({"deciles", kind, std::to_string(row)}));
  }

  const Record& record_;
  const LayerRecord& of_;
  Claims::Path at_;
  Report& report_;
  Claims& claims_;
  double topk_;
  ColumnId decisions_, experts_, total_, flips_, phi_input_;
};

void add_damage(const Record& record, double positions, Report& report, Claims& claims) {
  const auto at = [](std::initializer_list<std::string> keys) {
    return below({"summary", "damage"}, keys);
  };
  report.mean(at({"kl"}), report.add(record.kl));
  report.mean(at({"loss_a"}), report.add(record.loss_a));
  report.mean(at({"loss_b"}), report.add(record.loss_b));
  report.mean(at({"loss_delta"}), report.add(difference(record.loss_b, record.loss_a)));
  report.rate(at({"top1"}), report.add(record.top1_equal),
              report.add(Windows(record.kl.size(), positions)));
  size_t row = 0;
  for (size_t i = 0; i < kFlippedBins; ++i) {
    const double tokens = total(record.tokens[i]).sum;
    if (tokens == 0) continue;
    const std::string number = std::to_string(row++);
    const auto member = [&](const char* key) { return at({"by_flipped_layers", number, key}); };
    claims.count(member("from"), kFlippedFrom[i]);
    if (i + 1 < kFlippedBins) {
      claims.count(member("to"), kFlippedFrom[i + 1] - 1);
    } else {
      claims.absent(member("to"));
    }
    claims.count(member("tokens"), static_cast<int64_t>(tokens));
    const ColumnId column = report.add(record.tokens[i]);
    report.rate(member("kl"), report.add(record.kl_sum[i]), column);
    report.rate(member("loss_delta"), report.add(record.loss_delta_sum[i]), column);
  }
  claims.absent(at({"by_flipped_layers", std::to_string(row)}));
}

// Weights of one copy with the routes of the other.
void add_exchange(const Record& record, Report& report, Headline& headline) {
  const size_t n = record.kl.size();
  Windows d(n), routes(n), weights(n), both(n);
  for (size_t w = 0; w < n; ++w) {
    const double a = *record.loss_a[w], b = *record.loss_b[w];
    const double ab = *record.loss_ab[w], ba = *record.loss_ba[w];
    d[w] = b - a;
    routes[w] = ((ab - a) + (b - ba)) / 2;
    weights[w] = ((ba - a) + (b - ab)) / 2;
    both[w] = b - ba - ab + a;
  }
  const auto at = [](const char* key) { return Claims::Path{"summary", "two_by_two", key}; };
  const ColumnId delta = report.add(d);
  const ColumnId phi_routes = report.add(routes), phi_weights = report.add(weights);
  report.mean(at("D"), delta);
  report.mean(at("phi_R"), phi_routes);
  report.mean(at("phi_W"), phi_weights);
  report.mean(at("I"), report.add(both));
  const Analysis& analysis = report.analysis();
  const auto clear = [&analysis, delta] {
    const std::optional<Interval> interval = analysis.primary().interval(delta);
    return interval && (interval->lo > 0 || interval->hi < 0);
  };
  report.rate_if(at("share_R"), phi_routes, delta, clear);
  report.rate_if(at("share_W"), phi_weights, delta, clear);
  headline.loss_delta = delta;
  headline.phi_routing = phi_routes;
}

}  // namespace

void Report::rate(Claims::Path at, ColumnId numerator, ColumnId denominator) {
  entries_.push_back({std::move(at), numerator, denominator, true, {}});
}

void Report::mean(Claims::Path at, ColumnId values) {
  entries_.push_back({std::move(at), values, values, false, {}});
}

void Report::rate_if(Claims::Path at, ColumnId numerator, ColumnId denominator,
                     std::function<bool()> condition) {
  entries_.push_back({std::move(at), numerator, denominator, true, std::move(condition)});
}

void Report::claim(Claims& claims) const {
  for (const Entry& entry : entries_) {
    if (entry.condition && !entry.condition()) {
      claims.mean(entry.at, std::nullopt);
    } else if (entry.is_rate) {
      analysis_.ratio_block(claims, entry.at, entry.numerator, entry.denominator, "rate", "ci95");
    } else {
      analysis_.mean_block(claims, entry.at, entry.numerator);
    }
  }
}

std::optional<double> Report::rate_of(ColumnId numerator, ColumnId denominator) const {
  const double below = total(analysis_.values(denominator)).sum;
  if (below == 0) return std::nullopt;
  return total(analysis_.values(numerator)).sum / below;
}

Headline add_summary(const Case& c, const Record& record, Report& report, Claims& claims) {
  const double positions = c.header.seq_len - 1.0;
  Windows onsets(c.header.n_windows, 0.0);
  for (const auto& [number, of] : record.layers) {
    LayerSummary layer(c, record, of, {"summary", "per_layer", std::to_string(number)}, report,
                       claims);
    layer.add();
    layer.add_hazard(onsets, positions);
    layer.add_deciles();
    add_to(onsets, of.onset);
  }
  const LayerRecord all = over_layers(record);
  LayerSummary pooled(c, record, all, {"summary", "pooled"}, report, claims);
  pooled.add();
  report.rate({"summary", "pooled", "token_flips"}, report.add(onsets),
              report.add(Windows(c.header.n_windows, positions)));
  Headline headline;
  headline.flips = pooled.flips();
  headline.decisions = pooled.decisions();
  headline.total = pooled.total();
  headline.phi_input = pooled.phi_input();
  add_damage(record, positions, report, claims);
  add_exchange(record, report, headline);
  return headline;
}

}  // namespace rg::verify::audit
