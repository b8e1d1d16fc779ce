// The results don't depend on threads, block sizes or the order in which blocks come.
#include <gtest/gtest.h>

#include "experiments/fake_engine.h"

namespace rg::experiments::testing {
namespace {

class Determinism : public ::testing::TestWithParam<const char*> {};

TEST_P(Determinism, SameBitsForEveryFeeding) {
  Shape shape;
  shape.windows = 60;
  const FakeModel model(shape, softmax_spec(shape.experts, shape.k), {});
  Setting setting = model.setting();
  if (std::string(GetParam()) == "attention_router") {
    setting.prompts = model.prompts;
    setting.prompt_set = &model.sets[1];
    setting.prompt_set_unmasked = &model.sets[2];
  }
  const record::Contribution first = measure(model, setting, GetParam(), {1, 60, false});
  const std::string expected = canonical_json(first.fields);
  for (const Feeding& feeding :
       {Feeding{1, 1, true}, Feeding{2, 7, false}, Feeding{3, 4, true}, Feeding{8, 1, false}}) {
    setting.threads = feeding.threads;
    EXPECT_EQ(canonical_json(measure(model, setting, GetParam(), feeding).fields), expected)
        << feeding.threads << " threads, blocks of " << feeding.block_sequences;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Determinism,
                         ::testing::Values("attention_router", "expert_load", "chart_compatibility",
                                           "terminal_ovk_scan"),
                         [](const auto& test) { return std::string(test.param); });

// Every null of an artifact is below a path that has a reason.
void find_nulls(const Json& value, const std::string& path, std::vector<std::string>& found) {
  if (value.is_null()) found.push_back(path);
  if (value.is_array()) {
    for (const Json& item : value) find_nulls(item, path, found);
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      find_nulls(item, path.empty() ? key : path + "." + key, found);
    }
  }
}

class NullReasons : public ::testing::TestWithParam<const char*> {};

TEST_P(NullReasons, EveryNullHasOne) {
  Shape shape;
  shape.windows = 12;  // too few for convergence and the jackknife
  FakeModel::Hooks hooks;
  hooks.logits = [](int layer, size_t row, std::span<float> logits) {
    // A window of ties at layer 1, a window without any number at layer 2.
    if (layer == 1 && row < 33) std::fill(logits.begin(), logits.end(), 1.0f);
    if (layer == 2 && row >= 33 && row < 66) {
      std::fill(logits.begin(), logits.end(), std::numeric_limits<float>::quiet_NaN());
    }
  };
  const FakeModel model(shape, softmax_spec(shape.experts, shape.k), hooks);
  Setting setting = model.setting();
  setting.prompts = model.prompts;
  setting.prompt_set = &model.sets[1];
  setting.prompt_set_unmasked = &model.sets[2];
  const Json fields = measure(model, setting, GetParam(), {2, 5, false}).fields;
  std::vector<std::string> nulls;
  find_nulls(fields, "", nulls);
  EXPECT_FALSE(nulls.empty());
  for (const std::string& path : nulls) {
    bool covered = false;
    for (const auto& [reason_path, reason] : fields.at("null_reasons").items()) {
      covered = covered || path == reason_path || path.starts_with(reason_path + ".");
      EXPECT_FALSE(reason.get<std::string>().empty());
    }
    EXPECT_TRUE(covered) << path;
  }
  EXPECT_NO_THROW(canonical_json(fields));  // no NaN got through
}

INSTANTIATE_TEST_SUITE_P(All, NullReasons,
                         ::testing::Values("attention_router", "expert_load", "chart_compatibility",
                                           "terminal_ovk_scan"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace rg::experiments::testing
