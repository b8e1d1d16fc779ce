#include "experiments/kv_gauge_options.h"

#include <algorithm>

namespace rg::experiments {
namespace {

uint32_t count_of(const Setting& setting, const char* key) {
  return static_cast<uint32_t>(setting.integer(key));
}

std::vector<keys::GaugeKind> kinds_of(const std::string& gauges) {
  using Kind = keys::GaugeKind;
  if (gauges == "verdict") {
    return {Kind::identity, Kind::signed_hadamard, Kind::rotation, Kind::itq_cosine};
  }
  return {Kind::identity,           Kind::hadamard,   Kind::signed_hadamard,
          Kind::rotation,           Kind::principal,  Kind::principal_covariance,
          Kind::principal_hadamard, Kind::itq_cosine, Kind::itq_pooled,
          Kind::itq_per_key,        Kind::givens,     Kind::torus,
          Kind::plane_scaling,      Kind::foldable,   Kind::blocks};
}

keys::Centring centring_of(const std::string& name) {
  const auto at = std::find(std::begin(kCentringNames), std::end(kCentringNames), name);
  return kCentrings[at - std::begin(kCentringNames)];
}

}  // namespace

Parameter kv_step_parameter() {
  return {.key = "step",
          .help =
              "which keys: those that enter the scores, after RoPE, or those after QK-norm and "
              "before RoPE",
          .values = WordValues{{"scored", "normed"}}};
}

Parameter kv_positions_parameter() {
  return {.key = "key_positions",
          .help = "sampled keys per window",
          .values = IntegerValues{.low = 1, .high = 65'536, .otherwise = 128}};
}

Parameter kv_sinks_parameter() {
  return {.key = "sink_positions",
          .help = "first positions of a window that are reported apart, as attention sinks",
          .values = IntegerValues{.low = 0, .high = 64, .otherwise = 4}};
}

std::vector<Parameter> kv_gauge_parameters() {
  const auto integer = [](int64_t low, int64_t high, int64_t otherwise) {
    return IntegerValues{.low = low, .high = high, .otherwise = otherwise};
  };
  return {bootstrap_parameter(),
          kv_step_parameter(),
          {.key = "centring",
           .help = "what is subtracted before the code: nothing, the mean of the key's own "
                   "coordinates, or the mean of the fitted keys",
           .values = WordValues{{"raw", "key_dc", "dataset_mean"}}},
          kv_positions_parameter(),
          kv_sinks_parameter(),
          {.key = "gauges",
           .help = "which gauges: all kinds, or those that the verdict needs",
           .values = WordValues{{"all", "verdict"}}},
          {.key = "signed_hadamards",
           .help = "Hadamard gauges with random signs",
           .values = integer(1, 256, 10)},
          {.key = "rotations", .help = "uniformly random rotations", .values = integer(1, 256, 3)},
          {.key = "residual_rank",
           .help = "largest rank of a correction of the code, in powers of 2; 0 for none",
           .values = integer(0, 1024, 8)}};
}

size_t KvGaugeOptions::gauges() const {
  return fit.gauges.size() - 2 + fit.signed_hadamards + fit.rotations;
}

KvGaugeOptions kv_gauge_options(const Setting& setting) {
  const bool before_rope = setting.word("step") == "normed";
  KvGaugeOptions out{.step = before_rope ? &tap::KeySteps::normed : &tap::KeySteps::scored,
                     .before_rope = before_rope,
                     .centring = centring_of(setting.word("centring")),
                     .positions = count_of(setting, "key_positions"),
                     .sink_positions = count_of(setting, "sink_positions"),
                     .residual_rank = count_of(setting, "residual_rank"),
                     .fit = {}};
  out.fit.gauges = kinds_of(setting.word("gauges"));
  out.fit.signed_hadamards = count_of(setting, "signed_hadamards");
  out.fit.rotations = count_of(setting, "rotations");
  out.fit.on_noise = {keys::GaugeKind::signed_hadamard, keys::GaugeKind::rotation,
                      keys::GaugeKind::itq_cosine};
  return out;
}

Json kv_gauge_options_json(const Setting& setting) {
  return {{"step", setting.word("step")},
          {"centring", setting.word("centring")},
          {"positions", setting.integer("key_positions")},
          {"sink_positions", setting.integer("sink_positions")},
          {"gauges", setting.word("gauges")},
          {"signed_hadamards", setting.integer("signed_hadamards")},
          {"rotations", setting.integer("rotations")},
          {"residual_rank", setting.integer("residual_rank")}};
}

}  // namespace rg::experiments
