#include "import_rate.h"

#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "clock.h"
#include "logs/checks/check.h"
#include "logs/readers/reader.h"
#include "logs/record_file.h"

namespace rg::bench {
namespace {

constexpr uint32_t kLayers = 16, kExperts = 64, kTopK = 8, kSequenceRows = 256;
constexpr uint32_t kSequences = 1526;  // 100 MB of 16-bit ids
constexpr uint32_t kVocabulary = 50'000;
constexpr uint64_t kSeed = 7;

// Choices that follow from the token, more often low experts than high ones, never twice the same.
logs::Record random_log() {
  logs::Record record;
  record.model = "random";
  record.rows = kSequences * kSequenceRows;
  record.k = kTopK;
  record.experts = kExperts;
  record.positions_stated = true;
  record.phase.assign(record.rows, logs::Phase::prefill);
  for (uint32_t row = 0; row < record.rows; ++row) {
    record.tokens.push_back(
        static_cast<int32_t>(draw_below(kVocabulary, kSeed, Purpose::audit, {row, 0, 0})));
    record.sequence.push_back(static_cast<int32_t>(row / kSequenceRows));
    record.position.push_back(static_cast<int32_t>(row % kSequenceRows));
  }
  for (uint32_t layer = 0; layer < kLayers; ++layer) {
    logs::LayerLog& log = record.layers.emplace_back();
    log.layer = static_cast<int>(layer);
    log.ids.reserve(size_t{record.rows} * kTopK);
    for (uint32_t row = 0; row < record.rows; ++row) {
      const uint32_t drawn = draw_below(
          kExperts * kExperts, kSeed, Purpose::audit,
          {static_cast<uint32_t>(record.tokens[row]), row % 3, static_cast<uint16_t>(layer + 1)});
      const uint32_t first = drawn / kExperts * (drawn % kExperts) / kExperts;
      const uint32_t step = 2 * (drawn % 16) + 1;  // odd: 8 steps meet 8 experts
      for (uint32_t i = 0; i < kTopK; ++i) {
        log.ids.push_back(static_cast<int32_t>((first + i * step) % kExperts));
      }
    }
  }
  return record;
}

}  // namespace

ImportRate import_rate(const std::filesystem::path& folder, int threads) {
  const std::filesystem::path at = folder / "random-log";
  logs::write_record(random_log(), at, "bench");
  const std::optional<logs::ModelFacts> no_model;
  const double start = seconds_now();
  const logs::Record record = logs::read_log_file(at, {.format = {},
                                                       .fields = {},
                                                       .layers = {},
                                                       .model = {},
                                                       .top_k = {},
                                                       .experts = {},
                                                       .axes = {},
                                                       .threads = threads});
  const logs::Census census = logs::take_census(record, 0, threads);
  const auto outcomes = logs::run_checks({.record = record,
                                          .census = census,
                                          .model = no_model,
                                          .thresholds = {},
                                          .threads = threads});
  const double seconds = seconds_now() - start;
  check_internal(outcomes.size() == logs::checks().size(), "every check ran");
  std::filesystem::remove_all(at);
  return {seconds, 2.0 * record.rows * kLayers * kTopK};
}

}  // namespace rg::bench
