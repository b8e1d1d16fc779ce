#include <algorithm>
#include <array>

#include "logs/readers/reader.h"

namespace rg::logs {
namespace {

struct FieldRow {
  Field field;
  std::string_view name;
  std::vector<std::string> usual;  // names of writers that were looked at, best first
};

const std::array<FieldRow, 8>& field_rows() {
  static const std::array<FieldRow, 8> rows = {{
      {Field::ids,
       "ids",
       {"topk_ids", "routed_experts", "selected_experts", "topk_experts", "topk_indices",
        "topk_idx", "top_k_index", "router_indices", "expert_ids", "expert_indices", "experts",
        "ids", "indices"}},
      {Field::weights,
       "weights",
       {"topk_weights", "routing_weights", "topk_scores", "selected_probs", "expert_weights",
        "top_k_weights", "weights", "gate_weights"}},
      {Field::logits, "logits", {"router_logits", "gate_logits", "logits"}},
      {Field::layer, "layer", {"layer", "layer_idx", "layer_id", "layer_index"}},
      {Field::sequence,
       "sequence",
       {"sequence", "req_id", "request_id", "seq_id", "sequence_id", "prompt_id", "sample_id",
        "turn", "batch_id"}},
      {Field::position,
       "position",
       {"position", "token_idx", "pos", "token_index", "token_pos", "step"}},
      {Field::token, "token", {"tokens", "token", "token_id", "input_ids", "input_id"}},
      {Field::phase, "phase", {"phase", "stage"}},
  }};
  return rows;
}

const FieldRow& row_of(Field field) { return field_rows()[static_cast<size_t>(field)]; }

}  // namespace

std::string_view name(Field field) noexcept { return row_of(field).name; }

std::optional<Field> field_from_name(std::string_view name) noexcept {
  for (const FieldRow& row : field_rows()) {
    if (row.name == name) return row.field;
  }
  return std::nullopt;
}

std::string field_list() {
  std::string list;
  for (const FieldRow& row : field_rows()) {
    if (!list.empty()) list += ", ";
    list += row.name;
  }
  return list;
}

std::vector<std::string> names_of(Field field, const ReadOptions& options) {
  const auto declared = options.fields.find(std::string(name(field)));
  if (declared != options.fields.end()) return {declared->second};
  return row_of(field).usual;
}

const Array* find_array(std::span<const Array> arrays, const std::vector<std::string>& names) {
  for (const std::string& wanted : names) {
    for (const Array& array : arrays) {
      if (array.name == wanted) return &array;
    }
  }
  return nullptr;
}

}  // namespace rg::logs
