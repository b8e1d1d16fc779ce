#include "experiments/kv_distortion_arrays.h"

#include <cmath>

namespace rg::experiments {
namespace {

using keys::DistortionSummary;
using keys::DistortionSums;
using WindowSums = std::vector<KvBoth<DistortionSums>>;

constexpr const char* kNoCase = "no query of this head sees values that differ";

Json sums_json(const DistortionSums& sums) {
  Json out = Json::object();
  for (const KvSumMember& member : kSumMembers) out[member.name] = sums.*member.of;
  out["vacuous"] = by_bound([&](size_t b) { return sums.vacuous[b]; });
  return out;
}

// Members of `all` or `sinks_exact` of a head; reasons are noted below `path`.
class MeasuredJson {
 public:
  MeasuredJson(std::string path, Nulls& nulls) : path_(std::move(path)), nulls_(nulls) {}

  Json of(const KvMeasured& measured) const {
    const DistortionSummary& found = measured.summary;
    Json out = sums_json(measured.sums);
    out["errors"] = {
        {"median", number(found.median_error, "errors", kNoCase)},
        {"p95", number(found.p95_error, "errors", kNoCase)},
        {"largest", number(found.largest_error, "errors", kNoCase)},
        {"relative", number(found.median_relative_error, "errors", "no output that isn't 0")}};
    out["tightness"] = by_bound([&](size_t b) { return tightness(found.bounds[b]); });
    out["excess"] = by_bound(
        [&](size_t b) { return number(found.bounds[b].largest_excess, "excess", kNoCase); });
    out["rank_correlation"] =
        number(found.rank_correlation, "rank_correlation", "errors or forecasts are all equal");
    out["deciles"] = deciles(found);
    return out;
  }

 private:
  Json number(double value, const std::string& member, const char* reason) const {
    return nulls_.number(value, path_ + "." + member, reason);
  }
  Json tightness(const keys::BoundSummary& bound) const {
    if (std::isnan(bound.median_tightness)) {
      return nulls_.null(path_ + ".tightness", "the bound is above 0 in no case");
    }
    return {{"median", bound.median_tightness}, {"p95", bound.p95_tightness}};
  }
  static Json deciles(const DistortionSummary& found) {
    Json forecast = Json::array(), error = Json::array();
    for (const keys::ForecastDecile& decile : found.deciles) {
      forecast.push_back(decile.forecast);
      error.push_back(decile.error);
    }
    return {{"forecast", std::move(forecast)}, {"error", std::move(error)}};
  }

  const std::string path_;
  Nulls& nulls_;
};

Json refused_json(const std::string& reason) { return {{"refused", reason}}; }

Json code_json(const KvCodeResult& result, const KvCode& code, const std::string& path,
               Nulls& nulls) {
  if (!result.refused.empty()) return refused_json(result.refused);
  Json out = {{"key_error", result.key_error}};
  if (code.values) out["value_error"] = result.value_error;
  out["all"] = MeasuredJson(path + ".all", nulls).of(result.measured.all);
  out["sinks_exact"] = MeasuredJson(path + ".sinks_exact", nulls).of(result.measured.sinks_exact);
  return out;
}

// One of the two measurements: a record of arrays.
Json window_sums_json(const WindowSums& windows, DistortionSums KvBoth<DistortionSums>::*which) {
  const auto array = [&](const auto& value) {
    Json out = Json::array();
    for (const KvBoth<DistortionSums>& window : windows) out.push_back(value(window.*which));
    return out;
  };
  Json out = Json::object();
  for (const KvSumMember& member : kSumMembers) {
    out[member.name] = array([&](const DistortionSums& sums) { return sums.*member.of; });
  }
  out["vacuous"] = by_bound(
      [&](size_t b) { return array([b](const DistortionSums& sums) { return sums.vacuous[b]; }); });
  return out;
}

}  // namespace

Json kv_distortion_heads_json(const KvDistortionLayer& layer, const std::vector<KvCode>& codes,
                              Nulls& nulls) {
  const std::string path = "heads." + layer_key(layer.layer) + ".codes";
  Json heads = Json::array();
  for (const KvHeadResult& head : layer.heads) {
    Json of_codes = Json::array();
    for (size_t c = 0; c < codes.size(); ++c) {
      of_codes.push_back(code_json(head.codes[c], codes[c], path, nulls));
    }
    const DistortionSums& counts = head.codes[0].measured.all.sums;  // the plain code's
    heads.push_back({{"cases", counts.cases},
                     {"trivial", counts.trivial},
                     {"key_energy", head.key_energy},
                     {"value_energy", head.value_energy},
                     {"codes", std::move(of_codes)}});
  }
  return heads;
}

Json kv_distortion_windows_json(const KvDistortionLayer& layer) {
  Json cases = Json::array(), trivial = Json::array(), codes = Json::array();
  for (const KvBoth<DistortionSums>& window : layer.windows[0]) {
    cases.push_back(window.all.cases);
    trivial.push_back(window.all.trivial);
  }
  for (size_t c = 0; c < layer.windows.size(); ++c) {
    const std::string& refused = layer.heads[0].codes[c].refused;
    if (!refused.empty()) {
      codes.push_back(refused_json(refused));
      continue;
    }
    codes.push_back({{"all", window_sums_json(layer.windows[c], &KvBoth<DistortionSums>::all)},
                     {"sinks_exact",
                      window_sums_json(layer.windows[c], &KvBoth<DistortionSums>::sinks_exact)}});
  }
  return {
      {"cases", std::move(cases)}, {"trivial", std::move(trivial)}, {"codes", std::move(codes)}};
}

}  // namespace rg::experiments
