#include "theorem_app/theorem_lookup.h"

#include <gtest/gtest.h>

#include "support/caught.h"

namespace rg::app {
namespace {

theorems::Entry entry_of(const std::string& id) {
  theorems::Entry entry;
  entry.id = id;
  return entry;
}

theorems::Catalogue three_families() {
  theorems::Catalogue catalogue;
  catalogue.families = {{"GI", 1, "a", {}, {entry_of("GI-1"), entry_of("GI-12")}},
                        {"KR", 2, "b", {}, {entry_of("KR-1"), entry_of("KR-12")}},
                        {"ZZ", 3, "c", {}, {entry_of("ZZ-9")}}};
  return catalogue;
}

TEST(TheoremLookup, FindsAnId) {
  const auto catalogue = three_families();
  EXPECT_EQ(find_entry(catalogue, "KR-12", "--id").id, "KR-12");
}

TEST(TheoremLookup, NamesTheNearestIds) {
  const auto catalogue = three_families();
  const auto refusal = [&](const char* typed) {
    return test::caught([&] { find_entry(catalogue, typed, "--id"); });
  };
  EXPECT_EQ(refusal("KR-13").id, ErrorId::US001);
  EXPECT_EQ(refusal("KR-13").parts.object, "--id");
  EXPECT_EQ(refusal("KR-13").parts.expected, "an id of the catalogue, such as KR-1, KR-12, GI-1");
  EXPECT_EQ(refusal("zz9").parts.expected.substr(0, 35), "an id of the catalogue, such as ZZ-");
  EXPECT_EQ(refusal(std::string(100000, 'x').c_str()).id, ErrorId::US001);
}

TEST(TheoremLookup, SummarisesTheStatusesOfAnEntry) {
  auto catalogue = three_families();
  const auto add = [&](const char* entry, theorems::Status status) {
    catalogue.formal.push_back({.id = entry,
                                .entry = entry,
                                .status = status,
                                .name = {},
                                .file = {},
                                .line = {},
                                .statement = {},
                                .assumptions = {},
                                .record = {}});
  };
  add("GI-1", theorems::Status::proven);
  add("GI-1", theorems::Status::proven);
  add("KR-1", theorems::Status::deferred);
  add("KR-1", theorems::Status::proven);
  EXPECT_EQ(status_summary(catalogue, *catalogue.find_entry("GI-1")), "proven");
  EXPECT_EQ(status_summary(catalogue, *catalogue.find_entry("KR-1")), "1 proven, 1 deferred");
  EXPECT_EQ(status_summary(catalogue, *catalogue.find_entry("ZZ-9")), "-");
  theorems::Entry& entry = catalogue.families[0].entries[0];
  entry.difference = "finite laws";
  entry.formal_names = {"GI_1_x"};
  EXPECT_EQ(status_summary(catalogue, entry), "proven (differs)");
}

}  // namespace
}  // namespace rg::app
