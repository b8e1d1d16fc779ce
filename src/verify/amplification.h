// Statistics of boundary_amplification: how much more of the disagreement the strata hold than an
// even spread, how it runs over the margin deciles, and what of both holds in any set of windows.
#pragma once

#include <span>

#include "verify/boundary_arrays.h"
#include "verify/joint_test.h"

namespace rg::verify::boundary {

// One layer of an artifact.
struct LayerFinding {
  bool a = false;                        // some stratum holds more than an even spread gives
  bool b = false;                        // disagreement never rises from decile to decile
  std::optional<double> rise;            // b_violation
  std::vector<double> replicated_rises;  // the same in every replicate that has two deciles
  JointTest joint;                       // of (a) over the strata
  std::optional<size_t> best;            // the stratum with the largest ratio
  std::optional<double> ratio;           // its mean share over the mean of an even spread
  std::optional<std::string> degenerate;
};

class Amplification {
 public:
  Amplification(const Case& c, const std::map<int, LayerRecord>& record);

  Analysis& analysis() { return analysis_; }
  std::span<const uint32_t> windows() const { return windows_; }  // all of them
  const LayerFinding& finding(int layer) const { return findings_.at(layer); }

  // By these windows; `sample` is a bootstrap of them.
  Verdict judge(const Sample& sample, std::span<const uint32_t> windows,
                edge::Baseline baseline) const;
  // Whether one replicate lies on the passing side of (a) and (b) at every required layer.
  bool supports(const Sample& sample, size_t b) const;

  void claim_layer(Claims& claims, int layer) const;
  // (a) at its clearest stratum, and (b).
  void add_criteria(int layer);

 private:
  struct LayerColumns {
    edge::LayerExcess excess;
    ColumnId disagreement;
    std::array<ColumnId, kDeciles> mass, tokens;  // of the deciles; unused where published
  };

  LayerColumns add_layer(const LayerRecord& of);
  LayerFinding find(int layer) const;
  // Some stratum's interval lies above 0.
  bool exceeds(const Sample& sample, int layer, edge::Baseline baseline) const;
  // Some stratum's mean does in this replicate; none where no defined window was drawn.
  std::optional<bool> any_above(const Sample& sample, int layer, edge::Baseline baseline,
                                size_t b) const;
  // Share of the replicates in which one does.
  std::optional<double> probability(int layer, edge::Baseline baseline) const;
  // Mean disagreement of the non-empty deciles.
  std::vector<double> disagreement(int layer, std::span<const uint32_t> windows) const;
  std::vector<double> replicated_disagreement(const Sample& sample, int layer, size_t b) const;
  // Why the question has no answer in these windows, if it has none.
  std::optional<std::string> degenerate(int layer, std::span<const uint32_t> windows) const;
  void claim_reference(Claims& claims, int layer) const;

  const Case& c_;
  const std::map<int, LayerRecord>& record_;
  Analysis analysis_;
  std::vector<uint32_t> windows_;
  std::map<int, LayerColumns> columns_;
  std::map<int, LayerFinding> findings_;
};

}  // namespace rg::verify::boundary
