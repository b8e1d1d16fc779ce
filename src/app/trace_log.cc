#include "app/trace_log.h"

#include <algorithm>

#include "gate/profile.h"
#include "lab/version.h"
#include "logs/record_file.h"

namespace rg::app {

TraceLogObserver::TraceLogObserver(const model::Model& model, const std::string& name,
                                   const tap::SequenceSet& set, const std::vector<int>& layers)
    : sets_{&set} {
  record_.model = name;
  record_.format = "trace";
  record_.rows = static_cast<uint32_t>(set.rows());
  record_.k = model.gate().top_k;
  record_.experts = model.gate().experts;
  record_.stated_k = record_.k;
  record_.tokens = set.ids;
  record_.positions_stated = true;
  record_.phase.assign(set.rows(), logs::Phase::prefill);
  record_.gate = gate::gate_profile(model.gate());
  for (size_t s = 0; s < set.sequences(); ++s) {
    for (uint32_t i = 0; i < set.lengths[s]; ++i) {
      record_.sequence.push_back(static_cast<int32_t>(s));
      record_.position.push_back(static_cast<int32_t>(i));
    }
  }
  const size_t cells = set.rows() * record_.k;
  for (const int layer : layers) {
    record_.layers.push_back({.layer = layer,
                              .ids = std::vector<int32_t>(cells),
                              .weights = std::vector<float>(cells),
                              .logits = {}});
  }
}

tap::Needs TraceLogObserver::needs() const {
  tap::Needs needs;
  const uint64_t cells = uint64_t{record_.rows} * record_.k * record_.layers.size();
  needs.held_bytes = cells * (sizeof(int32_t) + sizeof(float));
  return needs;
}

void TraceLogObserver::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const auto at = std::find_if(record_.layers.begin(), record_.layers.end(),
                               [&](const logs::LayerLog& log) { return log.layer == view.layer; });
  if (at == record_.layers.end()) return;
  const size_t k = record_.k;
  for (size_t row = 0; row < block.rows; ++row) {
    const size_t to = (block.first_row + row) * k;
    std::copy_n(block.ranked + row * (k + 1), k, at->ids.begin() + static_cast<ptrdiff_t>(to));
    std::copy_n(block.weights + row * k, k, at->weights.begin() + static_cast<ptrdiff_t>(to));
  }
}

void TraceLogObserver::write(const std::filesystem::path& folder) const {
  logs::write_record(record_, folder, lab::version_text());
}

}  // namespace rg::app
