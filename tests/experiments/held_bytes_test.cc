// The bytes that an experiment tells the plan against those that it holds.
#include <gtest/gtest.h>

#include "experiments/fake_engine.h"
#include "experiments/family/boundary_record.h"
#include "experiments/live_bytes.h"

namespace rg::experiments::testing {
namespace {

struct Held {
  size_t told, live;  // bytes; live: before the reduction, without buffers of a layer
};

Held held_by(const std::string& experiment) {
  Shape shape;
  shape.experts = 16;
  shape.windows = 200;
  const FakeModel model(shape, softmax_spec(16, 2), {});
  Setting setting = model.setting();
  setting.prompts = model.prompts;
  setting.prompt_set = &model.sets[1];
  setting.prompt_set_unmasked = &model.sets[2];
  const size_t before = live_bytes();
  const auto made = declaration(experiment).make(setting);
  tap::Observer* const observer = made.get();
  run(model, {&observer, 1}, {});
  return {observer->needs().held_bytes, live_bytes() - before};
}

class HeldBytes : public ::testing::TestWithParam<const char*> {};

// What isn't counted: the list of columns, the setting's copy, what the allocator adds.
TEST_P(HeldBytes, AreNotUnderstated) {
  const Held held = held_by(GetParam());
  EXPECT_LE(held.live, held.told + held.told / 50 + 16'000) << held.told;
  EXPECT_GE(2 * held.live, held.told) << held.live;
}

// Nothing is held before the pass: a suite makes the records of all its edges beforehand.
TEST(BoundaryRecord, TakesItsMemoryInThePass) {
  Shape shape;
  shape.windows = 200;
  const FakeModel model(shape, softmax_spec(8, 2), {});
  const Feeding feeding{.others = {&model}};
  const size_t before = live_bytes();
  BoundaryRecord record(model.setting(), 0);
  EXPECT_LE(live_bytes() - before, 16'000);
  const size_t told = record.needs().held_bytes;
  tap::Observer* const observer = &record;
  run(model, {&observer, 1}, feeding);
  const size_t live = live_bytes() - before;
  EXPECT_LE(live, told + told / 50 + 16'000) << told;
  EXPECT_GE(2 * live, told) << live;
}

INSTANTIATE_TEST_SUITE_P(All, HeldBytes,
                         ::testing::Values("attention_router", "expert_load", "chart_compatibility",
                                           "terminal_ovk_scan"));

}  // namespace
}  // namespace rg::experiments::testing
