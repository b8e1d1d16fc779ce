// From choices in any order (one per token and layer) to a record: rows are joined over layers by
// sequence and position. Where one layer has a (sequence, position) several times, as monkeypatches
// that restart their count write them, the n-th of one layer belongs to the n-th of another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "logs/record.h"

namespace rg::logs {

struct Choice {
  int layer;
  std::optional<int32_t> sequence;  // none: a new one where the position doesn't go up
  std::optional<int32_t> position;  // none: counted within the layer and sequence
  std::optional<int32_t> token;
  Phase phase = Phase::unknown;
  std::span<const int32_t> ids;
  std::span<const float> weights;  // as many as ids, or none
  std::span<const float> logits;   // of any length, or none
};

class RowsBuilder {
 public:
  explicit RowsBuilder(std::string file) : file_(std::move(file)) {}

  // `place` ("line 12") is for messages. LG005 if the number of ids, weights or logits differs from
  // the rows before, LG010 beyond the limits.
  void add(const Choice& choice, const std::string& place);
  bool empty() const { return layers_.empty(); }

  // LG008 where layers have so few rows in common that joining them would mostly make holes.
  Record finish();

 private:
  struct Layer {
    std::vector<int32_t> sequence, position, token;
    std::vector<Phase> phase;
    std::vector<int32_t> ids;
    std::vector<float> weights, logits;
    int32_t implied = 0;        // sequence where none is stated
    std::vector<int32_t> next;  // by sequence: the position where none is stated
    size_t rows() const { return sequence.size(); }
  };
  void join(Record& record);
  void take_aligned(Record& record);

  std::string file_;
  std::map<int, Layer> layers_;
  std::vector<int> order_;  // layers by first appearance
  uint32_t k_ = 0, logit_columns_ = 0;
  bool any_weights_ = false, any_tokens_ = false, positions_stated_ = false;
};

}  // namespace rg::logs
