// What every artifact has, whatever its test.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/inspector.h"

namespace rg::verify {

struct Header {
  std::string test;
  bool full = false;  // carries our extra fields; else the published contract alone
  uint64_t n_windows = 0;
  uint32_t seq_len = 0;
  uint32_t topk = 0;
  uint32_t experts = 0;  // 0 if the gate profile doesn't say
  std::optional<int> terminal_layer;
  std::vector<int> layers;    // measured, ascending
  std::vector<int> required;  // the artifact's list, or Options::required_layers
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
  bool terminal_measured;  // V3
};

Header read_header(Inspector& inspect, const At& root, const HeaderRules& rules);

// Top-level members of the contract; others are warnings, or errors with strict.
void check_members(Inspector& inspect, const At& root,
                   const std::vector<std::string_view>& of_this_test);
// Every null in the test's own members stands at or below a path that `null_reasons` names.
void check_nulls(Inspector& inspect, const At& root);
// body_sha256 against the body.
void check_digest(Inspector& inspect, const Document& document);
// Duplicated windows, copied layers, constant arrays: warnings (A9).
void warn_too_good(Inspector& inspect, const At& per_window, uint64_t n_windows);

}  // namespace rg::verify
