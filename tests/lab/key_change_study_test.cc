// The passes of a study of changed keys on tiny checkpoints, artifacts as the run writes them.
#include "lab/key_change_study.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "key_change_run.h"
#include "lab/audit.h"
#include "support/caught.h"
#include "support/key_changes.h"
#include "tensor/dtype.h"

namespace rg::lab {
namespace {

using model::ChangedHead;
using model::KeyStep;
using test::EditHeads;

KeyChangeTrial trial_of(const std::string& name, std::vector<int> layers, EditHeads::Edit edit,
                        KeyStep step = KeyStep::scored) {
  return {.name = name,
          .description = {{"rule", name}},
          .step = step,
          .layers = std::move(layers),
          .change = std::make_unique<EditHeads>(std::move(edit))};
}
KeyChangeTrial nothing(std::vector<int> layers) {
  return trial_of("nothing", std::move(layers), [](const ChangedHead&) {});
}
KeyChangeTrial negated(std::vector<int> layers, KeyStep step = KeyStep::scored) {
  return trial_of(
      "negated", std::move(layers),
      [](const ChangedHead& head) {
        test::edit_rows(head, head.keys, [](float value) { return -value; });
      },
      step);
}
KeyChangeTrial rounded(std::vector<int> layers) {
  return trial_of("bf16", std::move(layers), [](const ChangedHead& head) {
    test::edit_rows(head, head.keys, [](float value) { return bf16_to_f32(f32_to_bf16(value)); });
  });
}

TEST_F(KeyChangeRun, ThatChangesNothingIsTheAuditOfAModelWithItself) {
  const std::vector<Json> artifacts = run(made([] { return nothing({0, 1, 2}); }), {"t", "u"});
  ASSERT_EQ(artifacts.size(), 2u);
  const std::string name = folder.path().filename().string();
  for (const Json& artifact : artifacts) {
    EXPECT_EQ(artifact.at("edge").at("ckpt_a"), name);
    EXPECT_EQ(artifact.at("edge").at("ckpt_b"), name + " (nothing)");
    EXPECT_EQ(artifact.at("model").at("ckpt"), name);
    EXPECT_EQ(artifact.at("other").at("ckpt"), name + " (nothing)");
    EXPECT_EQ(artifact.at("other").at("tensors"), artifact.at("tensors"));
    EXPECT_EQ(artifact.at("gates_equal"), true);
    EXPECT_EQ(artifact.at("summary").at("outcome"), "IDENTICAL");
    EXPECT_EQ(artifact.at("settings").at("key_change"),
              (Json{{"name", "nothing"},
                    {"description", {{"rule", "nothing"}}},
                    {"step", "scored"},
                    {"layers", {0, 1, 2}}}));
    EXPECT_FALSE(artifact.at("settings").contains("intervention"));
  }
  Audit audit(model, model, Purpose::run, text_settings({"t", "u"}), pass_settings());
  const std::vector<Json> audited = finish(audit, pass_settings());
  for (const char* member :
       {"per_window", "summary", "decile_edges", "folds", "audit", "tensors"}) {
    EXPECT_EQ(artifacts.at(1).at(member), audited.at(1).at(member)) << member;
  }
}

TEST_F(KeyChangeRun, FlipsRoutesFromTheChangedLayerOn) {
  const Json artifact = run(made([] { return negated({1}); })).at(0);
  EXPECT_EQ(artifact.at("summary").at("outcome"), "CHANGED");
  const Json& arrays = artifact.at("per_window");
  EXPECT_EQ(total(arrays.at("flips"), "0"), 0u);
  EXPECT_GT(total(arrays.at("flips"), "1"), 10u);
  EXPECT_GT(total(arrays.at("flips"), "2"), 10u);
  // One gate on other inputs: every flip is inherited.
  EXPECT_EQ(arrays.at("mass").at("total"), arrays.at("mass").at("inherited"));
  EXPECT_NE(arrays.at("loss_a"), arrays.at("loss_b"));
  EXPECT_NE(arrays.at("loss_a"), arrays.at("loss_ab"));
  EXPECT_NE(arrays.at("loss_b"), arrays.at("loss_ba"));
  EXPECT_GT(arrays.at("kl")[0], 0);
  // Flips by the decile of A's margin add up, and narrow margins flip more.
  const Json& bins = artifact.at("summary").at("per_layer").at("1").at("deciles").at("set");
  ASSERT_GE(bins.size(), 2u);
  double flips = 0;
  for (const Json& bin : bins) {
    flips +=
        std::round(bin.at("flips").at("rate").get<double>() * bin.at("decisions").get<double>());
  }
  EXPECT_EQ(flips, static_cast<double>(total(arrays.at("flips"), "1")));
  EXPECT_GT(bins.front().at("flips").at("rate"), bins.back().at("flips").at("rate"));
  EXPECT_TRUE(artifact.at("summary").at("forecasts").at("F4").at("per_layer").contains("1"));
}

TEST_F(KeyChangeRun, TriesSeveralChangesAgainstOnePlainPass) {
  const auto both = run(made([] { return negated({0}); }, [] { return rounded({0, 1, 2}); }));
  ASSERT_EQ(both.size(), 2u);
  const auto alone = run(made([] { return rounded({0, 1, 2}); }));
  EXPECT_EQ(both.at(1).at("body_sha256"), alone.at(0).at("body_sha256"));
  const Json &coarse = both.at(0).at("per_window"), &fine = both.at(1).at("per_window");
  EXPECT_EQ(coarse.at("loss_a"), fine.at("loss_a"));
  EXPECT_NE(coarse.at("loss_b"), fine.at("loss_b"));
  EXPECT_NE(fine.at("loss_a"), fine.at("loss_b"));
  EXPECT_GT(coarse.at("kl")[0], fine.at("kl")[0]);
  // A sign turned before RoPE is turned behind it.
  const auto steps = run(made([] { return negated({0}, KeyStep::normed); }));
  EXPECT_EQ(steps.at(0).at("per_window"), both.at(0).at("per_window"));
}

TEST_F(KeyChangeRun, DependsOnNeitherThreadsNorBlocksNorMemory) {
  const MakeKeyChanges changes = made([] { return rounded({0, 1}); });
  PassSettings other = pass_settings();
  other.engine.threads = 1;
  other.engine.block_windows = 3;
  other.engine.memory_bytes = uint64_t{70} << 20;
  const std::vector<Json> one = run(changes, {"t", "u"}), two = run(changes, {"t", "u"}, other);
  ASSERT_EQ(one.size(), 2u);
  for (size_t d = 0; d < 2; ++d)
    EXPECT_EQ(one.at(d).at("body_sha256"), two.at(d).at("body_sha256"));
  // A change is part of what an artifact is of.
  EXPECT_NE(one.at(0).at("body_sha256"),
            run(made([] { return rounded({0}); })).at(0).at("body_sha256"));
}

TEST_F(KeyChangeRun, RefusesWhatItCannotMeasure) {
  const auto refused = [&](const MakeKeyChanges& changes) {
    return test::caught([&] { run(changes); });
  };
  EXPECT_EQ(refused(made()).id, ErrorId::US001);
  EXPECT_EQ(refused(made([] { return rounded({0}); }, [] { return rounded({1}); })).id,
            ErrorId::US001);
  const auto layer = refused(made([] { return rounded({3}); }));
  EXPECT_EQ(layer.id, ErrorId::US001);
  EXPECT_EQ(layer.parts.file, "the change of keys 'bf16'");
  EXPECT_EQ(layer.parts.object, "layer 3");
  EXPECT_EQ(refused(made([] { return negated({0}, KeyStep::latent); })).id, ErrorId::US001);
  // What a change writes has no value: no number is made of it.
  const auto spoiled = refused(made([] {
    return trial_of("NaN", {1}, [](const ChangedHead& head) {
      if (head.first_row == 3 * kTriedTokens) head.keys.at(2)[0] = std::nanf("");
    });
  }));
  EXPECT_EQ(spoiled.id, ErrorId::RT012) << spoiled.line;
  EXPECT_TRUE(spoiled.says("of window 3")) << spoiled.line;
}

TEST_F(KeyChangeRun, IsIdentifiedByItsChanges) {
  const auto identity = [&](const MakeKeyChanges& changes) {
    test::KeptProgress progress;
    KeyChangeStudy study(model, changes, Purpose::run, text_settings(), pass_settings());
    study.read(pass_settings().engine, folder.path(), progress);
    return study.identity();
  };
  const Json one = identity(made([] { return negated({0}); }));
  EXPECT_EQ(one, identity(made([] { return negated({0}); })));
  EXPECT_NE(one, identity(made([] { return negated({1}); })));
  EXPECT_NE(one, identity(made([] { return negated({0}, KeyStep::normed); })));
  EXPECT_NE(one, identity(made([] {
              KeyChangeTrial trial = negated({0});
              trial.description = "another rule";
              return trial;
            })));
}

TEST_F(KeyChangeRun, PlansThreePassesForEachChange) {
  const MakeKeyChanges changes = made([] { return negated({0}); }, [] { return rounded({0}); });
  KeyChangeStudy study(model, changes, Purpose::plan, text_settings(), pass_settings());
  study.assume();
  const test::TempFolder out;
  study.programme().make_plans(out.path());
  const auto passes = study.programme().passes();
  const bool bf16 = !test::caught([] { stream::choose_compute("bf16"); }).id;
  const size_t plain = bf16 ? 2 : 1;
  ASSERT_EQ(passes.size(), plain + 6);
  for (size_t trial = 0; trial < 2; ++trial) {
    const size_t first = plain + 3 * trial;
    EXPECT_EQ(passes[first]->intervention()->keys.size(), 1u);
    EXPECT_TRUE(passes[first]->intervention()->layers.empty());
    EXPECT_TRUE(passes[first + 1]->intervention()->keys.empty());
    EXPECT_EQ(passes[first + 1]->intervention()->layers.size(), 3u);
    EXPECT_EQ(passes[first + 2]->intervention()->keys.size(), 1u);
    EXPECT_EQ(passes[first + 2]->intervention()->layers.size(), 3u);
  }
  EXPECT_EQ(study.programme().cost().spill_bytes, passes[0]->plan().kept_bytes);
}

}  // namespace
}  // namespace rg::lab
