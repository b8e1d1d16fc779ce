// For every check a faulty log that only it flags, and a clean twin that none flags.
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <set>

#include "logs/synthetic.h"

namespace rg::logs::testing {
namespace {

// A log, and the model it is checked against.
struct Case {
  Record record;
  std::optional<ModelFacts> model;
};

// Made once for each of the two shapes: with logits, or not.
Case sound(LogShape shape = {}) {
  static const Record plain = make_log({});
  static const Record with_logits = make_log({.sequences = 6, .logits = true});
  return {shape.logits ? with_logits : plain, facts_of(shape)};
}

void drop_weights(Record& record) {
  for (LayerLog& log : record.layers) log.weights.clear();
}

// Rows `from` of a record put before row `at`, for every array.
void insert_copies(Record& record, uint32_t from, uint32_t at, uint32_t copies) {
  const auto repeat = [&](auto& values, size_t columns) {
    if (values.empty()) return;
    std::remove_reference_t<decltype(values)> row(
        values.begin() + static_cast<ptrdiff_t>(from * columns),
        values.begin() + static_cast<ptrdiff_t>((from + 1) * columns));
    for (uint32_t i = 0; i < copies; ++i) {
      values.insert(values.begin() + static_cast<ptrdiff_t>(at * columns), row.begin(), row.end());
    }
  };
  for (LayerLog& log : record.layers) {
    repeat(log.ids, record.k);
    repeat(log.weights, record.k);
    repeat(log.logits, record.logit_columns);
  }
  repeat(record.tokens, 1);
  repeat(record.sequence, 1);
  repeat(record.position, 1);
  repeat(record.phase, 1);
  record.rows += copies;
}

// Start-up rows: one dummy token as a sequence of its own, at the start.
Case with_start_up(uint32_t rows) {
  Case log = sound();
  for (int32_t& sequence : log.record.sequence) ++sequence;
  insert_copies(log.record, 5, 0, rows);
  for (uint32_t row = 0; row < rows; ++row) {
    log.record.sequence[row] = 0;
    log.record.position[row] = static_cast<int32_t>(row);
  }
  return log;
}

// Padding of `rows` rows at the end of every sequence, experts 0 to k-1 or 0.
Case with_padding(uint32_t rows, bool zeros) {
  Case log = sound();
  Record& record = log.record;
  const uint32_t length = record.rows / record.sequences();
  for (int32_t s = static_cast<int32_t>(record.sequences()) - 1; s >= 0; --s) {
    const uint32_t end = static_cast<uint32_t>(s + 1) * length;
    insert_copies(record, end - 1, end, rows);
    for (uint32_t row = end; row < end + rows; ++row) {
      record.position[row] = static_cast<int32_t>(length + row - end);
      record.tokens[row] = 0;
      for (LayerLog& layer : record.layers) {
        for (uint32_t i = 0; i < record.k; ++i) {
          layer.ids[row * record.k + i] = zeros ? 0 : static_cast<int32_t>(i);
        }
      }
    }
  }
  return log;
}

// What a copy of memory without strides makes of the first k columns of rankings of all E experts.
Case with_wrong_strides() {
  const LogShape shape;
  Case log = sound(shape);
  Record& record = log.record;
  drop_weights(record);
  for (size_t layer = 0; layer < record.layers.size(); ++layer) {
    std::vector<int32_t>& ids = record.layers[layer].ids;
    for (uint32_t block = 0; block * shape.experts < ids.size(); ++block) {
      const std::vector<float> logits =
          logits_of(shape, static_cast<uint32_t>(layer),
                    static_cast<uint32_t>(record.tokens[block]), 3, block);
      std::vector<int32_t> ranking(shape.experts);
      std::iota(ranking.begin(), ranking.end(), 0);
      std::sort(ranking.begin(), ranking.end(), [&](int32_t a, int32_t b) {
        return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
      });
      std::copy(ranking.begin(), ranking.end(), ids.begin() + block * shape.experts);
    }
  }
  return log;
}

void renormalise(Record& record) {
  for (LayerLog& log : record.layers) {
    for (size_t at = 0; at < log.weights.size(); at += record.k) {
      float sum = 0;
      for (size_t i = 0; i < record.k; ++i) sum += log.weights[at + i];
      for (size_t i = 0; i < record.k; ++i) log.weights[at + i] /= sum;
    }
  }
}

void sort_ids(Record& record) {
  for (LayerLog& log : record.layers) {
    for (size_t at = 0; at < log.ids.size(); at += record.k) {
      std::sort(log.ids.begin() + static_cast<ptrdiff_t>(at),
                log.ids.begin() + static_cast<ptrdiff_t>(at + record.k));
    }
  }
}

void double_rows(Record& record) {
  const auto twice = [](auto& values) {
    auto copy = values;
    values.insert(values.end(), copy.begin(), copy.end());
  };
  const auto sequences = static_cast<int32_t>(record.sequences());
  for (LayerLog& log : record.layers) {
    twice(log.ids);
    twice(log.weights);
  }
  twice(record.tokens);
  twice(record.position);
  twice(record.phase);
  const size_t rows = record.sequence.size();
  twice(record.sequence);
  for (size_t row = rows; row < 2 * rows; ++row) record.sequence[row] += sequences;
  record.rows *= 2;
}

void shift_tokens(Record& record, int by) {
  const auto rows = static_cast<ptrdiff_t>(record.tokens.size());
  std::rotate(record.tokens.begin(), record.tokens.begin() + (by + rows) % rows,
              record.tokens.end());
}

struct Pair {
  std::string id;
  std::function<Case()> faulty, twin;
};

std::vector<Pair> pairs() {
  const auto changed = [](const std::function<void(Case&)>& change, LogShape shape = {}) {
    return [change, shape] {
      Case log = sound(shape);
      change(log);
      return log;
    };
  };
  const LogShape with_logits = {.sequences = 6, .logits = true};
  return {
      {"L1", changed([](Case& log) { log.record.layers[2].ids[41] = 16; }),
       changed([](Case& log) {  // a whole row that wasn't recorded, at all layers
         for (LayerLog& layer : log.record.layers) {
           std::fill_n(layer.ids.begin(), 4, kAbsent);
         }
         log.record.left_out = {{0, 0}};
       })},
      {"L2", changed([](Case& log) { log.record.layers[1].ids[9] = log.record.layers[1].ids[8]; }),
       changed([](Case& log) { log.record.layers[1].ids[12] = log.record.layers[1].ids[8]; })},
      {"L3", changed([](Case& log) { log.model->gate.top_k = 6u; }), [] { return sound(); }},
      {"L4", changed([](Case& log) { renormalise(log.record); }),
       changed([](Case& log) {  // a gate that does normalise
         renormalise(log.record);
         log.model->gate.normalise = gate::Normalise::by_sum;
       })},
      {"L5", changed([](Case& log) {
         drop_weights(log.record);
         sort_ids(log.record);
       }),
       changed([](Case& log) { drop_weights(log.record); })},
      {"L6", [] { return with_start_up(60); }, [] { return with_start_up(16); }},
      {"L7", changed([](Case& log) {
         for (int32_t& position : log.record.position) position += 12;
       }),
       changed([](Case& log) { log.record.sequence_tokens.assign(log.record.sequences(), 100); })},
      {"L8", changed([](Case& log) { shift_tokens(log.record, 1); }),
       changed([](Case& log) { log.record.tokens.clear(); })},
      {"L9", [] { return with_padding(9, false); }, [] { return with_padding(0, false); }},
      {"L9", [] { return with_padding(9, true); }, [] { return with_padding(0, true); }},
      {"L10", [] { return with_wrong_strides(); },
       changed([](Case& log) { drop_weights(log.record); })},
      {"L10",
       changed([](Case& log) {  // even counts, as of no trained router
         drop_weights(log.record);
         for (size_t layer = 0; layer < log.record.layers.size(); ++layer) {
           for (uint32_t row = 0; row < log.record.rows; ++row) {
             const std::vector<uint32_t> drawn =
                 draw_subset(16, 4, 9, Purpose::audit, row, static_cast<uint32_t>(layer));
             std::copy(drawn.begin(), drawn.end(),
                       log.record.layers[layer].ids.begin() + static_cast<ptrdiff_t>(row * 4));
           }
         }
       }),
       [] { return sound(); }},
      {"L11", changed([](Case& log) {
         log.record.layers[4].ids = log.record.layers[2].ids;
         log.record.layers[4].weights = log.record.layers[2].weights;
       }),
       changed([](Case& log) {  // nine rows in ten
         const size_t some = log.record.layers[2].ids.size() * 9 / 10;
         std::copy_n(log.record.layers[2].ids.begin(), some, log.record.layers[4].ids.begin());
         std::copy_n(log.record.layers[2].weights.begin(), some,
                     log.record.layers[4].weights.begin());
       })},
      {"L11", changed([](Case& log) {
         drop_weights(log.record);
         std::fill(log.record.layers[3].ids.begin(), log.record.layers[3].ids.end(), 0);
       }),
       changed([](Case& log) { drop_weights(log.record); })},
      {"L12", changed([](Case& log) { double_rows(log.record); }), changed([](Case& log) {
         double_rows(log.record);
         const std::vector<RowRange> one = {{0, 0}};
         log.record = without_rows(log.record, one);
       })},
      {"L13",
       changed(
           [](Case& log) {
             for (LayerLog& layer : log.record.layers) {
               for (size_t i = 0; i < layer.logits.size(); ++i) {
                 layer.logits[i] = test::normal_value(5, 5, static_cast<uint32_t>(i), 1);
               }
             }
           },
           with_logits),
       changed([](Case&) {}, with_logits)},
      {"L13", changed([](Case& log) { log.record.experts = log.model->width; }),
       [] { return sound(); }},
      {"L14", changed([](Case& log) {
         for (uint32_t row = 0; row < log.record.rows; ++row) {
           if (log.record.position[row] < 60) continue;
           log.record.phase[row] = Phase::decode;
           log.record.position[row] -= 60;
         }
       }),
       changed([](Case& log) {
         for (uint32_t row = 0; row < log.record.rows; ++row) {
           if (log.record.position[row] >= 60) log.record.phase[row] = Phase::decode;
         }
       })},
  };
}

TEST(LogChecks, OnlyItsOwnFaultAndNoCleanTwin) {
  std::set<std::string> covered;
  for (const Pair& pair : pairs()) {
    SCOPED_TRACE(pair.id);
    const Case faulty = pair.faulty(), twin = pair.twin();
    const auto outcomes = check_log(faulty.record, faulty.model);
    EXPECT_EQ(found_in(outcomes), pair.id);
    EXPECT_EQ(found_in(check_log(twin.record, twin.model)), "");
    covered.insert(pair.id);
    if (found_in(outcomes) != pair.id) continue;
    const Finding& finding = finding_of(outcomes, pair.id);
    EXPECT_FALSE(finding.found.empty() || finding.consequence.empty() || finding.repair.empty());
    EXPECT_FALSE(finding.evidence.empty());
    EXPECT_TRUE(
        std::is_sorted(finding.rows.begin(), finding.rows.end(),
                       [](const RowRange& a, const RowRange& b) { return a.last < b.first; }));
  }
  EXPECT_EQ(covered.size(), checks().size()) << "every check has a pair";
}

TEST(LogChecks, WithoutTheNamedRowsTheLogIsClean) {
  for (const Case& log : {with_start_up(60), with_padding(9, false), with_padding(3, true)}) {
    const auto outcomes = check_log(log.record, log.model);
    const std::vector<RowRange> rows = removable_rows(outcomes);
    ASSERT_GT(count_rows(rows), 0u);
    const Record cleaned = without_rows(log.record, rows);
    check_shapes(cleaned);
    EXPECT_EQ(cleaned.rows + count_rows(rows), log.record.rows);
    EXPECT_EQ(cleaned.left_out, rows);
    EXPECT_EQ(found_in(check_log(cleaned, log.model)), "");
  }
}

TEST(LogChecks, StartUpRowsAreNamedWithPlaceShareAndEffect) {
  const Case log = with_start_up(300);
  const auto outcomes = check_log(log.record, log.model);
  const Finding& finding = finding_of(outcomes, "L6");
  EXPECT_EQ(finding.severity, Severity::fault);
  EXPECT_EQ(finding.rows, (std::vector<RowRange>{{0, 299}}));
  EXPECT_NEAR(finding.evidence["share"].get<double>(), 300.0 / 1500.0, 1e-12);
  EXPECT_EQ(finding.evidence["place"], "at the start");
  ASSERT_TRUE(finding.effect.has_value());
  EXPECT_LT(finding.effect->with.entropy, finding.effect->without.entropy);
  EXPECT_GT(finding.effect->with.overlap, finding.effect->without.overlap);
}

TEST(LogChecks, ARunOfOneTokenIsNamedWhereRowsDiffer) {
  Case log = sound();
  std::fill_n(log.record.tokens.begin() + 300, 40, 5);
  const auto outcomes = check_log(log.record, std::nullopt);
  EXPECT_EQ(found_in(outcomes), "L6");
  EXPECT_EQ(finding_of(outcomes, "L6").rows, (std::vector<RowRange>{{300, 339}}));
}

TEST(LogChecks, RowsAreComparedWithTokens) {
  Case log = sound();
  const auto found = [&] { return finding_of(check_log(log.record, log.model), "L7").found; };
  log.record.sequence_tokens.assign(log.record.sequences(), 101);
  EXPECT_NE(found().find("the last row is missing"), std::string::npos);
  EXPECT_EQ(finding_of(check_log(log.record, log.model), "L7").severity, Severity::suspect);
  log.record.format = "engine";  // which has none for the token generated last
  EXPECT_EQ(found_in(check_log(log.record, log.model)), "");
  log.record.sequence_prompt.assign(log.record.sequences(), 20);
  log.record.sequence_tokens.assign(log.record.sequences(), 120);
  EXPECT_NE(found().find("prefill is missing"), std::string::npos);
  log.record.sequence_tokens.assign(log.record.sequences(), 150);
  EXPECT_NE(found().find("fewer rows than tokens, 600 in all"), std::string::npos);
  log.record.sequence_tokens.assign(log.record.sequences(), 90);
  EXPECT_NE(found().find("more rows than tokens"), std::string::npos);
}

TEST(LogChecks, DecodeWithoutPrefillAndLayersWithoutRowsAreNamed) {
  Case log = sound();
  std::fill(log.record.phase.begin(), log.record.phase.end(), Phase::decode);
  EXPECT_NE(finding_of(check_log(log.record, log.model), "L7").found.find("decode only"),
            std::string::npos);
  log = sound();
  std::fill_n(log.record.layers[2].ids.begin() + 40, 8, kAbsent);
  const auto outcomes = check_log(log.record, log.model);
  EXPECT_EQ(found_in(outcomes), "L7");
  EXPECT_EQ(finding_of(outcomes, "L7").rows, (std::vector<RowRange>{{10, 11}}));
  EXPECT_EQ(finding_of(outcomes, "L7").layers, (std::vector<int>{2}));
  // All of the last layer's prefill but the last row: as llama.cpp computes it.
  log = sound();
  for (uint32_t row = 0; row < log.record.rows; ++row) {
    if (log.record.position[row] + 1 == 100) continue;
    std::fill_n(log.record.layers.back().ids.begin() + row * 4, 4, kAbsent);
  }
  EXPECT_EQ(found_in(check_log(log.record, log.model)), "");
}

TEST(LogChecks, TheShiftIsTheOneThatWasMade) {
  for (const int by : {-2, -1, 1, 2}) {
    Case log = sound();
    shift_tokens(log.record, by);
    const auto outcomes = check_log(log.record, log.model);
    EXPECT_EQ(finding_of(outcomes, "L8").evidence["shift"], -by);
  }
}

TEST(LogChecks, AFittedBiasExplainsAChoice) {
  LogShape shape{.sequences = 6, .logits = true};
  Record record = make_log(shape);
  gate::GateSpec spec = softmax_gate(shape.experts, shape.k);
  spec.score = gate::Score::sigmoid;
  spec.selection_bias = true;
  std::vector<float> bias(shape.experts);
  for (uint32_t e = 0; e < shape.experts; ++e) bias[e] = e % 2 == 0 ? 0.3f : -0.3f;
  for (LayerLog& log : record.layers) {
    log.weights.clear();
    for (uint32_t row = 0; row < record.rows; ++row) {
      gate::select(spec, std::span(log.logits).subspan(row * shape.experts, shape.experts), bias,
                   std::span(log.ids).subspan(row * shape.k, shape.k));
    }
  }
  EXPECT_EQ(found_in(check_log(record, std::nullopt)), "");
}

TEST(LogChecks, EveryCheckSaysWhyItDidNotRun) {
  Record record = make_log({.sequences = 1, .length = 20});
  drop_weights(record);
  record.tokens.clear();
  record.positions_stated = false;
  record.experts = 0;
  std::fill(record.phase.begin(), record.phase.end(), Phase::unknown);
  std::set<std::string> not_checked;
  for (const CheckOutcome& outcome : check_log(record, std::nullopt)) {
    EXPECT_TRUE(outcome.result.findings.empty()) << outcome.id;
    if (!outcome.result.not_checked.empty()) not_checked.insert(outcome.id);
  }
  EXPECT_EQ(not_checked, (std::set<std::string>{"L3", "L4", "L7", "L8", "L12", "L13", "L14"}));
}

TEST(LogChecks, ThresholdsMoveTheLimits) {
  Thresholds strict;
  for (const ThresholdRow& row : threshold_rows()) {
    EXPECT_GT(strict.*row.value, 0) << row.name;
  }
  Thresholds loose;
  loose.divisor_rows = 1e9;
  Case log = sound();
  double_rows(log.record);
  EXPECT_EQ(found_in(check_log(log.record, log.model, loose)), "");
}

}  // namespace
}  // namespace rg::logs::testing
