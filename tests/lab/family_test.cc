// The family file: what is read, and what is refused.
#include "lab/family.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/sha256.h"
#include "lab/registration.h"
#include "support/caught.h"
#include "support/temp_folder.h"

namespace rg::lab {
namespace {

Json small_family() {
  return parse_json(R"({
    "family_name": "small",
    "base": {"name": "base", "path": "a"},
    "descendants": [{"name": "t1", "path": "b"}, {"name": "t2", "path": "ORG/NAME"}],
    "edges": [{"from": "base", "to": "t1"}, {"from": "t2", "to": "t1"}],
    "domains": [{"name": "prose", "path": "texts"}]})",
                    {}, "");
}

Family written_and_read(const test::TempFolder& folder, const Json& file) {
  test::put_file(folder / "family.json", write_json(file, JsonLayout::indented));
  return read_family(folder / "family.json");
}

TEST(Family, IsReadWithPathsBesideTheFile) {
  const test::TempFolder folder;
  test::put_file(folder / "b/config.json", "{}");
  const Family family = written_and_read(folder, small_family());
  EXPECT_EQ(family.name, "small");
  EXPECT_EQ(family.sha256, sha256_hex(test::get_file(folder / "family.json")));
  ASSERT_EQ(family.members.size(), 3u);
  EXPECT_EQ(family.members[0].argument, "a");  // stands nowhere: as --model would take it
  EXPECT_EQ(family.members[1].argument, (folder / "b").string());
  EXPECT_EQ(family.members[2].argument, "ORG/NAME");
  ASSERT_EQ(family.edges.size(), 2u);
  EXPECT_EQ(family.edges[1].name(family), "t2__to__t1");
  EXPECT_EQ(family.windows, 200u);
  EXPECT_EQ(family.seq_len, 256u);
  EXPECT_EQ(family.bootstrap, 2000u);
  EXPECT_FALSE(family.layers);
  EXPECT_TRUE(family.siblings.empty());
}

TEST(Family, SaysWhatARunTakesFromTheCommandLine) {
  const test::TempFolder folder;
  Json file = small_family();
  file["windows"] = "all";
  file["seq_len"] = 64;
  file["seed"] = 18446744073709551615u;
  file["bootstrap"] = 500;
  file["layers"] = {3, 1};
  file["required_layers"] = {3};
  file["siblings"] = {{{"name", "s"}, {"path", "s"}}};
  file["thresholds"] = {{"min_distinct_terminals", 3}};
  const Family family = written_and_read(folder, file);
  EXPECT_FALSE(family.windows);
  EXPECT_EQ(family.seq_len, 64u);
  EXPECT_EQ(family.seed, UINT64_MAX);
  EXPECT_EQ(family.bootstrap, 500u);
  EXPECT_EQ(family.layers, (std::vector<int>{1, 3}));
  EXPECT_EQ(family.required_layers, std::vector<int>{3});
  EXPECT_EQ(family.siblings.at(0).name, "s");
  EXPECT_EQ(family.min_distinct_terminals, 3u);
}

Json with_adaptation() {
  Json file = small_family();
  file["adaptation"] = parse_json(R"({
    "runs": [{"name": "r1", "path": "r1"}, {"name": "r2", "path": "r2"}],
    "comparison": [{"name": "c1", "path": "c1"}], "registration": "registration.json",
    "eval": {"name": "code", "path": "texts"}, "base": {"name": "prose", "path": "texts"}})",
                                  {}, "");
  return file;
}

TEST(Family, NamesRunsWithFrozenLayers) {
  const test::TempFolder folder;
  test::put_file(folder / "registration.json", "{}");
  const Family family = written_and_read(folder, with_adaptation());
  ASSERT_TRUE(family.adaptation);
  EXPECT_EQ(family.adaptation->runs.size(), 2u);
  EXPECT_EQ(family.adaptation->comparison.at(0).name, "c1");
  EXPECT_EQ(family.adaptation->registration, folder / "registration.json");
  EXPECT_EQ(family.adaptation->eval.name, "code");
  EXPECT_EQ(family.adaptation->windows, 1000u);
  EXPECT_EQ(family.adaptation->seq_len, 128u);
  Json twice = with_adaptation();
  twice["adaptation"]["runs"][1]["name"] = "t1";
  EXPECT_EQ(test::caught([&] { written_and_read(folder, twice); }).id, ErrorId::FA002);
  for (const char* member : {"runs", "comparison", "registration", "eval", "base"}) {
    Json file = with_adaptation();
    file["adaptation"].erase(member);
    EXPECT_EQ(test::caught([&] { written_and_read(folder, file); }).id, ErrorId::FA001) << member;
  }
}

TEST(Family, ReadsWhatWasRegistered) {
  const test::TempFolder folder;
  const auto file = folder / "registration.json";
  const Json right = parse_json(R"({
    "registered_utc": "2026-01-01T00:00:00+00:00", "frozen_set": [0, 1],
    "thresholds": {"D_max": 0.5, "L_max": 1}, "comparison": {"frozen_set": []}, "seeds": [1]})",
                                {}, "");
  test::put_file(file, write_json(right, JsonLayout::indented));
  const Registration registration = read_registration(file);
  EXPECT_EQ(registration.frozen, (std::vector<int>{0, 1}));
  EXPECT_TRUE(registration.comparison_frozen.empty());
  EXPECT_EQ(registration.d_max, 0.5);
  EXPECT_EQ(registration.l_max, 1);
  EXPECT_EQ(registration.sha256, sha256_hex(test::get_file(file)));
  const std::pair<const char*, Json> wrong[] = {
      {"/frozen_set", {1, 0}},    {"/frozen_set", "0"},   {"/thresholds/D_max", 0},
      {"/thresholds/L_max", "1"}, {"/registered_utc", 5}, {"/comparison", Json::object()}};
  for (const auto& [place, value] : wrong) {
    Json changed = right;
    changed[Json::json_pointer(place)] = value;
    test::put_file(file, write_json(changed, JsonLayout::indented));
    EXPECT_EQ(test::caught([&] { read_registration(file); }).id, ErrorId::FA001) << place;
  }
}

struct BadFamily {
  const char* place;  // JSON pointer
  Json value;         // null: the member is taken out
  ErrorId id;
  const char* object;  // in the message
};

TEST(Family, IsRefusedWithThePlace) {
  const test::TempFolder folder;
  const Json two = {{"name", "t1"}, {"path", "x"}};
  const std::vector<BadFamily> cases = {
      {"/base", nullptr, ErrorId::FA001, "base"},
      {"/base/path", "", ErrorId::FA001, "base.path"},
      {"/base/name", "", ErrorId::FA001, "base.name"},
      {"/family_name", 1, ErrorId::FA001, "family_name"},
      {"/base/url", "x", ErrorId::FA001, "base"},
      {"/window", 200, ErrorId::FA001, ""},
      {"/windows", 0, ErrorId::FA001, "windows"},
      {"/windows", 20.5, ErrorId::FA001, "windows"},
      {"/seq_len", 1, ErrorId::FA001, "seq_len"},
      {"/seed", -1, ErrorId::FA001, "seed"},
      {"/bootstrap", 100, ErrorId::FA001, "bootstrap"},
      {"/layers", {1, 1}, ErrorId::FA001, "layers"},
      {"/layers", Json::array(), ErrorId::FA001, "layers"},
      {"/thresholds", {{"D_max", 1}}, ErrorId::FA001, "thresholds"},
      {"/thresholds", {{"min_distinct_terminals", 1}}, ErrorId::FA001, "min_distinct_terminals"},
      {"/family_name", "../up", ErrorId::FA001, "family_name"},
      {"/base/name", "a__to__b", ErrorId::FA001, "base.name"},
      {"/edges", Json::array(), ErrorId::FA001, "edges"},
      {"/edges/0/to", 1, ErrorId::FA001, "edges[0].to"},
      {"/domains", Json::array(), ErrorId::FA001, "domains"},
      {"/descendants", Json::object(), ErrorId::FA001, "descendants"},
      {"/base/name", "t1", ErrorId::FA002, "name"},
      {"/siblings", {two}, ErrorId::FA002, "name"},
      {"/edges/0/to", "t9", ErrorId::FA002, "edges[0].to"},
      {"/edges/0/to", "base", ErrorId::FA002, "edges[0]"},
      {"/edges/1/from", "base", ErrorId::FA002, "edges[1]"},
      {"/domains/1", {{"name", "prose"}, {"path", "x"}}, ErrorId::FA002, "domains[1]"}};
  for (const BadFamily& bad : cases) {
    Json file = small_family();
    const Json::json_pointer place(bad.place);
    if (bad.value.is_null()) {
      file.at(place.parent_pointer()).erase(place.back());
    } else {
      file[place] = bad.value;
    }
    const auto error = test::caught([&] { written_and_read(folder, file); });
    EXPECT_EQ(error.id, bad.id) << bad.place << ' ' << bad.value << ": " << error.line;
    EXPECT_EQ(error.parts.object, bad.object) << bad.place << ' ' << bad.value;
  }
}

}  // namespace
}  // namespace rg::lab
