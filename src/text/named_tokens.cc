#include "text/named_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "text/tokenizer_file.h"

namespace rg::text {
namespace {

[[noreturn]] void malformed(const SideFiles& side, std::string object, const Json& found,
                            std::string expected) {
  throw Error(ErrorId::TK007,
              {.file = side.name,
               .object = std::move(object),
               .found = escape_for_terminal(write_json(found, JsonLayout::compact)),
               .expected = std::move(expected),
               .hint = "transformers fails on it, too. Correct the file, or save the tokenizer "
                       "again with save_pretrained."});
}

bool flag(const Json& token, const char* key, bool otherwise, const SideFiles& side,
          const std::string& where) {
  const auto at = token.find(key);
  if (at == token.end() || at->is_null()) return otherwise;
  if (!at->is_boolean()) malformed(side, where + "." + key, *at, "true or false");
  return at->get<bool>();
}

// An object with a token's content and flags.
AddedToken token_of(const Json& json, bool special, const SideFiles& side,
                    const std::string& where) {
  const auto content = json.find("content");
  if (content == json.end() || !content->is_string()) malformed(side, where, json, "a content");
  special = special || flag(json, "special", false, side, where);
  return {.id = kNoId,
          .content = content->get<std::string>(),
          .single_word = flag(json, "single_word", false, side, where),
          .lstrip = flag(json, "lstrip", false, side, where),
          .rstrip = flag(json, "rstrip", false, side, where),
          .normalized = flag(json, "normalized", !special, side, where),
          .special = special};
}

int32_t id_of(const std::string& text, const SideFiles& side, const std::string& where) {
  int32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0 || id > kMaxTokenId)
    malformed(side, where, Json(text), fmt::format("an id from 0 to {}", kMaxTokenId));
  return id;
}

bool is_standard(std::string_view key) {
  return std::find(std::begin(kStandardNames), std::end(kStandardNames), key) !=
         std::end(kStandardNames);
}

// The values of both files, the older one over the newer, as transformers merges them.
class Merger {
 public:
  Merger(const SideFiles& side, const std::vector<AddedToken>& stored)
      : side_(side), stored_(stored) {}

  NamedTokens merge() {
    if (side_.config.is_object()) values_ = side_.config;
    move_additional();
    const bool decoded = values_.contains("added_tokens_decoder");
    if (!decoded) merge_map();
    if (!values_.contains("extra_special_tokens")) move_additional();
    if (decoded) {
      read_decoder(values_["added_tokens_decoder"]);
    } else {
      read_older_tokens();
    }
    for (const std::string_view key : kStandardNames) read_name(std::string(key));
    for (const auto& [key, value] : values_.items()) {
      const bool token = value.is_string() || is_token(value);
      if (key.ends_with("_token") && !is_standard(key) && token) read_name(key);
    }
    read_extra();
    return std::move(out_);
  }

 private:
  static bool is_token(const Json& value) {
    return value.is_object() && value.value("__type", Json()) == "AddedToken";
  }

  void move_additional() {
    const auto additional = values_.find("additional_special_tokens");
    if (additional == values_.end()) return;
    const auto extra = values_.find("extra_special_tokens");
    const bool empty = extra == values_.end() || extra->is_null() || extra->empty();
    if (empty) values_["extra_special_tokens"] = Json(*additional);
    values_.erase("additional_special_tokens");
  }

  void merge_map() {
    if (!side_.special_tokens_map.is_object()) return;
    for (const auto& [key, value] : side_.special_tokens_map.items()) {
      if (key == "extra_special_tokens" && value.is_array() &&
          values_.value(key, Json()).is_array()) {
        for (const Json& token : value) {
          if (std::find(values_[key].begin(), values_[key].end(), token) == values_[key].end())
            values_[key].push_back(token);
        }
        continue;
      }
      values_[key] = value;
      if (!value.is_object() || key == "extra_special_tokens") continue;
      values_[key]["__type"] = "AddedToken";  // what an object is in this file
      values_[key]["special"] = true;
    }
  }

  void read_decoder(const Json& decoder) {
    if (!decoder.is_object()) malformed(side_, "added_tokens_decoder", decoder, "an object");
    for (const auto& [key, value] : decoder.items()) {
      const std::string where = "added_tokens_decoder." + key;
      if (!value.is_object()) malformed(side_, where, value, "a token");
      AddedToken token = token_of(value, false, side_, where);
      token.id = id_of(key, side_, where);
      out_.decoder.insert_or_assign(token.id, token);
    }
  }

  void read_older_tokens() {
    if (side_.added_tokens.is_object()) {
      for (const auto& [content, id] : side_.added_tokens.items()) {
        if (!id.is_number_integer()) malformed(side_, "added_tokens.json", id, "an id");
        AddedToken token = special_token(content);
        token.special = is_named(content);
        token.normalized = !token.special;
        token.id = id_of(id.dump(), side_, "added_tokens.json");
        out_.decoder.insert_or_assign(token.id, token);
      }
    }
    for (const AddedToken& token : stored_) out_.decoder.insert_or_assign(token.id, token);
  }

  static std::string content_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    const Json content = value.is_object() ? value.value("content", Json()) : Json();
    return content.is_string() ? content.get<std::string>() : std::string();
  }

  bool is_named(const std::string& content) const {
    for (const std::string_view key : kStandardNames) {
      const auto at = values_.find(std::string(key));
      if (at != values_.end() && content_of(*at) == content) return true;
    }
    const auto extra = values_.find("extra_special_tokens");
    return extra != values_.end() && extra->is_array() &&
           std::any_of(extra->begin(), extra->end(),
                       [&](const Json& token) { return content_of(token) == content; });
  }

  AddedToken read_token(const Json& value, const std::string& where, bool named) {
    if (value.is_string()) return special_token(value.get<std::string>());
    if (!is_token(value)) malformed(side_, where, value, "a text or an AddedToken");
    return token_of(value, named, side_, where);
  }

  void read_name(const std::string& key) {
    const auto at = values_.find(key);
    if (at == values_.end()) return;
    auto& [name, token] = out_.named.emplace_back(key, std::nullopt);
    if (at->is_null()) return;
    token = read_token(*at, key, true);
    // A standard name means the token of the decoder that has this content.
    if (!is_standard(key)) return;
    for (const auto& [id, decoded] : out_.decoder) {
      if (decoded.content == token->content) token = decoded;
    }
    token->special = true;
  }

  void read_extra() {
    const auto at = values_.find("extra_special_tokens");
    if (at == values_.end() || at->is_null()) return;
    if (at->is_object()) {
      for (const auto& [key, value] : at->items())
        out_.named.emplace_back(key, read_token(value, "extra_special_tokens." + key, true));
      return;
    }
    if (!at->is_array()) malformed(side_, "extra_special_tokens", *at, "a list or an object");
    for (const Json& token : *at)
      out_.extra.push_back(read_token(token, "extra_special_tokens", false));
  }

  const SideFiles& side_;
  const std::vector<AddedToken>& stored_;
  Json values_ = Json::object();
  NamedTokens out_;
};

}  // namespace

AddedToken special_token(std::string content) {
  return {.id = kNoId,
          .content = std::move(content),
          .single_word = false,
          .lstrip = false,
          .rstrip = false,
          .normalized = false,
          .special = true};
}

bool NamedTokens::names(std::string_view key) const {
  return std::any_of(named.begin(), named.end(), [&](const auto& row) { return row.first == key; });
}

NamedTokens read_named_tokens(const SideFiles& side, const std::vector<AddedToken>& stored) {
  return Merger(side, stored).merge();
}

}  // namespace rg::text
