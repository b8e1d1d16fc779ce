// What every artifact has, whatever its test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/inspector.h"

namespace rg::verify {

struct Header {
  std::string test;
  bool full = false;  // carries any of our fields; else the published contract alone
  uint64_t n_windows = 0;
  uint32_t seq_len = 0;
  uint32_t topk = 0;
  uint32_t experts = 0;  // 0 if the gate profile doesn't say
  uint32_t groups = 1;   // of experts in the gate; 1 if the profile doesn't say
  uint32_t groups_kept = 1;
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
};

Header read_header(Inspector& inspect, const At& root, const HeaderRules& rules);

// Whether any member beyond the published contract is there, which makes the artifact one of ours
// with every duty of ours: a digest taken out doesn't make it a published one.
bool carries_our_fields(const At& root, const std::string& test);
// What was measured with what: the profile of numbers, hashes of inputs and tensors, settings,
// program, notes, manifest.
void check_provenance(Inspector& inspect, const At& root);
// The gate profile whole.
void check_gate_profile(Inspector& inspect, const At& gate, Header& header);

// Top-level members of the contract; others are warnings, or errors with strict.
void check_members(Inspector& inspect, const At& root,
                   const std::vector<std::string_view>& of_this_test);
// Every null in the test's own members is at or below a path that `null_reasons` names.
void check_nulls(Inspector& inspect, const At& root);
// body_sha256 against the body.
void check_digest(Inspector& inspect, const Document& document);
// Duplicated windows, copied layers, constant arrays: warnings.
void warn_too_good(Inspector& inspect, const At& per_window, uint64_t n_windows);
// Layers of whose positions more than 0.1 % are undefined, by `n_undefined`: a warning.
void warn_undefined(Inspector& inspect, const At& per_window, const Header& header);

}  // namespace rg::verify
