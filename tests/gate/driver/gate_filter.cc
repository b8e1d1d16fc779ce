// Lets another program ask the gate. Reads JSON lines, writes one JSON line per token.
//   in:  {"spec": {...}, "selection_bias": [...], "expert_scale": [...], "logits": [[...], ...]}
//        spec: every field of docs/gates.md, spelled as there; true and false for yes and no
//        selection_bias, expert_scale: (experts) numbers where the spec has one, else []
//        logits: (tokens, experts), with the logit bias already in
//   out: {"ranked": [...], "weights": [...], "margin": x, "margin_logit": x, "margin_group": x,
//         "eligible": n}, as in gate::DecisionView; null for a number that isn't finite
// The first bad line ends it: a numbered error on stderr, and the exit code of its class.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "gate/gate.h"

namespace rg::gate {
namespace {

// One object of a line, whose keys must all be read.
class Fields {
 public:
  Fields(const Json& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {
    if (!object.is_object()) refuse("", object, "an object");
  }

  const Json& value(const std::string& key) {
    const auto at = object_.find(key);
    if (at == object_.end()) {
      throw Error(ErrorId::CF003,
                  {.file = file_, .object = path_ + key, .found = "no such key", .expected = "it"});
    }
    ++read_;
    return *at;
  }

  uint32_t count(const std::string& key) {
    constexpr uint64_t kMax = UINT32_MAX;
    const Json& found = value(key);
    if (found.is_number_unsigned() && found.get<uint64_t>() <= kMax) return found.get<uint32_t>();
    refuse(key, found, fmt::format("an integer from 0 to {}", kMax));
  }

  bool flag(const std::string& key) {
    const Json& found = value(key);
    if (found.is_boolean()) return found.get<bool>();
    refuse(key, found, "true or false");
  }

  float real(const std::string& key) { return as_real(key, value(key)); }

  template <typename Enum, size_t n>
  Enum one_of(const std::string& key, const std::array<Enum, n>& values) {
    const Json& found = value(key);
    std::string expected;
    for (const Enum candidate : values) {
      if (found == name(candidate)) return candidate;
      expected += fmt::format("{}'{}'", expected.empty() ? "" : " or ", name(candidate));
    }
    refuse(key, found, expected);
  }

  std::vector<float> reals(const std::string& key, size_t size) {
    return as_reals(key, value(key), size);
  }

  std::vector<std::vector<float>> rows(const std::string& key, size_t size) {
    const Json& found = value(key);
    if (!found.is_array()) refuse(key, found, "an array of rows");
    std::vector<std::vector<float>> read;
    for (const Json& row : found) {
      read.push_back(as_reals(fmt::format("{}[{}]", key, read.size()), row, size));
    }
    return read;
  }

  // Call when every known key was read.
  void refuse_others(std::initializer_list<std::string_view> known) const {
    if (read_ == object_.size()) return;
    for (const auto& [key, found] : object_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      throw Error(ErrorId::CF004, {.file = file_,
                                   .object = path_ + key,
                                   .found = escape_for_terminal(found.dump()),
                                   .expected = "only known keys"});
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& key, const Json& found, std::string expected) const {
    throw Error(ErrorId::CF002, {.file = file_,
                                 .object = path_ + key,
                                 .found = escape_for_terminal(found.dump()),
                                 .expected = std::move(expected)});
  }

  float as_real(const std::string& key, const Json& found) const {
    if (found.is_number()) {
      const auto read = static_cast<float>(found.get<double>());
      if (std::isfinite(read)) return read;
    }
    refuse(key, found, "a number within the range of fp32");
  }

  std::vector<float> as_reals(const std::string& key, const Json& found, size_t size) const {
    if (!found.is_array()) refuse(key, found, "an array of numbers");
    if (found.size() != size) {
      throw Error(ErrorId::CF002, {.file = file_,
                                   .object = path_ + key,
                                   .found = fmt::format("{} numbers", found.size()),
                                   .expected = fmt::format("{}", size)});
    }
    std::vector<float> read;
    for (const Json& number : found) read.push_back(as_real(key, number));
    return read;
  }

  const Json& object_;
  std::string file_, path_;
  size_t read_ = 0;
};

GateSpec read_spec(const Json& object, const std::string& file) {
  using enum Normalise;
  Fields fields(object, file, "spec.");
  const GateSpec spec = {
      .experts = fields.count("experts"),
      .top_k = fields.count("top_k"),
      .logit_bias = fields.flag("logit_bias"),
      .score = fields.one_of("score", std::array{Score::softmax, Score::sigmoid, Score::logits}),
      .selection_bias = fields.flag("selection_bias"),
      .groups = fields.count("groups"),
      .groups_kept = fields.count("groups_kept"),
      .group_score = fields.one_of(
          "group_score", std::array{GroupScore::none, GroupScore::max, GroupScore::top2_sum}),
      .weigh = fields.one_of("weigh", std::array{Weigh::scores, Weigh::selected_softmax,
                                                 Weigh::selected_sigmoid, Weigh::sparsemixer}),
      .normalise = fields.one_of(
          "normalise", std::array{no, by_sum, by_sum_plus_epsilon, by_max_of_sum_and_epsilon}),
      .epsilon = fields.real("epsilon"),
      .scaling = fields.real("scaling"),
      .per_expert_scale = fields.flag("per_expert_scale"),
      .ids_from_table = false,
      .shared_experts = fields.count("shared_experts")};
  fields.refuse_others({"experts", "top_k", "logit_bias", "score", "selection_bias", "groups",
                        "groups_kept", "group_score", "weigh", "normalise", "epsilon", "scaling",
                        "per_expert_scale", "shared_experts"});
  validate(spec, file);
  return spec;
}

Json number(float value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string decision(const GateSpec& spec, const std::vector<float>& logits,
                     const std::vector<float>& selection_bias,
                     const std::vector<float>& expert_scale) {
  std::vector<float> scores(spec.experts), weights(spec.top_k);
  std::vector<int32_t> ranked(spec.top_k + 1);
  DecisionView made{scores, ranked, weights, 0, 0, 0, 0};
  decide(spec, logits, selection_bias, made);
  if (spec.per_expert_scale) {
    scale_by_expert(expert_scale, made.ranked.first(spec.top_k), made.weights);
  }
  Json shown_weights = Json::array();
  for (const float weight : weights) shown_weights.push_back(number(weight));
  return write_json(Json{{"ranked", ranked},
                         {"weights", shown_weights},
                         {"margin", number(made.margin)},
                         {"margin_logit", number(made.margin_logit)},
                         {"margin_group", number(made.margin_group)},
                         {"eligible", made.eligible}},
                    JsonLayout::compact);
}

void answer(const std::string& line, const std::string& file) {
  const Json request = parse_json(line, JsonLimits{}, file);
  Fields fields(request, file, "");
  const GateSpec spec = read_spec(fields.value("spec"), file);
  const size_t experts = spec.experts;
  const auto selection_bias = fields.reals("selection_bias", spec.selection_bias ? experts : 0);
  const auto expert_scale = fields.reals("expert_scale", spec.per_expert_scale ? experts : 0);
  const auto logits = fields.rows("logits", experts);
  fields.refuse_others({"spec", "selection_bias", "expert_scale", "logits"});
  for (const auto& row : logits) {
    std::cout << decision(spec, row, selection_bias, expert_scale) << '\n';
  }
  std::cout.flush();
}

}  // namespace
}  // namespace rg::gate

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  try {
    for (size_t at = 1; std::getline(std::cin, line); ++at) {
      rg::gate::answer(line, fmt::format("stdin, line {}", at));
    }
  } catch (const rg::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.exit_code());
  }
  return 0;
}
