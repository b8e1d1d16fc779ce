#include "app/units.h"

#include <gtest/gtest.h>

#include "app/table.h"
#include "base/error.h"
#include "base/numbers.h"

namespace rg::app {
namespace {

// The id that `call` is refused with; RT070 if it isn't.
template <typename Call>
ErrorId refusal(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.id();
  }
  return ErrorId::RT070;
}

TEST(Units, SizesInPowersOf1000AndOf1024) {
  EXPECT_EQ(parse_size("512", "--memory"), 512u);
  EXPECT_EQ(parse_size("16G", "--memory"), 16'000'000'000u);
  EXPECT_EQ(parse_size("1.5GB", "--memory"), 1'500'000'000u);
  EXPECT_EQ(parse_size("2GiB", "--memory"), 2'147'483'648u);
  EXPECT_EQ(parse_size("1TiB", "--memory"), 1'099'511'627'776u);
}

TEST(Units, RefusesOtherSizes) {
  for (const char* text : {"", "G", "-1G", "0", "0.1B", "1e3", "1 G", "16g", "16Gb", "nan", "inf",
                           "1G1", "99999999TB", "0x10"}) {
    EXPECT_EQ(refusal([&] { parse_size(text, "--memory"); }), ErrorId::US001) << text;
  }
}

TEST(Units, NumberListsAreSortedAndDistinct) {
  EXPECT_EQ(parse_number_list("5-8,0,3,6", "--layers"), (std::vector<int>{0, 3, 5, 6, 7, 8}));
  EXPECT_EQ(parse_number_list("7", "--layers"), std::vector<int>{7});
}

TEST(Units, RefusesOtherNumberLists) {
  for (const char* text : {"", ",", "1,", "3-1", "-1", "1-", "a", "1.5", "1--2", "1-2-3", "+1",
                           " 1", "99999999999", "0-100001"}) {
    EXPECT_EQ(refusal([&] { parse_number_list(text, "--layers"); }), ErrorId::US001) << text;
  }
}

TEST(Units, RangesReadBack) {
  for (const std::vector<int>& numbers :
       {std::vector<int>{0}, {0, 1, 2}, {0, 2, 3, 9}, {4, 5, 7, 8}}) {
    EXPECT_EQ(parse_number_list(format_ranges(numbers), "--layers"), numbers);
  }
  EXPECT_EQ(format_ranges({0, 1, 2, 3, 5, 7, 8}), "0-3,5,7-8");
}

TEST(Table, AlignsByCharactersAndCutsTrailingSpaces) {
  Table table({Table::Align::left, Table::Align::right, Table::Align::left});
  table.row({"né", "1", "x"});
  table.row({"name", "100", ""});
  EXPECT_EQ(table.text(2), "  né      1  x\n  name  100\n");
}

}  // namespace
}  // namespace rg::app
