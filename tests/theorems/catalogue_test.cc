// The embedded catalogue is whole, agrees with the checks, and anything malformed in it is seen.
#include "theorems/catalogue.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/utf8.h"
#include "support/caught.h"
#include "theorems/check.h"

namespace rg::theorems {
namespace {

const std::string kFamily = R"({
  "schema_version": 1,
  "family": {"id": "AA", "order": 2, "name": "First", "explanation": ["Why."]},
  "entries": [
    {"id": "AA-1", "title": "One", "sentence": "It is.", "hypotheses": ["$x$"], "statement": "$x=x$",
     "claims": [{"verdict": "repaired", "claim": "c", "source": "s", "why": "w"},
                {"verdict": "new", "why": "w"}],
     "proof_idea": "p", "formal": {"theorems": ["AA_1_one"], "difference": null, "gap": null},
     "check": {"kind": "identity", "computes": "c", "tolerance": "0",
               "loose": {"why": "l", "quantity": "q", "share": 0.2}},
     "experiments": [{"experiment": "expert_load", "fields": ["f"]}], "depends_on": []},
    {"id": "AA-2", "title": "Two", "sentence": "It is.", "hypotheses": [], "statement": "$y$",
     "claims": [{"verdict": "new", "why": "w"}], "proof_idea": "p",
     "formal": {"theorems": [], "difference": null, "gap": "no measure theory"}, "check": null,
     "experiments": [], "depends_on": ["AA-1"]}]})";
const std::string kOther = R"({
  "schema_version": 1,
  "family": {"id": "BB", "order": 1, "name": "Second", "explanation": ["Why."]},
  "entries": [
    {"id": "BB-1", "title": "One", "sentence": "It is.", "hypotheses": [], "statement": "$y$",
     "claims": [{"verdict": "false", "claim": "c", "source": "s", "why": "w"}], "proof_idea": "p",
     "formal": {"theorems": [], "difference": null, "gap": "not yet"}, "check": null, "experiments": [],
     "depends_on": ["AA-1", "AA-2"]}]})";
const std::string kStatuses = R"({"schema_version": 1, "sources_sha256": "ab", "theorems": [
  {"id": "AA-1.a", "entry": "AA-1", "status": "deferred", "name": "AA_1_one", "file": "A.v",
   "line": 3, "statement": "Theorem AA_1_one.", "assumptions": ["Missing.x_statement"]},
  {"id": "AA-2", "entry": "AA-2", "status": "informal", "name": null, "file": null, "line": null,
   "statement": null, "assumptions": []}]})";

Catalogue read(const std::string& family, const std::string& statuses) {
  const std::vector<EmbeddedFile> files = {
      {"a.json", family}, {"b.json", kOther}, {"theorem_status.json", statuses}};
  return read_catalogue(files);
}

TEST(Catalogue, ReadsEveryMember) {
  const Catalogue catalogue = read(kFamily, kStatuses);
  ASSERT_EQ(catalogue.families.size(), 2u);
  EXPECT_EQ(catalogue.families[0].id, "BB");  // by order, not by file
  EXPECT_EQ(catalogue.families[1].explanation, std::vector<std::string>{"Why."});
  const Entry& one = *catalogue.find_entry("AA-1");
  EXPECT_EQ(one.title, "One");
  EXPECT_EQ(one.hypotheses, std::vector<std::string>{"$x$"});
  EXPECT_EQ(one.claims[0].verdict, Verdict::repaired);
  EXPECT_EQ(one.claims[0].source, "s");
  EXPECT_EQ(one.claims[1].claim, "");
  EXPECT_EQ(one.check->kind, CheckKind::identity);
  ASSERT_TRUE(one.check->loose);
  EXPECT_EQ(one.check->loose->why, "l");
  EXPECT_EQ(one.check->loose->quantity, "q");
  EXPECT_EQ(one.check->loose->share, 0.2);
  EXPECT_EQ(one.experiments[0].fields, std::vector<std::string>{"f"});
  EXPECT_EQ(one.formal_names, std::vector<std::string>{"AA_1_one"});
  EXPECT_EQ(one.difference, std::nullopt);
  EXPECT_EQ(one.gap, std::nullopt);
  EXPECT_EQ(catalogue.find_entry("AA-2")->gap, "no measure theory");
  EXPECT_EQ(catalogue.find_entry("AA-2")->check, std::nullopt);
  EXPECT_EQ(catalogue.find_entry("AA-3"), nullptr);
  EXPECT_EQ(catalogue.find_family("CC"), nullptr);
  const auto formal = catalogue.formal_of(one);
  ASSERT_EQ(formal.size(), 1u);
  EXPECT_EQ(formal[0]->status, Status::deferred);
  EXPECT_EQ(formal[0]->line, 3);
  EXPECT_EQ(catalogue.needed_by(one).size(), 2u);
  EXPECT_EQ(catalogue.needed_by(one)[0]->id, "BB-1");
  EXPECT_EQ(catalogue.sources_sha256, "ab");
  EXPECT_EQ(catalogue.status_file, kStatuses);
  EXPECT_EQ(one.record.at("title"), "One");
}

struct Damage {
  const char *from, *to;
};

std::string damaged(std::string text, const Damage& damage) {
  const size_t at = text.find(damage.from);
  EXPECT_NE(at, std::string::npos) << damage.from;
  return text.replace(at, std::string(damage.from).size(), damage.to);
}

TEST(Catalogue, AnythingMalformedIsOurBug) {
  for (const Damage& damage : std::initializer_list<Damage>{
           {"\"schema_version\": 1", "\"schema_version\": 2"},
           {"\"order\": 2", "\"order\": 1"},
           {"\"order\": 2", "\"order\": \"2\""},
           {"\"order\": 2", "\"order\": 2.5"},
           {"\"order\": 2", "\"order\": 0"},
           {"\"id\": \"AA\"", "\"id\": \"CC\""},
           {"\"id\": \"AA-2\"", "\"id\": \"AA-1\""},
           {"\"title\": \"One\"", "\"title\": \"\""},
           {"\"title\": \"One\"", "\"title\": 1"},
           {"\"title\": \"One\", ", ""},
           {"\"title\": \"One\"", "\"title\": \"One\", \"subtitle\": \"x\""},
           {"\"title\": \"One\"", "\"title\": \"One\", \"title\": \"One\""},
           {"\"repaired\"", "\"mended\""},
           {"\"source\": \"s\", ", ""},
           {"[{\"verdict\": \"new\", \"why\": \"w\"}]", "[]"},
           {"[\"$x$\"]", "[\"\"]"},
           {"[\"$x$\"]", "\"$x$\""},
           {"\"identity\"", "\"equality\""},
           {"\"check\": null", "\"check\": 0"},
           {"\"share\": 0.2", "\"share\": 0"},
           {"\"share\": 0.2", "\"share\": 1"},
           {"\"share\": 0.2", "\"share\": \"0.2\""},
           {"\"why\": \"l\"", "\"why\": \"\""},
           {"\"quantity\": \"q\", ", ""},
           {"\"loose\": {", "\"loose\": {\"factor\": 5, "},
           {"\"loose\": {\"why\": \"l\", \"quantity\": \"q\", \"share\": 0.2}", "\"loose\": 0.2"},
           {"\"depends_on\": [\"AA-1\"]", "\"depends_on\": [\"AA-9\"]"},
           {"\"depends_on\": [\"AA-1\"]", "\"depends_on\": [\"AA-2\"]"},
           {"\"entries\": [",
            "\"entries\": ["
            "7, "},
           {"{", "["},
           {"}]}", "}]"}}) {
    EXPECT_EQ(test::caught([&] { read(damaged(kFamily, damage), kStatuses); }).id, ErrorId::RT070)
        << damage.to;
  }
}

TEST(Catalogue, MalformedStatusesAreOurBug) {
  for (const Damage& damage : std::initializer_list<Damage>{
           {"\"schema_version\": 1", "\"schema_version\": 0"},
           {"\"sources_sha256\": \"ab\", ", ""},
           {"\"entry\": \"AA-1\"", "\"entry\": \"AA-9\""},
           {"\"deferred\"", "\"proved\""},
           {"\"line\": 3", "\"line\": 0"},
           {"\"id\": \"AA-2\", \"entry\": \"AA-2\"", "\"id\": \"AA_1_one\", \"entry\": \"AA-2\""},
           {"\"assumptions\": []", "\"assumptions\": null"},
           {"\"assumptions\": []", "\"assumptions\": [], \"proof\": \"x\""}}) {
    EXPECT_EQ(test::caught([&] { read(kFamily, damaged(kStatuses, damage)); }).id, ErrorId::RT070)
        << damage.to;
  }
  const std::vector<EmbeddedFile> without = {{"a.json", kFamily}, {"b.json", kOther}};
  EXPECT_EQ(test::caught([&] { read_catalogue(without); }).id, ErrorId::RT070);
  const std::vector<EmbeddedFile> alone = {{"theorem_status.json", kStatuses}};
  EXPECT_EQ(test::caught([&] { read_catalogue(alone); }).id, ErrorId::RT070);
}

TEST(OwnCatalogue, IsReadWhole) {
  const Catalogue& own = catalogue();
  EXPECT_FALSE(own.families.empty());
  EXPECT_FALSE(own.formal.empty());
  EXPECT_EQ(own.sources_sha256.size(), 64u);
}

TEST(OwnCatalogue, NamesTheTheoremsThatHaveAStatus) {
  std::set<std::string> named, judged;
  for (const Family& family : catalogue().families) {
    for (const Entry& entry : family.entries) {
      named.insert(entry.formal_names.begin(), entry.formal_names.end());
      EXPECT_FALSE(catalogue().formal_of(entry).empty()) << entry.id;
    }
  }
  for (const FormalStatement& row : catalogue().formal) {
    if (row.name) judged.insert(*row.name);
  }
  for (const std::string& name : named) {
    EXPECT_TRUE(judged.contains(name)) << name << " has no status; make theorem-status";
  }
  for (const std::string& name : judged) {
    EXPECT_TRUE(named.contains(name)) << name << " is of no entry; make theorem-status";
  }
}

TEST(OwnCatalogue, HoldsNothingThatATerminalWouldObey) {
  const auto check = [](std::string_view name, const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Step step = decode_utf8(text, at);
      EXPECT_TRUE(step.valid && (step.code_point == U'\n' || !is_hidden(step.code_point)))
          << name << " at byte " << at;
      at += step.bytes;
    }
  };
  for (const Family& family : catalogue().families) {
    check(family.id, family.name);
    for (const std::string& text : family.explanation) check(family.id, text);
    for (const Entry& entry : family.entries) {
      const auto texts = [&](const auto& self, const Json& value) -> void {
        if (value.is_string()) check(entry.id, value.get<std::string>());
        if (value.is_structured()) {
          for (const Json& item : value) self(self, item);
        }
      };
      texts(texts, entry.record);
    }
  }
  for (const FormalStatement& row : catalogue().formal) check(row.id, row.statement.value_or(""));
}

// One check for every entry that has one in the catalogue, in its order, and none besides.
TEST(OwnCatalogue, HasTheChecksThatTheProgramRuns) {
  std::vector<std::string> promised, run;
  for (const Family& family : catalogue().families) {
    for (const Entry& entry : family.entries) {
      if (entry.check) promised.push_back(entry.id);
    }
  }
  for (const Check& check : all_checks()) run.emplace_back(check.id);
  EXPECT_EQ(promised, run);
}

// A bound called loose says by how much, and its check measures just that.
TEST(OwnCatalogue, MeasuresWhatItCallsLoose) {
  std::vector<std::string> loose;
  for (const Check& check : all_checks()) {
    const Entry& entry = *catalogue().find_entry(check.id);
    if (!entry.check->loose) continue;
    loose.push_back(entry.id);
    const Findings findings = run_check(check, 0);
    int measured = 0;
    for (const Finding& finding : findings.list()) {
      if (finding.quantity != entry.check->loose->quantity) continue;
      ++measured;
      EXPECT_TRUE(finding.holds) << entry.id;
      EXPECT_EQ(finding.relation, Relation::equal) << entry.id;
      EXPECT_NEAR(finding.bound / entry.check->loose->share, 1, 0.01) << entry.id;
    }
    EXPECT_GE(measured, 1) << entry.id << ": " << entry.check->loose->quantity;
  }
  EXPECT_EQ(loose, (std::vector<std::string>{"IF-6", "IF-7", "LH-6", "GS-4"}));
}

}  // namespace
}  // namespace rg::theorems
