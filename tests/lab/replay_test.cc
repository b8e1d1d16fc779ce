// Routing of given tokens, and one model on the routes of another.
#include "lab/replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

// Sequences of different lengths, one of them a single token.
tap::SequenceSet uneven_tokens() {
  tap::SequenceSet set{.name = "tokens", .lengths = {20, 1, 7, 20}, .ids = {}, .causal = true};
  for (int32_t i = 0; i < 48; ++i) set.ids.push_back(i * 37 % 3072);
  return set;
}

EngineSettings small_engine(int threads) {
  EngineSettings engine;
  engine.compute = "f32";
  engine.threads = threads;
  engine.memory_bytes = uint64_t{1} << 30;
  return engine;
}

struct ReplayFiles {
  test::TempFolder first, second, scratch;
  Subject a = Subject::open(write_model(first, tiny_model(1)));
  Subject b = Subject::open(write_model(second, tiny_model(2)));
  test::KeptProgress progress;
};

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::isnan(value) ? most : std::max(most, value);
  return most;
}

TEST(Replay, OfAModelInItselfChangesNothing) {
  ReplayFiles files;
  const Samples samples(files.a, uneven_tokens(), "here");
  const ThreeWayReplay replay = replay_three_ways(files.a, files.a, samples, small_engine(2),
                                                  files.scratch.path(), files.progress);
  ASSERT_EQ(replay.of_a.loss.size(), 4u);
  EXPECT_TRUE(std::isnan(replay.of_a.loss[1]));  // no next token
  EXPECT_GT(replay.of_a.loss[0], 0);
  for (const Predictions* own :
       {&replay.natural, &replay.ids_replayed, &replay.ids_and_weights_replayed}) {
    for (const size_t sequence : {0u, 2u, 3u}) {
      EXPECT_EQ(own->loss[sequence], replay.of_a.loss[sequence]);
    }
    EXPECT_EQ(largest(own->kl), 0);
  }
  for (size_t layer = 0; layer < replay.a.size(); ++layer) {
    EXPECT_EQ(replay.a[layer].ids, replay.b[layer].ids);
    EXPECT_EQ(replay.a[layer].logits, replay.b[layer].logits);
  }
}

TEST(Replay, OfAnotherModelsRoutesIsNeitherModel) {
  ReplayFiles files;
  const Samples samples(files.a, uneven_tokens(), "here");
  const ThreeWayReplay replay = replay_three_ways(files.a, files.b, samples, small_engine(2),
                                                  files.scratch.path(), files.progress);
  EXPECT_NE(replay.a[0].ids, replay.b[0].ids);
  EXPECT_NE(replay.natural.loss[0], replay.ids_replayed.loss[0]);
  EXPECT_NE(replay.ids_replayed.loss[0], replay.ids_and_weights_replayed.loss[0]);
  EXPECT_GT(largest(replay.ids_and_weights_replayed.kl), 0);
  const ThreeWayReplay again = replay_three_ways(files.a, files.b, samples, small_engine(1),
                                                 files.scratch.path(), files.progress);
  EXPECT_EQ(again.ids_replayed.loss[3], replay.ids_replayed.loss[3]);
  EXPECT_EQ(again.natural.kl[3], replay.natural.kl[3]);
}

TEST(Replay, RoutesOfEqualTokensAreEqual) {
  ReplayFiles files;
  tap::SequenceSet set{.name = "tokens", .lengths = {9, 5}, .ids = {}, .causal = true};
  for (const int32_t id : {5, 6, 7, 8, 9, 10, 11, 12, 13, 5, 6, 7, 8, 9}) set.ids.push_back(id);
  const Samples samples(files.a, set, "here");
  const auto layers =
      route_tokens(files.a, samples, small_engine(2), files.scratch.path(), files.progress);
  ASSERT_EQ(layers.size(), files.a.measured_layers({}).size());
  for (const LayerRouting& layer : layers) {
    const size_t k = layer.spec.top_k, experts = layer.spec.experts;
    ASSERT_EQ(layer.ids.size(), 14 * k);
    ASSERT_EQ(layer.logits.size(), 14 * experts);
    EXPECT_TRUE(std::equal(layer.ids.begin(), layer.ids.begin() + static_cast<ptrdiff_t>(5 * k),
                           layer.ids.begin() + static_cast<ptrdiff_t>(9 * k)));
    std::vector<int32_t> chosen(k);
    gate::select(layer.spec, {layer.logits.data() + 13 * experts, experts}, layer.selection_bias,
                 chosen);
    EXPECT_EQ(gate::overlap(chosen, {layer.ids.data() + 13 * k, k}), k);
  }
}

TEST(Replay, IsRefusedWhereRoutesDontFit) {
  ReplayFiles files;
  test::TempFolder folder;
  test::TinyOlmoe other = tiny_model(3);
  other.top_k = other.top_k == 1 ? 2 : 1;
  const Subject c = Subject::open(write_model(folder, other));
  const Samples samples(files.a, uneven_tokens(), "here");
  const test::Caught refused = test::caught([&] {
    replay_three_ways(files.a, c, samples, small_engine(1), files.scratch.path(), files.progress);
  });
  EXPECT_EQ(refused.id, ErrorId::RT008);
  tap::SequenceSet outside = uneven_tokens();
  outside.ids[3] = 3072;
  EXPECT_EQ(test::caught([&] { const Samples none(files.a, outside, "here"); }).id, ErrorId::TK010);
  tap::SequenceSet longer{.name = "tokens", .lengths = {2, 65}, .ids = {}, .causal = true};
  longer.ids.assign(67, 1);
  const Samples too_long(files.a, longer, "here");
  EXPECT_EQ(test::caught([&] {
              route_tokens(files.a, too_long, small_engine(1), files.scratch.path(),
                           files.progress);
            }).id,
            ErrorId::CF017);
}

}  // namespace
}  // namespace rg::lab
