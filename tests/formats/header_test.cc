// Rows S1 to S6, S9 and S14 of the safetensors reader: a valid file with one thing changed.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "formats/safetensors.h"
#include "support/caught.h"
#include "support/json_texts.h"
#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::formats {
namespace {

using test::build_safetensors;
using test::caught;
using test::Caught;
using test::FileTensor;
using test::join_safetensors;
using test::put_file;
using test::TempFolder;

SafetensorsHeader read_bytes(const std::string& bytes) {
  const TempFolder folder;
  put_file(folder / "f.safetensors", bytes);
  return read_safetensors_header(InputFile(folder / "f.safetensors"));
}
Caught bytes_refusal(const std::string& bytes) {
  return caught([&] { read_bytes(bytes); });
}
Caught header_refusal(const std::string& json, const std::string& data = "") {
  return bytes_refusal(join_safetensors(json, data));
}
// One tensor "a" of 4 bytes, written by hand.
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"a\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}}";
}

std::vector<FileTensor> four_tensors() {
  return {{"a", "F32", {2, 3}, std::string(24, 'a')},
          {"b", "BF16", {5}, std::string(10, 'b')},
          {"c", "F16", {}, std::string(2, 'c')},
          {"d", "F32", {4, 1, 2}, std::string(32, 'd')}};
}

TEST(Header, ReadsAValidFile) {
  const SafetensorsHeader header = read_bytes(build_safetensors(four_tensors()));
  ASSERT_EQ(header.tensors.size(), 4u);
  EXPECT_EQ(header.data_bytes, 68u);
  EXPECT_TRUE(header.unsupported.empty());
  const uint64_t start = header.tensors[0].offset_bytes;
  EXPECT_EQ(start % 8, 0u);
  EXPECT_EQ(header.tensors[1].name, "b");
  EXPECT_EQ(header.tensors[1].dtype, DType::bf16);
  EXPECT_EQ(header.tensors[1].offset_bytes, start + 24);
  EXPECT_EQ(header.tensors[1].size_bytes, 10u);
  EXPECT_EQ(header.tensors[3].shape, (std::vector<uint64_t>{4, 1, 2}));
  EXPECT_EQ(header.tensors[3].elements(), 8u);
  EXPECT_TRUE(header.tensors[2].shape.empty());
  EXPECT_EQ(header.tensors[2].elements(), 1u);
}

TEST(Header, AcceptsWhatTheFormatAllows) {
  EXPECT_FALSE(header_refusal("{}").id);
  EXPECT_FALSE(header_refusal("{}      ").id);
  EXPECT_FALSE(header_refusal("{\"__metadata__\":{}}").id);
  EXPECT_FALSE(header_refusal("{\"__metadata__\":null}").id);  // none, as to the reference
  EXPECT_FALSE(header_refusal(entry("\"F32\"", "[0,7]", "[0,0]")).id);
  EXPECT_FALSE(header_refusal(entry("\"F32\"", "[]", "[0,4]"), "1234").id);
  EXPECT_FALSE(header_refusal(entry("\"F32\"", "[1,1,1,1,1,1,1,1]", "[0,4]"), "1234").id);
  EXPECT_FALSE(
      header_refusal("{\"a\":{\"data_offsets\":[0,4],\"dtype\":\"F32\",\"shape\":[1]}}", "1234")
          .id);
  // Unsupported here, but part of the format: known by name and size.
  const SafetensorsHeader mixed =
      read_bytes(build_safetensors({{"i", "I64", {1}, std::string(8, 'i')},
                                    {"w", "F32", {1}, std::string(4, 'w')},
                                    {"f", "F4", {6}, std::string(3, 'f')}}));
  ASSERT_EQ(mixed.unsupported.size(), 2u);
  EXPECT_EQ(mixed.unsupported[0].name, "f");
  EXPECT_EQ(mixed.unsupported[1].dtype, "I64");
  EXPECT_EQ(mixed.unsupported[1].shape, (std::vector<uint64_t>{1}));
  EXPECT_EQ(mixed.unsupported[1].size_bytes, 8u);
  EXPECT_EQ(mixed.unsupported[1].offset_bytes + 8, mixed.tensors[0].offset_bytes);
  EXPECT_EQ(mixed.tensors.size(), 1u);
}

// S1
TEST(Header, RefusesImpossibleLengths) {
  EXPECT_EQ(bytes_refusal("1234567").id, ErrorId::ST001);
  EXPECT_EQ(bytes_refusal("1").id, ErrorId::ST001);
  const std::string valid = build_safetensors(four_tensors());
  for (const uint64_t n :
       {uint64_t{1} << 63, ~uint64_t{0}, kMaxHeaderBytes + 1, ~uint64_t{0} - 7}) {
    std::string bytes = valid;
    std::memcpy(bytes.data(), &n, sizeof n);
    const Caught error = bytes_refusal(bytes);
    EXPECT_EQ(error.id, ErrorId::ST002);
    EXPECT_TRUE(error.says(std::to_string(n))) << error.line;
    EXPECT_TRUE(error.says(std::to_string(bytes.size()))) << error.line;
  }
  std::string bytes = valid;
  const uint64_t n = bytes.size() - 7;
  std::memcpy(bytes.data(), &n, sizeof n);
  EXPECT_EQ(bytes_refusal(bytes).id, ErrorId::ST001);
}

// Growth of this process's peak memory over `body`, in bytes, measured in a child.
uint64_t memory_growth(const std::function<bool()>& body) {
  int ends[2] = {};
  if (pipe(ends) != 0) return ~uint64_t{0};
  const pid_t child = fork();
  if (child == 0) {
    const auto peak = [] {
      rusage usage = {};
      getrusage(RUSAGE_SELF, &usage);
      return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
    };
    const uint64_t before = peak();
    const bool good = body();
    const uint64_t growth = good ? peak() - before : ~uint64_t{0};
    std::_Exit(write(ends[1], &growth, sizeof growth) == sizeof growth ? 0 : 1);
  }
  close(ends[1]);
  uint64_t growth = ~uint64_t{0};
  if (read(ends[0], &growth, sizeof growth) != sizeof growth) growth = ~uint64_t{0};
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return growth;
}

TEST(Header, ALengthIsNotBelievedBeforeItIsChecked) {
  const TempFolder folder;
  std::string bytes = build_safetensors(four_tensors());
  const uint64_t n = uint64_t{1} << 63;
  std::memcpy(bytes.data(), &n, sizeof n);
  put_file(folder / "f", bytes);
  const uint64_t growth = memory_growth([&] {
    return caught([&] { read_safetensors_header(InputFile(folder / "f")); }).id == ErrorId::ST002;
  });
#ifdef RG_SANITIZED
  constexpr uint64_t kLimit = 16u << 20;  // the sanitizer's own books included
#else
  constexpr uint64_t kLimit = 4u << 20;
#endif
  EXPECT_LT(growth, kLimit);
}

// S2
TEST(Header, RefusesEveryInvalidJson) {
  for (const std::string& text : test::invalid_json_texts()) {
    const Caught error = header_refusal(text);
    EXPECT_EQ(error.id, ErrorId::ST003) << escape_for_terminal(text) << ": " << error.line;
    // The same text as a value, so that the header begins as it should.
    const Caught inside = header_refusal("{\"a\":" + text + "}");
    EXPECT_TRUE(inside.id) << escape_for_terminal(text);
  }
}

TEST(Header, AcceptsEveryValidJsonInItsPlace) {
  size_t accepted = 0;
  for (const std::string& text : test::valid_json_texts()) {
    if (text[0] == '"') {  // any string may be a name, and a value of the metadata
      const std::string header = "{\"__metadata__\":{\"key\":" + text + "}," + text +
                                 ":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
      const Caught error = header_refusal(header, "1234");
      EXPECT_FALSE(error.id) << error.line;
      ++accepted;
    } else {  // any value in the wrong place is refused for what it is, not for its grammar
      EXPECT_TRUE(header_refusal("{\"a\":" + text + "}").id) << text;
    }
  }
  const std::vector<std::string> blanks = {"", " ", "\n", "\t", "\r", "  \n\t\r "};
  for (const std::string& b : blanks) {
    for (const std::string& c : blanks) {
      const std::string header = "{" + b + "\"a\"" + c + ":" + b + "{" + c + "\"dtype\"" + b + ":" +
                                 c + "\"F32\"" + b + ",\"shape\":" + c + "[" + b + "1" + c + "]" +
                                 b + ",\"data_offsets\":[" + c + "0" + b + "," + c + "4" + b + "]" +
                                 c + "}" + b + "}" + c;
      const Caught error = header_refusal(header, "1234");
      EXPECT_FALSE(error.id) << error.line;
      ++accepted;
    }
  }
  EXPECT_GE(accepted, 50u);
}

TEST(Header, SaysWhereTheJsonBreaks) {
  const Caught error = header_refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,x\x1b]");
  EXPECT_EQ(error.id, ErrorId::ST003);
  EXPECT_TRUE(error.says("byte 31")) << error.line;
  EXPECT_TRUE(error.says("x\\x1b]")) << error.line;
  EXPECT_EQ(header_refusal(" {}").id, ErrorId::ST003);
  EXPECT_EQ(header_refusal("").id, ErrorId::ST003);
  EXPECT_EQ(header_refusal("[]").id, ErrorId::ST003);
  EXPECT_EQ(header_refusal(std::string("{}\0\0", 4)).id, ErrorId::ST003);
  EXPECT_EQ(header_refusal("{\"a\":[[[[[[[[[[").id, ErrorId::ST003);
  EXPECT_EQ(
      header_refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e400],\"data_offsets\":[0,4]}}").id,
      ErrorId::ST003);
}

TEST(Header, RefusesAnotherStructure) {
  for (const std::string json :
       {"{\"a\":1}", "{\"a\":null}", "{\"a\":[]}", "{\"a\":\"F32\"}", "{\"a\":{}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
        "{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}}",
        "{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":null,\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":{},\"shape\":[],\"data_offsets\":[0,4]}}", "{\"__metadata__\":1}",
        "{\"__metadata__\":[]}", "{\"__metadata__\":{\"k\":1}}", "{\"__metadata__\":{\"k\":-1}}",
        "{\"__metadata__\":{\"k\":{}}}", "{\"__metadata__\":{\"k\":null}}"}) {
    EXPECT_EQ(header_refusal(json, "1234").id, ErrorId::ST003) << json;
  }
}

// S3
TEST(Header, RefusesDuplicatesNamingBothPlaces) {
  const std::string f32 = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":";
  const Caught error =
      header_refusal("{\"a\":" + f32 + "[0,4]},\"b\":" + f32 + "[4,8]},\"a\":" + f32 + "[8,12]}}",
                     std::string(12, '.'));
  EXPECT_EQ(error.id, ErrorId::ST004);
  EXPECT_TRUE(error.says("byte 1 and again at byte 107")) << error.line;
  EXPECT_EQ(error.parts.object, "a");
  // Between supported and unsupported, among unsupported, in other spelling, within an entry.
  const std::string i32 = "{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":";
  for (const std::string& json :
       {"{\"a\":" + f32 + "[0,4]},\"a\":" + i32 + "[4,8]}}",
        "{\"a\":" + i32 + "[0,4]},\"a\":" + i32 + "[4,8]}}",
        "{\"a\":" + f32 + "[0,4]},\"\\u0061\":" + f32 + "[4,8]}}",
        std::string("{\"__metadata__\":{},\"__metadata__\":{}}"),
        std::string("{\"__metadata__\":null,\"__metadata__\":{}}"),
        std::string("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"),
        std::string("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"),
        std::string("{\"a\":{\"shape\":[1],\"shape\":[1]}}"),
        std::string("{\"a\":{\"data_offsets\":[0,4],\"data_offsets\":[0,4]}}")}) {
    EXPECT_EQ(header_refusal(json, "12345678").id, ErrorId::ST004) << json;
  }
}

TEST(Header, LongNamesAreCutInMessages) {
  const std::string name(5000, 'n');
  const std::string entry = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
  for (const std::string& json :
       {"{\"__metadata__\":{\"" + name + "\":\"1\",\"" + name + "\":\"2\"}}",
        "{\"" + name + "\":" + entry + ",\"" + name + "\":" + entry + "}",
        "{\"a\":{\"" + name + "\":1}}", "{\"a\":{\"dtype\":\"" + name + "\"}}",
        "{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"}) {
    const Caught error = header_refusal(json, "12345678");
    EXPECT_TRUE(error.id);
    EXPECT_LE(error.parts.found.size(), 500u) << error.line;
    EXPECT_LE(error.line.size(), 1200u) << error.line;
  }
}

// S4: every order of four tensors on disk, and every way to break one pair of them.
TEST(Header, RangesMustTile) {
  struct Place {
    uint64_t begin, end;
  };
  const std::vector<FileTensor> tensors = four_tensors();
  const auto header = [&](const std::array<Place, 4>& places) {
    Json json = safetensors_header(tensors);
    for (size_t i = 0; i < 4; ++i) {
      json[tensors[i].name]["data_offsets"] = {places[i].begin, places[i].end};
    }
    return json.dump();
  };
  std::array<size_t, 4> order = {0, 1, 2, 3};
  do {
    std::array<Place, 4> places = {};
    uint64_t at = 0;
    for (const size_t i : order) {
      places[i] = {at, at + tensors[i].bytes.size()};
      at = places[i].end;
    }
    const std::string data(at, '.');
    EXPECT_FALSE(header_refusal(header(places), data).id);
    for (size_t second = 0; second < 4; ++second) {
      const std::string later = tensors[order[second]].name;
      for (const int shift : {-1, 1}) {  // overlap with the one before, hole behind it
        if (second == 0 && shift < 0) continue;
        std::array<Place, 4> moved = places;
        for (size_t i = second; i < 4; ++i) {
          moved[order[i]].begin += static_cast<uint64_t>(shift);
          moved[order[i]].end += static_cast<uint64_t>(shift);
        }
        const Caught error = header_refusal(header(moved), data + '.');
        EXPECT_EQ(error.id, ErrorId::ST005) << error.line;
        EXPECT_EQ(error.parts.object, later);
        EXPECT_TRUE(error.says(std::to_string(moved[order[second]].begin))) << error.line;
        if (second > 0) {
          EXPECT_TRUE(error.says("after " + tensors[order[second - 1]].name)) << error.line;
        }
      }
    }
    for (const size_t i : order) {
      std::array<Place, 4> backwards = places;
      std::swap(backwards[i].begin, backwards[i].end);
      EXPECT_EQ(header_refusal(header(backwards), data).id, ErrorId::ST005);
    }
    const Caught trailing = header_refusal(header(places), data + '.');
    EXPECT_EQ(trailing.id, ErrorId::ST005);
    EXPECT_TRUE(trailing.says("1 more byte after the last tensor")) << trailing.line;
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Header, OffsetsAreTwoIntegers) {
  for (const char* offsets :
       {"[]", "[0]", "[0,4,4]", "[0,-4]", "[0,4.0]", "[0,\"4\"]", "[0,4e0]", "0", "{}", "null",
        "[0,null]", "[[0,4]]", "[0,18446744073709551616]", "[4,0]", "\"0,4\"", "true"}) {
    const Caught error = header_refusal(entry("\"F32\"", "[1]", offsets), "1234");
    EXPECT_EQ(error.id, ErrorId::ST005) << offsets << ": " << error.line;
  }
}

// S5
TEST(Header, ShapesAreIntegersThatFit) {
  for (const char* shape : {"[-1]",
                            "[1.0]",
                            "[1e0]",
                            "[1e3]",
                            "[\"1\"]",
                            "[null]",
                            "[true]",
                            "[[1]]",
                            "[{}]",
                            "1",
                            "null",
                            "\"[1]\"",
                            "{}",
                            "[2]",
                            "[0]",
                            "[1,2]",
                            "[9223372036854775808]",
                            "[18446744073709551615]",
                            "[18446744073709551616]",
                            "[4294967296,4294967296]",
                            "[4294967296,4294967296,0]",
                            "[2305843009213693952,8]",
                            "[576460752303423488]",
                            "[1.5]",
                            "[-0.0]"}) {
    const Caught error = header_refusal(entry("\"F32\"", shape, "[0,4]"), "1234");
    EXPECT_EQ(error.id, ErrorId::ST006) << shape << ": " << error.line;
  }
  // Below a byte, sizes must be whole bytes.
  EXPECT_EQ(header_refusal(entry("\"F4\"", "[3]", "[0,2]"), "12").id, ErrorId::ST006);
  EXPECT_FALSE(header_refusal(entry("\"F4\"", "[4]", "[0,2]"), "12").id);
  EXPECT_FALSE(header_refusal(entry("\"F6_E2M3\"", "[4]", "[0,3]"), "123").id);
}

TEST(Header, LimitsRankAndMetadata) {
  EXPECT_EQ(header_refusal(entry("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "1234").id,
            ErrorId::ST008);
  std::string metadata = "{\"__metadata__\":{\"k0\":\"\"";
  for (int i = 1; i <= 100'000; ++i) metadata += ",\"k" + std::to_string(i) + "\":\"\"";
  EXPECT_EQ(header_refusal(metadata + "}}").id, ErrorId::ST008);
}

// S6
TEST(Header, RecognisesWhatIsNotTheFile) {
  const Caught empty = bytes_refusal("");
  EXPECT_EQ(empty.id, ErrorId::ST007);
  const Caught pointer =
      bytes_refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4983\n");
  EXPECT_EQ(pointer.id, ErrorId::ST007);
  EXPECT_TRUE(pointer.says("git lfs pull")) << pointer.line;
}

TEST(Header, TruncationSaysHowMuchIsMissing) {
  const std::string whole = build_safetensors(four_tensors());
  const Caught error = bytes_refusal(whole.substr(0, whole.size() - 5));
  EXPECT_EQ(error.id, ErrorId::ST007);
  EXPECT_TRUE(error.says("63 bytes of tensors, 5 missing, expected 68")) << error.line;
}

// S9
TEST(Header, RefusesUnknownDtypes) {
  for (const char* dtype : {"\"f32\"", "\"FLOAT\"", "\"\"", "\"F8\"", "\"I4\"", "\"F32 \"",
                            "\"bfloat16\"", "\"F\\u001b32\""}) {
    const Caught error = header_refusal(entry(dtype, "[1]", "[0,4]"), "1234");
    EXPECT_EQ(error.id, ErrorId::ST016) << dtype;
    EXPECT_TRUE(error.says("F32, F16 or BF16")) << error.line;
  }
}

// S14
TEST(Header, AMillionAndAHalfTensorsStayWithinFourTimesTheHeader) {
  const TempFolder folder;
  constexpr size_t kEntries = 1'500'000;
  std::string json = "{";
  for (size_t i = 0; i < kEntries; ++i) {
    json += (i == 0 ? "\"tensor" : ",\"tensor") + std::to_string(10'000'000 + i) +
            "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
  }
  json += '}';
  ASSERT_LT(json.size(), kMaxHeaderBytes);
  ASSERT_GT(json.size(), kMaxHeaderBytes * 9 / 10);
  put_file(folder / "f", join_safetensors(json, ""));
  [[maybe_unused]] const uint64_t header_bytes = json.size();
  json = {};
  const uint64_t growth = memory_growth(
      [&] { return read_safetensors_header(InputFile(folder / "f")).tensors.size() == kEntries; });
#ifdef RG_SANITIZED
  EXPECT_NE(growth, ~uint64_t{0});  // read whole; the sanitizer's own memory is not ours to bound
#else
  EXPECT_LT(growth, 4 * header_bytes);
#endif
}

TEST(Header, LongNamesStayWithinFourTimesTheHeader) {
  const TempFolder folder;
  std::string json = "{";
  for (int i = 0; i < 40; ++i) {
    json += (i == 0 ? "\"" : ",\"") + std::string(1'000'000, 'n') + std::to_string(i) +
            "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
  }
  put_file(folder / "f", join_safetensors(json + '}', ""));
  [[maybe_unused]] const uint64_t header_bytes = json.size();
  json = {};
  const uint64_t growth = memory_growth(
      [&] { return read_safetensors_header(InputFile(folder / "f")).tensors.size() == 40; });
#ifdef RG_SANITIZED
  EXPECT_NE(growth, ~uint64_t{0});
#else
  EXPECT_LT(growth, 4 * header_bytes);
#endif
}

}  // namespace
}  // namespace rg::formats
