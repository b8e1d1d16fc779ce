// Who takes part in an artifact of several checkpoints, and on which windows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rg::verify {

// One domain. All checkpoints see the same windows of it; another domain has others, and may have
// more or fewer.
struct DomainWindows {
  std::string name;
  uint64_t n_windows = 0;
  uint32_t seq_len = 0;
  std::vector<uint32_t> documents;  // (windows) numbered by first window; empty if not stated
  uint32_t n_documents = 0;
};

// A comparison declared in advance: `to` minus `from`.
struct FamilyEdge {
  std::string from, to;
  std::string key() const { return from + "__to__" + to; }
};

struct Family {
  std::string name;
  std::vector<std::string> checkpoints;  // the base first
  std::vector<DomainWindows> domains;    // in the order of `domains`
  std::vector<FamilyEdge> edges;         // in the order of `edges`

  const std::string& base() const { return checkpoints.front(); }
};

}  // namespace rg::verify
