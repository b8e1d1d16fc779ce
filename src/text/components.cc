#include "text/components.h"

#include <fmt/format.h>

#include "text/fields.h"
#include "text/patterns.h"

namespace rg::text {
namespace {

std::string place(const std::string& where, std::string_view list, size_t index) {
  return fmt::format("{}.{}[{}]", where, list, index);
}

// The steps of a component, Sequences opened. Depth is bounded by the reader's.
template <class Take>
void each_step(const Json& json, const std::string& where, const TokenizerFile& file,
               std::string_view list_key, const Take& take) {
  if (json.is_null()) return;
  Fields fields(json, where, file.name);
  const std::string type = fields.text("type");
  if (type != "Sequence") return take(type, fields);
  const Json& list = fields.array(list_key);
  fields.finish();
  for (size_t i = 0; i < list.size(); ++i) {
    each_step(list[i], place(where, list_key, i), file, list_key, take);
  }
}

// {"String": s} or {"Regex": s}: (is a regex, s).
std::pair<bool, std::string> read_pattern(Fields& fields) {
  Fields pattern(fields.any("pattern"), fields.where() + ".pattern", fields.file());
  const bool regex = pattern.optional("Regex") != nullptr;
  std::string text = pattern.text(regex ? "Regex" : "String");
  if (pattern.optional("String") && regex)
    pattern.malformed("String", "a String beside a Regex", "one of them");
  pattern.finish();
  if (text.empty()) fields.unsupported("an empty pattern", "a pattern that matches something");
  return {regex, std::move(text)};
}

// BERT's normalizer with all of its parts off; an absent choice about accents follows `lowercase`.
void require_bert_off(Fields& fields) {
  for (const auto key : {"clean_text", "handle_chinese_chars", "lowercase", "strip_accents"}) {
    const bool nullable = std::string_view(key) == "strip_accents";
    const bool on = nullable ? fields.boolean_or(key, false) : fields.boolean(key);
    if (on) fields.unsupported(fmt::format("normalizer 'BertNormalizer' with {}", key), "it off");
  }
}

// None for a step that changes no text.
std::optional<NormalizerStep> make_normalizer_step(const std::string& type, Fields& fields) {
  if (type == "NFC") return UnicodeForm::nfc;
  if (type == "NFD") return UnicodeForm::nfd;
  if (type == "NFKC") return UnicodeForm::nfkc;
  if (type == "NFKD") return UnicodeForm::nfkd;
  if (type == "Lowercase") return Lowercase{};
  if (type == "Strip") {
    const bool left = fields.boolean("strip_left");
    return Strip{left, fields.boolean("strip_right")};
  }
  if (type == "Replace") {
    auto [regex, pattern] = read_pattern(fields);
    if (regex) fields.unsupported("a Regex pattern", "a String pattern");
    return Replace{std::move(pattern), fields.text("content")};
  }
  if (type == "BertNormalizer") {
    require_bert_off(fields);
    return std::nullopt;
  }
  fields.unsupported(fmt::format("normalizer '{}'", escape_for_terminal(type)),
                     "NFC, NFD, NFKC, NFKD, Lowercase, Strip, Replace or a Sequence of them");
}

Regex compile_known(std::string_view pattern) {
  std::string reason;
  const auto translated = translate_oniguruma(pattern, reason);
  check_internal(translated.has_value(), "a tested pattern translates: " + reason);
  auto regex = Regex::compile(*translated, reason);
  check_internal(regex.has_value(), "a tested pattern compiles: " + reason);
  return std::move(*regex);
}

[[noreturn]] void refuse_pattern(const Fields& fields, const std::string& pattern,
                                 std::string expected, std::string hint) {
  throw Error(ErrorId::TK001, {.file = fields.file(),
                               .object = fields.where(),
                               .found = fmt::format("pattern '{}'", escape_for_terminal(pattern)),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

Regex compile_pattern(const std::string& pattern, const Fields& fields, SplitBehavior behavior,
                      UnknownPatterns patterns, std::vector<std::string>& notes) {
  if (is_tested_pattern(pattern)) return compile_known(pattern);
  if (patterns == UnknownPatterns::refuse) {
    refuse_pattern(fields, pattern, "a pattern of the tested list (docs/corpora.md)",
                   "Its splits were never compared with Hugging Face's. Compare them, then pass "
                   "--allow-regex.");
  }
  std::string reason;
  const auto translated = translate_oniguruma(pattern, reason);
  if (!translated) {
    refuse_pattern(
        fields, pattern, "a pattern that PCRE2 and Oniguruma read alike",
        fmt::format("They differ in {}. Tokenise elsewhere and pass the ids with trace --tokens.",
                    reason));
  }
  auto regex = Regex::compile(*translated, reason);
  if (!regex) {
    refuse_pattern(fields, pattern, "a valid pattern", fmt::format("PCRE2 says: {}.", reason));
  }
  if (regex->matches_empty() && behavior != SplitBehavior::isolated &&
      behavior != SplitBehavior::removed) {
    refuse_pattern(fields, pattern, "a pattern that cannot match nothing, or behavior Isolated",
                   "Empty matches would join pieces in a way that isn't tested.");
  }
  notes.push_back(fmt::format("tokenizer: pattern off the tested list allowed: {}", pattern));
  return std::move(*regex);
}

SplitBehavior read_behavior(Fields& fields) {
  const std::string name = fields.text("behavior");
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  fields.malformed("behavior", fmt::format("'{}'", escape_for_terminal(name)),
                   "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

SplitStep make_split(Fields& fields, UnknownPatterns patterns, std::vector<std::string>& notes) {
  SplitStep step;
  step.behavior = read_behavior(fields);
  step.invert = fields.boolean("invert");
  auto [regex, pattern] = read_pattern(fields);
  step.shown = pattern;
  if (regex) {
    step.regex = compile_pattern(pattern, fields, step.behavior, patterns, notes);
  } else {
    step.literal = std::move(pattern);
  }
  return step;
}

SplitStep make_digits(Fields& fields) {
  SplitStep step;
  step.behavior =
      fields.boolean("individual_digits") ? SplitBehavior::isolated : SplitBehavior::contiguous;
  step.shown = R"(\p{N})";
  step.regex = compile_known(step.shown);
  return step;
}

ByteLevelStep make_byte_level(Fields& fields) {
  ByteLevelStep step;
  step.add_prefix_space = fields.boolean("add_prefix_space");
  fields.boolean_or("trim_offsets", true);  // changes offsets in the post-processor only
  if (fields.boolean_or("use_regex", true)) step.regex = compile_known(gpt2_pattern());
  return step;
}

}  // namespace

Normalizer make_normalizer(const Json& json, const TokenizerFile& file) {
  std::vector<NormalizerStep> steps;
  each_step(json, "normalizer", file, "normalizers", [&](const std::string& type, Fields& fields) {
    if (auto step = make_normalizer_step(type, fields)) steps.push_back(std::move(*step));
    fields.finish();
  });
  return Normalizer(std::move(steps));
}

PreTokenizer make_pre_tokenizer(const Json& json, const TokenizerFile& file,
                                UnknownPatterns patterns, std::vector<std::string>& notes) {
  std::vector<SplitStep> splits;
  std::optional<ByteLevelStep> byte_level;
  each_step(json, "pre_tokenizer", file, "pretokenizers",
            [&](const std::string& type, Fields& fields) {
              if (byte_level)
                fields.unsupported("a step behind ByteLevel", "ByteLevel as the last step");
              if (type == "ByteLevel") {
                byte_level = make_byte_level(fields);
              } else if (type == "Split") {
                splits.push_back(make_split(fields, patterns, notes));
              } else if (type == "Digits") {
                splits.push_back(make_digits(fields));
              } else {
                fields.unsupported(fmt::format("pre-tokenizer '{}'", escape_for_terminal(type)),
                                   "Split, Digits, ByteLevel or a Sequence of them");
              }
              fields.finish();
            });
  if (!byte_level) {
    throw Error(ErrorId::TK003, {.file = file.name,
                                 .object = "pre_tokenizer",
                                 .found = "no ByteLevel step",
                                 .expected = "a byte-level BPE tokenizer",
                                 .hint = "SentencePiece-type tokenizers aren't supported. Tokenise "
                                         "elsewhere and pass the ids with trace --tokens."});
  }
  return PreTokenizer(std::move(splits), std::move(*byte_level));
}

namespace {

void check_special_id(const Fields& fields, const Vocabulary& vocabulary, const Json& id) {
  const bool fine = id.is_number_integer() && id.get<int64_t>() >= 0 &&
                    id.get<int64_t>() <= vocabulary.largest_id &&
                    vocabulary.known[id.get<size_t>()];
  if (fine) return;
  throw Error(ErrorId::TK004, {.file = fields.file(),
                               .object = fields.where(),
                               .found = fmt::format("special token id {}", id.dump()),
                               .expected = "an id of the vocabulary",
                               .hint = kTakeAgain});
}

// The ids of a special token of a template. `table` is the template's "special_tokens".
std::vector<int32_t> template_ids(const Json& table, const std::string& name, Fields& fields,
                                  const Vocabulary& vocabulary) {
  const auto entry = table.find(name);
  if (entry == table.end()) {
    fields.malformed("special_tokens", "no entry for " + escape_for_terminal(name),
                     "the ids of every special token that the template names");
  }
  Fields token(*entry, fields.where() + ".special_tokens", fields.file());
  token.ignore("id");
  token.ignore("tokens");
  std::vector<int32_t> ids;
  for (const Json& id : token.array("ids")) {
    check_special_id(token, vocabulary, id);
    ids.push_back(id.get<int32_t>());
  }
  token.finish();
  return ids;
}

// "single" of a TemplateProcessing: special tokens around one sequence A. Every key is read on
// every path: a template that adds nothing has its table of special tokens, too, often empty.
SpecialIds read_template(Fields& fields, const Vocabulary& vocabulary) {
  SpecialIds ids;
  int sequences = 0;
  const Json& table = fields.object("special_tokens");
  for (const Json& piece : fields.array("single")) {
    Fields either(piece, fields.where() + ".single", fields.file());
    if (const Json* special = either.optional("SpecialToken")) {
      Fields token(*special, either.where(), fields.file());
      const auto more = template_ids(table, token.text("id"), fields, vocabulary);
      auto& side = sequences == 0 ? ids.before : ids.behind;
      side.insert(side.end(), more.begin(), more.end());
      token.ignore("type_id");
      token.finish();
    } else {
      Fields sequence(either.any("Sequence"), either.where(), fields.file());
      if (sequence.text("id") != "A")
        fields.unsupported("a single template with sequence B", "A alone");
      ++sequences;
      sequence.ignore("type_id");
      sequence.finish();
    }
    either.finish();
  }
  if (sequences != 1) {
    fields.unsupported(fmt::format("{} sequences in the single template", sequences), "1");
  }
  fields.ignore("pair");  // for two texts at once, which are never encoded here
  return ids;
}

// "cls" and "sep" of BERT and RoBERTa: ["<s>", 0].
int32_t read_pair_id(Fields& fields, std::string_view key, const Vocabulary& vocabulary) {
  const Json& pair = fields.array(key);
  if (pair.size() != 2) fields.malformed(key, fmt::format("{} values", pair.size()), "[token, id]");
  check_special_id(fields, vocabulary, pair[1]);
  return pair[1].get<int32_t>();
}

SpecialIds read_processor(const std::string& type, Fields& fields, const Vocabulary& vocabulary) {
  SpecialIds ids;
  // Offsets are trimmed after the ids are known; here they cover all of each token.
  const auto ignore_offsets = [&] {
    for (const auto key : {"add_prefix_space", "trim_offsets"}) fields.ignore(key);
  };
  if (type == "ByteLevel") {
    ignore_offsets();
    fields.ignore("use_regex");
  } else if (type == "TemplateProcessing") {
    ids = read_template(fields, vocabulary);
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    if (type == "RobertaProcessing") ignore_offsets();
    ids.before.push_back(read_pair_id(fields, "cls", vocabulary));
    ids.behind.push_back(read_pair_id(fields, "sep", vocabulary));
  } else {
    fields.unsupported(fmt::format("post-processor '{}'", escape_for_terminal(type)),
                       "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing or a "
                       "Sequence of them");
  }
  return ids;
}

}  // namespace

SpecialIds make_post_processor(const Json& json, const TokenizerFile& file,
                               const Vocabulary& vocabulary) {
  SpecialIds all;
  each_step(json, "post_processor", file, "processors",
            [&](const std::string& type, Fields& fields) {
              SpecialIds ids = read_processor(type, fields, vocabulary);
              fields.finish();
              if (ids.empty()) return;
              // tokenizers hands the parts that the first step made to the second one as if they
              // were a pair of texts: what comes out is not what the file seems to say.
              if (!all.empty())
                fields.unsupported("a second step that adds tokens", "one step that adds tokens");
              all = std::move(ids);
            });
  return all;
}

}  // namespace rg::text
