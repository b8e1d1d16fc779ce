#include "experiments/kv_distortion_options.h"

#include <fmt/format.h>

#include "base/error.h"
#include "experiments/kv_gauge_options.h"
#include "keys/normal_levels.h"

namespace rg::experiments {
namespace {

constexpr int64_t kMostSampled = 65'536;  // windows, and queries of each

uint32_t number_of(const Setting& setting, const char* key) {
  return static_cast<uint32_t>(setting.integer(key));
}

KvCodeChoice choice_of(const std::string& word) {
  if (word == "all") return KvCodeChoice::all;
  return word == "plain" ? KvCodeChoice::plain : KvCodeChoice::scales;
}

}  // namespace

std::vector<Parameter> kv_distortion_parameters() {
  const auto integer = [](int64_t low, int64_t high, int64_t otherwise) {
    return IntegerValues{.low = low, .high = high, .otherwise = otherwise};
  };
  return {
      bootstrap_parameter(),
      kv_step_parameter(),
      {.key = "codes",
       .help = "which codes of keys: per key, channel and head and with three rules for scales; "
               "the plain one, a least-squares scale per key; or all, with rotations and the "
               "mean subtracted",
       .values = WordValues{{"scales", "plain", "all"}}},
      {.key = "coded_values",
       .help = "whether the plain code is also measured with values coded",
       .values = FlagValues{.otherwise = true}},
      {.key = "fewest_bits",
       .help = "bits per coordinate, from this number on",
       .values = integer(1, keys::kMostBits, 1)},
      {.key = "most_bits",
       .help = "bits per coordinate, up to this number",
       .values = integer(1, keys::kMostBits, keys::kMostBits)},
      {.key = "measured_windows",
       .help = "windows of held-out documents whose queries are measured",
       .values = integer(1, kMostSampled, 64)},
      {.key = "queries",
       .help = "sampled queries of each measured window",
       .values = integer(1, kMostSampled, 4)},
      kv_positions_parameter(),
      kv_sinks_parameter()};
}

KvDistortionOptions kv_distortion_options(const Setting& setting) {
  KvDistortionOptions out{
      .step = setting.word("step") == "normed" ? &tap::KeySteps::normed : &tap::KeySteps::scored,
      .codes = {.choice = choice_of(setting.word("codes")),
                .values = setting.flag("coded_values"),
                .fewest_bits = number_of(setting, "fewest_bits"),
                .most_bits = number_of(setting, "most_bits")},
      .windows = number_of(setting, "measured_windows"),
      .queries = number_of(setting, "queries"),
      .fit_positions = number_of(setting, "key_positions"),
      .sink_positions = number_of(setting, "sink_positions")};
  if (out.codes.fewest_bits > out.codes.most_bits) {
    throw Error(ErrorId::US003,
                {.object = "--parameter fewest_bits",
                 .found = fmt::format("{}", out.codes.fewest_bits),
                 .expected = fmt::format("at most most_bits, {}", out.codes.most_bits)});
  }
  return out;
}

Json kv_distortion_options_json(const Setting& setting) {
  return {{"step", setting.word("step")},
          {"codes", setting.word("codes")},
          {"coded_values", setting.flag("coded_values")},
          {"fewest_bits", setting.integer("fewest_bits")},
          {"most_bits", setting.integer("most_bits")},
          {"windows", setting.integer("measured_windows")},
          {"queries", setting.integer("queries")},
          {"positions", setting.integer("key_positions")},
          {"sink_positions", setting.integer("sink_positions")}};
}

}  // namespace rg::experiments
