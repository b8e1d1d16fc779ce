// The family file: which checkpoints belong together, which edges between them are judged, on which
// texts, by which thresholds. It is written before anything is measured, and its hash stands in
// every artifact of the run. schema/family.schema.json; docs/commands.md describes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "text/windows.h"

namespace rg::lab {

struct Family {
  struct Member {
    std::string name;      // in artifacts
    std::string argument;  // as --model takes it; a path relative to the file is resolved
  };
  struct Edge {
    size_t from, to;                               // indices into members
    std::string name(const Family& family) const;  // "base__to__t1"
  };

  // Runs with frozen layers, and a comparison, for kl_bounded_adaptation.
  struct Adaptation {
    std::vector<Member> runs, comparison;
    std::filesystem::path registration;
    text::DomainSpec eval, base;  // drift is measured on one, forgetting on the other
    uint32_t windows = 1000, seq_len = 128;
  };

  std::string name;
  std::string sha256;            // of the file's bytes
  std::vector<Member> members;   // the base first, then its descendants in the file's order
  std::vector<Member> siblings;  // other models, for terminal_tracking alone
  std::vector<Edge> edges;
  std::vector<text::DomainSpec> domains;
  // What a run without a family takes from the command line.
  std::optional<uint32_t> windows = 200;
  uint32_t seq_len = 256;
  uint64_t seed = 0;
  uint32_t bootstrap = 2000;
  std::optional<std::vector<int>> layers;           // measured; none: every MoE layer
  std::optional<std::vector<int>> required_layers;  // none: the measured ones
  uint32_t min_distinct_terminals = 2;
  std::optional<Adaptation> adaptation;
};

// FA001 for a file of another form, FA002 for names or edges that don't fit; IO0xx, JS00x.
Family read_family(const std::filesystem::path& file);

}  // namespace rg::lab
