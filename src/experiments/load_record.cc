#include "experiments/load_record.h"

namespace rg::experiments {

LoadRecord::LoadRecord(size_t layer_count, size_t windows, uint32_t experts, size_t rows)
    : Record(layer_count, windows), layers(layer_count) {
  column(count, experts, {"count", "tokens that select each expert, by expert", ""});
  column(repeat_top1, {"repeat_top1", "positions whose first choice is the one before's", ""});
  column(repeat_any, {"repeat_any", "positions that share an expert with the one before", ""});
  column(with_nan, {"n_nan", "positions with a score that is NaN", ""});
  for (size_t slot = 0; slot < layer_count; ++slot) {
    Layer& layer = layers[slot];
    const size_t square = size_t{experts} * experts;
    keep(layer.total, experts, uint64_t{0});
    keep(layer.pairs, square, uint64_t{0});
    keep(layer.transitions, slot == 0 ? 0 : square, uint64_t{0});
    keep(layer.first_choice, experts, uint64_t{0});
    keep(layer.tokens, experts * kFrequentTokens, TokenCount{});
    keep(layer.specialisation, experts, kNaN);
  }
  keep(before, rows, -1);
}

}  // namespace rg::experiments
