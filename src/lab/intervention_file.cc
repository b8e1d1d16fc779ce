#include "lab/intervention_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxInterventionFileBytes = uint64_t{16} << 20;

// Reads one file's members; each refusal names its place.
class InterventionReader {
 public:
  explicit InterventionReader(std::string file) : file_(std::move(file)) {}

  InterventionFile read(const Json& root) const {
    if (root.is_object() && root.size() == 2 && root.contains("interventions") &&
        root.contains("routes")) {
      return {.intervention = list(root), .routes = imposed_log(root.at("routes"))};
    }
    check_keys(root, "the file", {"interventions"}, ", or of interventions, routes");
    return {.intervention = list(root), .routes = {}};
  }

 private:
  stream::Intervention list(const Json& root) const {
    const Json& rows = root.at("interventions");
    if (!rows.is_array()) throw malformed("interventions", rows, "an array");
    stream::Intervention intervention{file_, {}};
    for (size_t i = 0; i < rows.size(); ++i) {
      add(rows[i], fmt::format("interventions[{}]", i), intervention);
    }
    return intervention;
  }
  ImposedLog imposed_log(const Json& routes) const {
    check_keys(routes, "routes", {"log", "weights"});
    const Json &log = routes.at("log"), &weights = routes.at("weights");
    if (!log.is_string() || log.get<std::string>().empty()) {
      throw malformed("routes.log", log, "the path of a routing log");
    }
    if (weights != "own" && weights != "replayed") {
      throw malformed("routes.weights", weights, "\"own\" or \"replayed\"");
    }
    return {.log = std::filesystem::path(file_).parent_path() / log.get<std::string>(),
            .weights = weights == "replayed"};
  }
  Error malformed(const std::string& at, const Json& found, std::string expected) const {
    return Error(ErrorId::US001,
                 {.file = file_,
                  .object = at,
                  .found = escape_for_terminal(write_json(found, JsonLayout::compact)),
                  .expected = std::move(expected),
                  .hint = "schema/intervention_file.schema.json describes the file."});
  }
  // Exactly these.
  void check_keys(const Json& object, const std::string& at,
                  std::initializer_list<const char*> keys, const char* more = "") const {
    const bool all = object.is_object() && object.size() == keys.size() &&
                     std::all_of(keys.begin(), keys.end(),
                                 [&](const char* key) { return object.contains(key); });
    if (all) return;
    throw malformed(at, object, fmt::format("an object of {}{}", fmt::join(keys, ", "), more));
  }
  int number(const Json& row, const char* key, const std::string& at) const {
    const Json& value = row.at(key);
    if (value.is_number_unsigned() && value <= std::numeric_limits<int>::max()) {
      return value.get<int>();
    }
    throw malformed(fmt::format("{}.{}", at, key), value, "a whole number");
  }
  void add(const Json& row, const std::string& at, stream::Intervention& to) const {
    check_keys(row, at, {"layer", "expert", "action"});
    const int expert = number(row, "expert", at);
    stream::LayerIntervention& layer = to.layers[number(row, "layer", at)];
    const Json& action = row.at("action");
    if (action == "mask") {
      layer.masked.push_back(expert);
    } else if (action == "force") {
      layer.forced.push_back(expert);
    } else {
      layer.scaled.push_back({expert, factor(action, at + ".action")});
    }
  }
  float factor(const Json& action, const std::string& at) const {
    if (action.is_object() && action.size() == 1 && action.contains("scale") &&
        action.at("scale").is_number()) {
      const auto value = action.at("scale").get<float>();
      if (std::isfinite(value)) return value;
    }
    throw malformed(at, action, "\"mask\", \"force\", or {\"scale\": a number within fp32}");
  }

  std::string file_;
};

template <typename T>
Json digest_of(std::span<const T> values) {
  return values.empty() ? Json() : Json(sha256_hex(std::as_bytes(values)));
}

}  // namespace

InterventionFile read_intervention(const std::filesystem::path& file, const model::Model& model) {
  const std::string text = read_whole_file(file, kMaxInterventionFileBytes);
  const Json root = parse_json(text, JsonLimits{}, file.string());
  InterventionFile read = InterventionReader(file.string()).read(root);
  for (auto& [layer, how] : read.intervention.layers) {  // the order of rows means nothing
    std::sort(how.masked.begin(), how.masked.end());
    std::sort(how.forced.begin(), how.forced.end());
    std::sort(how.scaled.begin(), how.scaled.end(),
              [](const auto& a, const auto& b) { return a.expert < b.expert; });
  }
  stream::require_fits(read.intervention, model);
  return read;
}

Json to_json(const stream::Intervention& intervention) {
  Json rows = Json::array();
  for (const auto& [layer, how] : intervention.layers) {
    const auto add = [&rows, layer = layer](int32_t expert, Json action) {
      rows.push_back({{"layer", layer}, {"expert", expert}, {"action", std::move(action)}});
    };
    for (const int32_t expert : how.masked) add(expert, "mask");
    for (const int32_t expert : how.forced) add(expert, "force");
    for (const stream::ExpertScale& scale : how.scaled) {
      add(scale.expert, {{"scale", scale.factor}});
    }
    if (how.imposed_ids.empty()) continue;
    rows.push_back({{"layer", layer},
                    {"action",
                     {{"impose",
                       {{"ids_sha256", digest_of(how.imposed_ids)},
                        {"weights_sha256", digest_of(how.imposed_weights)}}}}}});
  }
  for (const auto& [layer, how] : intervention.keys) {
    rows.push_back(
        {{"layer", layer}, {"action", {{"change_keys", stream::key_step_name(how.step)}}}});
  }
  return {{"interventions", std::move(rows)}};
}

}  // namespace rg::lab
