// Row R8 for texts: what the way from a corpus to its windows holds in memory, and that nothing
// else depends on it.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <random>

#include "base/random.h"
#include "text/spill_buffer.h"
#include "text/support.h"
#include "text/window_cutter.h"
#include "text/windows.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTextBytes = kMeasuresMemory ? size_t{64} << 20 : size_t{4} << 20;
constexpr uint64_t kMiB = uint64_t{1} << 20;

// Letters with marks that NFC composes, at every line's start.
std::string line_of(size_t number) {
  return "e\u0301tude " + std::to_string(number * 7919 % 100'003) + " of how much memory it takes";
}

Tokenizer byte_tokenizer_with_nfc() {
  return Tokenizer::parse(
      replaced(byte_tokenizer_json(), R"("normalizer":null)", R"("normalizer":{"type":"NFC"})"),
      "tokenizer.json", UnknownPatterns::refuse);
}

WindowSettings settings() {
  WindowSettings s;
  s.seq_len = 256;
  s.windows = 50;
  return s;
}

// The drawn windows of one document whose tokens are its bytes.
std::vector<int32_t> drawn_bytes(std::string_view text, const WindowSettings& s) {
  std::vector<uint32_t> drawn = draw_subset(static_cast<uint32_t>(text.size() / s.seq_len),
                                            *s.windows, s.seed, Purpose::window_choice, 0, 0);
  std::sort(drawn.begin(), drawn.end());
  std::vector<int32_t> ids;
  for (const uint32_t window : drawn) {
    for (const char c : text.substr(size_t{window} * s.seq_len, s.seq_len))
      ids.push_back(static_cast<uint8_t>(c));
  }
  return ids;
}

TEST(Memory, OfOneLongDocumentIsItsTextTwice) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "long.txt";
  std::string composed;
  std::ofstream file(path);
  for (size_t i = 0; composed.size() < kTextBytes; ++i) {
    const std::string line = line_of(i) + "\n";
    file << line;
    composed += replaced(line, "e\u0301", "é");
  }
  file.close();
  const Tokenizer tokenizer = byte_tokenizer_with_nfc();
  const uint64_t growth = memory_growth_bytes([&] {
    const WindowSet set = make_windows({"d", path}, 0, tokenizer, settings());
    return set.ids == drawn_bytes(composed, settings());
  });
  if (kMeasuresMemory) {
    EXPECT_LT(growth, 2 * fs::file_size(path) + 100 * kMiB);
  }
}

TEST(Memory, OfManyRecordsDoesNotGrowWithThem) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "records.jsonl";
  std::ofstream file(path);
  for (size_t bytes = 0, i = 0; bytes < kTextBytes;) {
    std::string text;
    while (text.size() < 1000) text += line_of(i++) + " ";
    file << R"({"text":")" << text << "\"}\n";
    bytes += text.size();
  }
  file.close();
  const Tokenizer tokenizer = byte_tokenizer();
  const uint64_t growth = memory_growth_bytes([&] {
    return make_windows({"d", path}, 0, tokenizer, settings()).windows() == 50;
  });
  if (kMeasuresMemory) {
    EXPECT_LT(growth, 140 * kMiB);
  }
}

TEST(Memory, ADocumentBeyondTheBudgetIsRefused) {
  const ScratchFolder folder;
  const std::string text(100'000, 'x');
  WindowSettings s = settings();
  for (const auto& [name, content] : {std::pair("t.txt", text), {"t.txt.gz", gzip(text)}}) {
    const fs::path path = folder.write(name, content);
    s.memory_bytes = 200'000;
    EXPECT_EQ(make_windows({"d", path}, 0, byte_tokenizer(), s).windows(), 50u);
    s.memory_bytes = 199'999;
    const Error error = error_of([&] { make_windows({"d", path}, 0, byte_tokenizer(), s); });
    EXPECT_EQ(error.id(), ErrorId::RT004);
    EXPECT_EQ(error.exit_code(), ExitCode::budget);
    EXPECT_EQ(error.parts().file, path.string());
    EXPECT_NE(error.parts().found.find("a document of 100000 bytes"), std::string::npos);
  }
}

TEST(Memory, AFileTooLongForADocumentIsRefusedUnread) {
  const ScratchFolder folder;
  const fs::path path = folder.write("t.txt", "");
  fs::resize_file(path, uint64_t{5} << 30);  // a hole
  EXPECT_EQ(error_of([&] {
              make_windows({"d", path}, 0, byte_tokenizer(), settings());
            }).id(),
            ErrorId::CO002);
}

TEST(Memory, AWordBeyondTheLimitIsRefused) {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "blob.txt";
  std::ofstream(path) << std::string((size_t{128} << 20) + 1, 'a');
  const Error error = error_of([&] { make_windows({"d", path}, 0, byte_tokenizer(), settings()); });
  EXPECT_EQ(error.id(), ErrorId::CO002);
  EXPECT_EQ(error.parts().file, path.string());
  EXPECT_NE(error.parts().found.find("134217729 bytes without a place to split"), std::string::npos)
      << error.what();
}

TEST(SpillBuffer, GivesBackWhatItWasGiven) {
  std::mt19937 random(31);
  for (const size_t limit : {size_t{0}, size_t{1}, size_t{100}, size_t{1} << 20}) {
    SpillBuffer buffer(limit, {});
    std::string all;
    for (int i = 0; i < 300; ++i) {
      const std::string part(random() % 150, static_cast<char>('a' + i % 26));
      buffer.append(std::as_bytes(std::span(part)));
      all += part;
    }
    ASSERT_EQ(buffer.bytes(), all.size());
    EXPECT_EQ(buffer.spilled(), limit < all.size());
    for (int i = 0; i < 300; ++i) {
      const size_t offset = random() % all.size(), bytes = random() % (all.size() - offset + 1);
      std::string read(bytes, '\0');
      buffer.read(offset, std::as_writable_bytes(std::span(read)));
      ASSERT_EQ(read, all.substr(offset, bytes));
    }
  }
}

TEST(SpillBuffer, LeavesNoNameBehindAndReportsAFolderThatCannotHoldIt) {
  const ScratchFolder folder;
  SpillBuffer buffer(1, folder.path());
  buffer.append(std::as_bytes(std::span("text")));
  EXPECT_TRUE(buffer.spilled());
  EXPECT_TRUE(fs::is_empty(folder.path()));
  SpillBuffer nowhere(1, folder.path() / "missing");
  const Error error = error_of([&] { nowhere.append(std::as_bytes(std::span("text"))); });
  EXPECT_EQ(error.id(), ErrorId::IO004);
  EXPECT_EQ(error.exit_code(), ExitCode::environment);
  EXPECT_NE(error.parts().hint.find("Token ids"), std::string::npos);
}

TEST(SpillBuffer, ReportsADiskWithoutRoom) {
  memory_growth_bytes([&] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    SpillBuffer buffer(1, {});
    const std::string text(5000, 'x');
    const Error error = error_of([&] { buffer.append(std::as_bytes(std::span(text))); });
    return error.id() == ErrorId::IO010 && error.exit_code() == ExitCode::environment;
  });
}

// However the tokens of a document come, and whether or not they are spilled.
TEST(WindowCutter, CutsAlikeInAnyPieces) {
  std::mt19937 random(32);
  std::vector<std::vector<int32_t>> documents(40);
  int32_t next = 0;
  for (auto& tokens : documents) {
    tokens.resize(random() % 60);
    for (int32_t& token : tokens) token = next++;
  }
  for (const Packing packing : {Packing::by_document, Packing::packed}) {
    WindowCutter whole(16, packing, {}), pieces(16, packing, {});
    for (size_t d = 0; d < documents.size(); ++d) {
      for (WindowCutter* cutter : {&whole, &pieces})
        cutter->begin_document("document " + std::to_string(d));
      whole.add(documents[d]);
      for (std::span<const int32_t> left = documents[d]; !left.empty();) {
        const size_t taken = std::min<size_t>(left.size(), 1 + random() % 20);
        pieces.add(left.first(taken));
        left = left.subspan(taken);
      }
      for (WindowCutter* cutter : {&whole, &pieces}) cutter->end_document();
    }
    ASSERT_GT(whole.windows(), 40u);
    ASSERT_EQ(pieces.windows(), whole.windows());
    EXPECT_EQ(pieces.tokens(), whole.tokens());
    EXPECT_EQ(pieces.documents_without_window(), whole.documents_without_window());
    const std::vector<uint32_t> drawn{0, 3, 4, 5, 17, 30, 39};
    WindowSet a, b;
    whole.take(drawn, a);
    pieces.take(drawn, b);
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.document, b.document);
    EXPECT_EQ(a.document_ids, b.document_ids);
    for (size_t i = 0; i < drawn.size(); ++i) {
      const int32_t first = a.ids[i * 16];
      size_t owner = 0;
      while (documents[owner].empty() || documents[owner].back() < first) ++owner;
      EXPECT_EQ(a.document_ids[a.document[i]], "document " + std::to_string(owner));
    }
  }
}

}  // namespace
}  // namespace rg::text
