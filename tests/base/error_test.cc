#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/json.h"
#include "base/utf8.h"
#include "support/caught.h"

namespace rg {
namespace {

constexpr ErrorId kAll[] = {
#define RG_ERROR_ID(id, exit_class, meaning) ErrorId::id,
#include "base/error_ids.inc"
#undef RG_ERROR_ID
};

TEST(Error, EveryIdHasANameAMeaningAndAnExitCode) {
  std::set<std::string_view> names;
  for (const ErrorId id : kAll) {
    EXPECT_EQ(error_name(id).size(), 5u) << error_name(id);
    EXPECT_TRUE(names.insert(error_name(id)).second) << error_name(id);
    EXPECT_FALSE(error_meaning(id).empty());
    EXPECT_NE(error_exit_code(id), ExitCode::done);
  }
  EXPECT_EQ(error_exit_code(ErrorId::ST001), ExitCode::input);
  EXPECT_EQ(error_exit_code(ErrorId::IO001), ExitCode::environment);
  EXPECT_EQ(error_exit_code(ErrorId::RT070), ExitCode::internal);
}

TEST(Error, MessageHasEveryPartInOrder) {
  const Error error(
      ErrorId::ST007,
      {.file = "f", .object = "o", .found = "1", .expected = "2", .hint = "Do this."});
  EXPECT_STREQ(error.what(), "error[ST007]: f: o: found 1, expected 2. Do this.");
  EXPECT_EQ(error.exit_code(), ExitCode::input);
}

TEST(Error, MessageLeavesEmptyPartsOut) {
  EXPECT_STREQ(Error(ErrorId::ST007, {}).what(),
               ("error[ST007]: " + std::string(error_meaning(ErrorId::ST007)) + '.').c_str());
  EXPECT_STREQ(Error(ErrorId::ST007, {.file = "f", .found = "1"}).what(),
               "error[ST007]: f: found 1.");
  EXPECT_STREQ(Error(ErrorId::ST007, {.object = "o", .expected = "2"}).what(),
               "error[ST007]: o: expected 2.");
}

TEST(Error, NoPartReachesTheTerminalUnescaped) {
  const std::string attack = "\x1b]0;title\x07\n\xe2\x80\xae\xff";
  const std::string line =
      Error(ErrorId::ST007,
            {.file = attack, .object = attack, .found = attack, .expected = attack, .hint = attack})
          .what();
  EXPECT_EQ(line.find_first_of("\x1b\x07\n"), std::string::npos);
  EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
  EXPECT_FALSE(find_invalid_utf8(line));
  size_t escaped = 0;
  for (size_t at = line.find("\\x1b]0;title\\x07\\x0a\\u202e\\xff"); at != line.npos;
       at = line.find("\\x1b]0", at + 1)) {
    ++escaped;
  }
  EXPECT_EQ(escaped, 5u);
}

TEST(Error, JsonHoldsThePartsAsTheyAre) {
  const Error error(ErrorId::CF002, {.file = "a\nb", .object = "\xff", .found = "f"});
  const Json json = parse_json(error.json(), {}, "");
  EXPECT_EQ(json.at("id"), "CF002");
  EXPECT_EQ(json.at("file"), "a\nb");
  EXPECT_EQ(json.at("object"), "\xef\xbf\xbd");
  EXPECT_EQ(json.size(), 6u);
}

TEST(Error, JsonMayBePrinted) {
  const std::string attack = "\x1b[2J\x7f\u009b\u202e";
  const std::string text = Error(ErrorId::CF002, {.object = attack, .hint = attack}).json();
  for (const char* hidden : {"\x1b", "\x7f", "\u009b", "\u202e"}) {
    EXPECT_EQ(text.find(hidden), text.npos) << text;
  }
  EXPECT_EQ(parse_json(text, {}, "").at("object"), attack);
}

TEST(Error, NoPartIsLongInJsonEither) {
  std::string name = "x";
  while (name.size() < 5000) name += "\u00e9";  // no cut falls on an even byte
  const Error error(ErrorId::CF002, {.file = name, .object = name, .found = name, .hint = name});
  const Json json = parse_json(error.json(), {}, "");
  const auto bytes = [&](const char* key) { return json.at(key).get<std::string>().size(); };
  EXPECT_EQ(json.at("object").get<std::string>(), name.substr(0, 199) + "…");
  EXPECT_LE(bytes("file"), 4096u + 3);
  EXPECT_LE(bytes("found"), 2000u + 3);
  EXPECT_LE(bytes("hint"), 2000u + 3);
}

TEST(Escape, HidesControlsAndDirections) {
  EXPECT_EQ(escape_for_terminal("plain é 漢 😀"), "plain é 漢 😀");
  EXPECT_EQ(escape_for_terminal(std::string_view("\0\t\n\x1b\x7f", 5)),
            "\\x00\\x09\\x0a\\x1b\\x7f");
  EXPECT_EQ(escape_for_terminal("\xc2\x80\xc2\x9b"), "\\x80\\x9b");  // C1, CSI among them
  for (const char* hidden : {"\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069",
                             "\u2028", "\u2029", "\ufeff"}) {
    EXPECT_EQ(escape_for_terminal(hidden).front(), '\\') << hidden;
  }
  EXPECT_EQ(escape_for_terminal("\xc3"), "\\xc3");
  EXPECT_EQ(escape_for_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");
}

TEST(Escape, CutsLongText) {
  const std::string cut = escape_for_terminal(std::string(1000, 'a'));
  EXPECT_EQ(cut, std::string(200, 'a') + "…");
  EXPECT_EQ(escape_for_terminal(std::string(200, 'a')), std::string(200, 'a'));
}

TEST(CheckInternal, IsARefusalOfItsOwn) {
  EXPECT_FALSE(test::caught([] { check_internal(true, "fine"); }).id);
  const auto caught = test::caught([] { check_internal(false, "rows add up"); });
  EXPECT_EQ(caught.id, ErrorId::RT070);
  EXPECT_TRUE(caught.says("rows add up"));
}

}  // namespace
}  // namespace rg
