// Artifacts of theorem_slack made wrong in one respect.
#include <algorithm>
#include <cmath>

#include "verify/doctored.h"
#include "verify/theorem_slack_artifacts.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kSlack = "theorem_slack";
constexpr const char* kSlackBroken = "theorem_slack_broken";
constexpr const char* kSlackZeros = "theorem_slack_zero_keys";
const std::string kCases = "cases.5.";

class SlackList {
 public:
  void with(Check check, const std::string& what, const std::function<void(Json&)>& doctor,
            const char* test = kSlack) {
    all_.push_back({check, test, what, doctor, {}});
  }
  void lacking(const std::string& parent, std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      with(Check::member_present, parent + ": " + key, erase(parent, key));
    }
  }
  std::vector<Doctored> take() { return std::move(all_); }

 private:
  std::vector<Doctored> all_;
};

// A case more or fewer in these counts.
std::function<void(Json&)> shifted(const std::vector<std::pair<std::string, int>>& changes) {
  return [changes](Json& artifact) {
    for (const auto& [path, amount] : changes) {
      at(artifact, path) = at(artifact, path).get<int>() + amount;
    }
  };
}

// All cases take one share.
void make_alike(Json& of, double used) {
  of["violated"] = of["without_share"] = 0;
  of["histogram"] = std::vector<int>(20, 0);
  of["histogram"][std::min<size_t>(19, static_cast<size_t>(20 * used))] = of["cases"];
  of["quantiles"] = std::vector<double>(11, used);
}

// As many cases more are skipped.
void leave_out(Json& of, int more) {
  of["skipped"] = of["skipped"].get<int>() + more;
  of["cases"] = of["cases"].get<int>() - more;
  make_alike(of, of["tightest"]["used"]);
}

std::vector<Doctored> doctored_slack_members() {
  SlackList list;
  list.lacking("", {"sample", "theorems", "no_check", "without_keys", "attention", "gates",
                    "not_applicable", "cases"});
  list.lacking("sample", {"contexts", "context_positions", "context_queries", "windows",
                          "positions", "query_positions", "rows"});
  list.lacking("theorems.JF-2.1", {"name", "relation", "unit"});
  list.lacking("attention.5", {"mixer", "heads", "kv_heads", "key_width", "value_width", "planes",
                               "latent", "steps"});
  list.lacking("gates.3", {"experts", "topk", "plain", "full_softmax", "logit_bias", "finite"});
  list.lacking("cases.5.JF-2.0", {"cases", "skipped", "violated", "without_share", "histogram",
                                  "quantiles", "tightest"});
  list.lacking("cases.5.JF-2.0.tightest",
               {"value", "bound", "allowance", "used", "holds", "place"});
  list.lacking("per_window", {"rows"});
  list.lacking("summary", {"per_theorem", "per_layer", "verdict"});
  list.lacking("summary.per_theorem", {"JF-2"});
  list.lacking("summary.per_theorem.JF-2",
               {"layers", "cases", "skipped", "violated", "without_share", "histogram",
                "largest_used", "tightest"});
  list.lacking("summary.per_theorem.JF-2.tightest", {"layer", "name"});
  list.lacking("summary.per_layer.5", {"theorems", "cases", "violated"});
  list.lacking("summary.verdict", {"outcome", "theorems", "cases", "violated"});
  return list.take();
}

std::vector<Doctored> doctored_slack_theorems() {
  SlackList list;
  const Check theorem = Check::theorem_list;
  list.with(theorem, "a theorem of no catalogue",
            [](Json& a) { a["theorems"]["JF-9"] = Json(a["theorems"]["JF-1"]); });
  list.with(theorem, "a theorem left out", erase("theorems", "JF-1"));
  list.with(theorem, "a quantity left out", [](Json& a) { at(a, "theorems.JF-2").erase(0); });
  list.with(theorem, "another name", set("theorems.JF-2.0.name", "most"));
  list.with(theorem, "another relation", set("theorems.JF-2.0.relation", "="));
  list.with(theorem, "another unit", set("theorems.JF-2.0.unit", "head"));
  list.with(theorem, "no reason for no check", erase("no_check", "GI-2"));
  list.with(theorem, "no check though there is one", set("no_check.GI-1", "too hard"));
  list.with(theorem, "a theorem that applies but is said not to",
            set("not_applicable.5.JF-1", "no keys"));
  list.with(theorem, "a theorem that doesn't apply, without a reason",
            erase("not_applicable.3", "RC-4"));
  list.with(theorem, "no cases of a theorem that applies", erase("cases.5", "RC-4"));
  list.with(theorem, "cases of a theorem that doesn't apply",
            [](Json& a) { at(a, "cases.3")["RC-4"] = Json(at(a, "cases.5.RC-4")); });
  list.with(theorem, "cases of keys that aren't there",
            [](Json& a) { at(a, "cases.1")["JF-2"] = Json(at(a, "cases.5.JF-2")); });
  list.with(theorem, "a quantity without cases", [](Json& a) { at(a, "cases.5.JF-2").erase(1); });
  list.with(theorem, "a softmax over the chosen experts", set("gates.3.full_softmax", false));
  list.with(theorem, "keys before RoPE", set("attention.3.steps", "normed"));
  list.with(theorem, "an empty layer with theorems", set("gates.1.finite", false));
  return list.take();
}

std::vector<Doctored> doctored_slack_shapes() {
  SlackList list;
  for (const char* path : {"attention", "gates", "not_applicable", "cases"}) {
    list.with(Check::layer_arrays, std::string("no layer in ") + path, erase(path, "5"));
    list.with(Check::layer_arrays, std::string("a layer too many in ") + path,
              [path](Json& a) { a[path]["4"] = Json(a[path].front()); });
  }
  list.with(Check::layer_arrays, "a layer without keys that isn't measured",
            set("without_keys.4", "none"));
  list.with(Check::layer_arrays, "keys said not to be there", set("without_keys.5", "none"));
  list.with(Check::required_layers, "a layer left out",
            set("verification.required_layers", {3, 5}));
  list.with(Check::array_length, "a bin too few",
            [](Json& a) { at(a, "cases.5.GI-1.0.histogram").erase(0); });
  list.with(Check::array_length, "a quantile too few",
            [](Json& a) { at(a, "cases.5.GI-1.0.quantiles").erase(0); });
  list.with(Check::value_kind, "half a case", set(kCases + "GI-1.0.cases", 8.5));
  list.with(Check::value_kind, "a case that maybe holds", set(kCases + "GI-1.0.tightest.holds", 1));
  list.with(Check::value_kind, "a place of no whole number",
            set(kCases + "GI-1.0.tightest.place.1", 0.5));
  list.with(Check::value_kind, "no allowance", [](Json& a) {
    at(a, "cases.5.GI-1.0.tightest.allowance") = nullptr;
    a["null_reasons"]["cases.5.GI-1"] = "none";
  });
  list.with(Check::value_kind, "a number as reason", set("no_check.GI-2", 3));
  list.with(Check::value_kind, "a theorem in an object", set(kCases + "GI-1", Json::object()));
  list.with(Check::null_pattern, "no quantiles", [](Json& a) {
    at(a, "cases.5.GI-1.0.quantiles") = nullptr;
    a["null_reasons"]["cases.5.GI-1"] = "none";
  });
  list.with(Check::null_pattern, "quantiles of nothing",
            [](Json& a) { at(a, "cases.5.KR-1.0.quantiles") = at(a, "cases.5.GI-1.0.quantiles"); });
  list.with(Check::null_pattern, "no tightest case", [](Json& a) {
    at(a, "cases.5.GI-1.0.tightest") = nullptr;
    a["null_reasons"]["cases.5.GI-1"] = "none";
  });
  list.with(Check::null_reason, "no reason", erase("null_reasons", "cases.5.KR-1"));
  for (const char* path : {"without_keys.1", "no_check.GI-2", "not_applicable.3.RC-4"}) {
    list.with(Check::value_range, std::string("no words: ") + path, set(path, ""));
  }
  list.with(Check::value_range, "no contexts", set("sample.contexts", 0));
  list.with(Check::value_range, "too many contexts", set("sample.contexts", 65));
  list.with(Check::value_range, "a context of one position", set("sample.context_positions", 1));
  list.with(Check::value_range, "other steps", set("attention.5.steps", "cached"));
  list.with(Check::value_range, "heads that share no keys", set("attention.5.kv_heads", 3));
  list.with(Check::value_range, "more planes than there are", set("attention.5.planes", 5));
  list.with(Check::value_range, "a negative count", set(kCases + "GI-1.0.violated", -1));
  list.with(Check::value_range, "a share above 1", set(kCases + "GI-1.0.quantiles.10", 1.5));
  list.with(Check::value_range, "a negative allowance",
            set(kCases + "GI-1.0.tightest.allowance", -1e-12));
  list.with(Check::value_range, "a head that isn't there",
            set(kCases + "GI-1.0.tightest.place.0", kSlackHeads));
  list.with(Check::gate_semantics, "other experts", set("gates.3.experts", 9));
  list.with(Check::gate_semantics, "more chosen", set("gates.3.topk", 3));
  list.with(Check::gate_semantics, "a bias that the profile lacks",
            set("gates.3.logit_bias", true));
  list.with(Check::gate_semantics, "a plain gate with a selection bias",
            set("gate_semantics.selection_bias", true));
  return list.take();
}

std::vector<Doctored> doctored_slack_samples() {
  SlackList list;
  const Check sample = Check::token_sample;
  list.with(sample, "another window", [](Json& a) {
    Json& windows = at(a, "sample.windows");
    windows[0] = windows[0].get<int>() == 0 ? 1 : windows[0].get<int>() - 1;
  });
  list.with(sample, "a window too few", [](Json& a) { at(a, "sample.windows").erase(0); });
  list.with(sample, "more contexts than windows", set("sample.contexts", 3));
  list.with(sample, "longer contexts", set("sample.context_positions", 7));
  list.with(sample, "other positions", set("sample.positions", 7));
  list.with(sample, "another query", set("sample.query_positions.0", 1));
  list.with(sample, "other queries", set("sample.context_queries", 2));
  list.with(sample, "other rows", set("sample.rows", 13));
  list.with(sample, "rows of another window", [](Json& a) {
    Json& rows = at(a, "per_window.rows");
    for (size_t w = 0; w < rows.size(); ++w) {
      if (rows[w] != 0) std::swap(rows[w], rows[w == 0 ? 7 : w - 1]);
    }
  });
  list.with(sample, "half of a context", [](Json& a) {
    for (Json& rows : at(a, "per_window.rows")) rows = rows.get<int>() / 2;
  });
  list.with(sample, "another seed", set("data.seed", 8));
  return list.take();
}

std::vector<Doctored> doctored_slack_counts() {
  SlackList list;
  const Check total = Check::count_total;
  list.with(total, "a case too many", shifted({{kCases + "GI-1.0.cases", 1}}));
  list.with(total, "a case in no bin", shifted({{kCases + "GI-1.0.violated", 1}}));
  list.with(total, "a bin too full", shifted({{kCases + "GI-1.0.histogram.19", 1}}));
  list.with(total, "more than can be added", set(kCases + "GI-1.0.histogram.19", int64_t{1} << 53));
  list.with(total, "skipped where nothing is",
            shifted({{kCases + "KR-1.0.cases", -1},
                     {kCases + "KR-1.0.skipped", 1},
                     {kCases + "KR-1.0.without_share", -1}}));
  list.with(total, "a share without an allowance", [](Json& a) {
    Json& of = at(a, "cases.5.KR-1.0");
    of["violated"] = of["histogram"][4] = 1;
    of["without_share"] = 0;
    of["quantiles"] = std::vector<double>(11, 0.2);
    of["tightest"]["value"] = 0;
    of["tightest"]["holds"] = false;
  });
  // Of zero keys there are two, and three blocks; nothing else is zero.
  for (const char* id : {"JF-1", "AD-4", "DC-6", "IF-6", "LH-1", "GI-6", "JF-7", "RC-1", "RG-5"}) {
    list.with(
        total, std::string("more skipped than by others: ") + id,
        [id](Json& a) { leave_out(at(a, "cases.5." + std::string(id) + ".0"), 1); }, kSlackZeros);
  }
  for (const char* id : {"IF-6", "LH-1"}) {
    list.with(
        total, std::string("fewer skipped than zero keys: ") + id,
        [id](Json& a) {
          for (Json& of : at(a, "cases.5." + std::string(id))) leave_out(of, -3);
        },
        kSlackZeros);
  }
  list.with(total, "RG-6 of a token that RG-5 leaves out",
            [](Json& a) { leave_out(at(a, "cases.5.RG-6.0"), -1); });
  return list.take();
}

std::vector<Doctored> doctored_slack_quantiles() {
  SlackList list;
  const Check quantiles = Check::slack_quantiles;
  list.with(quantiles, "descending", [](Json& a) {
    Json& of = at(a, "cases.5.DC-1.0.quantiles");
    std::swap(of[3], of[7]);
  });
  list.with(quantiles, "a rank in another bin", [](Json& a) {
    Json& bins = at(a, "cases.5.DC-1.0.histogram");
    size_t last = 19;
    while (bins[last] == 0) --last;
    bins[last] = bins[last].get<int>() - 1;
    bins[last == 19 ? 18 : last + 1] = bins[last == 19 ? 18 : last + 1].get<int>() + 1;
  });
  list.with(quantiles, "one rank with two values", add(kCases + "RG-5.0.quantiles.3", 1e-9));
  return list.take();
}

std::vector<Doctored> doctored_slack_tightest() {
  SlackList list;
  const Check tightest = Check::tightest_case;
  const std::string of = kCases + "GI-1.0.tightest.";
  list.with(tightest, "a place of three numbers",
            [](Json& a) { at(a, "cases.5.GI-1.0.tightest.place").push_back(0); });
  list.with(tightest, "a row without a query", set(kCases + "RG-7.0.tightest.place.0", 0));
  list.with(tightest, "not the first of equal cases", set(kCases + "KR-1.0.tightest.place.0", 1));
  list.with(tightest, "another share", add(of + "used", -1e-9));
  list.with(tightest, "no share", [](Json& a) {
    at(a, "cases.5.GI-1.0.tightest.used") = nullptr;
    a["null_reasons"]["cases.5.GI-1"] = "none";
  });
  list.with(tightest, "a share of nothing", set(kCases + "KR-1.0.tightest.used", 0));
  list.with(tightest, "another share than the largest", [](Json& a) {
    Json& largest = at(a, "cases.5.DC-1.0.quantiles.10");
    largest = largest.get<double>() + 1e-9;
  });
  list.with(tightest, "said not to hold", set(of + "holds", false));
  list.with(tightest, "not holding", [](Json& a) {
    Json& tight = at(a, "cases.5.GI-1.0.tightest");
    tight["value"] = 2 * tight["allowance"].get<double>();
    tight["used"] = 2;
  });
  list.with(
      tightest, "holding among violated ones",
      [](Json& a) {
        Json& tight = at(a, "cases.5.RG-9.0.tightest");
        tight["value"] = tight["bound"];
        tight["used"] = 1;
      },
      kSlackBroken);
  list.with(
      tightest, "violated with a share below 1",
      [](Json& a) { at(a, "cases.5.RG-9.0.tightest.used") = 0.5; }, kSlackBroken);
  list.with(
      tightest, "a share of no finite number",
      [](Json& a) { at(a, "cases.3.AD-3.0.tightest.used") = 2; }, kSlackBroken);
  return list.take();
}

struct SideChange {
  const char* what;
  const char* quantity;  // "JF-2.0"
  double value, bound, allowance;
};

// Sides and allowances that the theorem can't have, or that others contradict. Relations as the
// fixture's rules; shares follow.
constexpr SideChange kSideChanges[] = {
    {"a change of scores, allowed by another one", "GI-1.0", 0, 1e-14, 1e-13},
    {"another 1/sqrt(d)", "JF-2.0", 0.36, 0.55, 1e-12},
    {"another 1", "JF-2.1", 0.85, 0.99, 1e-12},
    {"another 1/sqrt(2)", "IF-6.1", 0.7, 0.8, 1e-12},
    {"another ceiling of turns", "RC-7.0", 0.5, 0.9, 1e-12},
    {"the ceiling, not squared", "RC-7.1", 0.5, 0.9061274463528878, 1e-12},
    {"another 2", "RG-10.0", 0.5, 2, 1e-12},
    {"a larger allowance", "JF-1.0", 0.7, 0.7, 2e-12},
    {"an allowance that ignores the bound", "JF-5.1", 0.4, 0.4, 1e-12},
    {"an allowance for rounding where there is none", "RG-5.0", 0.5, 0.6, 1e-12},
    {"an allowance below the least one", "GI-3.0", 0, 0, 1e-13},
    {"an allowance beyond the condition number's", "KR-9.0", 0.5, 0.5, 1e-3},
    {"an allowance that isn't the bound's", "RG-9.0", 1, 2, 1e-12},
    {"an allowance that exceeds the gain's", "GS-1.0", 1, 2, 2e-12},
    {"a cosine above the largest", "JF-1.0", 0.95, 0.95, 1e-12},
    {"an error above the largest", "JF-3.0", 0.9, 0.9, 1e-12},
    {"a code that nearly vanishes", "JF-5.2", 30, 30, 31e-12},
    {"a beta above the largest", "MR-1.1", 0.5, 0.5, 1e-12},
    {"the same in another theorem", "DC-5.2", 0.5, 0.5, 1e-12},
    {"a variation above 1", "AD-2.0", 0.5, 1.5, 1e-12},
    {"a negative distance", "AD-1.0", -1, 1, 1e-12},
    {"half an expert", "RG-7.0", 0.5, 1, 0},
    {"more experts than chosen", "RG-7.0", 1, 3, 0},
    {"another error that keeps the length", "JF-5.3", 0.5, 0.7, 1e-12},
    {"another unbiased error", "JF-5.4", 0.6, 1.3, 2.3e-12},
    {"another squared gradient", "LH-3.1", 0.3, 0.6, 1e-12},
    {"another load", "RG-2.1", 0.9, 0.9, 1e-12}};

void restate(Json& artifact, const SideChange& change) {
  Json& of = at(artifact, "cases.5." + std::string(change.quantity));
  const std::string id =
      std::string(change.quantity).substr(0, std::string(change.quantity).find('.'));
  const size_t number = std::stoul(std::string(change.quantity).substr(id.size() + 1));
  const bool equal = artifact["theorems"][id][number]["relation"] == "=";
  Json& tightest = of["tightest"];
  tightest["value"] = change.value;
  tightest["bound"] = change.bound;
  tightest["allowance"] = change.allowance;
  const double used = equal ? std::abs(change.value - change.bound) / change.allowance
                            : change.value / (change.bound + change.allowance);
  if (used >= 0) {
    tightest["used"] = used;
    return make_alike(of, used);
  }
  // A negative value takes no share.
  of["violated"] = 0;
  of["without_share"] = of["cases"];
  of["histogram"] = std::vector<int>(20, 0);
  of["quantiles"] = tightest["used"] = nullptr;
  for (Json& step : tightest["place"]) step = 0;
  artifact["null_reasons"]["cases.5." + id] = "no share";
}

std::vector<Doctored> doctored_slack_sides() {
  SlackList list;
  for (const SideChange& change : kSideChanges) {
    list.with(Check::case_sides, change.what, [change](Json& a) { restate(a, change); });
  }
  list.with(Check::case_sides, "half a function", [](Json& a) {
    at(a, "cases.5.KR-1.0.tightest.value") = 0.5;
    at(a, "cases.5.KR-1.0.tightest.bound") = 0.5;
  });
  for (const char* quantity : {"JF-2.0", "JF-2.1"}) {
    list.with(Check::case_sides, std::string("least and most don't mirror: ") + quantity,
              add(kCases + quantity + ".quantiles.0", 1e-7));
  }
  return list.take();
}

std::vector<Doctored> doctored_slack_summary() {
  SlackList list;
  const std::string of = "summary.per_theorem.JF-2.";
  for (const std::string& path :
       {of + "layers", of + "cases", of + "skipped", of + "violated", of + "without_share",
        of + "histogram.7", std::string("summary.per_layer.5.theorems"),
        std::string("summary.per_layer.5.cases"), std::string("summary.per_layer.5.violated"),
        std::string("summary.verdict.theorems"), std::string("summary.verdict.cases"),
        std::string("summary.verdict.violated"), of + "tightest.layer"}) {
    list.with(Check::summary_exact, path, shifted({{path, 1}}));
  }
  list.with(Check::summary_exact, "another quantity", set(of + "tightest.name", "others"));
  list.with(Check::summary_exact, "a bin too many",
            [](Json& a) { at(a, "summary.per_theorem.JF-2.histogram").push_back(0); });
  list.with(Check::summary_exact, "a broken theorem",
            set("summary.verdict.broken", Json::array({"JF-2"})));
  list.with(Check::summary_exact, "a broken theorem of a layer",
            set("summary.per_layer.5.broken", Json::array({"JF-2"})));
  list.with(Check::summary_exact, "another outcome", set("summary.verdict.outcome", "BROKEN"));
  list.with(Check::summary_exact, "broken, and said to hold",
            set("summary.verdict.outcome", "HOLDS"), kSlackBroken);
  list.with(Check::summary_exact, "broken theorems exchanged",
            set("summary.verdict.broken", Json::array({"RG-9", "AD-3"})), kSlackBroken);
  list.with(Check::summary_exact, "a place of nothing",
            set("summary.per_theorem.KR-1.tightest", Json::object()));
  list.with(Check::summary_mean, "another share", add(of + "largest_used", -1e-9));
  list.with(Check::summary_mean, "a share of nothing",
            set("summary.per_theorem.KR-1.largest_used", 0.5));
  list.with(Check::member_present, "no list of broken theorems",
            erase("summary.verdict", "broken"));
  list.with(Check::member_present, "no list of a layer's", erase("summary.per_layer.5", "broken"));
  list.with(Check::theorem_list, "sums of another theorem",
            [](Json& a) { a["summary"]["per_theorem"]["GI-2"] = Json::object(); });
  list.with(Check::layer_arrays, "sums of another layer",
            [](Json& a) { a["summary"]["per_layer"]["4"] = Json::object(); });
  return list.take();
}

}  // namespace

std::vector<Doctored> doctored_theorem_slacks() {
  std::vector<Doctored> all;
  for (const auto& group :
       {doctored_slack_members, doctored_slack_theorems, doctored_slack_shapes,
        doctored_slack_samples, doctored_slack_counts, doctored_slack_quantiles,
        doctored_slack_tightest, doctored_slack_sides, doctored_slack_summary}) {
    for (Doctored& item : group()) all.push_back(std::move(item));
  }
  return all;
}

}  // namespace rg::verify::testing
