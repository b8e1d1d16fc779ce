// Artifacts of kv_distortion made wrong in one respect.
#include "verify/doctored_list.h"
#include "verify/kv_distortion_artifacts.h"
#include "verify/kv_gauge_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kKvd = "kv_distortion";
constexpr const char* kKvdAll = "kv_distortion_all";
constexpr const char* kKvdRefused = "kv_distortion_refused";
constexpr const char* kKvdOneHead = "kv_distortion_one_head";
constexpr const char* kKvdNoSinks = "kv_distortion_no_sinks";
constexpr const char* kKvdUnfitted = "kv_distortion_unfitted";
const std::string kKvdWindows = "per_window.attention.3.";
const std::string kKvdOfWindows = "per_window.attention.3.codes.0.all.";
const std::string kKvdHead = "heads.3.0.";
const std::string kKvdOfHead = "heads.3.0.codes.0.all.";
const std::string kKvdNoCases = "heads.5.1.codes.0.all.";  // of kKvdOneHead
const std::string kKvdLayer = "summary.per_layer.3.";
const std::string kKvdOfLayer = "summary.per_layer.3.codes.5.all.";  // values coded
const std::string kKvdOfModel = "summary.codes.6.sinks_exact.";
constexpr size_t kFullWindow = 3;  // a measured window without trivial queries

// A sum of the plain code with one bit changed by so much, in a window and in a head.
void move_sum(Json& a, const std::string& sum, double amount) {
  for (const std::string& path :
       {kKvdOfWindows + sum + "." + std::to_string(kFullWindow), kKvdOfHead + sum}) {
    at(a, path) = at(a, path).get<double>() + amount;
  }
}
// The same of a count.
void move_vacuous(Json& a, const std::string& bound, int amount) {
  for (const std::string& path :
       {kKvdOfWindows + "vacuous." + bound + "." + std::to_string(kFullWindow),
        kKvdOfHead + "vacuous." + bound}) {
    at(a, path) = at(a, path).get<int>() + amount;
  }
}

// One code refused, or measured, wherever layer 3 has it.
void replace_code(Json& a, size_t code, const Json& of_windows, const Json& of_heads) {
  a["per_window"]["attention"]["3"]["codes"][code] = of_windows;
  for (Json& head : a["heads"]["3"]) head["codes"][code] = of_heads;
}

std::vector<Doctored> doctored_kvd_members() {
  DoctoredList list(kKvd);
  list.lacking("", {"keys", "codes", "measured", "without_keys", "attention", "heads"});
  list.lacking("keys", {"step", "codes", "coded_values", "fewest_bits", "most_bits", "windows",
                        "queries", "positions", "sink_positions"});
  list.lacking("codes.3", {"bits", "scale", "rule", "centring", "gauge", "values"});
  list.lacking("measured", {"fit_keys", "windows", "documents", "positions"});
  list.lacking("attention.3",
               {"mixer", "heads", "kv_heads", "width", "value_width", "rotated_columns", "norm",
                "values_are_keys", "latent_width", "window", "scale"});
  list.lacking("per_window", {"keys", "sinks", "attention"});
  list.lacking("per_window.attention.3", {"cases", "trivial", "codes"});
  list.lacking("per_window.attention.3.codes.1", {"all", "sinks_exact"});
  list.lacking("per_window.attention.3.codes.0.all",
               {"error", "forecast", "product", "forecast_squares", "variation", "divergence",
                "score_squares", "isotropic_squares", "vacuous"});
  list.lacking("per_window.attention.3.codes.0.all.vacuous", {"B1", "B6"});
  list.lacking("heads.3.0", {"cases", "trivial", "key_energy", "value_energy", "codes"});
  list.lacking("heads.3.0.codes.5", {"key_error", "value_error", "all", "sinks_exact"});
  list.lacking("heads.3.0.codes.0.all",
               {"error", "forecast", "product", "forecast_squares", "variation", "divergence",
                "score_squares", "isotropic_squares", "vacuous", "errors", "tightness", "excess",
                "rank_correlation", "deciles"});
  list.lacking("heads.3.0.codes.0.all.errors", {"median", "p95", "largest", "relative"});
  list.lacking("heads.3.0.codes.0.all.tightness", {"B1", "B6"});
  list.lacking("heads.3.0.codes.0.all.tightness.B2", {"median", "p95"});
  list.lacking("heads.3.0.codes.0.all.excess", {"B1", "B6"});
  list.lacking("heads.3.0.codes.0.all.deciles", {"forecast", "error"});
  list.lacking("summary", {"anchors", "per_layer", "codes", "verdict"});
  list.lacking("summary.per_layer.3", {"cases", "trivial", "codes"});
  list.lacking("summary.per_layer.3.codes.5",
               {"stored_bits", "key_error", "value_error", "all", "sinks_exact"});
  list.lacking("summary.per_layer.3.codes.5.all",
               {"error", "variation", "divergence", "ratio", "slope", "calibration", "vacuous",
                "direction", "excess"});
  list.lacking("summary.codes.5", {"layers", "key_error", "value_error", "all", "sinks_exact"});
  list.lacking("summary.verdict", {"allowance", "range", "outcome", "bounds_hold", "largest_excess",
                                   "forecast", "calibrated_from", "cases", "documents"});
  list.lacking("summary.verdict.forecast.1", {"bits", "ratio", "slope", "calibration"});
  return list.take();
}

std::vector<Doctored> doctored_kvd_shapes() {
  DoctoredList list(kKvd);
  for (const char* parent : {"heads", "attention", "per_window.attention"}) {
    list.with(Check::layer_arrays, std::string(parent) + " of no layer", erase(parent, "3"));
    list.with(Check::layer_arrays, std::string(parent) + " of a layer without keys",
              [parent](Json& a) { at(a, parent)["1"] = Json(at(a, parent)["3"]); });
  }
  list.with(Check::layer_arrays, "a layer without keys that isn't measured",
            set("without_keys.4", "none"));
  list.with(Check::required_layers, "a layer left out", set("verification.required_layers", {3}));
  list.with(Check::required_layers, "a layer without keys",
            set("verification.required_layers", {1, 3, 5}));
  list.with(Check::required_layers, "layers without a measured window", [](Json& a) {
    int fitted = 0;
    for (Json& document : a["data"]["doc_ids"]) document = "doc0";
    for (const Json& keys : a["per_window"]["keys"]) fitted += keys.get<int>();
    a["measured"] = {{"fit_keys", fitted},
                     {"windows", Json::array()},
                     {"documents", Json::array()},
                     {"positions", Json::array()}};
  });
  for (const std::string& path :
       {std::string("heads.3"), kKvdWindows + "cases", kKvdWindows + "trivial",
        kKvdOfWindows + "error", kKvdOfWindows + "vacuous.B1", kKvdOfHead + "deciles.forecast",
        kKvdOfHead + "deciles.error", std::string("measured.windows"),
        std::string("measured.documents"), std::string("measured.positions"),
        std::string("measured.positions.2"), std::string("per_window.keys"),
        std::string("per_window.sinks")}) {
    list.with(Check::array_length, path, first_dropped(path));
  }
  return list.take();
}

std::vector<Doctored> doctored_kvd_lists() {
  DoctoredList list(kKvd);
  list.with(Check::value_kind, "half a case", set(kKvdWindows + "cases.3", 0.5));
  list.with(Check::value_kind, "no sum", nulled({"per_window.attention.3.codes.0.all.error.3"}));
  list.with(Check::value_kind, "no energy", nulled({"heads.3.0.key_energy"}));
  list.with(Check::value_kind, "a number of values", set("codes.0.values", 0));
  list.with(Check::value_kind, "a number of coded values", set("keys.coded_values", 1));
  list.with(Check::value_kind, "a number as reason", set("without_keys.1", 2));
  list.with(Check::value_kind, "a number as refusal", set("heads.5.0.codes.5.refused", 2),
            kKvdRefused);
  list.with(Check::value_kind, "heads in an object", set("heads.3", Json::object()));
  list.with(Check::value_kind, "a scale in words", set("attention.3.scale", "1/4"));
  list.with(Check::plain_number, "an integer beyond 2^53",
            set(kKvdHead + "key_energy", int64_t{9007199254740994}));
  list.with(Check::document_ids, "another window", count_more("measured.windows.0", 1));
  list.with(Check::document_ids, "a window of another document", set("measured.documents.2", 0));
  list.with(Check::document_ids, "a position that was not drawn", [](Json& a) {
    Json& positions = at(a, "measured.positions.2");
    positions[0] = positions[1].get<int>() - 1;
  });
  list.with(Check::ranked_list, "codes exchanged",
            [](Json& a) { std::swap(at(a, "codes.1"), at(a, "codes.2")); });
  list.with(Check::ranked_list, "a code of another rule", set("codes.0.rule", "norm"));
  for (const std::string& path :
       {std::string("codes"), kKvdWindows + "codes", kKvdHead + "codes"}) {
    list.with(Check::ranked_list, "too few " + path, first_dropped(path));
  }
  list.with(Check::ranked_list, "a decile below the one before it", [](Json& a) {
    Json& forecast = at(a, kKvdOfHead + "deciles.forecast");
    const double moved = forecast[6].get<double>() / 2;
    forecast[5] = forecast[5].get<double>() + moved;
    forecast[6] = forecast[6].get<double>() - moved;
  });
  return list.take();
}

std::vector<Doctored> doctored_kvd_nulls() {
  DoctoredList list(kKvd);
  const Check null = Check::null_pattern;
  for (const char* path :
       {"heads.3.0.codes.0.all.errors.median", "heads.3.0.codes.0.all.errors.p95",
        "heads.3.0.codes.0.all.errors.largest", "heads.3.0.codes.0.all.excess.B3",
        "heads.3.0.codes.0.all.tightness.B5"}) {
    list.with(null, std::string("no ") + path, nulled({path}));
  }
  for (const char* member : {"errors.median", "errors.relative", "excess.B1", "rank_correlation"}) {
    list.with(null, std::string("without cases ") + member, set(kKvdNoCases + member, 0.25),
              kKvdOneHead);
  }
  list.with(null, "tightness without cases",
            set(kKvdNoCases + "tightness.B1", {{"median", 0.5}, {"p95", 0.5}}), kKvdOneHead);
  list.with(null, "ranks of forecasts that are all 0", [](Json& a) {
    for (const char* sum : {"forecast", "product", "forecast_squares"}) {
      for (Json& value : at(a, kKvdOfWindows + sum)) value = 0;
      for (Json& head : a["heads"]["3"]) head["codes"][0]["all"][sum] = 0;
    }
    for (Json& head : a["heads"]["3"]) {
      for (Json& value : head["codes"][0]["all"]["deciles"]["forecast"]) value = 0;
    }
    at(a, "heads.3.1.codes.0.all.rank_correlation") = nullptr;
    a["null_reasons"]["heads.3"] = "no forecast differs";
  });
  const Json refusal = {{"refused", "for a test"}};
  list.with(null, "a plain code refused",
            [refusal](Json& a) { replace_code(a, 0, refusal, refusal); });
  list.with(null, "a fitted scale refused",
            [refusal](Json& a) { replace_code(a, 1, refusal, refusal); });
  list.with(
      null, "refused by one head", [refusal](Json& a) { at(a, "heads.3.0.codes.6") = refusal; },
      kKvdAll);
  list.with(null, "a Hadamard gauge refused at one layer of its width",
            set("attention.5.width", kKeyWidth), kKvdRefused);
  list.with(
      null, "fitted on nothing",
      [](Json& a) {
        Json& windows = at(a, "per_window.attention.3.codes");
        windows[1] = Json(windows[0]);
        for (Json& head : a["heads"]["3"]) head["codes"][1] = Json(head["codes"][0]);
      },
      kKvdUnfitted);
  list.with(null, "errors of values that aren't coded", set("heads.3.0.codes.0.value_error", 1.5));
  list.with(Check::null_reason, "no reason", erase("null_reasons", "heads.5.codes"), kKvdOneHead);
  return list.take();
}

std::vector<Doctored> doctored_kvd_ranges() {
  DoctoredList list(kKvd);
  const Check range = Check::value_range;
  for (const char* path : {"keys.step", "keys.codes", "attention.3.norm"}) {
    list.with(range, path, set(path, "otherwise"));
  }
  list.with(range, "no words for a layer", set("without_keys.1", ""));
  list.with(range, "no words for a refusal", set("heads.5.0.codes.5.refused", ""), kKvdRefused);
  list.with(range, "no bits", set("keys.fewest_bits", 0));
  list.with(range, "five bits", set("keys.most_bits", 5));
  list.with(range, "fewer bits at most than at least", set("keys.most_bits", 0));
  for (const char* key : {"windows", "queries", "positions"}) {
    list.with(range, std::string("no ") + key, set(std::string("keys.") + key, 0));
    list.with(range, std::string("many ") + key, set(std::string("keys.") + key, 65537));
  }
  list.with(range, "many sinks", set("keys.sink_positions", 65));
  list.with(range, "heads that can't be shared", set("attention.3.kv_heads", 3));
  list.with(range, "no scale", set("attention.3.scale", 0));
  list.with(range, "values without width", set("attention.3.value_width", 0));
  list.with(range, "a negative sum", set(kKvdOfWindows + "error.3", -0.5));
  list.with(range, "a negative error of keys", set("heads.3.0.codes.0.key_error", -0.5));
  list.with(range, "tightness above 1", set(kKvdOfHead + "tightness.B2.p95", 1.5));
  list.with(range, "a median above p95", set(kKvdOfHead + "tightness.B2.median", 1));
  list.with(range, "a correlation above 1", set(kKvdOfHead + "rank_correlation", 1.5));
  list.with(range, "a negative share", set(kKvdOfHead + "errors.relative", -0.5));
  list.with(range, "errors that don't ascend", set(kKvdOfHead + "errors.median", 0.75));
  list.with(range, "a largest error above all", set("heads.3.0.codes.5.all.errors.largest", 1e3));
  list.with(range, "farther than averages move", set(kKvdOfHead + "errors.largest", 1.25));
  list.with(range, "a looser bound with more excess", [](Json& a) {
    at(a, kKvdOfHead + "excess.B2") = at(a, kKvdOfHead + "excess.B1").get<double>() + 1e-6;
  });
  list.with(range, "less excess than the spread", [](Json& a) {
    for (const char* bound : {"B1", "B2", "B3", "B4", "B5"}) {
      at(a, kKvdOfHead + "excess." + bound) = -1.5;
    }
  });
  list.with(range, "more excess than error", [](Json& a) {
    at(a, "heads.3.0.codes.5.all.excess.B6") =
        at(a, "heads.3.0.codes.5.all.errors.largest").get<double>() + 1e-6;
  });
  list.with(range, "more variation than cases", [](Json& a) {
    move_sum(a, "variation", 9);
    move_sum(a, "divergence", 900);
  });
  return list.take();
}

std::vector<Doctored> doctored_kvd_counts() {
  DoctoredList list(kKvd);
  const Check total = Check::count_total;
  list.with(total, "a fitted key too many", count_more("measured.fit_keys", 1));
  list.with(total, "a key too many", count_more("per_window.keys.40", 1));
  list.with(total, "a sink too many", [](Json& a) {
    count_more("per_window.sinks.41", 1)(a);
    count_more("per_window.keys.41", -1)(a);
  });
  list.with(total, "a case too many", count_more(kKvdWindows + "trivial.3", 1));
  list.with(total, "cases of queries that see one key", set("attention.5.window", 1));
  list.with(total, "a case of a head too many", count_more(kKvdHead + "trivial", 1));
  list.with(total, "vacuous in more heads than windows", count_more(kKvdOfHead + "vacuous.B6", 1));
  list.with(total, "vacuous in more than the cases", [](Json& a) { move_vacuous(a, "B6", 9); });
  list.with(total, "a tighter bound that is vacuous more often",
            [](Json& a) { move_vacuous(a, "B3", 8); });
  return list.take();
}

std::vector<Doctored> doctored_kvd_shares() {
  DoctoredList list(kKvd);
  const Check share = Check::share_total;
  for (const char* sum : {"error", "forecast", "product", "forecast_squares", "variation",
                          "divergence", "score_squares", "isotropic_squares"}) {
    list.with(share, std::string("heads' ") + sum, [sum](Json& a) {
      Json& value = at(a, "heads.3.0.codes.2.sinks_exact." + std::string(sum));
      value = value.get<double>() * (1 + 1e-8);
    });
  }
  list.with(share, "forecasts larger than their squares", [](Json& a) {
    const double all = at(a, kKvdOfWindows + "forecast_squares.3").get<double>();
    move_sum(a, "forecast_squares", -0.75 * all);
  });
  list.with(share, "scores moved more than they can be",
            [](Json& a) { move_sum(a, "score_squares", 1e3); });
  list.with(share, "variation without divergence", [](Json& a) {
    move_sum(a, "divergence", -at(a, kKvdOfWindows + "divergence.3").get<double>());
  });
  list.with(share, "more error than variation", [](Json& a) {
    for (Json& value : at(a, kKvdOfWindows + "variation")) value = value.get<double>() / 2;
    for (Json& head : a["heads"]["3"]) {
      Json& value = head["codes"][0]["all"]["variation"];
      value = value.get<double>() / 2;
    }
  });
  list.with(share, "a sum without cases", set(kKvdNoCases + "score_squares", 0.5), kKvdOneHead);
  list.with(share, "deciles of errors", add(kKvdOfHead + "deciles.error.4", 1e-6));
  list.with(share, "deciles of forecasts", add(kKvdOfHead + "deciles.forecast.9", 1e-6));
  list.with(share, "a decile above its cases", [](Json& a) {
    Json& error = at(a, kKvdOfHead + "deciles.error");
    for (size_t i = 0; i < 9; ++i) {
      error[9] = error[9].get<double>() + error[i].get<double>();
      error[i] = 0;
    }
  });
  list.with(share, "more product than the largest error allows",
            [](Json& a) { move_sum(a, "product", 1e3); });
  list.with(share, "more error of keys than keys", set("heads.3.0.codes.0.key_error", 1e4));
  list.with(share, "more error of values than values", set("heads.3.0.codes.5.value_error", 1e4));
  list.with(share, "sinks though there are none",
            add("heads.3.0.codes.0.sinks_exact.tightness.B1.median", -1e-6), kKvdNoSinks);
  return list.take();
}

std::vector<Doctored> doctored_kvd_numbers() {
  DoctoredList list(kKvd);
  for (const std::string& path : {std::string("summary.anchors.gaussian_mse.2"),
                                  std::string("summary.verdict.allowance"),
                                  std::string("summary.verdict.largest_excess"),
                                  std::string("summary.verdict.forecast.1.ratio.mean"),
                                  std::string("summary.verdict.forecast.0.slope.mean"),
                                  kKvdLayer + "codes.0.stored_bits",
                                  kKvdLayer + "codes.0.key_error",
                                  kKvdLayer + "codes.5.value_error",
                                  kKvdOfLayer + "error.mean",
                                  kKvdOfLayer + "variation.mean",
                                  kKvdOfLayer + "divergence.mean",
                                  kKvdOfLayer + "ratio.mean",
                                  kKvdOfLayer + "slope.mean",
                                  kKvdOfLayer + "vacuous.B5",
                                  kKvdOfLayer + "direction",
                                  kKvdOfLayer + "excess.B2",
                                  std::string("summary.codes.6.key_error"),
                                  std::string("summary.codes.11.value_error"),
                                  kKvdOfModel + "error.mean",
                                  kKvdOfModel + "slope.mean",
                                  kKvdOfModel + "vacuous.B4",
                                  kKvdOfModel + "direction",
                                  kKvdOfModel + "excess.B6"}) {
    list.with(Check::summary_mean, path, add(path, 1e-6));
  }
  for (const std::string& path :
       {std::string("summary.verdict.range"), std::string("summary.verdict.forecast.1.ratio.ci95"),
        kKvdOfLayer + "error.ci95", kKvdOfLayer + "divergence.ci95", kKvdOfLayer + "slope.ci95",
        kKvdOfModel + "variation.ci95", kKvdOfModel + "ratio.ci95"}) {
    list.with(Check::summary_interval, path, add(path + ".1", 1e-12));
    list.with(Check::interval_order, path, set(path, {2, 1}));
  }
  return list.take();
}

std::vector<Doctored> doctored_kvd_words() {
  DoctoredList list(kKvd);
  const Check exact = Check::summary_exact;
  for (const std::string& path : {std::string("summary.verdict.outcome"),
                                  std::string("summary.verdict.forecast.1.calibration"),
                                  kKvdOfLayer + "calibration", kKvdOfModel + "calibration"}) {
    list.with(exact, path, set(path, "otherwise"));
  }
  for (const std::string& path :
       {std::string("summary.verdict.forecast.1.bits"),
        std::string("summary.verdict.calibrated_from"), std::string("summary.verdict.cases"),
        std::string("summary.verdict.documents"), std::string("summary.codes.6.layers"),
        kKvdLayer + "cases", kKvdLayer + "trivial"}) {
    list.with(exact, path, count_more(path, 1));
  }
  list.with(exact, "bounds said not to hold", set("summary.verdict.bounds_hold", false));
  for (const char* path : {"summary.codes", "summary.per_layer.3.codes",
                           "summary.anchors.gaussian_mse", "summary.verdict.forecast"}) {
    list.with(exact, std::string("one too many: ") + path,
              [path](Json& a) { at(a, path).push_back(Json(at(a, path)[0])); });
  }
  list.with(exact, "errors of values that aren't coded", set("summary.codes.0.value_error", 0.5));
  list.with(
      exact, "statistics of a refused code",
      [](Json& a) { at(a, "summary.per_layer.5.codes.5") = at(a, "summary.per_layer.3.codes.5"); },
      kKvdRefused);
  return list.take();
}

}  // namespace

std::vector<Doctored> doctored_kv_distortions() {
  std::vector<Doctored> all = doctored_kvd_members();
  for (const auto& more : {doctored_kvd_shapes(), doctored_kvd_lists(), doctored_kvd_nulls(),
                           doctored_kvd_ranges(), doctored_kvd_counts(), doctored_kvd_shares(),
                           doctored_kvd_numbers(), doctored_kvd_words()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
