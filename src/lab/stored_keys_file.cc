#include "lab/stored_keys_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "keys/normal_levels.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxStoredKeysFileBytes = uint64_t{1} << 20;

template <typename T>
struct StoredWord {
  const char* word;
  T value;
};
constexpr std::array<StoredWord<model::KeyStep>, 3> kSteps = {{{"normed", model::KeyStep::normed},
                                                               {"scored", model::KeyStep::scored},
                                                               {"latent", model::KeyStep::latent}}};
constexpr std::array<StoredWord<keys::ScaleOf>, 3> kScales = {{{"key", keys::ScaleOf::key},
                                                               {"channel", keys::ScaleOf::channel},
                                                               {"head", keys::ScaleOf::head}}};
constexpr std::array<StoredWord<keys::ScaleRule>, 3> kRules = {
    {{"least_squares", keys::ScaleRule::least_squares},
     {"norm", keys::ScaleRule::norm},
     {"unbiased", keys::ScaleRule::unbiased}}};
constexpr std::array<StoredWord<bool>, 2> kDocuments = {{{"even", false}, {"all", true}}};

template <typename Words, typename T>
const char* word_for(const Words& words, T value) {
  const auto found =
      std::find_if(words.begin(), words.end(), [&](const auto& one) { return one.value == value; });
  check_internal(found != words.end(), "a word for every choice");
  return found->word;
}

// Of a pass that changes nothing, whose layers and step are checked.
class LeftAlone : public model::KeyChange {
 public:
  void change(const model::ChangedHead&) noexcept override {}
};

// Reads one file's members; each refusal names its place.
class StoredKeysReader {
 public:
  StoredKeysReader(std::string file, const model::Model& model, uint32_t seq_len)
      : file_(std::move(file)), model_(model), seq_len_(seq_len) {}

  StoredKeys read(const Json& root) const {
    const bool shared = root.is_object() && root.contains("scale") &&
                        choice(root.at("scale"), "scale", kScales) != keys::ScaleOf::key;
    std::vector<const char*> members = {"step", "layers", "bits", "scale", "rule", "values"};
    if (shared) members.push_back("fit");
    check_members(root, "the file", members, shared ? "" : ", and of fit where a scale is shared");
    const auto bits = number(root.at("bits"), "bits", 1, keys::kMostBits);
    StoredKeys stored{.step = choice(root.at("step"), "step", kSteps),
                      .spec = {.bits = bits,
                               .scale_of = choice(root.at("scale"), "scale", kScales),
                               .rule = choice(root.at("rule"), "rule", kRules),
                               .centring = keys::Centring::raw},
                      .values = values(root),
                      .layers = {},
                      .fit = {}};
    if (shared) stored.fit = fit(root.at("fit"));
    if (stored.step == model::KeyStep::latent && !stored.values) {
      throw malformed("values", root.at("values"), "true where the step is \"latent\"",
                      "Keys and values are made of the same latents.");
    }
    stored.layers = layers(root.at("layers"));
    require_step(stored);
    return stored;
  }

 private:
  Error malformed(
      const std::string& at, const Json& found, std::string expected,
      const char* hint = "schema/stored_keys_file.schema.json describes the file.") const {
    return Error(ErrorId::US001,
                 {.file = file_,
                  .object = at,
                  .found = escape_for_terminal(write_json(found, JsonLayout::compact)),
                  .expected = std::move(expected),
                  .hint = hint});
  }
  // Exactly these.
  void check_members(const Json& object, const std::string& at,
                     const std::vector<const char*>& members, const char* more) const {
    const bool all = object.is_object() && object.size() == members.size() &&
                     std::all_of(members.begin(), members.end(),
                                 [&](const char* member) { return object.contains(member); });
    if (all) return;
    throw malformed(at, object, fmt::format("an object of {}{}", fmt::join(members, ", "), more));
  }
  uint32_t number(const Json& value, const std::string& at, uint32_t least, uint32_t most) const {
    if (value.is_number_unsigned() && value >= least && value <= most) return value.get<uint32_t>();
    throw malformed(at, value, fmt::format("a whole number from {} to {}", least, most));
  }
  template <typename T, size_t n>
  T choice(const Json& value, const char* at, const std::array<StoredWord<T>, n>& words) const {
    std::vector<std::string> known;
    for (const StoredWord<T>& one : words) {
      if (value == one.word) return one.value;
      known.push_back(fmt::format("\"{}\"", one.word));
    }
    throw malformed(at, value, fmt::format("one of {}", fmt::join(known, ", ")));
  }
  bool values(const Json& root) const {
    const Json& value = root.at("values");
    if (!value.is_boolean()) throw malformed("values", value, "true or false");
    return value.get<bool>();
  }
  experiments::StoredKeyFit fit(const Json& value) const {
    check_members(value, "fit", {"documents", "positions", "sink_positions"}, "");
    const uint32_t positions = number(value.at("positions"), "fit.positions", 1,
                                      static_cast<uint32_t>(std::numeric_limits<int>::max()));
    return {.all_documents = choice(value.at("documents"), "fit.documents", kDocuments),
            .positions = positions,
            .sink_positions = sinks(value.at("sink_positions"), positions)};
  }
  // Some sampled position of every window is left to fit on.
  uint32_t sinks(const Json& value, uint32_t positions) const {
    const uint32_t most = std::min(positions, seq_len_) - 1;
    if (value.is_number_unsigned() && value <= most) return value.get<uint32_t>();
    throw malformed("fit.sink_positions", value, fmt::format("a whole number from 0 to {}", most),
                    "Fewer than fit.positions and than the tokens of a window (--seq-len), so that "
                    "there is something to fit on.");
  }
  std::vector<int> layers(const Json& value) const {
    std::vector<int> all;
    if (value == "all") {
      for (size_t layer = 0; layer < model_.layers.size(); ++layer) {
        if (model::key_facts(model_.layers[layer].mixer)) all.push_back(static_cast<int>(layer));
      }
      if (!all.empty()) return all;
      throw malformed("layers", value, "a layer that has keys",
                      "No layer of this model has attention.");
    }
    if (!value.is_array() || value.empty()) {
      throw malformed("layers", value, "\"all\" or a list of layers");
    }
    for (size_t i = 0; i < value.size(); ++i) {
      const uint32_t layer = number(value[i], fmt::format("layers[{}]", i), 0,
                                    static_cast<uint32_t>(model_.layers.size() - 1));
      all.push_back(static_cast<int>(layer));
    }
    std::sort(all.begin(), all.end());  // their order means nothing
    if (std::adjacent_find(all.begin(), all.end()) == all.end()) return all;
    throw malformed("layers", value, "each layer once");
  }
  void require_step(const StoredKeys& stored) const {
    LeftAlone nothing;
    stream::Intervention intervention{file_, {}, {}};
    for (const int layer : stored.layers) intervention.keys[layer] = {stored.step, &nothing};
    try {
      stream::require_fits(intervention, model_);
    } catch (const Error& error) {
      ErrorParts parts = error.parts();
      parts.hint =
          "Attention has the steps \"normed\" and \"scored\", latent attention \"scored\" and "
          "\"latent\", other mixers none; \"layers\" may list those that fit, and \"all\" are "
          "those "
          "with keys.";
      throw Error(error.id(), std::move(parts));
    }
  }

  std::string file_;
  const model::Model& model_;
  uint32_t seq_len_;
};

}  // namespace

const char* scale_word(keys::ScaleOf scale) { return word_for(kScales, scale); }
const char* rule_word(keys::ScaleRule rule) { return word_for(kRules, rule); }

StoredKeys read_stored_keys(const std::filesystem::path& file, const model::Model& model,
                            uint32_t seq_len) {
  const std::string text = read_whole_file(file, kMaxStoredKeysFileBytes);
  const Json root = parse_json(text, JsonLimits{}, file.string());
  return StoredKeysReader(file.string(), model, seq_len).read(root);
}

}  // namespace rg::lab
