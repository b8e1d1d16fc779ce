// key_only_router's facts about a layer, and the decision table that follows from them.
#include <fmt/format.h>

#include <algorithm>

#include "verify/key_only_router.h"

namespace rg::verify::key_only {
namespace {

constexpr std::array kNorms = {"none", "full_width", "per_head", "per_head_rotated"};
constexpr std::array kLevels = {"exact", "enclosed", "on_manifold", "identical_bytes",
                                "twin_tokens"};

// What a row of the table says.
struct TableRow {
  const char *inputs, *summary, *answer, *theorem;
};

std::vector<TableRow> table_of(const Architecture& of, bool first_layer) {
  const bool narrow = of.key_dimensions() < of.residual_width;
  TableRow at_first{"first_position", "own_keys", "yes", "KR-1"};
  if (narrow) {
    at_first.answer = "generically_no";
    at_first.theorem = "KR-6 (d)";
  } else if (of.epsilon == 0 || of.norm != "none") {
    at_first.answer = "if_scale_matters_no";
    at_first.theorem = "KR-6 (b)";
  }
  std::vector<TableRow> table = {{"open_set", "own_keys", "if_context_matters_no", "KR-6 (a)"},
                                 at_first};
  if (!narrow) {
    table.push_back({"open_set", "keys_of_all_positions", at_first.answer, at_first.theorem});
  }
  if (first_layer) {
    table.push_back({"reachable", "own_keys", "if_context_matters_no", "KR-7 (b)"});
  } else {
    table.push_back({"reachable", "own_keys", "yes", "KR-7 (e)"});
  }
  table.push_back({"reachable", "layer0_keys_of_all_positions", "yes", "KR-7 (d)"});
  return table;
}

void check_levels(Inspector& inspect, const At& list) {
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  std::optional<size_t> before;
  for (size_t i = 0; i < found; ++i) {
    const At at = kv::element(list, i);
    const size_t level = kv::one_of(inspect, at, kLevels);
    if (!at.value->is(Kind::string)) return;
    if (at.value->string() != kLevels[level]) return;  // said
    if (before && level <= *before) {
      inspect.invalid(Check::ranked_list, at.path, "is out of the order of levels");
      return;
    }
    before = level;
  }
}

void check_table_row(Inspector& inspect, const At& at, const TableRow& row) {
  if (!inspect.is(at, Kind::object)) return;
  for (const auto& [key, expected] : {std::pair{"inputs", row.inputs},
                                      {"summary", row.summary},
                                      {"answer", row.answer},
                                      {"theorem", row.theorem}}) {
    const At member = inspect.need(at, key);
    if (!inspect.is(member, Kind::string) || member.value->string() == expected) continue;
    inspect.invalid(Check::ranked_list, member.path,
                    fmt::format("found another word, the layer's facts give {}", expected));
  }
  inspect.text(inspect.need(at, "condition"));
  inspect.text(inspect.need(at, "reservation"));
  check_levels(inspect, inspect.need(at, "levels"));
}

void check_table(Inspector& inspect, const At& list, const std::vector<TableRow>& table) {
  if (!inspect.is(list, Kind::array)) return;
  const size_t found = list.value->array().size();
  if (found != table.size()) {
    inspect.invalid(Check::array_length, list.path,
                    fmt::format("found {} rows, the layer's facts give {}", found, table.size()));
    return;
  }
  for (size_t i = 0; i < found; ++i) check_table_row(inspect, kv::element(list, i), table[i]);
}

}  // namespace

Architecture read_architecture(const Case& c, int number, const At& at) {
  Inspector& inspect = c.inspect;
  Architecture of;
  if (!inspect.is(at, Kind::object)) return of;
  const auto columns = [&](const char* key, int64_t least) {
    return inspect.integer(inspect.need(at, key), least, kv::kMostColumns).value_or(least);
  };
  const auto flag = [&](const char* key) {
    return inspect.boolean(inspect.need(at, key)).value_or(false);
  };
  inspect.text(inspect.need(at, "mixer"));
  of.residual_width = columns("residual_width", 1);
  columns("heads", 1);
  of.kv_heads = columns("kv_heads", 1);
  of.key_width = columns("key_width", 1);
  of.value_width = columns("value_width", 1);
  of.latent_width = columns("latent_width", 0);
  of.shared_width = columns("shared_width", 0);
  of.norm = kNorms[kv::one_of(inspect, inspect.need(at, "norm"), kNorms)];
  for (const char* key : {"key_bias", "clipped", "linear_at_first"}) flag(key);
  kv::one_of(inspect, inspect.need(at, "router_reads"), std::array{"after_attention"});
  of.router_bias = flag("router_bias");
  of.plain_top_k = flag("plain_top_k");
  const At first = inspect.need(at, "first_layer");
  const auto stated = inspect.boolean(first);
  if (stated && *stated != (number == 0)) {
    inspect.invalid(Check::summary_exact, first.path, "is not whether the layer is layer 0");
  }
  of.epsilon = kv::number_at(inspect, at, "epsilon", kNotNegative);
  const At table = inspect.need(at, "table");
  if (inspect.sound()) check_table(inspect, table, table_of(of, number == 0));
  return of;
}

}  // namespace rg::verify::key_only
