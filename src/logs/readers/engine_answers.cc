// What servers answer when asked for routed experts: one JSON answer, an array of them, or one per
// line.
//   vLLM from 0.21 on (--enable-return-routed-experts): choices[i].routed_experts of the generated
//     tokens (0.21) or of prompt and generated ones (later), prompt_routed_experts of the prompt
//     (0.21); nested lists (tokens, layers, k), or base64 of a .npy file, or an object
//     {"encoding": "base64", "dtype", "shape", "data"}. prompt_token_ids and choices[i].token_ids
//     with return_token_ids. docs/training/routed_experts_replay.md of 0.21, and the tests of
//     its OpenAI server later in 2026. The last generated token has no row.
//   SGLang 0.5.16 (return_routed_experts): meta_info.routed_experts, base64 of int32 (tokens,
//     hidden layers, k) without a shape; meta_info.prompt_tokens, completion_tokens; one row less
//     than tokens (srt/state_capturer/routed_experts.py). Its shape comes from --model, or --top-k
//     and --layers.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/base64.h"
#include "base/error.h"
#include "base/json.h"
#include "logs/readers/all.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr JsonLimits kAnswerLimits = {.max_depth = 32, .max_bytes = uint64_t{4} << 30};

// (tokens, layers, k) of one part of an answer.
struct Routes {
  uint64_t rows = 0, places = 0, k = 0;
  std::vector<int32_t> ids;
};

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(std::string(key));
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

class Answers {
 public:
  Answers(const Source& source, const ReadOptions& options) : source_(source), options_(options) {}

  void add(const Json& answer, const std::string& place) {
    place_ = place;
    if (const Json* meta = member(answer, "meta_info")) return add_sglang(answer, *meta);
    const Json* choices = member(answer, "choices");
    if (choices == nullptr || !choices->is_array()) {
      wrong("choices", "no choices and no meta_info", "an answer of vLLM or SGLang");
    }
    const Json* prompt_routes = member(answer, "prompt_routed_experts");
    for (const Json& choice : *choices) {
      const Json* routes = member(choice, "routed_experts");
      if (routes == nullptr && prompt_routes == nullptr) {
        wrong("choices.routed_experts", "none", "ids of experts",
              "Was the server started with --enable-return-routed-experts?");
      }
      const std::vector<int32_t> prompt = token_ids(member(answer, "prompt_token_ids") != nullptr
                                                        ? member(answer, "prompt_token_ids")
                                                        : member(choice, "prompt_token_ids"));
      const std::vector<int32_t> generated = token_ids(member(choice, "token_ids"));
      Routes all;
      if (prompt_routes != nullptr) all = decode(*prompt_routes, "prompt_routed_experts");
      if (routes != nullptr) append(all, decode(*routes, "routed_experts"));
      add_sequence(all, prompt, generated, prompt_routes == nullptr);
    }
  }

  Record finish() {
    if (rows_ == 0) wrong("", "no row", "ids of experts for at least one token");
    Record record;
    const auto layers = layers_of_places(places_, options_, source_.name, record.notes);
    record.rows = static_cast<uint32_t>(rows_);
    record.k = static_cast<uint32_t>(k_);
    for (size_t place = 0; place < places_; ++place) {
      if (!layers[place]) continue;
      LayerLog log{.layer = *layers[place]};
      log.ids.resize(rows_ * k_);
      for (uint64_t row = 0; row < rows_; ++row) {
        std::copy_n(ids_.begin() + static_cast<ptrdiff_t>((row * places_ + place) * k_), k_,
                    log.ids.begin() + static_cast<ptrdiff_t>(row * k_));
      }
      record.layers.push_back(std::move(log));
    }
    std::sort(record.layers.begin(), record.layers.end(),
              [](const LayerLog& a, const LayerLog& b) { return a.layer < b.layer; });
    record.sequence = std::move(sequence_);
    record.position = std::move(position_);
    record.phase = std::move(phase_);
    record.positions_stated = true;
    if (all_tokens_) record.tokens = std::move(tokens_);
    if (all_lengths_) {
      record.sequence_tokens = std::move(lengths_);
      record.sequence_prompt = std::move(prompts_);
    }
    return record;
  }

 private:
  [[noreturn]] void wrong(const std::string& what, std::string found, std::string expected,
                          std::string hint = {}) const {
    refuse(ErrorId::LG005, source_.name, place_ + (what.empty() ? "" : ": " + what),
           std::move(found), std::move(expected), std::move(hint));
  }

  int32_t id(const Json& value, const std::string& what) const {
    if (!value.is_number_integer() || value < std::numeric_limits<int32_t>::min() ||
        value > std::numeric_limits<int32_t>::max()) {
      wrong(what, escape_for_terminal(write_json(value, JsonLayout::compact)),
            "a whole number of 32 bits");
    }
    return value.get<int32_t>();
  }

  std::vector<int32_t> token_ids(const Json* list) const {
    std::vector<int32_t> tokens;
    if (list == nullptr || !list->is_array()) return tokens;
    for (const Json& token : *list) tokens.push_back(id(token, "token ids"));
    return tokens;
  }

  Routes decode(const Json& value, const std::string& what) const {
    if (value.is_array()) return decode_lists(value, what);
    if (value.is_string()) {
      return decode_bytes(value.get_ref<const std::string&>(), nullptr, what);
    }
    const Json* data = member(value, "data");
    if (data == nullptr || !data->is_string()) {
      wrong(what, "another value", "lists of ids, or base64 text");
    }
    return decode_bytes(data->get_ref<const std::string&>(), &value, what);
  }

  Routes decode_lists(const Json& rows, const std::string& what) const {
    Routes routes;
    routes.rows = rows.size();
    for (const Json& row : rows) {
      if (!row.is_array() || row.empty()) wrong(what, "a token without layers", "lists of layers");
      if (routes.places == 0) routes.places = row.size();
      if (row.size() != routes.places) {
        wrong(what, fmt::format("{} layers", row.size()),
              fmt::format("{} as for the first token", routes.places));
      }
      for (const Json& ids : row) {
        if (!ids.is_array() || ids.empty()) wrong(what, "a layer without ids", "lists of ids");
        if (routes.k == 0) routes.k = ids.size();
        if (ids.size() != routes.k) {
          wrong(what, fmt::format("{} ids", ids.size()),
                fmt::format("{} as in the first list", routes.k));
        }
        for (const Json& each : ids) routes.ids.push_back(id(each, what));
      }
    }
    return routes;
  }

  static std::optional<Storage> storage_named(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    for (const Storage storage : {Storage::i8, Storage::u8, Storage::i16, Storage::u16,
                                  Storage::i32, Storage::u32, Storage::i64, Storage::u64}) {
      if (value.get_ref<const std::string&>() == name(storage)) return storage;
    }
    return std::nullopt;
  }

  Routes decode_bytes(const std::string& text, const Json* envelope,
                      const std::string& what) const {
    const auto bytes = decode_base64(text);
    if (!bytes) wrong(what, "text that isn't base64", "base64, with padding");
    if (looks_like_npy(*bytes)) {
      return of_array(parse_npy(*bytes, source_.name + ": " + place_), what);
    }
    Array array{.name = what, .storage = Storage::i32, .shape = {}, .bytes = *bytes};
    if (envelope != nullptr) {
      const Json* dtype = member(*envelope, "dtype");
      const Json* shape = member(*envelope, "shape");
      const auto storage = dtype == nullptr ? std::nullopt : storage_named(*dtype);
      if (!storage || shape == nullptr || !shape->is_array() || shape->size() != 3) {
        wrong(what, "no dtype or no shape of three numbers",
              "dtype int16, shape [tokens, layers, k]");
      }
      array.storage = *storage;
      for (const Json& extent : *shape) {
        if (!extent.is_number_unsigned() || extent > bytes->size()) {
          wrong(what, "a shape beyond its bytes", "shape [tokens, layers, k]");
        }
        array.shape.push_back(extent.get<uint64_t>());
      }
    } else {
      const auto [places, k] = bare_shape(what);
      if (bytes->size() % (4 * places * k) != 0) {
        wrong(what, fmt::format("{} bytes", bytes->size()),
              fmt::format("whole rows of {} layers with {} ids of 4 bytes", places, k),
              "--layers and --top-k say the layers and ids of a token.");
      }
      array.shape = {bytes->size() / (4 * places * k), places, k};
    }
    return of_array(array, what);
  }

  // Layers and ids per token where the answer doesn't say.
  std::pair<uint64_t, uint64_t> bare_shape(const std::string& what) const {
    const uint64_t k = options_.top_k   ? *options_.top_k
                       : options_.model ? options_.model->gate.top_k.value
                                        : 0;
    const uint64_t places = options_.layers  ? options_.layers->size()
                            : options_.model ? options_.model->layers
                                             : 0;
    if (k == 0 || k > kMaxColumns || places == 0 || places > kMaxLayers) {
      wrong(what, "bytes without a shape", "the numbers of layers and of ids",
            "Give --model, or --top-k and --layers with a number for every place.");
    }
    return {places, k};
  }

  Routes of_array(const Array& array, const std::string& what) const {
    uint64_t elements = 1;
    for (const uint64_t extent : array.shape) elements *= extent;  // each within the bytes
    if (array.shape.size() != 3 || !is_integer(array.storage) || elements != array.elements() ||
        array.fortran) {
      wrong(what, describe(array), "ids (tokens, layers, k)");
    }
    return {array.shape[0], array.shape[1], array.shape[2], to_int32(array, source_.name)};
  }

  void append(Routes& all, const Routes& more) const {
    if (all.rows == 0) {
      all = more;
      return;
    }
    if (more.rows == 0) return;
    if (all.places != more.places || all.k != more.k) {
      wrong("routed_experts", fmt::format("{} layers of {} ids", more.places, more.k),
            fmt::format("{} of {} as for the prompt", all.places, all.k));
    }
    all.rows += more.rows;
    all.ids.insert(all.ids.end(), more.ids.begin(), more.ids.end());
  }

  void add_sglang(const Json& answer, const Json& meta) {
    const Json* routes = member(meta, "routed_experts");
    if (routes == nullptr) {
      wrong("meta_info.routed_experts", "none", "ids of experts",
            "Ask for them: \"return_routed_experts\": true.");
    }
    const std::vector<int32_t> generated = token_ids(member(answer, "output_ids"));
    const Routes all = decode(*routes, "meta_info.routed_experts");
    const Json* prompt = member(meta, "prompt_tokens");
    const Json* completion = member(meta, "completion_tokens");
    if (all.rows == 0) return;
    add_sequence(all, {}, generated, true);
    if (prompt != nullptr && completion != nullptr && prompt->is_number_unsigned() &&
        completion->is_number_unsigned() && *prompt <= (1u << 30) && *completion <= (1u << 30)) {
      prompts_.back() = prompt->get<uint32_t>();
      lengths_.back() = prompt->get<uint32_t>() + completion->get<uint32_t>();
      ++lengths_known_;
      all_lengths_ = lengths_known_ == sequences_;
    }
  }

  // `whole`: rows start at the prompt's first token if the answer says how long it is and there are
  // that many.
  void add_sequence(const Routes& routes, const std::vector<int32_t>& prompt,
                    const std::vector<int32_t>& generated, bool whole) {
    if (routes.rows == 0) return;
    if (rows_ == 0) {
      places_ = routes.places;
      k_ = routes.k;
    }
    if (routes.places != places_ || routes.k != k_ || k_ > kMaxColumns || k_ == 0 ||
        places_ > kMaxLayers || rows_ + routes.rows >= kMaxRows) {
      wrong("routed_experts",
            fmt::format("{} tokens, {} layers, {} ids", routes.rows, routes.places, routes.k),
            fmt::format("{} layers of {} ids as before, at most {} and {}", places_, k_, kMaxLayers,
                        kMaxColumns));
    }
    ids_.insert(ids_.end(), routes.ids.begin(), routes.ids.end());
    std::vector<int32_t> tokens = prompt;
    tokens.insert(tokens.end(), generated.begin(), generated.end());
    const bool known = !prompt.empty() && !generated.empty();
    // 0.21 answers without prompt_routed_experts: generated tokens alone.
    const uint64_t first = known && whole && routes.rows < prompt.size() + generated.size() - 1 &&
                                   routes.rows <= generated.size()
                               ? prompt.size()
                               : 0;
    for (uint64_t row = 0; row < routes.rows; ++row) {
      const uint64_t position = first + row;
      sequence_.push_back(static_cast<int32_t>(sequences_));
      position_.push_back(static_cast<int32_t>(position));
      phase_.push_back(!known                     ? Phase::unknown
                       : position < prompt.size() ? Phase::prefill
                                                  : Phase::decode);
      if (position < tokens.size() && known) {
        tokens_.push_back(tokens[position]);
      } else {
        all_tokens_ = false;
      }
    }
    lengths_.push_back(static_cast<uint32_t>(tokens.size()));
    prompts_.push_back(static_cast<uint32_t>(prompt.size()));
    if (known) ++lengths_known_;
    ++sequences_;
    all_lengths_ = lengths_known_ == sequences_;
    rows_ += routes.rows;
  }

  const Source& source_;
  const ReadOptions& options_;
  std::string place_;
  uint64_t rows_ = 0, places_ = 0, k_ = 0;
  uint64_t sequences_ = 0, lengths_known_ = 0;
  bool all_tokens_ = true, all_lengths_ = false;
  std::vector<int32_t> ids_, sequence_, position_, tokens_;
  std::vector<Phase> phase_;
  std::vector<uint32_t> lengths_, prompts_;
};

// Lines of JSON, or one document over many lines.
bool one_per_line(std::string_view text) {
  const size_t end = text.find('\n');
  return end != text.npos && text.substr(0, end).find_last_of("}") != text.npos &&
         text.find_first_not_of(" \t\r\n", end) != text.npos;
}

Json parse_answer(std::string_view text, const Source& source, const std::string& place) {
  try {
    return parse_json(text, kAnswerLimits, place);
  } catch (const Error& error) {
    if (!error_name(error.id()).starts_with("JS")) throw;
    refuse(ErrorId::LG005, source.name, place, error.parts().found, error.parts().expected,
           error.parts().hint);
  }
}

}  // namespace

bool accepts_engine_answers(const Source& source, const ReadOptions& options) {
  const std::string_view text = source.text();
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos || (text[first] != '{' && text[first] != '[')) return false;
  if (options.fields.contains("ids")) return false;
  const size_t end = std::min(text.find('\n', first), text.size());
  const std::string_view start = one_per_line(text) ? text.substr(0, end) : text;
  return start.find("routed_experts\"") != start.npos &&
         (start.find("\"choices\"") != start.npos || start.find("\"meta_info\"") != start.npos);
}

Record read_engine_answers(const Source& source, const ReadOptions& options) {
  Answers answers(source, options);
  const std::string_view text = source.text();
  if (!one_per_line(text)) {
    const Json json = parse_answer(text, source, "the answer");
    if (!json.is_array()) {
      answers.add(json, "the answer");
    } else {
      for (size_t i = 0; i < json.size(); ++i) {
        answers.add(json[i], fmt::format("answer {}", i));
      }
    }
    return answers.finish();
  }
  uint64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string place = fmt::format("line {}", number);
    answers.add(parse_answer(line, source, place), place);
  }
  return answers.finish();
}

}  // namespace rg::logs
