// What every artifact has, whatever its test.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "verify/family.h"
#include "verify/inspector.h"

namespace rg::verify {

struct Header {
  std::string test;
  bool full = false;       // has any of routegauge's own fields; else a published artifact
  uint64_t n_windows = 0;  // with several domains: of the one that has fewest
  uint32_t seq_len = 0;    // 0 with several domains
  uint32_t topk = 0;
  uint32_t experts = 0;  // 0 if the gate profile doesn't say
  uint32_t groups = 1;   // of experts in the gate; 1 if the profile doesn't say
  uint32_t groups_kept = 1;
  std::string direction;  // of an edge: "AtoB" or "BtoA"; empty without one
  std::optional<int> terminal_layer;
  std::vector<int> moe_layers;  // all of the model, ascending; empty in a published artifact
  std::vector<int> layers;      // measured, ascending
  std::vector<int> required;    // the artifact's list, or Options::required_layers
  bool required_by_verifier = false;
  std::vector<uint32_t> documents;  // (windows) numbered by first window; empty if not stated
  uint32_t n_documents = 0;
  std::optional<uint32_t> replicates;  // summary.bootstrap
  std::optional<uint64_t> seed;
  Family family;  // empty unless the subject is a family
};

// What an artifact is about.
enum class Subject {
  model,   // one checkpoint or one edge, on the windows of one domain
  family,  // several checkpoints, on the windows of several domains; no layer is measured
  bundle,  // whole artifacts inside; it measures nothing itself
};

enum class RequiredLayers {
  none,       // no layer is measured
  any,        // a non-empty subset of the measured layers
  all_later,  // attention_router: all but the first MoE layer; may be empty
  with_keys,  // of experiments on keys: those that have keys, as judges check; may be empty
};

struct HeaderRules {
  Subject subject = Subject::model;
  RequiredLayers required;
  bool terminal_measured;  // terminal_ovk_scan
  bool edge = false;       // measured on an edge; `model` is its reference, `other` its other end
  bool one_input = true;   // on an edge: both gates decide on the reference's gate inputs
  bool declared_edges = true;  // of a family: `edges` lists the comparisons
  bool intervened = false;     // of a run with an intervention, as no other test's artifact is
  bool keys_changed = false;   // may be of a run with stored keys, as no other test's artifact is
  bool counts_by_window = false;  // per_window's arrays of all windows are counts of samples
};

Header read_header(Inspector& inspect, const At& root, const HeaderRules& rules);
// The parts of it that are particular to a subject (family_header.cc).
void read_family_header(Inspector& inspect, const At& root, const HeaderRules& rules,
                        Header& header);
void read_bundle_header(Inspector& inspect, const At& root, Header& header);
// Windows, their length and their documents: one domain's `data`.
void read_data(Inspector& inspect, const At& data, Header& header);
// Layer numbers, ascending, none twice.
std::vector<int> read_layers(Inspector& inspect, const At& list);
// topk, the number type of the scores, and of our artifacts the complete profile.
void read_gate(Inspector& inspect, const At& root, Header& header);
// summary.bootstrap; `windows` of all domains together, for the limits on work.
void read_bootstrap(Inspector& inspect, const At& root, uint64_t windows, Header& header);

// Whether any member beyond the published format is there. Such an artifact must meet all of
// routegauge's rules: removing the digest doesn't make it a published one.
bool carries_our_fields(const At& root, const std::string& test);
// What was measured with what: the profile of numbers, settings, check_sources, check_program; of
// a suite also its family.
void check_provenance(Inspector& inspect, const At& root);
// What was used of an edge's other checkpoint.
void check_other(Inspector& inspect, const At& root);
// Hashes of the inputs and tensors of one checkpoint; neither list is empty.
void check_sources(Inspector& inspect, const At& checkpoint);
// 64 lower-case hexadecimal digits.
void check_sha256(Inspector& inspect, const At& at);
// Program, notes, manifest.
void check_program(Inspector& inspect, const At& root);
// family{family_name, sha256}: the family file of a suite. Returns the name.
std::string read_family_reference(Inspector& inspect, const At& family);
// The complete gate profile.
void check_gate_profile(Inspector& inspect, const At& gate, Header& header);

// Top-level members outside the format are warnings, or errors with strict.
void check_members(Inspector& inspect, const At& root,
                   const std::vector<std::string_view>& of_this_test);
// Every null in the test's own members is at or below a path that `null_reasons` names.
void check_nulls(Inspector& inspect, const At& root);
// body_sha256 against the body.
void check_digest(Inspector& inspect, const At& root);
// Duplicated windows, copied layers, constant arrays: warnings.
void warn_too_good(Inspector& inspect, const At& per_window, uint64_t n_windows);
// Layers of whose positions more than 0.1 % are undefined: a warning. `counts_of` gives the place
// of a layer's array of undefined positions, if it has one.
void warn_undefined(Inspector& inspect, const std::function<At(int)>& counts_of,
                    const Header& header);

}  // namespace rg::verify
