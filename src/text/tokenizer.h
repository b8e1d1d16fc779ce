// tokenizer.json as Hugging Face `tokenizers` reads it: byte-level BPE with its normalizer,
// pre-tokenizer, added tokens and post-processor. Equal to the reference on golden texts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rg::text {

struct Encoding {
  std::vector<int32_t> ids;
  // Byte range [begin, end) in the *input* text that each id covers; special tokens added by the
  // post-processor cover nothing (begin == end). Exact also through the normalizer: a range of
  // normalised text maps to the smallest input range that produced it.
  std::vector<uint32_t> begins, ends;
};

enum class SpecialTokens { add, leave_out };  // what the post-processor would add
enum class UnknownPatterns { refuse, allow };  // pre-tokenizer patterns off the tested list (TK001)

class Tokenizer {
 public:
  static Tokenizer load(const std::filesystem::path& tokenizer_json, UnknownPatterns patterns);

  // `text` must be valid UTF-8 (CO003 otherwise). Linear time up to a log factor, constant stack.
  Encoding encode(std::string_view text, SpecialTokens special) const;
  // Text of one id with the byte-level alphabet undone; may be a partial UTF-8 sequence.
  std::string token_bytes(int32_t id) const;

  int32_t largest_id() const;           // over vocabulary and added tokens
  size_t vocabulary_size() const;       // entries incl. added tokens
  const std::string& sha256() const;    // of the file's bytes
  const std::vector<std::string>& notes() const;  // e.g. an allowed unknown pattern

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rg::text
