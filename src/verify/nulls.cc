// Undefined values: null, and why.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "verify/header.h"

namespace rg::verify {
namespace {

// Members in which null needs no reason: they are no part of what the test measured, or whole
// artifacts that give their own reasons.
constexpr std::string_view kOutside[] = {"schema_version", "test",
                                         "model",          "edge",
                                         "domain",         "data",
                                         "gate_semantics", "notes",
                                         "inputs",         "numeric_profile",
                                         "settings",       "program_version",
                                         "null_reasons",   "tensors",
                                         "manifest",       "body_sha256",
                                         "other",          "family",
                                         "domains",        "checkpoints",
                                         "chart",          "scan",
                                         "scans"};

bool outside(std::string_view member) {
  return std::find(std::begin(kOutside), std::end(kOutside), member) != std::end(kOutside);
}

// Nulls that say what they mean: the reference of an edge that wasn't asked for, weights that
// weren't imposed with routes, and a layer, or a verdict, that isn't degenerate.
bool speaks_for_itself(std::string_view path) {
  return path == "y_ref_A" || path == "y_ref_B" ||
         path == "intervention.interventions.action.impose.weights_sha256" ||
         path == "summary.verdict.degenerate" ||
         (path.starts_with("summary.per_layer.") && path.ends_with(".degenerate"));
}

class NullWalk {
 public:
  NullWalk(Inspector& inspect, std::set<std::string> reasons)
      : inspect_(inspect), reasons_(std::move(reasons)) {}

  // `path` without array indices; `explained` once a path above is listed.
  void visit(const Value& value, const std::string& path, bool explained) {
    switch (value.kind()) {
      case Kind::null:
        found_ = true;
        if (!explained && unexplained_.insert(path).second) {
          inspect_.invalid(Check::null_reason, path, "is null and `null_reasons` doesn't say why");
        }
        break;
      case Kind::array:
        for (const Value& element : value.array()) visit(element, path, explained);
        break;
      case Kind::object:
        for (const Member& member : value.object().members) {
          const std::string below = path.empty() ? member.key : path + '.' + member.key;
          if (path.empty() && outside(member.key)) continue;
          if (member.value.is(Kind::null) && speaks_for_itself(below)) continue;
          visit(member.value, below, explained || reasons_.contains(below));
        }
        break;
      default:
        break;
    }
  }

  bool found() const { return found_; }

 private:
  Inspector& inspect_;
  std::set<std::string> reasons_;
  std::set<std::string> unexplained_;
  bool found_ = false;
};

}  // namespace

void check_nulls(Inspector& inspect, const At& root) {
  const At listed = root / "null_reasons";
  std::set<std::string> reasons;
  if (listed) {
    if (!inspect.is(listed, Kind::object)) return;
    for (const Member& member : listed.value->object().members) {
      if (!member.value.is(Kind::string) || member.value.string().empty()) {
        inspect.invalid(Check::null_reason, "null_reasons." + member.key, "is not a reason");
      }
      reasons.insert(member.key);
    }
  }
  NullWalk walk(inspect, std::move(reasons));
  walk.visit(*root.value, "", false);
  if (listed && !walk.found()) {
    inspect.invalid(Check::null_reason, "null_reasons", "is there though nothing is null");
  }
}

}  // namespace rg::verify
