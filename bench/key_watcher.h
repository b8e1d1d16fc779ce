// An observer that is shown every query, key and value and does nothing: what the tap itself costs.
#pragma once

#include "tap/tap.h"

namespace rg::bench {

class KeyWatcher final : public tap::Observer {
 public:
  explicit KeyWatcher(const tap::SequenceSet& set) : set_(&set) {}

  tap::Needs needs() const override {
    tap::Needs needs;
    needs.keys = true;
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }

 private:
  const tap::SequenceSet* set_;
};

}  // namespace rg::bench
