// Every row of the decision table, by the facts that call for it.
#include "certificates/decision_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rg::certificates {
namespace {

// Keys of 4 heads of 128 in a residual of 2048; a router before attention at a later layer.
LayerFacts narrow() {
  return {.router_reads = RouterReads::same_residual,
          .key_dimensions = 512,
          .key_heads = 4,
          .width = 2048,
          .qk_norm = QkNorm::none,
          .key_bias = false,
          .clipped = false,
          .linear_at_first = true,
          .values_seen = true,
          .router_bias = false,
          .plain_top_k = true,
          .first_layer = false,
          .epsilon = 1e-6};
}
LayerFacts square() {  // as many key dimensions as the residual has
  LayerFacts facts = narrow();
  facts.key_dimensions = 2048;
  facts.key_heads = 16;
  return facts;
}
LayerFacts serial(LayerFacts facts) {
  facts.router_reads = RouterReads::after_attention;
  return facts;
}

// "open_set own_keys generically_no KR-4 (b) ABMC-": A exact, B enclosed, M on manifold, C bytes,
// D twins.
std::string line(const Row& row) {
  const Levels& levels = row.levels;
  std::string out = std::string(name(row.inputs)) + ' ' + std::string(name(row.summary)) + ' ' +
                    std::string(name(row.answer)) + ' ' + std::string(row.theorem) + ' ';
  out += levels.exact ? 'A' : '-';
  out += levels.enclosed ? 'B' : '-';
  out += levels.on_manifold ? 'M' : '-';
  out += levels.identical_bytes ? 'C' : '-';
  out += levels.twin_tokens ? 'D' : '-';
  return out + (row.reservation.empty() ? "" : " reserved");
}
std::vector<std::string> lines(const LayerFacts& facts) {
  std::vector<std::string> out;
  for (const Row& row : decision_table(facts)) out.push_back(line(row));
  return out;
}
using Lines = std::vector<std::string>;

const std::string kLater = "reachable own_keys yes KR-7 (e) -----";
const std::string kAllIds = "reachable layer0_keys_of_all_positions yes KR-7 (d) -----";

TEST(DecisionTable, ARouterOfTheSameResidual) {
  EXPECT_EQ(lines(narrow()),
            (Lines{"open_set own_keys if_router_in_keys KR-3 (a) ABMC-",
                   "open_set own_keys generically_no KR-4 (b) ABMC-",
                   "open_set one_bit_keys generically_no KR-1 ABMC-", kLater, kAllIds}));
  EXPECT_EQ(lines(square()),
            (Lines{"open_set own_keys if_router_in_keys KR-3 (a) ABMC-",
                   "open_set own_keys yes KR-5 (b) -----",
                   "open_set one_bit_keys generically_no KR-1 ---C-", kLater, kAllIds}));
}

TEST(DecisionTable, QkNormsOfSquareKeys) {
  LayerFacts whole = square();
  whole.qk_norm = QkNorm::full_width;
  EXPECT_EQ(lines(whole), lines(square()));
  LayerFacts heads = square();
  heads.qk_norm = QkNorm::per_head;
  EXPECT_EQ(lines(heads)[0], "open_set own_keys if_router_in_keys KR-3 (a) ABMC- reserved");
  EXPECT_EQ(lines(heads)[1], "open_set own_keys generically_no KR-5 (d) ---C-");
  heads.key_heads = 1;  // then the norm is one over the full width
  EXPECT_EQ(lines(heads), lines(square()));
}

TEST(DecisionTable, BiasesAndClippingOfKeysTakeBackOnlyWhatIsPossible) {
  LayerFacts bias = square();
  bias.key_bias = true;
  EXPECT_EQ(lines(bias), lines(square()));  // the bias is known, and taken off
  bias.qk_norm = QkNorm::full_width;
  EXPECT_EQ(lines(bias)[1], "open_set own_keys yes KR-5 (b) ----- reserved");
  LayerFacts clipped = square();
  clipped.clipped = true;
  EXPECT_EQ(lines(clipped)[1], "open_set own_keys yes KR-5 (b) ----- reserved");
  LayerFacts both = narrow();
  both.key_bias = both.clipped = true;
  both.qk_norm = QkNorm::per_head;
  EXPECT_EQ(lines(both)[1], lines(narrow())[1]);  // equal keys stay equal
}

TEST(DecisionTable, RoutersThatTheTheoremsDontCover) {
  LayerFacts bias = narrow(), grouped = narrow();
  bias.router_bias = true;
  grouped.plain_top_k = false;
  for (const LayerFacts& facts : {bias, grouped, serial(bias), serial(grouped)}) {
    for (const Row& row : decision_table(facts)) {
      EXPECT_FALSE(row.levels.exact || row.levels.enclosed || row.levels.on_manifold) << line(row);
    }
  }
  EXPECT_EQ(lines(bias)[1], "open_set own_keys generically_no KR-4 (b) ---C- reserved");
}

TEST(DecisionTable, ARouterAfterAttention) {
  EXPECT_EQ(lines(serial(narrow())),
            (Lines{"open_set own_keys if_context_matters_no KR-6 (a) -----",
                   "first_position own_keys generically_no KR-6 (d) ABMC-", kLater, kAllIds}));
  LayerFacts sink = serial(narrow());
  sink.linear_at_first = false;
  EXPECT_EQ(lines(sink)[1], "first_position own_keys generically_no KR-6 (d) ---C- reserved");
  LayerFacts of_keys = serial(narrow());  // values made of the keys
  of_keys.values_seen = false;
  EXPECT_EQ(lines(of_keys)[1], "first_position own_keys generically_no KR-6 (d) AB-C-");
  LayerFacts exact = serial(square());
  exact.epsilon = 0;
  EXPECT_EQ(lines(exact),
            (Lines{"open_set own_keys if_context_matters_no KR-6 (a) -----",
                   "first_position own_keys if_scale_matters_no KR-6 (b) ---C-",
                   "open_set keys_of_all_positions if_scale_matters_no KR-6 (b) ---C-", kLater,
                   kAllIds}));
  EXPECT_EQ(lines(serial(square())),
            (Lines{"open_set own_keys if_context_matters_no KR-6 (a) -----",
                   "first_position own_keys yes KR-1 ---C-",
                   "open_set keys_of_all_positions yes KR-1 ---C-", kLater, kAllIds}));
  LayerFacts normed = serial(square());
  normed.qk_norm = QkNorm::full_width;
  EXPECT_EQ(lines(normed)[2],
            "open_set keys_of_all_positions if_scale_matters_no KR-6 (b) ---C- reserved");
}

TEST(DecisionTable, TheFirstLayersTokensHaveTwins) {
  LayerFacts first = serial(narrow());
  first.first_layer = true;
  EXPECT_EQ(lines(first)[0], "open_set own_keys if_context_matters_no KR-6 (a) ----D");
  EXPECT_EQ(lines(first)[2], "reachable own_keys if_context_matters_no KR-7 (b) ----D");
  EXPECT_EQ(lines(first)[3], kAllIds);
  first.router_reads = RouterReads::same_residual;  // the token's id is all that it reads
  EXPECT_EQ(lines(first)[3], "reachable own_keys yes KR-7 (a) -----");
}

TEST(DecisionTable, EveryRowSaysWhyAndWhere) {
  for (const LayerFacts& facts : {narrow(), square(), serial(narrow()), serial(square())}) {
    for (const Row& row : decision_table(facts)) {
      EXPECT_TRUE(row.theorem.starts_with("KR-"));
      EXPECT_TRUE(!row.condition.empty() || row.answer == Answer::if_router_in_keys);
      // What is certain by a theorem has no certificate against it.
      EXPECT_FALSE(row.answer == Answer::yes && row.theorem != "KR-1" && row.levels.any());
    }
  }
}

}  // namespace
}  // namespace rg::certificates
