#include "certificate_rate.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "certificates/makers.h"
#include "clock.h"
#include "tensor/dtype.h"

namespace rg::bench {
namespace {

constexpr uint32_t kKeys = 512, kWidth = 4096, kExperts = 128, kTop = 8;

float normal(uint32_t i, uint32_t part) {
  const auto uniform = [&](uint32_t attempt) {
    return (draw_word(11, Purpose::audit, {i, part, 0}, attempt) + 0.5) / 4294967296.0;
  };
  return static_cast<float>(std::sqrt(-2 * std::log(uniform(0))) *
                            std::cos(2 * std::numbers::pi * uniform(1)));
}

std::vector<float> weights(uint32_t count, uint32_t part) {
  std::vector<float> out(count);
  for (uint32_t i = 0; i < count; ++i) out[i] = bf16_to_f32(f32_to_bf16(normal(i, part) / 50));
  return out;
}

std::vector<float> gains(uint32_t part) {
  std::vector<float> out(kWidth);
  for (uint32_t i = 0; i < kWidth; ++i) {
    out[i] = bf16_to_f32(f32_to_bf16(std::exp(0.3f * normal(i, part))));
  }
  return out;
}

template <typename Make>
CertificateRate::Level time_level(const certificates::Question& question, const Make& make) {
  const double start = seconds_now();
  const auto made = make();
  check_internal(made.certificate.has_value(), "a random layer has every certificate");
  const double between = seconds_now();
  const std::string fault = certificates::fault_of(question, *made.certificate);
  check_internal(fault.empty(), "a certificate holds");
  const double end = seconds_now();
  const std::string text =
      write_json(certificates::to_json(*made.certificate), JsonLayout::compact);
  return {.make_seconds = between - start, .check_seconds = end - between, .bytes = text.size()};
}

}  // namespace

CertificateRate certificate_rate() {
  const std::vector<float> keys = weights(kKeys * kWidth, 0),
                           router = weights(kExperts * kWidth, 1);
  const std::vector<float> key_gains = gains(2), router_gains = gains(3), x0 = weights(kWidth, 4);
  const std::vector<float> values = weights(kKeys * kWidth, 5),
                           output = weights(kWidth * kWidth, 6);
  const certificates::Question before{
      .keys = {.values = keys, .rows = kKeys, .columns = kWidth, .gains = key_gains},
      .router = {.values = router, .rows = kExperts, .columns = kWidth, .gains = router_gains},
      .top_k = kTop,
      .attention = {}};
  certificates::Question after = before;
  after.attention = certificates::FirstPosition{
      .values = {.values = values, .rows = kKeys, .columns = kWidth, .gains = key_gains},
      .output = {.values = output, .rows = kWidth, .columns = kWidth, .gains = {}},
      .heads = kWidth / 128,
      .kv_heads = kKeys / 128,
      .epsilon = 1e-6};
  const auto exact = [](const certificates::Question& question) {
    return time_level(question, [&] { return certificates::make_exact(question); });
  };
  const auto enclosed = [](const certificates::Question& question) {
    return time_level(question, [&] { return certificates::make_enclosed(question); });
  };
  const auto on_manifold = [&](const certificates::Question& question) {
    return time_level(question, [&] { return certificates::make_on_manifold(question, x0); });
  };
  return {.keys = kKeys,
          .width = kWidth,
          .experts = kExperts,
          .exact = exact(before),
          .enclosed = enclosed(before),
          .on_manifold = on_manifold(before),
          .exact_after = exact(after),
          .enclosed_after = enclosed(after),
          .manifold_after = on_manifold(after)};
}

}  // namespace rg::bench
