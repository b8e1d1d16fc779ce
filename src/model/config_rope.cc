#include "model/config_rope.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/json.h"

namespace rg::model {
namespace {

// As fp32, where it is neither 0 nor infinite.
bool is_positive(double value) {
  const auto narrow = static_cast<float>(value);
  return narrow > 0 && std::isfinite(narrow);
}

// 0.1 m ln(f) + 1 (YaRN, arXiv 2309.00071, section 3.4).
double magnitude(double factor, double m) {
  return factor <= 1 ? 1 : 0.1 * m * std::log(factor) + 1;
}

// One RoPE object of the config.
class RopeObject {
 public:
  RopeObject(ConfigReader& reader, const RopeRules& rules, uint32_t positions,
             std::optional<uint32_t> outer_original)
      : reader_(reader), rules_(rules), positions_(positions), outer_original_(outer_original) {}

  std::string type() {
    std::string found = "default";
    for (const std::string_view key : {"type", "rope_type"}) {  // the new spelling last: it counts
      if (reader_.has(key)) found = reader_.text(key, "");
    }
    if (rules_.deepseek_yarn && found == "deepseek_yarn") found = "yarn";
    const bool known =
        found == "default" ||
        (rules_.scalings &&
         (found == "linear" || found == "llama3" || found == "yarn" || found == "longrope")) ||
        (rules_.proportional && found == "proportional") || (rules_.alpha && found == "dynamic");
    if (!known) {
      reader_.refuse(reader_.has("rope_type") ? "rope_type" : "type",
                     '"' + escape_for_terminal(found) + '"',
                     rules_.scalings ? "default, linear, llama3, yarn or longrope" : "\"default\"",
                     "Other scalings are refused for this family: none of them is computed.");
    }
    return found;
  }

  void read(ReadRope& read) {
    const std::string kind = type();
    Rope& rope = read.rope;
    if (kind == "linear") rope.scaling = LinearRope{.factor = positive("factor")};
    if (kind == "llama3") {
      const float low = positive("low_freq_factor"), high = positive("high_freq_factor");
      if (!(low < high)) {
        reader_.refuse("high_freq_factor", fmt::format("{}", high),
                       fmt::format("more than low_freq_factor = {}", low), "");
      }
      rope.scaling = Llama3Rope{.factor = positive("factor"),
                                .low_frequency_factor = low,
                                .high_frequency_factor = high,
                                .original_positions = original()};
    }
    if (kind == "yarn") read_yarn(read);
    if (kind == "longrope") read_longrope(rope);
    if (kind == "dynamic") read.alpha = positive("alpha");
    if (kind == "proportional") {
      const double share = number("partial_rotary_factor", 1);
      if (!is_positive(share) || share > 1) {
        reader_.refuse("partial_rotary_factor", fmt::format("{}", share),
                       "a positive number up to 1", "");
      }
      rope.scaling = ProportionalRope{.share = share, .factor = positive_or("factor", 1)};
    }
  }

 private:
  void read_yarn(ReadRope& read) {
    const uint32_t positions = original();
    const auto stated = reader_.real_if("factor", "");
    const double factor = stated ? positive("factor") : double{1} * positions_ / positions;
    const auto or_else = [&](std::string_view key, float otherwise) {
      return number(key, 0) == 0 ? otherwise : positive(key);
    };
    read.rope.scaling = YarnRope{.factor = static_cast<float>(factor),
                                 .beta_fast = or_else("beta_fast", 32),
                                 .beta_slow = or_else("beta_slow", 1),
                                 .original_positions = positions,
                                 .truncate = reader_.flag_or("truncate", "", true)};
    // transformers looks for it around the entries.
    if (!rules_.layer_type.empty() && !std::get<YarnRope>(read.rope.scaling).truncate) {
      reader_.refuse("truncate", "false", "true, in an entry for a kind of layers",
                     "transformers doesn't read it there.");
    }
    const double mscale = number("mscale", 0);
    read.mscale_all_dim = number("mscale_all_dim", 0);
    const bool both = mscale != 0 && read.mscale_all_dim != 0;
    const double amplitude =
        both ? magnitude(factor, mscale) / magnitude(factor, read.mscale_all_dim)
             : magnitude(factor, 1);
    read.rope.amplitude = static_cast<float>(number("attention_factor", amplitude));
  }

  void read_longrope(Rope& rope) {
    LongRope scaled;
    scaled.short_factors = factors("short_factor", rope.dims);
    scaled.long_factors = factors("long_factor", rope.dims);
    scaled.original_positions = original();
    const double stated = number("factor", 0);
    const double factor = stated != 0 ? stated : double{1} * positions_ / scaled.original_positions;
    const double amplitude =
        factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(scaled.original_positions));
    const double both = number("attention_factor", amplitude);
    rope.amplitude = scaled.long_amplitude = static_cast<float>(both);
    if (rules_.short_factors_only) {  // Phi-3.5-MoE, which states the two amplitudes itself
      rope.amplitude = static_cast<float>(number("short_mscale", both));
      scaled.long_amplitude = static_cast<float>(number("long_mscale", both));
      scaled.long_factors = scaled.short_factors;
    }
    rope.scaling = std::move(scaled);
  }

  // `otherwise`, if nothing is stated, is checked as well: it may follow from other keys.
  double number(std::string_view key, double otherwise) {
    const double value = reader_.real_if(key, "").value_or(otherwise);
    if (!std::isfinite(static_cast<float>(value))) {
      reader_.refuse(key, fmt::format("{}", value), "a number within fp32's range", "");
    }
    return value;
  }

  float positive(std::string_view key) { return positive_or(key, 0); }
  float positive_or(std::string_view key, double otherwise) {
    const double value = number(key, otherwise);
    if (!is_positive(value)) {
      reader_.refuse(key, fmt::format("{}", value), "a positive number within fp32's range", "");
    }
    return static_cast<float>(value);
  }

  uint32_t original() {
    const auto inner = reader_.count_if("original_max_position_embeddings", "");
    // Phi-3.5-MoE's own code looks at the object alone.
    const bool inner_counts = rules_.short_factors_only && inner;
    const uint32_t positions =
        inner_counts ? *inner : outer_original_.value_or(inner.value_or(positions_));
    if (positions == 0) {
      reader_.refuse("original_max_position_embeddings", "0", "at least 1", "");
    }
    return positions;
  }

  std::vector<float> factors(std::string_view key, uint32_t dims) {
    const Json* list = reader_.value_if(key);
    const std::string expected = fmt::format("a list of {} positive numbers", dims / 2);
    if (list == nullptr || !list->is_array() || list->size() != dims / 2) {
      reader_.refuse(key, list == nullptr ? "null" : write_json(*list, JsonLayout::compact),
                     expected, "");
    }
    std::vector<float> values;
    for (const Json& entry : *list) {
      if (!entry.is_number() || !is_positive(entry.get<double>())) {
        reader_.refuse(key, write_json(entry, JsonLayout::compact), expected, "");
      }
      values.push_back(static_cast<float>(entry.get<double>()));
    }
    return values;
  }

  ConfigReader& reader_;
  const RopeRules& rules_;
  uint32_t positions_;                      // max_position_embeddings
  std::optional<uint32_t> outer_original_;  // of the config itself, over the object's
};

// transformers writes what the type doesn't use as null, or leaves it out; it ignores what another
// type would use, which here is known beside a scaling only. mrope_* split the angles among the
// axes of an image; for text all axes are one. `mscale_counts`: mscale_all_dim does.
void collect(const ConfigReader& rope, bool scaled, bool mscale_counts,
             std::vector<Leftover>& leftovers) {
  static constexpr KnownKey kUnused[] = {{"attention_factor", Harmless::if_null},
                                         {"beta_fast", Harmless::if_null},
                                         {"beta_slow", Harmless::if_null},
                                         {"factor", Harmless::if_null},
                                         {"high_freq_factor", Harmless::if_null},
                                         {"long_factor", Harmless::if_null},
                                         {"low_freq_factor", Harmless::if_null},
                                         {"mrope_interleaved", Harmless::always},
                                         {"mrope_section", Harmless::always},
                                         {"mscale", Harmless::if_null},
                                         {"mscale_all_dim", Harmless::if_null},
                                         {"original_max_position_embeddings", Harmless::if_null},
                                         {"partial_rotary_factor", Harmless::if_one},
                                         {"short_factor", Harmless::if_null},
                                         {"truncate", Harmless::if_null}};
  std::vector<KnownKey> known(std::begin(kUnused), std::end(kUnused));
  if (scaled) {
    for (KnownKey& key : known) {
      if (!mscale_counts || key.name != "mscale_all_dim") key.harmless = Harmless::always;
    }
  }
  rope.collect_leftovers(known, leftovers);
}

// The keys around entries for the kinds of layers: there are none but these entries.
void collect_around(const Json& object, const std::string& path, const RopeConfig& from) {
  static constexpr KnownKey kKinds[] = {{"full_attention", Harmless::always},
                                        {"sliding_attention", Harmless::always}};
  ConfigReader(object, path, from.origins).collect_leftovers(kKinds, from.leftovers);
}

// 0 where the factor leaves no part.
uint32_t rotated_dims(const RopeRules& rules, std::optional<double> partial) {
  const double factor = partial.value_or(rules.partial);
  return factor > 0 && factor <= 1 ? static_cast<uint32_t>(rules.head_width * factor) : 0;
}

// transformers rotates whole heads where a family with a partial default says null.
std::optional<double> read_partial(ConfigReader& reader, const RopeRules& rules) {
  constexpr std::string_view kKey = "partial_rotary_factor";
  const auto stated = reader.real_if(kKey, "");
  if (!rules.may_be_partial && stated && *stated != 1) {
    reader.refuse(kKey, fmt::format("{}", *stated), "1",
                  "This family rotates whole heads, and transformers doesn't read the key.");
  }
  if (rules.may_be_partial && !stated) reader.refuse(kKey, "null", "a number", "");
  return stated;
}

// Values that are possible one by one may not be together. Yarn divides by the base's logarithm.
void check_frequencies(const ConfigReader& config, const Rope& rope, uint32_t positions) {
  bool finite = !(std::holds_alternative<YarnRope>(rope.scaling) && rope.base == 1);
  for (const uint32_t length : {1u, positions}) {
    for (const float frequency : frequencies(rope, length)) {
      finite = finite && std::isfinite(frequency);
    }
  }
  if (finite) return;
  config.refuse("rope_theta", fmt::format("{}", rope.base),
                "a base that gives finite frequencies with the scaling of the positions", "");
}

}  // namespace

ReadRope read_rope(const RopeConfig& from, const RopeRules& rules) {
  ConfigReader& config = from.config;
  if (rules.head_width > kMaxHeadWidth) {
    config.refuse(rules.head_width_key, std::to_string(rules.head_width),
                  fmt::format("at most {}", kMaxHeadWidth), "");
  }
  ReadRope read;
  read.rope = {
      .base = 0, .dims = 0, .pairing = rules.pairing, .scaling = PlainRope{}, .amplitude = 1};
  std::vector<std::pair<std::string, double>> bases;  // the one that counts first
  std::optional<double> partial;
  bool object_counts = false, object_states_base = false;
  std::string object_name, kind;
  // transformers doesn't look outside for a kind of layers.
  std::optional<uint32_t> outer;
  if (rules.layer_type.empty()) outer = config.count_if("original_max_position_embeddings", "");
  if (config.has("partial_rotary_factor")) partial = read_partial(config, rules);

  std::vector<std::pair<std::string, const Json*>> objects;
  for (const std::string name : {"rope_scaling", "rope_parameters"}) {
    const Json* object = config.object_if(name);
    if (object == nullptr || (object->empty() && rules.layer_type.empty())) continue;
    objects.emplace_back(name, object);
  }
  Json class_object;
  if (objects.empty() && !rules.class_object.empty()) {
    class_object = parse_json(rules.class_object, JsonLimits{}, "class default");
    objects.emplace_back("the class default", &class_object);
  }
  for (const auto& [name, stated] : objects) {
    const Json* object = stated;
    std::string path = name;
    if (!rules.layer_type.empty() && stated != &class_object) {
      const auto entry = stated->find(std::string(rules.layer_type));
      if (entry == stated->end()) {
        config.refuse(name, write_json(*stated, JsonLayout::compact),
                      fmt::format("an object with an entry {}", rules.layer_type), "");
      }
      collect_around(*stated, path, from);
      path += '.' + std::string(rules.layer_type);
      if (!entry->is_object()) {
        config.refuse(path, write_json(*entry, JsonLayout::compact), "an object", "");
      }
      object = &*entry;
    }
    ConfigReader reader(*object, path, from.origins);
    std::optional<double> base;
    if (reader.has("rope_theta")) {
      base = reader.real_or("rope_theta", "", 0);
    } else if (rules.object_states_base && stated != &class_object) {
      reader.real("rope_theta", "");  // CF003
    }
    const bool whole = RopeObject(reader, rules, from.positions, outer).type() ==
                       "proportional";  // its factor is no part of the head
    const bool states_part = !whole && reader.has("partial_rotary_factor");
    if (rules.object_states_part && !states_part && stated != &class_object) {
      reader.real("partial_rotary_factor", "");  // CF003
    }
    const auto inner = states_part ? read_partial(reader, rules) : std::nullopt;
    // Of two objects transformers takes the first alone, and the class default for what it lacks.
    const std::optional<double> counts = object_counts ? partial.value_or(rules.partial) : partial;
    if (inner && counts && *inner != *counts) {
      reader.refuse("partial_rotary_factor", fmt::format("{}", *inner),
                    fmt::format("{}, as {}", *counts,
                                partial ? "config.json says elsewhere" : "the class default"),
                    "");
    }
    if (inner) partial = inner;
    RopeObject rope(reader, rules, from.positions, outer);
    if (!object_counts) {
      object_counts = true;
      object_states_base = base.has_value();
      read.rope.dims = rotated_dims(rules, partial);
      kind = rope.type();
      object_name = path;
      rope.read(read);
    } else if (rope.type() != kind) {
      reader.refuse("rope_type", '"' + rope.type() + '"',
                    fmt::format("\"{}\", as {} says", kind, object_name),
                    "The spellings of the RoPE scaling disagree, and readers differ in the one "
                    "they take.");
    }
    if (base) bases.emplace_back(path + ".rope_theta", *base);
    collect(reader, read.rope.scaling.index() != 0 || read.alpha != 0,
            rules.scales_scores && kind != "yarn", from.leftovers);
  }
  if (!object_states_base && config.has("rope_theta")) {
    bases.emplace(bases.begin(), "rope_theta", config.real_or("rope_theta", "", rules.base));
  } else if (!object_states_base) {
    bases.emplace(bases.begin(), "", rules.base);
  } else if (const auto stated = config.real_if("rope_theta", "")) {
    const bool unread = rules.writes_class_base && *stated == rules.base;
    if (!unread) bases.emplace_back("rope_theta", *stated);
  }

  const auto& [key, base] = bases.front();
  if (!is_positive(base)) {
    config.refuse(key.empty() ? "rope_theta" : key, fmt::format("{}", base),
                  "a positive number within fp32's range", "");
  }
  for (const auto& [other, value] : bases) {
    if (value == base) continue;
    config.refuse(other, fmt::format("{}", value),
                  fmt::format("{}, as {} says", base, key.empty() ? "the class default" : key),
                  "The spellings of the RoPE base disagree, and readers differ in the one they "
                  "take.");
  }
  read.rope.dims = rotated_dims(rules, partial);
  if (read.rope.dims == 0 || read.rope.dims % 2 != 0) {
    config.refuse(
        "partial_rotary_factor", fmt::format("{}", partial.value_or(rules.partial)),
        fmt::format("a factor that leaves an even part of {} dimensions", rules.head_width), "");
  }
  double stretched = base;
  if (read.alpha != 0) {
    const double n = read.rope.dims;
    stretched *= std::pow(read.alpha, n / (n - 2));
    if (!is_positive(stretched)) {
      config.refuse("alpha", fmt::format("{}", read.alpha),
                    "a factor that leaves the base within fp32's range", "");
    }
    config.state("attention.rope_alpha", fmt::format("{}", read.alpha), "config.json: alpha");
  }
  read.rope.base = static_cast<float>(stretched);
  check_frequencies(config, read.rope, from.positions);
  config.state("attention.rope_base", write_json(base, JsonLayout::compact),
               key.empty() ? "class default" : "config.json: " + key);
  const bool from_class = kind.empty() || !class_object.empty();
  config.state("attention.rope_type", kind.empty() ? "default" : kind,
               from_class ? "class default" : "config.json: " + object_name);
  config.state("attention.rotated_dims", std::to_string(read.rope.dims),
               partial ? "config.json: partial_rotary_factor" : "class default");
  return read;
}

}  // namespace rg::model
