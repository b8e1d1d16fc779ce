#include "experiments/kv_gauge_arrays.h"

#include <cmath>

#include "experiments/kv_view.h"
#include "keys/anchors.h"

namespace rg::experiments {
namespace {

// Counts are sums of ones in fp64.
Json count_json(double count) { return static_cast<uint64_t>(count); }
Json counts_json(const std::vector<double>& counts) {
  Json out = Json::array();
  for (const double count : counts) out.push_back(count_json(count));
  return out;
}

Json sums_json(const KvSums& sums) {
  return {{"cosines", sums.cosines},
          {"squared_norms", sums.squared_norms},
          {"sizes", sums.sizes},
          {"energy", sums.energy},
          {"channel_squares", sums.channel_squares}};
}

// The heads of one layer; reasons are noted at `path`.
class HeadJson {
 public:
  HeadJson(const KvLayer& layer, Nulls& nulls)
      : layer_(layer), path_("heads." + layer_key(layer.layer)), nulls_(nulls) {}

  Json of(const KvHead& head) const {
    Json gauges = Json::array(), residual = Json::array();
    for (const KvGauge& gauge : head.gauges) gauges.push_back(of(gauge));
    for (const keys::ResidualShare& share : head.residual) residual.push_back(of(share));
    return {{"fit_keys", count_json(head.fit_keys)},
            {"fit_zero_keys", count_json(head.fit_zero_keys)},
            {"keys", counts_json(head.nonzero)},
            {"zero_keys", counts_json(head.zero)},
            {"sink_keys", count_json(head.sink_nonzero)},
            {"sink_zero_keys", count_json(head.sink_zero)},
            {"gauges", std::move(gauges)},
            {"noise", head.noise ? of(*head.noise) : null("noise", "no gauge was learned")},
            {"centring", centring(head)},
            {"residual", std::move(residual)},
            {"ceiling", ceiling(head)}};
  }

 private:
  Json null(const std::string& member, const char* reason) const {
    return nulls_.null(path_ + "." + member, reason);
  }

  Json of(const KvGauge& gauge) const {
    Json out = {{"kind", keys::name_of(gauge.kind)}, {"number", gauge.number}};
    if (!gauge.usable()) {
      out["refused"] = gauge.refused;
      return out;
    }
    Json sinks = sums_json(gauge.sinks);
    sinks.erase("channel_squares");
    out["made_of"] = gauge.made_of;
    out["in_sample"] = sums_json(gauge.in_sample);
    out["held_out"] = sums_json(gauge.held_out);
    out["sinks"] = std::move(sinks);
    out["cosines"] = gauge.cosines;
    if (gauge.full()) {
      out["squared_norms"] = gauge.squared_norms;
      out["sizes"] = gauge.sizes;
      out["energy"] = gauge.energy;
    }
    if (gauge.search) add(*gauge.search, out);
    return out;
  }

  void add(const KvSearch& search, Json& out) const {
    out["path"] = search.path;
    out["trials"] = search.trials;
    out["stop"] = search.stop == keys::Stop::settled ? "settled" : "most_steps";
    out["decay"] = nullptr;
    out["curvature"] = nullptr;
    if (search.decay) {
      out["decay"] = {{"geometric", search.decay->geometric},
                      {"power", search.decay->power},
                      {"rate", search.decay->rate},
                      {"points", search.decay->points}};
    } else {
      null("gauges.decay", "fewer than four steps left something to gain");
    }
    if (search.curvature) {
      const keys::Curvature& at = *search.curvature;
      const auto number = [&](double value) {
        return nulls_.number(value, path_ + ".gauges.curvature", "infinite, or no curvature");
      };
      out["curvature"] = {
          {"asymmetry", number(at.asymmetry)}, {"least_eigenvalue", number(at.least_eigenvalue)},
          {"flattest", number(at.flattest)},   {"steepest", number(at.steepest)},
          {"condition", number(at.condition)}, {"kink_ratio", number(at.kink_ratio)}};
    } else {
      null("gauges.curvature", "the metric's weights change along the search");
    }
  }

  static Json of(const KvNoise& noise) {
    return {{"fit_keys", count_json(noise.fit_keys)},
            {"in_sample_cosines", noise.in_sample_cosines},
            {"keys", counts_json(noise.nonzero)},
            {"cosines", noise.cosines},
            {"random_cosines", noise.random_cosines}};
  }

  Json centring(const KvHead& head) const {
    Json out = Json::object();
    for (size_t i = 0; i < std::size(kCentringNames); ++i) {
      const std::optional<KvCentred>& one = head.centred[i];
      out[kCentringNames[i]] = one ? of(*one) : null("centring", "no gauge was learned");
    }
    if (head.correction) {
      out["dataset_mean"]["correction"] = {{"turning_share", head.correction->turning_share},
                                           {"rms", head.correction->of_scores.rms},
                                           {"spread", head.correction->of_scores.spread}};
    }
    return out;
  }

  static Json of(const KvCentred& centred) {
    return {{"fit_keys", count_json(centred.fit_keys)},
            {"in_sample_cosines", centred.in_sample_cosines},
            {"keys", counts_json(centred.nonzero)},
            {"zero_keys", counts_json(centred.zero)},
            {"cosines", centred.cosines},
            {"squared_norms", centred.squared_norms},
            {"energy", centred.energy}};
  }

  Json of(const keys::ResidualShare& share) const {
    const auto number = [&](double value) {
      return nulls_.number(value, path_ + ".residual", "nothing is left to share");
    };
    return {{"rank", share.rank},
            {"keys_in_sample", number(share.keys_in_sample)},
            {"keys_held_out", number(share.keys_held_out)},
            {"residual_in_sample", number(share.residual_in_sample)},
            {"residual_held_out", number(share.residual_held_out)},
            {"code_then_rank", number(share.code_then_rank)},
            {"rank_then_code", number(share.rank_then_code)},
            {"bits", share.bits},
            {"white_edge", share.white_edge}};
  }

  Json ceiling(const KvHead& head) const {
    if (head.resting_share) {
      return {{"resting_share", *head.resting_share},
              {"cosine", keys::rope_ceiling_cosine(*head.resting_share)}};
    }
    return null("ceiling",
                layer_.ceiling ? "no key to fit on" : "the keys are not those after RoPE");
  }

  const KvLayer& layer_;
  const std::string path_;
  Nulls& nulls_;
};

}  // namespace

Json kv_attention_json(const tap::KeyView& view, const keys::Placement& placement,
                       const std::vector<keys::GaugeKind>& kinds) {
  Json costs = Json::object();
  for (const keys::GaugeKind kind : kinds) {
    costs[std::string(keys::name_of(kind))] = keys::name_of(keys::cost_of(kind, placement));
  }
  return {{"mixer", view.mixer},
          {"heads", view.heads},
          {"kv_heads", view.kv_heads},
          {"width", view.key_width},
          {"rotated_columns", view.rotation ? view.rotation->columns : 0u},
          {"norm", name_of_norm(view.norm)},
          {"values_are_keys", view.values_are_keys},
          {"latent_width", view.latent_width},
          {"sinks", view.sinks},
          {"window", view.window.value_or(0)},
          {"costs", std::move(costs)}};
}

Json kv_heads_json(const KvLayer& layer, Nulls& nulls) {
  const HeadJson json(layer, nulls);
  Json heads = Json::array();
  for (const KvHead& head : layer.heads) heads.push_back(json.of(head));
  return heads;
}

}  // namespace rg::experiments
