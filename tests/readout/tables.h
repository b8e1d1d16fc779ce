// Planted tables for the tests of this floor: features, logits made of them, documents.
#pragma once

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "gate/support.h"
#include "readout/evaluate.h"
#include "theorems/draws.h"
#include "theorems/tensors.h"

namespace rg::readout {

inline std::vector<float> to_floats(const theorems::Tensor& tensor) {
  std::vector<float> out;
  for (Eigen::Index i = 0; i < tensor.size(); ++i) {
    out.push_back(static_cast<float>(tensor.data()[i]));
  }
  return out;
}

inline std::vector<uint32_t> all_rows(size_t count) {
  std::vector<uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0u);
  return rows;
}

// Features (n, d) and logits (n, E) of one gate, cut into documents of equal length.
struct Table {
  gate::GateSpec spec;
  std::vector<float> features, logits, bias;
  uint32_t width;
  std::vector<uint32_t> documents;
  std::vector<Part> parts;

  Table(const gate::GateSpec& gate_spec, const theorems::Tensor& rows,
        const theorems::Tensor& made_logits, uint32_t rows_per_document, uint64_t seed = 1)
      : spec(gate_spec),
        features(to_floats(rows)),
        logits(to_floats(made_logits)),
        bias(gate_spec.selection_bias ? gate_spec.experts.value : 0u, 0.0f),
        width(static_cast<uint32_t>(rows.cols())) {
    for (Eigen::Index n = 0; n < rows.rows(); ++n) {
      documents.push_back(static_cast<uint32_t>(n) / rows_per_document);
    }
    parts = split_documents(documents.back() + 1, {}, seed);
  }

  Gate gate() const { return {.spec = spec, .selection_bias = bias, .scale_per_expert = {}}; }
  FeatureRows rows() const { return {.values = features, .width = width}; }
};

// A table with its routes and what the evaluation takes.
struct Planted {
  Table table;
  Gate gate;
  Routes routes;
  explicit Planted(Table made)
      : table(std::move(made)), gate(table.gate()), routes(routes_of(gate, table.logits)) {}
  Planted(const Planted&) = delete;
  Experiment experiment() const {
    return {
        .gate = gate, .routes = routes, .document_of_row = table.documents, .parts = table.parts};
  }
};

inline ScoreSums total_of(const std::vector<DocumentScores>& scores) {
  ScoreSums sum;
  for (const DocumentScores& document : scores) sum += document.total();
  return sum;
}
inline double mean_overlap(const std::vector<DocumentScores>& scores) {
  const ScoreSums sum = total_of(scores);
  return sum.overlap / sum.rows;
}
inline double r_squared(const std::vector<DocumentScores>& scores) {
  const ScoreSums sum = total_of(scores);
  return 1 - sum.error / sum.energy;
}

inline MlpOptions small_mlp(int threads = 2) {
  MlpOptions options;
  options.hidden = 64;
  options.batch = 128;
  options.threads = threads;
  return options;
}

}  // namespace rg::readout
