#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/table.h"
#include "base/error.h"
#include "theorem_app/commands.h"
#include "theorem_app/theorem_lookup.h"

namespace rg::app {
namespace {

using theorems::Catalogue;
using theorems::Entry;
using theorems::Family;

bool has_verdict(const Entry& entry, theorems::Verdict verdict) {
  return std::any_of(entry.claims.begin(), entry.claims.end(),
                     [&](const auto& claim) { return claim.verdict == verdict; });
}

bool has_status(const Catalogue& catalogue, const Entry& entry, theorems::Status status) {
  const auto rows = catalogue.formal_of(entry);
  return std::any_of(rows.begin(), rows.end(),
                     [&](const auto* row) { return row->status == status; });
}

void check_family(const Catalogue& catalogue, const std::string& id) {
  if (catalogue.find_family(id) != nullptr) return;
  std::vector<std::string> ids;
  for (const Family& family : catalogue.families) ids.push_back(family.id);
  throw Error(ErrorId::US001, {.object = "--family",
                               .found = fmt::format("'{}'", escape_for_terminal(id)),
                               .expected = "one of " + join(ids, ", "),
                               .hint = "See routegauge theorems list --help."});
}

Json as_json(const Catalogue& catalogue, const Family& family, const Entry& entry) {
  Json statuses = Json::object();
  for (const theorems::Status status : theorems::kStatuses) statuses[word_of(status)] = 0;
  for (const auto* row : catalogue.formal_of(entry)) {
    Json& count = statuses[word_of(row->status)];
    count = count.get<int>() + 1;
  }
  return {{"id", entry.id},
          {"family", family.id},
          {"title", entry.title},
          {"sentence", entry.sentence},
          {"verdicts", verdict_words(entry)},
          {"statuses", statuses},
          {"formal", formal_cover(entry)},
          {"check", entry.check ? Json(word_of(entry.check->kind)) : Json()}};
}

}  // namespace

int theorems_list_command(const TheoremsListOptions& options) {
  const Catalogue& catalogue = theorems::catalogue();
  if (options.family) check_family(catalogue, *options.family);
  constexpr auto kLeft = Table::Align::left;
  Table table({kLeft, kLeft, kLeft, kLeft, kLeft});
  table.row({"ID", "TITLE", "VERDICT", "FORMAL", "CHECK"});
  Json list = Json::array();
  for (const Family& family : catalogue.families) {
    if (options.family && family.id != *options.family) continue;
    for (const Entry& entry : family.entries) {
      if (options.verdict && !has_verdict(entry, *options.verdict)) continue;
      if (options.status && !has_status(catalogue, entry, *options.status)) continue;
      table.row({entry.id, entry.title, join(verdict_words(entry), ", "),
                 status_summary(catalogue, entry),
                 entry.check ? theorems::word_of(entry.check->kind) : "-"});
      list.push_back(as_json(catalogue, family, entry));
    }
  }
  if (options.json) {
    const Json document = {{"schema_version", 1}, {"theorems", list}};
    print(write_json(document, JsonLayout::indented) + '\n');
  } else if (list.empty()) {
    print("no theorem of the catalogue is like that\n");
  } else {
    print(table.text(0));
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
