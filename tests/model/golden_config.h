// Golden configs with a change, bound to any tensors that they ask for, and what refuses them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/model.h"
#include "support/caught.h"

namespace rg::test {

using Change = std::function<void(Json&)>;

// A golden config, changed; tensors whose name ends with one of `there` exist where others would
// do.
struct GoldenConfig {
  std::string golden;  // family/shape
  std::vector<std::string> there;
  Caught refusal(const Change& change) const {
    return caught([&] { bound(change); });
  }
  model::Model bound(const Change& change) const {
    const auto folder = std::filesystem::path(RG_TEST_DATA) / "families" / golden / "model";
    Json config = formats::Checkpoint::open(formats::resolve_model(folder)).config();
    change(config);
    const auto has = [this](std::string_view name) {
      return std::any_of(there.begin(), there.end(),
                         [&](const std::string& end) { return name.ends_with(end); });
    };
    return model::bind_model(formats::Checkpoint::of_config(
        config.dump(),
        formats::RequestedTensors({.dtype = DType::bf16, .most_tensors = 500, .has = has})));
  }
};

inline void expect_refusal(const GoldenConfig& base, ErrorId id, const std::string& object,
                           const Change& change) {
  EXPECT_FALSE(base.refusal([](Json&) {}).id) << base.golden;
  const Caught error = base.refusal(change);
  EXPECT_EQ(error.id, id) << base.golden << ' ' << object << ": " << error.line;
  EXPECT_EQ(error.parts.object, object) << error.line;
}

}  // namespace rg::test
