// S11: scales of quantised weights that no quantiser writes. A missing one, one too many and one of
// another shape are refused before, by name (tests/model/family_tensors_test.cc).
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "family_golden.h"
#include "stream/pass.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "support/temp_folder.h"

namespace rg::stream {
namespace {

// A golden checkpoint with other bytes from `first` on within one tensor, run through a pass.
class Rewritten {
 public:
  Rewritten(const FamilyShape& shape, const std::string& tensor, uint64_t first,
            const std::string& bytes) {
    const auto from = shape.folder() / "model";
    const test::SafetensorsFile file(from / "model.safetensors");
    std::string whole = file.bytes();
    const uint64_t at = file.range(tensor).first + first;
    whole.replace(at, bytes.size(), bytes);
    std::filesystem::copy_file(from / "config.json", folder_ / "config.json");
    std::ofstream(folder_ / "model.safetensors", std::ios::binary) << whole;
    expected_ = shape.folder() / "expected.safetensors";
  }

  test::Caught refusal(NonFinite nonfinite) const {
    const formats::Checkpoint checkpoint = open_golden(folder_.path());
    const model::Model model = model::bind_model(checkpoint);
    const tap::SequenceSet set = golden_sequences(test::SafetensorsFile(expected_), true);
    const tap::SequenceSet* sets[] = {&set};
    Settings settings;
    settings.flops_per_s = 1e9;
    settings.nonfinite = nonfinite;
    test::KeptProgress silent;
    const Plan plan = make_plan(model, sets, {}, settings);
    return test::caught([&] { run_pass(checkpoint, model, sets, {}, settings, plan, silent); });
  }

 private:
  test::TempFolder folder_;
  std::filesystem::path expected_;
};

std::string stored(float scale) {
  std::string bytes(sizeof scale, '\0');
  std::memcpy(bytes.data(), &scale, sizeof scale);
  return bytes;
}

TEST(Scales, OfFp8ArePositiveAndLeaveFiniteWeights) {
  constexpr const char* kScales = "model.layers.1.self_attn.q_b_proj.weight_scale_inv";
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const FamilyShape fp8 = {"deepseek_v3", "fp8"};
  for (const float scale : {0.0f, -0.0f, -0.25f, kInfinity, -kInfinity, 1e36f,
                            std::numeric_limits<float>::quiet_NaN()}) {
    const Rewritten files(fp8, kScales, 4, stored(scale));
    for (const NonFinite nonfinite : {NonFinite::stop, NonFinite::record}) {
      const test::Caught error = files.refusal(nonfinite);
      EXPECT_EQ(error.id, ErrorId::ST021) << scale << ' ' << error.line;
      EXPECT_EQ(error.parts.object, kScales);
      EXPECT_TRUE(error.says("at element 1")) << error.line;
    }
  }
  for (const float scale : {0.25f, 1e-45f, 7.5e35f}) {
    EXPECT_FALSE(Rewritten(fp8, kScales, 4, stored(scale)).refusal(NonFinite::stop).id) << scale;
  }
}

TEST(Scales, OfMxfp4LeaveFiniteWeights) {
  constexpr const char* kScales = "model.layers.1.mlp.experts.down_proj_scales";
  const FamilyShape mxfp4 = {"gpt_oss", "mxfp4"};
  constexpr uint64_t kExpert = 64 * 2;
  for (const char exponent : {'\xff', '\xfe', '\xfd'}) {
    const Rewritten files(mxfp4, kScales, 3 * kExpert + 5, std::string(1, exponent));
    for (const NonFinite nonfinite : {NonFinite::stop, NonFinite::record}) {
      const test::Caught error = files.refusal(nonfinite);
      EXPECT_EQ(error.id, ErrorId::ST021) << error.line;
      EXPECT_EQ(error.parts.object, kScales);
      EXPECT_TRUE(error.says("at element 389")) << error.line;
    }
  }
  for (const char exponent : {'\x00', '\xfc'}) {
    const Rewritten files(mxfp4, kScales, 3 * kExpert + 5, std::string(1, exponent));
    EXPECT_FALSE(files.refusal(NonFinite::stop).id) << int{exponent};
  }
}

}  // namespace
}  // namespace rg::stream
