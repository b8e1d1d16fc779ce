// `trace --log`: what the gates chose as a routing log, the form that `import` writes. Held in
// memory until the pass is over: 8 bytes per token, layer and chosen expert.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "logs/record.h"
#include "model/model.h"
#include "tap/tap.h"

namespace rg::app {

class TraceLogObserver : public tap::Observer {
 public:
  // `set`: sequences of equal length; `layers` ascending.
  TraceLogObserver(const model::Model& model, const std::string& name, const tap::SequenceSet& set,
                   const std::vector<int>& layers);

  tap::Needs needs() const override;
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;

  // routing.safetensors and routing.json. IO errors.
  void write(const std::filesystem::path& folder) const;

 private:
  std::array<const tap::SequenceSet*, 1> sets_;
  logs::Record record_;
};

}  // namespace rg::app
