#include "verify/boundary_arrays.h"

#include <fmt/format.h>

#include <algorithm>

namespace rg::verify::boundary {
namespace {

// The tokens of decile i over all windows.
int64_t tokens_of(const LayerRecord& layer, size_t decile) {
  return static_cast<int64_t>(total(layer.decile_tokens[decile]).sum);
}

std::array<Windows, kDeciles> read_decile_sums(const Case& c, const At& at, int64_t largest) {
  std::array<Windows, kDeciles> sums;
  sums.fill(Windows(c.header.n_windows));
  if (!c.inspect.is(at, Kind::array)) return sums;
  const Array& rows = at.value->array();
  if (rows.size() != kDeciles) {
    c.inspect.invalid(Check::array_length, at.path,
                      fmt::format("found {} deciles, expected {}", rows.size(), kDeciles));
    return sums;
  }
  for (size_t i = 0; i < kDeciles; ++i) {
    sums[i] = edge::read_counts(c, {&rows[i], fmt::format("{}[{}]", at.path, i)}, largest);
  }
  return sums;
}

// 11 ascending margins; empty for null.
std::vector<double> read_edges(const Case& c, const At& at) {
  if (!at || at.value->is(Kind::null) || !c.inspect.is(at, Kind::array)) return {};
  const Array& values = at.value->array();
  if (values.size() != kDeciles + 1) {
    c.inspect.invalid(Check::array_length, at.path,
                      fmt::format("found {} edges, expected {}", values.size(), kDeciles + 1));
    return {};
  }
  std::vector<double> edges;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!c.inspect.check_element(values[i], i, at.path, kNotNegative)) return {};
    edges.push_back(values[i].number());
    if (i == 0 || edges[i - 1] <= edges[i]) continue;
    c.inspect.invalid(Check::ranked_list, fmt::format("{}[{}]", at.path, i),
                      "is below the edge before it");
    return {};
  }
  return edges;
}

// Thresholds, shares and edges are undefined exactly where no margin is defined.
void check_nulls_of_layer(const Case& c, const LayerRecord& layer, const std::string& path) {
  edge::check_undefined(c, layer.strata.defined, layer.strata.m_thr, path + ".m_thr_per_window");
  edge::check_undefined(c, layer.strata.defined, layer.share, path + ".compression_F_per_window");
  const bool defined = total(layer.strata.defined).sum > 0;
  if (layer.edges.empty() == defined) {
    c.inspect.invalid(
        Check::null_pattern, path + ".decile_edges",
        defined ? "is null though margins are defined" : "is not null though no margin is defined");
  }
}

// Every edge is a margin, so that a decile between two different edges holds a token, and fewer
// than ceil(i m / 10) of the m margins lie below edge i.
void check_decile_sizes(const Case& c, const LayerRecord& layer, const std::string& path) {
  if (layer.edges.empty()) return;
  const auto margins = static_cast<uint64_t>(total(layer.strata.defined).sum);
  const auto rank = [&](size_t i) {
    return static_cast<int64_t>(quantile_rank({i, kDeciles}, margins));
  };
  int64_t below = 0;  // this decile's upper edge
  for (size_t i = 0; i < kDeciles; ++i) {
    const int64_t tokens = tokens_of(layer, i);
    const bool last = i + 1 == kDeciles;
    below += tokens;
    const bool empty = !last && layer.edges[i] == layer.edges[i + 1];
    const bool fits =
        empty ? tokens == 0 : tokens > 0 && below >= rank(i) && (last || below < rank(i + 1));
    if (fits) continue;
    c.inspect.invalid(Check::strata_size,
                      fmt::format("{}.decile_sums_per_window.tokens[{}]", path, i),
                      fmt::format("{} tokens do not fit the edges {} and {}", tokens,
                                  layer.edges[i], layer.edges[i + 1]));
    return;
  }
}

// From no token over the strata to all of them, each step adds at most k per token.
bool masses_fit(const LayerRecord& layer, size_t w, double topk) {
  double tokens = 0;
  double mass = 0;
  const auto step = [&](double next_tokens, double next_mass) {
    const bool fits = next_mass >= mass && next_mass - mass <= topk * (next_tokens - tokens);
    tokens = next_tokens;
    mass = next_mass;
    return fits;
  };
  for (size_t i = 0; i < edge::kLevels.size(); ++i) {
    if (!step(*layer.strata.n_le[i][w], *layer.mass_le[i][w])) return false;
  }
  return step(*layer.strata.defined[w], *layer.mass[w]);
}

bool deciles_add_up(const LayerRecord& layer, size_t w, double topk) {
  double tokens = 0;
  double mass = 0;
  for (size_t i = 0; i < kDeciles; ++i) {
    if (*layer.decile_mass[i][w] > topk * *layer.decile_tokens[i][w]) return false;
    tokens += *layer.decile_tokens[i][w];
    mass += *layer.decile_mass[i][w];
  }
  return tokens == *layer.strata.defined[w] && mass == *layer.mass[w];
}

void check_masses(const Case& c, const LayerRecord& layer, const std::string& path) {
  const double topk = c.header.topk;
  for (size_t w = 0; w < layer.mass.size(); ++w) {
    if (!masses_fit(layer, w, topk)) {
      c.inspect.invalid(Check::count_total, fmt::format("{}.mass_le_per_window", path),
                        fmt::format("in window {} the strata's disagreements do not ascend by at "
                                    "most k per token to mass_per_window",
                                    w));
      return;
    }
    if (!deciles_add_up(layer, w, topk)) {
      c.inspect.invalid(Check::count_total, fmt::format("{}.decile_sums_per_window", path),
                        fmt::format("in window {} the deciles do not add up to the defined tokens "
                                    "and their disagreement",
                                    w));
      return;
    }
  }
}

void check_layer(const Case& c, const LayerRecord& layer, const std::string& path) {
  edge::check_strata(c, layer.strata, path + ".n_le_per_window", path + ".m_thr_per_window");
  check_masses(c, layer, path);
  edge::check_shares(c, layer.mass, layer.mass_le, layer.share, path + ".compression_F_per_window");
  check_decile_sizes(c, layer, path);
}

LayerRecord read_layer(const Case& c, const At& at) {
  LayerRecord layer;
  Inspector& inspect = c.inspect;
  const int64_t positions = c.header.seq_len - 1;
  const int64_t experts = positions * c.header.topk;
  const Windows undefined = edge::read_counts(c, inspect.need(at, "n_undefined"), positions);
  layer.strata.defined = edge::defined_positions(c, undefined);
  layer.strata.n_le = edge::read_level_counts(c, inspect.need(at, "n_le_per_window"), positions);
  layer.strata.m_thr = edge::read_levels(c, inspect.need(at, "m_thr_per_window"), kNotNegative);
  layer.mass = edge::read_counts(c, inspect.need(at, "mass_per_window"), experts);
  layer.mass_le = edge::read_level_counts(c, inspect.need(at, "mass_le_per_window"), experts);
  layer.share = edge::read_levels(c, inspect.need(at, "compression_F_per_window"), kUnit);
  const At sums = inspect.need(at, "decile_sums_per_window");
  layer.decile_mass = read_decile_sums(c, inspect.need(sums, "mass"), experts);
  layer.decile_tokens = read_decile_sums(c, inspect.need(sums, "tokens"), positions);
  layer.edges = read_edges(c, inspect.need(at, "decile_edges"));
  return layer;
}

std::vector<Decile> read_stated_deciles(const Case& c, const At& at) {
  std::vector<Decile> deciles;
  Inspector& inspect = c.inspect;
  if (!inspect.is(at, Kind::array)) return deciles;
  const auto tokens = static_cast<int64_t>(c.header.n_windows * (c.header.seq_len - 1));
  int64_t counted = 0;
  for (size_t i = 0; i < at.value->array().size(); ++i) {
    const At row{&at.value->array()[i], fmt::format("{}[{}]", at.path, i)};
    if (!inspect.is(row, Kind::object)) return deciles;
    const auto bin = inspect.integer(inspect.need(row, "bin"), 0, kDeciles - 1);
    const auto lo = inspect.number(inspect.need(row, "m_lo"), kNotNegative);
    const auto hi = inspect.number(inspect.need(row, "m_hi"), kNotNegative);
    const auto overlap = inspect.number(inspect.need(row, "ov_mean"), kUnit);
    const auto n = inspect.integer(inspect.need(row, "n"), 1, tokens);
    if (!bin || !lo || !hi || !overlap || !n) return deciles;
    counted += *n;
    const bool ascends =
        deciles.empty() || (deciles.back().bin < *bin && deciles.back().margin_hi <= *lo);
    if (!ascends || *lo > *hi) {
      inspect.invalid(Check::ranked_list, row.path, "does not follow the decile before it");
      return deciles;
    }
    deciles.push_back({static_cast<int>(*bin), *lo, *hi, *overlap, *n});
  }
  if (counted > tokens) {
    inspect.invalid(Check::count_total, at.path,
                    fmt::format("holds {} tokens, {} were measured", counted, tokens));
  }
  return deciles;
}

LayerRecord read_published_layer(const Case& c, const At& at) {
  LayerRecord layer;
  layer.strata.defined = edge::defined_positions(c, Windows(c.header.n_windows));
  layer.share = edge::read_levels(c, c.inspect.need(at, "compression_F_per_window"), kUnit);
  layer.deciles = read_stated_deciles(c, c.inspect.need(at, "deciles"));
  return layer;
}

}  // namespace

std::string reference_name(const Header& header) {
  return header.direction == "AtoB" ? "y_ref_A" : "y_ref_B";
}

void check_definition(const Case& c) {
  Inspector& inspect = c.inspect;
  const Header& header = c.header;
  edge::check_levels(c);
  const At bins = inspect.need(c.root, "decile_bins");
  if (bins && !(bins.value->is(Kind::integer) && bins.value->integer() == kDeciles)) {
    inspect.invalid(Check::strata_quantiles, bins.path, "expected 10");
  }
  const std::string name = reference_name(header);
  const At reference = inspect.need(c.root, name);
  const At unused = inspect.need(c.root, name == "y_ref_A" ? "y_ref_B" : "y_ref_A");
  if (unused && !unused.value->is(Kind::null)) {
    inspect.invalid(Check::edge_direction, unused.path,
                    fmt::format("is not null though the direction is {}", header.direction));
  }
  if (!reference || !inspect.is(reference, Kind::object)) return;
  const At topk = inspect.need(reference, "k");
  if (topk && !(topk.value->is(Kind::integer) && topk.value->integer() == header.topk)) {
    inspect.invalid(Check::gate_semantics, topk.path, "is not the gate's topk");
  }
  const At fp32 = inspect.need(reference, "scores_fp32");
  if (fp32 && !(fp32.value->is(Kind::boolean) && fp32.value->boolean())) {
    inspect.invalid(Check::gate_semantics, fp32.path, "expected true");
  }
  const At layers = inspect.need(reference, "layers");
  if (!layers || !inspect.is(layers, Kind::array)) return;
  const Array& listed = layers.value->array();
  bool same = listed.size() == header.layers.size();
  for (size_t i = 0; same && i < listed.size(); ++i) {
    same = listed[i].is(Kind::integer) && listed[i].integer() == header.layers[i];
  }
  if (!same) inspect.invalid(Check::layer_list, layers.path, "is not the artifact's `layers`");
}

std::map<int, LayerRecord> read_record(const Case& c) {
  std::map<int, LayerRecord> record;
  const At per_layer = c.inspect.need(c.root / reference_name(c.header), "per_layer");
  const std::map<int, At> members = edge::members_by_layer(c, per_layer);
  for (const auto& [layer, at] : members) {
    if (!c.inspect.is(at, Kind::object)) continue;
    record[layer] = c.header.full ? read_layer(c, at) : read_published_layer(c, at);
  }
  if (!c.header.full || !c.inspect.sound()) return record;
  for (const auto& [layer, at] : members) check_nulls_of_layer(c, record[layer], at.path);
  if (!c.inspect.sound()) return record;
  for (const auto& [layer, at] : members) check_layer(c, record[layer], at.path);
  return record;
}

std::vector<double> disagreement_by_decile(const std::array<double, kDeciles>& mass,
                                           const std::array<double, kDeciles>& tokens,
                                           uint32_t topk) {
  std::vector<double> disagreement;
  for (size_t i = 0; i < kDeciles; ++i) {
    if (tokens[i] > 0) disagreement.push_back(mass[i] / (topk * tokens[i]));
  }
  return disagreement;
}

std::optional<double> largest_rise(const std::vector<double>& disagreement) {
  std::optional<double> largest;
  for (size_t i = 1; i < disagreement.size(); ++i) {
    const double rise = disagreement[i] - disagreement[i - 1];
    largest = std::max(largest.value_or(rise), rise);
  }
  return largest;
}

}  // namespace rg::verify::boundary
