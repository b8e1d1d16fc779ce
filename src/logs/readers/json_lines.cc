// JSON lines as people's patches of vLLM, SGLang and transformers write them: an object per token
// and layer ({"layer": 0, "token_idx": 3, "topk_ids": [5, 1], "topk_weights": [0.4, 0.2]}), per
// layer with the rows of a batch (ids of two axes and a layer), or per token (ids of two axes,
// layers by place, or an object of layers). Field names vary; fields.cc lists those that were seen
// (weiran0129/vLLM-MoE-Logger adff1ea, KaxitPandya/cerebras-assesment2 7c3cceb,
// KennethWang1221/vllm-expert-profiler 36fc07b), --field declares others. A line without ids that
// says type "meta", or is the first, holds facts: model_id, top_k, num_experts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "logs/readers/all.h"
#include "logs/refuse.h"
#include "logs/rows_builder.h"

namespace rg::logs {
namespace {

constexpr size_t kMaxLogLine = size_t{64} << 20;
constexpr size_t kFields = 8;

// One value of a line: a number, a text, or rows of numbers.
struct Value {
  bool there = false;
  bool is_text = false;
  int depth = 0;         // 0: a scalar, 1: an array, 2: an array of arrays
  bool by_name = false;  // an object of arrays: {"0": [5, 1]}
  std::vector<double> numbers = {};
  std::vector<size_t> ends = {};  // depth 2: where each inner array ends
  std::vector<std::string> names = {};
  std::string text = {};
  bool whole = true;  // every number is an integer

  void clear() {
    there = is_text = by_name = false;
    depth = 0;
    numbers.clear();
    ends.clear();
    names.clear();
    text.clear();
    whole = true;
  }
};

// Keeps the values of known fields, and all scalar fields of lines without ids.
class LineReader final : public JsonEvents {
 public:
  LineReader(const std::string& file, const ReadOptions& options) : file_(file) {
    for (size_t f = 0; f < kFields; ++f) names_[f] = names_of(static_cast<Field>(f), options);
  }

  // `facts`: also keep every scalar, for lines that describe the log.
  void start(const std::string& place, bool facts) {
    place_ = place;
    wants_facts_ = facts;
    for (auto& choices : values_) {
      for (Value& value : choices) value.clear();
    }
    for (size_t f = 0; f < kFields; ++f) values_[f].resize(names_[f].size());
    facts_.clear();
    key_.clear();
    depth_ = 0;
    current_ = nullptr;
  }
  // The first name of the field that is there; null without one.
  const Value* find(Field field) const {
    for (const Value& value : values_[static_cast<size_t>(field)]) {
      if (value.there) return &value;
    }
    return nullptr;
  }
  const std::vector<std::pair<std::string, std::string>>& facts() const { return facts_; }

  void null(size_t) override {
    if (depth_ == 1) current_ = nullptr;
    if (current_ != nullptr) number(std::numeric_limits<double>::quiet_NaN(), true);
  }
  void boolean(bool, size_t) override {
    if (current_ != nullptr && depth_ > 1) wrong("a truth value");
    current_ = nullptr;
  }
  void integer(int64_t value, size_t) override { number(static_cast<double>(value), true); }
  void unsigned_integer(uint64_t value, size_t) override {
    number(static_cast<double>(value), true);
  }
  void real(double value, size_t) override { number(value, false); }
  void string(std::string& value, size_t) override {
    if (depth_ == 1) {
      if (wants_facts_) facts_.emplace_back(key_, value);
      if (current_ != nullptr) {
        current_->there = current_->is_text = true;
        current_->text = value;
      }
    } else if (current_ != nullptr) {
      wrong("a text");
    }
  }
  void key(std::string& value, size_t) override {
    if (depth_ == 1) {
      key_ = value;
      current_ = known(value);
      if (current_ != nullptr && current_->there) wrong("this field twice");
    } else if (depth_ == 2 && current_ != nullptr && current_->by_name) {
      current_->names.push_back(value);
    }
  }
  void start_object(size_t) override {
    ++depth_;
    if (depth_ == 2 && current_ != nullptr) {
      current_->there = current_->by_name = true;
      current_->depth = 2;
    } else if (depth_ > 2 && current_ != nullptr) {
      wrong("an object within");
    }
  }
  void end_object(size_t) override { leave(); }
  void start_array(size_t) override {
    ++depth_;
    if (depth_ == 1) wrong("an array");
    if (current_ == nullptr) return;
    current_->there = true;
    const int inside = depth_ - 1;
    if (inside > 2) wrong("arrays nested three deep");
    if (inside == 2 && current_->depth == 1 && !current_->numbers.empty()) {
      wrong("numbers and arrays mixed");
    }
    current_->depth = std::max(current_->depth, inside);
  }
  void end_array(size_t) override {
    if (current_ != nullptr && depth_ == 3) current_->ends.push_back(current_->numbers.size());
    leave();
  }

  [[noreturn]] void wrong(std::string found) const {
    refuse(ErrorId::LG005, file_, place_ + (key_.empty() ? "" : ": " + key_), std::move(found),
           "a number, a text, or an array of numbers or of such arrays");
  }

 private:
  Value* known(const std::string& key) {
    for (size_t f = 0; f < kFields; ++f) {
      for (size_t n = 0; n < names_[f].size(); ++n) {
        if (names_[f][n] == key) return &values_[f][n];
      }
    }
    return nullptr;
  }
  void number(double value, bool whole) {
    if (depth_ == 1 && wants_facts_) facts_.emplace_back(key_, fmt::format("{}", value));
    if (current_ == nullptr) return;
    if (depth_ == 2 && current_->depth == 2) wrong("numbers and arrays mixed");
    current_->there = true;
    current_->whole = current_->whole && whole;
    current_->numbers.push_back(value);
  }
  void leave() {
    --depth_;
    if (depth_ == 1) current_ = nullptr;
  }

  const std::string& file_;
  std::array<std::vector<std::string>, kFields> names_;
  std::array<std::vector<Value>, kFields> values_;
  std::vector<std::pair<std::string, std::string>> facts_;
  std::string place_, key_;
  Value* current_ = nullptr;
  int depth_ = 0;
  bool wants_facts_ = false;
};

class Lines {
 public:
  Lines(const Source& source, const ReadOptions& options)
      : source_(source), options_(options), line_(source.name, options), builder_(source.name) {}

  Record read() {
    const std::string_view text = source_.text();
    uint64_t number = 0;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      read_line(text.substr(at, end - at), ++number);
      at = end + 1;
    }
    if (builder_.empty()) {
      refuse(ErrorId::LG006, source_.name, "", "no line with ids",
             "a field such as topk_ids in every line", "--field ids=NAME says what it is called.");
    }
    Record record = builder_.finish();
    record.stated = std::move(stated_);
    record.model = std::move(model_);
    record.stated_k = stated_k_;
    if (record.logit_columns > 0) {
      record.experts = record.logit_columns;
      const LayerLog& first = record.layers.front();
      record.logits_kind = kind_of_logits(first.logits, record.logit_columns, record.k,
                                          source_.name, fmt::format("layer {}", first.layer));
    } else {
      record.experts = stated_experts_;
    }
    record.notes.insert(record.notes.end(), notes_.begin(), notes_.end());
    if (named_by_place_) options_.layers.reset();  // --layers was used for the places
    name_stated_layers(record, options_, source_.name);
    return record;
  }

 private:
  [[noreturn]] void wrong(const std::string& place, Field field, std::string found,
                          std::string expected) const {
    refuse(ErrorId::LG005, source_.name, place + ": " + std::string(name(field)), std::move(found),
           std::move(expected));
  }

  void read_line(std::string_view line, uint64_t number) {
    if (line.find_first_not_of(" \t\r") == line.npos) return;
    std::string place = fmt::format("line {}", number);
    std::string mended;
    if (line.find("NaN") != line.npos) {  // as Python writes an unknown weight
      constexpr WordReplacement kWords[] = {{"NaN", "null"}};
      mended = line;
      replace_bare_words(mended, kWords);
      line = mended;
    }
    scan(line, place, false);
    const Value* ids = line_.find(Field::ids);
    if (ids == nullptr || ids->depth == 0) {
      scan(line, place, true);
      return take_facts(place, number);
    }
    take_choices(*ids, place);
  }

  void scan(std::string_view line, const std::string& place, bool facts) {
    line_.start(place, facts);
    try {
      scan_json(line, {.max_depth = 8, .max_bytes = kMaxLogLine}, place, line_);
    } catch (const Error& error) {
      if (!error_name(error.id()).starts_with("JS")) throw;
      const ErrorParts& parts = error.parts();
      refuse(ErrorId::LG005, source_.name,
             place + (parts.object.empty() ? "" : ": ") + parts.object, parts.found, parts.expected,
             parts.hint);
    }
  }

  // A line about the log as a whole.
  void take_facts(const std::string& place, uint64_t number) {
    const auto& facts = line_.facts();
    const bool says_meta = std::any_of(facts.begin(), facts.end(), [](const auto& fact) {
      return fact.first == "type" && fact.second != "route";
    });
    if (!says_meta && !(builder_.empty() && number == 1)) {
      refuse(ErrorId::LG006, source_.name, place, "no ids",
             "a field such as topk_ids in every line", "--field ids=NAME says what it is called.");
    }
    for (const auto& [key, value] : facts) {
      if (key == "model_id" || key == "model") model_ = value;
      if (key == "top_k" || key == "k") stated_k_ = to_count(value);
      if (key == "num_experts" || key == "n_experts" || key == "experts") {
        stated_experts_ = to_count(value).value_or(0);
      }
      stated_[key.substr(0, 64)] = value.substr(0, 256);
    }
  }

  static std::optional<uint32_t> to_count(const std::string& text) {
    uint32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value > (1u << 20)) {
      return std::nullopt;
    }
    return value;
  }

  std::optional<int32_t> scalar(Field field, const std::string& place) const {
    const Value* value = line_.find(field);
    if (value == nullptr || value->is_text || value->depth > 0 || value->numbers.empty()) {
      return std::nullopt;
    }
    return to_id(value->numbers[0], value->whole, field, place);
  }
  int32_t to_id(double value, bool whole, Field field, const std::string& place) const {
    if (!whole || !(std::abs(value) < 2147483648.0)) {
      wrong(place, field, fmt::format("{}", value), "a whole number of 32 bits");
    }
    return static_cast<int32_t>(value);
  }

  int32_t sequence_number(const std::string& label) {
    return sequences_.emplace(label, static_cast<int32_t>(sequences_.size())).first->second;
  }
  std::optional<int32_t> sequence() {
    const Value* value = line_.find(Field::sequence);
    if (value == nullptr || value->depth > 0) return std::nullopt;
    return sequence_number(value->is_text ? value->text : fmt::format("{}", value->numbers.at(0)));
  }

  Phase phase() const {
    const Value* value = line_.find(Field::phase);
    if (value == nullptr || value->depth > 0) return Phase::unknown;
    if (value->is_text) {
      if (value->text.starts_with("pre") || value->text == "prompt") return Phase::prefill;
      if (value->text.starts_with("dec") || value->text == "generation") return Phase::decode;
      return Phase::unknown;
    }
    return value->numbers[0] == 0   ? Phase::prefill
           : value->numbers[0] == 1 ? Phase::decode
                                    : Phase::unknown;
  }

  std::span<const float> part(const std::vector<float>& numbers, const std::vector<size_t>& ends,
                              size_t row) const {
    if (numbers.empty()) return {};
    if (ends.empty()) return numbers;
    const size_t first = row == 0 ? 0 : ends[row - 1];
    return std::span(numbers).subspan(first, ends[row] - first);
  }

  void take_floats(const Value* value, std::vector<float>& out) const {
    out.clear();
    if (value == nullptr || value->depth == 0) return;
    for (const double number : value->numbers) out.push_back(static_cast<float>(number));
  }

  void take_choices(const Value& ids, const std::string& place) {
    ids_.clear();
    for (const double id : ids.numbers) ids_.push_back(to_id(id, ids.whole, Field::ids, place));
    const Value* weights = line_.find(Field::weights);
    const Value* logits = line_.find(Field::logits);
    take_floats(weights, weights_);
    take_floats(logits, logits_);
    const size_t rows = ids.depth == 2 ? ids.ends.size() : 1;
    for (const auto& [value, field] :
         {std::pair(weights, Field::weights), std::pair(logits, Field::logits)}) {
      if (value != nullptr && value->depth > 0 &&
          (value->depth != ids.depth || (ids.depth == 2 && value->ends.size() != rows))) {
        wrong(place, field, "other axes than the ids have", "a value for every id");
      }
    }
    const std::optional<int32_t> layer = scalar(Field::layer, place);
    Choice choice{.layer = layer.value_or(0),
                  .sequence = sequence(),
                  .position = scalar(Field::position, place),
                  .token = scalar(Field::token, place),
                  .phase = phase(),
                  .ids = ids_,
                  .weights = weights_,
                  .logits = logits_};
    if (ids.depth == 1) return builder_.add(choice, place);
    const bool batch = layer.has_value() && !ids.by_name;  // rows of one layer
    const Value* tokens = line_.find(Field::token);
    const Value* positions = line_.find(Field::position);
    if (!batch) name_places(ids, place);
    for (size_t row = 0; row < rows; ++row) {
      const size_t first = row == 0 ? 0 : ids.ends[row - 1];
      choice.ids = std::span(ids_).subspan(first, ids.ends[row] - first);
      choice.weights = part(weights_, weights == nullptr ? ids.ends : weights->ends, row);
      choice.logits = part(logits_, logits == nullptr ? ids.ends : logits->ends, row);
      if (batch) {
        choice.token = row_scalar(tokens, row, rows, Field::token, place);
        choice.position = row_scalar(positions, row, rows, Field::position, place);
      } else {
        if (!places_[row]) continue;
        choice.layer = *places_[row];
      }
      builder_.add(choice, place);
    }
  }

  std::optional<int32_t> row_scalar(const Value* value, size_t row, size_t rows, Field field,
                                    const std::string& place) const {
    if (value == nullptr || value->depth == 0) return std::nullopt;
    if (value->depth != 1 || value->numbers.size() != rows) {
      wrong(place, field, "other axes than the ids have", "a value for every row");
    }
    return to_id(value->numbers[row], value->whole, field, place);
  }

  // The layers of a token's rows: by their names ("3", "layer_3"), or by place.
  void name_places(const Value& ids, const std::string& place) {
    if (ids.by_name) {
      places_.clear();
      for (const std::string& label : ids.names) {
        const size_t digits = label.find_first_of("0123456789");
        const auto number = digits == label.npos ? std::nullopt : to_count(label.substr(digits));
        if (!number) wrong(place, Field::ids, "\"" + escape_for_terminal(label) + "\"", "a layer");
        places_.push_back(static_cast<int>(*number));
      }
      if (places_.size() != ids.ends.size()) {
        wrong(place, Field::ids, "a layer without ids", "an array of ids for every layer");
      }
      return;
    }
    if (places_.size() == ids.ends.size()) return;
    if (!places_.empty()) {
      wrong(place, Field::ids, fmt::format("{} layers", ids.ends.size()),
            fmt::format("{} as in the lines before", places_.size()));
    }
    places_ = layers_of_places(ids.ends.size(), options_, source_.name, notes_);
    named_by_place_ = true;
  }

  const Source& source_;
  ReadOptions options_;
  LineReader line_;
  RowsBuilder builder_;
  std::vector<int32_t> ids_;
  std::vector<float> weights_, logits_;
  std::vector<std::optional<int>> places_;
  bool named_by_place_ = false;
  std::vector<std::string> notes_;
  std::unordered_map<std::string, int32_t> sequences_;
  std::map<std::string, std::string> stated_;
  std::string model_;
  std::optional<uint32_t> stated_k_;
  uint32_t stated_experts_ = 0;
};

}  // namespace

bool accepts_json_lines(const Source& source, const ReadOptions&) {
  const std::string_view text = source.text();
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && text[first] == '{';
}

Record read_json_lines(const Source& source, const ReadOptions& options) {
  return Lines(source, options).read();
}

}  // namespace rg::logs
