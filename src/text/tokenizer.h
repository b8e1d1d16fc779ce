// tokenizer.json as Hugging Face `tokenizers` reads it: byte-level BPE with its normalizer,
// pre-tokenizer, added tokens and post-processor. Equal to the reference on golden texts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rg::text {

struct Encoding {
  std::vector<int32_t> ids;
  // Byte range [begin, end) in the *input* text that each id covers; special tokens added by the
  // post-processor cover nothing (begin == end). Whole characters: a token that is part of one
  // covers it all. Exact also through the normalizer: characters that were normalised together
  // (a letter and its marks) map to the input characters that they came from.
  std::vector<uint32_t> begins, ends;
};

enum class SpecialTokens { add, leave_out };   // what the post-processor would add
enum class UnknownPatterns { refuse, allow };  // pre-tokenizer patterns off the tested list (TK001)

struct TokenizerFile;
struct Reference;

// A model's tokenizer: its files, and what its config.json says of it.
struct ModelTokenizer {
  std::filesystem::path tokenizer_json;
  std::optional<std::filesystem::path> config;  // tokenizer_config.json
  std::optional<std::filesystem::path> special_tokens_map, added_tokens;
  std::string model_type, tokenizer_class;  // empty where config.json says nothing
};

class Tokenizer {
 public:
  // The ids that transformers gives for the model: tokenizer.json with tokenizer_config.json and
  // its companions in the folder, and the class that they or the model's type name. A note for all
  // in which it differs from tokenizer.json alone; TK007 and TK008 where that can't be followed,
  // and the errors of load().
  static Tokenizer load_for_model(const ModelTokenizer& model, UnknownPatterns patterns);
  // tokenizer.json alone, as tokenizers reads it. TK001 to TK005 where the file is refused;
  // docs/corpora.md lists what is supported.
  static Tokenizer load(const std::filesystem::path& tokenizer_json, UnknownPatterns patterns);
  // The same from the file's text; `name` is for messages.
  static Tokenizer parse(std::string_view tokenizer_json, const std::string& name,
                         UnknownPatterns patterns);

  // `text` must be valid UTF-8 (CO003 otherwise), without a word of more than 128 MiB (CO002).
  // Linear time up to a log factor, constant stack.
  // TK006 if a pattern allowed from off the tested list backtracks without end. Safe to call from
  // many threads. TK010 if the text holds a token beyond the embedding (limit_ids).
  Encoding encode(std::string_view text, SpecialTokens special) const;
  // The ids alone: the same, quicker.
  std::vector<int32_t> encode_ids(std::string_view text, SpecialTokens special) const;
  // The same in pieces, in order: memory for a second text at most, where normalisation changes
  // it, and for the longest word.
  using TakeIds = std::function<void(std::span<const int32_t>)>;
  void stream_ids(std::string_view text, SpecialTokens special, const TakeIds& take) const;
  // Text of one id with the byte-level alphabet undone; may be a partial UTF-8 sequence.
  std::string token_bytes(int32_t id) const;

  // How many rows the model's embedding has. TK010 if the vocabulary or the post-processor has an
  // id beyond. An added token may lie there (a pad_token does that nobody trained): a note, and
  // TK010 for a text with it.
  void limit_ids(uint64_t embedding_rows);

  int32_t largest_id() const;         // over vocabulary and added tokens
  size_t vocabulary_size() const;     // entries incl. added tokens
  const std::string& sha256() const;  // of the file's bytes
  // Name and hash of its companions, where they change an id.
  const std::vector<std::pair<std::string, std::string>>& side_files() const;
  const std::string& file() const;                // its path
  const std::vector<std::string>& notes() const;  // e.g. an allowed unknown pattern

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  static Tokenizer from_file(TokenizerFile file, Reference reference, UnknownPatterns patterns);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rg::text
