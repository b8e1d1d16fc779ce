// attention_router's prompts and probes, and the published tables made of them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "verify/attention_router.h"

namespace rg::verify::router {
namespace {

constexpr double kRatioTolerance = 1e-5;

// Common members of one entry. False where something is wrong with it.
bool read_common(const Case& c, const At& at, Reading& reading) {
  if (!c.inspect.is(at, Kind::object)) return false;
  reading.convention = c.inspect.text(c.inspect.need(at, "convention"));
  const At layer = c.inspect.need(at, "layer");
  const auto number = c.inspect.integer(layer, 0, INT32_MAX);
  const At top = c.inspect.need(at, "top");
  const auto expert = c.inspect.integer(top, 0, static_cast<int64_t>(c.header.experts) - 1);
  if (!number || !expert || !c.inspect.sound()) return false;
  reading.layer = static_cast<int>(*number);
  reading.top = *expert;
  if (reading.convention != "exact" && reading.convention != "published") {
    c.inspect.invalid(Check::value_range, (at / "convention").path, "expected exact or published");
    return false;
  }
  if (!std::binary_search(c.header.layers.begin(), c.header.layers.end(), reading.layer)) {
    c.inspect.invalid(Check::layer_arrays, layer.path, "is not a measured layer");
    return false;
  }
  return true;
}

bool read_prompt(const Case& c, const At& at, Reading& reading) {
  if (!read_common(c, at, reading)) return false;
  reading.text = c.inspect.text(c.inspect.need(at, "text"));
  c.inspect.integer(c.inspect.need(at, "position"), 0, INT32_MAX);
  const int64_t last = static_cast<int64_t>(c.header.experts) - 1;
  const At embed_norm = c.inspect.need(at, "embed_norm");
  const At attention_norm = c.inspect.need(at, "attention_norm");
  const auto embed = c.inspect.number(embed_norm, kNotNegative);
  const auto attention = c.inspect.number(attention_norm, kNotNegative);
  reading.embed_top = c.inspect.integer(c.inspect.need(at, "embed_top"), 0, last).value_or(0);
  reading.attention_top =
      c.inspect.integer(c.inspect.need(at, "attention_top"), 0, last).value_or(0);
  const At ratio = c.inspect.need(at, "attention_ratio");
  if (ratio && !ratio.value->is(Kind::null)) {
    reading.ratio = c.inspect.number(ratio, {0, 1 + 1e-9});
  }
  if (!c.inspect.sound()) return false;
  if (reading.convention == "published") {
    const double both = *embed + *attention;
    const double expected = both > 0 ? *attention / both : 0.5;
    if (!reading.ratio || std::abs(*reading.ratio - expected) > kRatioTolerance) {
      c.inspect.invalid(Check::share_total, ratio.path, fmt::format("the norms give {}", expected));
      return false;
    }
  }
  return true;
}

bool read_probe(const Case& c, const At& at, Reading& reading) {
  if (!read_common(c, at, reading)) return false;
  reading.target = c.inspect.text(c.inspect.need(at, "target"));
  reading.context = c.inspect.text(c.inspect.need(at, "context"));
  c.inspect.integer(c.inspect.need(at, "token_id"), 0, INT32_MAX);
  return c.inspect.sound();
}

std::vector<Reading> read_list(const Case& c, const char* name,
                               bool (*read)(const Case&, const At&, Reading&)) {
  std::vector<Reading> readings;
  const At list = c.inspect.need(c.root, name);
  if (!c.inspect.is(list, Kind::array)) return readings;
  for (size_t i = 0; i < list.value->array().size(); ++i) {
    const At at{&list.value->array()[i], fmt::format("{}[{}]", name, i)};
    Reading reading;
    if (!read(c, at, reading)) break;
    readings.push_back(std::move(reading));
  }
  return readings;
}

// Every text under both conventions at every measured layer, in that order.
void check_complete(const Case& c, const char* name, const std::vector<Reading>& readings) {
  if (!c.inspect.sound()) return;
  const std::vector<int>& layers = c.header.layers;
  const size_t block = 2 * layers.size();
  for (size_t i = 0; i < readings.size(); ++i) {
    const Reading& first = readings[i - i % block];
    const Reading& reading = readings[i];
    const bool exact = i % block < layers.size();
    if (reading.layer == layers[i % layers.size()] &&
        reading.convention == (exact ? "exact" : "published") && reading.text == first.text &&
        reading.target == first.target && reading.context == first.context) {
      continue;
    }
    c.inspect.invalid(Check::ranked_list, fmt::format("{}[{}]", name, i),
                      "breaks the order (text, then convention, then layer)");
    return;
  }
  if (readings.size() % block != 0) {
    c.inspect.invalid(Check::ranked_list, name,
                      fmt::format("holds {} entries, expected 2 conventions of {} layers for each",
                                  readings.size(), layers.size()));
  }
}

struct TableRow {
  double mean = 0, deviation = 0, agreement = 0;
};

// Over the prompts of the published convention at one layer; none without prompts.
std::optional<TableRow> table_row(const std::vector<Reading>& prompts, int layer) {
  std::vector<double> ratios;
  double agreeing = 0;
  for (const Reading& prompt : prompts) {
    if (prompt.convention != "published" || prompt.layer != layer) continue;
    ratios.push_back(prompt.ratio.value_or(0.5));
    if (prompt.embed_top == prompt.attention_top) agreeing += 1;
  }
  if (ratios.empty()) return std::nullopt;
  const auto count = static_cast<double>(ratios.size());
  TableRow row;
  for (const double ratio : ratios) row.mean += ratio;
  row.mean /= count;
  for (const double ratio : ratios) row.deviation += (ratio - row.mean) * (ratio - row.mean);
  row.deviation = std::sqrt(row.deviation / count);
  row.agreement = agreeing / count;
  return row;
}

void claim_context_tests(const Case& c, const std::vector<Reading>& probes,
                         const std::vector<int>& layers, const std::string& convention,
                         Claims& claims) {
  const Claims::Path at = {"summary", "context_tests", convention};
  for (size_t i = 0; i < layers.size(); ++i) {
    claims.count({at[0], at[1], at[2], "layers", std::to_string(i)}, layers[i]);
  }
  claims.absent({at[0], at[1], at[2], "layers", std::to_string(layers.size())});
  // One row per target and layer, in any order.
  std::map<std::pair<std::string, int>, std::vector<int64_t>> cells;
  for (const Reading& probe : probes) {
    if (probe.convention != convention) continue;
    if (std::find(layers.begin(), layers.end(), probe.layer) == layers.end()) continue;
    cells[{probe.target, probe.layer}].push_back(probe.top);
  }
  int64_t sensitive = 0;
  for (const auto& [cell, tops] : cells) {
    if (std::set<int64_t>(tops.begin(), tops.end()).size() > 1) ++sensitive;
  }
  claims.count({at[0], at[1], at[2], "cells"}, static_cast<int64_t>(cells.size()));
  claims.count({at[0], at[1], at[2], "sensitive"}, sensitive);
  const At table = (((c.root / "summary") / "context_tests") / convention) / "table";
  const Claims::Path rows = {at[0], at[1], at[2], "table"};
  const auto row_path = [&](size_t row, std::initializer_list<std::string> keys) {
    Claims::Path path = rows;
    path.push_back(std::to_string(row));
    path.insert(path.end(), keys.begin(), keys.end());
    return path;
  };
  // Rows are matched with cells by what they name; where they name none, in cell order.
  std::set<std::pair<std::string, int>> left;
  for (const auto& [cell, tops] : cells) left.insert(cell);
  for (size_t row = 0; row < cells.size(); ++row) {
    std::pair<std::string, int> cell = *left.begin();
    if (table && table.value->is(Kind::array) && row < table.value->array().size()) {
      const Value& stated = table.value->array()[row];
      const Value* target = stated.find("target");
      const Value* layer = stated.find("layer");
      if (target != nullptr && target->is(Kind::string) && layer != nullptr &&
          layer->is(Kind::integer)) {
        const std::pair<std::string, int> named = {target->string(),
                                                   static_cast<int>(layer->integer())};
        if (left.contains(named)) cell = named;
      }
    }
    left.erase(cell);
    const std::vector<int64_t>& tops = cells[cell];
    claims.text(row_path(row, {"target"}), cell.first);
    claims.count(row_path(row, {"layer"}), cell.second);
    for (size_t i = 0; i < tops.size(); ++i) {
      claims.count(row_path(row, {"tops", std::to_string(i)}), tops[i]);
    }
    claims.absent(row_path(row, {"tops", std::to_string(tops.size())}));
    claims.count(row_path(row, {"distinct"}),
                 static_cast<int64_t>(std::set<int64_t>(tops.begin(), tops.end()).size()));
  }
  claims.absent(row_path(cells.size(), {}));
}

}  // namespace

std::vector<int> first_middle_last(const std::vector<int>& layers) {
  std::set<int> chosen = {layers.front(), layers[layers.size() / 2], layers.back()};
  return {chosen.begin(), chosen.end()};
}

std::vector<Reading> read_prompts(const Case& c) {
  std::vector<Reading> readings = read_list(c, "prompts", read_prompt);
  check_complete(c, "prompts", readings);
  return readings;
}
std::vector<Reading> read_probes(const Case& c) {
  std::vector<Reading> readings = read_list(c, "probes", read_probe);
  check_complete(c, "probes", readings);
  return readings;
}

PublishedVerdict claim_published(const Case& c, const std::vector<Reading>& prompts,
                                 const std::vector<Reading>& probes, Claims& claims) {
  const Header& h = c.header;
  const Claims::Path at = {"summary", "verdict", "published"};
  // Three of them where every MoE layer was measured, else those that were asked for.
  const std::vector<int> layers = h.layers == h.moe_layers ? first_middle_last(h.layers) : h.layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    claims.count({at[0], at[1], at[2], "layers", std::to_string(i)}, layers[i]);
  }
  claims.absent({at[0], at[1], at[2], "layers", std::to_string(layers.size())});

  const auto mean_over = [&](bool without_first) {
    double sum = 0;
    double count = 0;
    for (const int layer : layers) {
      if (without_first && layer == h.moe_layers.front()) continue;
      const std::optional<TableRow> row = table_row(prompts, layer);
      if (!row) continue;
      sum += row->mean;
      count += 1;
    }
    return count > 0 ? std::optional(sum / count) : std::nullopt;
  };
  const PublishedVerdict verdict{layers, mean_over(false), mean_over(true)};
  for (const auto& [name, mean] : {std::pair{"all_layers", verdict.all_layers},
                                   std::pair{"without_first", verdict.without_first}}) {
    claims.mean({at[0], at[1], at[2], name, "mean"}, mean);
    claims.text({at[0], at[1], at[2], name, "label"}, label_of_mean(mean));
  }

  for (size_t i = 0; i < h.layers.size(); ++i) {
    const std::string row = std::to_string(i);
    const std::optional<TableRow> values = table_row(prompts, h.layers[i]);
    const auto column = [&](double TableRow::*member) {
      return values ? std::optional((*values).*member) : std::nullopt;
    };
    claims.count({"summary", "published_table", row, "layer"}, h.layers[i]);
    claims.mean({"summary", "published_table", row, "mean"}, column(&TableRow::mean));
    claims.near({"summary", "published_table", row, "std"}, column(&TableRow::deviation),
                Check::summary_mean);
    claims.mean({"summary", "published_table", row, "agreement"}, column(&TableRow::agreement));
  }
  claims.absent({"summary", "published_table", std::to_string(h.layers.size())});
  claim_context_tests(c, probes, layers, "exact", claims);
  claim_context_tests(c, probes, layers, "published", claims);
  return verdict;
}

}  // namespace rg::verify::router
