// The recurrence of linear attention against the same loops in fp64.
#include "kernels/recurrence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/random_values.h"
#include "tensor/buffer.h"

namespace rg::kernels {
namespace {

struct Case {
  size_t tokens, keys, values;
  bool decay_per_key, delta_rule;
};

struct Inputs {
  explicit Inputs(const Case& of)
      : query(random_normal(of.tokens * of.keys, 0.3f, 1)),
        key(random_normal(of.tokens * of.keys, 0.3f, 2)),
        value(random_normal(of.tokens * of.values, 1.0f, 3)),
        decay(random_normal(of.tokens * (of.decay_per_key ? of.keys : 1), 0.1f, 4)),
        beta(random_normal(of.tokens, 0.2f, 5)) {
    for (float& factor : decay) factor = 1 / (1 + factor * factor);
    for (float& factor : beta) factor = std::abs(factor);
  }
  std::vector<float> query, key, value, decay, beta;
};

std::vector<double> reference(const Case& of, const Inputs& in) {
  std::vector<double> state(of.keys * of.values), out;
  for (size_t t = 0; t < of.tokens; ++t) {
    for (size_t i = 0; i < of.keys; ++i) {
      const double factor = in.decay[of.decay_per_key ? t * of.keys + i : t];
      for (size_t j = 0; j < of.values; ++j) state[i * of.values + j] *= factor;
    }
    for (size_t j = 0; j < of.values; ++j) {
      double delta = in.value[t * of.values + j], seen = 0, read = 0;
      for (size_t i = 0; i < of.keys; ++i) {
        seen += state[i * of.values + j] * in.key[t * of.keys + i];
      }
      if (of.delta_rule) delta = in.beta[t] * (delta - seen);
      for (size_t i = 0; i < of.keys; ++i) {
        state[i * of.values + j] += in.key[t * of.keys + i] * delta;
        read += state[i * of.values + j] * in.query[t * of.keys + i];
      }
      out.push_back(read);
    }
  }
  return out;
}

class RecurrenceTest : public testing::TestWithParam<Case> {};

TEST_P(RecurrenceTest, EqualsTheLoopsInFp64) {
  const Case& of = GetParam();
  const Inputs in(of);
  const std::vector<double> expected = reference(of, in);
  Buffer<float> scratch(recurrence_scratch(of.tokens, of.keys));
  std::vector<float> out(in.value.size());
  Recurrence recurrence = {.tokens = of.tokens,
                           .keys = of.keys,
                           .values = of.values,
                           .query = in.query.data(),
                           .key = in.key.data(),
                           .key_stride = of.keys,
                           .decay = in.decay.data(),
                           .decay_per_key = of.decay_per_key,
                           .beta = of.delta_rule ? in.beta.data() : nullptr,
                           .value = in.value.data(),
                           .out = out.data(),
                           .value_stride = of.values};
  run_recurrence(recurrence, scratch.data());
  for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], expected[i], 2e-5) << i;

  // In place of the values, and what the scratch held before doesn't matter.
  std::vector<float> in_place = in.value;
  recurrence.value = recurrence.out = in_place.data();
  run_recurrence(recurrence, scratch.data());
  EXPECT_EQ(in_place, out);
}

INSTANTIATE_TEST_SUITE_P(Shapes, RecurrenceTest,
                         testing::Values(Case{1, 1, 1, false, true}, Case{5, 3, 7, true, true},
                                         Case{5, 3, 7, false, false},
                                         Case{40, 64, 130, false, true},
                                         Case{40, 128, 64, true, true},
                                         Case{40, 128, 80, false, false}));

}  // namespace
}  // namespace rg::kernels
