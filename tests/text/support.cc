#include "text/support.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "base/file.h"
#include "base/json.h"
#include "text/byte_alphabet.h"

namespace rg::text {

namespace fs = std::filesystem;

ScratchFolder::ScratchFolder() {
  static std::atomic<int> next{0};
  path_ = fs::temp_directory_path() /
          ("rg_text_" + std::to_string(getpid()) + "_" + std::to_string(next++));
  fs::remove_all(path_);
  fs::create_directories(path_);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchFolder::write(const std::string& name, std::string_view content) const {
  const fs::path path = path_ / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string gzip(std::string_view text) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string zstd(std::string_view text, bool checksum) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size()));
  ZSTD_freeCCtx(context);
  return out;
}

std::string byte_tokenizer_json() {
  Json vocabulary = Json::object();
  for (int byte = 0; byte < 256; ++byte)
    vocabulary[token_of_byte(static_cast<uint8_t>(byte))] = byte;
  const Json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "ByteLevel"},
        {"add_prefix_space", false},
        {"trim_offsets", true},
        {"use_regex", true}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}}},
      {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
  return json.dump();
}

Tokenizer byte_tokenizer() {
  return Tokenizer::parse(byte_tokenizer_json(), "tokenizer.json", UnknownPatterns::refuse);
}

Tokenizer golden_tokenizer(const std::string& name) {
  const std::string path = std::string(RG_TEST_DATA) + "/text/" + name + ".json";
  const Json golden = parse_json(read_whole_file(path, 1 << 24), JsonLimits{}, path);
  return Tokenizer::parse(golden["tokenizer"].dump(), path, UnknownPatterns::allow);
}

CorpusContent read_all(const fs::path& path, const WindowSettings& settings) {
  CorpusContent content;
  Corpus corpus({"d", path}, settings, content.record);
  Document document;
  while (corpus.next(document)) content.documents.push_back(document);
  return content;
}

uint64_t memory_growth_bytes(const std::function<bool()>& work) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto peak = [] {
      rusage usage{};
      getrusage(RUSAGE_SELF, &usage);
      return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
    };
    const uint64_t before = peak();
    const bool good = work();
    const uint64_t growth = peak() - before;
    const bool told = write(ends[1], &growth, sizeof growth) == sizeof growth;
    std::_Exit(good && told ? 0 : 1);
  }
  close(ends[1]);
  uint64_t growth = 0;
  EXPECT_EQ(read(ends[0], &growth, sizeof growth), static_cast<ssize_t>(sizeof growth));
  close(ends[0]);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the work in the child failed";
  return growth;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "no " << from << " in the text";
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

Error no_error_thrown() {
  ADD_FAILURE() << "no error was thrown";
  return Error(ErrorId::RT070, {});
}

}  // namespace rg::text
