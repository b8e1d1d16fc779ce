// What a pass promises its observers beyond the numbers: the order of its calls and which of them
// come alone, more expert outputs than the plan expected, single experts' own matrices, no work
// behind the last layer that anyone measures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <mutex>
#include <thread>

#include "golden.h"
#include "stream/tensor_reader.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

class Watcher : public tap::Observer {
 public:
  explicit Watcher(const tap::SequenceSet& set) : set_(&set) {}
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  tap::Needs needs() const override { return {}; }

 protected:
  const tap::SequenceSet* set_;
};

struct Outcome {
  Plan plan;
  PassResult result;
  test::KeptProgress progress;
};

// `experts_per_slice` 0: as planned.
Outcome pass(const Golden& golden, const tap::SequenceSet& set, tap::Observer& observer,
             Settings settings, uint32_t experts_per_slice = 0) {
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&observer};
  settings.flops_per_s = 1e9;
  settings.threads = 2;
  settings.spill_folder = std::filesystem::temp_directory_path();
  Outcome outcome;
  outcome.plan = make_plan(golden.model(), sets, observers, settings);
  if (experts_per_slice != 0) outcome.plan.experts_per_slice = experts_per_slice;
  outcome.result = run_pass(golden.checkpoint(), golden.model(), sets, observers, settings,
                            outcome.plan, outcome.progress);
  return outcome;
}

// Writes down every call when it starts, in lower case, and when it ends.
class Journal : public Watcher {
 public:
  using Watcher::Watcher;
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.update = true;
    return needs;
  }
  std::span<const int32_t> wanted_experts(int layer) const override {
    if (layer == 0) return {};
    return wanted_;
  }
  void begin_layer(const tap::LayerView& view) override { Visit(*this, 'b', view.layer); }
  void on_gate(const tap::LayerView& view, const tap::GateBlock&) override {
    Visit(*this, 'g', view.layer);
  }
  void on_gates_done(const tap::LayerView& view) override { Visit(*this, 'd', view.layer); }
  void on_expert(const tap::LayerView& view, const tap::ExpertMatrices& seen) override {
    Visit(*this, static_cast<char>('p' + seen.expert), view.layer);
  }
  void on_update(const tap::LayerView& view, const tap::UpdateBlock&) override {
    Visit(*this, 'u', view.layer);
  }
  void end_layer(const tap::LayerView& view) override { Visit(*this, 'e', view.layer); }

  // The calls in order, each layer's in brackets; concurrent ones of a kind as one letter.
  std::string text() const {
    std::string text;
    int layer = -1;
    for (const Entry& entry : entries_) {
      const char call = static_cast<char>(std::tolower(entry.call));
      const bool shared = call == 'g' || call == 'u';
      if (shared && entry.layer == layer && text.back() == call) continue;
      if (entry.layer != layer) text += " " + std::to_string(layer = entry.layer) + ":";
      text += shared ? call : entry.call;
    }
    return text;
  }
  bool alone_on(std::thread::id thread) const {
    return std::all_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      const int call = std::tolower(entry.call);
      return call == 'g' || call == 'u' || entry.thread == thread;
    });
  }

 private:
  struct Entry {
    char call;
    int layer;
    std::thread::id thread;
  };
  struct Visit {
    Visit(Journal& journal_, char call_, int layer_)
        : journal(journal_), call(call_), layer(layer_) {
      journal.add({call, layer, std::this_thread::get_id()});
    }
    ~Visit() {
      journal.add({static_cast<char>(std::toupper(call)), layer, std::this_thread::get_id()});
    }
    Journal& journal;
    char call;
    int layer;
  };
  void add(const Entry& entry) {
    const std::scoped_lock lock(mutex_);
    entries_.push_back(entry);
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::vector<int32_t> wanted_ = {0, 1, 3};  // p, q, s
};

TEST(Observers, AreCalledInOrderAndOneAtATimeWhereThatIsPromised) {
  const Golden golden("tall");
  const tap::SequenceSet set = golden.sequences(true);
  ASSERT_GT(set.sequences(), 1u);
  for (const uint32_t experts_per_slice : {0u, 1u, 2u}) {
    Settings settings;
    settings.block_windows = 1;
    Journal journal(set);
    pass(golden, set, journal, settings, experts_per_slice);
    EXPECT_EQ(journal.text(), " 0:bBgdDueE 1:bBgdDpPqQsSueE") << experts_per_slice;
    EXPECT_TRUE(journal.alone_on(std::this_thread::get_id())) << experts_per_slice;
  }
}

// Asks for every selected expert of every row, but tells the plan of a tenth of them.
class Understating : public Watcher {
 public:
  using Watcher::Watcher;
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.expert_outputs = true;
    needs.stored_outputs_per_row = 0.1;
    return needs;
  }
  void begin_layer(const tap::LayerView& view) override {
    sums.emplace_back(set_->rows() * view.width);
    weights_.resize(set_->rows() * view.spec->top_k);
    updates.emplace_back(set_->rows() * view.width);
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    const size_t k = view.spec->top_k;
    std::copy_n(block.weights, block.rows * k,
                weights_.begin() + static_cast<ptrdiff_t>(block.first_row * k));
    for (size_t r = 0; r < block.rows; ++r) {
      block.requests->add(block.first_row + r, {block.ranked + r * (k + 1), k});
    }
  }
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) override {
    for (size_t e = 0; e < answer.experts.size(); ++e) {
      const float weight = weights_[answer.row * view.spec->top_k + e];
      for (size_t i = 0; i < view.width; ++i) {
        sums.back()[answer.row * view.width + i] += weight * answer.outputs[e * view.width + i];
      }
    }
    std::copy_n(answer.update, view.width,
                updates.back().begin() + static_cast<ptrdiff_t>(answer.row * view.width));
  }
  std::vector<std::vector<float>> sums, updates;  // per layer

 private:
  std::vector<float> weights_;
};

TEST(Observers, GetMoreOutputsThanThePlanExpected) {
  const Golden golden("tall");
  const tap::SequenceSet set = golden.sequences(true);
  for (const bool budget : {false, true}) {
    Settings settings;
    if (budget) settings.memory_bytes = uint64_t{1} << 30;
    Understating observer(set);
    const Outcome outcome = pass(golden, set, observer, settings);
    ASSERT_LT(outcome.plan.output_rows, set.rows() * golden.model().gate().top_k);
    for (size_t l = 0; l < observer.sums.size(); ++l) {
      for (size_t i = 0; i < observer.sums[l].size(); ++i) {
        ASSERT_NEAR(observer.sums[l][i], observer.updates[l][i], 1e-5) << l << ' ' << i;
      }
    }
  }
}

class Beholder : public Watcher {
 public:
  using Watcher::Watcher;
  std::span<const int32_t> wanted_experts(int layer) const override {
    if (layer != 1) return {};
    return wanted_;
  }
  void on_expert(const tap::LayerView& view, const tap::ExpertMatrices& seen) override {
    const size_t values = size_t{seen.width} * seen.inner_width;
    order.emplace_back(view.layer, seen.expert);
    for (const float* matrix : {seen.gate, seen.up, seen.down}) {
      matrices.emplace_back(matrix, matrix + values);
    }
  }
  void end_layer(const tap::LayerView& view) override {
    if (view.layer == 1) {
      EXPECT_EQ(order.size(), 2u);
    }
  }
  std::vector<std::pair<int, int32_t>> order;
  std::vector<std::vector<float>> matrices;

 private:
  std::vector<int32_t> wanted_ = {1, 3};
};

TEST(Observers, SeeTheExpertsTheyWantAsTheCheckpointStoresThem) {
  for (const Compute compute : {Compute::f32, Compute::bf16}) {
    if (compute == Compute::bf16 && !kernels::cpu_has_bf16()) continue;
    const Golden golden("mha");
    const tap::SequenceSet set = golden.sequences(true);
    Settings settings;
    settings.compute = compute;
    Beholder observer(set), finely(set);
    const Outcome outcome = pass(golden, set, observer, settings);
    using Seen = std::vector<std::pair<int, int32_t>>;
    ASSERT_EQ(observer.order, (Seen{{1, 1}, {1, 3}}));
    pass(golden, set, finely, settings, 1);  // each in a slice of its own
    EXPECT_EQ(finely.order, observer.order);
    EXPECT_EQ(finely.matrices, observer.matrices);
    const test::SafetensorsFile file(golden_model_folder("mha") / "model.safetensors");
    size_t at = 0;
    for (const std::string expert : {"1", "3"}) {
      for (const std::string part : {"gate", "up", "down"}) {
        const std::string name =
            "model.layers.1.mlp.experts." + expert + '.' + part + "_proj.weight";
        const formats::TensorEntry* tensor = golden.checkpoint().find(name);
        ASSERT_NE(tensor, nullptr);
        const auto [first, last] = file.range(name);
        std::vector<float> stored(tensor->elements());
        convert_to_f32(tensor->dtype,
                       reinterpret_cast<const std::byte*>(file.bytes().data()) + first,
                       stored.size(), stored.data());
        EXPECT_EQ(observer.matrices[at++], stored) << name;
      }
    }
    const auto planned = std::find_if(
        outcome.plan.memory.begin(), outcome.plan.memory.end(),
        [](const Plan::Line& line) { return line.what.find("matrices") != std::string::npos; });
    ASSERT_NE(planned, outcome.plan.memory.end());
    // Both experts are in one slice, and there are two slices.
    EXPECT_EQ(planned->bytes,
              2 * 2 * 3 * sizeof(float) * golden.model().width * golden.model().expert_width());
  }
}

TEST(Observers, NothingIsReadBehindTheLastLayerTheyMeasure) {
  const Golden golden("tall");
  const tap::SequenceSet set = golden.sequences(true);
  Understating whole(set), part(set);
  const Outcome all = pass(golden, set, whole, {});
  Settings settings;
  settings.last_layer = 0;
  const Outcome first = pass(golden, set, part, settings);
  ASSERT_GT(whole.updates.size(), 1u);
  ASSERT_EQ(part.updates.size(), 1u);
  EXPECT_EQ(part.updates[0], whole.updates[0]);
  EXPECT_EQ(first.progress.layers.back(), 0);
  EXPECT_DOUBLE_EQ(first.progress.last_share, 1.0);
  EXPECT_LT(first.plan.read_bytes, all.plan.read_bytes);
  EXPECT_LT(first.plan.flops, all.plan.flops);
  EXPECT_LT(first.result.digests.size(), all.result.digests.size());
  for (const TensorDigest& digest : first.result.digests) {
    EXPECT_EQ(digest.tensor->name.find("layers.1."), std::string::npos) << digest.tensor->name;
  }
}

}  // namespace
}  // namespace rg::stream
