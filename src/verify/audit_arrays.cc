// Reading an audit's arrays: members, lengths, ranges and where nulls may be.
#include <fmt/format.h>

#include <algorithm>

#include "verify/audit.h"
#include "verify/edge_strata.h"

namespace rg::verify::audit {
namespace {

// What a count may reach: the positions of a window, or k times them.
enum class Most { positions, experts };

struct CountField {
  const char* path;  // below per_window
  Windows LayerRecord::*member;
  Most most;
};
constexpr CountField kCounts[] = {{"mass.total", &LayerRecord::total, Most::experts},
                                  {"mass.local", &LayerRecord::local, Most::experts},
                                  {"mass.inherited", &LayerRecord::inherited, Most::experts},
                                  {"mass.through_a", &LayerRecord::through_a, Most::experts},
                                  {"flips", &LayerRecord::flips, Most::positions},
                                  {"reordered", &LayerRecord::reordered, Most::positions},
                                  {"reweighted", &LayerRecord::reweighted, Most::positions},
                                  {"distance.neighbour", &LayerRecord::neighbour, Most::positions},
                                  {"distance.middle", &LayerRecord::middle, Most::positions},
                                  {"distance.far", &LayerRecord::far, Most::positions},
                                  {"depth_n", &LayerRecord::depth_n, Most::experts},
                                  {"onset", &LayerRecord::onset, Most::positions},
                                  {"floor.gates.flips", &LayerRecord::gates_flips, Most::positions},
                                  {"floor.gates.mass", &LayerRecord::gates_mass, Most::experts},
                                  {"floor.gates.ties", &LayerRecord::gates_ties, Most::positions}};
constexpr CountField kPassCounts[] = {
    {"floor.pass.flips", &LayerRecord::pass_flips, Most::positions},
    {"floor.pass.mass", &LayerRecord::pass_mass, Most::experts}};
constexpr CountField kGuaranteed[] = {
    {"guaranteed", &LayerRecord::guaranteed, Most::positions},
    {"guaranteed_flips", &LayerRecord::guaranteed_flips, Most::positions}};

struct BoundField {
  const char* path;
  Windows LayerRecord::*member;
};
constexpr BoundField kBounds[] = {{"bounds.lower", &LayerRecord::lower},
                                  {"bounds.upper", &LayerRecord::upper},
                                  {"bounds.pair", &LayerRecord::pair}};

bool is_null(const At& at) { return at && at.value->is(Kind::null); }

class Reader {
 public:
  explicit Reader(const Case& c)
      : c_(c),
        inspect_(c.inspect),
        windows_(c.inspect.need(c.root, "per_window")),
        positions_(int64_t{c.header.seq_len} - 1) {}

  Record read() {
    read_settings();
    read_folds();
    for (const int layer : c_.header.layers) record_.layers[layer];
    read_counts(kCounts);
    for (const auto& [layer, windows] : layer_numbers("depth_sum", kNotNegative)) {
      record_.layers[layer].depth_sum = windows;
    }
    read_decisions("n_undefined", &LayerRecord::decisions);
    read_guaranteed();
    read_bounds();
    read_other_pass();
    for (const char* kind : kMarginKinds) read_deciles(kind);
    read_forecasts();
    read_whole_windows();
    return std::move(record_);
  }

 private:
  At below(const std::string& path) const {
    At at = windows_;
    size_t start = 0;
    while (start <= path.size()) {
      const size_t end = std::min(path.find('.', start), path.size());
      at = inspect_.need(at, path.substr(start, end - start));
      start = end + 1;
    }
    return at;
  }
  int64_t largest(Most most) const {
    return most == Most::positions ? positions_ : positions_ * c_.header.topk;
  }

  // A member that is null exactly where `expected_null`; whether to read it.
  bool there(const At& at, bool expected_null, const char* why) {
    if (!at) return false;
    if (is_null(at) != expected_null) {
      inspect_.invalid(Check::null_pattern, at.path,
                       expected_null ? fmt::format("is not null though {}", why)
                                     : fmt::format("is null, which it is only where {}", why));
    }
    return !expected_null && !is_null(at);
  }

  void expect_text(const At& at, const char* expected) {
    if (!at || inspect_.text(at) == expected || !at.value->is(Kind::string)) return;
    inspect_.invalid(Check::value_range, at.path,
                     fmt::format("found {}, expected {}", at.value->string(), expected));
  }

  // "f32" or "bf16".
  std::string number_type(const At& at) {
    const std::string name = inspect_.text(at);
    if (at && at.value->is(Kind::string) && name != "f32" && name != "bf16") {
      inspect_.invalid(Check::value_range, at.path,
                       fmt::format("found {}, expected f32 or bf16", name));
    }
    return name;
  }

  void read_settings() {
    const Header& header = c_.header;
    if (header.direction != "AtoB") {
      inspect_.invalid(Check::edge_direction, "edge.direction",
                       fmt::format("found {}, an audit runs from a to b", header.direction));
    }
    record_.gates_equal = inspect_.boolean(inspect_.need(c_.root, "gates_equal")).value_or(false);
    record_.groups = header.groups > 1;
    const At audit = inspect_.need(c_.root, "audit");
    if (!inspect_.is(audit, Kind::object)) return;
    inspect_.integer(inspect_.need(audit, "draws"), kDraws, kDraws);
    expect_text(inspect_.need(audit, "reweigh"), "own");
    const std::string compute = number_type(inspect_.need(audit, "compute"));
    const At other = inspect_.need(audit, "other_compute");
    record_.other_compute = other && !is_null(other);
    if (!record_.other_compute || number_type(other) != compute) return;
    inspect_.invalid(Check::value_range, other.path, "is the number type of the audit itself");
  }

  void read_folds() {
    const Header& header = c_.header;
    const At folds = inspect_.need(c_.root, "folds");
    if (!there(folds, header.n_documents < 2, "there is one document")) return;
    record_.folds = inspect_.counts(folds, header.n_windows, 1);
    if (header.documents.size() != header.n_windows) return;
    for (size_t w = 0; w < record_.folds.size(); ++w) {
      if (record_.folds[w] == header.documents[w] % 2) continue;
      inspect_.invalid(Check::document_ids, fmt::format("folds[{}]", w),
                       fmt::format("found {}, the window is of document number {}",
                                   record_.folds[w], header.documents[w]));
      return;
    }
  }

  void read_counts(std::span<const CountField> fields) {
    for (const CountField& field : fields) {
      const LayerWindows read = inspect_.layer_counts(below(field.path), c_.header.layers,
                                                      c_.header.n_windows, largest(field.most));
      for (const auto& [layer, windows] : read) record_.layers[layer].*field.member = windows;
    }
  }

  // T less the undefined ones.
  void read_decisions(const char* path, Windows LayerRecord::*member) {
    const LayerWindows undefined =
        inspect_.layer_counts(below(path), c_.header.layers, c_.header.n_windows, positions_);
    for (const auto& [layer, windows] : undefined) {
      record_.layers[layer].*member = edge::defined_positions(c_, windows);
    }
  }

  void no_nulls(const At& at) {
    if (!at || !at.value->is(Kind::array)) return;
    const Array& values = at.value->array();
    const auto undefined = std::find_if(values.begin(), values.end(),
                                        [](const Value& value) { return value.is(Kind::null); });
    if (undefined == values.end()) return;
    inspect_.invalid(Check::null_pattern,
                     fmt::format("{}[{}]", at.path, undefined - values.begin()),
                     "is null though every window has a value");
  }

  // Numbers by layer, none of them null.
  LayerWindows layer_numbers(const char* path, Range range) {
    const At at = below(path);
    const LayerWindows read =
        inspect_.layer_windows(at, c_.header.layers, c_.header.n_windows, range);
    for (const int layer : c_.header.layers) no_nulls(at / std::to_string(layer));
    return read;
  }

  void read_guaranteed() {
    bool all = true;
    for (const CountField& field : kGuaranteed) {
      all = there(inspect_.need(windows_, field.path), !record_.gates_equal, "the gates differ") &&
            all;
    }
    if (all) read_counts(kGuaranteed);
  }

  void read_bounds() {
    const At bias = (c_.root / "gate_semantics") / "selection_bias";
    const bool has_bias = bias && bias.value->is(Kind::boolean) && bias.value->boolean();
    const bool none = record_.groups || has_bias || c_.header.n_documents < 2;
    record_.bounds = there(inspect_.need(windows_, "bounds"), none,
                           "the gate has groups or a selection bias or there is one document");
    if (!record_.bounds) return;
    const auto most = static_cast<double>(positions_);
    for (const BoundField& field : kBounds) {
      // Rounding of the sums may exceed the positions a little.
      for (const auto& [layer, windows] : layer_numbers(field.path, {0, most * (1 + 1e-9)})) {
        record_.layers[layer].*field.member = windows;
      }
    }
  }

  void read_other_pass() {
    const At floor = inspect_.need(windows_, "floor");
    const bool read = there(inspect_.need(floor, "pass"), !record_.other_compute,
                            "there is no other number type");
    if (!read) return;
    read_counts(kPassCounts);
    read_decisions("floor.pass.n_undefined", &LayerRecord::pass_decisions);
  }

  // The members of an object keyed by kind: `group` exactly where the gate has groups.
  At of_kind(const At& parent, const std::string& kind) {
    if (kind != "group" || record_.groups) return inspect_.need(parent, kind);
    if (const At there = parent / kind) {
      inspect_.invalid(Check::null_pattern, there.path, "is there though the gate has no groups");
    }
    return {};
  }

  void read_deciles(const std::string& kind) {
    const At edges = of_kind(inspect_.need(c_.root, "decile_edges"), kind);
    const At sums = of_kind(inspect_.need(windows_, "deciles"), kind);
    if (!edges || !sums) return;
    const std::map<int, At> edges_by_layer = edge::members_by_layer(c_, edges);
    for (const auto& [layer, at] : edge::members_by_layer(c_, sums)) {
      const auto own_edges = edges_by_layer.find(layer);
      if (own_edges == edges_by_layer.end()) continue;
      const bool none = is_null(own_edges->second);
      const bool undefined = total(record_.layers[layer].decisions).sum == 0;
      if (undefined && !none) {
        inspect_.invalid(Check::null_pattern, own_edges->second.path,
                         "is not null though no decision is defined");
      }
      if (!there(at, none, "the layer has no decile edges")) continue;
      Deciles& deciles = record_.layers[layer].deciles[kind];
      deciles.edges = read_edges(own_edges->second, kind == "logit" ? kAnyNumber : kNotNegative);
      deciles.decisions = read_rows<kDeciles>(inspect_.need(at, "decisions"), Most::positions);
      deciles.flips = read_rows<kDeciles>(inspect_.need(at, "flips"), Most::positions);
      deciles.mass = read_rows<kDeciles>(inspect_.need(at, "mass"), Most::experts);
    }
  }

  std::vector<double> read_edges(const At& at, Range range) {
    std::vector<double> edges;
    if (!inspect_.is(at, Kind::array)) return edges;
    const Array& values = at.value->array();
    if (values.size() != kDeciles + 1) {
      inspect_.invalid(Check::array_length, at.path,
                       fmt::format("found {} edges, expected {}", values.size(), kDeciles + 1));
      return edges;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      if (!inspect_.check_element(values[i], i, at.path, range)) return edges;
      edges.push_back(values[i].number());
      if (i == 0 || edges[i - 1] <= edges[i]) continue;
      inspect_.invalid(Check::ranked_list, fmt::format("{}[{}]", at.path, i),
                       "is below the edge before it");
      return edges;
    }
    if (edges.front() == edges.back()) {
      inspect_.invalid(Check::null_pattern, at.path, "is not null though all margins are equal");
    }
    return edges;
  }

  // The elements of an array of `count`.
  std::vector<At> rows(const At& at, size_t count) {
    std::vector<At> found;
    if (!inspect_.is(at, Kind::array)) return found;
    const Array& values = at.value->array();
    if (values.size() != count) {
      inspect_.invalid(Check::array_length, at.path,
                       fmt::format("found {} rows, expected {}", values.size(), count));
      return found;
    }
    for (size_t i = 0; i < count; ++i) {
      found.push_back({&values[i], fmt::format("{}[{}]", at.path, i)});
    }
    return found;
  }

  template <size_t kRows>
  std::array<Windows, kRows> read_rows(const At& at, Most most) {
    std::array<Windows, kRows> read;
    read.fill(Windows(c_.header.n_windows));
    const std::vector<At> found = rows(at, kRows);
    for (size_t i = 0; i < found.size(); ++i) {
      read[i] = edge::read_counts(c_, found[i], largest(most));
    }
    return read;
  }

  std::array<Windows, kFlippedBins> read_number_rows(const At& at, Range range) {
    std::array<Windows, kFlippedBins> read;
    const std::vector<At> found = rows(at, kFlippedBins);
    for (size_t i = 0; i < found.size(); ++i) {
      read[i] = inspect_.windows(found[i], c_.header.n_windows, range);
      no_nulls(found[i]);
    }
    return read;
  }

  void read_forecasts() {
    const At forecasts = inspect_.need(windows_, "forecasts");
    if (!there(forecasts, c_.header.n_documents < 2, "there is one document")) return;
    for (const char* name : kDrawnForecasts) {
      for (const auto& [layer, at] : edge::members_by_layer(c_, inspect_.need(forecasts, name))) {
        DrawnWindows& windows = record_.layers[layer].forecasts[name];
        windows.resize(c_.header.n_windows);
        if (!inspect_.is(at, Kind::array)) continue;
        const Array& values = at.value->array();
        if (values.size() != windows.size()) {
          inspect_.invalid(Check::array_length, at.path,
                           fmt::format("found {} values, expected n_windows = {}", values.size(),
                                       windows.size()));
          continue;
        }
        for (size_t w = 0; w < windows.size(); ++w) {
          const At window{&values[w], fmt::format("{}[{}]", at.path, w)};
          if (!read_levels(window, windows[w])) break;  // one reason per array
        }
      }
    }
  }

  bool read_levels(const At& window, std::vector<DrawnLevel>& levels) {
    if (!inspect_.is(window, Kind::array)) return false;
    for (size_t i = 0; i < window.value->array().size(); ++i) {
      const At level{&window.value->array()[i], fmt::format("{}[{}]", window.path, i)};
      if (!inspect_.is(level, Kind::array)) return false;
      const Array& parts = level.value->array();
      if (parts.size() != 3) {
        inspect_.invalid(Check::array_length, level.path,
                         fmt::format("found {} numbers, expected 3", parts.size()));
        return false;
      }
      const auto s = inspect_.integer({&parts[0], level.path + "[0]"}, 0, kDraws);
      const auto decisions = inspect_.integer({&parts[1], level.path + "[1]"}, 1, positions_);
      if (!s || !decisions) return false;
      const auto flips = inspect_.integer({&parts[2], level.path + "[2]"}, 0, *decisions);
      if (!flips) return false;
      if (!levels.empty() && levels.back().s >= *s) {
        inspect_.invalid(Check::ranked_list, level.path,
                         fmt::format("found {} draws after {}", *s, levels.back().s));
        return false;
      }
      levels.push_back({static_cast<uint32_t>(*s), static_cast<uint32_t>(*decisions),
                        static_cast<uint32_t>(*flips)});
    }
    return true;
  }

  void read_whole_windows() {
    const At flipped = inspect_.need(windows_, "flipped_layers");
    record_.tokens = read_rows<kFlippedBins>(inspect_.need(flipped, "tokens"), Most::positions);
    record_.kl_sum = read_number_rows(inspect_.need(flipped, "kl_sum"), kNotNegative);
    record_.loss_delta_sum = read_number_rows(inspect_.need(flipped, "loss_delta_sum"), kAnyNumber);
    struct {
      const char* name;
      Windows Record::*member;
    } const nats[] = {{"kl", &Record::kl},
                      {"loss_a", &Record::loss_a},
                      {"loss_b", &Record::loss_b},
                      {"loss_ab", &Record::loss_ab},
                      {"loss_ba", &Record::loss_ba}};
    for (const auto& series : nats) {
      const At at = inspect_.need(windows_, series.name);
      record_.*series.member = inspect_.windows(at, c_.header.n_windows, kNotNegative);
      no_nulls(at);
    }
    record_.top1_equal = edge::read_counts(c_, inspect_.need(windows_, "top1_equal"), positions_);
  }

  const Case& c_;
  Inspector& inspect_;
  At windows_;
  int64_t positions_;
  Record record_;
};

}  // namespace

Record read_record(const Case& c) {
  Reader reader(c);
  Record record = reader.read();
  if (c.inspect.sound()) check_record(c, record);
  return record;
}

}  // namespace rg::verify::audit
