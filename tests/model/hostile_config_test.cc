// Whatever a config.json says, binding it ends soon, in little memory, with a numbered error of
// class input or with a model that the engine can compute. The configs are those of the golden
// checkpoints with one value replaced; the tensors are the golden ones, or any that are asked for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/model.h"
#include "support/counted_memory.h"
#include "support/sound_model.h"
#include "support/temp_folder.h"

namespace rg::model {
namespace {

namespace fs = std::filesystem;
using formats::Checkpoint;
using formats::RequestedTensors;
using Pointer = Json::json_pointer;

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr double kMostSeconds = 1;

// Replacements of a number.
const std::vector<std::string>& numbers() {
  static const std::vector<std::string> texts = {
      "0",          "1",    "65536", "1073741824", "4294967295",
      "4294967296", "-1",   "0.5",   "1e300",      "1e-300",
      "\"x\"",      "null", "[]",    "{}",         R"({"__float__":"NaN"})"};
  return texts;
}

std::string repeated(std::string_view part, size_t times) {
  std::string all = "[";
  for (size_t i = 0; i < times; ++i) all.append(i == 0 ? "" : ",").append(part);
  return all + ']';
}

// Replacements of a list or an object.
const std::vector<std::string>& structures() {
  static const std::vector<std::string> texts = [] {
    std::string keys = "{";
    for (int i = 0; i < 5'000; ++i) keys += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", i, i);
    return std::vector<std::string>{
        "0",
        "1e300",
        "\"x\"",
        "null",
        "true",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        R"({"":{}})",
        R"({"0":{}})",
        R"({"0":null})",
        R"({"rope_type":"yarn"})",
        R"({"rope_type":"longrope","short_factor":[1],"long_factor":[]})",
        R"({"quant_method":"fp8","weight_block_size":[1073741824,1]})",
        R"({"quant_method":"mxfp4"})",
        repeated("0", 5'000),
        repeated("\"full_attention\"", 5'000),
        repeated("\"sparse\"", 5'000),
        repeated("[]", 5'000),
        keys + "}"};
  }();
  return texts;
}

struct Golden {
  fs::path folder;
  Json config;
};

// The first and the last shape of every family, or the first only.
enum class Shapes { first, first_and_last };

// Where a family's golden checkpoints are; of some names, those of another name of the family.
fs::path golden_root(std::string_view family) {
  const fs::path families = fs::path(RG_TEST_DATA) / "families";
  if (family == "olmoe") return families.parent_path() / family;
  if (fs::exists(families / family)) return families / family;
  constexpr std::string_view kText = "_text";
  if (family.ends_with(kText)) return families / family.substr(0, family.size() - kText.size());
  return families / (family == "kimi_k2" ? "deepseek_v3" : family);
}

// The same model, as a config of that family would say it: the text part alone, if it has one.
Json renamed(const Json& config, std::string_view family) {
  Json text = config.value("text_config", config);
  text["model_type"] = family;
  if (config.contains("tie_word_embeddings")) {
    text["tie_word_embeddings"] = config["tie_word_embeddings"];
  }
  return text;
}

std::vector<Golden> golden_models(Shapes shapes) {
  std::vector<Golden> models;
  for (const std::string_view family : known_families()) {
    const fs::path root = golden_root(family);
    std::set<fs::path> folders;
    for (const auto& shape : fs::directory_iterator(root)) {
      if (shape.is_directory()) folders.insert(shape.path());
    }
    std::set<fs::path> chosen = {*folders.begin()};
    if (shapes == Shapes::first_and_last) chosen.insert(*folders.rbegin());
    for (const fs::path& folder : chosen) {
      const Json config = Checkpoint::open(formats::resolve_model(folder / "model")).config();
      const bool own = root.filename() == family;
      models.push_back({folder / "model", own ? config : renamed(config, family)});
    }
  }
  return models;
}

// Every place of numbers, or of lists and objects. What describes images and sound is never read.
enum class Kind { number, structure };

void collect(const Json& value, const Pointer& at, Kind kind, std::vector<Pointer>& places) {
  const bool wanted = kind == Kind::number ? value.is_number() : value.is_structured();
  if (wanted && !at.empty()) places.push_back(at);
  if (!value.is_structured()) return;
  size_t index = 0;
  for (const auto& [key, child] : value.items()) {
    if (key == "vision_config" || key == "audio_config") continue;
    collect(child, value.is_array() ? at / index : at / key, kind, places);
    if (value.is_array() && ++index == 2) break;  // entries are alike
  }
}

std::vector<Pointer> places_of(const Json& config, Kind kind) {
  std::vector<Pointer> places;
  collect(config, Pointer(), kind, places);
  if (kind == Kind::number) return places;
  for (const char* key :
       {"rope_parameters", "rope_scaling", "layer_types", "mlp_layer_types", "mlp_only_layers",
        "per_layer_config", "quantization_config", "text_config"}) {
    for (const Pointer& object : {Pointer(), Pointer("/text_config")}) {
      const bool absent = config.contains(object) && !config.contains(object / key);
      if (absent) places.push_back(object / key);
    }
  }
  return places;
}

// What became of one bind. An exception other than Error, and an internal error, are failures.
struct Outcome {
  std::string refusal;  // empty: bound
  std::string failure;  // empty: as it should be
};

template <typename Bind>
Outcome outcome(Bind&& bind) {
  Outcome result;
  const std::clock_t begin = std::clock();  // of this process: others may be busy
  const size_t bytes = test::CountedMemory::peak_of(kMostBytes, [&] {
    try {
      bind();
    } catch (const Error& error) {
      result.refusal = error.what();
      if (error.exit_code() != ExitCode::input) result.failure = result.refusal;
      if (result.refusal.size() > 8000) result.failure = "a long message: " + result.refusal;
    } catch (const std::bad_alloc&) {
      result.failure = "too much memory";
    } catch (const std::exception& error) {
      result.failure = error.what();
    }
  });
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  if (bytes > kMostBytes) result.failure += fmt::format(" {} bytes", bytes);
  if (seconds > kMostSeconds) result.failure += fmt::format(" {} seconds", seconds);
  return result;
}

void require_sound(const Checkpoint& checkpoint) {
  const Model model = bind_model(checkpoint);
  const std::vector<std::string> flaws = test::SoundModel::flaws(model);
  if (!flaws.empty()) throw std::runtime_error("unsound: " + flaws[0]);
}

// Against any tensors that it asks for, whose names are those of the golden checkpoint.
class Asked {
 public:
  explicit Asked(const Golden& golden)
      : stored_(Checkpoint::open(formats::resolve_model(golden.folder))) {}
  Outcome operator()(const std::string& config) const {
    return outcome([&] {
      require_sound(Checkpoint::of_config(
          config,
          RequestedTensors({.dtype = DType::bf16, .most_tensors = 500, .has = [&](auto name) {
                              return stored_.has(name);
                            }})));
    });
  }

 private:
  Checkpoint stored_;
};

// Against the golden checkpoint's own tensors.
class Stored {
 public:
  explicit Stored(const Golden& golden) {
    fs::copy_file(golden.folder / "model.safetensors", folder_.path() / "model.safetensors");
  }
  Outcome operator()(const std::string& config) const {
    std::ofstream(folder_.path() / "config.json") << config;
    return outcome(
        [&] { require_sound(Checkpoint::open(formats::resolve_model(folder_.path()))); });
  }

 private:
  test::TempFolder folder_;
};

class Tally {
 public:
  explicit Tally(const Golden& golden) : golden_(golden) {}
  void add(const std::string& change, const Outcome& outcome) {
    ++(outcome.refusal.empty() ? bound_ : refused_);
    if (!outcome.failure.empty()) {
      ADD_FAILURE() << golden_.folder << ": " << change << ": " << outcome.failure;
    }
  }
  // Some changes are refused, and some are not: they are no changes, or of a key without effect.
  ~Tally() {
    EXPECT_GT(refused_, 0u) << golden_.folder;
    EXPECT_GT(bound_, 0u) << golden_.folder;
  }

 private:
  const Golden& golden_;
  size_t bound_ = 0, refused_ = 0;
};

template <typename Tensors>
void replace_each(Shapes shapes, Kind kind, const std::vector<std::string>& texts) {
  std::vector<Json> values;
  for (const std::string& text : texts) values.push_back(parse_json(text, {}, ""));
  for (const Golden& golden : golden_models(shapes)) {
    const Tensors bind(golden);
    ASSERT_EQ(bind(golden.config.dump()).refusal, "") << golden.folder;
    Tally tally(golden);
    for (const Pointer& place : places_of(golden.config, kind)) {
      for (size_t i = 0; i < texts.size(); ++i) {
        Json changed = golden.config;
        changed[place] = values[i];
        tally.add(place.to_string() + " = " + texts[i].substr(0, 60), bind(changed.dump()));
      }
    }
  }
}

TEST(HostileConfig, AnyNumber) {
  replace_each<Asked>(Shapes::first_and_last, Kind::number, numbers());
}

TEST(HostileConfig, AnyNumberWithTheCheckpointsTensors) {
  replace_each<Stored>(Shapes::first, Kind::number, {"1", "1073741824"});
}

TEST(HostileConfig, AnyListOrObject) {
  replace_each<Asked>(Shapes::first, Kind::structure, structures());
}

// A tensor of all experts is described once, however many there are.
TEST(HostileConfig, AThousandLayersOfAThousandExperts) {
  for (const char* name : {"qwen3_moe/yarn-fused-tied", "gpt_oss/mxfp4"}) {
    const fs::path folder = fs::path(RG_TEST_DATA) / "families" / name / "model";
    Json config =
        parse_json(read_whole_file(folder / "config.json", kMostBytes), {}, "config.json");
    config["num_hidden_layers"] = config["num_local_experts"] = 1024;
    config.erase("layer_types");
    const RequestedTensors::Rules rules = {
        .dtype = DType::bf16, .most_tensors = 30'000, .has = [](std::string_view tensor) {
          return tensor.ends_with("gate_up_proj") || tensor.ends_with("gate_up_proj_blocks");
        }};
    size_t experts = 0;
    const size_t bytes = test::CountedMemory::peak_of(kMostBytes, [&] {
      const Model model = bind_model(Checkpoint::of_config(config.dump(), RequestedTensors(rules)));
      for (const Layer& layer : model.layers) experts += layer.groups.front().experts.size();
    });
    EXPECT_EQ(experts, 1024u * 1024u) << name;
    EXPECT_LT(bytes, size_t{32} << 20) << name;
  }
}

// Products of two sizes exceed 32 bits, of five 64.
TEST(HostileConfig, HugeNumbersTogether) {
  for (const Golden& golden : golden_models(Shapes::first)) {
    const Asked bind(golden);
    std::vector<Pointer> places = places_of(golden.config, Kind::number);
    std::erase_if(places,
                  [&](const Pointer& place) { return !golden.config[place].is_number_unsigned(); });
    Tally tally(golden);
    Json all = golden.config;
    for (const Pointer& place : places) {
      for (const Pointer& other : places) {
        Json changed = golden.config;
        changed[place] = changed[other] = 1u << 30;
        tally.add(place.to_string() + ", " + other.to_string(), bind(changed.dump()));
      }
      all[place] = 1u << 30;
      tally.add("all to " + place.to_string(), bind(all.dump()));
    }
  }
}

}  // namespace
}  // namespace rg::model
