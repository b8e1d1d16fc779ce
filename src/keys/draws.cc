#include "keys/draws.h"

#include "base/error.h"
#include "base/random.h"
#include "linear/decompositions.h"
#include "stats/pinned_math.h"

namespace rg::keys {
namespace {

uint32_t gauge_word(uint32_t index, const Place& place, Draw draw, uint32_t number) {
  check_internal(place.head < 4096 && place.layer < (1u << 20) && number < 65536,
                 "place of a gauge's draws");
  return draw_word(place.seed, Purpose::gauge,
                   {.i = index,
                    .j = static_cast<uint32_t>(draw) << 16 | number,
                    .layer = place.layer << 12 | place.head},
                   0);
}

}  // namespace

std::vector<double> random_signs(uint32_t count, const Place& place, uint32_t number) {
  std::vector<double> out(count);
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = (gauge_word(i, place, Draw::signs, number) & 1u) != 0 ? 1.0 : -1.0;
  }
  return out;
}

double uniform_draw(uint32_t index, const Place& place, Draw draw, uint32_t number) {
  return (gauge_word(index, place, draw, number) + 0.5) * 0x1p-32;
}

double normal_draw(uint32_t index, const Place& place, Draw draw, uint32_t number) {
  return stats::normal_quantile(uniform_draw(index, place, draw, number));
}

linear::Matrix random_rotation(uint32_t width, const Place& place, uint32_t number) {
  linear::Matrix normal(width, width);
  for (uint32_t i = 0; i < width; ++i) {
    for (uint32_t j = 0; j < width; ++j) {
      normal(i, j) = normal_draw(i * width + j, place, Draw::rotation, number);
    }
  }
  linear::Qr qr = linear::qr_of(normal);
  for (uint32_t j = 0; j < width; ++j) {
    if (qr.r(j, j) < 0) qr.q.col(j) = -qr.q.col(j);
  }
  return qr.q;
}

}  // namespace rg::keys
