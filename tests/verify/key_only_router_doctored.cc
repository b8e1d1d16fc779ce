// Artifacts of key_only_router made wrong in one respect.
#include "verify/doctored_list.h"
#include "verify/key_only_router_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kKor = "key_only_router";
constexpr const char* kKorPlain = "key_only_router_plain";
constexpr const char* kKorLatent = "key_only_router_latent";
constexpr const char* kKorRefused = "key_only_router_refused";
const std::string kKorClosed = "predictors.3.5.";  // keys/closed_form
const std::string kKorRidge = "predictors.3.6.";
const std::string kKorMlp = "predictors.3.7.";
const std::string kKorLayer = "summary.per_layer.3.";
const std::string kKorVerdict = "summary.verdict.";

std::vector<Doctored> doctored_kor_members() {
  DoctoredList list(kKor);
  list.lacking("", {"prediction", "split", "not_measured", "architecture", "geometry", "truth",
                    "predictors", "ceiling"});
  list.lacking("prediction", {"positions", "mlp_hidden", "mlp_epochs", "ceiling_draws"});
  list.lacking("split", {"documents", "fitted", "choosing", "tests", "units", "of_window"});
  list.lacking("per_window", {"rows"});
  list.lacking("architecture.3",
               {"mixer", "residual_width", "heads", "kv_heads", "key_width", "value_width",
                "latent_width", "shared_width", "norm", "key_bias", "clipped", "linear_at_first",
                "router_reads", "router_bias", "plain_top_k", "first_layer", "epsilon", "table"});
  list.lacking("architecture.3.table.1",
               {"inputs", "summary", "answer", "theorem", "condition", "reservation", "levels"});
  list.lacking("geometry.3", {"rank", "condition", "directions", "eta", "eta_null", "eta_sigma",
                              "angles", "boundary", "determined"});
  list.lacking("geometry.3.boundary", {"rows", "seen", "undefined", "median"});
  list.lacking("geometry.3.determined", {"rows", "determined"});
  list.lacking("truth.3", {"energy", "fitted_chosen", "test_chosen", "margin_rows"});
  list.lacking("predictors.3.5", {"features", "model", "width", "choosing_common", "common",
                                  "exact", "top1", "hits", "mass", "error", "margin_common"});
  list.lacking("predictors.3.6", {"lambda", "grid"});
  list.lacking("predictors.3.6.grid.2", {"lambda", "error"});
  list.lacking("predictors.3.7", {"path", "best_epoch"});
  list.lacking("ceiling.3", {"lower", "upper"});
  return list.take();
}

std::vector<Doctored> doctored_kor_shapes() {
  DoctoredList list(kKor);
  const Check length = Check::array_length, kind = Check::value_kind;
  for (const std::string& path :
       {std::string("split.of_window"), std::string("per_window.rows"),
        std::string("architecture.3.table"), std::string("geometry.3.angles"),
        std::string("truth.3.energy"), std::string("truth.3.test_chosen"),
        std::string("truth.3.margin_rows"), std::string("predictors.3"), kKorClosed + "common",
        kKorClosed + "hits", kKorClosed + "hits.1", kKorClosed + "mass", kKorClosed + "error",
        kKorClosed + "margin_common", kKorRidge + "grid", std::string("ceiling.3.lower")}) {
    list.with(length, path + " short", first_dropped(path));
  }
  list.with(length, "no loss", set(kKorMlp + "path", Json::array()));
  list.with(length, "more epochs than allowed", set(kKorMlp + "path", {3.5, 3.25, 3, 2.75, 2.5}));
  list.with(kind, "a share of a case", set(kKorClosed + "common.0", 1.5));
  list.with(kind, "an entry that is none", set("predictors.3.4", "keys"));
  list.with(kind, "geometry that is none", set("geometry.3", true));
  for (const char* member : {"architecture", "geometry", "truth", "predictors", "ceiling"}) {
    list.with(Check::layer_arrays, std::string("a layer lacks its ") + member, erase(member, "3"));
    list.with(Check::layer_arrays, std::string(member) + " of a layer not measured",
              [member](Json& a) { a[member]["5"] = Json(a[member]["3"]); });
  }
  list.with(Check::layer_arrays, "no layer of `layers`", set("not_measured", {{"4", "Mamba-2"}}));
  list.with(Check::required_layers, "a layer that isn't required",
            set("verification.required_layers", {1}));
  list.with(Check::required_layers, "a layer that was not measured",
            set("verification.required_layers", {1, 3, 5}));
  for (const char* count : {"documents", "fitted", "choosing", "tests", "units"}) {
    list.with(Check::document_ids, std::string("split: ") + count,
              count_more(std::string("split.") + count, 1));
  }
  list.with(Check::document_ids, "a window of another part", count_more("split.of_window.7", 1));
  return list.take();
}

std::vector<Doctored> doctored_kor_ranges() {
  DoctoredList list(kKor);
  const Check range = Check::value_range, order = Check::ranked_list;
  list.with(range, "no row", set("prediction.positions", 0));
  list.with(range, "an odd number of hidden units", set("prediction.mlp_hidden", 65));
  list.with(range, "no epoch", set("prediction.mlp_epochs", 0));
  list.with(range, "other draws", set("prediction.ceiling_draws", 32));
  list.with(range, "no reason", set("not_measured.5", ""));
  list.with(range, "a norm of no meaning", set("architecture.3.norm", "batch"));
  list.with(range, "a router elsewhere", set("architecture.3.router_reads", "before_attention"));
  list.with(range, "an epsilon below 0", set("architecture.3.epsilon", -1.0));
  list.with(range, "a level of no meaning", set("architecture.3.table.0.levels.0", "certain"));
  list.with(range, "a rank above both sides", set("geometry.3.rank", 9));
  list.with(range, "more directions than experts", set("geometry.3.directions", 9));
  list.with(range, "a condition below 1", set("geometry.3.condition", 0.5));
  list.with(range, "a share above 1", set("geometry.3.eta_sigma", 1.5));
  list.with(range, "an obtuse angle", set("geometry.3.angles.6", 1.6));
  list.with(range, "a median below 1", set("geometry.3.boundary.median", 0.5));
  list.with(range, "another width", set(kKorClosed + "width", 9));
  list.with(range, "an error below 0", set(kKorClosed + "error.0", -1.0));
  list.with(range, "a loss below 0", set(kKorMlp + "path.3", -1.0));
  list.with(range, "refused without a reason", set("predictors.1.2.refused", ""));
  list.with(range, "refused for two reasons", set("predictors.1.3.refused", "singular"));
  list.with(range, "less than nothing expected", set("ceiling.3.lower.0", -1.0));
  list.with(order, "levels out of order",
            set("architecture.3.table.0.levels", {"twin_tokens", "exact"}));
  list.with(order, "another answer", set("architecture.3.table.1.answer", "yes"));
  list.with(order, "another theorem", set("architecture.3.table.2.theorem", "KR-7 (b)"));
  list.with(order, "angles descending", set("geometry.3.angles.3", 0.25));
  list.with(order, "other features", set(kKorClosed + "features", "signs"));
  list.with(order, "another model", set(kKorClosed + "model", "ridge"));
  list.with(order, "another lambda", set(kKorRidge + "grid.2.lambda", 2e-3));
  return list.take();
}

std::vector<Doctored> doctored_kor_nulls() {
  DoctoredList list(kKor);
  const Check null = Check::null_pattern;
  list.with(null, "no condition", nulled({"geometry.3.condition"}));
  list.with(null, "no eta", nulled({"geometry.3.eta"}));
  list.with(null, "no median", nulled({"geometry.3.boundary.median"}));
  list.with(null, "nothing determined", nulled({"geometry.3.determined"}));
  list.with(null, "determined in spite of a bias", set("architecture.3.router_bias", true));
  list.with(null, "a mass out of the way", nulled({kKorClosed + "mass"}));
  list.with(null, "no error at all", [](Json& a) {
    for (Json& point : at(a, kKorRidge + "grid")) point["error"] = nullptr;
    a["null_reasons"]["predictors"] = "said to be undefined";
  });
  list.with(null, "no ceiling", nulled({"ceiling.3"}));
  list.with(
      null, "a ceiling of nothing", [](Json& a) { a["ceiling"]["3"] = Json(a["ceiling"]["1"]); },
      kKorRefused);
  list.with(null, "the constant is refused", [](Json& a) {
    at(a, "predictors.3.0") = {{"features", "none"}, {"model", "best_set"}, {"refused", "no"}};
  });
  list.with(null, "a router before the first one",
            [](Json& a) { at(a, "predictors.1.2") = Json(at(a, "predictors.3.2")); });
  list.with(
      null, "values apart from a shared latent",
      [](Json& a) {
        Json entry = at(a, "predictors.3.5");
        entry["features"] = "keys_values";
        entry["width"] = 16;
        at(a, "predictors.3.11") = entry;
      },
      kKorLatent);
  return list.take();
}

std::vector<Doctored> doctored_kor_counts() {
  DoctoredList list(kKor);
  const Check count = Check::count_total, share = Check::share_total;
  list.with(count, "a row more", count_more("per_window.rows.3", 1));
  list.with(count, "another boundary", count_more("geometry.3.boundary.rows", 1));
  list.with(count, "other rows looked at", count_more("geometry.3.determined.rows", -1));
  list.with(count, "more rows determined than there are",
            set("geometry.3.determined.determined", 513));
  list.with(count, "a fitted choice more", count_more("truth.3.fitted_chosen.7", 1));
  list.with(count, "a margin more", count_more("truth.3.margin_rows.9", 1));
  list.with(count, "more than all that choose", set(kKorClosed + "choosing_common", 100000));
  list.with(count, "more cases than units", count_more(kKorClosed + "margin_common.4", -1));
  list.with(count, "a whole set counted as none", count_more("predictors.3.17.exact.0", -1));
  list.with(count, "more first experts than rows", set(kKorClosed + "top1.0", 1000));
  list.with(count, "hits without groups", count_more(kKorClosed + "hits.0.0", -1));
  list.with(count, "more hits than cases", set(kKorClosed + "hits.1.0", 1000));
  list.with(count, "all experts don't find all", count_more(kKorClosed + "hits.2.0", -1));
  list.with(share, "an error that isn't the energy", add("predictors.3.0.error.0", 1e-9));
  list.with(share, "a mass below the whole sets", set(kKorClosed + "mass.0", 0.0));
  list.with(share, "a mass above the rows", set(kKorClosed + "mass.0", 1000.0));
  list.with(share, "a ceiling above the rows", set("ceiling.3.upper.0", 1000.0));
  list.with(share, "a ceiling upside down", set("ceiling.3.upper.0", 0.0));
  list.with(share, "more unseen than the angles allow", set("geometry.3.eta", 0.9));
  list.with(share, "less unseen than the angles allow", set("geometry.3.eta", 0.001));
  return list.take();
}

std::vector<Doctored> doctored_kor_numbers() {
  DoctoredList list(kKor);
  const Check mean = Check::summary_mean, exact = Check::summary_exact;
  list.with(exact, "the first layer", set("architecture.3.first_layer", true));
  list.with(exact, "another epoch", set(kKorMlp + "best_epoch", 3));
  list.with(mean, "another lambda", set(kKorRidge + "lambda", 0.1));
  list.with(mean, "another eta", add("geometry.3.eta_null", 1e-9));
  for (const std::string& path :
       {kKorLayer + "rows_per_feature", kKorLayer + "chance", kKorLayer + "chance_from_fitted",
        kKorLayer + "predictors.6.r2.mean", kKorLayer + "predictors.6.hits.1.mean",
        kKorLayer + "predictors.6.by_margin.9", kKorLayer + "token_gap.mean",
        kKorLayer + "ceiling.upper.mean", kKorLayer + "oracle", kKorVerdict + "margin",
        kKorVerdict + "overlap.signs.mean", kKorVerdict + "value_gap.mean", kKorVerdict + "oracle",
        kKorVerdict + "rows_per_feature",
        std::string("summary.anchors.published_pre_attention.1")}) {
    const bool interval = path.find("published") != std::string::npos;
    list.with(interval ? Check::summary_interval : mean, path, add(path, 1e-9));
  }
  for (const std::string& path :
       {kKorLayer + "predictors.7.mass.ci95.0", kKorLayer + "key_gap.ci95.1",
        kKorVerdict + "ceiling.lower.ci95.0", kKorVerdict + "one_bit_gap.ci95.1"}) {
    list.with(Check::summary_interval, path, add(path, path.back() == '1' ? 1e-12 : -1e-12));
  }
  list.with(exact, "another chosen model", set(kKorLayer + "chosen.keys", "other"));
  list.with(exact, "another outcome of a layer", set(kKorLayer + "key_gap.outcome", "SUPERIOR"));
  list.with(exact, "another sentence", set(kKorVerdict + "sentence", "as_good_as_residual"));
  list.with(exact, "another place", set(kKorVerdict + "place", "above"));
  list.with(exact, "another outcome", set(kKorVerdict + "outcome", "EQUIVALENT"));
  list.with(exact, "degenerate", set(kKorVerdict + "degenerate", "pipeline"));
  list.with(exact, "unsound", set(kKorLayer + "sound", false));
  list.with(exact, "fitted documents", count_more(kKorVerdict + "fitted_documents", 1));
  list.with(Check::convergence_numbers, "another z", add("summary.replication.z", 1e-3));
  list.with(Check::member_present, "no oracle", erase("summary.verdict", "oracle"), kKorPlain);
  return list.take();
}

}  // namespace

std::vector<Doctored> doctored_key_only_routers() {
  std::vector<Doctored> all = doctored_kor_members();
  for (const auto& more : {doctored_kor_shapes(), doctored_kor_ranges(), doctored_kor_nulls(),
                           doctored_kor_counts(), doctored_kor_numbers()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
