// The theorem catalogue and its proof statuses as data: theorems/*.json and
// proofs/theorem_status.json, compiled into the program. Texts hold TeX between dollar signs.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.h"
#include "base/json.h"

namespace rg::theorems {

enum class Verdict { as_claimed, repaired, refuted, unclaimed };  // on a published sentence
enum class Status { proven, deferred, stub, axiom, informal };    // of a formal statement
enum class CheckKind { identity, inequality, counterexample, simulation };

inline constexpr std::array kVerdicts = {Verdict::as_claimed, Verdict::repaired, Verdict::refuted,
                                         Verdict::unclaimed};
inline constexpr std::array kStatuses = {Status::proven, Status::deferred, Status::stub,
                                         Status::axiom, Status::informal};
inline constexpr std::array kCheckKinds = {CheckKind::identity, CheckKind::inequality,
                                           CheckKind::counterexample, CheckKind::simulation};

// The words of the files: "true", "repaired", "false", "new"; "proven" and so on.
const char* word_of(Verdict verdict);
const char* word_of(Status status);
const char* word_of(CheckKind kind);

struct Claim {
  std::string claim, source;  // both empty for some that are unclaimed
  Verdict verdict;
  std::string why;
};

// The bound is not known to be attained: a wrong constant in it may be true as well.
struct Looseness {
  std::string why;       // what the nearest case is, and what the bound was made for
  std::string quantity;  // of the check's finding that measures the share
  double share;          // of the bound that the nearest known case reaches, in (0, 1)
};

struct NumericCheck {
  CheckKind kind;
  std::string computes, tolerance;
  std::optional<Looseness> loose;
};

struct ExperimentLink {
  std::string experiment;
  std::vector<std::string> fields;  // members of its results
};

struct Entry {
  std::string id;  // "KR-2"
  std::string title, sentence;
  std::vector<std::string> hypotheses;
  std::string statement;
  std::vector<Claim> claims;
  std::string proof_idea;
  std::vector<std::string> formal_names;  // Coq theorems; none: informal
  std::optional<std::string> difference;  // how the Coq statements differ from `statement`
  std::optional<std::string> gap;         // what part of `statement` is not formal, and why
  std::optional<NumericCheck> check;
  std::vector<ExperimentLink> experiments;
  std::vector<std::string> depends_on;  // ids
  Json record;                          // the entry as its file has it
};

struct Family {
  std::string id;  // "KR"
  int order;
  std::string name;
  std::vector<std::string> explanation;  // paragraphs
  std::vector<Entry> entries;
};

struct FormalStatement {
  std::string id, entry;  // "KR-6.a" of "KR-6"
  Status status;
  std::optional<std::string> name, file;  // file below proofs/
  std::optional<int> line;
  std::optional<std::string> statement;
  std::vector<std::string> assumptions;
  Json record;  // the row as the file has it
};

struct Catalogue {
  std::vector<Family> families;  // by order
  std::string sources_sha256;    // of what the statuses were derived from
  std::vector<FormalStatement> formal;
  std::string_view status_file;  // theorem_status.json, byte for byte

  const Family* find_family(std::string_view id) const;  // nullptr: no such family
  const Entry* find_entry(std::string_view id) const;
  std::vector<const FormalStatement*> formal_of(const Entry& entry) const;
  std::vector<const Entry*> needed_by(const Entry& entry) const;  // those that depend on it
};

// Reads the files, including theorem_status.json. A violated schema, a repeated id or an unknown id
// is RT070: the files are the program's own.
Catalogue read_catalogue(std::span<const EmbeddedFile> files);

const Catalogue& catalogue();  // from the embedded files; read once

}  // namespace rg::theorems
