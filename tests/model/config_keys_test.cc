// Keys of config.json that are refused, ignored, absent or spelled in several ways.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "model/olmoe_folder.h"
#include "model/origins.h"
#include "support/model_parts.h"

namespace rg::model {
namespace {

using test::Caught;
using test::OlmoeFolder;
using test::source;
using test::TinyOlmoe;

TEST(OlmoeConfig, KeysThatNothingReadsAreRefused) {
  for (const char* key : {"n_group", "routed_scaling_factor", "moe_intermediate_size",
                          "scoring_func", "", "text_config", "rope_theta ", "Num_Experts",
                          "shared_expert", "unsloth", "attn_implementatio"}) {
    for (const char* written : {"null", "1", "{\"a\": [false]}"}) {
      OlmoeFolder files;
      files.config[key] = parse_json(written, {}, "");
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::CF004) << key;
      EXPECT_EQ(error.parts.object, key);
      // Removing a key that counts would change the numbers.
      EXPECT_FALSE(error.says("emove")) << error.line;
      EXPECT_TRUE(error.says("may change the forward pass")) << error.line;
    }
  }
}

TEST(OlmoeConfig, AllKeysThatNothingReadsAreNamedAtOnce) {
  OlmoeFolder files;
  files.config["n_group"] = 8;
  files.config["is_causal"] = false;
  files.config["rope_parameters"] = {{"rope_type", "default"}, {"factor", 2.0}, {"odd", "x"}};
  files.config["long"] = std::string(100, 'v');
  files.config["temperature"] = 0.7;
  const Caught error = files.refusal();
  EXPECT_EQ(error.id, ErrorId::CF004);
  EXPECT_EQ(error.parts.found,
            "5 keys: rope_parameters.factor = 2.0 (known: null), rope_parameters.odd = \"x\", "
            "n_group = 8, is_causal = false (known: true), long = …");
  for (int i = 0; i < 200; ++i) files.config["more" + std::to_string(i)] = i;
  EXPECT_TRUE(files.refusal().says("and 105 more")) << files.refusal().line;
}

TEST(OlmoeConfig, BookkeepingKeysAreIgnored) {
  OlmoeFolder files;
  // As transformers 4.57 and 5.24 and the tools around them write them.
  for (const auto& [key, written] :
       {std::pair("_name_or_path", "\"me/model\""),
        std::pair("_commit_hash", "null"),
        std::pair("_attn_implementation", "\"sdpa\""),
        std::pair("_attn_implementation_internal", "\"eager\""),
        std::pair("_attn_implementation_autoset", "true"),
        std::pair("_experts_implementation_internal", "null"),
        std::pair("unsloth_fixed", "true"),
        std::pair("unsloth_version", "\"2025.9\""),
        std::pair("model_name", "\"m\""),
        std::pair("tokenizer_class", "\"T\""),
        std::pair("auto_map", "{\"AutoConfig\": \"c.C\"}"),
        std::pair("is_decoder", "true"),
        std::pair("torchscript", "false"),
        std::pair("use_bfloat16", "false"),
        std::pair("tf_legacy_loss", "false"),
        std::pair("finetuning_task", "null"),
        std::pair("task_specific_params", "{\"a\": {\"max_length\": 3}}"),
        std::pair("output_router_logits", "true"),
        std::pair("gradient_checkpointing", "true"),
        std::pair("temperature", "0.7"),
        std::pair("top_p", "0.9"),
        std::pair("top_k", "50"),
        std::pair("max_length", "4096"),
        std::pair("do_sample", "true"),
        std::pair("bad_words_ids", "[[1]]"),
        std::pair("eta_cutoff", "0.0"),
        std::pair("bos_token_id", "null"),
        std::pair("dtype", "\"bfloat16\""),
        std::pair("eos_token_id", "[1, 2]"),
        std::pair("pretraining_tp", "1"),
        std::pair("chunk_size_feed_forward", "0"),
        std::pair("id2label", "{\"0\": \"a\"}"),
        std::pair("num_labels", "2"),
        std::pair("problem_type", "null"),
        std::pair("prefix", "null"),
        std::pair("sep_token_id", "null")}) {
    files.config[key] = parse_json(written, {}, "");
  }
  EXPECT_FALSE(files.refusal().id) << files.refusal().line;
}

// Keys that ask for another model with some values, and for nothing with others.
TEST(OlmoeConfig, SomeKeysAreKnownWithHarmlessValuesOnly) {
  struct Case {
    const char* key;
    std::vector<const char*> harmless, others;
  };
  const std::vector<Case> cases = {
      {"add_cross_attention", {"false", "null"}, {"true", "0", "\"false\""}},
      {"is_encoder_decoder", {"false", "null"}, {"true"}},
      {"tie_encoder_decoder", {"false", "null"}, {"true"}},
      {"mlp_bias", {"false", "null"}, {"true"}},
      {"use_sliding_window", {"false", "null"}, {"true"}},
      {"sliding_window", {"null"}, {"4096", "0", "false"}},
      {"cross_attention_hidden_size", {"null"}, {"64"}},
      {"quantization_config", {"null"}, {"{}", "{\"quant_method\": \"fp8\"}"}},
      {"pruned_heads", {"null", "{}"}, {"{\"0\": [1]}", "1", "\"\""}},
      {"per_layer_config", {"null", "{}"}, {"{\"0\": {\"num_experts\": 2}}"}},
      {"partial_rotary_factor", {"1", "1.0", "null"}, {}},
      {"is_causal", {"true"}, {"false", "null"}},  // null is false to eager attention
      {"layer_types",
       {"null", "[]", "[\"full_attention\", \"full_attention\"]"},
       {"[\"full_attention\", \"sliding_attention\"]", "\"full_attention\""}}};
  for (const Case& each : cases) {
    for (const char* written : each.harmless) {
      OlmoeFolder files;
      files.config[each.key] = parse_json(written, {}, "");
      EXPECT_FALSE(files.refusal().id) << files.refusal().line;
    }
    for (const char* written : each.others) {
      OlmoeFolder files;
      files.config[each.key] = parse_json(written, {}, "");
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::CF004) << each.key << ": " << written;
      EXPECT_EQ(error.parts.object, each.key);
      EXPECT_FALSE(error.says("emove")) << error.line;
    }
  }
}

TEST(OlmoeConfig, NullMeansAbsentWhereTransformersReadsItSo) {
  TinyOlmoe tiny;
  tiny.kv_heads = tiny.heads;
  OlmoeFolder files(tiny);
  for (const char* key : {"num_key_value_heads", "head_dim", "clip_qkv", "rope_scaling",
                          "rope_parameters", "num_local_experts"}) {
    files.config[key] = nullptr;
  }
  EXPECT_FALSE(files.refusal().id) << files.refusal().line;
}

TEST(OlmoeConfig, LocalExpertsAreAnotherNameForExperts) {
  OlmoeFolder files;
  files.config["num_local_experts"] = 5;
  EXPECT_FALSE(files.refusal().id) << files.refusal().line;
  files.config["num_local_experts"] = 4;
  const Caught error = files.refusal();
  EXPECT_EQ(error.id, ErrorId::CF002);
  EXPECT_EQ(error.parts.object, "num_local_experts");
  files.config["num_local_experts"] = 5;
  files.config.erase("num_experts");
  const auto checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.gate().experts.value, 5u);
  EXPECT_EQ(source(model, "gate.experts"), "config.json: num_local_experts");
}

TEST(OlmoeConfig, InfinityIsReadAsTransformersWritesIt) {
  OlmoeFolder files;
  files.config["clip_qkv"] = {{"__float__", "Infinity"}};
  {
    const auto checkpoint = files.open();
    EXPECT_FALSE(test::attention_of(bind_model(checkpoint)).clip_qkv);
  }
  for (const char* other : {"-Infinity", "NaN", "inf"}) {
    files.config["clip_qkv"] = {{"__float__", other}};
    EXPECT_EQ(files.refusal().id, ErrorId::CF002) << other;
  }
  files.config["clip_qkv"] = nullptr;
  files.config["rope_theta"] = {{"__float__", "Infinity"}};
  EXPECT_EQ(files.refusal().id, ErrorId::CF002);
}

struct RopeCase {
  const char *scaling, *parameters, *theta;  // JSON; empty: no such key
  float base;                                // 0: refused
};

// transformers 5.24: rope_scaling, unless null or empty, over rope_parameters; the base inside over
// the one outside. Where transformers 4, or any other spelling, would take another, it's refused.
TEST(OlmoeConfig, AllSpellingsOfTheRopeBaseMustAgree) {
  const std::string plain = R"({"rope_type": "default"})";
  const std::string stated = R"({"rope_type": "default", "rope_theta": 20000.0})";
  const std::string nulls =
      R"({"type": "default", "rope_theta": 20000, "factor": null, "partial_rotary_factor": 1.0})";
  for (const RopeCase& each :
       std::vector<RopeCase>{{"", "", "", 10000},
                             {"", "", "20000", 20000},
                             {"null", "null", "20000", 20000},
                             {"{}", "{}", "20000", 20000},
                             {plain.c_str(), "", "20000", 20000},
                             {plain.c_str(), "", "", 10000},
                             {stated.c_str(), "", "", 20000},
                             {stated.c_str(), "", "20000.0", 20000},
                             {stated.c_str(), "", "10000", 0},
                             {nulls.c_str(), "", "", 20000},
                             {"", stated.c_str(), "", 20000},
                             {"", stated.c_str(), "null", 20000},
                             {"", nulls.c_str(), "20000", 20000},
                             {"", stated.c_str(), "30000", 0},
                             {"null", stated.c_str(), "", 20000},
                             {"{}", stated.c_str(), "", 20000},
                             {"", plain.c_str(), "20000", 20000},
                             {"", plain.c_str(), "null", 0},
                             {stated.c_str(), stated.c_str(), "20000", 20000},
                             {stated.c_str(), plain.c_str(), "", 20000},
                             {plain.c_str(), stated.c_str(), "20000", 20000},
                             {plain.c_str(), stated.c_str(), "", 0},  // transformers 5 takes 10000
                             {R"({"rope_type": "default", "rope_theta": null})", "", "20000", 0}}) {
    OlmoeFolder files;
    files.config.erase("rope_theta");
    files.config.erase("rope_scaling");
    for (const auto& [key, written] :
         {std::pair("rope_scaling", each.scaling), std::pair("rope_parameters", each.parameters),
          std::pair("rope_theta", each.theta)}) {
      if (*written != '\0') files.config[key] = parse_json(written, {}, "");
    }
    const std::string shown = files.config.dump();
    if (each.base == 0) {
      EXPECT_EQ(files.refusal().id, ErrorId::CF002) << shown;
      continue;
    }
    ASSERT_FALSE(files.refusal().id) << shown << files.refusal().line;
    const auto checkpoint = files.open();
    const Model model = bind_model(checkpoint);
    EXPECT_EQ(test::attention_of(model).rope->base, each.base) << shown;
    EXPECT_EQ(std::count_if(model.origins.begin(), model.origins.end(),
                            [](const Origin& o) { return o.field == "attention.rope_base"; }),
              1)
        << shown;
  }
}

}  // namespace
}  // namespace rg::model
