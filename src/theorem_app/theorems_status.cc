#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

#include "app/output.h"
#include "app/table.h"
#include "base/error.h"
#include "base/wrap.h"
#include "theorem_app/commands.h"
#include "theorem_app/theorem_lookup.h"

namespace rg::app {
namespace {

using theorems::Catalogue;
using theorems::FormalStatement;
using theorems::Status;

// The module of the proofs that states what the libraries lack.
constexpr std::string_view kMissing = "Missing.";

std::string count_of(const Catalogue& catalogue, const std::string& family, Status status) {
  int count = 0;
  for (const FormalStatement& row : catalogue.formal) {
    if (row.status == status && (family.empty() || row.entry.starts_with(family + "-"))) ++count;
  }
  return std::to_string(count);
}

std::string families_table(const Catalogue& catalogue) {
  constexpr auto kRight = Table::Align::right;
  Table table(
      {Table::Align::left, Table::Align::left, kRight, kRight, kRight, kRight, kRight, kRight});
  std::vector<std::string> cells = {"FAMILY", "", "ENTRIES"};
  const std::array headings = {"PROVEN", "DEFERRED", "STUB", "AXIOM", "INFORMAL"};
  static_assert(headings.size() == theorems::kStatuses.size());
  cells.insert(cells.end(), headings.begin(), headings.end());
  table.row(cells);
  size_t entries = 0;
  for (const theorems::Family& family : catalogue.families) {
    cells = {family.id, family.name, std::to_string(family.entries.size())};
    for (const Status s : theorems::kStatuses) cells.push_back(count_of(catalogue, family.id, s));
    table.row(cells);
    entries += family.entries.size();
  }
  cells = {"all", "", std::to_string(entries)};
  for (const Status s : theorems::kStatuses) cells.push_back(count_of(catalogue, "", s));
  table.row(cells);
  return table.text(0);
}

// One paragraph per Coq module that assumptions come from.
std::string assumptions_list(const Catalogue& catalogue) {
  struct Module {
    std::set<std::string> names;
    int statements = 0;
  };
  std::map<std::string, Module> modules;
  int nothing = 0;
  for (const FormalStatement& row : catalogue.formal) {
    if (!row.name) continue;
    std::set<std::string> used;
    for (const std::string& name : row.assumptions) {
      if (name.starts_with(kMissing)) continue;
      const size_t dot = name.rfind('.');
      const std::string module = dot == std::string::npos ? "" : name.substr(0, dot);
      modules[module].names.insert(name.substr(dot == std::string::npos ? 0 : dot + 1));
      used.insert(module);
    }
    for (const std::string& module : used) ++modules[module].statements;
    if (row.assumptions.empty()) ++nothing;
  }
  const size_t columns = stdout_columns();
  std::string out =
      fmt::format("\nstatements that rest on\n{:>5}  nothing beyond Coq's logic\n", nothing);
  for (const auto& [name, module] : modules) {
    const std::vector<std::string> names(module.names.begin(), module.names.end());
    out += wrapped(fmt::format("{}: {}", name.empty() ? "no module" : name, join(names, ", ")),
                   fmt::format("{:>5}  ", module.statements), 7, columns);
  }
  return out;
}

std::string deferred_table(const Catalogue& catalogue) {
  Table table({Table::Align::left, Table::Align::left, Table::Align::left});
  bool any = false;
  for (const FormalStatement& row : catalogue.formal) {
    if (row.status != Status::deferred) continue;
    std::vector<std::string> missing;
    for (const std::string& name : row.assumptions) {
      if (name.starts_with(kMissing)) missing.push_back(name.substr(kMissing.size()));
    }
    table.row({row.id, row.name.value_or(""), join(missing, ", ")});
    any = true;
  }
  return any ? "\nproved from facts that the libraries lack (proofs/Missing.v)\n" + table.text(2)
             : "";
}

}  // namespace

int theorems_status_command(const TheoremsStatusOptions& options) {
  const Catalogue& catalogue = theorems::catalogue();
  if (options.json) {
    print(catalogue.status_file);
  } else {
    print(families_table(catalogue) + assumptions_list(catalogue) + deferred_table(catalogue) +
          fmt::format("\nsources_sha256  {}\n", catalogue.sources_sha256));
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
