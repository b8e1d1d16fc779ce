// The header of artifacts of a family: its checkpoints, domains and declared edges. And that of
// bundles, whose own header is short.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "verify/header.h"

namespace rg::verify {
namespace {

// Names that are not empty, none twice.
std::vector<std::string> read_names(Inspector& inspect, const At& list) {
  std::vector<std::string> names;
  if (!inspect.is(list, Kind::array)) return names;
  const Array& values = list.value->array();
  for (size_t i = 0; i < values.size(); ++i) {
    const At at{&values[i], fmt::format("{}[{}]", list.path, i)};
    if (!inspect.is(at, Kind::string)) return names;
    const std::string& name = values[i].string();
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) {
      inspect.invalid(Check::family_list, at.path,
                      name.empty() ? "is an empty name" : fmt::format("names {} twice", name));
      return names;
    }
    names.push_back(name);
  }
  return names;
}

// A published family may list its descendants alone: the base is drift and forgetting zero.
void read_members(Inspector& inspect, const At& family, Header& header) {
  header.family.name = inspect.text(inspect.need(family, "family_name"));
  inspect.judgement().model = header.family.name;
  const std::string base = inspect.text(inspect.need(family, "base_ckpt"));
  const At list = inspect.need(family, "ckpts");
  std::vector<std::string> names = read_names(inspect, list);
  if (!inspect.sound()) return;
  if (!header.full) {
    std::erase(names, base);
    names.insert(names.begin(), base);
  } else if (names.empty() || names.front() != base) {
    inspect.invalid(Check::family_list, list.path, "does not begin with base_ckpt");
  }
  if (names.size() < 2) {
    inspect.invalid(Check::family_list, list.path, "holds no descendant of the base");
  }
  header.family.checkpoints = std::move(names);
}

void read_domains(Inspector& inspect, const At& root, Header& header) {
  const At list = inspect.need(root, "domains");
  const std::vector<std::string> names = read_names(inspect, list);
  const At data = inspect.need(root, "data");
  if (!inspect.sound() || !inspect.is(data, Kind::object)) return;
  if (names.empty()) inspect.invalid(Check::family_list, list.path, "is empty");
  for (const Member& member : data.value->object().members) {
    if (std::find(names.begin(), names.end(), member.key) != names.end()) continue;
    inspect.invalid(Check::family_arrays, (data / member.key).path, "is not one of `domains`");
  }
  for (const std::string& name : names) {
    Header windows;
    windows.full = header.full;
    read_data(inspect, inspect.need(data, name), windows);
    header.family.domains.push_back({.name = name,
                                     .n_windows = windows.n_windows,
                                     .seq_len = windows.seq_len,
                                     .documents = std::move(windows.documents),
                                     .n_documents = windows.n_documents});
    std::string& domain = inspect.judgement().domain;
    domain += domain.empty() ? name : "+" + name;
  }
}

void read_edges(Inspector& inspect, const At& root, Header& header) {
  const At list = inspect.need(root, "edges");
  if (!inspect.is(list, Kind::array)) return;
  const Array& values = list.value->array();
  if (values.empty()) {
    inspect.invalid(Check::family_list, list.path,
                    "is empty: a claim about no edge would always pass");
  }
  const std::vector<std::string>& known = header.family.checkpoints;
  std::set<std::string> seen;
  for (size_t i = 0; i < values.size(); ++i) {
    const At at{&values[i], fmt::format("{}[{}]", list.path, i)};
    if (!inspect.is(at, Kind::object)) return;
    const FamilyEdge edge{inspect.text(inspect.need(at, "from")),
                          inspect.text(inspect.need(at, "to"))};
    if (!inspect.sound()) return;
    const auto is_known = [&](const std::string& name) {
      return std::find(known.begin(), known.end(), name) != known.end();
    };
    if (!is_known(edge.from) || !is_known(edge.to) || edge.from == edge.to) {
      inspect.invalid(Check::family_list, at.path, "does not join two checkpoints of the family");
    } else if (!seen.insert(edge.key()).second) {
      inspect.invalid(Check::family_list, at.path, "is declared twice");
    }
    header.family.edges.push_back(edge);
  }
}

// Tests of a family measure outputs, not layers.
void check_no_layers(Inspector& inspect, const At& root) {
  const auto expect_empty = [&](const At& list, Check check) {
    if (!inspect.is(list, Kind::array) || list.value->array().empty()) return;
    inspect.invalid(check, list.path, "is not empty, though the test measures no layer");
  };
  expect_empty(inspect.need(root, "layers"), Check::layer_list);
  expect_empty(inspect.need(inspect.need(root, "verification"), "required_layers"),
               Check::required_layers);
}

// `checkpoints`: what was read of each but the base, whose files the common members list.
void check_other_sources(Inspector& inspect, const At& root, const Family& family) {
  const At list = inspect.need(root, "checkpoints");
  if (!inspect.is(list, Kind::array)) return;
  const Array& values = list.value->array();
  if (values.size() + 1 != family.checkpoints.size()) {
    inspect.invalid(Check::family_list, list.path,
                    fmt::format("found {}, expected the {} checkpoints without the base",
                                values.size(), family.checkpoints.size() - 1));
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const At at{&values[i], fmt::format("{}[{}]", list.path, i)};
    if (!inspect.is(at, Kind::object)) return;
    const At name = inspect.need(at, "ckpt");
    if (name && inspect.text(name) != family.checkpoints[i + 1]) {
      inspect.invalid(Check::family_list, name.path,
                      fmt::format("expected {}", family.checkpoints[i + 1]));
    }
    check_sources(inspect, at);
  }
}

}  // namespace

void read_family_header(Inspector& inspect, const At& root, const HeaderRules& rules,
                        Header& header) {
  const At family = inspect.need(root, "family");
  if (!inspect.is(family, Kind::object)) return;
  read_members(inspect, family, header);
  if (!inspect.sound()) return;  // edges and arrays are checked against its members
  read_domains(inspect, root, header);
  if (rules.declared_edges) read_edges(inspect, root, header);
  if (header.full || (root / "gate_semantics")) read_gate(inspect, root, header);
  uint64_t windows = 0;
  for (const DomainWindows& domain : header.family.domains) {
    windows += domain.n_windows;
    const bool smallest = header.n_windows == 0 || domain.n_windows < header.n_windows;
    if (smallest) header.n_windows = domain.n_windows;
  }
  inspect.judgement().n_windows = header.n_windows;
  read_bootstrap(inspect, root, windows, header);
  if (!header.full) return;
  check_no_layers(inspect, root);
  check_provenance(inspect, root);
  check_other_sources(inspect, root, header.family);
  inspect.need(root, "body_sha256");
  check_nulls(inspect, root);
}

void read_bundle_header(Inspector& inspect, const At& root, Header& header) {
  inspect.judgement().domain = inspect.text(inspect.need(root, "domain"));
  if (const At family = root / "family") {
    inspect.judgement().model = read_family_reference(inspect, family);
  }
  if (!header.full) return;
  check_program(inspect, root);
  inspect.need(root, "body_sha256");
  check_nulls(inspect, root);
}

}  // namespace rg::verify
