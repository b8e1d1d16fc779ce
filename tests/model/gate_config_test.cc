// What a config.json says about the gate, family by family: rows C1, C2 and C4. The configs are
// those of the golden checkpoints with one thing changed; tensors are any that are asked for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "model/golden_config.h"

namespace rg::model {
namespace {

namespace fs = std::filesystem;
using formats::Checkpoint;
using test::Caught;

// The first golden checkpoint of a family.
class FirstGolden {
 public:
  explicit FirstGolden(const fs::path& family) : FirstGolden(Folder{first_of(family)}) {}

  const Json& config() const { return config_; }
  // The part that describes the text model.
  static Json& text(Json& config) {
    return config.contains("text_config") ? config["text_config"] : config;
  }
  Caught refusal(const Json& config) const {
    return test::caught([&] {
      bind_model(Checkpoint::of_config(
          config.dump(), formats::RequestedTensors(
                             {.dtype = DType::bf16, .most_tensors = 500, .has = [&](auto name) {
                                return stored_.has(name);
                              }})));
    });
  }

 private:
  struct Folder {
    fs::path path;
  };
  explicit FirstGolden(const Folder& folder)
      : stored_(Checkpoint::open(formats::resolve_model(folder.path.string()))),
        config_(stored_.config()) {}
  static fs::path first_of(const fs::path& family) {
    std::set<fs::path> shapes;
    for (const auto& shape : fs::directory_iterator(family)) shapes.insert(shape.path());
    return *shapes.begin() / "model";
  }

  Checkpoint stored_;
  Json config_;
};

template <typename Visit>
void for_each_family(const Visit& visit) {
  for (const std::string_view family : known_families()) {
    const fs::path folder = fs::path(RG_TEST_DATA) / "families" / family;
    if (!fs::exists(folder)) continue;  // another name of a family that is there
    const FirstGolden golden(folder);
    ASSERT_FALSE(golden.refusal(golden.config()).id) << folder;
    visit(std::string(family), golden);
  }
}

// C1: whether the family reads the key or not, an unknown rule is refused.
TEST(GateConfig, UnknownRulesAreRefused) {
  const Json rules = {{"scoring_func", {"softplus", "", 1, true}},
                      {"score_function", {"softplus"}},
                      {"topk_method", {"aux", "", 1}},
                      {"norm_topk_prob", {"yes", 1, 0.5, Json::array()}},
                      {"route_norm", {"yes"}},
                      {"moe_router_activation_func", {"softplus"}}};
  for_each_family([&](const std::string& family, const FirstGolden& golden) {
    for (const auto& [key, values] : rules.items()) {
      for (const Json& value : values) {
        Json changed = golden.config();
        FirstGolden::text(changed)[key] = value;
        const Caught error = golden.refusal(changed);
        EXPECT_TRUE(error.id == ErrorId::CF002 || error.id == ErrorId::CF004)
            << family << ' ' << key << " = " << value.dump() << ": " << error.line;
      }
    }
  });
}

// C2: four counts, each message with the one that is impossible.
TEST(GateConfig, CountsArePossibleOrRefusedWithTheNumbers) {
  const FirstGolden golden(fs::path(RG_TEST_DATA) / "families/deepseek_v3");
  int bound = 0, refused = 0;
  for (uint32_t experts = 0; experts <= 8; ++experts) {
    for (uint32_t k = 0; k <= 9; ++k) {
      for (uint32_t groups = 0; groups <= 4; ++groups) {
        for (uint32_t kept = 0; kept <= 5; ++kept) {
          Json changed = golden.config();
          changed["n_routed_experts"] = experts;
          changed["num_experts_per_tok"] = k;
          changed["n_group"] = groups;
          changed["topk_group"] = kept;
          const bool fit = experts > 0 && groups > 0 && experts % groups == 0 &&
                           (groups == 1 || experts / groups > 1);
          const bool possible =
              fit && k > 0 && kept > 0 && kept <= groups && k * groups <= kept * experts;
          const Caught error = golden.refusal(changed);
          const std::string counts = fmt::format("E={} k={} {}/{}", experts, k, kept, groups);
          ++(possible ? bound : refused);
          if (possible) {
            EXPECT_FALSE(error.id) << counts << ": " << error.line;
            continue;
          }
          EXPECT_EQ(error.id, ErrorId::CF010) << counts << ": " << error.line;
          const std::string& found = error.parts.found;
          EXPECT_TRUE(found == std::to_string(experts) || found == fmt::format("k = {}", k) ||
                      found == fmt::format("{} groups of {} experts", groups, experts) ||
                      found == std::to_string(kept) ||
                      found == fmt::format("'top2_sum' with {} expert per group", experts / groups))
              << counts << ": " << error.line;
        }
      }
    }
  }
  EXPECT_GT(bound, 50);
  EXPECT_GT(refused, 1000);
}

// transformers fails on a group that is not stated.
TEST(GateConfig, LimitedGroupsOfDeepSeekV2AreStated) {
  const test::GoldenConfig golden = {"deepseek_v2/groups-f32", {}};
  for (const char* key : {"n_group", "topk_group"}) {
    test::expect_refusal(golden, ErrorId::CF003, key, [&](Json& config) { config.erase(key); });
    test::expect_refusal(golden, ErrorId::CF002, key, [&](Json& config) { config[key] = nullptr; });
    EXPECT_FALSE(golden
                     .refusal([&](Json& config) {
                       config["topk_method"] = "greedy";
                       config.erase(key);
                     })
                     .id);
  }
  test::expect_refusal(golden, ErrorId::CF010, "expert groups",
                       [](Json& config) { config["n_group"] = 0; });
}

// Another family's name for the number of experts is nothing that the class reads.
TEST(GateConfig, NamesOfTheNumberOfExperts) {
  for (const auto& [name, key, other] :
       {std::tuple("glm4_moe/air-v4", "n_routed_experts", "num_experts"),
        std::tuple("deepseek_v3/groups-f32", "n_routed_experts", "num_experts"),
        std::tuple("deepseek_v2/groups-f32", "n_routed_experts", "num_local_experts"),
        std::tuple("lfm2_moe/tied-v4", "num_experts", "num_local_experts"),
        std::tuple("phimoe/tied-v4", "num_local_experts", "num_experts"),
        std::tuple("exaone_moe/groups-f32", "num_experts", "num_local_experts"),
        std::tuple("qwen3_next/interval-v4", "num_experts", "num_local_experts")}) {
    const test::GoldenConfig golden = {name, {}};
    test::expect_refusal(golden, ErrorId::CF003, key, [&, key = key, other = other](Json& config) {
      config[other] = config[key];
      config.erase(key);
    });
    test::expect_refusal(golden, ErrorId::CF002, other,
                         [&, other = other](Json& config) { config[other] = 77; });
    EXPECT_FALSE(
        golden.refusal([&, key = key, other = other](Json& config) { config[other] = config[key]; })
            .id);
  }
}

// C4: where a family reads an integer, it reads nothing else. A key that takes a text is not read.
TEST(GateConfig, IntegersAreWrittenAsIntegers) {
  for_each_family([&](const std::string& family, const FirstGolden& golden) {
    Json whole = golden.config();
    size_t read = 0;
    for (const auto& [key, value] : FirstGolden::text(whole).items()) {
      if (!value.is_number_unsigned()) continue;
      const auto with = [&, &key = key](const Json& replacement) {
        Json changed = golden.config();
        FirstGolden::text(changed)[key] = replacement;
        return golden.refusal(changed);
      };
      if (!with("no number").id) continue;
      const auto number = value.get<uint64_t>();
      // A real may be written as an integer.
      if (!with(static_cast<double>(number) + 0.25).id) continue;
      ++read;
      for (const Json& wrong :
           {Json(static_cast<double>(number)), Json(std::to_string(number)), Json(true), Json(-1),
            Json((uint64_t{1} << 53) + 1), Json(UINT64_MAX), Json::array({number})}) {
        if (key == "moe_layer_end_index" && wrong == Json(-1)) continue;  // ERNIE's last layer
        const Caught error = with(wrong);
        EXPECT_TRUE(error.id == ErrorId::CF002 || error.id == ErrorId::CF004)
            << family << ' ' << key << " = " << wrong.dump() << ": " << error.line;
      }
    }
    EXPECT_GT(read, 7u) << family;
  });
}

}  // namespace
}  // namespace rg::model
