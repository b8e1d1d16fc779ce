// Interventions that don't fit the model or the rows of a pass, and what the plan says of the
// others.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "family_golden.h"
#include "stream/intervention.h"
#include "support/caught.h"

namespace rg::stream {
namespace {

TEST(InterventionFit, ThatDoesntFitTheModelIsRefused) {
  const FamilyGolden golden({"deepseek_v3", "groups-f32"});
  const model::Model& model = golden.model();
  const int layer = model.moe_layers().front();
  const auto experts = static_cast<int32_t>(model.gate().experts);
  const size_t k = model.gate().top_k;
  const auto expect = [&](int at, LayerIntervention how, const std::string& words) {
    const Intervention all{"file.json", {{at, std::move(how)}}};
    const auto error = test::caught([&] {
      require_fits(all, model);
      require_routes(all, model, 2);
    });
    EXPECT_EQ(error.id, ErrorId::US001) << words;
    EXPECT_EQ(error.parts.file, "file.json");
    EXPECT_TRUE(error.says(words)) << error.line;
  };
  std::vector<int32_t> all(static_cast<size_t>(experts));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int32_t> ids(2 * k), most(all.begin() + 1, all.end());
  std::vector<int32_t> outside(all.begin(), all.begin() + static_cast<ptrdiff_t>(k));
  outside.insert(outside.end(), outside.begin(), outside.end());
  const std::vector<int32_t> good = outside;
  outside.back() = experts;
  const std::vector<float> one_weight = {1};
  expect(static_cast<int>(model.layers.size()), {}, "no gate there");
  expect(-1, {}, "no gate there");
  expect(layer, {.masked = {experts}}, "masked");
  expect(layer, {.forced = {-1}}, "expert -1 forced");
  expect(layer, {.scaled = {{experts, 1}}}, "scaled");
  expect(layer, {.scaled = {{0, INFINITY}}}, "a finite factor");
  expect(layer, {.masked = {1, 1}}, "expert 1 masked twice");
  expect(layer, {.masked = {1}, .forced = {1}}, "masked and also forced");
  expect(layer, {.masked = {1}, .scaled = {{1, 2}}}, "masked and also forced or scaled");
  expect(layer, {.masked = most}, "to choose from");
  expect(layer, {.forced = all}, "at most k");
  expect(layer, {.masked = {0}, .imposed_ids = good}, "routes imposed");
  expect(layer, {.imposed_ids = std::span(good).first(k)}, "rows of k");
  expect(layer, {.imposed_ids = ids}, "at rank 1 of row 0");
  expect(layer, {.imposed_ids = outside}, "of row 1");
  expect(layer, {.imposed_ids = good, .imposed_weights = one_weight}, "one for each id");
  const Intervention fits{"", {{layer, {.imposed_ids = good}}}};
  EXPECT_NO_THROW(require_fits(fits, model));
  EXPECT_NO_THROW(require_routes(fits, model, 2));
}

// Two of four groups of four are kept and three experts chosen. Two groups with one expert left may
// be the ones that are kept.
TEST(InterventionFit, MasksAreRefusedByTheWorstGroupsThatMayBeKept) {
  const FamilyGolden golden({"deepseek_v3", "groups-f32"});
  model::Model model = golden.model();
  const int layer = model.moe_layers().front();
  gate::GateSpec& spec = model.layers[static_cast<size_t>(layer)].router->spec;
  spec.experts = 16u;
  spec.groups = 4u;
  spec.groups_kept = 2u;
  spec.top_k = 3u;
  const auto fits = [&](std::vector<int32_t> masked) {
    const Intervention how{"", {{layer, {.masked = std::move(masked)}}}};
    return !test::caught([&] { require_fits(how, model); }).id.has_value();
  };
  EXPECT_TRUE(fits({0, 1, 2}));
  EXPECT_FALSE(fits({0, 1, 2, 4, 5, 6}));
  EXPECT_TRUE(fits({0, 1, 2, 4, 5}));
  EXPECT_TRUE(fits({0, 1, 2, 3, 4, 5, 6}));  // a group without experts is never kept
  EXPECT_TRUE(fits({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14}));
  EXPECT_FALSE(fits({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14}));
}

TEST(InterventionFit, ThePlanCountsImposedRoutes) {
  const FamilyGolden golden({"gpt_oss", "mxfp4"});
  tap::SequenceSet set = {.name = "windows", .lengths = {8}, .ids = {}, .causal = true};
  set.ids.assign(8, 1);
  std::vector<int32_t> ids;
  for (int row = 0; row < 8; ++row) {
    for (uint32_t i = 0; i < golden.model().gate().top_k; ++i) {
      ids.push_back(static_cast<int32_t>(i));
    }
  }
  const tap::SequenceSet* const sets[] = {&set};
  Intervention how{"", {{golden.model().moe_layers().front(), {.imposed_ids = ids}}}};
  Settings settings;
  settings.flops_per_s = 1e9;
  const uint64_t without = make_plan(golden.model(), sets, {}, settings).peak_bytes;
  settings.intervention = &how;
  EXPECT_EQ(make_plan(golden.model(), sets, {}, settings).peak_bytes, without + 4 * ids.size());
  set.lengths = {9};
  set.ids.assign(9, 1);
  const auto error = test::caught([&] { make_plan(golden.model(), sets, {}, settings); });
  EXPECT_EQ(error.id, ErrorId::US001);
}

}  // namespace
}  // namespace rg::stream
