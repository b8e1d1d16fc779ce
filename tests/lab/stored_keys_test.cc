// What storing keys does to rows, and to the passes of an audit.
#include "lab/stored_keys.h"

#include <gtest/gtest.h>

#include <cmath>

#include "key_change_run.h"

namespace rg::lab {
namespace {

StoredKeys four_bits() {
  return {.step = model::KeyStep::scored,
          .spec = {.bits = 4,
                   .scale_of = keys::ScaleOf::key,
                   .rule = keys::ScaleRule::least_squares,
                   .centring = keys::Centring::raw},
          .values = false,
          .layers = {0, 1, 2},
          .fit = {}};
}
StoredKeys by_channel(bool all_documents) {
  StoredKeys stored = four_bits();
  stored.spec.bits = 2;
  stored.spec.scale_of = keys::ScaleOf::channel;
  stored.values = true;
  stored.fit = {.all_documents = all_documents, .positions = 8, .sink_positions = 2};
  return stored;
}

class StoredKeysRun : public KeyChangeRun {
 protected:
  static MakeKeyChanges storing(const StoredKeys& stored) {
    return [stored](const model::Model& model) {
      std::vector<KeyChangeTrial> trials;
      trials.push_back(trial_of(stored, model));
      return trials;
    };
  }
  Json one(const StoredKeys& stored) const { return run(storing(stored)).at(0); }
  static double damage(const Json& artifact) {
    return artifact.at("summary").at("damage").at("kl").at("mean").get<double>();
  }
};

TEST_F(StoredKeysRun, EveryRowIsWrittenAndReadAgain) {
  const Subject subject = Subject::open(model);
  const uint32_t width = 4, positions = 5, stride = 7;
  const auto made = [&](uint32_t salt) {
    std::vector<float> rows;
    for (uint32_t i = 0; i < positions * stride; ++i) {
      rows.push_back(std::sin(static_cast<float>(i * 7 + salt)));
    }
    return rows;
  };
  for (const bool values_too : {false, true}) {
    StoredKeys stored = four_bits();
    stored.spec.bits = 2;
    stored.values = values_too;
    const KeyChangeTrial trial = trial_of(stored, subject.model());
    EXPECT_FALSE(trial.watch_plain);
    std::vector<float> keys = made(1), values = made(2);
    keys[3 * stride + 1] = 1e31f;
    std::vector<float> expected = keys, expected_values = values;
    const keys::KeyScales scales =
        keys::fit_scales({.width = width, .values = {}, .documents = {}}, stored.spec);
    keys::quantise(scales, expected.data(), positions, stride);
    if (values_too) keys::quantise(scales, expected_values.data(), positions, stride);
    trial.change->change({.step = stored.step,
                          .layer = 1,
                          .head = 1,
                          .first_row = 0,
                          .positions = positions,
                          .worker = 0,
                          .keys = {keys.data(), stride, width},
                          .values = {values.data(), stride, width},
                          .latent = {},
                          .shared = {}});
    EXPECT_EQ(values, expected_values);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i / stride == 3 && i % stride < width) {
        EXPECT_TRUE(std::isnan(keys[i])) << i;  // out of a quantiser's reach
      } else {
        EXPECT_EQ(keys[i], expected[i]) << i;
      }
    }
    EXPECT_NE(keys[0], made(1)[0]);
    EXPECT_EQ(keys[width], made(1)[width]);  // of another head
  }
}

TEST_F(StoredKeysRun, FewerBitsDoMore) {
  std::vector<double> kl;
  for (const uint32_t bits : {4u, 2u, 1u}) {
    StoredKeys stored = four_bits();
    stored.spec.bits = bits;
    const Json artifact = one(stored);
    kl.push_back(damage(artifact));
    EXPECT_EQ(artifact.at("settings").at("key_change").at("description"), describe(stored));
    EXPECT_EQ(artifact.at("settings").at("key_change").at("name"), name_of(stored));
    EXPECT_EQ(artifact.at("other").at("inputs"), artifact.at("inputs"));
    EXPECT_EQ(artifact.at("other").at("tensors"), artifact.at("tensors"));
  }
  EXPECT_GT(kl.at(0), 0);
  EXPECT_GT(kl.at(1), kl.at(0));
  EXPECT_GT(kl.at(2), kl.at(1));
  StoredKeys both = four_bits();
  both.values = true;
  EXPECT_NE(damage(one(both)), kl.at(0));
}

TEST_F(StoredKeysRun, LeavesLayersBelowAlone) {
  StoredKeys stored = four_bits();
  stored.spec.bits = 1;
  stored.layers = {1};
  const Json artifact = one(stored);
  EXPECT_EQ(total(artifact.at("per_window").at("flips"), "0"), 0u);
  EXPECT_GT(total(artifact.at("per_window").at("flips"), "1"), 0u);
}

TEST_F(StoredKeysRun, FitsEveryDomainOnItsOwnWindows) {
  const std::vector<Json> both = run(storing(by_channel(false)), {"t", "u"});
  const Json first = run(storing(by_channel(false)), {"t"}).at(0);
  EXPECT_EQ(both.at(0).at("per_window"), first.at("per_window"));
  EXPECT_NE(both.at(1).at("per_window").at("kl"), first.at("per_window").at("kl"));
  EXPECT_NE(one(by_channel(true)).at("per_window"), first.at("per_window"));
  StoredKeys head = by_channel(false);
  head.spec.scale_of = keys::ScaleOf::head;
  EXPECT_NE(one(head).at("per_window"), first.at("per_window"));
}

TEST_F(StoredKeysRun, DependsOnNeitherThreadsNorBlocks) {
  PassSettings other = pass_settings();
  other.engine.threads = 1;
  other.engine.block_windows = 3;
  for (const StoredKeys& stored : {four_bits(), by_channel(false)}) {
    const std::vector<Json> once = run(storing(stored), {"t", "u"});
    const std::vector<Json> again = run(storing(stored), {"t", "u"}, other);
    ASSERT_EQ(once.size(), 2u);
    for (size_t d = 0; d < 2; ++d) {
      EXPECT_EQ(once.at(d).at("body_sha256"), again.at(d).at("body_sha256"));
    }
  }
}

TEST_F(StoredKeysRun, PlansWhatItFitsOn) {
  const auto planned = [&](const StoredKeys& stored) {
    KeyChangeStudy study(model, storing(stored), Purpose::plan, text_settings(), pass_settings());
    study.assume();
    const test::TempFolder out;
    study.programme().make_plans(out.path());
    return study.programme().passes()[0]->plan().peak_bytes;
  };
  EXPECT_GT(planned(by_channel(true)), planned(four_bits()));
}

}  // namespace
}  // namespace rg::lab
