// Golden checkpoints with tensors exchanged or heads moved: the fixtures must notice whenever a
// weight is used in another's place, and must not notice what makes no difference.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "golden.h"

namespace rg::stream {
namespace {

using test::SafetensorsFile;
using Rewrite = std::function<void(const SafetensorsFile& from, std::string& bytes)>;

// Runs the golden model with rewritten weights against the unchanged expectations.
std::vector<std::string> violations_after(const std::string& name, const Rewrite& rewrite) {
  const std::filesystem::path from = golden_model_folder(name);
  const SafetensorsFile file(from / "model.safetensors");
  std::string bytes = file.bytes();
  rewrite(file, bytes);
  std::string pattern = (std::filesystem::temp_directory_path() / "routegauge-XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(pattern.data());
  std::filesystem::copy_file(from / "config.json", folder / "config.json");
  std::ofstream(folder / "model.safetensors", std::ios::binary) << bytes;
  std::vector<std::string> lines;
  {
    const Golden golden(name, folder);
    lines = violations(golden, golden.run({}), "");
  }
  std::filesystem::remove_all(folder);
  return lines;
}

// Exchanges the values of two tensors of one size.
Rewrite exchange(const std::string& a, const std::string& b) {
  return [=](const SafetensorsFile& file, std::string& bytes) {
    const auto [first_a, last_a] = file.range(a);
    const auto [first_b, last_b] = file.range(b);
    ASSERT_EQ(last_a - first_a, last_b - first_b);
    std::memcpy(bytes.data() + first_a, file.bytes().data() + first_b, last_a - first_a);
    std::memcpy(bytes.data() + first_b, file.bytes().data() + first_a, last_a - first_a);
  };
}

class Exchange : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(Exchange, BreaksAGoldenComparison) {
  EXPECT_FALSE(violations_after("mha", exchange(GetParam().first, GetParam().second)).empty());
}

#define LAYER "model.layers.1."
const std::pair<const char*, const char*> kExchanges[] = {
    {LAYER "input_layernorm.weight", LAYER "post_attention_layernorm.weight"},
    {LAYER "self_attn.q_norm.weight", LAYER "self_attn.k_norm.weight"},
    {LAYER "self_attn.q_norm.weight", LAYER "input_layernorm.weight"},
    {LAYER "self_attn.q_proj.weight", LAYER "self_attn.k_proj.weight"},
    {LAYER "self_attn.v_proj.weight", LAYER "self_attn.o_proj.weight"},
    {LAYER "mlp.experts.3.gate_proj.weight", LAYER "mlp.experts.3.up_proj.weight"},
    {LAYER "mlp.experts.3.down_proj.weight", LAYER "mlp.experts.4.down_proj.weight"},
    {LAYER "mlp.gate.weight", "model.layers.0.mlp.gate.weight"},
    {LAYER "post_attention_layernorm.weight", "model.norm.weight"},
    {"model.embed_tokens.weight", "lm_head.weight"},
};
#undef LAYER

INSTANTIATE_TEST_SUITE_P(Tensors, Exchange, testing::ValuesIn(kExchanges));

// Query heads of gqa-clip (6, with 2 key heads) moved to other places: their rows of q and of its
// gains, their columns of o. That changes nothing but which key head each of them uses.
constexpr size_t kHeads = 6, kKeyHeads = 2;

Rewrite move_heads(const std::vector<size_t>& place) {  // head h goes to place[h]
  return [=](const SafetensorsFile& file, std::string& bytes) {
    for (const std::string& name : file.names()) {
      const bool by_columns = name.find("self_attn.o_proj") != std::string::npos;
      if (!by_columns && name.find("self_attn.q_") == std::string::npos) continue;
      const auto [first, last] = file.range(name);
      const size_t lines = by_columns ? file.shape(name)[0] : 1;
      const size_t head = (last - first) / lines / kHeads;
      for (size_t i = 0; i < lines * kHeads; ++i) {
        const size_t line = first + i / kHeads * kHeads * head, h = i % kHeads;
        std::memcpy(bytes.data() + line + place[h] * head, file.bytes().data() + line + h * head,
                    head);
      }
    }
  };
}

TEST(Heads, ThoseOfOneKeyHeadMayChangePlaces) {
  const auto lines = violations_after("gqa-clip", move_heads({1, 2, 0, 3, 5, 4}));
  for (const std::string& line : lines) ADD_FAILURE() << line;
}

TEST(Heads, TakingEveryOtherHeadForAKeyHeadBreaksTheGolden) {
  std::vector<size_t> place(kHeads);
  for (size_t h = 0; h < kHeads; ++h) {
    place[h] = h % kKeyHeads * (kHeads / kKeyHeads) + h / kKeyHeads;
  }
  EXPECT_FALSE(violations_after("gqa-clip", move_heads(place)).empty());
}

}  // namespace
}  // namespace rg::stream
