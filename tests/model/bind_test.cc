// Every tensor of OLMoE bound, of the right shape and dtype, and none left over: rows S9 and S10.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "model/olmoe_folder.h"
#include "model/tensor_binder.h"

namespace rg::model {
namespace {

using formats::Checkpoint;
using test::Caught;
using test::ExpertLayout;
using test::FileTensor;
using test::OlmoeFolder;
using test::TinyOlmoe;

std::string stored_bytes(const Checkpoint& checkpoint, const Weight& weight) {
  std::string out(weight.bytes(), '?');
  checkpoint.read(*weight.values, weight.first_byte, std::as_writable_bytes(std::span(out)));
  return out;
}

TEST(OlmoeTensors, EachStandsInItsPlace) {
  for (const uint32_t shards : {1u, 3u}) {
    TinyOlmoe tiny;
    tiny.shards = shards;
    OlmoeFolder files(tiny);
    const Checkpoint checkpoint = files.open();
    const Model model = bind_model(checkpoint);
    EXPECT_EQ(model.embedding.values->name, "model.embed_tokens.weight");
    EXPECT_EQ(model.final_norm.gain.values->name, "model.norm.weight");
    EXPECT_EQ(model.unembedding.values->name, "lm_head.weight");
    ASSERT_EQ(model.layers.size(), 2u);
    for (size_t n = 0; n < 2; ++n) {
      const Layer& layer = model.layers[n];
      const auto& attention = std::get<Attention>(layer.mixer);
      const std::string prefix = "model.layers." + std::to_string(n) + '.';
      EXPECT_EQ(layer.mixer_norm.gain.values->name, prefix + "input_layernorm.weight");
      EXPECT_EQ(attention.q.values->name, prefix + "self_attn.q_proj.weight");
      EXPECT_EQ(attention.k.values->name, prefix + "self_attn.k_proj.weight");
      EXPECT_EQ(attention.v.values->name, prefix + "self_attn.v_proj.weight");
      EXPECT_EQ(attention.o.values->name, prefix + "self_attn.o_proj.weight");
      EXPECT_EQ(attention.q_norm.values->name, prefix + "self_attn.q_norm.weight");
      EXPECT_EQ(attention.k_norm.values->name, prefix + "self_attn.k_norm.weight");
      EXPECT_EQ(layer.feed_forward_norm.gain.values->name,
                prefix + "post_attention_layernorm.weight");
      EXPECT_EQ(layer.router->matrix.values->name, prefix + "mlp.gate.weight");
      ASSERT_EQ(layer.groups.size(), 1u);
      ASSERT_EQ(layer.groups[0].experts.size(), 5u);
      EXPECT_EQ(layer.groups[0].experts[3].up.values->name,
                prefix + "mlp.experts.3.up_proj.weight");
    }
  }
}

TEST(OlmoeTensors, FusedExpertsAreTheSameMatrices) {
  for (const bool f32 : {false, true}) {
    TinyOlmoe tiny;
    tiny.f32 = f32;
    OlmoeFolder apart(tiny);
    tiny.layout = ExpertLayout::fused;
    OlmoeFolder fused(tiny);
    const Checkpoint a = apart.open(), b = fused.open();
    const Model one = bind_model(a), other = bind_model(b);
    for (size_t layer = 0; layer < 2; ++layer) {
      for (size_t e = 0; e < 5; ++e) {
        const Expert& x = one.layers[layer].groups[0].experts[e];
        const Expert& y = other.layers[layer].groups[0].experts[e];
        EXPECT_EQ(stored_bytes(a, x.gate), stored_bytes(b, y.gate));
        EXPECT_EQ(stored_bytes(a, x.up), stored_bytes(b, y.up));
        EXPECT_EQ(stored_bytes(a, x.down), stored_bytes(b, y.down));
        EXPECT_EQ(x.gate.rows, 6u);
        EXPECT_EQ(x.gate.columns, 16u);
        EXPECT_EQ(y.down.rows, 16u);
        EXPECT_EQ(y.down.columns, 6u);
      }
    }
  }
}

TEST(OlmoeTensors, TiedEmbeddingsNeedNoHead) {
  TinyOlmoe tiny;
  tiny.tied = true;
  OlmoeFolder files(tiny);
  const Checkpoint checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_TRUE(model.tied_embeddings);
  EXPECT_EQ(model.unembedding.values, model.embedding.values);
  EXPECT_TRUE(model.notes.empty());
}

// As transformers 5.24 loads them: a stored head counts, whatever the config says.
TEST(OlmoeTensors, AHeadBesideATiedEmbeddingCounts) {
  TinyOlmoe tiny;
  tiny.tied = true;
  OlmoeFolder files(tiny);
  FileTensor copy = files.tensor("model.embed_tokens.weight");
  copy.name = "lm_head.weight";
  files.tensors.push_back(copy);
  const Checkpoint checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.unembedding.values->name, "lm_head.weight");
  EXPECT_EQ(model.embedding.values->name, "model.embed_tokens.weight");
  EXPECT_FALSE(model.tied_embeddings);
  EXPECT_TRUE(model.head_despite_tie);
  ASSERT_EQ(model.notes.size(), 1u);
  EXPECT_NE(model.notes[0].find("lm_head.weight"), std::string::npos);
  EXPECT_EQ(checkpoint.bytes_read(), 0u);
}

// Some writers keep only one name of tied tables, and not always the embedding's.
TEST(OlmoeTensors, ATiedHeadMayBeTheEmbedding) {
  TinyOlmoe tiny;
  tiny.tied = true;
  OlmoeFolder files(tiny);
  files.tensor("model.embed_tokens.weight").name = "lm_head.weight";
  const Checkpoint checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.embedding.values->name, "lm_head.weight");
  EXPECT_EQ(model.unembedding.values, model.embedding.values);
  EXPECT_TRUE(model.tied_embeddings);
  EXPECT_TRUE(model.notes.empty());
  files.config["tie_word_embeddings"] = false;
  EXPECT_EQ(files.refusal().parts.object, "model.embed_tokens.weight");
  files.config["tie_word_embeddings"] = true;
  files.remove("lm_head.weight");
  EXPECT_EQ(files.refusal().parts.object, "model.embed_tokens.weight");
}

// What OlmoeModel.save_pretrained writes, and transformers loads into the whole model.
TEST(OlmoeTensors, TheModelWithoutItsHeadMayBeSavedAlone) {
  for (const bool tied : {false, true}) {
    TinyOlmoe tiny;
    tiny.tied = tied;
    OlmoeFolder files(tiny);
    if (!tied) files.remove("lm_head.weight");
    for (FileTensor& tensor : files.tensors) tensor.name.erase(0, std::string("model.").size());
    files.tensors.push_back({"layers.2.mlp.gate.weight", "F32", {1}, "1234"});  // beyond the layers
    const Checkpoint checkpoint = files.open();
    const Model model = bind_model(checkpoint);
    EXPECT_EQ(model.layers[1].router->matrix.values->name, "layers.1.mlp.gate.weight");
    EXPECT_EQ(model.unembedding.values, tied ? model.embedding.values : nullptr);
    files.tensors.push_back({"layers.1.mlp.gate.bias", "F32", {1}, "1234"});
    EXPECT_EQ(files.refusal().id, ErrorId::ST022);
  }
}

// transformers fills such a head with random numbers.
TEST(OlmoeTensors, NothingReplacesAMissingHead) {
  OlmoeFolder files;
  files.remove("lm_head.weight");
  const Checkpoint checkpoint = files.open();
  const Model model = bind_model(checkpoint);
  EXPECT_EQ(model.unembedding.values, nullptr);
  EXPECT_FALSE(model.tied_embeddings);
  EXPECT_EQ(model.origins.back().value, "none");
  ASSERT_EQ(model.notes.size(), 1u);
  const Caught error = test::caught([&] { require_unembedding(model); });
  EXPECT_EQ(error.id, ErrorId::ST023);
  EXPECT_EQ(error.parts.object, "lm_head.weight");
  EXPECT_TRUE(error.says("tie_word_embeddings")) << error.line;
}

TEST(OlmoeTensors, DtypesMayBeMixed) {
  OlmoeFolder files;
  FileTensor& gate = files.tensor("model.layers.0.mlp.gate.weight");
  gate.dtype = "F16";  // as wide as BF16
  const Checkpoint checkpoint = files.open();
  EXPECT_EQ(bind_model(checkpoint).layers[0].router->matrix.values->dtype, DType::f16);
}

std::vector<TinyOlmoe> both_layouts() {
  TinyOlmoe apart, fused;
  fused.layout = ExpertLayout::fused;
  return {apart, fused};
}

// S10: every tensor x every dimension, and its rank.
TEST(OlmoeTensors, ShapesMustAgreeWithTheConfig) {
  std::set<std::string> kinds;
  for (const TinyOlmoe& tiny : both_layouts()) {
    const OlmoeFolder original(tiny);
    for (size_t i = 0; i < original.tensors.size(); ++i) {
      const std::vector<uint64_t> shape = original.tensors[i].shape;
      const size_t bytes = original.tensors[i].bytes.size();
      std::vector<std::vector<uint64_t>> wrong;
      for (size_t dimension = 0; dimension < shape.size(); ++dimension) {
        for (const int change : {-1, 1}) {
          wrong.push_back(shape);
          wrong.back()[dimension] += static_cast<uint64_t>(change);
        }
      }
      wrong.push_back(shape);
      wrong.back().insert(wrong.back().begin(), 1);
      wrong.push_back(shape);
      wrong.back().push_back(1);
      wrong.push_back({bytes / 2});
      if (shape.size() == 1) wrong.pop_back();
      if (shape.size() == 2 && shape[0] != shape[1]) wrong.push_back({shape[1], shape[0]});
      for (const std::vector<uint64_t>& each : wrong) {
        OlmoeFolder files(tiny);
        FileTensor& tensor = files.tensors[i];
        uint64_t elements = 1;
        for (const uint64_t size : each) elements *= size;
        tensor.shape = each;
        tensor.bytes.resize(2 * elements);
        const Caught error = files.refusal();
        EXPECT_EQ(error.id, ErrorId::ST020) << tensor.name << ": " << error.line;
        EXPECT_EQ(error.parts.object, tensor.name);
        EXPECT_TRUE(error.says("config says")) << error.line;
      }
      if (original.tensors[i].name.find("layers.1.") == std::string::npos) {
        kinds.insert(original.tensors[i].name);
      }
    }
  }
  EXPECT_EQ(kinds.size(), 3u + 9u + 3 * 5u + 2u);
}

TEST(OlmoeTensors, AShapeErrorNamesTheKey) {
  OlmoeFolder files;
  files.config["num_experts"] = 7;
  const Caught error = files.refusal();
  EXPECT_EQ(error.id, ErrorId::ST020);
  EXPECT_EQ(error.parts.object, "model.layers.0.mlp.gate.weight");
  EXPECT_EQ(error.parts.found, "shape [5, 16]");
  EXPECT_EQ(error.parts.expected, "[7, 16] (config says num_experts=7)");
}

TEST(OlmoeTensors, EveryOneIsNeeded) {
  for (const TinyOlmoe& tiny : both_layouts()) {
    const OlmoeFolder original(tiny);
    for (const FileTensor& tensor : original.tensors) {
      if (tensor.name == "lm_head.weight") continue;  // only logits need it
      OlmoeFolder files(tiny);
      files.remove(tensor.name);
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::ST023) << tensor.name << ": " << error.line;
      if (!tensor.name.ends_with("gate_up_proj")) {  // then experts apart are looked for
        EXPECT_EQ(error.parts.object, tensor.name);
      }
    }
  }
}

// S9
TEST(OlmoeTensors, UnsupportedDtypesAreNotGuessed) {
  for (const TinyOlmoe& tiny : both_layouts()) {
    const OlmoeFolder original(tiny);
    for (size_t i = 0; i < original.tensors.size(); ++i) {
      OlmoeFolder files(tiny);
      files.tensors[i].dtype = "I16";  // as wide as BF16
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::ST016) << error.line;
      EXPECT_EQ(error.parts.object, files.tensors[i].name);
      EXPECT_TRUE(error.says("I16")) << error.line;
    }
  }
}

TEST(OlmoeTensors, NoneMayBeLeftOver) {
  for (const char* name :
       {"model.layers.0.mlp.gate.bias", "model.layers.0.mlp.gate.e_score_correction_bias",
        "model.layers.1.mlp.shared_expert.gate_proj.weight", "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.mlp.experts.5.gate_proj.weight", "model.layers.x.weight", "extra",
        "model.layers.1.mlp.experts.down_proj", "model.layers.01.mlp.gate.weight"}) {
    for (const char* dtype : {"BF16", "I16"}) {
      OlmoeFolder files;
      files.tensors.push_back({name, dtype, {1}, "12"});
      const Caught error = files.refusal();
      EXPECT_EQ(error.id, ErrorId::ST022) << name << ": " << error.line;
      EXPECT_EQ(error.parts.object, name);
    }
  }
  OlmoeFolder files;
  for (int i = 0; i < 9; ++i) files.tensors.push_back({"x" + std::to_string(i), "BF16", {1}, "12"});
  const Caught error = files.refusal();
  EXPECT_TRUE(error.says("9 tensors")) << error.line;
  EXPECT_TRUE(error.says("x0, x1, x2, x3, x4, …")) << error.line;
}

TEST(OlmoeTensors, SomeAreKnownToBeIrrelevant) {
  OlmoeFolder files;
  for (const char* name :
       {"model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq",
        "model.layers.2.mlp.gate.weight", "model.layers.17.anything"}) {
    files.tensors.push_back({name, "F32", {1}, "1234"});
  }
  files.tensors.push_back({"model.layers.1.self_attn.rotary_emb.inv_freq", "F64", {1}, "12345678"});
  EXPECT_FALSE(files.refusal().id);
}

TEST(LayerOf, ReadsTheNumber) {
  EXPECT_EQ(layer_of("model.layers.0.x"), 0u);
  EXPECT_EQ(layer_of("model.layers.123.mlp.gate.weight"), 123u);
  for (const char* name : {"", "model.layers.", "model.layers.1", "model.layers..x",
                           "model.layers.-1.x", "model.layers.1a.x", "model.norm.weight",
                           "model.layers.99999999999999999999.x", "layers.1.x"}) {
    EXPECT_FALSE(layer_of(name)) << name;
  }
}

}  // namespace
}  // namespace rg::model
