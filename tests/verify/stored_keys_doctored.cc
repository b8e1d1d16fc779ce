// Audits of stored keys that say of them what can't be, and other tests that say anything of them.
#include "verify/doctored.h"

namespace rg::verify::testing {
namespace {

constexpr const char* kStored = "audit_stored_keys";
constexpr Check kStoredCheck = Check::key_change_stated;
const std::string kChange = "settings.key_change";
const std::string kHow = kChange + ".description";

Doctored stored_as(const std::string& path, const Json& value) {
  return {kStoredCheck,
          kStored,
          path + " " + write_json(value, JsonLayout::compact),
          set(path, value),
          {}};
}

std::vector<Doctored> doctored_key_changes() {
  std::vector<Doctored> all;
  const auto add = [&](const std::string& path, const std::vector<Json>& values) {
    for (const Json& value : values) all.push_back(stored_as(path, value));
  };
  add(kChange, {nullptr, 3, Json::object()});
  add(kChange + ".more", {1});
  add(kChange + ".name", {"", 3, "values in 3 bits"});
  add(kChange + ".step", {"cached", nullptr, 1});
  add(kChange + ".layers", {"all", Json::array(), {3, 2}, {2, 2}, {-1, 3}, {2.5}, {2, 4294967296}});
  add(kHow, {nullptr, "3 bits"});
  add(kHow + ".centring", {"raw"});
  add(kHow + ".bits", {0, 5, 2.5, "3"});
  add(kHow + ".scale", {"row", "key", nullptr});
  add(kHow + ".rule", {"mmse", 1});
  add(kHow + ".values", {1, nullptr});
  add(kHow + ".fit", {nullptr, Json::object(), "even"});
  add(kHow + ".fit.rows", {640});
  add(kHow + ".fit.documents", {"odd", 0});
  add(kHow + ".fit.positions", {0, 4, 16.5});
  add(kHow + ".fit.sink_positions", {-1, 33, 128, 0.5});
  for (const char* member : {"name", "description", "step", "layers"}) {
    all.push_back({kStoredCheck, kStored, std::string("no ") + member, erase(kChange, member), {}});
  }
  for (const char* member : {"bits", "scale", "rule", "values", "fit"}) {
    all.push_back({kStoredCheck, kStored, std::string("no ") + member, erase(kHow, member), {}});
  }
  for (const char* member : {"documents", "positions", "sink_positions"}) {
    all.push_back(
        {kStoredCheck, kStored, std::string("no ") + member, erase(kHow + ".fit", member), {}});
  }
  all.push_back({kStoredCheck,
                 kStored,
                 "latents without values",
                 [](Json& a) {
                   at(a, kChange + ".step") = "latent";
                   at(a, kHow + ".values") = false;
                 },
                 {}});
  return all;
}

std::vector<Doctored> doctored_copies() {
  std::vector<Doctored> all;
  const auto with = [&](const char* what, const std::function<void(Json&)>& doctor) {
    all.push_back({kStoredCheck, kStored, what, doctor, {}});
  };
  with("another checkpoint", [](Json& a) {
    for (const char* path : {"edge.ckpt_b", "other.ckpt"}) at(a, path) = "synthetic-4bit";
  });
  with("another config", set("other.inputs.0.sha256", std::string(64, '0')));
  with("another tensor", set("other.tensors.0.sha256", std::string(64, '0')));
  with("a tensor fewer of A", [](Json& a) {
    Json more = a["other"]["tensors"][0];
    more["name"] = "more";
    a["other"]["tensors"].push_back(more);
  });
  with("gates that differ", [](Json& a) {
    a["gates_equal"] = false;
    for (const char* path : {"per_window.guaranteed", "per_window.guaranteed_flips"}) {
      at(a, path) = nullptr;
      a["null_reasons"][path] = "the gates differ";
    }
    complete(a);
  });
  with("ranks below", set("per_window.reordered.1.50", 1));
  with("weights below", set("per_window.reweighted.1.50", 1));
  with("flips below", set(kChange + ".layers", {4, 5}));
  all.push_back({kStoredCheck, "audit", "no change of keys", set(kChange, nullptr), {}});
  return all;
}

// What no other test has, whatever it holds.
std::vector<Doctored> doctored_elsewhere() {
  std::vector<Doctored> all;
  for (const char* test :
       {"chart_compatibility", "terminal_ovk_scan", "attention_router", "expert_load",
        "intervention", "boundary_amplification", "behavior_compression", "kv_gauge",
        "kl_edge_dominance", "entropy_collapse", "kl_bounded_adaptation", "terminal_tracking",
        "terminal_compatibility"}) {
    for (const Json& value : {Json(nullptr), Json{{"step", "scored"}}}) {
      all.push_back({kStoredCheck,
                     test,
                     "stored keys " + write_json(value, JsonLayout::compact),
                     [value](Json& a) { a["settings"]["key_change"] = value; },
                     {}});
    }
  }
  all.push_back({kStoredCheck,
                 "terminal_tracking",
                 "a scan of stored keys",
                 [](Json& a) {
                   Json& part = a["scans"][1];
                   part["settings"]["key_change"] = nullptr;
                   seal(part);
                 },
                 {}});
  return all;
}

}  // namespace

std::vector<Doctored> doctored_stored_keys() {
  std::vector<Doctored> all = doctored_key_changes();
  for (const auto& more : {doctored_copies(), doctored_elsewhere()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace rg::verify::testing
