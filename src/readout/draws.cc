#include "readout/draws.h"

#include "base/error.h"
#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::readout {
namespace {

uint32_t layer_word(const Source& source, Draw draw) {
  check_internal(source.layer < 1u << 28, "layer of a readout's draws");
  return source.layer << 4 | static_cast<uint32_t>(draw);
}

}  // namespace

double normal_draw(const Source& source, Draw draw, uint32_t index, uint32_t number) {
  const uint32_t word = draw_word(source.seed, Purpose::readout,
                                  {.i = index, .j = number, .layer = layer_word(source, draw)}, 0);
  return stats::normal_quantile((word + 0.5) * 0x1p-32);
}

std::vector<uint32_t> shuffled(const Source& source, Draw draw, uint32_t n, uint32_t number) {
  return draw_subset(n, n, source.seed, Purpose::readout, number, layer_word(source, draw));
}

}  // namespace rg::readout
