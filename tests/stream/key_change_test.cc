// Keys and values that a pass changes before attention scores are computed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <tuple>

#include "key_record.h"
#include "stream/key_tap.h"
#include "support/caught.h"
#include "support/key_changes.h"
#include "tensor/dtype.h"

namespace rg::stream {
namespace {

using model::ChangedHead;
using model::ChangedRows;
using model::KeyStep;
using test::EditHeads;

// Grouped keys; half of a head rotated, behind a dense layer; values narrower than keys, windows
// and a part rotated; norms of a head behind the rotation and of all heads in front of it; values
// that are the keys; sinks; gates between the queries; latents of queries too, only of keys, and
// without positions.
const FamilyShape kChanged[] = {{"mixtral", "llama3-v4"},
                                {"glm4_moe", "air-v4"},
                                {"mimo_v2_flash", "published-v4"},
                                {"hunyuan_v1_moe", "published-v4"},
                                {"minimax_m2", "partial-v4"},
                                {"gemma4", "published-v4"},
                                {"gpt_oss", "mxfp4"},
                                {"qwen3_next", "interval-v4"},
                                {"deepseek_v3", "groups-f32"},
                                {"deepseek_v3", "no-groups-v4"},
                                {"kimi_linear", "published-v4"}};

template <typename T>
bool equal_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

bool equal_records(const Record& a, const Record& b) {
  for (size_t l = 0; l < a.layers.size(); ++l) {
    const LayerRecord &x = a.layers[l], &y = b.layers[l];
    if (!equal_bits(x.residual_in, y.residual_in) || !equal_bits(x.update, y.update) ||
        !equal_bits(x.attention_out, y.attention_out) || !equal_bits(x.topk_ids, y.topk_ids) ||
        !equal_bits(x.router_logits, y.router_logits) || !equal_bits(x.margins, y.margins) ||
        !equal_bits(x.topk_weights, y.topk_weights)) {
      return false;
    }
  }
  return equal_bits(a.logits, b.logits);
}

// A golden checkpoint and passes over its sequences.
class Changed {
 public:
  explicit Changed(const FamilyShape& shape)
      : golden(shape),
        set(golden_sequences(test::SafetensorsFile(shape.folder() / "expected.safetensors"),
                             true)) {
    const model::Model& all = golden.model();
    for (int layer = 0; layer < static_cast<int>(all.layers.size()); ++layer) {
      const auto found = model::key_facts(all.layer(layer).mixer);
      if (found) facts.emplace(layer, *found);
    }
  }

  // The same change in every layer with keys, or in one of them.
  Intervention everywhere(KeyStep step, model::KeyChange& change) const {
    Intervention intervention{"test", {}, {}};
    for (const auto& [layer, of] : facts) intervention.keys[layer] = {step, &change};
    return intervention;
  }
  static Intervention at(int layer, KeyStep step, model::KeyChange& change) {
    return {"test", {}, {{layer, {step, &change}}}};
  }
  std::vector<KeyStep> steps() const {
    std::vector<KeyStep> found;
    for (const KeyStep step : {KeyStep::normed, KeyStep::scored, KeyStep::latent}) {
      if (model::has_step(facts.begin()->second, step)) found.push_back(step);
    }
    return found;
  }
  Record run(const Intervention* intervention, How how = {}) const {
    how.intervention = intervention;
    return run_recorded(golden.checkpoint(), golden.model(), set, how);
  }
  KeyRecord keys(const Intervention* intervention, How how = {}) const {
    how.intervention = intervention;
    return record_keys(golden.checkpoint(), golden.model(), set, how);
  }
  int first_with_gate() const {
    for (const auto& [layer, of] : facts) {
      if (golden.model().layer(layer).router) return layer;
    }
    return -1;
  }

  FamilyGolden golden;
  tap::SequenceSet set;
  std::map<int, model::KeyFacts> facts;  // of the layers with keys
};

class KeyChanges : public testing::TestWithParam<FamilyShape> {};

TEST_P(KeyChanges, ThatChangeNothingChangeNoBit) {
  const Changed changed(GetParam());
  const Record plain = changed.run(nullptr);
  EditHeads nothing([](const ChangedHead&) {});
  ASSERT_FALSE(changed.facts.empty());
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = changed.everywhere(step, nothing);
    EXPECT_TRUE(equal_records(plain, changed.run(&intervention))) << static_cast<int>(step);
  }
}

// A head's rows as handed over, by layer, first row of the sequence and head.
struct Handed {
  using Key = std::tuple<int, size_t, uint32_t>;
  std::map<Key, std::map<std::string, std::vector<float>>> heads;
  size_t calls = 0;
  std::mutex mutex;

  void keep(const ChangedHead& head) {
    const std::scoped_lock lock(mutex);
    ++calls;
    auto& kept = heads[{head.layer, head.first_row, head.head}];
    const std::pair<const char*, ChangedRows> all[] = {{"keys", head.keys},
                                                       {"values", head.values},
                                                       {"latent", head.latent},
                                                       {"shared", head.shared}};
    for (const auto& [name, rows] : all) {
      if (rows.first == nullptr) continue;
      for (uint32_t t = 0; t < head.positions; ++t) {
        const auto row = rows.at(t);
        kept[name].insert(kept[name].end(), row.begin(), row.end());
      }
    }
  }
};

// The last step up to `step` that the tap keeps rows of its own of.
const std::vector<float>& tapped_keys(const KeyLayer& layer, std::vector<std::string> steps) {
  while (!layer.rows.contains("keys." + steps.back())) steps.pop_back();
  return layer.rows.at("keys." + steps.back());
}

// Rows of one head of one sequence among those of all.
std::vector<float> part(const std::vector<float>& rows, size_t columns, size_t first_row,
                        size_t length, size_t head, size_t width) {
  std::vector<float> found;
  for (size_t row = first_row; row < first_row + length; ++row) {
    const auto at = rows.begin() + static_cast<ptrdiff_t>(row * columns + head * width);
    found.insert(found.end(), at, at + static_cast<ptrdiff_t>(width));
  }
  return found;
}

// Everything that is handed over is what the tap shows of that layer, head and place; once each.
TEST_P(KeyChanges, SeeEveryHeadOfEverySequenceOnce) {
  const Changed changed(GetParam());
  const KeyRecord plain = changed.keys(nullptr);
  for (const KeyStep step : changed.steps()) {
    Handed handed;
    EditHeads keep([&](const ChangedHead& head) { handed.keep(head); });
    const Intervention intervention = changed.everywhere(step, keep);
    changed.keys(&intervention, {.threads = 2, .block_windows = 1});
    size_t calls = 0;
    for (const auto& of_layer : changed.facts) {
      const int layer = of_layer.first;
      const model::KeyFacts& facts = of_layer.second;
      const KeyLayer& shown = plain.layers.at(layer);
      const auto& rows = shown.rows;
      const uint32_t heads = step == KeyStep::latent ? 1 : facts.kv_heads;
      size_t row = 0;
      for (const uint32_t length : changed.set.lengths) {
        for (uint32_t h = 0; h < heads; ++h, ++calls) {
          const auto& head = handed.heads.at({layer, row, h});
          const auto expect = [&](const char* name, const std::vector<float>& tapped,
                                  uint32_t all_heads, uint32_t width) {
            EXPECT_EQ(head.at(name), part(tapped, size_t{all_heads} * width, row, length, h, width))
                << layer << name << h << "at row" << row;
          };
          if (step == KeyStep::latent) {
            const bool rotated = rows.contains("shared_rotated");
            EXPECT_EQ(head.size(), 2u);
            expect("latent", rows.at("latent"), 1, facts.latent);
            expect("shared", rows.at(rotated ? "shared_rotated" : "shared"), 1, facts.shared_width);
            continue;
          }
          EXPECT_EQ(head.size(), 2u);
          expect("values", rows.at("values"), facts.kv_heads, facts.value_width);
          std::vector<std::string> up_to = {"projected", "normed"};
          if (step == KeyStep::scored) up_to.insert(up_to.end(), {"rotated", "scored"});
          expect("keys", tapped_keys(shown, up_to), facts.kv_heads, facts.width);
        }
        row += length;
      }
    }
    EXPECT_EQ(handed.calls, calls);
    EXPECT_EQ(handed.heads.size(), calls);
  }
}

// Layers below and the layer's own steps keep their bits; what follows doesn't.
TEST_P(KeyChanges, ChangeWhatFollowsAndNothingElse) {
  const Changed changed(GetParam());
  const int touched = changed.facts.rbegin()->first;
  const Record plain = changed.run(nullptr);
  const KeyRecord plain_keys = changed.keys(nullptr);
  EditHeads negate([](const ChangedHead& head) {
    test::edit_rows(head, test::keys_of(head), [](float value) { return -value; });
  });
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = Changed::at(touched, step, negate);
    const Record record = changed.run(&intervention);
    const KeyRecord keys = changed.keys(&intervention);
    for (int layer = 0; layer <= touched; ++layer) {
      const auto l = static_cast<size_t>(layer);
      const LayerRecord &x = plain.layers[l], &y = record.layers[l];
      EXPECT_TRUE(equal_bits(x.residual_in, y.residual_in)) << layer;
      if (x.attention_out.empty()) continue;
      EXPECT_EQ(equal_bits(x.attention_out, y.attention_out), layer < touched) << layer;
      EXPECT_EQ(equal_bits(x.router_logits, y.router_logits), layer < touched) << layer;
    }
    EXPECT_FALSE(equal_bits(plain.logits, record.logits));
    // Shown are the rows before the change, and later steps as they follow from it.
    for (const auto& [name, rows] : plain_keys.layers.at(touched).rows) {
      const bool after = step == KeyStep::normed ? name == "keys.rotated" || name == "keys.scored"
                                                 : step == KeyStep::latent &&
                                                       (name == "keys.scored" || name == "values");
      EXPECT_EQ(equal_bits(rows, keys.layers.at(touched).rows.at(name)), !after) << name;
    }
  }
}

// Rotation and the norm behind it are odd: a sign may be turned in front of them or behind.
TEST_P(KeyChanges, NegatedBeforeRoPEAreNegatedAfterIt) {
  const Changed changed(GetParam());
  if (changed.facts.begin()->second.latent != 0) return;  // no step before RoPE
  EditHeads negate([](const ChangedHead& head) {
    test::edit_rows(head, head.keys, [](float value) { return -value; });
  });
  const Intervention before = changed.everywhere(KeyStep::normed, negate);
  const Intervention after = changed.everywhere(KeyStep::scored, negate);
  EXPECT_TRUE(equal_records(changed.run(&before), changed.run(&after)));
}

// Without values attention adds its output bias, or nothing.
TEST_P(KeyChanges, WithoutValuesAttentionAddsNothing) {
  const Changed changed(GetParam());
  const auto layer = static_cast<size_t>(changed.first_with_gate());
  EditHeads clear([](const ChangedHead& head) {
    test::edit_rows(head, test::values_of(head), [](float) { return 0.0f; });
  });
  const size_t width = changed.golden.model().width;
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = changed.everywhere(step, clear);
    const std::vector<float> added = changed.run(&intervention).layers[layer].attention_out;
    ASSERT_FALSE(added.empty());
    const auto& mixer = changed.golden.model().layer(static_cast<int>(layer)).mixer;
    const auto* attention = std::get_if<model::Attention>(&mixer);
    const bool bias = attention != nullptr && attention->o_bias;
    for (size_t i = 0; i < added.size(); ++i) {
      ASSERT_EQ(added[i], bias ? added[i % width] : 0.0f) << i;
    }
  }
}

// Where every value is that of position 0, whatever the shares, so is the sum.
TEST_P(KeyChanges, EqualValuesGiveTheSameContextEverywhere) {
  const Changed changed(GetParam());
  const int layer = changed.first_with_gate();
  const model::KeyFacts& facts = changed.facts.at(layer);
  const auto* attention = std::get_if<model::Attention>(&changed.golden.model().layer(layer).mixer);
  if (facts.sinks || (attention && attention->spec.output_gate != model::OutputGate::none)) return;
  EditHeads repeat(
      [](const ChangedHead& head) { test::repeat_first(head, test::values_of(head)); });
  const size_t width = changed.golden.model().width;
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = Changed::at(layer, step, repeat);
    const auto added = changed.run(&intervention).layers[static_cast<size_t>(layer)].attention_out;
    std::vector<float> expected;
    size_t row = 0;
    for (const uint32_t length : changed.set.lengths) {
      for (uint32_t t = 0; t < length; ++t) {
        const auto first = added.begin() + static_cast<ptrdiff_t>(row * width);
        expected.insert(expected.end(), first, first + static_cast<ptrdiff_t>(width));
      }
      row += length;
    }
    EXPECT_LE(relative_error(added, expected), 1e-5) << static_cast<int>(step);
    EXPECT_GT(relative_error(added,
                             changed.run(nullptr).layers[static_cast<size_t>(layer)].attention_out),
              1e-3);
  }
}

// Equal keys give equal shares, as no keys do; equal before RoPE they aren't equal after it.
TEST_P(KeyChanges, EqualKeysGiveEqualShares) {
  const Changed changed(GetParam());
  const int layer = changed.first_with_gate();
  const model::KeyFacts& facts = changed.facts.at(layer);
  if (facts.sinks) return;  // whose share depends on the keys
  EditHeads repeat([](const ChangedHead& head) { test::repeat_first(head, head.keys); });
  EditHeads clear([](const ChangedHead& head) {
    test::edit_rows(head, head.keys, [](float) { return 0.0f; });
  });
  const auto added = [&](KeyStep step, model::KeyChange& change) {
    const Intervention intervention = Changed::at(layer, step, change);
    return changed.run(&intervention).layers[static_cast<size_t>(layer)].attention_out;
  };
  const std::vector<float> none = added(KeyStep::scored, clear);
  EXPECT_LE(relative_error(added(KeyStep::scored, repeat), none), 1e-5);
  if (facts.latent != 0) return;
  EXPECT_EQ(added(KeyStep::normed, clear), none);
  const double error = relative_error(added(KeyStep::normed, repeat), none);
  EXPECT_EQ(error > 1e-4, facts.rope != nullptr) << error;
}

TEST_P(KeyChanges, DoNotDependOnThreadsOrBlocks) {
  const Changed changed(GetParam());
  const Record plain = changed.run(nullptr);
  EditHeads rough([](const ChangedHead& head) {
    for (const ChangedRows& rows : {head.keys, head.values, head.latent, head.shared}) {
      if (rows.first == nullptr) continue;
      test::edit_rows(head, rows, [&](float value) {
        return bf16_to_f32(f32_to_bf16(value)) + 0.01f * static_cast<float>(head.head + 1);
      });
    }
  });
  for (const KeyStep step : changed.steps()) {
    const Intervention intervention = changed.everywhere(step, rough);
    const Record one = changed.run(&intervention);
    EXPECT_TRUE(equal_records(one, changed.run(&intervention, {.threads = 2, .block_windows = 1})));
    EXPECT_FALSE(equal_records(one, plain));
  }
}

INSTANTIATE_TEST_SUITE_P(All, KeyChanges, testing::ValuesIn(kChanged),
                         [](const auto& tested) { return tested.param.identifier(); });

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
