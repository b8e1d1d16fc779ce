#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "text/named_tokens.h"
#include "text/reference_class.h"

namespace rg::text {
namespace {

bool same(const AddedToken& a, const AddedToken& b) {
  return a.content == b.content && a.single_word == b.single_word && a.lstrip == b.lstrip &&
         a.rstrip == b.rstrip && a.normalized == b.normalized && a.special == b.special;
}

AddedToken* find(std::vector<AddedToken>& tokens, const std::string& content) {
  const auto at = std::find_if(tokens.begin(), tokens.end(),
                               [&](const AddedToken& token) { return token.content == content; });
  return at == tokens.end() ? nullptr : &*at;
}

// tokenizers adds a token once; given again, its flags are the new ones and its id stays.
void add(std::vector<AddedToken>& tokens, AddedToken token) {
  if (token.content.empty()) return;
  if (AddedToken* known = find(tokens, token.content)) {
    token.id = known->id;
    *known = std::move(token);
  } else {
    tokens.push_back(std::move(token));
  }
}

// Names that no file gives: the class's own, and that of a stored padding. Returns the contents of
// the former.
std::set<std::string> name_defaults(const TokenizerClass& kind, const Json& padding,
                                    NamedTokens& names) {
  std::set<std::string> defaults;
  for (const auto& [key, content] : kind.default_tokens) {
    if (names.names(key)) continue;
    names.named.emplace_back(key, special_token(content));
    defaults.insert(content);
  }
  const bool padded = padding.is_object() && padding.value("pad_token", Json()).is_string();
  if (kind.as_stored && padded && !names.names("pad_token"))
    names.named.emplace_back("pad_token", special_token(padding["pad_token"].get<std::string>()));
  return defaults;
}

// The added tokens of the class, in the order in which they get their ids.
std::vector<AddedToken> add_all(const TokenizerClass& kind, const std::vector<AddedToken>& stored,
                                NamedTokens& names) {
  std::set<std::string> special;
  for (const auto& [key, token] : names.named) {
    if (token) special.insert(token->content);
  }
  std::vector<AddedToken> tokens;
  if (kind.as_stored) tokens = stored;
  std::set<std::string> known;
  for (const AddedToken& token : tokens) known.insert(token.content);
  for (auto& [id, token] : names.decoder) {
    const AddedToken* there = find(tokens, token.content);
    known.insert(token.content);
    if (there && same(*there, token)) continue;
    token.special = token.special || special.contains(token.content);
    add(tokens, token);
  }
  // transformers' order: the standard names, then the others, then those without a name.
  const auto rank = [](const std::string& key) {
    return std::find(std::begin(kStandardNames), std::end(kStandardNames), key) -
           std::begin(kStandardNames);
  };
  std::stable_sort(names.named.begin(), names.named.end(),
                   [&](const auto& a, const auto& b) { return rank(a.first) < rank(b.first); });
  for (const auto& [key, token] : names.named) {
    if (token && !known.contains(token->content)) add(tokens, *token);
  }
  for (const AddedToken& token : names.extra) {
    AddedToken extra = token;
    extra.special = extra.special || special.contains(extra.content);
    if (!known.contains(extra.content)) add(tokens, std::move(extra));
  }
  return tokens;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr size_t kShown = 4;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += (i == 0 ? "'" : ", '") + escape_for_terminal(names[i]) + "'";
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

// Says where the tokens differ from those of tokenizer.json. A token that only the class's default
// names and that the vocabulary lacks is no choice of the model's: it gets no note.
void note_tokens(const TokenizerFile& file, const TokenizerClass& kind,
                 const std::vector<AddedToken>& stored, const std::set<std::string>& defaults,
                 std::vector<AddedToken>& tokens, std::vector<std::string>& notes) {
  std::set<std::string> vocabulary;
  for (const auto& [token, id] : file.vocabulary) vocabulary.insert(token);
  std::vector<AddedToken> before = stored;
  std::vector<std::string> more, changed, fewer;
  for (AddedToken& token : tokens) {
    const AddedToken* known = find(before, token.content);
    const bool in_vocabulary = vocabulary.contains(token.content);
    token.stored = known != nullptr || in_vocabulary;
    if (known && !same(*known, token)) changed.push_back(token.content);
    if (!known && (in_vocabulary || !defaults.contains(token.content)))
      more.push_back(token.content);
  }
  for (const AddedToken& token : stored) {
    if (!find(tokens, token.content)) fewer.push_back(token.content);
  }
  const auto say = [&](const char* what, const std::vector<std::string>& list) {
    if (list.empty()) return;
    notes.push_back(fmt::format("tokenizer: {} {}, by tokenizer_config.json and its class {}",
                                listed(list), what, kind.name));
  };
  say("added to the tokens of tokenizer.json", more);
  say("with other flags than in tokenizer.json", changed);
  say("of tokenizer.json not used as added tokens", fewer);
}

}  // namespace

void add_reference_tokens(const TokenizerFile& file, const SideFiles& side,
                          const TokenizerClass& kind, Reference& reference) {
  const std::vector<AddedToken> stored = reference.added;
  NamedTokens names = read_named_tokens(side, stored);
  const auto padding = file.tree.is_object() ? file.tree.find("padding") : file.tree.end();
  const auto defaults = name_defaults(kind, padding == file.tree.end() ? Json() : *padding, names);
  reference.added = add_all(kind, stored, names);
  note_tokens(file, kind, stored, defaults, reference.added, reference.notes);
}

}  // namespace rg::text
