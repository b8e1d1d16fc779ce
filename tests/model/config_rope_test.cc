// RoPE objects of config.json that are refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "model/golden_config.h"

namespace rg::model {
namespace {

using test::expect_refusal;
using test::GoldenConfig;

TEST(ConfigRope, NumbersThatGiveNoFrequencies) {
  const auto scaled = [](const Json& rope) {
    return [rope](Json& config) {
      config.erase("rope_scaling");
      config["rope_parameters"] = rope;
      config["rope_theta"] = rope.value("rope_theta", 1e4);
    };
  };
  const GoldenConfig mixtral = {"mixtral/window-v4", {}};
  const Json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"rope_theta", 1e4}};
  const Json llama = {{"rope_type", "llama3"},  {"factor", 4.0},
                      {"low_freq_factor", 1.0}, {"high_freq_factor", 4.0},
                      {"rope_theta", 1e4},      {"original_max_position_embeddings", 16}};
  EXPECT_FALSE(mixtral.refusal(scaled(yarn)).id);
  EXPECT_FALSE(mixtral.refusal(scaled(llama)).id);
  for (const auto& [base, key, value] :
       {std::tuple(yarn, "beta_fast", Json(-1)), std::tuple(yarn, "beta_slow", Json(1e300)),
        std::tuple(yarn, "mscale", Json(1e300)), std::tuple(yarn, "attention_factor", Json(1e300)),
        std::tuple(yarn, "beta_fast", Json{{"__float__", "NaN"}}),
        std::tuple(llama, "high_freq_factor", Json(1)),
        std::tuple(llama, "high_freq_factor", Json(0.5))}) {
    Json rope = base;
    rope[key] = value;
    expect_refusal(mixtral, ErrorId::CF002, std::string("rope_parameters.") + key, scaled(rope));
  }
  Json rope = yarn;  // divides by the base's logarithm
  rope["rope_theta"] = 1;
  expect_refusal(mixtral, ErrorId::CF002, "rope_theta", scaled(rope));
  expect_refusal(mixtral, ErrorId::CF002, "head_dim",
                 [](Json& config) { config["head_dim"] = 1 << 17; });
  for (const double share : {-0.5, 1e300, 1.5}) {
    expect_refusal(mixtral, ErrorId::CF002, "partial_rotary_factor",
                   [&](Json& config) { config["partial_rotary_factor"] = share; });
    expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF002,
                   "rope_parameters.full_attention.partial_rotary_factor", [&](Json& config) {
                     config["rope_parameters"]["full_attention"]["partial_rotary_factor"] = share;
                   });
  }
}

// The proportional type has a factor of its own; heads of an odd width have no pairs.
TEST(ConfigRope, PartsOfProportionalHeads) {
  const GoldenConfig gemma = {"gemma4_text/own-v-untied-v4", {}};
  expect_refusal(gemma, ErrorId::CF002, "partial_rotary_factor",
                 [](Json& config) { config["partial_rotary_factor"] = 0.5; });
  for (const bool stated : {false, true}) {
    expect_refusal(gemma, ErrorId::CF002, "partial_rotary_factor", [&](Json& config) {
      config["global_head_dim"] = 13;
      if (stated) config["partial_rotary_factor"] = 0.5;
    });
  }
}

// int(share * width // 2) of Python's doubles; in fp32 the last ones would be another pair.
TEST(ConfigRope, ProportionalPairsAreCountedInDouble) {
  for (const auto& [share, width, pairs] :
       {std::tuple(0.25, 512u, 64), std::tuple(0.3, 20u, 3), std::tuple(0.35, 360u, 62),
        std::tuple(0.52, 450u, 117), std::tuple(0.145, 400u, 28)}) {
    const Rope rope = {.base = 1e4f,
                       .dims = width,
                       .pairing = RopePairing::half_split,
                       .scaling = ProportionalRope{.share = share, .factor = 1},
                       .amplitude = 1};
    const std::vector<float> all = frequencies(rope, 1);
    EXPECT_EQ(std::count_if(all.begin(), all.end(), [](float f) { return f != 0; }), pairs)
        << share << ' ' << width;
  }
}

// transformers fails on an entry without a base, and takes a model whose inputs per layer are not
// stated for one that has them.
TEST(ConfigRope, Gemma4StatesItsBases) {
  const GoldenConfig gemma = {"gemma4_text/k-is-v-f32", {}};
  for (const std::string kind : {"full_attention", "sliding_attention"}) {
    expect_refusal(gemma, ErrorId::CF003, "rope_parameters." + kind + ".rope_theta",
                   [&](Json& config) { config["rope_parameters"][kind].erase("rope_theta"); });
  }
  expect_refusal(gemma, ErrorId::CF003, "hidden_size_per_layer_input",
                 [](Json& config) { config.erase("hidden_size_per_layer_input"); });
}

// They were refused in objects without a scaling only.
TEST(ConfigRope, UnknownKeysBesideAScaling) {
  for (const char* golden :
       {"mixtral/yarn-fused-tied", "mixtral/linear-f32", "gemma4_text/k-is-v-f32"}) {
    const auto rope_of = [](Json& config) -> Json& {
      Json& rope = config["rope_parameters"];
      return rope.contains("full_attention") ? rope["full_attention"] : rope;
    };
    const bool nested = std::string_view(golden).starts_with("gemma4");
    const std::string path = nested ? "rope_parameters.full_attention." : "rope_parameters.";
    expect_refusal({golden, {}}, ErrorId::CF004, path + "temperature",
                   [&](Json& config) { rope_of(config)["temperature"] = 2.0; });
    // What another type reads is not this one's.
    EXPECT_FALSE(GoldenConfig({golden, {}})
                     .refusal([&](Json& config) { rope_of(config)["low_freq_factor"] = 2.0; })
                     .id);
  }
}

// transformers' latent attention scales its scores by it with any scaling; here it was read for
// yarn alone, and ignored with the others.
TEST(ConfigRope, ScoresScaledWithoutYarn) {
  const GoldenConfig deepseek = {"deepseek_v2/groups-f32", {}};
  const auto linear = [](Json& config) {
    config["rope_parameters"] = {{"rope_type", "linear"}, {"factor", 2.0}, {"rope_theta", 20.0}};
  };
  EXPECT_FALSE(deepseek.refusal(linear).id);
  expect_refusal(deepseek, ErrorId::CF004, "rope_parameters.mscale_all_dim", [&](Json& config) {
    linear(config);
    config["rope_parameters"]["mscale_all_dim"] = 0.7;
  });
}

// Phi-3.5-MoE's code alone reads them; other families' models got these amplitudes too.
TEST(ConfigRope, AmplitudesOfLongropeAreOfPhi35) {
  const auto longrope = [](Json& config) {
    config["rope_parameters"] = {{"rope_type", "longrope"},
                                 {"rope_theta", 1e4},
                                 {"short_factor", std::vector<double>(4, 1.0)},
                                 {"long_factor", std::vector<double>(4, 2.0)}};
  };
  const GoldenConfig deepseek = {"deepseek_v2/groups-f32", {}};
  EXPECT_FALSE(deepseek.refusal(longrope).id);
  for (const std::string key : {"short_mscale", "long_mscale"}) {
    expect_refusal(deepseek, ErrorId::CF004, "rope_parameters." + key, [&](Json& config) {
      longrope(config);
      config["rope_parameters"][key] = 1.2;
    });
  }
}

// For a kind of layers transformers looks at the entry alone; here the number outside won.
TEST(ConfigRope, OriginalPositionsOutsideOfEntries) {
  expect_refusal({"mellum/yarn-fused-tied", {}}, ErrorId::CF004, "original_max_position_embeddings",
                 [](Json& config) { config["original_max_position_embeddings"] = 20; });
}

// What transformers takes for a missing part depends on the entry's type and on the other entry;
// whole heads were taken.
TEST(ConfigRope, MiMoStatesItsParts) {
  const GoldenConfig mimo = {"mimo_v2_flash/groups-f32", {}};
  for (const std::string kind : {"full_attention", "sliding_attention"}) {
    expect_refusal(
        mimo, ErrorId::CF003, "rope_parameters." + kind + ".partial_rotary_factor",
        [&](Json& config) { config["rope_parameters"][kind].erase("partial_rotary_factor"); });
  }
}

// The rotated part of the second object was taken where the first, which counts, had none.
TEST(ConfigRope, PartOfAnObjectThatDoesNotCount) {
  const auto both = [](double share) {
    return [share](Json& config) {
      config["rope_theta"] = 90.0;
      config["rope_scaling"] = {{"rope_type", "default"}};
      config["rope_parameters"] = {
          {"rope_type", "default"}, {"rope_theta", 90.0}, {"partial_rotary_factor", share}};
    };
  };
  const GoldenConfig glm = {"glm4_moe/qk-norm-f32", {}};
  EXPECT_FALSE(glm.refusal(both(0.5)).id);
  expect_refusal(glm, ErrorId::CF002, "rope_parameters.partial_rotary_factor", both(1.0));
}

// Entries for kinds of layers are looked for only where the family has kinds, and everything around
// them is refused; it used to be ignored.
TEST(ConfigRope, OnlyEntriesOfKindsOfLayersAreEntries) {
  expect_refusal({"mixtral/window-v4", {}}, ErrorId::CF004, "rope_parameters.", [](Json& config) {
    config["rope_parameters"] = {{"rope_type", "default"}, {"", Json::object()}};
  });
  expect_refusal({"gemma4_text/k-is-v-f32", {}}, ErrorId::CF004, "rope_parameters.rope_type",
                 [](Json& config) { config["rope_parameters"]["rope_type"] = "yarn"; });
}

// Its attention makes the frequencies once, of the short factors; longer sequences change the
// amplitude alone.
TEST(ConfigRope, Phi35HasOneSetOfFrequencies) {
  const Model model = GoldenConfig{"phimoe/longrope-f32", {}}.bound([](Json&) {});
  const auto& rope = std::get<Attention>(model.layers[0].mixer).spec.rope;
  const LongRope& scaled = std::get<LongRope>(rope->scaling);
  EXPECT_EQ(frequencies(*rope, 1), frequencies(*rope, scaled.original_positions + 1));
  EXPECT_NE(amplitude(*rope, 1), amplitude(*rope, scaled.original_positions + 1));
}

}  // namespace
}  // namespace rg::model
