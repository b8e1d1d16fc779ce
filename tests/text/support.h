// A folder of its own for a test, and small tokenizers.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/corpus.h"
#include "text/tokenizer.h"

namespace rg::text {

class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Writes a file, with the folders on its way; its path.
  std::filesystem::path write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

std::string gzip(std::string_view text);
std::string zstd(std::string_view text, bool checksum);

// tokenizer.json with the 256 bytes (id = byte) and nothing else: each byte of a text is a token.
std::string byte_tokenizer_json();
Tokenizer byte_tokenizer();

// The tokenizer of tests/data/text/NAME.json.
Tokenizer golden_tokenizer(const std::string& name);

struct CorpusContent {
  std::vector<Document> documents;
  CorpusRecord record;
};
// All documents of a file or folder.
CorpusContent read_all(const std::filesystem::path& path, const WindowSettings& settings = {});

// By how much `work` raises the peak of memory, in a process of its own; false from it is a test
// failure. AddressSanitizer's books would count too: bounds hold where kMeasuresMemory.
uint64_t memory_growth_bytes(const std::function<bool()>& work);
#if defined(RG_SANITIZED)
constexpr bool kMeasuresMemory = false;
#else
constexpr bool kMeasuresMemory = true;
#endif

// `text` with the first `from` replaced by `to`; the test fails if there is none.
std::string replaced(std::string text, std::string_view from, std::string_view to);

// The error that `work` throws; a test failure and a dummy if none.
template <class Work>
Error error_of(const Work& work);
Error no_error_thrown();

template <class Work>
Error error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return no_error_thrown();
}

}  // namespace rg::text
