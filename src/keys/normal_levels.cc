#include "keys/normal_levels.h"

#include <array>
#include <cmath>

#include "base/error.h"

namespace rg::keys {
namespace {

constexpr std::array kTwoLevels{0.79788456080286535588};  // sqrt(2 / pi)
constexpr std::array kFourLevels{0.45278003463649200941, 1.5104176084990954024};
constexpr std::array kEightLevels{0.24509417894422166819, 0.75600528120587727482,
                                  1.3439092785049998752, 2.1519457045369872853};
constexpr std::array kSixteenLevels{
    0.12839502985114701005, 0.38804829949029019659, 0.65675911853246338086, 0.94234045648696137093,
    1.2562311973471771525,  1.6180463860218826272,  2.0690172265313865796,  2.732589570995163069};

}  // namespace

std::span<const double> normal_levels(uint32_t bits) {
  switch (bits) {
    case 1:
      return kTwoLevels;
    case 2:
      return kFourLevels;
    case 3:
      return kEightLevels;
    case 4:
      return kSixteenLevels;
    default:
      check_internal(false, "1 to 4 bits per coordinate");
      return {};
  }
}

double nearest_level(std::span<const double> positive_levels, double x) noexcept {
  const double size = std::abs(x);
  size_t at = 0;  // the boundaries that x has reached: no branch, since none could be foreseen
  for (size_t i = 1; i < positive_levels.size(); ++i) {
    at += size >= (positive_levels[i - 1] + positive_levels[i]) / 2 ? 1u : 0u;
  }
  return x < 0 ? -positive_levels[at] : positive_levels[at];
}

}  // namespace rg::keys
