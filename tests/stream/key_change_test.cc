// Keys and values that a pass changes before attention scores are computed, in every kind of
// attention.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "key_changed.h"
#include "tensor/dtype.h"

namespace rg::stream {
namespace {

using model::ChangedHead;
using model::ChangedRows;
using model::KeyStep;
using test::EditHeads;

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

}  // namespace
}  // namespace rg::stream
