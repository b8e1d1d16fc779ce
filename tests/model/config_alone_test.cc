// A config.json without a checkpoint: bound to tensors that are made as the family asks for them,
// it gives the names, shapes and dtypes of the checkpoint that it belongs to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "model/model.h"
#include "support/caught.h"

namespace rg::model {
namespace {

namespace fs = std::filesystem;
using formats::Checkpoint;
using formats::RequestedTensors;

std::string text_of(const fs::path& config) { return read_whole_file(config, uint64_t{1} << 20); }

// Folders of golden checkpoints whose family this version knows.
std::vector<fs::path> golden_models() {
  const auto known = known_families();
  std::vector<fs::path> models;
  for (const auto& family : fs::directory_iterator(fs::path(RG_TEST_DATA) / "families")) {
    const std::string name = family.path().filename();
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    for (const auto& shape : fs::directory_iterator(family)) {
      // Refused: its layers choose different numbers of experts.
      if (shape.path().filename() == "topk-per-layer-v4") continue;
      models.push_back(shape.path() / "model");
    }
  }
  std::sort(models.begin(), models.end());
  return models;
}

uint64_t elements(const std::vector<uint64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), uint64_t{1}, std::multiplies<>());
}

TEST(ConfigAlone, GivesTheTensorsOfItsCheckpoint) {
  size_t compared = 0;
  for (const fs::path& folder : golden_models()) {
    const Checkpoint stored = Checkpoint::open(formats::resolve_model(folder));
    const Checkpoint made = Checkpoint::of_config(
        text_of(folder / "config.json"),
        RequestedTensors({.dtype = DType::bf16,
                          .most_tensors = 1000,
                          .has = [&](std::string_view name) { return stored.has(name); }}));
    EXPECT_EQ(bind_model(made).layers.size(), bind_model(stored).layers.size()) << folder;
    for (const auto& [name, tensor] : made.requested()->made()) {
      const formats::TensorEntry* same = stored.find(name);
      ASSERT_NE(same, nullptr) << folder << ' ' << name;
      // Some checkpoints store a matrix transposed, or a vector as one row.
      EXPECT_EQ(elements(tensor.shape), elements(same->shape)) << folder << ' ' << name;
      EXPECT_EQ(dtype_bytes(tensor.dtype) == 1, dtype_bytes(same->dtype) == 1) << name;
      ++compared;
    }
  }
  EXPECT_GT(compared, 4000u);
}

// Of the names that a tensor may have, and of those that may be missing, the rules choose.
TEST(ConfigAlone, TheRulesSayWhatThereIs) {
  const fs::path folder = fs::path(RG_TEST_DATA) / "families/mixtral/window-v4/model";
  const auto names = [&](const std::function<bool(std::string_view)>& has) {
    const Checkpoint made = Checkpoint::of_config(
        text_of(folder / "config.json"),
        RequestedTensors({.dtype = DType::bf16, .most_tensors = 1000, .has = has}));
    bind_model(made);
    std::set<std::string, std::less<>> all;
    for (const auto& [name, tensor] : made.requested()->made()) all.insert(name);
    return all;
  };
  const auto apart = names([](auto) { return false; });
  EXPECT_TRUE(apart.contains("model.layers.1.block_sparse_moe.experts.3.w2.weight"));
  EXPECT_FALSE(apart.contains("lm_head.weight"));
  const auto fused = names([](std::string_view name) {
    return name == "lm_head.weight" || name.ends_with("mlp.gate.weight") ||
           name.ends_with("gate_up_proj");
  });
  EXPECT_TRUE(fused.contains("model.layers.1.mlp.experts.gate_up_proj"));
  EXPECT_TRUE(fused.contains("lm_head.weight"));
}

// Names, types and sizes of checkpoints in the layout of their release.
TEST(ConfigAlone, GivesTheTensorsOfARelease) {
  for (const char* shape :
       {"deepseek_v3/fp8", "deepseek_v3/no-groups-v4", "ernie4_5_moe/tied-v4", "gpt_oss/mxfp4",
        "gpt_oss/yarn-v4", "lfm2_moe/tied-v4", "minimax_m2/partial-v4", "mixtral/window-v4",
        "qwen3_moe/first-dense-f32", "qwen3_vl_moe/step-v4"}) {
    const fs::path folder = fs::path(RG_TEST_DATA) / "families" / shape / "model";
    const formats::ModelLocation location = formats::resolve_model(folder);
    EXPECT_FALSE(formats::lacks_weights(location));
    const Checkpoint stored = Checkpoint::open(location);
    const Checkpoint made = Checkpoint::open_config(location, "config.json");
    EXPECT_EQ(bind_model(made).tied_embeddings, bind_model(stored).tied_embeddings) << shape;
    size_t bound = 0;
    for (const auto& [name, tensor] : made.requested()->made()) {
      const formats::TensorEntry* same = stored.find(name);
      ASSERT_NE(same, nullptr) << shape << ' ' << name;
      EXPECT_EQ(dtype_name(tensor.dtype), dtype_name(same->dtype)) << shape << ' ' << name;
      EXPECT_EQ(tensor.size_bytes, same->size_bytes) << shape << ' ' << name;
      ++bound;
    }
    EXPECT_GT(bound, 20u) << shape;
  }
}

TEST(ConfigAlone, TensorsBeyondTheLimitAreMissing) {
  const fs::path folder = fs::path(RG_TEST_DATA) / "families/mixtral/window-v4/model";
  const Checkpoint made = Checkpoint::of_config(
      text_of(folder / "config.json"),
      RequestedTensors(
          {.dtype = DType::bf16, .most_tensors = 3, .has = [](auto) { return false; }}));
  EXPECT_EQ(test::caught([&] { bind_model(made); }).id, ErrorId::ST023);
  EXPECT_EQ(made.requested()->made().size(), 3u);
}

TEST(ConfigAlone, IsReadAsStrictlyAsAFile) {
  const auto refused = [](std::string_view text) {
    return test::caught([&] {
             Checkpoint::of_config(
                 text, RequestedTensors({.dtype = DType::bf16, .most_tensors = 0, .has = [](auto) {
                                           return false;
                                         }}));
           })
        .id;
  };
  EXPECT_EQ(refused("{"), ErrorId::CF005);
  EXPECT_EQ(refused("[]"), ErrorId::CF005);
  EXPECT_EQ(refused(R"({"a":1,"a":2})"), ErrorId::CF002);
  EXPECT_EQ(refused(R"({"a":[NaN]})"), ErrorId::CF005);
  EXPECT_EQ(refused(R"({"a":Infinity,"b":})"), ErrorId::CF005);
  EXPECT_EQ(refused(R"({"a":Infinity,"a":2})"), ErrorId::CF002);
  EXPECT_EQ(refused(R"({"a":[Infinity,-Infinity]})"), std::nullopt);
}

}  // namespace
}  // namespace rg::model
