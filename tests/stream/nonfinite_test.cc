// Weights that are NaN or infinite: named with their first index and their count, once per tensor.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.h"
#include "golden.h"
#include "stream/tensor_reader.h"
#include "support/caught.h"
#include "support/kept_progress.h"

namespace rg::stream {
namespace {

constexpr const char* kTensor = "model.layers.1.mlp.experts.2.up_proj.weight";

// "mha" with NaN at the 5th, 6th and last value of one expert's matrix (bf16 or f32 alike).
class Damaged : public testing::Test {
 protected:
  Damaged() {
    std::string pattern = (std::filesystem::temp_directory_path() / "routegauge-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    const auto from = golden_model_folder("mha");
    const test::SafetensorsFile file(from / "model.safetensors");
    std::string bytes = file.bytes();
    const auto [first, last] = file.range(kTensor);
    const formats::TensorEntry* tensor = Golden("mha").checkpoint().find(kTensor);
    const size_t element = dtype_bytes(tensor->dtype);
    elements_ = (last - first) / element;
    for (const size_t at : {size_t{5}, size_t{6}, elements_ - 1}) {
      for (size_t b = 0; b < element; ++b) bytes[first + at * element + b] = '\xff';
    }
    std::filesystem::copy_file(from / "config.json", folder_ / "config.json");
    std::ofstream(folder_ / "model.safetensors", std::ios::binary) << bytes;
  }
  ~Damaged() override { std::filesystem::remove_all(folder_); }

  PassResult run(NonFinite nonfinite) const {
    const Golden golden("mha", folder_);
    const tap::SequenceSet set = golden.sequences(true);
    const tap::SequenceSet* sets[] = {&set};
    Settings settings;
    settings.flops_per_s = 1e9;
    settings.nonfinite = nonfinite;
    test::KeptProgress silent;
    const Plan plan = make_plan(golden.model(), sets, {}, settings);
    PassResult result =
        run_pass(golden.checkpoint(), golden.model(), sets, {}, settings, plan, silent);
    result.digests.clear();  // they point into the checkpoint
    return result;
  }

  std::filesystem::path folder_;
  size_t elements_ = 0;
};

TEST_F(Damaged, StopsWithNameFirstIndexAndCount) {
  const auto error = test::caught([&] { run(NonFinite::stop); });
  EXPECT_EQ(error.id, ErrorId::ST030);
  EXPECT_EQ(error.parts.object, kTensor);
  EXPECT_EQ(error.parts.found, "3 NaN or infinite values, the first at element 5");
}

TEST_F(Damaged, IsRecordedOnceWithTheLayerItEnters) {
  const PassResult result = run(NonFinite::record);
  ASSERT_EQ(result.nonfinite.size(), 1u);
  EXPECT_EQ(result.nonfinite[0].name, kTensor);
  EXPECT_EQ(result.nonfinite[0].first, 5u);
  EXPECT_EQ(result.nonfinite[0].count, 3u);
  EXPECT_EQ(result.nonfinite[0].layer, 1);
  EXPECT_EQ(result.notes.size(), 1u);
}

}  // namespace
}  // namespace rg::stream
