// Along every declared edge of a family, do drift from the base and forgetting both grow, in every
// domain?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/domains.h"
#include "verify/family_arrays.h"
#include "verify/holm.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

// Nats, means over a window's positions.
struct DriftArrays {
  CheckpointWindows drift;       // KL(checkpoint || base)
  CheckpointWindows forgetting;  // loss less that of the base
};

DriftArrays read_drift(const Case& c, const DomainWindows& domain) {
  DriftArrays arrays{.drift = read_checkpoints(c, domain, "D", kNotNegative),
                     .forgetting = read_checkpoints(c, domain, "L_forget", kAnyNumber)};
  CheckpointWindows loss;
  if (c.header.full) loss = read_checkpoints(c, domain, "loss", kNotNegative);
  if (!c.inspect.sound()) return arrays;
  check_base_is_zero(c, domain, "D", arrays.drift);
  check_base_is_zero(c, domain, "L_forget", arrays.forgetting);
  for (const auto& [checkpoint, values] : loss) {
    check_difference(c, fmt::format("per_window.{}.L_forget.{}", domain.name, checkpoint),
                     arrays.forgetting.at(checkpoint), values, loss.at(c.header.family.base()));
  }
  return arrays;
}

// One declared comparison in one domain.
struct EdgeTests {
  size_t domain;
  std::string name;    // "A->B in code"
  Claims::Path place;  // summary.edges.<domain>.A__to__B
  ColumnId drift, forgetting;
};

// DEGENERATE where neither changes in any of these windows (all, if none are named).
bool unchanged(const Analysis& analysis, const EdgeTests& edge, std::span<const uint32_t> members) {
  const auto is_zero = [&](size_t w) {
    return analysis.values(edge.drift)[w] == 0.0 && analysis.values(edge.forgetting)[w] == 0.0;
  };
  if (!members.empty()) return std::all_of(members.begin(), members.end(), is_zero);
  for (size_t w = 0; w < analysis.values(edge.drift).size(); ++w) {
    if (!is_zero(w)) return false;
  }
  return true;
}

bool above_zero(const Sample& sample, ColumnId id) {
  const std::optional<Interval> interval = sample.interval(id);
  return interval && interval->lo > 0;
}

// (1 + #{replicates <= 0}) / (replicates + 1)
double one_sided_p(const Sample& sample, ColumnId id) {
  const std::vector<double> means = sample.means(id);
  const auto against =
      std::count_if(means.begin(), means.end(), [](double value) { return value <= 0; });
  return static_cast<double>(1 + against) / static_cast<double>(means.size() + 1);
}

Claims::Path path_below(Claims::Path path, std::initializer_list<const char*> keys) {
  for (const char* key : keys) path.emplace_back(key);
  return path;
}

At place_of(const Case& c, const Claims::Path& path) {
  At at = c.root;
  for (const std::string& key : path) at = at / key;
  return at;
}

// Published artifacts write per_domain.<domain>.D.<ckpt>, or as ours per_domain.<domain>.<ckpt>.
Claims::Path level_path(const Case& c, const std::string& domain, const std::string& checkpoint) {
  Claims::Path path = {"summary", "per_domain", domain};
  const std::vector<std::string>& known = c.header.family.checkpoints;
  const bool is_checkpoint = std::find(known.begin(), known.end(), "D") != known.end();
  if (!c.header.full && !is_checkpoint && place_of(c, path_below(path, {"D"})))
    path.emplace_back("D");
  path.push_back(checkpoint);
  return path;
}

struct Levels {
  std::vector<ColumnId> drift, forgetting;  // by checkpoint
};

void claim_levels(const Case& c, const Analysis& analysis, const std::string& domain,
                  const Levels& levels, Claims& claims) {
  const Family& family = c.header.family;
  for (size_t i = 0; i < family.checkpoints.size(); ++i) {
    // A published artifact may leave out the base.
    claims.set_optional(!c.header.full && i == 0);
    const Claims::Path path = level_path(c, domain, family.checkpoints[i]);
    for (const auto& [member, id] :
         {std::pair{"D_hat", levels.drift[i]}, {"L_forget_hat", levels.forgetting[i]}}) {
      analysis.mean_block(claims, path_below(path, {member}), id);
      warn_foreign_interval(c, place_of(c, path_below(path, {member, "ci95"})), analysis, id);
    }
  }
  claims.set_optional(false);
}

void claim_edge(const Case& c, const Analysis& analysis, const EdgeTests& edge, Claims& claims) {
  const Sample& sample = analysis.primary();
  for (const auto& [delta, interval, id] : {std::tuple{"D_delta", "D_delta_ci95", edge.drift},
                                            {"L_delta", "L_delta_ci95", edge.forgetting}}) {
    claims.interval(path_below(edge.place, {interval}), sample.interval(id));
    warn_foreign_interval(c, place_of(c, path_below(edge.place, {interval})), analysis, id);
    if (c.header.full) analysis.delta_block(claims, path_below(edge.place, {delta}), id);
  }
  if (!c.header.full) return;
  claims.mean(path_below(edge.place, {"D_p"}), one_sided_p(sample, edge.drift));
  claims.mean(path_below(edge.place, {"L_p"}), one_sided_p(sample, edge.forgetting));
  claims.flag(path_below(edge.place, {"holds"}),
              above_zero(sample, edge.drift) && above_zero(sample, edge.forgetting));
}

void claim_holm(DomainAnalyses& analyses, const std::vector<EdgeTests>& edges, Claims& claims) {
  std::vector<double> p;
  for (const EdgeTests& edge : edges) {
    p.push_back(one_sided_p(analyses[edge.domain].primary(), edge.drift));
    p.push_back(one_sided_p(analyses[edge.domain].primary(), edge.forgetting));
  }
  const std::vector<double> adjusted = holm_adjusted(p);
  for (size_t i = 0; i < edges.size(); ++i) {
    claims.mean(path_below(edges[i].place, {"D_p_holm"}), adjusted[2 * i]);
    claims.mean(path_below(edges[i].place, {"L_p_holm"}), adjusted[2 * i + 1]);
  }
}

// What the intervals that a published artifact states give; none where one is missing.
std::optional<Verdict> stated_growth(const Case& c, const std::vector<EdgeTests>& edges) {
  if (c.header.full) return std::nullopt;
  bool pass = true;
  for (const EdgeTests& edge : edges) {
    for (const char* name : {"D_delta_ci95", "L_delta_ci95"}) {
      const At stated = place_of(c, path_below(edge.place, {name}));
      if (!stated || stated.value->is(Kind::null)) return std::nullopt;
      const std::optional<Interval> interval = c.inspect.interval(stated);
      if (!interval) return std::nullopt;
      pass = pass && interval->lo > 0;
    }
  }
  return pass ? Verdict::pass : Verdict::fail;
}

// How often drift, or forgetting, is not shown to grow.
struct Growth {
  size_t fails = 0;
  double open = -1e300;        // the largest growth that the failing intervals leave possible
  double least_shown = 1e300;  // where it grows everywhere

  void add(const Criterion& criterion) {
    if (!criterion.ci95) return;
    if (criterion.holds) {
      least_shown = std::min(least_shown, criterion.ci95->lo);
    } else {
      ++fails;
      open = std::max(open, criterion.ci95->hi);
    }
  }
};

std::string explain_growth(const Family& family, const Growth& drift, const Growth& forgetting) {
  const size_t comparisons = family.edges.size() * family.domains.size();
  if (drift.fails == 0 && forgetting.fails == 0) {
    return fmt::format(
        "Along {} in {} both grow: the divergence from {} by at least {:.3g} nats, and forgetting "
        "(the loss above that of {}) by at least {:.3g} nats.",
        counted(family.edges.size(), "edge"), counted(family.domains.size(), "domain"),
        family.base(), drift.least_shown, family.base(), forgetting.least_shown);
  }
  std::string what;
  const auto add = [&](const Growth& growth, const std::string& name) {
    if (growth.fails == 0) return;
    what +=
        fmt::format("{}of {} (fails in {} of {}: {})", what.empty() ? "" : ", and ", name,
                    growth.fails, counted(comparisons, "comparison"),
                    growth.open > 0 ? fmt::format("it grows by at most {:.3g} nats", growth.open)
                                    : std::string("it does not grow"));
  };
  add(drift, "the divergence from " + family.base());
  add(forgetting, "forgetting");
  return fmt::format("Not shown: growth along every edge {}.", what);
}

void check_direction(const Case& c) {
  constexpr std::string_view kDirection = "theta||base";
  const At direction =
      c.header.full ? c.inspect.need(c.root, "kl_direction") : c.root / "kl_direction";
  if (!direction || !c.inspect.is(direction, Kind::string)) return;
  if (direction.value->string() == kDirection) return;
  c.inspect.invalid(Check::value_range, direction.path,
                    fmt::format("found {}, expected {}", direction.value->string(), kDirection));
}

std::vector<Levels> add_levels(const Family& family, const std::vector<DriftArrays>& arrays,
                               DomainAnalyses& analyses) {
  std::vector<Levels> levels(family.domains.size());
  for (size_t d = 0; d < family.domains.size(); ++d) {
    for (const std::string& checkpoint : family.checkpoints) {
      levels[d].drift.push_back(analyses[d].add(arrays[d].drift.at(checkpoint)));
      levels[d].forgetting.push_back(analyses[d].add(arrays[d].forgetting.at(checkpoint)));
    }
  }
  return levels;
}

std::vector<EdgeTests> add_edges(const Family& family, const std::vector<DriftArrays>& arrays,
                                 DomainAnalyses& analyses) {
  std::vector<EdgeTests> edges;
  for (size_t d = 0; d < family.domains.size(); ++d) {
    const std::string& domain = family.domains[d].name;
    const std::vector<Windows> drift = edge_differences(family, arrays[d].drift);
    const std::vector<Windows> forgetting = edge_differences(family, arrays[d].forgetting);
    for (size_t e = 0; e < family.edges.size(); ++e) {
      const FamilyEdge& edge = family.edges[e];
      edges.push_back({.domain = d,
                       .name = fmt::format("{}->{} in {}", edge.from, edge.to, domain),
                       .place = {"summary", "edges", domain, edge.key()},
                       .drift = analyses[d].add_verdict(drift[e]),
                       .forgetting = analyses[d].add_verdict(forgetting[e])});
    }
  }
  return edges;
}

// Of some windows (all, if none are named), whatever their number.
Verdict dominance_of(DomainAnalyses& analyses, const std::vector<EdgeTests>& edges,
                     const DomainAnalyses::Samples& samples, std::span<const uint32_t> members) {
  bool pass = true;
  for (const EdgeTests& edge : edges) {
    if (unchanged(analyses[edge.domain], edge, members)) return Verdict::degenerate;
    const Sample& sample = samples[edge.domain];
    pass = pass && above_zero(sample, edge.drift) && above_zero(sample, edge.forgetting);
  }
  return pass ? Verdict::pass : Verdict::fail;
}

bool grows_everywhere(const std::vector<EdgeTests>& edges, const DomainAnalyses::Samples& samples,
                      size_t b) {
  return std::all_of(edges.begin(), edges.end(), [&](const EdgeTests& edge) {
    const auto drift = samples[edge.domain].mean(edge.drift, b);
    const auto forgetting = samples[edge.domain].mean(edge.forgetting, b);
    return drift && *drift > 0 && forgetting && *forgetting > 0;
  });
}

// What the criteria say together.
struct Criteria {
  Growth drift, forgetting;
  std::optional<double> z = 1e300;  // the smallest; none if one has none
};

Criteria add_criteria(const std::vector<EdgeTests>& edges, DomainAnalyses& analyses,
                      Judgement& judgement) {
  Criteria found;
  for (const EdgeTests& edge : edges) {
    const Analysis& analysis = analyses[edge.domain];
    for (const auto& [what, id, growth] : {std::tuple{"divergence", edge.drift, &found.drift},
                                           {"forgetting", edge.forgetting, &found.forgetting}}) {
      const Test test{fmt::format("{} {}", what, edge.name), -1, id, 0, 1};
      judgement.criteria.push_back(
          analysis.criterion(test, above_zero(analysis.primary(), test.id)));
      growth->add(judgement.criteria.back());
      const std::optional<double> distance = judgement.criteria.back().z;
      found.z = found.z && distance ? std::optional(std::min(*found.z, *distance)) : std::nullopt;
    }
  }
  choose_effect(judgement);
  return found;
}

void say_degenerate(Judgement& judgement, const std::vector<EdgeTests>& edges,
                    DomainAnalyses& analyses) {
  const auto same = std::find_if(edges.begin(), edges.end(), [&](const EdgeTests& edge) {
    return unchanged(analyses[edge.domain], edge, {});
  });
  judgement.reasons.push_back({"", "", "edges", same->name + ": nothing differs"});
  judgement.sentence = fmt::format(
      "{}: neither divergence nor loss differs in any window, so the edge joins a model with "
      "itself.",
      same->name);
}

}  // namespace

void judge_kl_edge_dominance(const Case& c, Finding& finding) {
  Judgement& judgement = c.inspect.judgement();
  const Family& family = c.header.family;
  check_direction(c);
  check_domains(c);
  if (c.header.full) {
    c.inspect.text(c.inspect.need(c.inspect.need(c.root / "summary", "null"), "kind"));
  }
  std::vector<DriftArrays> arrays;
  for (const DomainWindows& domain : family.domains) arrays.push_back(read_drift(c, domain));
  if (!c.inspect.sound()) return;

  DomainAnalyses analyses(c);
  const std::vector<Levels> levels = add_levels(family, arrays, analyses);
  const std::vector<EdgeTests> edges = add_edges(family, arrays, analyses);
  analyses.resample();

  Claims& claims = finding.claims;
  for (size_t d = 0; d < family.domains.size(); ++d) {
    claim_levels(c, analyses[d], family.domains[d].name, levels[d], claims);
  }
  for (const EdgeTests& edge : edges) claim_edge(c, analyses[edge.domain], edge, claims);
  if (c.header.full) claim_holm(analyses, edges, claims);

  using Samples = DomainAnalyses::Samples;
  finding.verdict = analyses.conclude(
      [&](const Samples& samples) { return dominance_of(analyses, edges, samples, {}); },
      [&](const Samples& samples, size_t b) { return grows_everywhere(edges, samples, b); },
      stated_growth(c, edges));
  const Criteria criteria = add_criteria(edges, analyses, judgement);
  const auto label = [&](const Samples& samples, std::span<const uint32_t> members) {
    return std::string(verdict_name(dominance_of(analyses, edges, samples, members)));
  };
  analyses.convergence(claims, criteria.z, label);
  if (c.header.full) claims.text({"summary", "verdict"}, label(analyses.primary(), {}));

  if (finding.verdict == Verdict::degenerate) {
    say_degenerate(judgement, edges, analyses);
  } else if (finding.verdict != Verdict::insufficient) {
    judgement.sentence = explain_growth(family, criteria.drift, criteria.forgetting);
  }
}

}  // namespace rg::verify
