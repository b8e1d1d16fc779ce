// Artifacts of kv_gauge made wrong in one respect.
#include "verify/doctored_list.h"
#include "verify/kv_gauge_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kKv = "kv_gauge";
constexpr const char* kKvRefused = "kv_gauge_refused";
constexpr const char* kKvNormed = "kv_gauge_normed";
const std::string kKvHead = "heads.3.0.";
const std::string kKvLearned = "heads.3.0.gauges.8.";  // itq_cosine
const std::string kKvLayer = "summary.per_layer.3.";
const std::string kKvOfHead = "summary.per_layer.3.heads.1.";

std::vector<Doctored> doctored_kv_members() {
  DoctoredList list(kKv);
  list.lacking("", {"keys", "units", "without_keys", "attention", "heads"});
  list.lacking("keys", {"step", "centring", "positions", "sink_positions", "gauges",
                        "signed_hadamards", "rotations", "residual_rank"});
  list.lacking("units", {"count", "of_window"});
  list.lacking("attention.3", {"mixer", "heads", "kv_heads", "width", "rotated_columns", "norm",
                               "values_are_keys", "latent_width", "sinks", "window", "costs"});
  list.lacking("attention.3.costs", {"itq_cosine"});
  list.lacking("per_window", {"keys", "sinks"});
  list.lacking("heads.3.0",
               {"fit_keys", "fit_zero_keys", "keys", "zero_keys", "sink_keys", "sink_zero_keys",
                "gauges", "noise", "centring", "residual", "ceiling"});
  list.lacking("heads.3.0.gauges.8", {"kind", "number", "made_of", "in_sample", "held_out", "sinks",
                                      "cosines", "squared_norms", "sizes", "energy", "path",
                                      "trials", "stop", "decay", "curvature"});
  list.lacking("heads.3.0.gauges.1.held_out",
               {"cosines", "squared_norms", "sizes", "energy", "channel_squares"});
  list.lacking("heads.3.0.noise",
               {"fit_keys", "in_sample_cosines", "keys", "cosines", "random_cosines"});
  list.lacking("heads.3.0.centring", {"raw", "key_dc", "dataset_mean"});
  list.lacking("heads.3.0.centring.key_dc", {"fit_keys", "in_sample_cosines", "keys", "zero_keys",
                                             "cosines", "squared_norms", "energy"});
  list.lacking("heads.3.0.residual.1",
               {"rank", "keys_in_sample", "keys_held_out", "residual_in_sample",
                "residual_held_out", "code_then_rank", "rank_then_code", "bits", "white_edge"});
  list.lacking("heads.3.0.ceiling", {"resting_share", "cosine"});
  list.lacking("summary", {"anchors", "per_layer", "verdict", "replication"});
  list.lacking(
      "summary.per_layer.3",
      {"width", "gaussian_cosine", "gaussian_beta", "defined_heads", "keys_per_width", "learned",
       "random", "advantage", "noise_advantage", "excess", "centred", "sentence", "heads"});
  list.lacking("summary.per_layer.3.heads.1",
               {"learned", "excess", "centred", "keys_per_width", "gauges", "noise_in_sample",
                "dc5", "random_spread"});
  list.lacking("summary.verdict",
               {"margin", "outcome", "sentence", "cells", "keys_per_width", "fitted_documents"});
  list.with(Check::member_present, "no correction of the mean",
            erase("heads.3.0.centring.dataset_mean", "correction"), kKvNormed);
  return list.take();
}

std::vector<Doctored> doctored_kv_shapes() {
  DoctoredList list(kKv);
  list.with(Check::layer_arrays, "heads of no layer", erase("heads", "3"));
  list.with(Check::layer_arrays, "attention of no layer", erase("attention", "5"));
  list.with(Check::layer_arrays, "heads of a layer without keys",
            [](Json& a) { a["heads"]["1"] = Json(a["heads"]["3"]); });
  list.with(Check::layer_arrays, "a layer without keys that isn't measured",
            set("without_keys.4", "none"));
  list.with(Check::required_layers, "a layer left out", set("verification.required_layers", {3}));
  list.with(Check::required_layers, "a layer without keys",
            set("verification.required_layers", {1, 3, 5}));
  for (const char* path :
       {"heads.3", "heads.3.0.keys", "heads.3.0.gauges.8.cosines", "heads.3.0.gauges.0.energy",
        "heads.3.0.noise.cosines", "heads.3.0.noise.keys", "heads.3.0.centring.raw.cosines",
        "units.of_window", "per_window.keys", "per_window.sinks"}) {
    list.with(Check::array_length, path, first_dropped(path));
  }
  list.with(Check::array_length, "no step", set(kKvLearned + "path", Json::array()));
  list.with(Check::value_kind, "half a key", set(kKvHead + "keys.3", 40.5));
  list.with(Check::value_kind, "no sum", nulled({"heads.3.0.gauges.8.cosines.3"}));
  list.with(Check::value_kind, "no noise", nulled({"heads.3.0.noise.random_cosines.3"}));
  list.with(Check::value_kind, "a number of sinks", set("attention.3.sinks", 1));
  list.with(Check::value_kind, "a number as reason", set("without_keys.1", 2));
  list.with(Check::value_kind, "heads in an object", set("heads.3", Json::object()));
  list.with(Check::plain_number, "an integer beyond 2^53",
            set(kKvLearned + "in_sample.energy", int64_t{9007199254740994}));
  list.with(Check::document_ids, "a unit too many", set("units.count", 21));
  list.with(Check::document_ids, "a fitted window held out", set("units.of_window.0", 0));
  list.with(Check::document_ids, "a window of another unit", set("units.of_window.3", 0));
  list.with(Check::ranked_list, "gauges exchanged",
            [](Json& a) { std::swap(at(a, "heads.3.1.gauges.1"), at(a, "heads.3.1.gauges.2")); });
  list.with(Check::ranked_list, "a gauge too few", first_dropped("heads.5.1.gauges"));
  list.with(Check::ranked_list, "another kind", set(kKvHead + "gauges.4.kind", "torus"));
  list.with(Check::ranked_list, "another rank", set(kKvHead + "residual.2.rank", 3));
  list.with(Check::ranked_list, "a rank too few",
            [](Json& a) { at(a, "heads.3.0.residual").erase(3); });
  list.with(Check::null_pattern, "no noise", nulled({"heads.3.0.noise"}));
  list.with(Check::null_pattern, "no raw keys", nulled({"heads.3.0.centring.raw"}));
  list.with(Check::null_pattern, "no ceiling", nulled({"heads.3.0.ceiling"}));
  list.with(
      Check::null_pattern, "a ceiling before RoPE",
      [](Json& a) {
        at(a, "heads.3.0.ceiling") = {{"resting_share", 0.1}, {"cosine", 0.9}};
      },
      kKvNormed);
  list.with(
      Check::null_pattern, "noise for a gauge that isn't there",
      [](Json& a) { at(a, "heads.5.0.noise") = at(a, "heads.5.1.noise"); }, kKvRefused);
  list.with(
      Check::null_pattern, "residuals of a gauge that isn't there",
      [](Json& a) { at(a, "heads.5.0.residual") = at(a, "heads.5.1.residual"); }, kKvRefused);
  list.with(Check::null_reason, "no reason", erase("null_reasons", "heads.3.ceiling"), kKvNormed);
  return list.take();
}

std::vector<Doctored> doctored_kv_ranges() {
  DoctoredList list(kKv);
  for (const char* path : {"keys.step", "keys.centring", "keys.gauges", "attention.3.norm",
                           "attention.3.costs.rotation", "heads.3.0.gauges.8.stop"}) {
    list.with(Check::value_range, path, set(path, "otherwise"));
  }
  list.with(Check::value_range, "no words for a layer", set("without_keys.1", ""));
  list.with(Check::value_range, "no words for a refusal", set("heads.5.0.gauges.8.refused", ""),
            kKvRefused);
  list.with(Check::value_range, "a cost of nothing", set("attention.3.costs.hat", "free"));
  list.with(Check::value_range, "no positions", set("keys.positions", 0));
  list.with(Check::value_range, "more KV heads than heads", set("attention.3.kv_heads", 5));
  list.with(Check::value_range, "more turned columns than there are",
            set("attention.3.rotated_columns", 17));
  list.with(Check::value_range, "a share above 1", set(kKvHead + "ceiling.resting_share", 1.25));
  list.with(Check::value_range, "a residual above 1",
            set(kKvHead + "residual.0.keys_held_out", 1.25));
  list.with(Check::value_range, "a negative sum", set(kKvLearned + "held_out.sizes", -1.5));
  list.with(Check::value_range, "a cosine above 1", set(kKvLearned + "cosines.3", 1e6));
  list.with(Check::value_range, "a cosine below that of an axis",
            set(kKvHead + "gauges.5.cosines.3", 0.5));
  list.with(Check::value_range, "noise above 1", set(kKvHead + "noise.random_cosines.3", 1e6));
  list.with(Check::value_range, "noise below an axis", set(kKvHead + "noise.cosines.3", 0.5));
  list.with(Check::value_range, "a centred cosine above 1",
            set(kKvHead + "centring.key_dc.cosines.3", 1e6));
  return list.take();
}

std::vector<Doctored> doctored_kv_counts() {
  DoctoredList list(kKv);
  const Check total = Check::count_total;
  list.with(total, "a position too many", count_more("per_window.keys.40", 1));
  list.with(total, "more sinks than there can be", [](Json& a) {
    at(a, "per_window.sinks.40") = 3;
    at(a, "per_window.keys.40") = 29;
  });
  list.with(total, "a fitted key too many", count_more(kKvHead + "fit_keys", 1));
  list.with(total, "a fitted zero key too many", count_more(kKvHead + "fit_zero_keys", 1));
  list.with(total, "a key of a unit too many", count_more(kKvHead + "keys.3", 1));
  list.with(total, "a zero key of a unit too many", count_more(kKvHead + "zero_keys.3", 1));
  list.with(total, "a sink too many", count_more(kKvHead + "sink_zero_keys", 1));
  list.with(total, "more noise than keys", count_more(kKvHead + "noise.keys.3", 1));
  list.with(total, "noise fitted on fewer keys", count_more(kKvHead + "noise.fit_keys", -1));
  list.with(total, "a centred key too many",
            count_more(kKvHead + "centring.key_dc.zero_keys.3", 1));
  list.with(total, "centring fitted on more keys",
            count_more(kKvHead + "centring.dataset_mean.fit_keys", 9));
  const Check share = Check::share_total;
  list.with(share, "cosines that units don't give", add(kKvLearned + "held_out.cosines", 1e-6));
  list.with(share, "of a random gauge", add("heads.5.1.gauges.6.held_out.cosines", 1e-6));
  for (const char* sum : {"squared_norms", "sizes", "energy"}) {
    list.with(share, std::string("units' ") + sum, add(kKvHead + "gauges.0.held_out." + sum, 1e-3));
  }
  list.with(share, "more cosines than keys", set(kKvLearned + "in_sample.cosines", 1e6));
  list.with(share, "no energy", set(kKvHead + "gauges.2.held_out.energy", 0));
  list.with(share, "norms above the energy", set(kKvHead + "gauges.2.held_out.squared_norms", 1e6));
  list.with(share, "sizes that no such norms have", set(kKvHead + "gauges.2.held_out.sizes", 1e6));
  list.with(share, "channels above all", set(kKvHead + "gauges.2.held_out.channel_squares", 1e12));
  list.with(share, "channels below all", set(kKvHead + "gauges.2.in_sample.channel_squares", 1));
  list.with(share, "sinks above 1", set(kKvHead + "gauges.2.sinks.cosines", 1e6));
  list.with(share, "a unit's sizes", [](Json& a) {
    Json& sizes = at(a, "heads.3.0.gauges.0.sizes");
    const double moved = sizes[3].get<double>() / 2;
    sizes[3] = sizes[3].get<double>() + moved;
    sizes[4] = sizes[4].get<double>() - moved;
  });
  list.with(share, "noise in sample", set(kKvHead + "noise.in_sample_cosines", 1e6));
  list.with(share, "centred in sample", set(kKvHead + "centring.key_dc.in_sample_cosines", 1e6));
  list.with(share, "centred energy", set(kKvHead + "centring.key_dc.energy", 0));
  for (const char* sum : {"in_sample_cosines", "squared_norms", "energy"}) {
    list.with(share, std::string("repeated ") + sum, add(kKvHead + "centring.raw." + sum, 1e-3));
  }
  list.with(share, "repeated cosines", add(kKvHead + "centring.raw.cosines.3", 1e-6));
  return list.take();
}

std::vector<Doctored> doctored_kv_numbers() {
  DoctoredList list(kKv);
  for (const std::string& path : {std::string("summary.anchors.gaussian_mse_1bit"),
                                  std::string("summary.anchors.published_beta"),
                                  std::string("summary.verdict.margin"),
                                  std::string("summary.verdict.learned.mean"),
                                  std::string("summary.verdict.centred.key_dc.mean"),
                                  std::string("summary.verdict.keys_per_width"),
                                  kKvLayer + "gaussian_cosine",
                                  kKvLayer + "gaussian_beta",
                                  kKvLayer + "keys_per_width",
                                  kKvLayer + "random.mean",
                                  kKvLayer + "excess.mean",
                                  kKvOfHead + "advantage.mean",
                                  kKvOfHead + "noise_advantage.mean",
                                  kKvOfHead + "keys_per_width",
                                  kKvOfHead + "noise_in_sample",
                                  kKvOfHead + "random_spread",
                                  kKvOfHead + "gauges.0.in_sample.mean_cosine",
                                  kKvOfHead + "gauges.3.held_out.beta_per_key",
                                  kKvOfHead + "gauges.3.held_out.beta_per_channel",
                                  kKvOfHead + "gauges.8.held_out.beta_pooled",
                                  kKvOfHead + "dc5.key_dc.eta",
                                  kKvOfHead + "dc5.key_dc.raw_error",
                                  kKvOfHead + "dc5.dataset_mean.centred_error",
                                  kKvOfHead + "dc5.dataset_mean.needed_beta",
                                  kKvHead + "ceiling.cosine",
                                  kKvHead + "residual.1.bits",
                                  kKvHead + "residual.2.white_edge"}) {
    list.with(Check::summary_mean, path, add(path, 1e-6));
  }
  for (const std::string& path :
       {std::string("summary.anchors.published_learned"),
        std::string("summary.verdict.advantage.ci95"), std::string("summary.verdict.excess.ci95"),
        std::string("summary.verdict.centred.raw.ci95"), kKvLayer + "noise_advantage.ci95",
        kKvOfHead + "learned.ci95", kKvOfHead + "centred.dataset_mean.ci95",
        kKvOfHead + "gauges.4.ci95", kKvOfHead + "gauges.0.ci95_beta_per_key",
        kKvOfHead + "gauges.8.ci95_beta_pooled"}) {
    list.with(Check::summary_interval, path, add(path + ".1", 1e-12));
    list.with(Check::interval_order, path, set(path, {2, 1}));
  }
  return list.take();
}

std::vector<Doctored> doctored_kv_words() {
  DoctoredList list(kKv);
  for (const std::string& path :
       {std::string("summary.verdict.outcome"), std::string("summary.verdict.sentence"),
        std::string("summary.verdict.excess.outcome"),
        std::string("summary.verdict.centred.raw.place"), std::string("summary.replication.unit"),
        kKvLayer + "advantage.outcome", kKvLayer + "excess.outcome",
        kKvLayer + "centred.key_dc.place", kKvLayer + "sentence"}) {
    list.with(Check::summary_exact, path, set(path, "otherwise"));
  }
  for (const std::string& path :
       {std::string("summary.verdict.cells.below"), std::string("summary.verdict.cells.within"),
        std::string("summary.verdict.cells.above"), std::string("summary.verdict.fitted_documents"),
        kKvLayer + "width", kKvLayer + "defined_heads"}) {
    list.with(Check::summary_exact, path, count_more(path, 1));
  }
  list.with(Check::summary_exact, "help that is none", [](Json& a) {
    Json& helps = at(a, kKvOfHead + "dc5.key_dc.helps");
    helps = !helps.get<bool>();
  });
  list.with(Check::summary_exact, "a head too many", [](Json& a) {
    Json& heads = at(a, "summary.per_layer.3.heads");
    heads.push_back(Json(heads[0]));
  });
  list.with(Check::summary_exact, "statistics of a refused gauge", [](Json& a) {
    at(a, "heads.3.1.gauges.5") = {{"kind", "rotation"}, {"number", 1}, {"refused", "none"}};
    complete(a);
    at(a, kKvOfHead + "gauges.5") = at(a, kKvOfHead + "gauges.4");
    a.erase("null_reasons");  // that of the gauge alone
  });
  list.with(Check::convergence_numbers, "z", add("summary.replication.z", 1e-6));
  list.with(Check::convergence_numbers, "replication", set("summary.replication.replication", 0.5));
  list.with(Check::convergence_numbers, "n for 90", count_more("summary.replication.n_for_90", 1));
  return list.take();
}

}  // namespace

std::vector<Doctored> doctored_kv_gauges() {
  std::vector<Doctored> all = doctored_kv_members();
  for (const auto& more : {doctored_kv_shapes(), doctored_kv_ranges(), doctored_kv_counts(),
                           doctored_kv_numbers(), doctored_kv_words()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
