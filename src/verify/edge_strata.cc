#include "verify/edge_strata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/joint_test.h"

namespace rg::verify::edge {
namespace {

constexpr double kShareTolerance = 1e-12;

std::string place(const std::string& path, size_t level, size_t window) {
  return fmt::format("{}.{}[{}]", path, kLevels[level].key, window);
}

double q_of(size_t level) {
  return static_cast<double>(kLevels[level].q.numerator) /
         static_cast<double>(kLevels[level].q.denominator);
}

// ceil(q T_def), 0 where nothing is defined.
double least_tokens(size_t level, double defined) {
  if (defined == 0) return 0;
  return static_cast<double>(quantile_rank(kLevels[level].q, static_cast<uint64_t>(defined)));
}

// What an even spread over the window's tokens would give; none where nothing is defined.
Windows even_spread(const Windows& tokens, const Windows& defined) {
  Windows even(tokens.size());
  for (size_t w = 0; w < tokens.size(); ++w) {
    if (*defined[w] > 0) even[w] = *tokens[w] / *defined[w];
  }
  return even;
}

Windows untied_tokens(size_t level, const Windows& defined) {
  Windows tokens(defined.size());
  for (size_t w = 0; w < defined.size(); ++w) tokens[w] = least_tokens(level, *defined[w]);
  return tokens;
}

std::optional<std::string> threshold_trouble(const Strata& strata, size_t level, size_t w) {
  if (level == 0 || *strata.defined[w] == 0) return std::nullopt;
  const double before = *strata.m_thr[level - 1][w];
  const double here = *strata.m_thr[level][w];
  if (here >= before) return std::nullopt;
  return fmt::format("found {} after {}, expected ascending thresholds", here, before);
}

// Enough tokens for the quantile; more than the level below exactly where the threshold is higher.
std::optional<std::string> size_trouble(const Strata& strata, size_t level, size_t w) {
  const double defined = *strata.defined[w];
  const double count = *strata.n_le[level][w];
  const double least = least_tokens(level, defined);
  if (count < least || count > defined) {
    return fmt::format("found {}, expected {} to {}", count, least, defined);
  }
  if (level == 0 || defined == 0) return std::nullopt;
  const bool same_threshold = *strata.m_thr[level][w] == *strata.m_thr[level - 1][w];
  const double before = *strata.n_le[level - 1][w];
  if (same_threshold ? count == before : count > before) return std::nullopt;
  return fmt::format("found {} after {}, expected {}", count, before,
                     same_threshold ? "as many, the threshold is the same" : "more");
}

}  // namespace

void check_levels(const Case& c) {
  const At at = c.inspect.need(c.root, "compression_qs");
  if (!c.inspect.is(at, Kind::array)) return;
  const Array& found = at.value->array();
  bool same = found.size() == kLevels.size();
  for (size_t i = 0; same && i < found.size(); ++i) {
    same = found[i].is_number() && found[i].number() == q_of(i);
  }
  if (!same) {
    c.inspect.invalid(Check::strata_quantiles, at.path, "expected 0.01, 0.05, 0.1 and 0.2");
  }
}

ByLevel read_levels(const Case& c, const At& at, Range range) {
  ByLevel result;
  result.fill(Windows(c.header.n_windows));
  if (!c.inspect.is(at, Kind::object)) return result;
  for (size_t i = 0; i < kLevels.size(); ++i) {
    const At level = c.inspect.need(at, kLevels[i].key);
    if (level) result[i] = c.inspect.windows(level, c.header.n_windows, range);
  }
  return result;
}

Windows read_counts(const Case& c, const At& at, int64_t largest) {
  Windows result(c.header.n_windows);
  if (!at) return result;
  const std::vector<int64_t> counts = c.inspect.counts(at, c.header.n_windows, largest);
  for (size_t w = 0; w < counts.size(); ++w) result[w] = static_cast<double>(counts[w]);
  return result;
}

ByLevel read_level_counts(const Case& c, const At& at, int64_t largest) {
  ByLevel result;
  result.fill(Windows(c.header.n_windows));
  if (!c.inspect.is(at, Kind::object)) return result;
  for (size_t i = 0; i < kLevels.size(); ++i) {
    result[i] = read_counts(c, c.inspect.need(at, kLevels[i].key), largest);
  }
  return result;
}

Windows defined_positions(const Case& c, const Windows& undefined) {
  Windows defined(c.header.n_windows);
  for (size_t w = 0; w < defined.size(); ++w) {
    defined[w] = c.header.seq_len - 1.0 - undefined[w].value_or(0);
  }
  return defined;
}

std::map<int, At> members_by_layer(const Case& c, const At& at) {
  std::map<int, At> members;
  if (!c.inspect.is(at, Kind::object)) return members;
  const std::vector<int>& layers = c.header.layers;
  for (const Member& member : at.value->object().members) {
    const std::optional<int> layer = c.inspect.layer_key(member.key);
    if (layer && std::binary_search(layers.begin(), layers.end(), *layer)) continue;
    c.inspect.invalid(Check::layer_arrays, (at / member.key).path, "is not a measured layer");
  }
  for (const int layer : layers) {
    const At member = at / std::to_string(layer);
    if (member) {
      members[layer] = member;
    } else {
      c.inspect.invalid(Check::layer_arrays, member.path, "is missing though `layers` names it");
    }
  }
  return members;
}

void check_undefined(const Case& c, const Windows& defined, const ByLevel& values,
                     const std::string& path) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    for (size_t w = 0; w < defined.size(); ++w) {
      if (values[i][w].has_value() == (*defined[w] > 0)) continue;
      c.inspect.invalid(Check::null_pattern, place(path, i, w),
                        fmt::format("is {} where {} positions are defined",
                                    values[i][w] ? "defined" : "null", *defined[w]));
      return;
    }
  }
}

void check_strata(const Case& c, const Strata& strata, const std::string& n_le,
                  const std::string& m_thr) {
  const auto first_trouble = [&](Check check, const std::string& path, const auto& trouble_at) {
    for (size_t i = 0; i < kLevels.size(); ++i) {
      for (size_t w = 0; w < strata.defined.size(); ++w) {
        const std::optional<std::string> trouble = trouble_at(i, w);
        if (trouble) return c.inspect.invalid(check, place(path, i, w), *trouble);
      }
    }
  };
  first_trouble(Check::ranked_list, m_thr,
                [&](size_t i, size_t w) { return threshold_trouble(strata, i, w); });
  first_trouble(Check::strata_size, n_le,
                [&](size_t i, size_t w) { return size_trouble(strata, i, w); });
}

void check_shares(const Case& c, const Windows& mass, const ByLevel& mass_le, const ByLevel& share,
                  const std::string& path) {
  for (size_t i = 0; i < kLevels.size(); ++i) {
    for (size_t w = 0; w < mass.size(); ++w) {
      if (!share[i][w]) continue;
      const double expected = *mass[w] > 0 ? *mass_le[i][w] / *mass[w] : 0;
      if (std::abs(*share[i][w] - expected) <= kShareTolerance) continue;
      c.inspect.invalid(Check::share_total, place(path, i, w),
                        fmt::format("found {}, {} of {} gives {}", *share[i][w], *mass_le[i][w],
                                    *mass[w], expected));
      return;
    }
  }
}

LayerExcess add_excess(const Case& c, Analysis& analysis, const Strata& strata,
                       const ByLevel& share, const Windows& mass) {
  LayerExcess added;
  for (size_t i = 0; i < kLevels.size(); ++i) {
    Excess& excess = added[i];
    const Windows untied = even_spread(untied_tokens(i, strata.defined), strata.defined);
    const Windows published = difference(share[i], untied);
    excess.share = analysis.add(share[i]);
    if (!c.header.full) {
      excess.judged = excess.published = analysis.add_verdict(published);
      const Windows q(share[i].size(), q_of(i));
      excess.share_minus_q = analysis.add(difference(share[i], q));
      continue;
    }
    excess.published = analysis.add(published);
    const Windows even = even_spread(strata.n_le[i], strata.defined);
    Windows tie_aware = difference(share[i], even);
    excess.judged = excess.tie_aware = analysis.add_verdict(tie_aware);
    for (size_t w = 0; w < mass.size(); ++w) {
      if (*mass[w] == 0) tie_aware[w].reset();
    }
    excess.over_disagreeing = analysis.add(tie_aware);
    excess.even = analysis.add(even);
  }
  return added;
}

void claim_excess(const Analysis& analysis, Claims& claims, const Claims::Path& at,
                  const Excess& excess) {
  Claims::Path path = at;
  path.emplace_back("published");
  analysis.delta_block(claims, path, excess.published);
  path.back() = "tie_aware";
  analysis.delta_block(claims, path, excess.tie_aware);
  path.back() = "over_disagreeing";
  analysis.delta_block(claims, path, excess.over_disagreeing);
}

Criterion clearest(const Analysis& analysis, const LayerExcess& excess, const char* name, int layer,
                   bool holds) {
  std::optional<Criterion> found;
  for (const Excess& level : excess) {
    Criterion criterion = analysis.criterion({name, layer, level.judged, 0, 1}, holds);
    if (analysis.bootstrap_error(level.judged).value_or(0) <= kNoSpread) criterion.z.reset();
    const bool clearer = criterion.z && (!found || !found->z || *criterion.z > *found->z);
    if (!found || clearer) found = criterion;
  }
  return *found;
}

int64_t windows_without(const Strata& strata, const Windows& mass) {
  int64_t count = 0;
  for (size_t w = 0; w < mass.size(); ++w) count += *strata.defined[w] > 0 && *mass[w] == 0 ? 1 : 0;
  return count;
}

}  // namespace rg::verify::edge
