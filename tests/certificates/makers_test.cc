// Certificates of every level: accepted by the program's check and by check.py, and refused by both
// as soon as anything in them, or in the matrices, is changed.
#include "certificates/makers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "python_check.h"
#include "questions.h"

namespace rg::certificates {
namespace {

template <typename Certificate>
void expect_sound(const Layer& layer, const Made<Certificate>& made) {
  ASSERT_TRUE(made.certificate) << name(made.missing);
  EXPECT_EQ(fault_of(layer.question(), *made.certificate), "");
  EXPECT_TRUE(python_accepts(layer, to_json(*made.certificate)));
}

template <typename Certificate>
void expect_refused(const Layer& layer, const Certificate& certificate, std::string_view why) {
  EXPECT_EQ(fault_of(layer.question(), certificate), why);
  EXPECT_FALSE(python_accepts(layer, to_json(certificate))) << why;
}

std::vector<float> token(uint32_t width) {
  std::vector<float> out(width);
  for (uint32_t i = 0; i < width; ++i) out[i] = normal(i, 9, 9);
  return out;
}

std::vector<Layer> layers() {
  Layer plain = random_layer(5, 12, 4, 3, 3);
  plain.key_gains.assign(12, 1);
  plain.router_gains.assign(12, 1);
  Layer uneven = random_layer(6, 20, 5, 2, 4);  // rows of K of very unequal size
  for (uint32_t j = 0; j < 20; ++j) {
    uneven.key(0, j) *= 0x1p-60f;
    uneven.key(5, j) *= 0x1p60f;
  }
  Layer single = random_layer(7, 18, 5, 2, 5);  // fp32: 24 bits each
  for (float& value : single.key_weights) value *= 1.2345678f;
  return {random_layer(8, 24, 6, 2, 1), random_layer(1, 2, 2, 1, 2), plain, uneven, single,
          serial_layer(7, 16, 6, 2, 1), serial_layer(4, 12, 9, 3, 2)};
}

TEST(ExactMaker, FindsPairsThatBothChecksAccept) {
  for (const Layer& layer : layers()) expect_sound(layer, make_exact(layer.question()));
}

TEST(EnclosedMaker, FindsPairsThatBothChecksAccept) {
  for (const Layer& layer : layers()) expect_sound(layer, make_enclosed(layer.question()));
}

TEST(ManifoldMaker, TurnsARealResidual) {
  for (const Layer& layer : {random_layer(8, 24, 6, 2, 1), random_layer(5, 20, 9, 4, 6),
                             serial_layer(7, 16, 6, 2, 1), serial_layer(4, 12, 9, 3, 2)}) {
    const auto made = make_on_manifold(layer.question(), token(layer.width));
    expect_sound(layer, made);
    const ManifoldCertificate& found = *made.certificate;
    EXPECT_TRUE(std::ranges::binary_search(found.set, found.leaves));
    EXPECT_FALSE(std::ranges::binary_search(found.set, found.enters));
    EXPECT_GE(found.relative_change, found.relative_radius);
    EXPECT_GE(found.visibility, 1);
    EXPECT_GT(found.rotation, 0);
    EXPECT_EQ(found.first_position.has_value(), !layer.value_weights.empty());
  }
}

TEST(ManifoldMaker, OneMakerServesAllResiduals) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const ManifoldMaker maker(layer.question());
  for (const float factor : {1.0f, -3.0f}) {
    std::vector<float> x0 = token(16);
    for (float& value : x0) value *= factor;
    const auto made = maker.make(x0);
    expect_sound(layer, made);
    EXPECT_EQ(to_json(*made.certificate),
              to_json(*make_on_manifold(layer.question(), x0).certificate));
  }
}

// A larger push goes further, with the keys and the length of x0 still.
TEST(ManifoldMaker, PushesBeyondTheTie) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const ManifoldMaker maker(layer.question());
  const std::vector<float> x0 = token(16);
  const ManifoldCertificate sound = *maker.make(x0).certificate;
  const std::vector<double> pushes = {1e-6, 1e-3, 1e-1, 2};  // of the last there is none
  const std::vector<std::vector<double>> turned = maker.turned(x0, pushes);
  ASSERT_EQ(turned.size(), 3u);
  EXPECT_EQ(turned[0], sound.x);
  double last = 0;
  for (const std::vector<double>& x : turned) {
    double apart = 0, square = 0, old_square = 0;
    std::vector<double> keys(7);
    for (uint32_t j = 0; j < 16; ++j) {
      const double old = double{x0[j]}, off = x[j] - old;
      apart += off * off;
      square += x[j] * x[j];
      old_square += old * old;
      for (uint32_t i = 0; i < 7; ++i) {
        keys[i] += double{layer.key(i, j)} * double{layer.key_gains[j]} * off;
      }
    }
    EXPECT_GT(apart, last);
    last = apart;
    EXPECT_NEAR(square, old_square, 1e-12 * square);
    for (const double key : keys) EXPECT_NEAR(key, 0, 1e-13);
  }
  EXPECT_TRUE(maker.turned(std::vector<float>(16), pushes).empty());  // a tie
}

TEST(ExactMaker, AnyChangeIsRefused) {
  const Layer layer = random_layer(8, 24, 6, 2, 1);
  const ExactCertificate sound = *make_exact(layer.question()).certificate;
  ExactCertificate digit = sound;
  digit.values[3].back() = digit.values[3].back() == '1' ? '2' : '1';
  expect_refused(layer, digit, "its keys are not zero");
  ExactCertificate column = sound;
  std::swap(column.values[0], column.values[1]);
  expect_refused(layer, column, "its keys are not zero");
  ExactCertificate swapped = sound;
  std::swap(swapped.set, swapped.opposite_set);
  expect_refused(layer, swapped, "other sets");
  ExactCertificate gap = sound;  // check.py doesn't look at gaps
  gap.opposite_gap *= 1.0001;
  EXPECT_EQ(fault_of(layer.question(), gap), "other gaps");
  ExactCertificate zero = sound;
  for (std::string& value : zero.values) value = "0";
  expect_refused(layer, zero, "its logits are all equal");
  Layer other = layer;
  other.key(2, sound.columns[0]) *= 1.0078125f;  // the next bf16
  expect_refused(other, sound, "its keys are not zero");
  Layer turned = layer;
  for (float& value : turned.router_weights) value = -value;
  expect_refused(turned, sound, "other sets");
  expect_refused(random_layer(9, 24, 6, 2, 1), sound, "another shape");
}

// After attention the sets are those of h(z), at the length stated.
TEST(ExactMaker, AttentionCounts) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const ExactCertificate sound = *make_exact(layer.question()).certificate;
  Layer before = layer, other = layer;  // the same router reading x
  before.value_weights.clear();
  ExactCertificate moved = sound;
  moved.first_position.reset();
  EXPECT_EQ(fault_of(before.question(), moved), "other sets");
  expect_refused(layer, moved, "another place of the router");
  expect_refused(before, sound, "another place of the router");
  ExactCertificate longer = sound;  // too long for attention to count
  longer.first_position->scale += 40;
  expect_refused(layer, longer, "other sets");
  longer.set = make_exact(before.question()).certificate->set;
  longer.opposite_set = make_exact(before.question()).certificate->opposite_set;
  longer.set_gap = make_exact(before.question()).certificate->set_gap;
  longer.opposite_gap = make_exact(before.question()).certificate->opposite_gap;
  EXPECT_EQ(fault_of(layer.question(), longer), "");
  EXPECT_TRUE(python_accepts(layer, to_json(longer)));
  for (float& value : other.output_weights) value = -value;
  expect_refused(other, sound, "other sets");
  Layer muted = layer;  // its norm divides by a thousand
  muted.epsilon = 1e6;
  expect_refused(muted, sound, "other sets");
  expect_sound(muted, make_exact(muted.question()));
  expect_sound(muted, make_enclosed(muted.question()));
}

TEST(EnclosedMaker, AttentionCounts) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const EnclosedCertificate sound = *make_enclosed(layer.question()).certificate;
  Layer before = layer, other = layer;
  before.value_weights.clear();
  expect_refused(before, sound, "another place of the router");
  for (float& value : other.output_weights) value = -value;
  expect_refused(other, sound, "other sets");
  EnclosedCertificate scaled = sound;  // z itself is meant
  scaled.first_position->scale = 1;
  expect_refused(layer, scaled, "another place of the router");
  EnclosedCertificate longer = sound;
  for (double& value : longer.z) value *= 0x1p40;
  EXPECT_NE(fault_of(layer.question(), longer), "");
  EXPECT_FALSE(python_accepts(layer, to_json(longer)));
}

TEST(ExactMaker, ValuesAreIntegersAsWritten) {
  const Layer layer = random_layer(8, 24, 6, 2, 1);
  const ExactCertificate sound = *make_exact(layer.question()).certificate;
  for (const char* text : {"", "0x1", "1F", "01", "-0", " 1", "1g"}) {
    ExactCertificate changed = sound;
    changed.values[0] = text;
    EXPECT_EQ(fault_of(layer.question(), changed), "no vector of integers") << text;
  }
  ExactCertificate beyond = sound;
  beyond.columns.back() = 24;
  EXPECT_EQ(fault_of(layer.question(), beyond), "no vector of integers");
  ExactCertificate twice = sound;
  twice.columns[1] = twice.columns[0];
  EXPECT_EQ(fault_of(layer.question(), twice), "no vector of integers");
}

TEST(EnclosedMaker, AnyChangeIsRefused) {
  const Layer layer = random_layer(8, 24, 6, 2, 1);
  const EnclosedCertificate sound = *make_enclosed(layer.question()).certificate;
  EnclosedCertificate digit = sound;
  digit.z[3] += 1;
  expect_refused(layer, digit, "sets not told apart");
  EnclosedCertificate slightly = sound;  // still a proof, of less than it says
  slightly.z[3] += 1e-9;
  expect_refused(layer, slightly, "claims more than holds");
  EnclosedCertificate swapped = sound;
  std::swap(swapped.set, swapped.opposite_set);
  expect_refused(layer, swapped, "other sets");
  EnclosedCertificate inverse = sound;
  inverse.rows.inverse[0] *= 3;
  expect_refused(layer, inverse, "rows of the keys not shown to be independent");
  EnclosedCertificate slack = sound;
  slack.slack *= 2;
  expect_refused(layer, slack, "claims more than holds");
  EnclosedCertificate defect = sound;
  defect.rows.defect = 0;
  expect_refused(layer, defect, "claims more than holds");
  EnclosedCertificate distance = sound;
  distance.distance = 0;
  expect_refused(layer, distance, "claims more than holds");
  Layer other = layer;
  for (uint32_t j = 0; j < 24; ++j) other.key(2, j) = layer.key(2, 23 - j);
  EXPECT_NE(fault_of(other.question(), sound), "");
  EXPECT_FALSE(python_accepts(other, to_json(sound)));
  expect_refused(random_layer(9, 24, 6, 2, 1), sound, "another shape");
}

TEST(ManifoldMaker, AnyChangeIsRefused) {
  const Layer layer = random_layer(8, 24, 6, 2, 1);
  const ManifoldCertificate sound = *make_on_manifold(layer.question(), token(24)).certificate;
  ManifoldCertificate keys = sound;
  keys.x[3] += 0.125;
  expect_refused(layer, keys, "sets not told apart");
  ManifoldCertificate longer = sound;  // the keys of x0 no more, but for a factor, and another norm
  for (double& value : longer.x) value *= 1.001;
  expect_refused(layer, longer, "sets not told apart");
  for (const double share : {0.1, -0.1}) {  // still the keys of x0, but another norm
    ManifoldCertificate hidden = sound;
    for (uint32_t j = 0; j < 24; ++j) hidden.x[j] += share * sound.direction[j];
    expect_refused(layer, hidden, "sets not told apart");
  }
  ManifoldCertificate swapped = sound;
  std::swap(swapped.set, swapped.other_set);
  expect_refused(layer, swapped, "other sets");
  ManifoldCertificate same = sound;
  same.x.assign(sound.x0.begin(), sound.x0.end());
  expect_refused(layer, same, "sets not told apart");
  ManifoldCertificate seen = sound;  // a direction that the keys see
  for (uint32_t j = 0; j < 24; ++j) seen.direction[j] = layer.key_weights[j];
  expect_refused(layer, seen, "no part of it is hidden from the keys");
  ManifoldCertificate distance = sound;
  distance.distance /= 1e6;
  expect_refused(layer, distance, "claims more than holds");
  ManifoldCertificate elsewhere = sound;
  elsewhere.first_position = AtFirstPosition{0};
  expect_refused(layer, elsewhere, "another place of the router");
}

// What it says of the change, which check.py doesn't look at.
TEST(ManifoldMaker, SizesOfTheChangeAreRecomputed) {
  for (const Layer& layer : {random_layer(8, 24, 6, 2, 1), serial_layer(7, 16, 6, 2, 1)}) {
    const ManifoldCertificate sound =
        *make_on_manifold(layer.question(), token(layer.width)).certificate;
    const auto refused = [&](const auto& edit) {
      ManifoldCertificate changed = sound;
      edit(changed);
      EXPECT_EQ(fault_of(layer.question(), changed), "other sizes of the change");
    };
    refused([](ManifoldCertificate& of) { of.rotation *= 1.00001; });
    refused([](ManifoldCertificate& of) { of.relative_change *= 0.99999; });
    refused([](ManifoldCertificate& of) { of.relative_radius *= 0.99999; });
    refused([](ManifoldCertificate& of) { of.visibility *= 1.00001; });
    refused([](ManifoldCertificate& of) { of.determined_share += 0.3; });
    refused([](ManifoldCertificate& of) { std::swap(of.leaves, of.enters); });
    refused([](ManifoldCertificate& of) { of.relative_change = std::nan(""); });
  }
}

// After attention the sets are those of h(x), and W_O W_V may be all that tells residuals apart.
TEST(ManifoldMaker, AttentionCounts) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const ManifoldCertificate sound = *make_on_manifold(layer.question(), token(16)).certificate;
  Layer before = layer, other = layer;
  before.value_weights.clear();
  expect_refused(before, sound, "another place of the router");
  ManifoldCertificate moved = sound;
  moved.first_position.reset();
  expect_refused(layer, moved, "another place of the router");
  EXPECT_NE(fault_of(before.question(), moved), "");
  EXPECT_FALSE(python_accepts(before, to_json(moved)));
  ManifoldCertificate longer = sound;
  longer.first_position->scale = 1;
  expect_refused(layer, longer, "another place of the router");
  for (float& value : other.output_weights) value = -value;
  EXPECT_NE(fault_of(other.question(), sound), "");
  EXPECT_FALSE(python_accepts(other, to_json(sound)));
  Layer blind = layer;  // the router reads of x what the keys see
  for (uint32_t i = 0; i < blind.experts; ++i) {
    for (uint32_t j = 0; j < 16; ++j) {
      blind.router(i, j) = layer.key(i, j);
    }
  }
  blind.router_gains = blind.key_gains;
  expect_sound(blind, make_on_manifold(blind.question(), token(16)));
  blind.value_weights.clear();
  EXPECT_EQ(make_on_manifold(blind.question(), token(16)).missing, Missing::keys_decide_token);
}

TEST(ManifoldMaker, AnyChangeAfterAttentionIsRefused) {
  const Layer layer = serial_layer(7, 16, 6, 2, 1);
  const ManifoldCertificate sound = *make_on_manifold(layer.question(), token(16)).certificate;
  ManifoldCertificate keys = sound;
  keys.x[3] += 0.125;
  expect_refused(layer, keys, "sets not told apart");
  ManifoldCertificate old = sound;
  old.x0[3] += 0.125f;
  EXPECT_NE(fault_of(layer.question(), old), "");
  EXPECT_FALSE(python_accepts(layer, to_json(old)));
  ManifoldCertificate swapped = sound;
  std::swap(swapped.set, swapped.other_set);
  expect_refused(layer, swapped, "other sets");
  ManifoldCertificate slack = sound;
  slack.other_slack *= 2;
  expect_refused(layer, slack, "claims more than holds");
  ManifoldCertificate distance = sound;
  distance.distance /= 1e6;
  expect_refused(layer, distance, "claims more than holds");
  ManifoldCertificate seen = sound;
  for (uint32_t j = 0; j < 16; ++j) seen.direction[j] = layer.key(0, j);
  expect_refused(layer, seen, "no part of it is hidden from the keys");
  ManifoldCertificate inverse = sound;
  inverse.rows.inverse[0] *= 3;
  expect_refused(layer, inverse, "rows of the keys not shown to be independent");
}

}  // namespace
}  // namespace rg::certificates
