#include "certificates/key_class.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "certificates/enclosure.h"

namespace rg::certificates {
namespace {

double difference_length(const Matrix& gram, uint32_t i, uint32_t j) {
  return std::sqrt(std::max(0.0, gram(i, i) + gram(j, j) - 2 * gram(i, j)));
}

}  // namespace

KeyClass::KeyClass(const Matrix& keys, const Matrix& inverse, const Matrix& router, Column x0,
                   std::vector<uint32_t> set)
    : keys_(keys), inverse_(inverse), x0_(std::move(x0)), set_(std::move(set)) {
  hidden_ = kernel_part(keys_, inverse_, x0_);
  logits_ = router * x0_;
  hidden_logits_ = router * hidden_;
  hidden_router_ = kernel_rows(keys_, inverse_, router);
  hidden_gram_ = hidden_router_ * hidden_router_.transpose();
  gram_ = router * router.transpose();
  hidden_length_ = hidden_.norm();
}

template <typename F>
void KeyClass::for_each_pair(const F& f) const {
  for (const uint32_t i : set_) {
    for (uint32_t j = 0; j < logits_.size(); ++j) {
      if (!std::binary_search(set_.begin(), set_.end(), j)) f(i, j);
    }
  }
}

KeyClass::Pair KeyClass::pair(uint32_t inside, uint32_t outside) const {
  const double hidden = hidden_logits_(inside) - hidden_logits_(outside);
  return {.reach = difference_length(hidden_gram_, inside, outside) * hidden_length_,
          .seen = logits_(inside) - logits_(outside) - hidden,
          .hidden = hidden};
}

// Turning P x0 by an angle makes g' x as small as g' (I - P) x0 - |P g| |P x0|.
std::optional<Turn> KeyClass::smallest_turn(double push) const {
  std::optional<Turn> smallest;
  for_each_pair([&](uint32_t i, uint32_t j) {
    const Pair at = pair(i, j);
    if (!(at.seen + push * at.reach < at.reach)) return;
    const double from = std::acos(std::clamp(at.hidden / at.reach, -1.0, 1.0));
    const double rotation = std::acos(std::max(-1.0, -at.seen / at.reach - push)) - from;
    if (!smallest || rotation < smallest->rotation) smallest = Turn{i, j, rotation};
  });
  return smallest;
}

std::optional<Column> KeyClass::turned(const Turn& turn) const {
  const Column first = hidden_ / hidden_length_;
  Column away = hidden_router_.row(turn.outside) - hidden_router_.row(turn.inside);
  const double before = away.norm();
  away -= first * first.dot(away);
  away -= first * first.dot(away);
  if (!(away.norm() > 1e-12 * before)) return std::nullopt;
  away.normalize();
  const Column hidden =
      hidden_length_ * (std::cos(turn.rotation) * first + std::sin(turn.rotation) * away);
  // The keys and the length of x0 again.
  Column x = x0_ - hidden_ + hidden;
  for (int step = 0; step < 2; ++step) {
    const Column apart = keys_ * x - keys_ * x0_;
    x -= keys_.transpose() * (inverse_ * apart);
    const double longer = (x - x0_).dot(x + x0_);
    x -= hidden * (longer / (2 * hidden.squaredNorm()));
  }
  return x;
}

Column KeyClass::hidden(const Column& x) const { return kernel_part(keys_, inverse_, x); }

double KeyClass::determined_share() const {
  double pairs = 0, determined = 0;
  for_each_pair([&](uint32_t i, uint32_t j) {
    const Pair at = pair(i, j);
    ++pairs;
    if (!(at.seen < at.reach)) ++determined;
  });
  return determined / pairs;
}

double KeyClass::rotation(const Column& x) const {
  const Column from = hidden_ / hidden_length_, to = hidden(x).normalized();
  return 2 * std::atan2((to - from).norm(), (to + from).norm());
}

double KeyClass::relative_radius() const {
  double least = std::numeric_limits<double>::infinity();
  for_each_pair([&](uint32_t i, uint32_t j) {
    const double size = difference_length(gram_, i, j);
    if (size > 0) least = std::min(least, (logits_(i) - logits_(j)) / size);
  });
  return least / x0_.norm();
}

double KeyClass::visibility(uint32_t i, uint32_t j) const {
  return difference_length(gram_, i, j) / difference_length(hidden_gram_, i, j);
}

}  // namespace rg::certificates
