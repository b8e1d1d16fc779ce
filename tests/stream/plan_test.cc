// The plan's table: what it holds at each stage of spilling, and that it is a sum.
#include <gtest/gtest.h>

#include "golden.h"

namespace rg::stream {
namespace {

// Needs every store.
class Needy : public tap::Observer {
 public:
  explicit Needy(const tap::SequenceSet& set) : set_(&set) {}
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.parts = needs.update = needs.expert_outputs = true;
    needs.stored_outputs_per_row = 2;
    return needs;
  }

 private:
  const tap::SequenceSet* set_;
};

Plan plan_within(const Golden& golden, Compute compute, uint64_t memory) {
  const tap::SequenceSet set = golden.sequences(true);
  Needy needy(set);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&needy};
  Settings settings;
  settings.compute = compute;
  settings.flops_per_s = 1e9;
  settings.memory_bytes = memory;
  return make_plan(golden.model(), sets, observers, settings);
}

uint64_t bytes_of(const Plan& plan, const std::string& what) {
  for (const Plan::Line& line : plan.memory) {
    if (line.what == what) return line.bytes;
  }
  return 0;
}

// In the order in which they are spilled, as names of the table.
const std::vector<std::string> kSpilled = {"expert outputs kept for pairs",
                                           "attention and expert sums", "residual stream",
                                           "gate inputs", "updates of the MoE branch"};

TEST(Plan, TableHoldsEachStoreOnceAndAddsUp) {
  for (const char* name : {"tall", "mha", "mqa-tied-bf16"}) {
    const Golden golden(name);
    const uint64_t rows = golden.sequences(true).rows(), width = golden.model().width;
    const std::vector<uint64_t> expected = {(2 * rows + 1) * width * 4, 2 * rows * width * 4,
                                            rows * width * 4, rows * width * 4, rows * width * 4};
    const Plan plan = plan_within(golden, Compute::f32, uint64_t{1} << 32);
    uint64_t sum = 0;
    for (const Plan::Line& line : plan.memory) sum += line.bytes;
    EXPECT_EQ(plan.peak_bytes, sum);
    EXPECT_EQ(plan.spill_bytes, 0u);
    for (size_t i = 0; i < kSpilled.size(); ++i) {
      EXPECT_EQ(bytes_of(plan, kSpilled[i]), expected[i]) << name << ": " << kSpilled[i];
    }
    if (!kernels::cpu_has_bf16()) continue;
    const Plan narrow = plan_within(golden, Compute::bf16, uint64_t{1} << 32);
    EXPECT_EQ(bytes_of(narrow, "gate inputs"), rows * width * 2);
  }
}

TEST(Plan, SpillsOneStoreAfterAnotherAsMemoryShrinks) {
  const Golden golden("tall");
  uint64_t memory = uint64_t{1} << 32;
  std::vector<uint64_t> bytes;
  const Plan roomy = plan_within(golden, Compute::f32, memory);
  for (const std::string& what : kSpilled) bytes.push_back(bytes_of(roomy, what));
  size_t gone = 0;
  for (Plan plan = roomy;;) {
    uint64_t spilled = 0;
    for (size_t i = 0; i < kSpilled.size(); ++i) {
      EXPECT_EQ(bytes_of(plan, kSpilled[i]), i < gone ? 0 : bytes[i]) << gone << kSpilled[i];
      if (i < gone) spilled += bytes[i];
    }
    EXPECT_EQ(plan.spill_bytes, spilled);
    EXPECT_LE(plan.peak_bytes, plan.budget_bytes);
    if (gone == kSpilled.size()) break;
    // The next plan that fits with one byte less than this one needs has less in memory.
    memory = plan.peak_bytes - 1;
    plan = plan_within(golden, Compute::f32, memory);
    gone = 0;
    while (gone < kSpilled.size() && bytes_of(plan, kSpilled[gone]) == 0) ++gone;
  }
}

}  // namespace
}  // namespace rg::stream
