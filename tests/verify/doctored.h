// Valid artifacts made wrong in one respect, and the check that must reject each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "verify/artifacts.h"

namespace rg::verify::testing {

struct Doctored {
  Check check;
  const char* test;
  std::string what;
  std::function<void(Json&)> doctor;  // of the tree; sealed afterwards
  // Of the text instead, where a tree can't hold the defect. Sealing is up to it.
  std::function<std::string(Json&)> text;
  bool strict = false;
};

// Of the two tests of an edge.
std::vector<Doctored> doctored_edges();
// Of intervention, and of other tests that such a run would have made.
std::vector<Doctored> doctored_interventions();
// Of audit.
std::vector<Doctored> doctored_audits();
// Of audits of stored keys, and of other tests that such a run would have made.
std::vector<Doctored> doctored_stored_keys();
// Of kv_gauge.
std::vector<Doctored> doctored_kv_gauges();
// Of kv_distortion.
std::vector<Doctored> doctored_kv_distortions();
// Of key_only_router.
std::vector<Doctored> doctored_key_only_routers();
// Of theorem_slack.
std::vector<Doctored> doctored_theorem_slacks();
// Of kl_bounded_adaptation.
std::vector<Doctored> doctored_adaptations();
// Of the other tests of families, and of bundles.
std::vector<Doctored> doctored_families();

inline std::function<void(Json&)> set(const std::string& path, const Json& value) {
  return [path, value](Json& artifact) { at(artifact, path) = value; };
}

inline std::function<void(Json&)> add(const std::string& path, double amount) {
  return [path, amount](Json& artifact) {
    at(artifact, path) = at(artifact, path).get<double>() + amount;
  };
}

inline std::function<void(Json&)> erase(const std::string& parent, const std::string& key) {
  return [parent, key](Json& artifact) {
    (parent.empty() ? artifact : at(artifact, parent)).erase(key);
  };
}

// A place made null, with a reason for it.
inline std::function<void(Json&)> nulled(const std::vector<std::string>& paths) {
  return [paths](Json& artifact) {
    for (const std::string& path : paths) at(artifact, path) = nullptr;
    artifact["null_reasons"][paths.front().substr(0, paths.front().find('.'))] =
        "said to be undefined";
  };
}

}  // namespace rg::verify::testing
