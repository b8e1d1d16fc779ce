// A checkpoint's outputs against plain formulas, however its positions come in blocks.
#include "experiments/family/output_record.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "experiments/fake_engine.h"
#include "experiments/live_bytes.h"
#include "support/caught.h"

namespace rg::experiments::testing {
namespace {

constexpr float kNanLogit = std::numeric_limits<float>::quiet_NaN();

// Sharp at some rows, flat at others.
std::vector<float> row_of_logits(uint64_t seed, size_t set, size_t row, uint32_t vocabulary) {
  std::vector<float> logits(vocabulary);
  for (uint32_t i = 0; i < vocabulary; ++i) {
    logits[i] = static_cast<float>((1 + double(row % 5)) *
                                   normal(seed, i, static_cast<uint32_t>(row), uint32_t(set)));
  }
  return logits;
}

FakeModel model_with_logits() {
  Shape shape;
  shape.vocabulary = 37;
  shape.seq_len = 12;
  FakeModel model(shape, softmax_spec(8, 2), {});
  model.next_logits = [](size_t set, size_t row) { return row_of_logits(5, set, row, 37); };
  model.reference_logits = [](size_t set, size_t row) { return row_of_logits(6, set, row, 37); };
  return model;
}

void watch(const FakeModel& model, OutputRecord& record, const Feeding& feeding) {
  tap::Observer* const observer = &record;
  run(model, {&observer, 1}, feeding);
}

std::vector<double> log_softmax(const std::vector<float>& logits) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  std::vector<double> log_p;
  for (const float logit : logits) log_p.push_back(logit - std::log(sum));
  return log_p;
}

using Values = std::vector<double>;
Values copy(std::span<const double> values) { return {values.begin(), values.end()}; }

TEST(OutputRecord, EqualsTheFormulasOverTheMeasuredPositions) {
  const FakeModel model = model_with_logits();
  OutputRecord record(&model.sets[0], model.shape.seq_len);
  watch(model, record, {});
  const size_t positions = model.shape.seq_len - 1;
  ASSERT_EQ(record.loss().size(), model.shape.windows);
  ASSERT_EQ(record.log_p().size(), model.shape.windows * positions);
  for (size_t w = 0; w < model.shape.windows; ++w) {
    double loss = 0, kl = 0, entropy = 0, varentropy = 0, collision = 0;
    for (size_t t = 0; t < positions; ++t) {
      const size_t row = w * model.shape.seq_len + t;
      const Values p = log_softmax(model.next_logits(0, row));
      const Values q = log_softmax(model.reference_logits(0, row));
      const double next = p[static_cast<size_t>(model.sets[0].ids[row + 1])];
      EXPECT_NEAR(record.log_p()[w * positions + t], next, 1e-12);
      loss -= next;
      double h = 0, squares = 0, probabilities = 0;
      for (size_t i = 0; i < p.size(); ++i) {
        h -= std::exp(p[i]) * p[i];
        squares += std::exp(p[i]) * p[i] * p[i];
        probabilities += std::exp(2 * p[i]);
        kl += std::exp(p[i]) * (p[i] - q[i]);
      }
      entropy += h;
      varentropy += squares - h * h;
      collision -= std::log(probabilities);
    }
    const auto n = static_cast<double>(positions);
    EXPECT_NEAR(record.loss()[w], loss / n, 1e-12);
    EXPECT_NEAR(record.kl()[w], kl / n, 1e-12);
    EXPECT_NEAR(record.entropy()[w], entropy / n, 1e-12);
    EXPECT_NEAR(record.varentropy()[w], varentropy / n, 1e-12);
    EXPECT_NEAR(record.collision_entropy()[w], collision / n, 1e-12);
  }
}

TEST(OutputRecord, BitsDontDependOnBlocksThreadsOrOrder) {
  const FakeModel model = model_with_logits();
  OutputRecord first(&model.sets[0], model.shape.seq_len);
  watch(model, first, {});
  for (const Feeding& feeding :
       {Feeding{.threads = 1, .logit_rows = 1}, Feeding{.threads = 3, .logit_rows = 12},
        Feeding{.threads = 2, .backwards = true, .logit_rows = 11}}) {
    OutputRecord again(&model.sets[0], model.shape.seq_len);
    watch(model, again, feeding);
    EXPECT_EQ(copy(again.loss()), copy(first.loss()));
    EXPECT_EQ(copy(again.kl()), copy(first.kl()));
    EXPECT_EQ(copy(again.entropy()), copy(first.entropy()));
    EXPECT_EQ(copy(again.varentropy()), copy(first.varentropy()));
    EXPECT_EQ(copy(again.collision_entropy()), copy(first.collision_entropy()));
    EXPECT_EQ(copy(again.log_p()), copy(first.log_p()));
  }
}

TEST(OutputRecord, WithoutAReferenceThereIsNoDivergence) {
  FakeModel model = model_with_logits();
  model.reference_logits = nullptr;
  OutputRecord record(&model.sets[0], model.shape.seq_len);
  watch(model, record, {});
  EXPECT_TRUE(record.kl().empty());
  EXPECT_EQ(record.loss().size(), model.shape.windows);
  EXPECT_GT(record.loss()[0], 0);
}

TEST(OutputRecord, AnUndefinedPositionLeavesItsWindowUndefinedAlone) {
  FakeModel model = model_with_logits();
  const size_t length = model.shape.seq_len;
  model.next_logits = [=](size_t set, size_t row) {
    std::vector<float> logits = row_of_logits(5, set, row, 37);
    if (row == 3 * length + 4) logits[1] = kNanLogit;         // in window 3
    if (row == 6 * length - 1) logits.assign(37, kNanLogit);  // no position: the last token
    return logits;
  };
  OutputRecord record(&model.sets[0], model.shape.seq_len);
  watch(model, record, {});
  for (size_t w = 0; w < model.shape.windows; ++w) {
    EXPECT_EQ(std::isnan(record.loss()[w]), w == 3) << w;
    EXPECT_EQ(std::isnan(record.kl()[w]), w == 3) << w;
    EXPECT_EQ(std::isnan(record.entropy()[w]), w == 3) << w;
  }
  const test::Caught error = test::caught([&] { record.require_finite("tuned"); });
  EXPECT_EQ(error.id, ErrorId::RT012);
  EXPECT_TRUE(error.says("tuned: found a prediction in window 3 of")) << error.line;
}

TEST(OutputRecord, HoldsWhatItTellsThePlanFromTheFirstLayerOn) {
  const FakeModel model = model_with_logits();
  OutputRecord record(&model.sets[0], model.shape.seq_len);
  EXPECT_TRUE(record.needs().logits);
  EXPECT_EQ(record.needs().held_bytes, 24 * (5 + 11) * sizeof(double));
  EXPECT_TRUE(record.loss().empty());
  const size_t before = live_bytes();
  record.begin_layer({});
  const size_t held = live_bytes() - before;
  EXPECT_GE(held, record.needs().held_bytes);
  EXPECT_LE(held, record.needs().held_bytes + 500);
  record.begin_layer({});
  EXPECT_EQ(live_bytes() - before, held);
}

}  // namespace
}  // namespace rg::experiments::testing
