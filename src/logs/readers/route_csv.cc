// Route traces of llama.cpp forks: "route_trace v1" of BigMoeOnEdge (docs/metrics.md and
// core/src/metrics/csv_route_trace_sink.cpp of July 2026). Lines that start with '#' hold facts:
//   # model=<path> arch=<text> n_layer=<n> n_expert=<n> n_expert_used=<n>
// then a line of column names, then a line per (token, layer, slot):
//   turn,phase,step,layer,slot,expert,weight,residency,expert_bytes,dropped
// Columns are found by name; expert, layer and step (or position, token_idx) must be there.
// phase: 0 prefill, 1 decode. step: position in the context, over turns. slot: rank. weight: as
// applied, nan where unknown. llama.cpp computes the last layer's experts in prefill for the last
// prompt token only, so that layer has no other rows there.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "logs/readers/all.h"
#include "logs/refuse.h"
#include "logs/rows_builder.h"

namespace rg::logs {
namespace {

constexpr size_t kMaxColumnsOfCsv = 64;
constexpr size_t kNone = kMaxColumnsOfCsv;

std::vector<std::string_view> split_line(std::string_view line, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0;;) {
    const size_t end = line.find(separator, at);
    parts.push_back(line.substr(at, end == line.npos ? end : end - at));
    if (end == line.npos) return parts;
    at = end + 1;
  }
}

struct Columns {
  size_t turn = kNone, phase = kNone, step = kNone, layer = kNone, slot = kNone, expert = kNone,
         weight = kNone, token = kNone, count = 0;
};

class CsvTrace {
 public:
  CsvTrace(const Source& source, const ReadOptions& options)
      : source_(source), options_(options), builder_(source.name) {}

  Record read() {
    const std::string_view text = source_.text();
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      std::string_view line = text.substr(at, end - at);
      at = end + 1;
      ++number_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.empty()) continue;
      if (line.front() == '#') {
        take_fact_line(line.substr(1));
      } else if (columns_.count == 0) {
        take_names(line);
      } else {
        take_row(line);
      }
    }
    flush();
    if (builder_.empty()) {
      refuse(ErrorId::LG006, source_.name, "", "no row with an expert",
             "lines such as turn,phase,step,layer,slot,expert,weight");
    }
    return finish();
  }

 private:
  std::string place() const { return fmt::format("line {}", number_); }

  void take_fact_line(std::string_view line) {
    for (const std::string_view part : split_line(line, ' ')) {
      const size_t equals = part.find('=');
      if (equals == part.npos || equals == 0) continue;
      const std::string key(part.substr(0, std::min<size_t>(equals, 64)));
      if (key == "layer" || key == "expert_bytes" || key == "dense_bytes") continue;
      if (stated_.size() < 64) stated_[key] = part.substr(equals + 1, 256);
    }
  }

  void take_names(std::string_view line) {
    const std::vector<std::string_view> names = split_line(line, ',');
    if (names.size() >= kMaxColumnsOfCsv) {
      refuse(ErrorId::LG010, source_.name, place(), fmt::format("{} columns", names.size()),
             fmt::format("fewer than {}", kMaxColumnsOfCsv));
    }
    columns_.count = names.size();
    const auto column = [&](Field field, std::initializer_list<std::string_view> more) {
      std::vector<std::string> wanted(more.begin(), more.end());
      const auto declared = options_.fields.find(std::string(name(field)));
      if (declared != options_.fields.end()) {
        wanted = {declared->second};
      } else {
        for (const std::string& usual : names_of(field, options_)) wanted.push_back(usual);
      }
      for (const std::string& each : wanted) {
        const auto at = std::find(names.begin(), names.end(), each);
        if (at != names.end()) return static_cast<size_t>(at - names.begin());
      }
      return kNone;
    };
    columns_.turn = column(Field::sequence, {"turn"});
    columns_.phase = column(Field::phase, {});
    columns_.step = column(Field::position, {"step"});
    columns_.layer = column(Field::layer, {});
    columns_.expert = column(Field::ids, {"expert"});
    columns_.weight = column(Field::weights, {"weight"});
    columns_.token = column(Field::token, {"token_id"});
    const auto slot = std::find(names.begin(), names.end(), "slot");
    if (slot != names.end()) columns_.slot = static_cast<size_t>(slot - names.begin());
    if (columns_.layer == kNone || columns_.expert == kNone || columns_.step == kNone) {
      refuse(ErrorId::LG006, source_.name, place(),
             "columns " + escape_for_terminal(line.substr(0, 120)),
             "at least layer, expert, and step or another position",
             "--field position=NAME (or layer, ids) says what they are called. Without a position "
             "nobody can tell which choices belong to one token.");
    }
  }

  std::string_view cell(const std::array<std::string_view, kMaxColumnsOfCsv>& cells,
                        size_t column) const {
    return column == kNone ? std::string_view() : cells[column];
  }

  int32_t integer(std::string_view text, std::string_view what) const {
    int32_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) {
      refuse(ErrorId::LG005, source_.name, place() + ": " + std::string(what),
             '"' + escape_for_terminal(text) + '"', "a whole number of 32 bits");
    }
    return value;
  }

  float weight(std::string_view text) const {
    if (text.empty() || text == "nan" || text == "-nan") {
      return std::numeric_limits<float>::quiet_NaN();
    }
    float value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) {
      refuse(ErrorId::LG005, source_.name, place() + ": weight",
             '"' + escape_for_terminal(text) + '"', "a number, or nan");
    }
    return value;
  }

  // A choice is complete where the next row is of another token, layer or an earlier slot.
  void take_row(std::string_view line) {
    std::array<std::string_view, kMaxColumnsOfCsv> cells;
    size_t count = 0;
    for (size_t at = 0; count < columns_.count; ++count) {
      const size_t end = line.find(',', at);
      cells[count] = line.substr(at, end == line.npos ? end : end - at);
      if (end == line.npos) {
        ++count;
        break;
      }
      at = end + 1;
    }
    if (count != columns_.count) {
      refuse(ErrorId::LG005, source_.name, place(), fmt::format("{} columns", count),
             fmt::format("{} as in the line of names", columns_.count),
             "The file is cut or damaged.");
    }
    const int32_t turn = columns_.turn == kNone ? 0 : integer(cell(cells, columns_.turn), "turn");
    const int32_t step = integer(cell(cells, columns_.step), "step");
    const int32_t layer = integer(cell(cells, columns_.layer), "layer");
    const int32_t slot = columns_.slot == kNone ? static_cast<int32_t>(ids_.size())
                                                : integer(cell(cells, columns_.slot), "slot");
    if (started_ && (turn != turn_ || step != step_ || layer != layer_ ||
                     (columns_.slot != kNone && slot == 0))) {
      flush();
    }
    if (columns_.slot != kNone && slot != static_cast<int32_t>(ids_.size())) {
      refuse(ErrorId::LG005, source_.name, place() + ": slot", std::to_string(slot),
             fmt::format("{}: the slots of a choice, one after another", ids_.size()));
    }
    if (ids_.size() >= kMaxColumns) {
      refuse(ErrorId::LG010, source_.name, place(), "more experts in one choice",
             fmt::format("up to {}", kMaxColumns));
    }
    started_ = true;
    turn_ = turn;
    step_ = step;
    layer_ = layer;
    first_line_ = ids_.empty() ? number_ : first_line_;
    const std::string_view phase = cell(cells, columns_.phase);
    phase_ = phase == "0" || phase == "prefill"  ? Phase::prefill
             : phase == "1" || phase == "decode" ? Phase::decode
                                                 : Phase::unknown;
    token_.reset();
    if (columns_.token != kNone) token_ = integer(cell(cells, columns_.token), "token");
    ids_.push_back(integer(cell(cells, columns_.expert), "expert"));
    if (columns_.weight != kNone) weights_.push_back(weight(cell(cells, columns_.weight)));
  }

  // A turn that goes on where the one before ended is the same sequence: the cache was kept.
  int32_t sequence_of(int32_t turn, int32_t step) {
    const auto known = sequences_.find(turn);
    if (known != sequences_.end()) return known->second;
    if (step <= 0 || sequences_.empty()) ++last_sequence_;
    return sequences_.emplace(turn, last_sequence_).first->second;
  }

  void flush() {
    if (!started_) return;
    builder_.add({.layer = layer_,
                  .sequence = sequence_of(turn_, step_),
                  .position = step_,
                  .token = token_,
                  .phase = phase_,
                  .ids = ids_,
                  .weights = weights_,
                  .logits = {}},
                 fmt::format("line {}", first_line_));
    ids_.clear();
    weights_.clear();
    started_ = false;
  }

  std::optional<uint32_t> stated_count(const char* key) const {
    const auto at = stated_.find(key);
    if (at == stated_.end()) return std::nullopt;
    uint32_t value = 0;
    const std::string& text = at->second;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size() || value > (1u << 20)) {
      return std::nullopt;
    }
    return value;
  }

  Record finish() {
    Record record = builder_.finish();
    record.stated = stated_;
    record.stated_k = stated_count("n_expert_used");
    record.experts = stated_count("n_expert").value_or(0);
    const auto model = stated_.find("model");
    if (model != stated_.end()) {
      const std::string& path = model->second;
      record.model = path.substr(path.find_last_of("/\\") + 1);  // npos + 1 is 0
    }
    name_stated_layers(record, options_, source_.name);
    return record;
  }

  const Source& source_;
  const ReadOptions& options_;
  RowsBuilder builder_;
  Columns columns_;
  std::map<std::string, std::string> stated_;
  std::map<int32_t, int32_t> sequences_;
  int32_t last_sequence_ = -1;
  uint64_t number_ = 0, first_line_ = 0;
  // The choice being read.
  bool started_ = false;
  int32_t turn_ = 0, step_ = 0, layer_ = 0;
  Phase phase_ = Phase::unknown;
  std::optional<int32_t> token_;
  std::vector<int32_t> ids_;
  std::vector<float> weights_;
};

}  // namespace

bool accepts_route_csv(const Source& source, const ReadOptions&) {
  const std::string_view text = source.text();
  if (text.starts_with("# route_trace")) return true;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line.front() == '#') continue;
    return line.size() < 4096 && line.find(',') != line.npos && line.front() != '{' &&
           line.front() != '[' && line.find("layer") != line.npos;
  }
  return false;
}

Record read_route_csv(const Source& source, const ReadOptions& options) {
  return CsvTrace(source, options).read();
}

}  // namespace rg::logs
