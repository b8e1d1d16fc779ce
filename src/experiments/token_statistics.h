// Does routing follow the token id or the context? Statistics over the selected sets of all
// measured positions of a domain, each with a jackknife over 20 blocks of consecutive windows.
#pragma once

#include <span>
#include <vector>

#include "experiments/common.h"
#include "experiments/token_index.h"
#include "stats/information.h"
#include "stats/jackknife.h"

namespace rg::experiments {

struct JackknifeValue {
  double value = kNaN;
  std::vector<double> leave_one_out = std::vector<double>(stats::kJackknifeBlocks, kNaN);
};

struct TokenStatisticsRow {  // of one layer
  JackknifeValue within, between, predictor, mi_token, mi_token_shuffled, mi_position,
      mi_position_shuffled;
};

class TokenStatistics {
 public:
  TokenStatistics(const Setting& setting, const TokenIndex& tokens);

  // `selected` (rows of the windows set, k), each row ascending.
  TokenStatisticsRow measure(std::span<const int32_t> selected, int threads) const;

  uint64_t frequent_ids() const { return frequent_ids_; }
  uint64_t frequent_occurrences() const { return frequent_occurrences_; }
  bool has_predictor() const { return documents_ >= 2; }
  uint64_t bytes() const;

 private:
  struct Labels {
    std::vector<uint32_t> of_token;  // (tokens)
    uint32_t count;
  };
  void measure_labels(std::span<const int32_t> selected, const Labels& labels,
                      JackknifeValue& information, TokenStatisticsRow* overlaps) const;
  void measure_predictor(std::span<const int32_t> selected, JackknifeValue& out) const;
  const int32_t* set_of(std::span<const int32_t> selected, size_t token) const;

  const Setting& setting_;
  const TokenIndex& index_;
  const uint32_t experts_, k_, positions_;
  const size_t windows_, tokens_;  // tokens: windows * T
  Labels by_id_, by_id_shuffled_, by_position_, by_position_shuffled_;
  std::vector<uint32_t> occurrences_;                 // of every id, over the measured positions
  std::vector<uint32_t> first_of_id_, tokens_by_id_;  // tokens of each id, ascending
  std::vector<uint8_t> fits_;  // (windows): its document is in the fitting half
  uint64_t frequent_ids_ = 0, frequent_occurrences_ = 0;
  size_t documents_ = 0;
  stats::CountLogs logs_;
};

}  // namespace rg::experiments
