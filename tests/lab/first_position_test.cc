// One layer at position 0 is what a pass makes of it, to the bit, in every kind of attention; and
// the residuals that it is asked about are those of windows that begin with the token.
#include "lab/first_position.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "lab/pass.h"
#include "lab/token_residuals.h"
#include "support/kept_progress.h"
#include "support/temp_folder.h"

namespace rg::lab {
namespace {

// Keys and routes of all rows of one set, by layer.
class Seen : public tap::Observer {
 public:
  explicit Seen(const tap::SequenceSet& set) : sets_{&set} {}
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.keys = true;
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return sets_; }
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    const size_t width = size_t{view.kv_heads} * view.key_width;
    for (size_t row = 0; row < block.rows; ++row) {
      std::vector<bf16_t>& keys = routes[view.layer][block.first_row + row].keys;
      for (size_t i = 0; i < width; ++i) {
        keys.push_back(f32_to_bf16(block.keys.scored[row * width + i]));
      }
      const float* residual = block.residual_in + row * view.width;
      residuals[view.layer][block.first_row + row] = {residual, residual + view.width};
    }
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    const uint32_t top_k = view.spec->top_k;
    for (size_t row = 0; row < block.rows; ++row) {
      FirstPositionRoute& route = routes[view.layer][block.first_row + row];
      const int32_t* ranked = block.ranked + row * (top_k + 1);
      for (uint32_t i = 0; i < top_k; ++i) route.set.push_back(static_cast<uint32_t>(ranked[i]));
      std::sort(route.set.begin(), route.set.end());
      route.margin = block.margins[row];
    }
  }

  std::map<int, std::map<size_t, FirstPositionRoute>> routes;
  std::map<int, std::map<size_t, std::vector<float>>> residuals;

 private:
  std::vector<const tap::SequenceSet*> sets_;
};

EngineSettings exact_engine() {
  EngineSettings engine;
  engine.threads = 1;
  engine.compute = "f32";
  return engine;
}

Subject golden(const std::string& name) {
  const std::filesystem::path families =
      std::filesystem::path(RG_SOURCE_ROOT) / "tests" / "data" / "families";
  return Subject::open((families / name / "model").string());
}

tap::SequenceSet prompts(std::vector<uint32_t> lengths, std::vector<int32_t> ids) {
  return {.name = "prompts", .lengths = std::move(lengths), .ids = std::move(ids), .causal = true};
}

void watch(const Subject& subject, const Samples& samples, Seen& seen) {
  const test::TempFolder folder;
  test::KeptProgress progress;
  Pass pass(subject, samples, {.layers = {}, .engine = exact_engine(), .experiments = {}});
  pass.watch(seen);
  pass.make_plan(folder.path());
  pass.run(progress);
}

TEST(FirstPosition, IsWhatAPassComputes) {
  for (const char* name :
       {"mixtral/linear-f32", "granitemoe/tied-v4", "glm4_moe/qk-norm-f32",
        "gemma4_text/k-is-v-f32", "gpt_oss/yarn-v4", "qwen2_moe/window-step-fused-tied"}) {
    const Subject subject = golden(name);
    const Samples samples(subject, prompts({1, 1, 1}, {3, 17, 42}), "ids");
    Seen seen(samples.sequences()[0]);
    watch(subject, samples, seen);
    size_t layers = 0;
    for (const auto& [number, rows] : seen.routes) {
      if (!subject.model().layer(number).router) continue;
      ++layers;
      const FirstPositionLayer layer(subject, number);
      EXPECT_GE(layer.tensors().size(), 6u);
      for (const auto& [row, route] : rows) {
        const FirstPositionRoute found = layer.route(seen.residuals.at(number).at(row));
        EXPECT_EQ(found.keys, route.keys) << name << ", layer " << number;
        EXPECT_EQ(found.set, route.set) << name << ", layer " << number;
        EXPECT_EQ(found.margin, route.margin) << name << ", layer " << number;
      }
    }
    EXPECT_GT(layers, 0u) << name;
  }
}

TEST(TokenResiduals, AreThoseOfWindowsThatBeginWithTheToken) {
  const Subject subject = golden("mixtral/linear-f32");
  const Samples samples(subject, prompts({3, 3, 3}, {42, 3, 3, 17, 42, 9, 42, 1, 2}), "ids");
  Seen seen(samples.sequences()[0]);
  watch(subject, samples, seen);
  EXPECT_EQ(first_tokens(samples, 9), (std::vector<int32_t>{42, 17}));
  EXPECT_EQ(first_tokens(samples, 1), (std::vector<int32_t>{42}));
  const test::TempFolder folder;
  test::KeptProgress progress;
  const EngineSettings engine = exact_engine();
  const LayerRows alone =
      token_residuals(subject, {17, 42}, {0, 1}, engine, folder.path(), progress);
  ASSERT_EQ(alone.size(), 2u);
  const size_t width = subject.model().width;
  TokenResiduals cached(subject, engine, folder.path(), progress, 1);
  for (const auto& [layer, rows] : alone) {
    ASSERT_EQ(rows.size(), 2 * width);
    const std::vector<float>& first = seen.residuals.at(layer).at(3);  // begins with 17
    for (size_t i = 0; i < width; ++i) EXPECT_NEAR(rows[i], first[i], 1e-5) << layer;
    const auto again = cached.of(42, layer);
    EXPECT_TRUE(
        std::equal(again.begin(), again.end(), rows.begin() + static_cast<std::ptrdiff_t>(width)));
  }
}

TEST(TokenResiduals, TheSampleIsSpreadOverWindows) {
  const Subject subject = golden("mixtral/linear-f32");
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 20; ++i) ids.push_back(i);
  const Samples samples(subject, prompts({4, 4, 4, 4, 4}, ids), "ids");
  Seen seen(samples.sequences()[0]);
  watch(subject, samples, seen);
  const test::TempFolder folder;
  test::KeptProgress progress;
  for (const auto& [most, windows] : {std::pair<size_t, size_t>{3, 3}, {7, 5}, {100, 5}}) {
    const LayerRows rows =
        sampled_residuals(subject, samples, {1}, most, exact_engine(), folder.path(), progress);
    const size_t width = subject.model().width, count = rows.at(1).size() / width;
    EXPECT_EQ(count, std::min<size_t>(most, 20));
    std::vector<size_t> of_window(5);
    for (size_t i = 0; i < count; ++i) {
      const auto begin = rows.at(1).begin() + static_cast<std::ptrdiff_t>(i * width);
      for (const auto& [row, residual] : seen.residuals.at(1)) {
        if (std::equal(residual.begin(), residual.end(), begin)) ++of_window[row / 4];
      }
    }
    EXPECT_EQ(static_cast<size_t>(std::count_if(of_window.begin(), of_window.end(),
                                                [](size_t rows_of) { return rows_of > 0; })),
              windows);
  }
}

}  // namespace
}  // namespace rg::lab
