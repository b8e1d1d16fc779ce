// Logits as observers see them, beside those of a reference that an earlier pass kept.
#include "stream/logits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "golden.h"
#include "stream/final_states.h"
#include "support/caught.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

// Logits of every position, and of the reference, (rows, V).
class SeenLogits : public tap::Observer {
 public:
  SeenLogits(const tap::SequenceSet& set, uint32_t vocabulary)
      : own(set.rows() * vocabulary, -1), reference(own), set_(&set) {}
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.logits = true;
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void on_logits(const tap::LogitsBlock& block) override {
    const size_t first =
        (block.sequence * set_->lengths[0] + block.first_position) * block.vocabulary;
    const size_t count = size_t{block.rows} * block.vocabulary;
    std::copy_n(block.logits, count, own.begin() + static_cast<ptrdiff_t>(first));
    if (block.reference_logits == nullptr) return;
    std::copy_n(block.reference_logits, count, reference.begin() + static_cast<ptrdiff_t>(first));
  }

  std::vector<float> own, reference;

 private:
  const tap::SequenceSet* set_;
};

// Sequences longer than one call of the head, so that the last call is partly empty.
tap::SequenceSet long_windows(const model::Model& model) {
  const uint32_t length = std::min(model.positions, OutputHead::rows(model, Compute::f32) + 9);
  tap::SequenceSet set = {
      .name = "windows", .lengths = {length, length, length}, .ids = {}, .causal = true};
  for (size_t i = 0; i < size_t{3} * length; ++i) {
    set.ids.push_back(static_cast<int32_t>(i * 7 % model.vocabulary));
  }
  return set;
}

struct LogitsOutcome {
  std::vector<float> own, reference;
  Plan plan;
  PassResult result;
};

// `model`: bound to the golden checkpoint.
LogitsOutcome pass_over(const Golden& golden, const model::Model& model, Settings settings) {
  const tap::SequenceSet set = long_windows(model);
  SeenLogits seen(set, model.vocabulary);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&seen};
  settings.flops_per_s = 1e9;
  settings.spill_folder = std::filesystem::temp_directory_path();
  const Plan plan = make_plan(model, sets, observers, settings);
  test::KeptProgress progress;
  PassResult result =
      run_pass(golden.checkpoint(), model, sets, observers, settings, plan, progress);
  return {std::move(seen.own), std::move(seen.reference), plan, std::move(result)};
}

TEST(Logits, OfTheReferenceAreThoseOfItsOwnPass) {
  const Golden base("mha");
  model::Model other = base.model();
  std::swap(other.layers[0].router, other.layers[1].router);
  FinalStates states(std::filesystem::temp_directory_path());
  Settings keep;
  keep.threads = 2;
  keep.keep_final_states = &states;
  const LogitsOutcome first = pass_over(base, base.model(), keep);
  EXPECT_EQ(std::count(first.own.begin(), first.own.end(), -1.0f), 0);
  EXPECT_EQ(first.plan.kept_bytes, first.plan.spill_bytes);
  EXPECT_GT(first.plan.kept_bytes, 0u);
  for (const int threads : {1, 2}) {
    Settings compare;
    compare.threads = threads;
    compare.block_windows = static_cast<size_t>(threads);
    compare.reference = {&base.checkpoint(), &base.model(), &states, "base"};
    const LogitsOutcome second = pass_over(base, other, compare);
    EXPECT_EQ(second.reference, first.own);
    EXPECT_NE(second.own, first.own);
    // Its own logits don't depend on what they are shown beside.
    EXPECT_EQ(second.own, pass_over(base, other, {}).own);
    EXPECT_EQ(second.plan.read_bytes, second.result.weight_bytes_read);
    EXPECT_EQ(second.plan.read_bytes,
              pass_over(base, other, {}).plan.read_bytes + base.model().unembedding.bytes());
  }
}

TEST(Logits, AreRefusedForAReferenceWithAnotherVocabulary) {
  const Golden golden("mha");
  model::Model larger = golden.model();
  larger.vocabulary += 64;
  FinalStates states(std::filesystem::temp_directory_path());
  Settings settings;
  settings.reference = {&golden.checkpoint(), &larger, &states, "base"};
  const auto error = test::caught([&] { pass_over(golden, golden.model(), settings); });
  EXPECT_EQ(error.id, ErrorId::RT009);
  EXPECT_EQ(error.parts.object, "base");
}

}  // namespace
}  // namespace rg::stream
