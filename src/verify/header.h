// What every artifact has, whatever its test.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "verify/inspector.h"

namespace rg::verify {

struct Header {
  std::string test;
  bool full = false;  // has any of routegauge's own fields; else a published artifact
  uint64_t n_windows = 0;
  uint32_t seq_len = 0;
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
};

enum class RequiredLayers {
  any,        // a non-empty subset of the measured layers
  all_later,  // attention_router: all but the first MoE layer; may be empty
};

struct HeaderRules {
  RequiredLayers required;
  bool terminal_measured;  // terminal_ovk_scan
  bool edge = false;       // measured on an edge; `model` is its reference, `other` its other end
};

Header read_header(Inspector& inspect, const At& root, const HeaderRules& rules);

// Whether any member beyond the published format is there. Such an artifact must meet all of
// routegauge's rules: removing the digest doesn't make it a published one.
bool carries_our_fields(const At& root, const std::string& test);
// What was measured with what: the profile of numbers, hashes of inputs and tensors, settings,
// program, notes, manifest; of a suite also its family.
void check_provenance(Inspector& inspect, const At& root);
// What was used of an edge's other checkpoint.
void check_other(Inspector& inspect, const At& root);
// The complete gate profile.
void check_gate_profile(Inspector& inspect, const At& gate, Header& header);

// Top-level members outside the format are warnings, or errors with strict.
void check_members(Inspector& inspect, const At& root,
                   const std::vector<std::string_view>& of_this_test);
// Every null in the test's own members is at or below a path that `null_reasons` names.
void check_nulls(Inspector& inspect, const At& root);
// body_sha256 against the body.
void check_digest(Inspector& inspect, const Document& document);
// Duplicated windows, copied layers, constant arrays: warnings.
void warn_too_good(Inspector& inspect, const At& per_window, uint64_t n_windows);
// Layers of whose positions more than 0.1 % are undefined: a warning. `counts_of` gives the place
// of a layer's array of undefined positions, if it has one.
void warn_undefined(Inspector& inspect, const std::function<At(int)>& counts_of,
                    const Header& header);

}  // namespace rg::verify
