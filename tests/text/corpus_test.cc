// Reliability rows D3 and D4, folders and paths: what is no text, bad records, what is read.
#include "text/corpus.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/sha256.h"
#include "text/support.h"
#include "text/utf8_policy.h"
#include "text/windows.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

WindowSettings replacing() {
  WindowSettings settings;
  settings.utf8 = Utf8Policy::replace;
  return settings;
}

// --- D3

TEST(Utf8, InvalidBytesInANamedFileAreRefusedWithOffsetAndLine) {
  const ScratchFolder folder;
  const Error error = error_of([&] { read_all(folder.write("t.txt", "one\ntwo\nth\xffree")); });
  EXPECT_EQ(error.id(), ErrorId::CO003);
  EXPECT_EQ(error.parts().object, "byte 10 (line 3)");
  EXPECT_EQ(error.parts().found, "byte 0xff");
}

TEST(Utf8, Utf16AndNulAreNoTextUnderAnyPolicy) {
  const ScratchFolder folder;
  for (const std::string_view content :
       {std::string_view("\xff\xfeh\0i\0", 6), std::string_view("\xfe\xff\0h\0i", 6),
        std::string_view("ab\0cd", 5)}) {
    const fs::path file = folder.write("t.txt", content);
    EXPECT_EQ(error_of([&] { read_all(file); }).id(), ErrorId::CO003);
    EXPECT_EQ(error_of([&] { read_all(file, replacing()); }).id(), ErrorId::CO003);
  }
}

TEST(Utf8, CompressedFilesUnderAnotherNameAreExplained) {
  const ScratchFolder folder;
  for (const auto& [content, suffix] :
       {std::pair(gzip("some text"), ".gz"), {zstd("some text", true), ".zst"}}) {
    const Error error = error_of([&, &bytes = content] { read_all(folder.write("t.txt", bytes)); });
    EXPECT_EQ(error.id(), ErrorId::CO003);
    EXPECT_NE(error.parts().hint.find(suffix), std::string::npos) << error.what();
  }
}

TEST(Utf8, FolderFilesThatAreNoTextAreSkippedAndCounted) {
  const ScratchFolder folder;
  folder.write("a.txt", "fine");
  folder.write("b.txt", "not \xff fine");
  folder.write("c.md", std::string_view("\xff\xfeh\0", 4));
  folder.write("d.py", std::string_view("a\0b", 3));
  folder.write("e.jsonl", "{\"text\":\"first\"}\n{\"text\":\"sec\xffond\"}\n");
  folder.write("f.jsonl", "{\"text\":\"kept\"}\n");
  const CorpusContent read = read_all(folder.path());
  ASSERT_EQ(read.documents.size(), 2u);
  EXPECT_EQ(read.documents[0].text, "fine");
  EXPECT_EQ(read.documents[1].id, "f.jsonl:1");
  EXPECT_EQ(read.record.skipped_not_utf8, 4u);
  EXPECT_EQ(read.record.documents, 2u);
}

TEST(Utf8, ReplacementIsCountedNotedAndChangesTheHash) {
  const ScratchFolder folder;
  folder.write("a.txt", "fine, really");
  folder.write("b.txt", "x\xff\xfey\xe2\x82z");
  const CorpusContent refused = read_all(folder.path()),
                      replaced = read_all(folder.path(), replacing());
  ASSERT_EQ(replaced.documents.size(), 2u);
  EXPECT_EQ(replaced.documents[1].text, "x\xef\xbf\xbd\xef\xbf\xbdy\xef\xbf\xbdz");
  EXPECT_EQ(replaced.record.replaced_utf8, 3u);
  EXPECT_EQ(replaced.record.skipped_not_utf8, 0u);
  EXPECT_NE(replaced.record.corpus_sha256, refused.record.corpus_sha256);
  WindowSettings settings = replacing();
  settings.seq_len = 4;
  settings.windows = 2;
  const WindowSet set = make_windows({"prose", folder.path()}, 0, byte_tokenizer(), settings);
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_NE(set.notes[0].find("3 invalid sequences"), std::string::npos);
}

TEST(Utf8, ReplacesMaximalSubpartsAsPythonDoes) {
  const auto replace = [](std::string_view bytes) {
    uint64_t count = 0;
    std::string text = replace_invalid_utf8(bytes, count);
    return std::pair(text, count);
  };
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(replace("\xf0\x9f\x92"), std::pair(r, uint64_t{1}));
  EXPECT_EQ(replace("\xf0\x9f\x92x"), std::pair(r + "x", uint64_t{1}));
  EXPECT_EQ(replace("\xe0\x80\x80"), std::pair(r + r + r, uint64_t{3}));
  EXPECT_EQ(replace("\xed\xa0\x80"), std::pair(r + r + r, uint64_t{3}));
  EXPECT_EQ(replace("\xf5\xc0\x80"), std::pair(r + r + r, uint64_t{3}));
  EXPECT_EQ(replace("a\xe2\x82\xe2\x82\xac"), std::pair("a" + r + "\xe2\x82\xac", uint64_t{1}));
}

TEST(Utf8, ScannerAgreesHoweverTheTextIsCut) {
  const std::vector<std::string> texts = {"",
                                          "plain",
                                          "é日👍",
                                          "\xf0\x9f",
                                          "a\xff",
                                          "\xe0\x80\x80",
                                          "\xed\xa0\x80",
                                          "ok\xc2",
                                          "\xf4\x8f\xbf\xbfz",
                                          "\xf4\x90\x80\x80",
                                          "\x80"};
  for (const std::string& text : texts) {
    uint64_t bad = 0;
    replace_invalid_utf8(text, bad);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      for (size_t cut2 = cut; cut2 <= text.size(); ++cut2) {
        Utf8Scanner scanner;
        scanner.feed(std::string_view(text).substr(0, cut));
        scanner.feed(std::string_view(text).substr(cut, cut2 - cut));
        scanner.feed(std::string_view(text).substr(cut2));
        EXPECT_EQ(scanner.finish(), bad == 0)
            << testing::PrintToString(text) << " cut at " << cut << ", " << cut2;
      }
    }
  }
}

// --- D4

TEST(Records, AreReadWithTheirLineNumbers) {
  const ScratchFolder folder;
  WindowSettings settings;
  settings.text_field = "body";
  const CorpusContent read = read_all(
      folder.write("t.jsonl",
                   "{\"body\":\"a\"}\r\n\n  \n{\"id\":7,\"body\":\"\\u00e9\\ud83d\\ude00\"}"),
      settings);
  ASSERT_EQ(read.documents.size(), 2u);
  EXPECT_EQ(read.documents[0].id, "t.jsonl:1");
  EXPECT_EQ(read.documents[1].id, "t.jsonl:4");
  EXPECT_EQ(read.documents[1].text, "é😀");
}

struct BadRecord {
  const char* name;
  const char* content;
  ErrorId id;
  const char* words;
};

const BadRecord kBadRecords[] = {
    {"FieldMissing", "{\"text\":\"a\"}\n{\"other\":1}\n", ErrorId::CO004, "line 2"},
    {"FieldNoText", "{\"text\":7}\n", ErrorId::CO004, "number"},
    {"NoObject", "[1]\n", ErrorId::CO004, "array"},
    {"LastLineCut", "{\"text\":\"a\"}\n{\"text\":\"b", ErrorId::CO004, "line 2"},
    {"TwoOnALine", "{\"text\":\"a\"}{\"text\":\"b\"}\n", ErrorId::CO004, "line 1"},
    {"DuplicateKey", "{\"text\":\"a\",\"text\":\"b\"}\n", ErrorId::CO004, "line 1"},
    {"InvalidUtf8", "{\"text\":\"a\"}\n{\"text\":\"\xff\"}\n", ErrorId::CO003, "line 2, byte 22"},
    {"LoneHighSurrogate", "{\"text\":\"\\ud83dx\"}\n", ErrorId::CO003, "\\ud83d"},
    {"LoneLowSurrogate", "{\"text\":\"\\\\\\udc00\"}\n", ErrorId::CO003, "\\udc00"},
    {"NulInText", "{\"text\":\"a\\u0000b\"}\n", ErrorId::CO003, "NUL"},
};

class BadRecords : public testing::TestWithParam<BadRecord> {};

TEST_P(BadRecords, AreRefusedWithTheirLine) {
  const ScratchFolder folder;
  const Error error = error_of([&] { read_all(folder.write("t.jsonl", GetParam().content)); });
  EXPECT_EQ(error_name(error.id()), error_name(GetParam().id)) << error.what();
  EXPECT_NE(std::string(error.what()).find(GetParam().words), std::string::npos) << error.what();
}

INSTANTIATE_TEST_SUITE_P(Lines, BadRecords, testing::ValuesIn(kBadRecords),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Records, ReplaceWhatIsNoUnicodeOnRequest) {
  const ScratchFolder folder;
  const CorpusContent read = read_all(
      folder.write("t.jsonl", "{\"text\":\"a\\ud83dx\\\\ud83d\\u0000\xff\"}\n"), replacing());
  ASSERT_EQ(read.documents.size(), 1u);
  EXPECT_EQ(read.documents[0].text, "a\ufffdx\\ud83d\ufffd\ufffd");
  EXPECT_EQ(read.record.replaced_utf8, 3u);
}

// Only the text counts: Python's NaN, a key twice, a byte order mark leave it as it is.
TEST(Records, WhatElseALineHoldsChangesNoText) {
  const ScratchFolder folder;
  const CorpusContent read = read_all(folder.write(
      "t.jsonl",
      "\xef\xbb\xbf{\"text\":\"a\"}\n"
      "{\"score\":NaN,\"low\":-Infinity,\"high\":[Infinity],\"s\":\"NaN \\\" NaN\",\"text\":\"b "
      "NaN\"}\n"
      "{\"meta\":{\"a\":1,\"a\":2,\"text\":\"no\"},\"x\":1,\"x\":2,\"text\":\"c\"}\n"));
  ASSERT_EQ(read.documents.size(), 3u);
  EXPECT_EQ(read.documents[0].text, "a");
  EXPECT_EQ(read.documents[1].text, "b NaN");
  EXPECT_EQ(read.documents[2].text, "c");
  EXPECT_EQ(read.record.non_finite_records, 1u);
  EXPECT_EQ(read.record.byte_order_marks, 1u);
}

TEST(Records, HintsComeFromWhatHappened) {
  const ScratchFolder folder;
  const auto message = [&](const std::string& line) {
    return std::string(error_of([&] { read_all(folder.write("t.jsonl", line + "\n")); }).what());
  };
  const std::pair<const char*, const char*> rows[] = {
      {"{'text': 'a'}", "double quotes"},
      {"{\"text\":\"a\",}", "comma"},
      {"{\"text\":\"a\", \"x\": True}", "true, false and null"},
      {"{\"text\":\"a\"", "jq -c ."},
      {"{", "jq -c ."},
      {"{\"text\":\"a\"} {\"text\":\"b\"}", "a line of its own"},
      {"{\"text\":\"a\tb\"}", "control character"},
      {"{\"text\":\"a\",\"n\":1e999}", "Write it smaller"},
      {"{\"text\":NaN}", "a null in field 'text'"},
      {"{\"text\":\"a\",\"text\":\"b\"}", "field 'text' twice, at bytes 1 and 12 of the line"},
  };
  for (const auto& [line, words] : rows) {
    const std::string what = message(line);
    EXPECT_NE(what.find(words), std::string::npos) << line << ": " << what;
    EXPECT_NE(what.find("error[CO004]"), std::string::npos) << what;
    EXPECT_EQ(what.find("damaged"), std::string::npos) << what;
  }
}

// --- .json: the content decides

TEST(Json, LinesOfRecordsAreRecords) {
  const ScratchFolder folder;
  const std::string lines = "{\"text\":\"a\"}\n{\"text\":\"b\"}\n";
  for (const auto& [name, bytes] : {std::pair<std::string, std::string>{"t.json", lines},
                                    {"t.JSON", "\n \n" + lines},
                                    {"t.json.gz", gzip(lines)},
                                    {"t.json.zst", zstd(lines, true)}}) {
    const CorpusContent read = read_all(folder.write(name, bytes));
    ASSERT_EQ(read.documents.size(), 2u) << name;
    EXPECT_EQ(read.documents[1].text, "b");
    EXPECT_EQ(read.record.records_by_content, 1u);
  }
}

TEST(Json, OtherJsonIsRefusedByNameWithTheRemedy) {
  const ScratchFolder folder;
  const auto refusal = [&](const char* content) {
    return error_of([&] { read_all(folder.write("t.json", content)); });
  };
  for (const char* content : {"[{\"text\":\"a\"}]", " [\n {\"text\":\"a\"}]"}) {
    const Error error = refusal(content);
    EXPECT_EQ(error.id(), ErrorId::CO004);
    EXPECT_NE(error.parts().hint.find("jq -c '.[]'"), std::string::npos);
    EXPECT_NE(error.parts().hint.find(".txt"), std::string::npos);
  }
  EXPECT_NE(refusal("{\n  \"text\": \"a\"\n}\n").parts().hint.find("jq -c ."), std::string::npos);
  EXPECT_NE(refusal("{\"other\": \"a\"}\n").parts().hint.find("--text-field"), std::string::npos);
  const CorpusContent read = read_all(folder.write("t.json", "Dear all,\nno JSON here."));
  EXPECT_EQ(read.documents.at(0).text, "Dear all,\nno JSON here.");
}

TEST(Json, InAFolderOnlyRecordsCount) {
  const ScratchFolder folder;
  folder.write("a.txt", "plain");
  folder.write("b.json.gz", gzip("{\"text\":\"b\"}\n"));
  folder.write("package.json", "{\n \"name\": \"x\"\n}\n");
  folder.write("one.json", "{\"name\": \"x\"}\n");
  folder.write("list.json", "[1]");
  folder.write("c.pdf", "%PDF");
  folder.write("d.tar.GZ", "x");
  folder.write("LICENSE", "x");
  const CorpusContent read = read_all(folder.path());
  ASSERT_EQ(read.documents.size(), 2u);
  EXPECT_EQ(read.documents[1].id, "b.json:1");
  EXPECT_EQ(read.record.skipped_extension, 6u);
  EXPECT_EQ(describe_left_out(read.record.left_out),
            "6 files: 3 .json, 1 without one, 1 .gz, 1 .pdf");
}

TEST(Folder, WhatIsLeftOutIsNotedInOneLine) {
  const ScratchFolder folder;
  folder.write("a.txt", "plain text");
  folder.write("b.txt", "\xff");
  folder.write("c.pdf", "x");
  fs::create_symlink("a.txt", folder.path() / "l.txt");
  WindowSettings settings;
  settings.seq_len = 4;
  settings.windows = 2;
  const auto notes = make_windows({"prose", folder.path()}, 0, byte_tokenizer(), settings).notes;
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0],
            "domain prose: left out 1 file: 1 .pdf (neither text nor records with the field of "
            "--text-field); left out 1 that is not UTF-8; 1 "
            "link, FIFO or device in the folder is not part of the text");
  settings.windows = 200;
  const Error error = error_of([&] {
    make_windows({"prose", folder.path()}, 0, byte_tokenizer(), settings);
  });
  EXPECT_NE(error.parts().found.find("1 .pdf"), std::string::npos);
}

TEST(Text, ThatLooksLikeJsonLinesIsNoted) {
  const ScratchFolder folder;
  WindowSettings settings;
  settings.seq_len = 4;
  settings.windows = 1;
  const fs::path file = folder.write("t.txt", "{\"text\":\"abcd\"}\n{\"text\":\"b\"}\n");
  const auto notes = make_windows({"d", file}, 0, byte_tokenizer(), settings).notes;
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("t.txt looks like JSON lines"), std::string::npos);
}

TEST(Records, LongerThanTheLimitAreRefused) {
  const ScratchFolder folder;
  const fs::path file = folder.write(
      "t.jsonl.gz", gzip("{\"text\":\"a\"}\n" + std::string((size_t{64} << 20) + 1, ' ')));
  const Error error = error_of([&] { read_all(file); });
  EXPECT_EQ(error.id(), ErrorId::CO004);
  EXPECT_NE(error.parts().object.find("line 2"), std::string::npos);
}

// --- folders and paths

TEST(Folder, LinksAndSpecialFilesAreNotFollowed) {
  const ScratchFolder folder;
  folder.write("in/a.txt", "inside");
  folder.write("out/secret.txt", "outside");
  fs::create_symlink("../out/secret.txt", folder.path() / "in/link.txt");
  fs::create_directory_symlink("../out", folder.path() / "in/links");
  fs::create_directory_symlink("..", folder.path() / "in/loop");
  fs::create_symlink("nowhere", folder.path() / "in/broken.txt");
  ASSERT_EQ(mkfifo((folder.path() / "in/pipe.txt").c_str(), 0600), 0);
  const CorpusContent read = read_all(folder.path() / "in");
  ASSERT_EQ(read.documents.size(), 1u);
  EXPECT_EQ(read.documents[0].text, "inside");
  EXPECT_EQ(read.record.skipped_links, 5u);
  fs::create_directory_symlink("in", folder.path() / "named");
  EXPECT_EQ(read_all(folder.path() / "named").documents.size(), 1u)
      << "the folder itself may be a link";
}

TEST(Folder, ADocumentPlainAndCompressedIsAmbiguous) {
  const ScratchFolder folder;
  folder.write("a.txt", "x");
  folder.write("a.txt.gz", gzip("x"));
  EXPECT_EQ(error_of([&] { read_all(folder.path()); }).id(), ErrorId::CO002);
}

TEST(Folder, NamesThatAreNoUtf8AreMadeReadable) {
  const ScratchFolder folder;
  folder.write("b\xff.txt", "x");
  const CorpusContent read = read_all(folder.path());
  ASSERT_EQ(read.documents.size(), 1u);
  EXPECT_EQ(read.documents[0].id, "b\ufffd.txt");
}

TEST(Path, MissingOrSpecialIsUnusable) {
  const ScratchFolder folder;
  EXPECT_EQ(error_of([&] { read_all(folder.path() / "nowhere"); }).id(), ErrorId::CO002);
  ASSERT_EQ(mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_all(folder.path() / "pipe"); }).id(), ErrorId::CO002);
}

TEST(Path, AFileNamedDirectlyNeedsNoKnownExtension) {
  const ScratchFolder folder;
  EXPECT_EQ(read_all(folder.write("NOTES", "some text")).documents.at(0).id, "NOTES");
}

TEST(Path, AFileThatChangesWhileBeingReadIsRefused) {
  const ScratchFolder folder;
  const fs::path file = folder.write("t.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
  CorpusRecord record;
  Corpus corpus({"d", file}, {}, record);
  Document document;
  ASSERT_TRUE(corpus.next(document));
  fs::last_write_time(file, fs::file_time_type{} + std::chrono::hours(1));
  EXPECT_EQ(error_of([&] {
              while (corpus.next(document)) {
              }
            }).id(),
            ErrorId::IO020);
}

TEST(Extensions, AreAscendingWithinTheirGroupsAndKnown) {
  EXPECT_TRUE(has_text_extension("a/b.TXT"));
  EXPECT_TRUE(has_text_extension("x.tar.py"));
  EXPECT_FALSE(has_text_extension(".txt"));
  EXPECT_FALSE(has_text_extension("dir.txt/file"));
  EXPECT_FALSE(has_text_extension("a.png"));
  EXPECT_FALSE(has_text_extension("Makefile"));
  EXPECT_TRUE(has_record_extension("x.jsonl"));
  EXPECT_FALSE(has_record_extension("x.json"));
}

// docs/corpora.md shows the very list.
TEST(Extensions, StandInTheDocuments) {
  std::ifstream file(std::string(RG_SOURCE_ROOT) + "/docs/corpora.md");
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_FALSE(page.empty());
  for (const std::string_view extension : text_extensions()) {
    EXPECT_NE(page.find("`" + std::string(extension) + "`"), std::string::npos) << extension;
  }
}

}  // namespace
}  // namespace rg::text
