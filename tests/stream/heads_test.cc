// Which key head a query head uses, in a checkpoint of 6 query and 2 key heads. Moving query heads
// to other places (their rows of q and its gains, their columns of o) changes nothing but that.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "golden.h"

namespace rg::stream {
namespace {

constexpr const char* kName = "gqa-clip";
constexpr size_t kHeads = 6, kKeyHeads = 2;

// `place[h]`: where head h goes.
std::filesystem::path with_heads_moved(const std::vector<size_t>& place) {
  const std::filesystem::path from = golden_model_folder(kName);
  const test::SafetensorsFile file(from / "model.safetensors");
  std::string bytes = file.bytes();
  const auto move_heads = [&](const std::string& name, size_t outer, size_t head_bytes) {
    const size_t first = file.range(name).first;
    for (size_t i = 0; i < outer; ++i) {
      for (size_t h = 0; h < kHeads; ++h) {
        const size_t row = first + i * kHeads * head_bytes;
        std::memcpy(bytes.data() + row + place[h] * head_bytes,
                    file.bytes().data() + row + h * head_bytes, head_bytes);
      }
    }
  };
  for (const std::string& name : file.names()) {
    if (name.find("self_attn.q_") == std::string::npos &&
        name.find("self_attn.o_proj") == std::string::npos) {
      continue;
    }
    const std::vector<uint64_t> shape = file.shape(name);
    const bool by_columns = name.find("o_proj") != std::string::npos;  // (d, heads * width)
    const size_t outer = by_columns ? shape[0] : 1;
    const auto [start, end] = file.range(name);
    move_heads(name, outer, (end - start) / outer / kHeads);
  }
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("routegauge-heads-" + std::to_string(getpid()) + "-" + std::to_string(place[1]));
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(from / "config.json", folder / "config.json",
                             std::filesystem::copy_options::overwrite_existing);
  std::ofstream(folder / "model.safetensors", std::ios::binary) << bytes;
  return folder;
}

std::vector<std::string> violations_with(const std::vector<size_t>& place) {
  const std::filesystem::path folder = with_heads_moved(place);
  std::vector<std::string> lines;
  {
    const Golden golden(kName, folder);
    lines = violations(golden, golden.run({}), "");
  }
  std::filesystem::remove_all(folder);
  return lines;
}

TEST(Heads, ThoseOfOneKeyHeadMayChangePlaces) {
  for (const std::string& line : violations_with({1, 2, 0, 3, 5, 4})) ADD_FAILURE() << line;
}

TEST(Heads, TakingEveryOtherHeadForAKeyHeadBreaksTheGolden) {
  std::vector<size_t> place(kHeads);
  for (size_t h = 0; h < kHeads; ++h) {
    place[h] = h % kKeyHeads * (kHeads / kKeyHeads) + h / kKeyHeads;
  }
  EXPECT_FALSE(violations_with(place).empty());
}

}  // namespace
}  // namespace rg::stream
