#include "text/tokenizer.h"

#include <fmt/format.h>

#include <atomic>

#include "base/utf8.h"
#include "text/components.h"
#include "text/fields.h"
#include "text/reference.h"
#include "text/word_cache.h"

namespace rg::text {
namespace {

// Longest text whose offsets fit the encoding; also keeps a word's place in 32 bits.
constexpr uint64_t kMaxTextBytes = UINT32_MAX - 16;
// Merging takes some 25 bytes for each byte of a word.
constexpr size_t kMaxWordBytes = size_t{128} << 20;
constexpr size_t kScratchKept = size_t{1} << 20;  // symbols that an idle thread keeps memory for

// Memory of one thread, and its cache of words for the tokenizer it last served.
struct ThreadScratch {
  uint64_t owner = 0;
  WordCache cache;
  BpeScratch bpe;
  BpeOutput words;
  PreTokenizerScratch pre_tokenizer;

  void trim() {
    if (bpe.ids.capacity() > kScratchKept) bpe = BpeScratch{};
    if (words.ids.capacity() > kScratchKept) words = BpeOutput{};
  }
};

// On the heap: thread-local storage itself lives on the thread's stack.
ThreadScratch& scratch_for(uint64_t owner) {
  thread_local const auto scratch = std::make_unique<ThreadScratch>();
  if (scratch->owner != owner) {
    scratch->cache.clear();
    scratch->owner = owner;
  }
  return *scratch;
}

uint64_t next_serial() {
  static std::atomic<uint64_t> serial{0};
  return ++serial;
}

AddedTokenFinder make_finder(const std::vector<AddedToken>& added, bool normalized,
                             const Normalizer& normalizer, SpecialInText in_text,
                             const TokenizerFile& file) {
  std::vector<AddedTokenFinder::Entry> entries;
  // Where two tokens normalise to the same string the reference prefers special ones.
  for (const bool special : {true, false}) {
    for (const AddedToken& token : added) {
      if (token.normalized != normalized || token.special != special) continue;
      std::string pattern = token.content;
      if (normalized)
        pattern = normalizer.apply(AlignedText(token.content, 0, Origins::dropped)).text();
      if (pattern.empty()) {
        throw Error(ErrorId::TK004, {.file = file.name,
                                     .object = fmt::format("added token {}", token.id),
                                     .found = "a content that the normalizer empties",
                                     .expected = "something to match",
                                     .hint = "Remove the token: it never matches."});
      }
      entries.push_back({std::move(pattern), token});
    }
  }
  return AddedTokenFinder(std::move(entries), in_text);
}

}  // namespace

struct Tokenizer::Impl {
  std::string file, sha256;
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::string>> side_files;
  bool follows_side_files = false;  // some id may differ from those of tokenizer.json alone
  Vocabulary vocabulary;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  BytePairModel model;
  SpecialIds special;
  AddedTokenFinder raw_tokens, normalized_tokens;
  uint64_t serial = next_serial();
  uint64_t id_limit = UINT64_MAX;  // ids from here on have no row in the embedding

  void require_row(int32_t id) const;
  // The whole text, with the special tokens around it. TK006 names the file.
  template <class Sink>
  void encode_whole(std::string_view text, SpecialTokens added, Sink& sink) const;
  template <class Sink>
  void encode(std::string_view text, ThreadScratch& scratch, Sink& sink) const;
  template <class Sink>
  void encode_words(const AlignedText& text, Range range, ThreadScratch& scratch, Sink& sink) const;
};

namespace {

// Receives tokens; the ids alone, or with the input bytes that they cover.
struct IdSink {
  std::vector<int32_t>& ids;
  void token(int32_t id, Range) { ids.push_back(id); }
  static constexpr bool kWantsRanges = false;
};

// The ids alone, handed on whenever there are many.
class StreamSink {
 public:
  explicit StreamSink(const Tokenizer::TakeIds& take) : take_(take) { ids_.reserve(kIds); }
  void token(int32_t id, Range) {
    ids_.push_back(id);
    if (ids_.size() == kIds) flush();
  }
  void flush() {
    if (!ids_.empty()) take_(ids_);
    ids_.clear();
  }
  static constexpr bool kWantsRanges = false;

 private:
  static constexpr size_t kIds = size_t{1} << 16;
  const Tokenizer::TakeIds& take_;
  std::vector<int32_t> ids_;
};

struct EncodingSink {
  Encoding& out;
  void token(int32_t id, Range range) {
    out.ids.push_back(id);
    out.begins.push_back(static_cast<uint32_t>(range.begin));
    out.ends.push_back(static_cast<uint32_t>(range.end));
  }
  static constexpr bool kWantsRanges = true;
};

}  // namespace

namespace {

[[noreturn]] void refuse_word(size_t bytes) {
  throw Error(ErrorId::CO002,
              {.file = {},
               .object = "text",
               .found = fmt::format("{} bytes without a place to split them", bytes),
               .expected = fmt::format("words of at most {}", kMaxWordBytes),
               .hint = "That is data rather than text. Leave the document out."});
}

}  // namespace

template <class Sink>
void Tokenizer::Impl::encode_words(const AlignedText& text, Range range, ThreadScratch& s,
                                   Sink& sink) const {
  const std::string_view stretch = text.text().substr(range.begin, range.end - range.begin);
  pre_tokenizer.split(stretch, s.pre_tokenizer, [&](const PreTokenizer::Word& word) {
    if (word.bytes.size() > kMaxWordBytes) refuse_word(word.bytes.size());
    s.words.ids.clear();
    s.words.lengths.clear();
    if (!s.cache.find(word.bytes, s.words)) {
      model.encode(word.bytes, s.bpe, s.words);
      s.cache.store(word.bytes, s.words, 0);
    }
    // Of a prefixed word the first byte is the added space, which has no place of its own: a
    // token that is nothing but this space covers the first character, as in the reference.
    const size_t added = word.prefixed ? 1 : 0;
    size_t at = 0;
    for (size_t i = 0; i < s.words.ids.size(); ++i) {
      const size_t end = at + s.words.lengths[i];
      if constexpr (Sink::kWantsRanges) {
        const size_t base = range.begin + word.range.begin;
        const size_t from = at < added ? 0 : at - added, to = std::max<size_t>(end - added, 1);
        sink.token(s.words.ids[i], text.source(base + from, base + to));
      } else {
        sink.token(s.words.ids[i], {});
      }
      at = end;
    }
  });
}

template <class Sink>
void Tokenizer::Impl::encode(std::string_view text, ThreadScratch& s, Sink& sink) const {
  constexpr Origins kOrigins = Sink::kWantsRanges ? Origins::kept : Origins::dropped;
  raw_tokens.split(text, [&](const Segment& raw) {
    if (raw.id) {
      require_row(*raw.id);
      return sink.token(*raw.id, raw.range);
    }
    const AlignedText normal = normalizer.apply(AlignedText(
        text.substr(raw.range.begin, raw.range.end - raw.range.begin), raw.range.begin, kOrigins));
    normalized_tokens.split(normal.text(), [&](const Segment& segment) {
      if (!segment.id) return encode_words(normal, segment.range, s, sink);
      require_row(*segment.id);
      if constexpr (Sink::kWantsRanges) {
        sink.token(*segment.id, normal.source(segment.range.begin, segment.range.end));
      } else {
        sink.token(*segment.id, {});
      }
    });
  });
}

template <class Sink>
void Tokenizer::Impl::encode_whole(std::string_view text, SpecialTokens added, Sink& sink) const {
  ThreadScratch& scratch = scratch_for(serial);
  try {
    const bool add = added == SpecialTokens::add;
    if (add) {
      for (const int32_t id : special.before) sink.token(id, {0, 0});
    }
    encode(text, scratch, sink);
    if (add) {
      for (const int32_t id : special.behind) sink.token(id, {0, 0});
    }
  } catch (const Error& error) {
    // The pre-tokenizer doesn't know its file.
    if (error.id() != ErrorId::TK006) throw;
    ErrorParts parts = error.parts();
    parts.file = file;
    throw Error(error.id(), std::move(parts));
  }
  scratch.trim();
}

namespace {

void require_encodable(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorId::CO002, {.file = {},
                                 .object = "text",
                                 .found = fmt::format("{} bytes in one document", text.size()),
                                 .expected = fmt::format("at most {}", kMaxTextBytes),
                                 .hint = "Split the file into documents."});
  }
  if (const auto at = find_invalid_utf8(text)) {
    throw Error(ErrorId::CO003,
                {.file = {},
                 .object = fmt::format("byte {}", *at),
                 .found = fmt::format("0x{:02x}", static_cast<uint8_t>(text[*at])),
                 .expected = "UTF-8",
                 .hint = "Convert the text, for instance with iconv, or pass --utf8=replace."});
  }
}

}  // namespace

Tokenizer Tokenizer::load(const std::filesystem::path& tokenizer_json, UnknownPatterns patterns) {
  TokenizerFile file = read_tokenizer_file(tokenizer_json);
  Reference reference = stored_reference(file);
  return from_file(std::move(file), std::move(reference), patterns);
}

Tokenizer Tokenizer::load_for_model(const ModelTokenizer& model, UnknownPatterns patterns) {
  TokenizerFile file = read_tokenizer_file(model.tokenizer_json);
  SideFiles side = read_side_files(model);
  Reference reference = make_reference(file, side, model);
  Tokenizer tokenizer = from_file(std::move(file), std::move(reference), patterns);
  if (tokenizer.impl_->follows_side_files) tokenizer.impl_->side_files = std::move(side.sha256);
  return tokenizer;
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json, const std::string& name,
                           UnknownPatterns patterns) {
  TokenizerFile file = parse_tokenizer_file(tokenizer_json, name);
  Reference reference = stored_reference(file);
  return from_file(std::move(file), std::move(reference), patterns);
}

namespace {

// Says what becomes of the special tokens around a text where the files seem to say otherwise.
void settle_special_tokens(SpecialIds& special, const Reference& reference,
                           std::vector<std::string>& notes) {
  if (reference.drops_special_tokens && !special.empty()) {
    special = {};
    notes.push_back(
        fmt::format("tokenizer: no special tokens are put around a text, against tokenizer.json's "
                    "post-processor, as {} does",
                    reference.class_name));
  }
  const auto check = [&](const char* key, std::optional<bool> said, bool done) {
    if (!said || *said == done) return;
    notes.push_back(fmt::format(
        "tokenizer: {} {} of tokenizer_config.json has no effect, as in transformers", key, *said));
  };
  check("add_bos_token", reference.add_bos_token, !special.before.empty());
  check("add_eos_token", reference.add_eos_token, !special.behind.empty());
}

}  // namespace

Tokenizer Tokenizer::from_file(TokenizerFile file, Reference reference, UnknownPatterns patterns) {
  Fields fields(file.tree, "tokenizer.json", file.name);
  fields.ignore("version");
  fields.ignore("decoder");       // from ids back to text, which nobody asks for
  fields.ignore("added_tokens");  // in `reference`
  std::vector<std::string> notes = std::move(reference.notes);
  const bool follows_side_files = !notes.empty();
  for (const auto key : {"truncation", "padding"}) {
    if (fields.optional(key)) {
      notes.push_back(fmt::format(
          "tokenizer: the {} stored in tokenizer.json is not applied, as in transformers", key));
    }
  }
  const auto component = [&](std::string_view key) {
    const Json* json = fields.optional(key);
    return json ? *json : Json();
  };
  const Json normalizer_json = component("normalizer"), pre_json = component("pre_tokenizer"),
             post_json = component("post_processor"), model_json = fields.any("model");
  fields.finish();

  Normalizer normalizer = make_normalizer(normalizer_json, file);
  PreTokenizer pre_tokenizer = make_pre_tokenizer(pre_json, file, patterns, notes);
  std::vector<AddedToken>& added = reference.added;
  Vocabulary vocabulary = make_vocabulary(file, added);
  BytePairModel model = make_model(model_json, file, vocabulary);
  SpecialIds special = make_post_processor(post_json, file, vocabulary);
  settle_special_tokens(special, reference, notes);
  const SpecialInText in_text =
      reference.split_special_tokens ? SpecialInText::split : SpecialInText::matched;
  AddedTokenFinder raw = make_finder(added, false, normalizer, in_text, file);
  AddedTokenFinder normalized = make_finder(added, true, normalizer, in_text, file);
  return Tokenizer(std::make_unique<Impl>(Impl{.file = file.name,
                                               .sha256 = file.sha256,
                                               .notes = std::move(notes),
                                               .side_files = {},
                                               .follows_side_files = follows_side_files,
                                               .vocabulary = std::move(vocabulary),
                                               .normalizer = std::move(normalizer),
                                               .pre_tokenizer = std::move(pre_tokenizer),
                                               .model = std::move(model),
                                               .special = std::move(special),
                                               .raw_tokens = std::move(raw),
                                               .normalized_tokens = std::move(normalized)}));
}

Encoding Tokenizer::encode(std::string_view text, SpecialTokens special) const {
  require_encodable(text);
  Encoding out;
  EncodingSink sink{out};
  impl_->encode_whole(text, special, sink);
  return out;
}

std::vector<int32_t> Tokenizer::encode_ids(std::string_view text, SpecialTokens special) const {
  require_encodable(text);
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3);
  IdSink sink{ids};
  impl_->encode_whole(text, special, sink);
  return ids;
}

void Tokenizer::stream_ids(std::string_view text, SpecialTokens special,
                           const TakeIds& take) const {
  require_encodable(text);
  StreamSink sink(take);
  impl_->encode_whole(text, special, sink);
  sink.flush();
}

std::string Tokenizer::token_bytes(int32_t id) const {
  const auto slot = static_cast<size_t>(id);
  const bool known =
      id >= 0 && slot < impl_->vocabulary.known.size() && impl_->vocabulary.known[slot];
  return known ? impl_->vocabulary.bytes[slot] : std::string();
}

int32_t Tokenizer::largest_id() const { return impl_->vocabulary.largest_id; }
size_t Tokenizer::vocabulary_size() const { return impl_->vocabulary.entries; }
const std::string& Tokenizer::sha256() const { return impl_->sha256; }
const std::vector<std::pair<std::string, std::string>>& Tokenizer::side_files() const {
  return impl_->side_files;
}
const std::string& Tokenizer::file() const { return impl_->file; }
const std::vector<std::string>& Tokenizer::notes() const { return impl_->notes; }

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

namespace {

[[noreturn]] void no_row(const std::string& file, std::string found, uint64_t rows,
                         std::string hint) {
  throw Error(ErrorId::TK010,
              {.file = file,
               .object = {},
               .found = std::move(found),
               .expected = fmt::format("ids below {}, the rows of the embedding", rows),
               .hint = std::move(hint)});
}

}  // namespace

void Tokenizer::limit_ids(uint64_t embedding_rows) {
  Impl& impl = *impl_;
  impl.id_limit = embedding_rows;
  const auto beyond = [&](int64_t id) {
    return id >= 0 && static_cast<uint64_t>(id) >= embedding_rows;
  };
  int64_t largest = impl.vocabulary.largest_in_model;
  for (const auto* side : {&impl.special.before, &impl.special.behind}) {
    for (const int32_t id : *side) largest = std::max<int64_t>(largest, id);
  }
  if (beyond(largest)) {
    no_row(impl.file, fmt::format("ids up to {}", largest), embedding_rows,
           "Tokenizer and weights belong to different models. Use the tokenizer.json of this "
           "model.");
  }
  if (!beyond(largest_id())) return;
  impl.notes.push_back(fmt::format(
      "tokenizer: '{}' (id {}) has no row in the embedding of {} rows; a text with such a token "
      "would be refused",
      escape_for_terminal(token_bytes(largest_id())), largest_id(), embedding_rows));
}

// Only added tokens can lie beyond the limit.
void Tokenizer::Impl::require_row(int32_t id) const {
  if (static_cast<uint64_t>(id) < id_limit) return;
  const std::string& token = vocabulary.bytes[static_cast<size_t>(id)];
  no_row(file, fmt::format("'{}', token {}", escape_for_terminal(token), id), id_limit,
         "The model itself fails on this text, in transformers, too. Leave the document out.");
}

}  // namespace rg::text
