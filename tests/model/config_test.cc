// config.json of OLMoE: rows C1, C2, C4 and C5, and where every field of the model comes from.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/families/list.h"
#include "model/olmoe_folder.h"
#include "model/origins.h"
#include "support/model_parts.h"

namespace rg::model {
namespace {

using test::Caught;
using test::OlmoeFolder;
using test::source;
using test::TinyOlmoe;
using test::value;

TEST(OlmoeConfig, FillsTheModel) {
  TinyOlmoe tiny;
  tiny.clip_qkv = 0.5f;
  tiny.norm_topk_prob = true;
  OlmoeFolder files(tiny);
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.family, "olmoe");
  EXPECT_EQ(model.width, 16u);
  EXPECT_EQ(model.layers.size(), 2u);
  EXPECT_EQ(model.expert_width(), 6u);
  EXPECT_EQ(model.vocabulary, 24u);
  EXPECT_EQ(model.positions, 64u);
  EXPECT_EQ(model.final_norm.spec.epsilon, 1e-5f);
  EXPECT_EQ(test::attention_of(model).heads, 4u);
  EXPECT_EQ(test::attention_of(model).kv_heads, 2u);
  EXPECT_EQ(test::attention_of(model).head_width, 4u);
  EXPECT_TRUE(test::attention_of(model).qk_norm == QkNorm::full_width);
  EXPECT_EQ(test::attention_of(model).clip_qkv, 0.5f);
  EXPECT_EQ(test::attention_of(model).rope->base, 10000.0f);
  EXPECT_EQ(test::attention_of(model).scale, 0.5f);
  EXPECT_EQ(model.moe_layers(), (std::vector<int>{0, 1}));
  EXPECT_FALSE(model.tied_embeddings);
  const gate::GateSpec expected = {.experts = 5u,
                                   .top_k = 2u,
                                   .logit_bias = false,
                                   .score = gate::Score::softmax,
                                   .selection_bias = false,
                                   .groups = 1u,
                                   .groups_kept = 1u,
                                   .group_score = gate::GroupScore::none,
                                   .weigh = gate::Weigh::scores,
                                   .normalise = gate::Normalise::by_sum,
                                   .epsilon = 0.0f,
                                   .scaling = 1.0f,
                                   .per_expert_scale = false,
                                   .ids_from_table = false,
                                   .shared_experts = 0u};
  EXPECT_EQ(model.gate(), expected);
}

TEST(OlmoeConfig, NormalisationFollowsItsKey) {
  OlmoeFolder files;
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.gate().normalise.value, gate::Normalise::no);
  EXPECT_FALSE(test::attention_of(model).clip_qkv);
}

TEST(OlmoeConfig, EveryFieldSaysWhereItComesFrom) {
  OlmoeFolder files;
  for (const char* key :
       {"rms_norm_eps", "rope_theta", "tie_word_embeddings", "hidden_act",
        "max_position_embeddings", "attention_bias", "clip_qkv", "rope_scaling"}) {
    files.config.erase(key);
  }
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(source(model, "gate.experts"), "config.json: num_experts");
  EXPECT_EQ(value(model, "gate.experts"), "5");
  EXPECT_EQ(source(model, "gate.normalise"), "config.json: norm_topk_prob");
  EXPECT_EQ(value(model, "gate.normalise"), "no");
  EXPECT_EQ(source(model, "gate.score"), "fixed by the family");
  EXPECT_EQ(source(model, "width"), "config.json: hidden_size");
  EXPECT_EQ(source(model, "unembedding"), "checkpoint");
  for (const auto& [field, shown] :
       {std::pair("norm_epsilon", "1e-05"), std::pair("attention.rope_base", "10000"),
        std::pair("tied_embeddings", "false"), std::pair("activation", "silu"),
        std::pair("positions", "4096"), std::pair("attention.bias", "false"),
        std::pair("attention.clip_qkv", "none")}) {
    EXPECT_EQ(source(model, field), "class default") << field;
    EXPECT_EQ(value(model, field), shown) << field;
  }
  EXPECT_EQ(model.final_norm.spec.epsilon, 1e-5f);
  EXPECT_EQ(model.positions, 4096u);
}

TEST(OlmoeConfig, KeyValueHeadsDefaultToHeads) {
  TinyOlmoe tiny;
  tiny.kv_heads = tiny.heads;
  for (const bool null : {false, true}) {
    OlmoeFolder files(tiny);
    files.config.erase("num_key_value_heads");
    if (null) files.config["num_key_value_heads"] = nullptr;
    const auto checkpoint = files.open();
    EXPECT_EQ(test::attention_of(bind_model(checkpoint)).kv_heads, tiny.heads);
  }
}

// C1
TEST(OlmoeConfig, UnknownFamiliesHaveNoGate) {
  OlmoeFolder files;
  for (const char* type : {"mixtral2", "OLMOE", "olmoe ", "", "\x1b[2J"}) {
    files.config["model_type"] = type;
    const Caught error = files.refusal();
    EXPECT_EQ(error.id, ErrorId::CF001) << type;
    EXPECT_TRUE(error.says("known family: ") && error.says("olmoe")) << error.line;
  }
  files.config["model_type"] = 7;
  EXPECT_EQ(files.refusal().id, ErrorId::CF002);
  files.config.erase("model_type");
  EXPECT_EQ(files.refusal().id, ErrorId::CF003);
}

TEST(OlmoeConfig, FamiliesThatAreNotComputedAreRefusedByName) {
  OlmoeFolder files;
  files.config["model_type"] = "deepseek_v4";
  const Caught error = files.refusal();
  EXPECT_EQ(error.id, ErrorId::CF019);
  EXPECT_TRUE(error.says("expert ids from a table by token id")) << error.line;
  const auto computed = known_families();
  for (const FamilyNotComputed& family : families_not_computed()) {
    EXPECT_EQ(std::count(computed.begin(), computed.end(), family.model_type), 0);
    files.config["model_type"] = family.model_type;
    EXPECT_EQ(files.refusal().id, ErrorId::CF019) << family.model_type;
  }
}

TEST(OlmoeConfig, KeysThatDecideTheGateHaveNoDefault) {
  for (const char* key : {"num_experts", "num_experts_per_tok", "norm_topk_prob"}) {
    OlmoeFolder files;
    files.config.erase(key);
    const Caught error = files.refusal();
    EXPECT_EQ(error.id, ErrorId::CF003) << key;
    EXPECT_EQ(error.parts.object, key);
  }
}

TEST(OlmoeConfig, OtherKeysTakeTheClassDefault) {
  // Defaults of another size than the weights: the shapes say so.
  for (const auto& [key, shown] : {std::pair("hidden_size", "hidden_size=2048"),
                                   std::pair("intermediate_size", "intermediate_size=2048"),
                                   std::pair("vocab_size", "vocab_size=50304")}) {
    OlmoeFolder files;
    files.config.erase(key);
    const Caught error = files.refusal();
    EXPECT_EQ(error.id, ErrorId::ST020) << key;
    EXPECT_TRUE(error.says(shown)) << error.line;
  }
  OlmoeFolder files;
  files.config.erase("num_hidden_layers");  // 16; there are 2
  EXPECT_EQ(files.refusal().id, ErrorId::ST023);
}

// C2 and C5, the whole grid.
TEST(OlmoeConfig, ExpertCountsMustBePossible) {
  for (uint32_t experts = 0; experts <= 8; ++experts) {
    TinyOlmoe tiny;
    tiny.layers = 1;
    tiny.experts = experts;
    OlmoeFolder files(tiny);
    for (uint32_t k = 0; k <= 9; ++k) {
      files.config["num_experts_per_tok"] = k;
      const Caught error = files.refusal();
      if (experts == 0) {
        EXPECT_EQ(error.id, ErrorId::CF016) << experts << ' ' << k;
      } else if (k == 0 || k > experts) {
        EXPECT_EQ(error.id, ErrorId::CF010) << experts << ' ' << k;
      } else {  // k == E binds: the gate works, its margin is undefined
        EXPECT_FALSE(error.id) << error.line;
      }
    }
  }
  OlmoeFolder files;
  files.config["num_hidden_layers"] = 0;
  EXPECT_EQ(files.refusal().id, ErrorId::CF016);
}

// C4
TEST(OlmoeConfig, IntegersAreWrittenAsIntegers) {
  for (const char* key : {"hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size",
                          "max_position_embeddings", "num_attention_heads", "num_key_value_heads",
                          "num_experts", "num_experts_per_tok"}) {
    for (const char* written : {"1e1", "2.0", "\"2\"", "true", "-1", "9007199254740993", "1.5",
                                "18446744073709551616", "[]", "{}", "null"}) {
      OlmoeFolder files;
      files.config[key] = parse_json(written, {}, "");
      if (key == std::string("num_key_value_heads") && written == std::string("null")) continue;
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::CF002) << key << ": " << written << ": " << error.line;
      EXPECT_EQ(error.parts.object, key);
    }
  }
}

TEST(OlmoeConfig, OtherKindsAreStrictToo) {
  for (const auto& [key, written] : {std::pair("norm_topk_prob", "0"),
                                     std::pair("norm_topk_prob", "null"),
                                     std::pair("norm_topk_prob", "\"false\""),
                                     std::pair("tie_word_embeddings", "1"),
                                     std::pair("tie_word_embeddings", "null"),
                                     std::pair("attention_bias", "0"),
                                     std::pair("rms_norm_eps", "\"1e-5\""),
                                     std::pair("rms_norm_eps", "0"),
                                     std::pair("rms_norm_eps", "-1e-5"),
                                     std::pair("rms_norm_eps", "null"),
                                     std::pair("rms_norm_eps", "1e-60"),
                                     std::pair("rope_theta", "0"),
                                     std::pair("rope_theta", "null"),
                                     std::pair("rope_theta", "1e300"),
                                     std::pair("rope_theta", "true"),
                                     std::pair("clip_qkv", "0"),
                                     std::pair("clip_qkv", "-8"),
                                     std::pair("clip_qkv", "false"),
                                     std::pair("hidden_act", "\"gelu\""),
                                     std::pair("hidden_act", "null"),
                                     std::pair("hidden_act", "\"SiLU\""),
                                     std::pair("hidden_size", "0"),
                                     std::pair("intermediate_size", "0"),
                                     std::pair("vocab_size", "0"),
                                     std::pair("max_position_embeddings", "0"),
                                     std::pair("num_attention_heads", "0"),
                                     std::pair("num_attention_heads", "3"),
                                     std::pair("num_attention_heads", "16"),
                                     std::pair("num_key_value_heads", "0"),
                                     std::pair("num_key_value_heads", "3"),
                                     std::pair("num_key_value_heads", "8"),
                                     std::pair("head_dim", "8"),
                                     std::pair("partial_rotary_factor", "0.5"),
                                     std::pair("partial_rotary_factor", "2"),
                                     std::pair("partial_rotary_factor", "true"),
                                     std::pair("partial_rotary_factor", "\"1\""),
                                     std::pair("rope_scaling", "1"),
                                     std::pair("rope_scaling", "\"linear\""),
                                     std::pair("rope_parameters", "[]")}) {
    OlmoeFolder files;
    files.config[key] = parse_json(written, {}, "");
    const Caught error = files.refusal();
    EXPECT_EQ(error.id, ErrorId::CF002) << key << ": " << written << ": " << error.line;
  }
}

TEST(OlmoeConfig, RealsMayBeWrittenAsIntegers) {
  OlmoeFolder files;
  files.config["rope_theta"] = 500000;
  files.config["clip_qkv"] = 8;
  files.config["head_dim"] = 4;
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(test::attention_of(model).rope->base, 500000.0f);
  EXPECT_EQ(test::attention_of(model).clip_qkv, 8.0f);
}

TEST(OlmoeConfig, ReadsTheSpellingsOfTransformers5) {
  OlmoeFolder files;
  for (const char* key : {"rope_theta", "rope_scaling", "torch_dtype"}) files.config.erase(key);
  files.config["dtype"] = "bfloat16";
  files.config["rope_parameters"] = {{"rope_theta", 20000.0}, {"rope_type", "default"}};
  {
    const auto checkpoint = files.open();
    const Model model = bind_model(checkpoint);
    EXPECT_EQ(test::attention_of(model).rope->base, 20000.0f);
    EXPECT_EQ(source(model, "attention.rope_base"), "config.json: rope_parameters.rope_theta");
  }
  files.config["rope_theta"] = 10000.0;  // the two spellings disagree
  EXPECT_EQ(files.refusal().id, ErrorId::CF002);
  files.config["rope_theta"] = 20000;
  EXPECT_FALSE(files.refusal().id);
  files.config["rope_parameters"].erase("rope_theta");
  const auto checkpoint = files.open();
  EXPECT_EQ(test::attention_of(bind_model(checkpoint)).rope->base, 20000.0f);
}

TEST(OlmoeConfig, ScaledRopeIsReadWhereItIsComputed) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    for (const char* spelling : {"type", "rope_type"}) {
      OlmoeFolder files;
      files.config[key] = {{spelling, "default"}};
      EXPECT_FALSE(files.refusal().id);
      for (const char* type : {"yarn", "linear"}) {
        files.config[key] = {{spelling, type}, {"factor", 2.0}};
        const auto checkpoint = files.open();
        const auto scaling = test::attention_of(bind_model(checkpoint)).rope->scaling;
        EXPECT_NE(scaling.index(), 0u) << type;
      }
      for (const char* type : {"dynamic", "proportional", ""}) {
        files.config[key] = {{spelling, type}, {"factor", 2.0}};
        const Caught error = files.refusal();
        EXPECT_EQ(error.id, ErrorId::CF002) << type;
        EXPECT_EQ(error.parts.object, std::string(key) + '.' + spelling);
      }
    }
    OlmoeFolder files;
    files.config[key] = {{"rope_type", "default"}, {"factor", 2.0}};
    const Caught error = files.refusal();
    EXPECT_EQ(error.id, ErrorId::CF004);
    EXPECT_EQ(error.parts.object, std::string(key) + ".factor");
  }
}

// Whatever stands in the file, a message holds 200 bytes of it, in both forms.
TEST(OlmoeConfig, LongTextsAreCutInMessages) {
  const std::string text = std::string(5000, 't') + "\u202e";
  const auto expect_cut = [](const Caught& error) {
    EXPECT_TRUE(error.id) << error.line;
    EXPECT_LE(error.parts.found.size(), 260u) << error.line;
    EXPECT_LE(error.line.size(), 1000u);
  };
  for (const char* key :
       {"model_type", "hidden_act", "num_experts", "rms_norm_eps", "unheard_of"}) {
    OlmoeFolder files;
    files.config[key] = text;
    expect_cut(files.refusal());
  }
  OlmoeFolder files;
  files.config["rope_scaling"] = {{"rope_type", text}};
  expect_cut(files.refusal());
  OlmoeFolder named;
  named.config[text] = 1;
  expect_cut(named.refusal());
}

}  // namespace
}  // namespace rg::model
