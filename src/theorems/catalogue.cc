#include "theorems/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "theorems/record_reader.h"

namespace rg {
std::span<const EmbeddedFile> embedded_theorems();  // made by the build
}

namespace rg::theorems {
namespace {

constexpr std::string_view kStatusFile = "theorem_status.json";

Claim read_claim(const RecordReader& record) {
  Claim claim{.claim = record.text_or_empty("claim"),
              .source = record.text_or_empty("source"),
              .verdict = record.one_of("verdict", kVerdicts),
              .why = record.text("why")};
  record.check(
      claim.verdict == Verdict::unclaimed || (!claim.claim.empty() && !claim.source.empty()),
      "claim and source where the verdict judges them");
  record.check_all_read();
  return claim;
}

Looseness read_looseness(const RecordReader& record) {
  Looseness loose{.why = record.text("why"),
                  .quantity = record.text("quantity"),
                  .share = record.number("share")};
  record.check(loose.share > 0 && loose.share < 1, "a share above 0 and below 1");
  record.check_all_read();
  return loose;
}

NumericCheck read_check(const RecordReader& record) {
  NumericCheck check{.kind = record.one_of("kind", kCheckKinds),
                     .computes = record.text("computes"),
                     .tolerance = record.text("tolerance"),
                     .loose = {}};
  if (const auto loose = record.record_if_present("loose")) check.loose = read_looseness(*loose);
  record.check_all_read();
  return check;
}

ExperimentLink read_experiment(const RecordReader& record) {
  ExperimentLink link{.experiment = record.text("experiment"), .fields = record.texts("fields")};
  record.check_all_read();
  return link;
}

Entry read_entry(const RecordReader& record) {
  Entry entry{.id = record.text("id"),
              .title = record.text("title"),
              .sentence = record.text("sentence"),
              .hypotheses = record.texts("hypotheses"),
              .statement = record.text("statement"),
              .claims = {},
              .proof_idea = record.text("proof_idea"),
              .formal_names = {},
              .difference = {},
              .gap = {},
              .check = {},
              .experiments = {},
              .depends_on = record.texts("depends_on"),
              .record = record.json()};
  for (const RecordReader& claim : record.records("claims")) {
    entry.claims.push_back(read_claim(claim));
  }
  record.check(!entry.claims.empty(), "at least one claim");
  const RecordReader formal = record.record("formal");
  entry.formal_names = formal.texts("theorems");
  entry.difference = formal.text_or_null("difference");
  entry.gap = formal.text_or_null("gap");
  formal.check_all_read();
  if (const auto check = record.record_or_null("check")) entry.check = read_check(*check);
  for (const RecordReader& link : record.records("experiments")) {
    entry.experiments.push_back(read_experiment(link));
  }
  record.check_all_read();
  return entry;
}

Family read_family(const RecordReader& file) {
  file.check(file.integer("schema_version") == 1, "schema_version 1");
  const RecordReader head = file.record("family");
  Family family{.id = head.text("id"),
                .order = head.integer("order"),
                .name = head.text("name"),
                .explanation = head.texts("explanation"),
                .entries = {}};
  head.check_all_read();
  for (const RecordReader& record : file.records("entries")) {
    family.entries.push_back(read_entry(record));
    record.check(family.entries.back().id.starts_with(family.id + "-"),
                 "an id that begins with the family's");
  }
  file.check_all_read();
  return family;
}

FormalStatement read_formal(const RecordReader& record) {
  FormalStatement formal{.id = record.text("id"),
                         .entry = record.text("entry"),
                         .status = record.one_of("status", kStatuses),
                         .name = record.text_or_null("name"),
                         .file = record.text_or_null("file"),
                         .line = record.integer_or_null("line"),
                         .statement = record.text_or_null("statement"),
                         .assumptions = record.texts("assumptions"),
                         .record = record.json()};
  record.check_all_read();
  return formal;
}

void read_statuses(const EmbeddedFile& source, const RecordReader& file, Catalogue& out) {
  file.check(file.integer("schema_version") == 1, "schema_version 1");
  out.sources_sha256 = file.text("sources_sha256");
  for (const RecordReader& record : file.records("theorems")) {
    out.formal.push_back(read_formal(record));
  }
  file.check_all_read();
  out.status_file = source.bytes;
}

void check_ids(const Catalogue& catalogue) {
  std::set<std::string_view> families, entries, formal;
  std::set<int> orders;
  for (const Family& family : catalogue.families) {
    check_internal(families.insert(family.id).second && orders.insert(family.order).second,
                   "family " + family.id + " has a unique id and place");
    for (const Entry& entry : family.entries) {
      check_internal(entries.insert(entry.id).second, entry.id + " occurs once in the catalogue");
    }
  }
  for (const Family& family : catalogue.families) {
    for (const Entry& entry : family.entries) {
      for (const std::string& id : entry.depends_on) {
        check_internal(id != entry.id && entries.contains(id),
                       fmt::format("{} depends on other entries, so not on {}", entry.id, id));
      }
    }
  }
  for (const FormalStatement& row : catalogue.formal) {
    check_internal(entries.contains(row.entry), row.id + " is of an entry of the catalogue");
    const std::string& name = row.name ? *row.name : row.id;
    check_internal(formal.insert(name).second, name + " has one status");
  }
}

}  // namespace

const char* word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::as_claimed:
      return "true";
    case Verdict::repaired:
      return "repaired";
    case Verdict::refuted:
      return "false";
    case Verdict::unclaimed:
      return "new";
  }
  return "?";
}

const char* word_of(Status status) {
  switch (status) {
    case Status::proven:
      return "proven";
    case Status::deferred:
      return "deferred";
    case Status::stub:
      return "stub";
    case Status::axiom:
      return "axiom";
    case Status::informal:
      return "informal";
  }
  return "?";
}

const char* word_of(CheckKind kind) {
  switch (kind) {
    case CheckKind::identity:
      return "identity";
    case CheckKind::inequality:
      return "inequality";
    case CheckKind::counterexample:
      return "counterexample";
    case CheckKind::simulation:
      return "simulation";
  }
  return "?";
}

const Family* Catalogue::find_family(std::string_view id) const {
  const auto at = std::find_if(families.begin(), families.end(),
                               [&](const Family& family) { return family.id == id; });
  return at == families.end() ? nullptr : &*at;
}

const Entry* Catalogue::find_entry(std::string_view id) const {
  for (const Family& family : families) {
    for (const Entry& entry : family.entries) {
      if (entry.id == id) return &entry;
    }
  }
  return nullptr;
}

std::vector<const FormalStatement*> Catalogue::formal_of(const Entry& entry) const {
  std::vector<const FormalStatement*> found;
  for (const FormalStatement& row : formal) {
    if (row.entry == entry.id) found.push_back(&row);
  }
  return found;
}

std::vector<const Entry*> Catalogue::needed_by(const Entry& needed) const {
  std::vector<const Entry*> found;
  for (const Family& family : families) {
    for (const Entry& entry : family.entries) {
      const auto& ids = entry.depends_on;
      if (std::find(ids.begin(), ids.end(), needed.id) != ids.end()) found.push_back(&entry);
    }
  }
  return found;
}

Catalogue read_catalogue(std::span<const EmbeddedFile> files) {
  Catalogue out;
  for (const EmbeddedFile& file : files) {
    const Json json = parse_own_json(file);
    const RecordReader record(json, std::string(file.name));
    if (file.name == kStatusFile) {
      read_statuses(file, record, out);
    } else {
      out.families.push_back(read_family(record));
    }
  }
  check_internal(!out.families.empty() && !out.status_file.empty(),
                 "families and theorem_status.json are among the embedded files");
  std::sort(out.families.begin(), out.families.end(),
            [](const Family& a, const Family& b) { return a.order < b.order; });
  check_ids(out);
  return out;
}

const Catalogue& catalogue() {
  static const Catalogue kCatalogue = read_catalogue(embedded_theorems());
  return kCatalogue;
}

}  // namespace rg::theorems
