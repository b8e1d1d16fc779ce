// Artifacts of families and bundles.
#include <cmath>

#include "base/sha256.h"
#include "verify/artifacts.h"
#include "verify/draws.h"

namespace rg::verify::testing {
namespace {

const std::vector<std::string> kFamilyCheckpoints = {"base", "tuned", "aligned"};

// A domain, or role, and its windows.
using DomainSizes = std::vector<std::pair<std::string, uint32_t>>;

DomainSizes prose_and_code(const Shape& shape) {
  return {{"prose", shape.windows}, {"code", shape.windows + 20}};
}

Json sources(const std::string& checkpoint) {
  Json made;
  made["inputs"] = Json::array({{{"name", "config.json"}, {"sha256", sha256_hex("config")}}});
  made["tensors"] = Json::array({{{"name", "model.norm.weight"},
                                  {"dtype", "BF16"},
                                  {"shape", Json::array({16})},
                                  {"shard", "model.safetensors"},
                                  {"sha256", sha256_hex(checkpoint)}}});
  return made;
}

// All but the arrays, the summary's results and what compares the checkpoints.
Json family_header(const std::string& test, const Shape& shape,
                   const std::vector<std::string>& checkpoints, const DomainSizes& domains) {
  const Json model =
      make_terminal_ovk_scan({.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4});
  Json a = {{"schema_version", "1.0"},
            {"test", test},
            {"family",
             {{"family_name", "line"},
              {"sha256", sha256_hex("family file")},
              {"base_ckpt", "base"},
              {"ckpts", checkpoints}}},
            {"domains", Json::array()},
            {"gate_semantics", model["gate_semantics"]},
            {"layers", Json::array()},
            {"verification",
             {{"required_layers", Json::array()}, {"n_windows_required", 200}, {"alpha", 0.05}}}};
  for (const auto& [domain, windows] : domains) {
    a["domains"].push_back(domain);
    Json& data = a["data"][domain];
    data = {{"source", domain}, {"n_windows", windows},     {"seq_len", shape.seq_len},
            {"seed", 7},        {"tokenizer", "synthetic"}, {"doc_ids", Json::array()}};
    for (uint32_t w = 0; w < windows; ++w) {
      data["doc_ids"].push_back("doc" + std::to_string(w % shape.documents));
    }
  }
  a["summary"]["bootstrap"] = {{"B", shape.replicates},
                               {"seed", 11},
                               {"ci_type", "percentile"},
                               {"quantile", "order_statistic"}};
  for (const char* member :
       {"numeric_profile", "program_version", "settings", "notes", "manifest"}) {
    a[member] = model[member];
  }
  a.update(sources("base"));
  a["checkpoints"] = Json::array();
  for (const std::string& checkpoint : checkpoints) {
    if (checkpoint == "base") continue;
    Json row = sources(checkpoint);
    row["ckpt"] = checkpoint;
    a["checkpoints"].push_back(row);
  }
  return a;
}

Json line_header(const std::string& test, const Shape& shape) {
  Json a = family_header(test, shape, kFamilyCheckpoints, prose_and_code(shape));
  a["edges"] = {{{"from", "base"}, {"to", "tuned"}}, {{"from", "tuned"}, {"to", "aligned"}}};
  return a;
}

// A bundle's own members; its parts are the caller's.
Json bundle_header(const std::string& test) {
  return {{"schema_version", "1.0"},
          {"test", test},
          {"domain", "prose"},
          {"summary", Json::object()},
          {"program_version", "0.1.0"},
          {"notes", Json::array()},
          {"manifest", {{"created_utc", "2026-01-01T00:00:00Z"}}}};
}

// The same scan of a model whose last MoE layer is 7 instead of 5.
Json deeper(Json scan) {
  const auto rename = [](Json& layers) {
    layers["7"] = layers["5"];
    layers.erase("5");
  };
  for (Json& array : scan["per_window"]) rename(array);
  rename(scan["expert_counts"]);
  scan["layers"] = scan["verification"]["required_layers"] = {1, 3, 7};
  scan["model"] = {{"ckpt", "deeper"}, {"terminal_moe_layer", 7}, {"moe_layers", {1, 3, 7}}};
  scan["tensors"][0]["sha256"] = sha256_hex("another gate");
  const Json bootstrap = scan["summary"]["bootstrap"];
  const Json null = {{"kind", scan["summary"]["null"]["kind"]}};
  scan["summary"] = {{"bootstrap", bootstrap}, {"null", null}};
  complete(scan);
  return scan;
}

}  // namespace

Json make_kl_edge_dominance(const Shape& shape) {
  Json a = line_header("kl_edge_dominance", shape);
  Draws draws(31);
  a["kl_direction"] = "theta||base";
  a["summary"]["null"] = {{"kind", "no growth along an edge"}};
  for (const auto& [domain, windows] : prose_and_code(shape)) {
    Json& arrays = a["per_window"][domain];
    for (uint32_t w = 0; w < windows; ++w) {
      const double base = draws.around(2.5, 0.5);
      double drift = 0;
      double loss = base;
      for (const std::string& checkpoint : kFamilyCheckpoints) {
        if (checkpoint != "base") {
          drift += draws.around(0.05, 0.06);
          loss += draws.around(0.02, 0.04);
        }
        arrays["D"][checkpoint].push_back(std::abs(drift));
        arrays["loss"][checkpoint].push_back(loss);
        arrays["L_forget"][checkpoint].push_back(loss - base);
      }
    }
  }
  complete(a);
  return a;
}

Json make_entropy_collapse(const Shape& shape) {
  Json a = line_header("entropy_collapse", shape);
  Draws draws(32);
  for (const auto& [domain, windows] : prose_and_code(shape)) {
    Json& arrays = a["per_window"][domain];
    for (uint32_t w = 0; w < windows; ++w) {
      double entropy = 2.4;
      for (const std::string& checkpoint : kFamilyCheckpoints) {
        const double shannon = draws.around(entropy, 0.3);
        const double loss = draws.around(2.5, 0.5);
        entropy -= 0.2;
        arrays["H"][checkpoint].push_back(shannon);
        arrays["V"][checkpoint].push_back(draws.around(3, 0.5));
        arrays["H2"][checkpoint].push_back(shannon - draws.around(0.8, 0.2));
        arrays["loss"][checkpoint].push_back(loss);
        arrays["gap"][checkpoint].push_back(loss - shannon);
      }
    }
  }
  complete(a);
  return a;
}

Json make_terminal_tracking(const Shape& shape) {
  Json a = bundle_header("terminal_tracking");
  a["family"] = {{"family_name", "line"}, {"sha256", sha256_hex("family file")}};
  a["verification"] = {{"min_distinct_terminals", 2}};
  const Json scan = make_terminal_ovk_scan(shape);
  a["scans"] = {scan, deeper(scan)};
  complete(a);
  return a;
}

Json make_terminal_compatibility(const Shape& shape) {
  Json a = bundle_header("terminal_compatibility");
  a["chart"] = make_chart_compatibility(shape);
  a["scan"] = make_terminal_ovk_scan(shape);
  complete(a);
  return a;
}

// Layers 0 and 1 frozen in six runs, layer 0 alone in two more. Forgetting follows drift but for
// one exchange of neighbours.
Json make_kl_bounded_adaptation(const Shape& shape) {
  struct Run {
    const char* name;
    double drift, forgetting;
  };
  constexpr Run kTuned[] = {{"frozen-1", 0.05, 0.02},  {"frozen-2", 0.07, 0.03},
                            {"frozen-3", 0.06, 0.025}, {"frozen-4", 0.09, 0.05},
                            {"frozen-5", 0.08, 0.04},  {"frozen-6", 0.1, 0.045}};
  constexpr Run kCompared[] = {{"fewer-1", 0.2, 0.08}, {"fewer-2", 0.24, 0.1}};
  std::vector<std::string> checkpoints = {"base"};
  for (const Run& run : kTuned) checkpoints.emplace_back(run.name);
  for (const Run& run : kCompared) checkpoints.emplace_back(run.name);
  const uint32_t eval_windows = 5 * shape.windows, base_windows = eval_windows + 20;
  Json a = family_header("kl_bounded_adaptation", shape, checkpoints,
                         {{"eval", eval_windows}, {"base", base_windows}});
  a["verification"]["n_windows_required"] = 1000;
  a["base"] = "base";
  a["frozen_set"] = {0, 1};
  a["thresholds"] = {{"D_max", 0.1}, {"L_max", 0.05}};
  a["registration"] = {{"sha256", sha256_hex("registration")},
                       {"registered_utc", "2026-01-01T00:00:00+00:00"}};
  a["baseline"]["frozen_set"] = Json::array({0});
  a["summary"]["null"] = {{"kind", "no association over runs"}};

  Draws draws(33);
  Json drift, loss, forgetting, hashes;
  for (uint32_t w = 0; w < eval_windows; ++w) drift["base"].push_back(0.0);
  for (uint32_t w = 0; w < base_windows; ++w) {
    loss["base"].push_back(draws.around(2.5, 0.5));
    forgetting["base"].push_back(0.0);
  }
  const auto hash = [](const std::string& of, int layer) {
    return sha256_hex(of + ", layer " + std::to_string(layer));
  };
  for (int layer = 0; layer < 4; ++layer) {
    hashes["base"][std::to_string(layer)] = hash("base", layer);
  }
  const auto made = [&](const Run& run, int frozen) {
    for (int layer = 0; layer < 4; ++layer) {
      hashes[run.name][std::to_string(layer)] = hash(layer < frozen ? "base" : run.name, layer);
    }
    for (uint32_t w = 0; w < eval_windows; ++w) {
      drift[run.name].push_back(draws.around(run.drift, 0.04));
    }
    for (uint32_t w = 0; w < base_windows; ++w) {
      const double before = loss["base"][w];
      const double after = before + draws.around(run.forgetting, 0.02);
      loss[run.name].push_back(after);
      forgetting[run.name].push_back(after - before);
    }
    Json row;
    row["ckpt"] = run.name;
    return row;
  };
  for (const Run& run : kTuned) a["runs"].push_back(made(run, 2));
  for (const Run& run : kCompared) a["baseline"]["runs"].push_back(made(run, 1));
  a["layer_hashes"] = hashes;
  a["per_window"]["eval"]["D"] = drift;
  a["per_window"]["base"]["L_forget"] = forgetting;
  a["per_window"]["base"]["loss"] = loss;
  complete(a);
  return a;
}

Json make_of_family(const std::string& test, const Shape& shape) {
  if (test == "kl_edge_dominance") return make_kl_edge_dominance(shape);
  if (test == "entropy_collapse") return make_entropy_collapse(shape);
  if (test == "kl_bounded_adaptation") return make_kl_bounded_adaptation(shape);
  if (test == "terminal_tracking") return make_terminal_tracking(shape);
  return make_terminal_compatibility(shape);
}

}  // namespace rg::verify::testing
