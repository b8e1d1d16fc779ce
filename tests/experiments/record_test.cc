// What experiments keep: columns in `per_window` with their nulls and titles, and bytes.
#include "experiments/record.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "experiments/chart_summary.h"
#include "experiments/common.h"
#include "experiments/decomposition.h"
#include "experiments/load_record.h"
#include "experiments/scan_summary.h"
#include "experiments/source_table.h"

namespace rg::experiments {
namespace {

struct Kept : Record {
  Kept() : Record(2, 3) {
    column(flat, {"flat", "a value", "nothing was there"});
    column(nested, {"group.nested", "a value in a group", "nothing was there either"});
    column(count, {"count", "a count", ""});
    column(by_expert, 2, {"experts", "counts by expert", ""});
    keep(more, 5, int32_t{-1});
  }
  WindowValues flat, nested;
  WindowCounts count;
  ExpertCounts by_expert;
  std::vector<int32_t> more;
};

TEST(Record, ColumnsBecomeArraysByWindowInTheirGroups) {
  Kept kept;
  for (size_t w = 0; w < 3; ++w) {
    for (size_t l = 0; l < 2; ++l) {
      kept.flat.set(l, w, static_cast<double>(10 * l + w));
      if (w != 1) kept.nested.set(l, w, 0.5);
      kept.count.at(l, w) = l + w;
      kept.by_expert.at(l, w)[1] = w;
    }
  }
  Nulls nulls;
  const Json expected = parse_json(
      R"({"flat": {"4": [0.0, 1.0, 2.0], "7": [10.0, 11.0, 12.0]},
          "group": {"nested": {"4": [0.5, null, 0.5], "7": [0.5, null, 0.5]}},
          "count": {"4": [0, 1, 2], "7": [1, 2, 3]},
          "experts": {"4": [[0, 0], [0, 1], [0, 2]], "7": [[0, 0], [0, 1], [0, 2]]}})",
      {}, "");
  EXPECT_EQ(kept.per_window({4, 7}, nulls), expected);
  Json fields = Json::object();
  nulls.add_to(fields);
  EXPECT_EQ(fields["null_reasons"],
            Json({{"per_window.group.nested.4", "nothing was there either"},
                  {"per_window.group.nested.7", "nothing was there either"}}));
}

TEST(Record, CountsTheBytesOfEveryArray) {
  const Kept kept;
  EXPECT_EQ(kept.more, std::vector<int32_t>(5, -1));
  EXPECT_EQ(kept.bytes(), 3 * 6 * 8 + 6 * 2 * 8 + 5 * 4u);
}

// The deepest title on the way to a member, through references.
std::string title_of(const Json& schema, const std::string& path) {
  std::string title;
  const Json* node = &schema.at("properties").at("per_window");
  for (size_t first = 0; first <= path.size();) {
    const size_t dot = std::min(path.find('.', first), path.size());
    while (node->contains("$ref")) {
      const auto name = node->at("$ref").get<std::string>();
      node = &schema.at("definitions").at(name.substr(name.rfind('/') + 1));
    }
    node = &node->at("properties").at(path.substr(first, dot - first));
    if (node->contains("title")) title = node->at("title").get<std::string>();
    first = dot + 1;
  }
  return title;
}

void expect_titles(const std::string& test, const Record& record) {
  const std::string file = std::string(RG_SOURCE_ROOT) + "/schema/" + test + ".schema.json";
  const Json schema = parse_json(read_whole_file(file, 1u << 24), {}, file);
  ASSERT_FALSE(record.columns().empty());
  for (const Column& column : record.columns()) {
    EXPECT_STRNE(column.title, "") << column.path;
    EXPECT_EQ(title_of(schema, column.path), column.title) << test << ": " << column.path;
  }
}

TEST(Record, SchemasHaveTheColumnsTitles) {
  expect_titles("terminal_ovk_scan", ScanRecord(1, 1, 2));
  expect_titles("chart_compatibility", ChartRecord(1, 1, 2));
  expect_titles("expert_load", LoadRecord(1, 1, 2, 1));
  expect_titles("attention_router", DecompositionRecord(1, 1, 2, kMaxParts));
  expect_titles("attention_router", NullShareRecord(1, 1));
}

}  // namespace
}  // namespace rg::experiments
