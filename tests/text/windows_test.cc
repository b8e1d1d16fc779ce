// Documents, windows and their hashes: reliability rows D1, D2, D7 and the rules of the draw.
#include "text/windows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "base/sha256.h"
#include "text/corpus.h"
#include "text/support.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

WindowSettings settings(uint32_t seq_len, std::optional<uint32_t> windows) {
  WindowSettings s;
  s.seq_len = seq_len;
  s.windows = windows;
  return s;
}

std::string text_of(const WindowSet& set, size_t window) {
  std::string text;
  for (size_t i = 0; i < set.seq_len; ++i)
    text += static_cast<char>(set.ids[window * set.seq_len + i]);
  return text;
}

std::vector<std::string> texts_of(const WindowSet& set) {
  std::vector<std::string> texts;
  for (size_t w = 0; w < set.windows(); ++w) texts.push_back(text_of(set, w));
  return texts;
}

TEST(Windows, AreCutFromTheStartOfEachDocumentInByteOrderOfPaths) {
  const ScratchFolder folder;
  folder.write("b.txt", "0123456789");
  folder.write("B.md", "ABCDEFGH");
  folder.write("a/z.py", "xyzw!");
  folder.write("a.c", "short12");
  folder.write("a/short.txt", "no");
  folder.write("a/picture.png", "PPPPPPPP");
  folder.write("README", "RRRRRRRR");
  const WindowSet set =
      make_windows({"d", folder.path()}, 0, byte_tokenizer(), settings(4, std::nullopt));
  EXPECT_EQ(texts_of(set),
            (std::vector<std::string>{"ABCD", "EFGH", "shor", "xyzw", "0123", "4567"}));
  EXPECT_EQ(set.document_ids, (std::vector<std::string>{"B.md", "a.c", "a/z.py", "b.txt"}));
  EXPECT_EQ(set.document, (std::vector<uint32_t>{0, 0, 1, 2, 3, 3}));
  EXPECT_EQ(set.corpus.documents, 5u);
  EXPECT_EQ(set.corpus.skipped_short, 1u);
  EXPECT_EQ(set.corpus.skipped_extension, 2u);
  EXPECT_EQ(set.corpus.bytes, 32u);
  EXPECT_EQ(set.corpus.tokens, 32u);
  EXPECT_EQ(set.corpus.windows_available, 6u);
  EXPECT_EQ(set.ids_sha256, sha256_hex(std::as_bytes(std::span(set.ids))));
}

TEST(Windows, AreDrawnByTheSeedWithoutReplacementAndKeepCorpusOrder) {
  const ScratchFolder folder;
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += static_cast<char>('A' + i % 50), text += static_cast<char>('0' + i / 50);
  const fs::path file = folder.write("t.txt", text);
  WindowSettings s = settings(2, 20);
  s.seed = 77;
  const WindowSet set = make_windows({"d", file}, 3, byte_tokenizer(), s);
  auto expected = draw_subset(200, 20, 77, Purpose::window_choice, 3, 0);
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(set.windows(), 20u);
  for (size_t w = 0; w < 20; ++w) EXPECT_EQ(text_of(set, w), text.substr(expected[w] * 2, 2));
  EXPECT_NE(make_windows({"d", file}, 2, byte_tokenizer(), s).ids, set.ids)
      << "domains draw separately";
  s.seed = 78;
  EXPECT_NE(make_windows({"d", file}, 3, byte_tokenizer(), s).ids, set.ids);
}

TEST(Windows, DocumentIdsAreThoseOfDrawnWindowsOnly) {
  const ScratchFolder folder;
  for (int i = 0; i < 40; ++i)
    folder.write("d" + std::to_string(100 + i) + ".txt", "w" + std::to_string(100 + i));
  const WindowSet set = make_windows({"d", folder.path()}, 0, byte_tokenizer(), settings(4, 7));
  ASSERT_EQ(set.document_ids.size(), 7u);
  for (size_t w = 0; w < 7; ++w) {
    EXPECT_EQ("d" + text_of(set, w).substr(1) + ".txt", set.document_ids[set.document[w]]);
  }
}

TEST(Windows, AreTheSameForAnyNumberOfThreads) {
  const ScratchFolder folder;
  for (int i = 0; i < 60; ++i)
    folder.write("f" + std::to_string(i) + ".txt",
                 std::string(static_cast<size_t>(i * 37), static_cast<char>('a' + i % 26)));
  WindowSettings s = settings(16, 50);
  const WindowSet one = make_windows({"d", folder.path()}, 0, byte_tokenizer(), s);
  for (const int threads : {2, 3, 8}) {
    s.threads = threads;
    const WindowSet many = make_windows({"d", folder.path()}, 0, byte_tokenizer(), s);
    EXPECT_EQ(many.ids, one.ids);
    EXPECT_EQ(many.document_ids, one.document_ids);
    EXPECT_EQ(many.corpus.corpus_sha256, one.corpus.corpus_sha256);
  }
}

TEST(Windows, DependNeitherOnPathNorTimeNorCompression) {
  const ScratchFolder plain, packed;
  const std::string records = "{\"text\":\"first record\"}\n{\"text\":\"second record\"}\n";
  plain.write("here/x/a.txt", "some text, more text");
  plain.write("here/x/b.jsonl", records);
  plain.write("here/z.md", "the last of them");
  packed.write("elsewhere/x/a.txt.gz", gzip("some text, more text"));
  packed.write("elsewhere/x/b.jsonl.zst", zstd(records, true));
  packed.write("elsewhere/z.md.zst", zstd("the last", false) + zstd(" of them", true));
  fs::last_write_time(packed.path() / "elsewhere/z.md.zst",
                      fs::file_time_type{} + std::chrono::hours(1));
  const WindowSet a =
      make_windows({"d", plain.path() / "here"}, 0, byte_tokenizer(), settings(6, 4));
  const WindowSet b =
      make_windows({"d", packed.path() / "elsewhere"}, 0, byte_tokenizer(), settings(6, 4));
  EXPECT_EQ(a.ids, b.ids);
  EXPECT_EQ(a.ids_sha256, b.ids_sha256);
  EXPECT_EQ(a.document_ids, b.document_ids);
  EXPECT_EQ(a.corpus.corpus_sha256, b.corpus.corpus_sha256);
  EXPECT_NE(a.corpus.file_sha256, b.corpus.file_sha256);
}

TEST(Windows, CorpusHashCoversLengthAndTextOfEachDocument) {
  const ScratchFolder folder;
  const fs::path file = folder.write("t.txt", "abcd");
  const WindowSet set = make_windows({"d", file}, 0, byte_tokenizer(), settings(2, std::nullopt));
  EXPECT_EQ(set.corpus.corpus_sha256, sha256_hex(std::string_view("\4\0\0\0\0\0\0\0abcd", 12)));
  EXPECT_EQ(set.corpus.file_sha256,
            (std::vector<std::pair<std::string, std::string>>{{"t.txt", sha256_hex("abcd")}}));
  folder.write("two/a.txt", "ab");
  folder.write("two/b.txt", "cd");
  const WindowSet two =
      make_windows({"d", folder.path() / "two"}, 0, byte_tokenizer(), settings(2, std::nullopt));
  EXPECT_EQ(two.ids, set.ids);
  EXPECT_NE(two.corpus.corpus_sha256, set.corpus.corpus_sha256) << "boundaries count";
}

TEST(Windows, PackedOnRequestAndSaysSo) {
  const ScratchFolder folder;
  folder.write("a.txt", "abc");
  folder.write("b.txt", "de");
  folder.write("c.txt", "");
  folder.write("d.txt", "fghij");
  WindowSettings s = settings(4, std::nullopt);
  s.packing = Packing::packed;
  const WindowSet set = make_windows({"d", folder.path()}, 0, byte_tokenizer(), s);
  EXPECT_EQ(texts_of(set), (std::vector<std::string>{"abcd", "efgh"}));
  EXPECT_EQ(set.document_ids, (std::vector<std::string>{"a.txt", "b.txt"}));
  EXPECT_EQ(set.corpus.skipped_short, 0u);
  ASSERT_EQ(set.notes.size(), 1u);
  EXPECT_NE(set.notes[0].find("packed"), std::string::npos);
}

TEST(Windows, TooFewAreAnErrorWithTheNumbers) {
  const ScratchFolder folder;
  const fs::path file = folder.write("t.txt", std::string(137 * 4 + 3, 'x'));
  const Error error = error_of([&] {
    make_windows({"prose", file}, 0, byte_tokenizer(), settings(4, 200));
  });
  EXPECT_EQ(error.id(), ErrorId::CO001);
  EXPECT_NE(error.parts().found.find("137 windows of 4 tokens"), std::string::npos) << error.what();
  EXPECT_NE(error.parts().expected.find("200, asked for by --windows"), std::string::npos);
  EXPECT_NE(error.parts().hint.find("lower --seq-len"), std::string::npos);
  for (const char* content : {"", "   \n\n ", "tiny"}) {
    const fs::path small = folder.write("small.txt", content);
    for (const auto windows : {std::optional<uint32_t>(1), std::optional<uint32_t>()}) {
      EXPECT_EQ(error_of([&] {
                  make_windows({"d", small}, 0, byte_tokenizer(), settings(64, windows));
                }).id(),
                ErrorId::CO001);
    }
  }
}

TEST(Windows, AnEmptyFolderAndOneWithoutTextAreTooSmall) {
  const ScratchFolder folder;
  const auto run = [&] {
    make_windows({"d", folder.path()}, 0, byte_tokenizer(), settings(1, std::nullopt));
  };
  EXPECT_EQ(error_of(run).id(), ErrorId::CO001);
  folder.write("data.bin", "text enough");
  const Error error = error_of(run);
  EXPECT_EQ(error.id(), ErrorId::CO001);
  EXPECT_NE(error.parts().found.find("left out 1 file: 1 .bin"), std::string::npos) << error.what();
}

}  // namespace
}  // namespace rg::text
