#include "stream/ledger.h"

namespace rg::stream {

Ledger::Ledger(const tap::Needs& needs, bool lone_mixers, uint32_t width, kernels::Compute compute,
               uint64_t rows, uint64_t output_rows) {
  const uint64_t wide = uint64_t{width} * sizeof(float), narrow = width * compute_bytes(compute);
  const auto list = [&](Stored what, const char* name, uint64_t stored_rows, uint64_t row_bytes,
                        int spill_order) {
    lines_.push_back({what, name, stored_rows, row_bytes, spill_order, Place::memory});
  };
  // What is read and written least often per layer is spilled first.
  list(Stored::residual, "residual stream", rows, wide, 3);
  list(Stored::updates, "updates of the MoE branch", rows, wide, 5);
  list(Stored::gate_inputs, "gate inputs", rows, narrow, 4);
  if (needs.parts) {
    list(Stored::attention_sum, "attention and expert sums", rows, wide, 2);
    list(Stored::expert_sum, "attention and expert sums", rows, wide, 2);
  }
  if (lone_mixers) {
    list(Stored::lone_mixers, "mixers of layers without experts", rows, wide, 2);
  }
  if (needs.expert_outputs) {
    list(Stored::outputs, "expert outputs kept for pairs", output_rows, wide, 1);
  }
}

void Ledger::spill_up_to(int order) {
  for (StoreLine& line : lines_) {
    line.place = line.spill_order <= order ? Place::spilled : Place::memory;
  }
}

uint64_t Ledger::spilled_bytes() const {
  uint64_t bytes = 0;
  for (const StoreLine& line : lines_) bytes += line.place == Place::spilled ? line.bytes() : 0;
  return bytes;
}

RowStore Ledger::allocate(Stored what, ScratchFile* spill) const {
  for (const StoreLine& line : lines_) {
    if (line.what == what) return RowStore(line.rows, line.row_bytes, line.place, spill);
  }
  return {};
}

}  // namespace rg::stream
