// Changed keys and values: one head alone, windows that share a call, numbers that aren't finite,
// beside changed routes, and what is refused or counted before the pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "key_changed.h"
#include "support/caught.h"
#include "tensor/dtype.h"

namespace rg::stream {
namespace {

using model::ChangedHead;
using model::ChangedRows;
using model::KeyStep;
using test::EditHeads;

// One head alone is changed where one head alone is edited: the others' rows stay apart.
TEST(KeyChange, OfOneHeadLeavesTheOthers) {
  for (const FamilyShape& shape : {kChanged[0], kChanged[2], kChanged[8]}) {
    const Changed changed(shape);
    const int layer = changed.first_with_gate();
    const auto added = [&](const EditHeads::Edit& edit) {
      EditHeads change(edit);
      const Intervention intervention = Changed::at(layer, KeyStep::scored, change);
      return changed.run(&intervention).layers[static_cast<size_t>(layer)].attention_out;
    };
    // Without the values of some heads the sum lacks just their parts.
    const auto without = [&](const auto& gone) {
      return added([&](const ChangedHead& head) {
        if (gone(head.head)) test::edit_rows(head, head.values, [](float) { return 0.0f; });
      });
    };
    const std::vector<float> all = without([](uint32_t) { return false; });
    const std::vector<float> first = without([](uint32_t h) { return h != 0; });
    const std::vector<float> others = without([](uint32_t h) { return h == 0; });
    std::vector<float> sum = first;
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += others[i];
    EXPECT_LE(relative_error(sum, all), 1e-5) << shape.name();
    EXPECT_GT(relative_error(first, all), 1e-2);
    EXPECT_GT(relative_error(others, all), 1e-2);
  }
}

// Windows that share a call of the mixer: the last of 13 as if it were alone.
TEST(KeyChange, JoinedWindowsChangeNoBit) {
  constexpr size_t kWindows = 13, kTokens = 40;
  for (const FamilyShape& shape : {kChanged[1], kChanged[3], kChanged[8]}) {
    Changed changed(shape);
    tap::SequenceSet all = {.name = "windows",
                            .lengths = std::vector<uint32_t>(kWindows, kTokens),
                            .ids = {},
                            .causal = true};
    for (size_t i = 0; i < kWindows * kTokens; ++i) {
      all.ids.push_back(
          static_cast<int32_t>((i * 7 + i / kTokens) % changed.golden.model().vocabulary));
    }
    tap::SequenceSet last = all;
    last.lengths.resize(1);
    last.ids.assign(all.ids.end() - kTokens, all.ids.end());
    std::set<std::pair<int, size_t>> seen;  // layer, first row; from one thread
    EditHeads rough([&](const ChangedHead& head) {
      EXPECT_EQ(head.positions, kTokens);
      EXPECT_EQ(head.first_row % kTokens, 0u);
      seen.emplace(head.layer, head.first_row);
      test::edit_rows(head, test::keys_of(head),
                      [](float value) { return bf16_to_f32(f32_to_bf16(value)) + 0.1f; });
    });
    for (const KeyStep step : changed.steps()) {
      const Intervention intervention = changed.everywhere(step, rough);
      changed.set = all;
      seen.clear();
      const Record together = changed.run(&intervention);
      EXPECT_EQ(seen.size(), kWindows * changed.facts.size());
      changed.set = last;
      const Record alone = changed.run(&intervention);
      EXPECT_TRUE(std::equal(alone.logits.begin(), alone.logits.end(),
                             together.logits.end() - static_cast<ptrdiff_t>(alone.logits.size())));
      EXPECT_FALSE(equal_records(alone, changed.run(nullptr)));
    }
  }
}

// A pass in bf16 rounds keys and values anyway, one in fp32 doesn't.
TEST(KeyChange, RoundingWhatAProductRoundsChangesNoBit) {
  EditHeads round([](const ChangedHead& head) {
    for (const ChangedRows& rows : {head.keys, head.values}) {
      test::edit_rows(head, rows, [](float value) { return bf16_to_f32(f32_to_bf16(value)); });
    }
  });
  for (const FamilyShape& shape : {kChanged[0], kChanged[8]}) {
    const Changed changed(shape);
    const Intervention intervention = changed.everywhere(KeyStep::scored, round);
    EXPECT_FALSE(equal_records(changed.run(nullptr), changed.run(&intervention)));
    if (!kernels::cpu_has_bf16()) continue;
    EXPECT_TRUE(equal_records(changed.run(nullptr, {.compute = Compute::bf16}),
                              changed.run(&intervention, {.compute = Compute::bf16})));
  }
}

// It is not repaired: the gates' margins are undefined and the logits NaN, of that sequence alone.
TEST(KeyChange, ANaNIsSeenInWhatFollows) {
  const Changed changed({"deepseek_v3", "groups-f32"});
  ASSERT_GT(changed.set.sequences(), 1u);
  EditHeads spoil([](const ChangedHead& head) {
    if (head.first_row == 0) test::keys_of(head).at(0)[0] = std::nanf("");
  });
  const int layer = changed.first_with_gate();
  const size_t length = changed.set.lengths.front(), vocabulary = changed.golden.model().vocabulary;
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = Changed::at(layer, step, spoil);
    const Record record = changed.run(&intervention), plain = changed.run(nullptr);
    const LayerRecord& of_layer = record.layers[static_cast<size_t>(layer)];
    for (size_t row = 0; row < changed.set.rows(); ++row) {
      EXPECT_EQ(std::isnan(record.logits[row * vocabulary]), row < length) << row;
      EXPECT_EQ(std::isnan(of_layer.margins[row]), row < length) << row;
    }
    EXPECT_TRUE(std::equal(plain.logits.begin() + static_cast<ptrdiff_t>(length * vocabulary),
                           plain.logits.end(),
                           record.logits.begin() + static_cast<ptrdiff_t>(length * vocabulary)));
  }
}

// Routes and keys of one layer in one pass: the routes are imposed on what the keys lead to.
TEST(KeyChange, GoesWithChangedRoutes) {
  const Changed changed({"mixtral", "llama3-v4"});
  const int layer = changed.first_with_gate();
  EditHeads clear([](const ChangedHead& head) {
    test::edit_rows(head, head.keys, [](float) { return 0.0f; });
  });
  Intervention both = Changed::at(layer, KeyStep::scored, clear);
  both.layers[layer] = {.masked = {0}};
  const Intervention keys = Changed::at(layer, KeyStep::scored, clear);
  const auto l = static_cast<size_t>(layer);
  const Record record = changed.run(&both), of_keys = changed.run(&keys);
  EXPECT_TRUE(equal_bits(record.layers[l].router_logits, of_keys.layers[l].router_logits));
  EXPECT_EQ(std::count(record.layers[l].topk_ids.begin(), record.layers[l].topk_ids.end(), 0), 0);
  EXPECT_NE(std::count(of_keys.layers[l].topk_ids.begin(), of_keys.layers[l].topk_ids.end(), 0), 0);
  EXPECT_FALSE(equal_bits(record.layers[l].update, of_keys.layers[l].update));
}

TEST(KeyChangeFit, RefusesLayersAndStepsThatHaveNoSuchKeys) {
  EditHeads nothing([](const ChangedHead&) {});
  const auto refused = [&](const FamilyShape& shape, int layer, KeyStep step) {
    const FamilyGolden golden(shape);
    const auto error =
        test::caught([&] { require_fits(Changed::at(layer, step, nothing), golden.model()); });
    EXPECT_EQ(error.id, ErrorId::US001) << error.line;
    EXPECT_EQ(error.parts.object, "layer " + std::to_string(layer));
    EXPECT_EQ(error.parts.file, "test");
    return error.parts.found + "; " + error.parts.expected;
  };
  const FamilyShape hybrid = {"qwen3_next", "interval-v4"}, latent = {"deepseek_v3", "groups-f32"};
  EXPECT_EQ(refused(hybrid, 0, KeyStep::scored),
            "no keys to change: its mixer is gated delta net; a layer with attention or latent "
            "attention");
  EXPECT_EQ(refused({"nemotron_h", "pattern-v4"}, 1, KeyStep::scored),
            "no keys to change: its mixer is none; a layer with attention or latent attention");
  EXPECT_EQ(refused(hybrid, 1, KeyStep::latent),
            "keys of attention changed at the step latent; normed or scored");
  EXPECT_EQ(refused(latent, 1, KeyStep::normed),
            "keys of latent attention changed at the step normed; scored or latent");
  EXPECT_EQ(refused(latent, 2, KeyStep::scored), "no such layer; layers 0 to 1");
  EXPECT_EQ(refused(latent, -1, KeyStep::scored), "no such layer; layers 0 to 1");
  const FamilyGolden golden(latent);  // its layer 0 has keys and no gate
  EXPECT_NO_THROW(require_fits(Changed::at(0, KeyStep::scored, nothing), golden.model()));
  Settings settings;
  settings.flops_per_s = 1e9;
  const Intervention wrong = Changed::at(1, KeyStep::normed, nothing);
  settings.intervention = &wrong;
  const tap::SequenceSet set = {.name = "t", .lengths = {4}, .ids = {1, 2, 3, 4}, .causal = true};
  const tap::SequenceSet* const sets[] = {&set};
  EXPECT_EQ(test::caught([&] { make_plan(golden.model(), sets, {}, settings); }).id,
            ErrorId::US001);
}

// Latent attention puts a head's keys together for the change; nothing else needs memory.
TEST(KeyChangeFit, ThePlanCountsItsScratch) {
  EditHeads nothing([](const ChangedHead&) {});
  tap::SequenceSet set = {.name = "windows", .lengths = {40}, .ids = {}, .causal = true};
  set.ids.assign(40, 1);
  const tap::SequenceSet* const sets[] = {&set};
  Settings settings;
  settings.flops_per_s = 1e9;
  settings.threads = 2;
  for (const auto& [shape, width] : {std::pair{FamilyShape{"deepseek_v3", "groups-f32"}, 18u},
                                     std::pair{FamilyShape{"mixtral", "llama3-v4"}, 0u}}) {
    const FamilyGolden golden(shape);
    settings.intervention = nullptr;
    const uint64_t without = make_plan(golden.model(), sets, {}, settings).peak_bytes;
    const Intervention how = Changed::at(1, KeyStep::scored, nothing);
    settings.intervention = &how;
    EXPECT_EQ(make_plan(golden.model(), sets, {}, settings).peak_bytes,
              without + 2 * 40 * width * sizeof(float));
  }
}

}  // namespace
}  // namespace rg::stream
