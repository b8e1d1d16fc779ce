#include "experiments/attention_tables.h"

#include <string>

namespace rg::experiments {
namespace {

Json jackknife_block(const JackknifeValue& value, size_t windows, Nulls& nulls,
                     const std::string& path) {
  const auto interval = windows < stats::kJackknifeBlocks
                            ? std::nullopt
                            : stats::jackknife_interval(value.value, value.leave_one_out);
  return {{"value", nulls.number(value.value, path, "no token id is frequent enough")},
          {"leave_one_out",
           nulls.array(value.leave_one_out, path, "nothing is left without this block")},
          {"ci95", interval_json(interval, nulls, path)}};
}

Json information_block(const JackknifeValue& own, const JackknifeValue& shuffled, size_t windows,
                       Nulls& nulls, const std::string& path) {
  JackknifeValue difference;
  difference.value = own.value - shuffled.value;
  for (size_t b = 0; b < stats::kJackknifeBlocks; ++b) {
    difference.leave_one_out[b] = own.leave_one_out[b] - shuffled.leave_one_out[b];
  }
  return {{"value", nulls.number(own.value, path, "there is no token")},
          {"shuffled", nulls.number(shuffled.value, path, "there is no token")},
          {"difference", jackknife_block(difference, windows, nulls, path)}};
}

}  // namespace

Json token_json(const AttentionRecords& records, size_t slot, Nulls& nulls) {
  const TokenStatisticsRow& row = records.token_rows[slot];
  const size_t n = records.setting.windows->sequences();
  const std::string path = "token_id." + layer_key(records.setting.layers[slot]);
  Json predictor =
      records.token_statistics.has_predictor()
          ? jackknife_block(row.predictor, n, nulls, path + ".predictor")
          : nulls.null(path + ".predictor", "one document cannot be split into two halves");
  return {{"ids", records.token_statistics.frequent_ids()},
          {"occurrences", records.token_statistics.frequent_occurrences()},
          {"within", jackknife_block(row.within, n, nulls, path + ".within")},
          {"between", jackknife_block(row.between, n, nulls, path + ".between")},
          {"predictor", std::move(predictor)},
          {"mi_token",
           information_block(row.mi_token, row.mi_token_shuffled, n, nulls, path + ".mi_token")},
          {"mi_position", information_block(row.mi_position, row.mi_position_shuffled, n, nulls,
                                            path + ".mi_position")}};
}

Json geometry_json(const GateGeometry& geometry) {
  return {{"singular_values", geometry.singular_values},
          {"entropy_rank", geometry.entropy_rank},
          {"rank95", geometry.rank95},
          {"rank95_share", static_cast<double>(geometry.rank95) /
                               static_cast<double>(geometry.singular_values.size())},
          {"cosine",
           {{"mean", geometry.mean_cosine},
            {"mean_abs", geometry.mean_abs_cosine},
            {"min", geometry.min_cosine},
            {"max", geometry.max_cosine}}}};
}

}  // namespace rg::experiments
