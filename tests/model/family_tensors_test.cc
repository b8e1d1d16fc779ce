// Every kind of tensor of every family, with another shape, another dtype, or missing: rows S9,
// S10 and C6. Files hold a header and a hole: no weight is read when a checkpoint is bound.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "model/model.h"
#include "support/caught.h"
#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::model {
namespace {

namespace fs = std::filesystem;
using test::Caught;
using Shape = std::vector<uint64_t>;

struct Entry {
  std::string dtype;
  Shape shape;
};
using Entries = std::map<std::string, Entry>;

// A golden checkpoint's config and the entries of its header.
class HeaderOnly {
 public:
  explicit HeaderOnly(const fs::path& golden) {
    test::put_file(folder_ / "config.json", read_whole_file(golden / "config.json", 1u << 20));
    const std::string bytes = read_whole_file(golden / "model.safetensors", 1u << 26);
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
    const Json header = parse_json(bytes.substr(8, header_bytes), {}, "header");
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") continue;
      entries[name] = {entry.at("dtype").get<std::string>(), entry.at("shape").get<Shape>()};
    }
  }

  Caught refusal(const Entries& changed) const {
    Json header = Json::object();
    uint64_t end = 0;
    for (const auto& [name, entry] : changed) {
      uint64_t bytes = width(entry.dtype);
      for (const uint64_t size : entry.shape) bytes *= size;
      header[name] = {
          {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {end, end + bytes}}};
      end += bytes;
    }
    const std::string start = test::join_safetensors(header.dump(), "");
    test::put_file(folder_ / "model.safetensors", start);
    fs::resize_file(folder_ / "model.safetensors", start.size() + end);
    return test::caught([&] {
      bind_model(formats::Checkpoint::open(formats::resolve_model(folder_.path().string())));
    });
  }

  Entries entries;

 private:
  static uint64_t width(std::string_view dtype) {
    if (dtype == "F32") return 4;
    if (dtype == "F16" || dtype == "BF16" || dtype == "I16") return 2;
    return 1;
  }

  test::TempFolder folder_;
};

// Layers' and experts' numbers left out.
std::string kind_of(std::string_view name) {
  std::string kind;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) kind += c;
    if (digit && kind.ends_with('.')) kind += '#';
  }
  return kind;
}

std::vector<Shape> wrong_shapes(const Shape& shape) {
  std::vector<Shape> wrong;
  for (size_t dimension = 0; dimension < shape.size(); ++dimension) {
    for (const uint64_t size : {shape[dimension] - 1, shape[dimension] + 1}) {
      wrong.push_back(shape);
      wrong.back()[dimension] = size;
    }
  }
  wrong.push_back(shape);
  wrong.back().insert(wrong.back().begin(), 1);
  wrong.push_back(shape);
  wrong.back().push_back(1);
  return wrong;
}

struct Kind {
  const HeaderOnly& model;
  std::string family, name, kind;
};

// `visit` gets each kind of tensor of each family once, in the first shape that has it.
template <typename Visit>
void for_each_kind(const Visit& visit) {
  for (const std::string_view family : known_families()) {
    const fs::path root = fs::path(RG_TEST_DATA) / "families" / family;
    if (!fs::exists(root)) continue;  // another name of a family that is there
    std::set<fs::path> shapes;
    for (const auto& shape : fs::directory_iterator(root)) shapes.insert(shape.path());
    std::set<std::string> seen;
    for (const fs::path& shape : shapes) {
      if (shape.filename() == "topk-per-layer-v4") continue;  // several gates: CF018
      const HeaderOnly model(shape / "model");
      ASSERT_FALSE(model.refusal(model.entries).id) << shape;
      for (const auto& [name, entry] : model.entries) {
        const std::string kind = kind_of(name);
        if (seen.insert(kind).second) visit(Kind{model, std::string(family), name, kind});
      }
    }
  }
}

bool holds(std::string_view name, std::string_view part) { return name.find(part) != name.npos; }

// What reads images, and DeepSeek's indexer, which a short sequence needs not: by name.
bool is_ignored(std::string_view name) {
  for (const char* part :
       {"visual.", "vision_tower.", "mm_projector.", "multi_modal_projector.", ".indexer."}) {
    if (holds(name, part)) return true;
  }
  return false;
}

// The numbers of a delta net stand in any shape, a selection bias also as one row.
bool is_another_spelling(std::string_view name, const Shape& stored, const Shape& changed) {
  if (stored.size() == changed.size()) return false;
  const bool delta = holds(name, "forget_gate.") || holds(name, "attention.A_log") ||
                     holds(name, "attention.dt_bias") || holds(name, "self_attn.A_log") ||
                     holds(name, "self_attn.dt_bias");
  const bool selection = name.ends_with("e_score_correction_bias") || name.ends_with("expert_bias");
  return (delta && (name.ends_with("A_log") || name.ends_with("dt_bias"))) ||
         (selection && changed.size() == 2 && changed.front() == 1);
}

TEST(FamilyTensors, ShapesMustAgreeWithTheConfig) {
  size_t refused = 0;
  for_each_kind([&](const Kind& kind) {
    const Shape stored = kind.model.entries.at(kind.name).shape;
    for (const Shape& shape : wrong_shapes(stored)) {
      Entries changed = kind.model.entries;
      changed.at(kind.name).shape = shape;
      const Caught error = kind.model.refusal(changed);
      if (is_ignored(kind.name) || is_another_spelling(kind.name, stored, shape)) {
        EXPECT_FALSE(error.id) << kind.family << ' ' << kind.kind << ": " << error.line;
        continue;
      }
      EXPECT_EQ(error.id, ErrorId::ST020) << kind.family << ' ' << kind.kind << ": " << error.line;
      ++refused;
    }
  });
  EXPECT_GT(refused, 2000u);
}

// C6 among them: a selection bias that is missing changes which experts are selected.
TEST(FamilyTensors, EveryOneIsNeeded) {
  std::set<std::string> selection_biases;
  for_each_kind([&](const Kind& kind) {
    Entries changed = kind.model.entries;
    changed.erase(kind.name);
    const Caught error = kind.model.refusal(changed);
    if (is_ignored(kind.name) || kind.name.ends_with("lm_head.weight")) {  // only logits need it
      EXPECT_FALSE(error.id) << kind.family << ' ' << kind.kind << ": " << error.line;
      return;
    }
    if (kind.name == "model.embeddings.weight") {  // tied, and stored as lm_head.weight too
      EXPECT_FALSE(error.id) << kind.family << ": " << error.line;
      return;
    }
    EXPECT_EQ(error.id, ErrorId::ST023) << kind.family << ' ' << kind.kind << ": " << error.line;
    if (holds(kind.kind, "correction_bias") || holds(kind.kind, "expert_bias")) {
      selection_biases.insert(kind.family);
    }
  });
  EXPECT_GT(selection_biases.size(), 12u);
}

TEST(FamilyTensors, UnsupportedDtypesAreNotGuessed) {
  for_each_kind([](const Kind& kind) {
    for (const char* dtype : {"I16", "F8_E4M3", "F8_E5M2", "U8"}) {
      Entries changed = kind.model.entries;
      if (changed.at(kind.name).dtype == dtype) continue;
      changed.at(kind.name).dtype = dtype;
      const Caught error = kind.model.refusal(changed);
      if (is_ignored(kind.name)) {
        EXPECT_FALSE(error.id) << kind.family << ' ' << kind.kind << ": " << error.line;
        continue;
      }
      // A matrix of a quantised checkpoint may be FP8, with its scales.
      const bool unscaled = error.id == ErrorId::ST023 && std::string_view(dtype) == "F8_E4M3" &&
                            error.parts.object.ends_with(".weight_scale_inv");
      EXPECT_TRUE(error.id == ErrorId::ST016 || unscaled)
          << kind.family << ' ' << kind.kind << ' ' << dtype << ": " << error.line;
    }
  });
}

// S11: the scale of a weight that has none, and the other way round.
TEST(FamilyTensors, ScalesBelongToFp8Weights) {
  const HeaderOnly model(fs::path(RG_TEST_DATA) / "families/deepseek_v3/fp8/model");
  constexpr const char* kWeight = "model.layers.1.self_attn.q_b_proj.weight";
  Entries unscaled = model.entries;
  unscaled.at(kWeight).dtype = "BF16";
  EXPECT_EQ(model.refusal(unscaled).id, ErrorId::ST022);
  Entries extra = model.entries;
  extra["model.layers.1.mlp.gate.weight_scale_inv"] = {"F32", {1, 1}};
  EXPECT_EQ(model.refusal(extra).id, ErrorId::ST022);
  // Neither rows of the embedding nor the head are read with scales.
  for (const std::string table : {"model.embed_tokens.weight", "lm_head.weight"}) {
    Entries packed = model.entries;
    packed.at(table).dtype = "F8_E4M3";
    packed[table + "_scale_inv"] = {"F32", {1, 1}};
    const Caught error = model.refusal(packed);
    EXPECT_EQ(error.id, ErrorId::ST016) << error.line;
    EXPECT_EQ(error.parts.object, table);
  }
}

}  // namespace
}  // namespace rg::model
