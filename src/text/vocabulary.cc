// Vocabulary, added tokens and the BPE model, with every check on their consistency.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "text/byte_alphabet.h"
#include "text/components.h"
#include "text/fields.h"

namespace rg::text {
namespace {

constexpr size_t kMaxAddedTokenBytes = 1024;  // bounds the search for added tokens

[[noreturn]] void inconsistent(const TokenizerFile& file, std::string object, std::string found,
                               std::string expected, std::string hint) {
  throw Error(ErrorId::TK004, {.file = file.name,
                               .object = std::move(object),
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

enum class Counted { yes, no };  // among the entries, and for the largest id

void enter(Vocabulary& vocabulary, const TokenizerFile& file, int32_t id, std::string bytes,
           const std::string& shown, Counted counted) {
  const auto slot = static_cast<size_t>(id);
  if (slot >= vocabulary.bytes.size()) {
    vocabulary.bytes.resize(slot + 1);
    vocabulary.known.resize(slot + 1, false);
  }
  if (vocabulary.known[slot]) {
    inconsistent(
        file, fmt::format("token '{}'", escape_for_terminal(shown)),
        fmt::format("id {} of token '{}'", id, escape_for_terminal(vocabulary.bytes[slot])),
        "an id of its own", kTakeAgain);
  }
  vocabulary.bytes[slot] = std::move(bytes);
  vocabulary.known[slot] = true;
  if (counted == Counted::no) return;
  vocabulary.largest_id = std::max(vocabulary.largest_id, id);
  ++vocabulary.entries;
}

int32_t read_id(Fields& fields) {
  const Json& id = fields.any("id");
  if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() > kMaxTokenId) {
    throw Error(ErrorId::TK004, {.file = fields.file(),
                                 .object = fields.where(),
                                 .found = fmt::format("id {}", escape_for_terminal(id.dump())),
                                 .expected = fmt::format("0 to {}", kMaxTokenId),
                                 .hint = kTakeAgain});
  }
  return id.get<int32_t>();
}

// The id that Hugging Face gives an added token, whatever the file says: that of the vocabulary,
// else the first after all tokens so far.
class ReferenceIds {
 public:
  explicit ReferenceIds(const Vocabulary& vocabulary)
      : vocabulary_(vocabulary), count_(static_cast<int32_t>(vocabulary.entries)) {}

  int32_t next(const std::string& content) {
    const auto found = vocabulary_.ids.find(content);
    const int32_t id = found != vocabulary_.ids.end() ? found->second
                       : largest_ >= count_           ? largest_ + 1
                                                      : count_;
    largest_ = std::max(largest_, id);
    return id;
  }

 private:
  const Vocabulary& vocabulary_;
  int32_t count_;
  int32_t largest_ = -1;  // of the added tokens
};

}  // namespace

std::vector<AddedToken> read_added_tokens(const Json& json, const TokenizerFile& file) {
  std::vector<AddedToken> tokens;
  std::unordered_set<std::string> contents;
  if (json.is_null()) return tokens;
  if (!json.is_array()) {
    throw Error(ErrorId::TK002, {.file = file.name,
                                 .object = "added_tokens",
                                 .found = fmt::format("a value of type {}", json.type_name()),
                                 .expected = "a list",
                                 .hint = "Get tokenizer.json of the model's repository again."});
  }
  for (const Json& entry : json) {
    Fields fields(entry, fmt::format("added_tokens[{}]", tokens.size()), file.name);
    AddedToken token{.id = read_id(fields),
                     .content = fields.text("content"),
                     .single_word = fields.boolean("single_word"),
                     .lstrip = fields.boolean("lstrip"),
                     .rstrip = fields.boolean("rstrip"),
                     .normalized = fields.boolean("normalized"),
                     .special = fields.boolean("special")};
    fields.finish();
    if (token.content.empty() || token.content.size() > kMaxAddedTokenBytes) {
      inconsistent(file, fields.where(), fmt::format("content of {} bytes", token.content.size()),
                   fmt::format("1 to {}", kMaxAddedTokenBytes),
                   token.content.empty() ? "Remove it: it never matches." : kOverLimit);
    }
    if (!contents.insert(token.content).second) {
      inconsistent(file, fields.where(),
                   fmt::format("'{}' again", escape_for_terminal(token.content)),
                   "each added token once", kRemoveOne);
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Vocabulary make_vocabulary(const TokenizerFile& file, std::vector<AddedToken>& added) {
  Vocabulary vocabulary;
  vocabulary.ids.reserve(file.vocabulary.size());
  for (const auto& [token, id] : file.vocabulary) {
    if (!vocabulary.ids.emplace(token, id).second) {
      inconsistent(file, fmt::format("token '{}'", escape_for_terminal(token)), "the token twice",
                   "once", kTakeAgain);
    }
    enter(vocabulary, file, id, bytes_of_token(token).value_or(token), token, Counted::yes);
  }
  vocabulary.largest_in_model = vocabulary.largest_id;
  ReferenceIds reference(vocabulary);
  for (AddedToken& token : added) {
    const int32_t expected = reference.next(token.content);
    if (token.id == kNoId) token.id = expected;
    if (token.id != expected) {
      inconsistent(
          file, fmt::format("added token '{}'", escape_for_terminal(token.content)),
          fmt::format("id {}", token.id),
          fmt::format("{}, which Hugging Face tokenizers would give it", expected),
          "The reference numbers added tokens by itself and would disagree with the file.");
    }
    if (vocabulary.ids.contains(token.content)) {
      vocabulary.bytes[static_cast<size_t>(token.id)] = token.content;
    } else {
      enter(vocabulary, file, token.id, token.content, token.content,
            token.stored ? Counted::yes : Counted::no);
    }
  }
  return vocabulary;
}

namespace {

// Bytes that no UTF-8 text contains need no token.
bool occurs_in_utf8(unsigned byte) { return byte != 0xc0 && byte != 0xc1 && byte < 0xf5; }

std::array<int32_t, 256> find_byte_ids(const TokenizerFile& file, const Vocabulary& vocabulary,
                                       bool has_unknown, bool byte_fallback) {
  std::array<int32_t, 256> ids;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto found = vocabulary.ids.find(token_of_byte(static_cast<uint8_t>(byte)));
    ids[byte] = found == vocabulary.ids.end() ? BytePairModel::kNoId : found->second;
    if (ids[byte] != BytePairModel::kNoId || !occurs_in_utf8(byte)) continue;
    if (byte_fallback) {
      throw Error(ErrorId::TK003,
                  {.file = file.name,
                   .object = "model",
                   .found = fmt::format("byte_fallback with no token for byte 0x{:02x}", byte),
                   .expected = "a token for each byte, as in byte-level models",
                   .hint = "This tokenizer isn't supported. Tokenise elsewhere and pass the ids "
                           "with --tokens."});
    }
    if (!has_unknown) {
      inconsistent(file, "model.vocab",
                   fmt::format("no token for byte 0x{:02x}, and no unk_token that it knows", byte),
                   "a token for each byte of UTF-8",
                   "Text with this byte would lose it silently. Use another tokenizer.");
    }
  }
  return ids;
}

[[noreturn]] void bad_merge(const TokenizerFile& file, size_t rank, std::string found,
                            std::string expected) {
  const auto& [left, right] = file.merges[rank];
  throw Error(ErrorId::TK005,
              {.file = file.name,
               .object = fmt::format("merge {} ('{}' '{}')", rank, escape_for_terminal(left),
                                     escape_for_terminal(right)),
               .found = std::move(found),
               .expected = std::move(expected),
               .hint = "Vocabulary and merges don't belong together. Download the file again."});
}

MergeTable make_merges(const TokenizerFile& file, const Vocabulary& vocabulary) {
  std::vector<Merge> merges;
  merges.reserve(file.merges.size());
  const auto id_of = [&](size_t rank, const std::string& token) {
    const auto found = vocabulary.ids.find(token);
    if (found == vocabulary.ids.end()) {
      bad_merge(file, rank,
                fmt::format("token '{}' that the vocabulary lacks", escape_for_terminal(token)),
                "tokens of the vocabulary");
    }
    return found->second;
  };
  for (size_t rank = 0; rank < file.merges.size(); ++rank) {
    const auto& [left, right] = file.merges[rank];
    const int32_t left_id = id_of(rank, left), right_id = id_of(rank, right);
    merges.push_back({left_id, right_id, id_of(rank, left + right)});
  }
  MergeTable table(std::move(merges), static_cast<size_t>(vocabulary.largest_id) + 1);
  if (const auto twice = table.duplicate()) {
    bad_merge(file, *twice, "the same pair at an earlier rank", "each pair once");
  }
  return table;
}

void require_absent(Fields& fields, std::string_view key) {
  const Json* value = fields.optional(key);
  const bool nothing =
      !value || (value->is_string() && value->get_ref<const std::string&>().empty());
  if (!nothing) fields.unsupported(fmt::format("{} set", key), "none");
}

}  // namespace

BytePairModel make_model(const Json& json, TokenizerFile& file, const Vocabulary& vocabulary) {
  Fields fields(json, "model", file.name);
  if (fields.optional("type") && fields.text("type") != "BPE") {
    fields.unsupported(fmt::format("model '{}'", escape_for_terminal(fields.text("type"))), "BPE");
  }
  require_absent(fields, "continuing_subword_prefix");
  require_absent(fields, "end_of_word_suffix");
  const Json* dropout = fields.optional("dropout");
  if (dropout && !(dropout->is_number() && dropout->get<double>() == 0)) {
    fields.unsupported("dropout", "none: tokenisation must be a function of the text");
  }
  const bool byte_fallback = fields.boolean_or("byte_fallback", false);
  if (file.vocabulary.empty()) fields.malformed("vocab", "no token", "a vocabulary");
  const bool ignore_merges = fields.boolean_or("ignore_merges", false);
  const bool fuse_unknown = fields.boolean_or("fuse_unk", false);
  // Named but not in the vocabulary it has no effect as long as each byte has a token of its own.
  int32_t unknown_id = BytePairModel::kNoId;
  if (fields.optional("unk_token")) {
    const auto found = vocabulary.ids.find(fields.text("unk_token"));
    if (found != vocabulary.ids.end()) unknown_id = found->second;
  }
  fields.finish();
  BytePairModel model{.byte_ids = find_byte_ids(file, vocabulary,
                                                unknown_id != BytePairModel::kNoId, byte_fallback),
                      .merges = make_merges(file, vocabulary),
                      .unknown_id = unknown_id,
                      .fuse_unknown = fuse_unknown,
                      .whole_words = {}};
  if (ignore_merges) {
    for (const auto& [token, id] : file.vocabulary) {
      if (auto bytes = bytes_of_token(token)) model.whole_words.emplace(std::move(*bytes), id);
    }
  }
  return model;
}

}  // namespace rg::text
