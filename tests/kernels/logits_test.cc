// Log-normaliser, entropies and divergence against plain formulas in long double, at lengths around
// the vector widths and for logits of every shape.
#include "kernels/logits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/random_values.h"

namespace rg::kernels {
namespace {

constexpr size_t kRowLengths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 100, 1000, 50'304, 50'257};
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
// Of values up to a few hundred, in long double's exact or nearly exact arithmetic.
constexpr double kClose = 2e-13;

using Row = std::vector<float>;

long double log_total(const Row& x) {
  const long double peak = *std::max_element(x.begin(), x.end());
  long double sum = 0;
  for (const float v : x) sum += std::exp(v - peak);
  return peak + std::log(sum);
}

LogitFacts plain_facts(const Row& x) {
  const long double total = log_total(x);
  long double entropy = 0, squares = 0, collisions = 0;
  for (const float v : x) {
    const long double log_p = v - total, p = std::exp(log_p);
    if (p == 0) continue;
    entropy -= p * log_p;
    collisions += p * p;
  }
  for (const float v : x) {
    const long double log_p = v - total, p = std::exp(log_p);
    if (p > 0) squares += p * (log_p + entropy) * (log_p + entropy);
  }
  return {.log_total = static_cast<double>(total),
          .entropy = static_cast<double>(entropy),
          .varentropy = static_cast<double>(squares),
          .collision_entropy = static_cast<double>(-std::log(collisions))};
}

double plain_divergence(const Row& x, const Row& y) {
  const long double total_x = log_total(x), total_y = log_total(y);
  long double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const long double log_p = x[i] - total_x, p = std::exp(log_p);
    if (p > 0) sum += p * (log_p - (y[i] - total_y));
  }
  return static_cast<double>(sum);
}

void expect_facts(const Row& x, const std::string& what) {
  const LogitFacts found = logit_facts(x.data(), x.size());
  const LogitFacts expected = plain_facts(x);
  const auto near = [](double value) { return kClose * std::max(1.0, std::abs(value)); };
  EXPECT_NEAR(found.log_total, expected.log_total, near(expected.log_total)) << what;
  EXPECT_NEAR(found.entropy, expected.entropy, near(expected.entropy)) << what;
  // A difference of two squares: what it loses grows with them.
  EXPECT_NEAR(found.varentropy, expected.varentropy,
              near(expected.varentropy + expected.entropy * expected.entropy))
      << what;
  EXPECT_NEAR(found.collision_entropy, expected.collision_entropy, near(expected.entropy)) << what;
  EXPECT_GE(found.varentropy, 0) << what;
  EXPECT_GE(found.collision_entropy, 0) << what;
}

void expect_divergence(const Row& x, const Row& y, const std::string& what) {
  const double expected = plain_divergence(x, y);
  const double found = kl_divergence(x.data(), y.data(), x.size());
  EXPECT_NEAR(found, expected, kClose * std::max(1.0, expected)) << what;
  EXPECT_GE(found, 0) << what;
}

TEST(Logits, RandomRowsEqualTheFormulas) {
  for (const size_t n : kRowLengths) {
    for (const float deviation : {0.01f, 1.0f, 8.0f, 60.0f}) {
      const Row x = random_normal(n, deviation, n), y = random_normal(n, deviation, n + 1);
      const std::string what = std::to_string(n) + " of " + std::to_string(deviation);
      expect_facts(x, what);
      expect_divergence(x, y, what);
    }
  }
}

TEST(Logits, EqualLogitsAreUniform) {
  for (const size_t n : kRowLengths) {
    for (const float level : {0.0f, -3e4f, 1e30f}) {
      const Row x(n, level);
      const LogitFacts found = logit_facts(x.data(), n);
      EXPECT_NEAR(found.entropy, std::log(static_cast<double>(n)), 1e-14);
      EXPECT_NEAR(found.collision_entropy, found.entropy, 1e-14);
      EXPECT_EQ(found.varentropy, 0);
      EXPECT_EQ(kl_divergence(x.data(), x.data(), n), 0);
    }
  }
}

TEST(Logits, OneHugeLogitIsCertain) {
  for (const size_t n : kRowLengths) {
    Row x = random_normal(n, 1.0f, 7 * n);
    for (const size_t at : {size_t{0}, n / 2, n - 1}) {
      Row certain = x;
      certain[at] = 1e6f;
      const LogitFacts found = logit_facts(certain.data(), n);
      EXPECT_EQ(found.log_total, 1e6);
      EXPECT_EQ(found.entropy, 0);
      EXPECT_EQ(found.varentropy, 0);
      EXPECT_EQ(found.collision_entropy, 0);
      // All of p is where q has exp(y - log_total).
      EXPECT_NEAR(kl_divergence(certain.data(), x.data(), n),
                  logit_facts(x.data(), n).log_total - x[at], 1e-13);
    }
  }
}

TEST(Logits, ALargeSpreadEqualsTheFormulas) {
  for (const size_t n : kRowLengths) {
    Row x = random_normal(n, 1e3f, 3 * n), y = random_normal(n, 30.0f, 3 * n + 1);
    expect_facts(x, std::to_string(n));
    expect_divergence(x, y, std::to_string(n));
    std::reverse(y.begin(), y.end());
    expect_divergence(y, x, std::to_string(n));
  }
}

TEST(Logits, SmallDivergencesAreNotLost) {
  for (const size_t n : {size_t{100}, size_t{50'257}}) {
    const Row x = random_normal(n, 3.0f, n);
    Row y = x;
    for (size_t i = 0; i < n; i += 2) y[i] += 1e-4f;
    const double expected = plain_divergence(x, y);
    EXPECT_GT(expected, 1e-10);
    EXPECT_NEAR(kl_divergence(x.data(), y.data(), n), expected, 1e-14);
    EXPECT_EQ(kl_divergence(x.data(), x.data(), n), 0);
  }
}

TEST(Logits, AMaskedEntryHasNoProbability) {
  for (const size_t n : kRowLengths) {
    const Row x = random_normal(n, 2.0f, 5 * n);
    Row masked = x;
    for (size_t i = 1; i < n; i += 3) masked[i] = -kInf;
    Row kept;
    for (size_t i = 0; i < n; ++i) {
      if (masked[i] != -kInf) kept.push_back(x[i]);
    }
    const LogitFacts found = logit_facts(masked.data(), n);
    const LogitFacts expected = plain_facts(kept);
    EXPECT_NEAR(found.log_total, expected.log_total, kClose);
    EXPECT_NEAR(found.entropy, expected.entropy, kClose);
    EXPECT_NEAR(found.varentropy, expected.varentropy, kClose);
    EXPECT_NEAR(found.collision_entropy, expected.collision_entropy, kClose);
    const double divergence = kl_divergence(masked.data(), x.data(), n);
    EXPECT_NEAR(divergence, plain_facts(x).log_total - expected.log_total, kClose);
    if (n > 1) {
      EXPECT_EQ(kl_divergence(x.data(), masked.data(), n), kInf);
    }
    EXPECT_EQ(kl_divergence(masked.data(), masked.data(), n), 0);
  }
}

TEST(Logits, AnUndefinedSoftmaxIsNotANumber) {
  for (const size_t n : kRowLengths) {
    const Row sound = random_normal(n, 2.0f, n);
    for (const float bad : {kNotANumber, kInf, -kInf}) {
      for (const size_t at : {size_t{0}, n - 1}) {
        Row x = sound;
        x[at] = bad;
        if (bad == -kInf) x.assign(n, bad);
        const LogitFacts found = logit_facts(x.data(), n);
        EXPECT_TRUE(std::isnan(found.log_total)) << n << " " << bad;
        EXPECT_TRUE(std::isnan(found.entropy)) << n << " " << bad;
        EXPECT_TRUE(std::isnan(found.varentropy)) << n << " " << bad;
        EXPECT_TRUE(std::isnan(found.collision_entropy)) << n << " " << bad;
        EXPECT_TRUE(std::isnan(kl_divergence(x.data(), sound.data(), n))) << n << " " << bad;
        EXPECT_TRUE(std::isnan(kl_divergence(sound.data(), x.data(), n))) << n << " " << bad;
      }
    }
  }
}

TEST(Logits, ARowsBitsDontDependOnItsPlaceInMemory) {
  const size_t n = 1003;
  const Row x = random_normal(n, 3.0f, 1), y = random_normal(n, 3.0f, 2);
  const LogitFacts first = logit_facts(x.data(), n);
  const double divergence = kl_divergence(x.data(), y.data(), n);
  for (size_t offset = 1; offset < 8; ++offset) {
    Row moved_x(n + offset), moved_y(n + offset);
    std::copy(x.begin(), x.end(), moved_x.begin() + static_cast<std::ptrdiff_t>(offset));
    std::copy(y.begin(), y.end(), moved_y.begin() + static_cast<std::ptrdiff_t>(offset));
    const LogitFacts again = logit_facts(moved_x.data() + offset, n);
    EXPECT_EQ(again.log_total, first.log_total);
    EXPECT_EQ(again.entropy, first.entropy);
    EXPECT_EQ(again.varentropy, first.varentropy);
    EXPECT_EQ(again.collision_entropy, first.collision_entropy);
    EXPECT_EQ(kl_divergence(moved_x.data() + offset, moved_y.data() + offset, n), divergence);
  }
}

TEST(Logits, TheMostProbableIsTheLowestOfEqualsAndNeverANan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& [row, expected] : std::vector<std::pair<Row, size_t>>{
           {{3}, 0}, {{1, 5, 5, 2}, 1}, {{nan, -4, -3, nan}, 2}, {{-2, -1, nan}, 1}}) {
    EXPECT_EQ(most_probable(row.data(), row.size()), expected);
  }
}

}  // namespace
}  // namespace rg::kernels
