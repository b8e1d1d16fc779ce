// The stores of a pass, each said once: rows of all tokens, or of the expert outputs that
// experiments keep, from one step of a layer to the next. The plan adds them up and decides which
// are spilled; the pass allocates them from the same lines.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/product.h"
#include "stream/row_store.h"
#include "tap/tap.h"

namespace rg::stream {

enum class Stored {
  residual,
  updates,
  gate_inputs,
  attention_sum,
  expert_sum,
  lone_mixers,
  outputs,
};

struct StoreLine {
  Stored what;
  const char* name;  // in the plan's table; stores of one name share a line there
  uint64_t rows, row_bytes;
  int spill_order;  // stores are spilled from 1 on; those of one number together
  Place place;

  uint64_t bytes() const { return rows * row_bytes; }
};

class Ledger {
 public:
  static constexpr int kLastToSpill = 5;

  Ledger() = default;
  // All in memory. `rows` of the run, `output_rows` of kept expert outputs; a store that no
  // observer needs isn't listed. `lone_mixers`: whether what layers without experts add is kept.
  Ledger(const tap::Needs& needs, bool lone_mixers, uint32_t width, kernels::Compute compute,
         uint64_t rows, uint64_t output_rows);

  const std::vector<StoreLine>& lines() const { return lines_; }
  // Spills every store whose order is at most `order`.
  void spill_up_to(int order);
  uint64_t spilled_bytes() const;
  // The store of that line; no rows if it isn't listed. `spill` is used by spilled ones.
  RowStore allocate(Stored what, ScratchFile* spill) const;

 private:
  std::vector<StoreLine> lines_;
};

}  // namespace rg::stream
