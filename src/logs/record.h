// A routing log in memory: which experts each token was given at each MoE layer. Every reader fills
// this one form, every check looks at it, and agreement and replay start from it.
//
// A row is one token of one sequence; all layers have the same rows. A layer is named by its index
// in the model, never by its place in a list: models with dense or hash-routed layers leave holes.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace rg::logs {

inline constexpr uint32_t kMaxLayers = 1024;
inline constexpr uint32_t kMaxColumns = 1024;  // k of a row
inline constexpr uint64_t kMaxRows = uint64_t{1} << 31;

// The id in every column of a row that a layer has no choice for. A row with this id in some
// columns only is a fault of the log.
inline constexpr int32_t kAbsent = -1;

enum class Phase : uint8_t { unknown, prefill, decode };
std::string_view name(Phase phase) noexcept;  // "prefill"

// What a writer called router logits: as they left the router, after the score function, or the
// weights of the chosen experts in a row of zeros (transformers: raw in 5.24, probabilities in 5.0,
// a table of weights in GPT-OSS of 4.57).
enum class LogitsKind : uint8_t { raw, probabilities, weights };
std::string_view name(LogitsKind kind) noexcept;

struct LayerLog {
  int layer = 0;                    // index in the model
  std::vector<int32_t> ids = {};    // (rows,k) in the writer's order
  std::vector<float> weights = {};  // (rows,k), or empty
  std::vector<float> logits = {};   // (rows,logit_columns), or empty
};

struct SourceFile {
  std::string name;    // without folders
  std::string sha256;  // of the whole file
};

// A run of rows, both ends included.
struct RowRange {
  uint32_t first, last;
  bool operator==(const RowRange&) const = default;
};

struct Record {
  std::string model = {};   // as the log or the caller names it; may be empty
  std::string format = {};  // the reader's name
  std::vector<SourceFile> sources = {};
  std::map<std::string, std::string> stated = {};  // what the writer says of itself: "arch"
  uint32_t rows = 0;
  uint32_t k = 0;
  uint32_t experts = 0;        // E as the log states or shows it (columns of logits); 0: unknown
  uint32_t logit_columns = 0;  // of every layer that has logits
  std::optional<uint32_t> stated_k = {};  // k as a header of the log states it
  std::vector<LayerLog> layers = {};      // ascending by index
  std::vector<int32_t> tokens = {};       // (rows) token ids, or empty
  std::vector<int32_t> sequence = {};     // (rows) from 0, by first appearance
  std::vector<int32_t> position = {};     // (rows) within the sequence
  std::vector<Phase> phase = {};          // (rows)
  bool positions_stated = false;          // by the writer; else counted by the reader
  float weight_epsilon = std::numeric_limits<float>::epsilon();  // of the weights' storage
  LogitsKind logits_kind = LogitsKind::raw;
  bool ids_from_logits = false;  // the reader's top k: says nothing about the recorder
  // Tokens of each sequence, and how many of them are the prompt, where the log says so: an engine
  // computes no routing for the last token that it generates.
  std::vector<uint32_t> sequence_tokens = {}, sequence_prompt = {};
  Json gate = nullptr;             // gate semantics, where known (gate/profile.h)
  std::vector<std::string> notes;  // what the reader assumed or left out, whole sentences
  Json checks = nullptr;           // what the checks found, where they ran
  std::vector<RowRange> left_out;  // rows of the source that were removed (--clean)

  const LayerLog* find(int layer) const noexcept;  // null if the log has none
  std::span<const int32_t> ids(const LayerLog& log, size_t row) const {
    return {log.ids.data() + row * k, k};
  }
  bool has_weights() const noexcept;
  uint32_t sequences() const noexcept;  // largest sequence + 1
};

// Whether a layer has a choice for this row.
inline bool recorded(std::span<const int32_t> ids) noexcept {
  for (const int32_t id : ids) {
    if (id != kAbsent) return true;
  }
  return false;
}

// Rows grouped by sequence, in file order within each: rows of sequence s are order[first[s]] ..
// order[first[s + 1] - 1].
struct SequenceRows {
  std::vector<uint32_t> first, order;
};
SequenceRows rows_by_sequence(const Record& record);

// Numbers from 0 in place of any others, by first appearance.
void number_by_appearance(std::vector<int32_t>& sequence);

// The record without these rows (ascending, disjoint).
Record without_rows(const Record& record, std::span<const RowRange> rows);

// Checks that every array has its length; RT070 otherwise. Readers end with it.
void check_shapes(const Record& record);

// Numbers as ranges: 3, 4, 5, 9 as 3-5, 9. Ascending.
std::vector<RowRange> ranges_of(std::span<const uint32_t> rows);
uint64_t count_rows(std::span<const RowRange> rows);
// Ascending, disjoint: the union of both.
std::vector<RowRange> merged(std::vector<RowRange> a, std::span<const RowRange> b);

}  // namespace rg::logs
