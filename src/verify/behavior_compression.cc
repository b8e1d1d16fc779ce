// The negative control of boundary_amplification: do tokens near the reference's routing boundary
// hold no more of the change in the models' output than an even spread would give?
// docs/artifacts.md, behavior_compression.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "verify/edge_strata.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

struct ChangeRecord {
  edge::Strata strata;
  Windows mass;              // change of the next token's log probability, nats, summed
  edge::ByLevel mass_le;     // the same over a stratum
  edge::ByLevel of_output;   // F_beh
  edge::ByLevel of_routing;  // F_route, the same windows' shares of disagreement
};
using ChangeRecords = std::map<int, ChangeRecord>;

std::string share_path(int layer) { return fmt::format("per_window.F_beh.{}", layer); }

// Each stratum adds to the one below it, and nothing where it has no more tokens.
bool changes_ascend(const ChangeRecord& of, size_t w) {
  double tokens = 0;
  double mass = 0;
  const auto step = [&](double next_tokens, double next_mass) {
    const bool fits = next_tokens > tokens ? next_mass >= mass : next_mass == mass;
    tokens = next_tokens;
    mass = next_mass;
    return fits;
  };
  for (size_t i = 0; i < edge::kLevels.size(); ++i) {
    if (!step(*of.strata.n_le[i][w], *of.mass_le[i][w])) return false;
  }
  return step(*of.strata.defined[w], *of.mass[w]);
}

void check_changes(const Case& c, const ChangeRecord& of, int layer) {
  edge::check_strata(c, of.strata, fmt::format("per_window.n_le.{}", layer),
                     fmt::format("per_window.m_thr.{}", layer));
  edge::check_shares(c, of.mass, of.mass_le, of.of_output, share_path(layer));
  for (size_t w = 0; w < of.mass.size(); ++w) {
    if (changes_ascend(of, w)) continue;
    c.inspect.invalid(
        Check::share_total, fmt::format("per_window.mass_beh_le.{}", layer),
        fmt::format("in window {} the strata's changes do not ascend to mass_beh", w));
    return;
  }
}

ChangeRecords read_changes(const Case& c) {
  ChangeRecords record;
  Inspector& inspect = c.inspect;
  const Header& header = c.header;
  const int64_t positions = header.seq_len - 1;
  const At per_window = inspect.need(c.root, "per_window");
  LayerWindows undefined;
  LayerWindows mass;
  for (const int layer : header.layers) undefined[layer] = Windows(header.n_windows);
  if (header.full) {
    undefined = inspect.layer_counts(inspect.need(per_window, "n_undefined"), header.layers,
                                     header.n_windows, positions);
    mass = inspect.layer_windows(inspect.need(per_window, "mass_beh"), header.layers,
                                 header.n_windows, kNotNegative);
  }
  for (const int layer : header.layers) {
    record[layer].strata.defined = edge::defined_positions(c, undefined[layer]);
    record[layer].mass = mass[layer];
  }
  const auto read = [&](const char* name, const auto& read_one) {
    for (const auto& [layer, at] : edge::members_by_layer(c, inspect.need(per_window, name))) {
      read_one(record[layer], at);
    }
  };
  read("n_le", [&](ChangeRecord& of, const At& at) {
    of.strata.n_le = edge::read_level_counts(c, at, positions);
  });
  read("m_thr", [&](ChangeRecord& of, const At& at) {
    of.strata.m_thr = edge::read_levels(c, at, kNotNegative);
  });
  read("F_beh",
       [&](ChangeRecord& of, const At& at) { of.of_output = edge::read_levels(c, at, kUnit); });
  read("F_route",
       [&](ChangeRecord& of, const At& at) { of.of_routing = edge::read_levels(c, at, kUnit); });
  if (!header.full) return record;
  read("mass_beh_le", [&](ChangeRecord& of, const At& at) {
    of.mass_le = edge::read_levels(c, at, kNotNegative);
  });
  if (!inspect.sound()) return record;
  for (const auto& entry : record) {
    const int layer = entry.first;
    const ChangeRecord& of = entry.second;
    const auto check_undefined = [&](const edge::ByLevel& values, const char* name) {
      edge::check_undefined(c, of.strata.defined, values,
                            fmt::format("per_window.{}.{}", name, layer));
    };
    check_undefined(of.strata.m_thr, "m_thr");
    check_undefined(of.of_output, "F_beh");
    check_undefined(of.of_routing, "F_route");
    const auto has_null = [](const Windows& values) {
      return std::find(values.begin(), values.end(), std::nullopt) != values.end();
    };
    if (has_null(of.mass) || std::any_of(of.mass_le.begin(), of.mass_le.end(), has_null)) {
      inspect.invalid(Check::null_pattern, fmt::format("per_window.mass_beh.{}", layer),
                      "or mass_beh_le holds null; where nothing is defined the sum is 0");
    }
  }
  if (!inspect.sound()) return record;
  for (const auto& [layer, of] : record) check_changes(c, of, layer);
  return record;
}

class ChangeControl {
 public:
  ChangeControl(const Case& c, const ChangeRecords& record)
      : c_(c), record_(record), analysis_(c), windows_(c.header.n_windows) {
    std::iota(windows_.begin(), windows_.end(), 0u);
    for (const auto& [layer, of] : record_) {
      excess_[layer] = edge::add_excess(c_, analysis_, of.strata, of.of_output, of.mass);
      for (const Windows& share : of.of_routing) routing_[layer].push_back(analysis_.add(share));
    }
    analysis_.resample();
  }

  Analysis& analysis() { return analysis_; }
  std::span<const uint32_t> windows() const { return windows_; }
  const edge::LayerExcess& excess(int layer) const { return excess_.at(layer); }

  // No stratum's interval lies above 0.
  bool holds(const Sample& sample, int layer, edge::Baseline baseline) const {
    const edge::LayerExcess& excess = excess_.at(layer);
    return std::none_of(excess.begin(), excess.end(), [&](const edge::Excess& level) {
      const std::optional<Interval> interval = sample.interval(level.*baseline);
      return interval && interval->lo > 0;
    });
  }

  Verdict judge(const Sample& sample, std::span<const uint32_t> windows,
                edge::Baseline baseline) const {
    bool all = true;
    for (const int layer : c_.header.required) {
      if (no_change(layer, windows)) return Verdict::degenerate;
      all = all && holds(sample, layer, baseline);
    }
    return all ? Verdict::holds : Verdict::broken;
  }

  // How far the lower end of an interval lies below its estimate, per layer and stratum.
  using Reach = std::map<int, std::array<double, edge::kLevels.size()>>;
  Reach reach(const Sample& sample) const {
    Reach reach;
    for (const int layer : c_.header.required) {
      for (size_t i = 0; i < edge::kLevels.size(); ++i) {
        const ColumnId id = excess_.at(layer)[i].judged;
        const std::optional<Interval> interval = sample.interval(id);
        reach[layer][i] = interval ? *analysis_.mean(id) - interval->lo : 0;
      }
    }
    return reach;
  }

  // Whether an interval around this replicate would reach 0 everywhere.
  bool supports(const Sample& sample, size_t b, const Reach& reach) const {
    for (const auto& [layer, below] : reach) {
      for (size_t i = 0; i < below.size(); ++i) {
        const std::optional<double> mean = sample.mean(excess_.at(layer)[i].judged, b);
        if (!mean || *mean - below[i] > 0) return false;
      }
    }
    return true;
  }

  bool no_change(int layer, std::span<const uint32_t> windows) const {
    const ChangeRecord& of = record_.at(layer);
    return std::all_of(windows.begin(), windows.end(), [&](uint32_t w) {
      if (c_.header.full) return *of.mass[w] == 0;
      return std::all_of(of.of_output.begin(), of.of_output.end(),
                         [&](const Windows& share) { return share[w].value_or(0) == 0; });
    });
  }

  // The largest share over an even spread that the intervals leave open.
  std::optional<double> ratio_upper(int layer) const {
    std::optional<double> largest;
    for (const edge::Excess& level : excess_.at(layer)) {
      const std::optional<Interval> ratio = analysis_.ratio_interval(level.share, level.even);
      if (ratio) largest = std::max(largest.value_or(ratio->hi), ratio->hi);
    }
    return largest;
  }

  void claim_layer(Claims& claims, int layer) const {
    const std::string key = std::to_string(layer);
    const edge::LayerExcess& excess = excess_.at(layer);
    for (size_t i = 0; i < edge::kLevels.size(); ++i) {
      const std::string q = edge::kLevels[i].key;
      claims.mean({"summary", "F_route_by_layer", key, q}, analysis_.mean(routing_.at(layer)[i]));
      claims.mean({"summary", "F_beh_by_layer", key, q}, analysis_.mean(excess[i].share));
    }
    if (!c_.header.full) return;
    const ChangeRecord& of = record_.at(layer);
    const auto below = [&](std::initializer_list<std::string> keys) {
      Claims::Path path = {"summary", "per_layer", key};
      path.insert(path.end(), keys);
      return path;
    };
    for (size_t i = 0; i < edge::kLevels.size(); ++i) {
      edge::claim_excess(analysis_, claims, below({"F_beh", edge::kLevels[i].key}), excess[i]);
    }
    const Sample& primary = analysis_.primary();
    claims.flag(below({"holds"}), holds(primary, layer, &edge::Excess::tie_aware));
    claims.flag(below({"holds_published"}), holds(primary, layer, &edge::Excess::published));
    claims.mean(below({"ratio_upper"}), ratio_upper(layer));
    claims.count(below({"windows_without_change"}), edge::windows_without(of.strata, of.mass));
    if (no_change(layer, windows_)) {
      claims.text(below({"degenerate"}), "no change");
    } else {
      claims.flag(below({"degenerate"}), std::nullopt);
    }
  }

 private:
  const Case& c_;
  const ChangeRecords& record_;
  Analysis analysis_;
  std::vector<uint32_t> windows_;
  std::map<int, edge::LayerExcess> excess_;
  std::map<int, std::vector<ColumnId>> routing_;
};

void say_control(const Case& c, Verdict verdict, const ChangeControl& control) {
  Judgement& judgement = c.inspect.judgement();
  const std::vector<int>& required = c.header.required;
  if (verdict == Verdict::degenerate) {
    const int layer = *std::find_if(required.begin(), required.end(), [&](int number) {
      return control.no_change(number, control.windows());
    });
    judgement.reasons.push_back(
        {"", "", fmt::format("summary.per_layer.{}.degenerate", layer), "no change"});
    judgement.sentence =
        "The two checkpoints give every next token the same probability, so there is no change to "
        "locate.";
    return;
  }
  if (verdict == Verdict::holds) {
    judgement.sentence = fmt::format(
        "At all {} layers the tokens nearest a routing boundary hold no more of the change in the "
        "next token's probability than an even spread would give",
        required.size());
    if (c.header.full) {
      double open = 0;
      for (const int layer : required)
        open = std::max(open, control.ratio_upper(layer).value_or(0));
      judgement.sentence +=
          fmt::format(", as far as the intervals tell: up to {:.2f} times is not excluded", open);
    }
    judgement.sentence += '.';
  } else if (verdict == Verdict::broken) {
    std::vector<int> broken;
    for (const Criterion& criterion : judgement.criteria) {
      if (!criterion.holds) broken.push_back(criterion.layer);
    }
    judgement.sentence = fmt::format(
        "The control fails at {}: the tokens nearest a routing boundary hold more of the change in "
        "the next token's probability than an even spread would give, so routing there is not all "
        "that changes.",
        at_layers(broken));
  }
}

}  // namespace

void judge_behavior_compression(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Header& header = c.header;
  if (header.full) {
    edge::check_levels(c);
    c.inspect.text(c.inspect.need(c.inspect.need(c.root / "summary", "null"), "kind"));
  }
  const ChangeRecords record = read_changes(c);
  if (!c.inspect.sound()) return;
  for (const int layer : header.required) {
    const edge::ByLevel& shares = record.at(layer).of_output;
    const bool defined = std::all_of(shares.begin(), shares.end(),
                                     [](const Windows& share) { return total(share).windows > 0; });
    if (!defined) {
      c.inspect.invalid(Check::layer_defined, share_path(layer), "is undefined in every window");
    }
  }
  if (!c.inspect.sound()) return;

  ChangeControl control(c, record);
  Analysis& analysis = control.analysis();
  Claims& claims = finding.claims;
  for (const int layer : header.layers) control.claim_layer(claims, layer);

  const auto judge = [&](const Sample& sample, edge::Baseline baseline) {
    return control.judge(sample, control.windows(), baseline);
  };
  const ChangeControl::Reach reach = control.reach(analysis.own());
  finding.verdict = analysis.conclude(
      [&](const Sample& sample) { return judge(sample, &edge::Excess::judged); },
      [&](const Sample& sample, size_t b) { return control.supports(sample, b, reach); },
      std::nullopt);
  for (const int layer : header.required) {
    const bool holds = control.holds(analysis.primary(), layer, &edge::Excess::judged);
    Criterion criterion =
        edge::clearest(analysis, control.excess(layer), "output_excess", layer, holds);
    if (criterion.z) criterion.z = -*criterion.z;  // the control fails above 0
    judgement.criteria.push_back(criterion);
  }
  choose_effect(judgement);
  // A control holds for want of evidence: no distance says that a repetition would.
  for (Criterion& criterion : judgement.criteria) criterion.z.reset();
  if (judgement.effect) judgement.effect->z.reset();
  if (header.full) {
    judgement.notes.push_back(
        "not recomputable from the artifact and taken as stated: F_route, whose counts are in "
        "boundary_amplification");
    const std::string published(verdict_name(judge(analysis.primary(), &edge::Excess::published)));
    judgement.beside.push_back({"published baseline", published});
    if (!header.required_by_verifier) {
      claims.text({"summary", "verdict"},
                  std::string(verdict_name(judge(analysis.primary(), &edge::Excess::judged))));
      claims.text({"summary", "verdict_published"}, published);
    }
  }
  analysis.convergence(
      claims, std::nullopt, [&](const Sample& sample, std::span<const uint32_t> windows) {
        return std::string(verdict_name(control.judge(sample, windows, &edge::Excess::judged)));
      });
  say_control(c, finding.verdict, control);
}

}  // namespace rg::verify
