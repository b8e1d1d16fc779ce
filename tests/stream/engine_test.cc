// What the engine promises beside the numbers themselves: spilling, slicing and threads change no
// bit; the expert outputs an experiment asks for are those that routing adds up; a plan that
// cannot fit is refused with the way out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <thread>

#include "golden.h"
#include "stream/expert_schedule.h"
#include "stream/row_store.h"
#include "support/caught.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

// Records updates, and asks at every third row for all routed experts and the (k+1)-th.
class Asker : public tap::Observer {
 public:
  explicit Asker(const tap::SequenceSet& set) : set_(&set) {}

  tap::Needs needs() const override {
    tap::Needs all;
    all.residual_in = all.parts = all.update = all.expert_outputs = all.next_unembedding = true;
    all.extra_outputs_per_row = 1;
    all.stored_outputs_per_row = 8;
    return all;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }

  void begin_layer(const tap::LayerView& view) override {
    updates.emplace_back(set_->rows() * view.width);
    combined.emplace_back(set_->rows() * view.width, NAN);
    weights_.resize(set_->rows() * view.spec->top_k);
    nexts = 0;
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    const size_t k = view.spec->top_k;
    std::copy_n(block.weights, block.rows * k,
                weights_.begin() + static_cast<ptrdiff_t>(block.first_row * k));
    for (size_t r = 0; r < block.rows; ++r) {
      if ((block.first_row + r) % 3 != 0) continue;
      const size_t asked = block.ranked[r * (k + 1) + k] >= 0 ? k + 1 : k;
      block.requests->add(block.first_row + r, {block.ranked + r * (k + 1), asked});
    }
  }
  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override {
    std::copy_n(block.update, block.rows * view.width,
                updates.back().begin() + static_cast<ptrdiff_t>(block.first_row * view.width));
  }
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& outputs) override {
    const size_t k = view.spec->top_k;
    for (size_t i = 0; i < view.width; ++i) {
      double sum = 0;
      for (size_t e = 0; e < k; ++e) {
        sum += double{weights_[outputs.row * k + e]} * outputs.outputs[e * view.width + i];
      }
      combined.back()[outputs.row * view.width + i] = static_cast<float>(sum);
    }
    EXPECT_EQ(std::memcmp(outputs.update, updates.back().data() + outputs.row * view.width,
                          view.width * sizeof(float)),
              0);
    const std::scoped_lock lock(mutex_);
    if (outputs.next_unembedding != nullptr) ++nexts;
  }

  std::vector<std::vector<float>> updates, combined;  // per layer
  size_t nexts = 0;

 private:
  const tap::SequenceSet* set_;
  std::vector<float> weights_;
  std::mutex mutex_;
};

struct Outcome {
  Plan plan;
  std::vector<std::vector<float>> updates, combined;
  uint64_t bytes_read = 0;
};

Outcome pass(const Golden& golden, std::optional<uint64_t> memory, int threads) {
  const tap::SequenceSet set = golden.sequences(true);
  Asker asker(set);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&asker};
  Settings settings;
  settings.threads = threads;
  settings.memory_bytes = memory;
  settings.flops_per_s = 1e9;
  settings.spill_folder = std::filesystem::temp_directory_path();
  const Plan plan = make_plan(golden.model(), sets, observers, settings);
  test::KeptProgress progress;
  const uint64_t before = golden.checkpoint().bytes_read();
  run_pass(golden.checkpoint(), golden.model(), sets, observers, settings, plan, progress);
  EXPECT_DOUBLE_EQ(progress.last_share, 1.0);
  size_t expected_nexts = 0;  // asked rows that aren't the last of their sequence
  size_t row = 0;
  for (const uint32_t length : set.lengths) {
    for (size_t t = 0; t < length; ++t, ++row) expected_nexts += row % 3 == 0 && t + 1 < length;
  }
  EXPECT_EQ(asker.nexts, expected_nexts);
  return {plan, asker.updates, asker.combined, golden.checkpoint().bytes_read() - before};
}

uint64_t least_memory(const Golden& golden) {
  const tap::SequenceSet set = golden.sequences(true);
  Asker asker(set);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&asker};
  Settings settings;
  settings.flops_per_s = 1e9;
  uint64_t low = 0, high = uint64_t{1} << 30;  // the plan fits at high
  while (high - low > 1024) {
    settings.memory_bytes = low + (high - low) / 2;
    try {
      make_plan(golden.model(), sets, observers, settings);
      high = *settings.memory_bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.id(), ErrorId::RT004);
      low = *settings.memory_bytes;
    }
  }
  return high;
}

TEST(Engine, SpillingAndFinerSlicesChangeNoBit) {
  const Golden golden("tall");
  const Outcome roomy = pass(golden, std::nullopt, 2);
  EXPECT_EQ(roomy.plan.spill_bytes, 0u);
  const uint64_t least = least_memory(golden);
  const Outcome tight = pass(golden, least, 1);
  EXPECT_GT(tight.plan.spill_bytes, 0u);
  ASSERT_EQ(tight.plan.stores.lines().size(), 6u);
  for (const StoreLine& store : tight.plan.stores.lines()) {
    EXPECT_EQ(store.place, Place::spilled) << store.name;
  }
  EXPECT_EQ(tight.plan.experts_per_slice, 1u);
  EXPECT_LT(tight.plan.experts_per_slice, roomy.plan.experts_per_slice);
  EXPECT_EQ(roomy.updates, tight.updates);
  for (size_t l = 0; l < roomy.combined.size(); ++l) {
    EXPECT_EQ(std::memcmp(roomy.combined[l].data(), tight.combined[l].data(),
                          roomy.combined[l].size() * sizeof(float)),
              0);
  }
}

TEST(Engine, OutputsAskedForAddUpToTheUpdate) {
  for (const std::string name : {"tall", "gqa-clip", "fused"}) {
    const Golden golden(name);
    const Outcome outcome = pass(golden, std::nullopt, 2);
    for (size_t l = 0; l < outcome.updates.size(); ++l) {
      size_t compared = 0;
      for (size_t i = 0; i < outcome.updates[l].size(); ++i) {
        if (std::isnan(outcome.combined[l][i])) continue;
        ++compared;
        EXPECT_NEAR(outcome.combined[l][i], outcome.updates[l][i], 1e-5);
      }
      EXPECT_GT(compared, outcome.updates[l].size() / 4);
    }
  }
}

TEST(Engine, EveryByteThatThePlanNamesIsReadOnce) {
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    const Outcome outcome = pass(golden, std::nullopt, 2);
    EXPECT_EQ(outcome.bytes_read, outcome.plan.read_bytes) << name;
  }
}

TEST(Engine, APlanThatCannotFitNamesTheSmallestFix) {
  const Golden golden("tall");
  const tap::SequenceSet set = golden.sequences(true);
  const tap::SequenceSet* sets[] = {&set};
  Settings settings;
  settings.flops_per_s = 1e9;
  settings.memory_bytes = 1000;
  const auto error = test::caught([&] { make_plan(golden.model(), sets, {}, settings); });
  EXPECT_EQ(error.id, ErrorId::RT004);
  EXPECT_NE(error.parts.hint.find("--memory"), std::string::npos) << error.line;
}

TEST(Engine, IdsOutsideTheEmbeddingAreRefused) {
  const Golden golden("mha");
  tap::SequenceSet set = golden.sequences(true);
  set.ids.back() = static_cast<int32_t>(golden.model().vocabulary);
  const tap::SequenceSet* sets[] = {&set};
  Settings settings;
  settings.flops_per_s = 1e9;
  const Plan plan = make_plan(golden.model(), sets, {}, settings);
  test::KeptProgress progress;
  const auto error = test::caught(
      [&] { run_pass(golden.checkpoint(), golden.model(), sets, {}, settings, plan, progress); });
  EXPECT_EQ(error.id, ErrorId::TK010);
}

TEST(ExpertSchedule, SortsRowsByExpertAndGivesWishesTheirSlots) {
  // Two rows, k = 2 of 4 experts, the third rank is the runner-up.
  const std::vector<int32_t> ranked = {2, 0, 1, 3, 2, 0};
  const std::vector<float> weights = {0.6f, 0.4f, 0.7f, 0.3f};
  const std::vector<OutputWish> wishes = {{.row = 0, .expert = 1, .slot = 0},
                                          {.row = 1, .expert = 2, .slot = 1}};
  const ExpertSchedule schedule(4, 2, 3, ranked, weights, wishes);
  EXPECT_EQ(schedule.routed(), 4u);
  EXPECT_EQ(schedule.extra(), 1u);
  ASSERT_EQ(schedule.of(0).size(), 1u);
  EXPECT_TRUE(schedule.of(0)[0].added && schedule.of(0)[0].first);
  EXPECT_EQ(schedule.of(0)[0].weight, 0.4f);
  ASSERT_EQ(schedule.of(1).size(), 1u);
  EXPECT_FALSE(schedule.of(1)[0].added);
  EXPECT_EQ(schedule.of(1)[0].slot, 0);
  ASSERT_EQ(schedule.of(2).size(), 2u);
  EXPECT_FALSE(schedule.of(2)[0].first);  // row 0 began with expert 0
  EXPECT_EQ(schedule.of(2)[0].slot, -1);
  EXPECT_TRUE(schedule.of(2)[1].first);
  EXPECT_EQ(schedule.of(2)[1].slot, 1);
  ASSERT_EQ(schedule.of(3).size(), 1u);
  EXPECT_EQ(schedule.of(3)[0].row, 1u);
}

TEST(AscendingCommit, AddsInOrderWhateverTheThreadsDo) {
  const std::vector<uint32_t> tiles = {0, 2, 1, 0, 3};
  AscendingCommit order(tiles);
  EXPECT_TRUE(order.wait_for_turn(1));  // expert 0 has no tile
  std::vector<uint32_t> added;
  std::mutex mutex;
  const auto add = [&](uint32_t expert) {
    if (!order.wait_for_turn(expert)) return;
    {
      const std::scoped_lock lock(mutex);
      added.push_back(expert);
    }
    order.done(expert);
  };
  std::vector<std::thread> threads;
  for (const uint32_t expert : {4u, 4u, 2u, 4u, 1u, 1u}) threads.emplace_back(add, expert);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(added, (std::vector<uint32_t>{1, 1, 2, 4, 4, 4}));
}

TEST(AscendingCommit, AnAbortLetsEveryoneGo) {
  AscendingCommit order({1, 1});
  std::thread waiting([&] { EXPECT_FALSE(order.wait_for_turn(1)); });
  order.abort();
  waiting.join();
}

TEST(RowStore, HoldsTheSameRowsInMemoryAndSpilled) {
  ScratchFile spill(std::filesystem::temp_directory_path(), "");
  for (const Place place : {Place::memory, Place::spilled}) {
    RowStore store(10, 8, place, &spill);
    EXPECT_EQ(store.spilled(), place == Place::spilled);
    std::vector<std::byte> rows(24);
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::byte>(i + 1);
    store.store(4, 3, rows.data());
    std::vector<std::byte> scratch(16);
    const std::byte* back = store.load(5, 2, scratch.data());
    EXPECT_EQ(std::memcmp(back, rows.data() + 8, 16), 0);
  }
}

TEST(ScratchFile, AFolderThatCannotHoldItIsAnEnvironmentError) {
  const auto error = test::caught([] { ScratchFile spill("/nonexistent-folder", ""); });
  EXPECT_EQ(error.id, ErrorId::IO004);
}

TEST(Compute, ChoosesByTheCpuAndRefusesWhatItLacks) {
  EXPECT_EQ(choose_compute("f32"), Compute::f32);
  if (kernels::cpu_has_bf16()) {
    EXPECT_EQ(choose_compute("auto"), Compute::bf16);
    EXPECT_EQ(choose_compute("bf16"), Compute::bf16);
  } else {
    EXPECT_EQ(choose_compute("auto"), Compute::f32);
    EXPECT_EQ(test::caught([] { choose_compute("bf16"); }).id, ErrorId::RT003);
  }
  EXPECT_EQ(test::caught([] { choose_compute("int8"); }).id, ErrorId::US001);
}

}  // namespace
}  // namespace rg::stream
