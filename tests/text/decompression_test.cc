// Reliability row D5: damaged and hostile compression.
#include <gtest/gtest.h>

#include <fstream>

#include "text/decoded_file.h"
#include "text/support.h"
#include "text/windows.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

// --- D5

std::string long_text() {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += "line " + std::to_string(i * 7919 % 10'007) + "\n";
  return text;
}

// A frame of this many bytes that decoders pass over.
std::string skippable_frame(size_t bytes) {
  const auto content = static_cast<uint32_t>(bytes - 8);
  std::string frame("\x50\x2a\x4d\x18");
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(content >> shift);
  return frame + std::string(content, 'p');
}

class Compressed : public testing::TestWithParam<const char*> {
 protected:
  std::string pack(std::string_view text) const {
    return suffix() == ".gz" ? gzip(text) : zstd(text, true);
  }
  static std::string suffix() { return GetParam(); }
};

TEST_P(Compressed, MembersFollowEachOther) {
  const ScratchFolder folder;
  const std::string text = long_text();
  const CorpusContent read =
      read_all(folder.write("t.txt" + suffix(), pack(text) + pack("") + pack("the end")));
  ASSERT_EQ(read.documents.size(), 1u);
  EXPECT_EQ(read.documents[0].text, text + "the end");
  EXPECT_EQ(read.documents[0].id, "t.txt");
}

TEST_P(Compressed, CutAnywhereIsDamage) {
  const ScratchFolder folder;
  const std::string packed = pack(long_text());
  for (size_t bytes = 0; bytes < packed.size(); bytes += 1 + packed.size() / 60) {
    EXPECT_EQ(
        error_of([&] { read_all(folder.write("t.txt" + suffix(), packed.substr(0, bytes))); }).id(),
        ErrorId::CO005)
        << bytes;
  }
  EXPECT_EQ(error_of([&] {
              read_all(folder.write("t.txt" + suffix(), packed.substr(0, packed.size() - 1)));
            }).id(),
            ErrorId::CO005);
}

TEST_P(Compressed, AWrongChecksumOrTrailingGarbageIsDamage) {
  const ScratchFolder folder;
  const std::string packed = pack(long_text());
  std::string wrong = packed;
  wrong[wrong.size() - (suffix() == ".gz" ? 6 : 2)] ^= 1;  // inside the checksum
  EXPECT_EQ(error_of([&] { read_all(folder.write("t.txt" + suffix(), wrong)); }).id(),
            ErrorId::CO005);
  for (const std::string_view garbage :
       {std::string_view("garbage!"), std::string_view("\0\0\0\0\0\0\0\1", 8)}) {
    const Error error = error_of(
        [&] { read_all(folder.write("t.txt" + suffix(), packed + std::string(garbage))); });
    EXPECT_EQ(error.id(), ErrorId::CO005) << error.what();
  }
  EXPECT_EQ(error_of([&] {
              read_all(folder.write("t.txt" + suffix(), "no compressed data at all"));
            }).id(),
            ErrorId::CO005);
}

TEST_P(Compressed, DamageBehindTheNeededWindowsCounts) {
  const ScratchFolder folder;
  folder.write("a.txt", std::string(1000, 'x'));
  const std::string packed = pack(long_text());
  folder.write("z.txt" + suffix(), packed.substr(0, packed.size() / 2));
  WindowSettings settings;
  settings.seq_len = 4;
  settings.windows = 3;
  EXPECT_EQ(error_of([&] {
              make_windows({"d", folder.path()}, 0, byte_tokenizer(), settings);
            }).id(),
            ErrorId::CO005);
}

// 10 MB that would decompress to 10 GB are refused early, by their ratio, and in little memory.
TEST_P(Compressed, BombsAreStoppedByTheirRatio) {
  constexpr size_t kMemberBytes = size_t{32} << 20, kMembers = 320, kPackedBytes = 32'600;
  const ScratchFolder folder;
  const fs::path path = folder.path() / ("bomb.txt" + suffix());
  std::string member = pack(std::string(kMemberBytes, 'a'));
  if (suffix() == ".zst") member += skippable_frame(kPackedBytes - member.size());
  std::ofstream file(path, std::ios::binary);
  for (size_t i = 0; i < kMembers; ++i) file << member;
  file.close();
  EXPECT_NEAR(static_cast<double>(fs::file_size(path)), 10.4e6, 0.1e6);
  const uint64_t growth = memory_growth_bytes([&] {
    const Error error = error_of([&] { read_all(path); });
    return error.id() == ErrorId::CO006 && error.exit_code() == ExitCode::budget;
  });
  if (kMeasuresMemory) {
    EXPECT_LT(growth, uint64_t{256} << 20);
  }
}

TEST_P(Compressed, TheTotalOfADomainIsCapped) {
  const ScratchFolder folder;
  const std::string text = long_text();
  folder.write("a.txt" + suffix(), pack(text));
  folder.write("b.txt" + suffix(), pack(text));
  WindowSettings settings;
  settings.max_decompressed_bytes = 2 * text.size();
  EXPECT_EQ(read_all(folder.path(), settings).documents.size(), 2u);
  settings.max_decompressed_bytes -= 1;
  const Error error = error_of([&] { read_all(folder.path(), settings); });
  EXPECT_EQ(error.id(), ErrorId::CO006);
  EXPECT_NE(error.parts().hint.find("--max-decompressed"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Formats, Compressed, testing::Values(".gz", ".zst"),
                         [](const auto& format) { return std::string(format.param + 1); });

TEST(Zstd, FramesThatNeedAHugeWindowAreRefused) {
  // A frame header that asks for a window of 2 GiB.
  const ScratchFolder folder;
  const std::string_view frame("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  const Error error = error_of([&] { read_all(folder.write("t.txt.zst", frame)); });
  EXPECT_EQ(error.id(), ErrorId::CO008);
  EXPECT_EQ(error.exit_code(), ExitCode::budget);
  EXPECT_EQ(error.parts().found, "a window of 2147483648 bytes");
  EXPECT_NE(error.parts().hint.find("zstd -d --long=31"), std::string::npos);
}

// --- how the bytes arrive

// Hands out `first` bytes, then `step` at a time.
class PiecewiseSource final : public ByteSource {
 public:
  PiecewiseSource(std::string_view bytes, size_t first, size_t step)
      : bytes_(bytes), next_(first), step_(step) {}
  std::string_view next() override {
    const std::string_view part = bytes_.substr(0, next_);
    bytes_.remove_prefix(part.size());
    next_ = step_;
    return part;
  }

 private:
  std::string_view bytes_;
  size_t next_, step_;
};

// The text, or the number of the error.
std::string outcome(Compression compression, ByteSource& source) {
  DecompressionBudget budget{.total_bytes = size_t{1} << 20};
  try {
    DecodedStream stream(compression, source, "file", budget);
    std::string text;
    for (std::string_view part = stream.next(); !part.empty(); part = stream.next()) text += part;
    return text;
  } catch (const Error& error) {
    return std::string(error_name(error.id()));
  }
}

void expect_outcome(Compression compression, std::string_view bytes, const std::string& expected) {
  MemorySource whole(bytes);
  EXPECT_EQ(outcome(compression, whole), expected);
  for (size_t first = 1; first <= bytes.size(); ++first) {
    for (const size_t step : {first, bytes.size()}) {
      PiecewiseSource pieces(bytes, first, step);
      EXPECT_EQ(outcome(compression, pieces), expected) << first << ", then " << step;
    }
  }
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

struct Frame {
  const char* name;
  const char* hex;
  std::string text;  // or the error
};

class ZstdFrame : public testing::TestWithParam<Frame> {};

TEST_P(ZstdFrame, IsJudgedAlikeHoweverItArrives) {
  const std::string bytes = from_hex(GetParam().hex);
  expect_outcome(Compression::zstd, bytes, GetParam().text);
  // The same behind a whole frame, and behind one to be skipped.
  const bool refused = GetParam().text == "CO005";
  expect_outcome(Compression::zstd, zstd("abc", true) + bytes,
                 refused ? "CO005" : "abc" + GetParam().text);
  expect_outcome(Compression::zstd, from_hex("5f2a4d180100000000") + bytes, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Headers, ZstdFrame,
    testing::Values(
        Frame{"of_one_raw_block", "28b52ffd2003190000616263", "abc"},
        Frame{"to_be_skipped", "502a4d1803000000616263", ""},
        Frame{"to_be_skipped_and_empty", "5f2a4d1800000000", ""},
        Frame{"to_be_skipped_and_cut", "502a4d1803000000", "CO005"},
        Frame{"of_version_0_7", "27b52ffd402cffffff6000", "CO005"},
        Frame{"of_version_0_7_with_text", "27b52ffd0000400003616263c00000", "CO005"},
        Frame{"of_version_0_7_behind_its_first_byte", "2827b52ffd402cffffff6000", "CO005"},
        Frame{"whose_header_looks_like_version_0_5", "28b52ffd25b52ffd000000000000", "CO005"},
        Frame{"whose_header_looks_like_a_frame_to_be_skipped", "28b52ffd502a4d1800000000", "CO005"},
        Frame{"of_no_known_magic", "29b52ffd2003190000616263", "CO005"},
        Frame{"of_a_magic_cut_short", "28b52f", "CO005"},
        Frame{"of_a_skippable_magic_cut_short", "5f2a4d", "CO005"}),
    [](const auto& row) { return std::string(row.param.name); });

// gzip -t calls such a file whole, and reads over the zeros.
TEST(Gzip, ZerosMayPadTheEnd) {
  const std::string packed = gzip("some text");
  for (const size_t zeros : {size_t{1}, size_t{17}, size_t{512}}) {
    expect_outcome(Compression::gzip, packed + std::string(zeros, '\0'), "some text");
    expect_outcome(Compression::gzip, packed + packed + std::string(zeros, '\0'),
                   "some textsome text");
    expect_outcome(Compression::gzip, packed + std::string(zeros, '\0') + packed, "CO005");
    expect_outcome(Compression::gzip, packed + std::string(zeros, '\0') + "x", "CO005");
    expect_outcome(Compression::gzip, std::string(zeros, '\0'), "CO005");
    expect_outcome(Compression::zstd, zstd("some text", true) + std::string(zeros, '\0'), "CO005");
  }
  const ScratchFolder folder;  // more zeros than are read at once
  EXPECT_EQ(read_all(folder.write("t.txt.gz", packed + std::string(size_t{300} << 10, '\0')))
                .documents[0]
                .text,
            "some text");
}

TEST(Compression, HintsComeFromWhatHappened) {
  const ScratchFolder folder;
  const auto hint = [&](const char* name, const std::string& bytes) {
    const Error error = error_of([&] { read_all(folder.write(name, bytes)); });
    EXPECT_EQ(error.id(), ErrorId::CO005) << error.what();
    return error.parts().hint;
  };
  const auto has = [](const std::string& text, const char* words) {
    return text.find(words) != std::string::npos;
  };
  const std::string gz = gzip("some text"), zst = zstd("some text", true);
  EXPECT_TRUE(has(hint("a.gz", gz.substr(0, gz.size() - 3)), "was cut"));
  EXPECT_TRUE(has(hint("a.gz", "plain text"), "no gzip file"));
  EXPECT_TRUE(has(hint("a.gz", gz + "plain"), "gzip -dc"));
  EXPECT_TRUE(has(hint("a.gz", replaced(gz, gz.substr(gz.size() - 8, 4), "abcd")), "changed"));
  EXPECT_TRUE(has(hint("a.zst", zst.substr(0, zst.size() - 3)), "was cut"));
  EXPECT_TRUE(has(hint("a.zst", "plain text"), "no zstd file"));
  EXPECT_TRUE(has(hint("a.zst", zst + "plain"), "zstd -dc"));
  EXPECT_TRUE(has(hint("a.zst", zst.substr(0, zst.size() - 4) + "abcd"), "changed"));
}

TEST(Gzip, IsJudgedAlikeHoweverItArrives) {
  const std::string packed = gzip("some text of a member");
  expect_outcome(Compression::gzip, packed + packed, "some text of a membersome text of a member");
  expect_outcome(Compression::gzip, packed + packed.substr(0, 9), "CO005");
  expect_outcome(Compression::gzip, packed + "\x1f", "CO005");
  // With every optional field of the header: extra, name, comment, checksum (of the wrong value).
  expect_outcome(Compression::gzip,
                 from_hex("1f8b081f000000000003"
                          "0200aabb"
                          "6e00"
                          "6300"
                          "0000"
                          "0300"
                          "0000000000000000"),
                 "CO005");
}

}  // namespace
}  // namespace rg::text
