// The pass against Hugging Face's OlmoeForCausalLM on the golden checkpoints.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "golden.h"

namespace rg::stream {
namespace {

class Parity : public testing::TestWithParam<std::string> {};

TEST_P(Parity, RouterLogitsFinalLogitsAndTopKAgreeInF32) {
  const Golden golden(GetParam());
  const Record record = golden.run({});
  for (const std::string& line : violations(golden, record, "")) ADD_FAILURE() << line;
}

TEST_P(Parity, EveryStepOfTheLayersAgrees) {
  const Golden golden(GetParam());
  const Record record = golden.run({});
  for (size_t n = 0; n < record.layers.size(); ++n) {
    const LayerRecord& layer = record.layers[n];
    const std::pair<const char*, const std::vector<float>*> steps[] = {
        {"residual_in", &layer.residual_in},   {"attention_out", &layer.attention_out},
        {"residual_pre", &layer.residual_pre}, {"gate_input", &layer.gate_input},
        {"topk_weights", &layer.topk_weights}, {"update", &layer.update}};
    for (const auto& [name, found] : steps) {
      const std::string tensor = fmt::format("layers.{}.{}", n, name);
      EXPECT_LE(relative_error(*found, golden.expected().floats(tensor)), kParity) << tensor;
    }
    EXPECT_EQ(layer.topk_ids, golden.expected().ints(fmt::format("layers.{}.topk_ids", n))) << n;
    EXPECT_LE(relative_error(layer.parts, layer.residual_pre), 1e-6) << n;
    EXPECT_LE(relative_error(layer.counterfactual, layer.router_logits), 1e-6) << n;
  }
}

// Rows of `width` values whose bits differ.
std::vector<size_t> changed_rows(const std::vector<float>& a, const std::vector<float>& b,
                                 size_t width) {
  std::vector<size_t> rows;
  EXPECT_EQ(a.size(), b.size());
  for (size_t row = 0; row * width < a.size(); ++row) {
    const size_t at = row * width;
    if (std::memcmp(a.data() + at, b.data() + at, width * sizeof(float)) != 0) rows.push_back(row);
  }
  return rows;
}

TEST_P(Parity, ThreadsAndBlocksDoNotChangeABit) {
  const Golden golden(GetParam());
  const model::Model& model = golden.model();
  const Record one = golden.run({.threads = 1, .block_windows = 1});
  const std::vector<size_t> none;
  for (const How& how :
       {How{.threads = 2, .block_windows = 1}, How{.threads = 3, .block_windows = 2},
        How{.threads = 2, .block_windows = 0}}) {
    SCOPED_TRACE(fmt::format("{} threads, {} windows a block", how.threads, how.block_windows));
    const Record other = golden.run(how);
    for (size_t n = 0; n < one.layers.size(); ++n) {
      SCOPED_TRACE(fmt::format("layer {}", n));
      const LayerRecord &a = one.layers[n], &b = other.layers[n];
      const size_t d = model.width, experts = model.gate().experts;
      EXPECT_EQ(changed_rows(a.attention_out, b.attention_out, d), none) << "attention_out";
      EXPECT_EQ(changed_rows(a.scores, b.scores, experts), none) << "scores";
      EXPECT_EQ(changed_rows(a.update, b.update, d), none) << "update";
      EXPECT_EQ(changed_rows(a.counterfactual, b.counterfactual, experts), none);
    }
    EXPECT_EQ(changed_rows(one.logits, other.logits, model.vocabulary), none) << "logits";
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Parity, testing::ValuesIn(golden_names()), [](const auto& param) {
  std::string name = param.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

TEST(ParityUnmasked, EveryTokenSeesTheWholeSequence) {
  const Golden golden("mha");
  const Record record = golden.run(golden.model(), golden.sequences(false), {});
  for (const std::string& line : violations(golden, record, "unmasked.")) ADD_FAILURE() << line;
}

TEST(ParityTall, SomeExpertNeedsASecondTile) {
  const Golden golden("tall");
  std::vector<size_t> rows(golden.model().gate().experts);
  const size_t k = golden.model().gate().top_k;
  const std::vector<int32_t> ids = golden.expected().ints("layers.0.topk_ids");
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i % (k + 1) < k) ++rows[static_cast<size_t>(ids[i])];
  }
  EXPECT_GT(*std::max_element(rows.begin(), rows.end()), 192u);
  EXPECT_GT(golden.sequences(true).rows(), 192u);
}

// Rows of the first layer that select the expected experts; the rest got another product.
double update_error_of_unswapped_rows(const Golden& golden, const LayerRecord& layer) {
  const size_t d = golden.model().width, k = golden.model().gate().top_k;
  const std::vector<int32_t> ids = golden.expected().ints("layers.0.topk_ids");
  const std::vector<float> update = golden.expected().floats("layers.0.update");
  std::vector<float> found, expected;
  for (size_t row = 0; row * (k + 1) < ids.size(); ++row) {
    const auto at = static_cast<ptrdiff_t>(row * (k + 1)), ends = at + static_cast<ptrdiff_t>(k);
    if (!std::is_permutation(ids.begin() + at, ids.begin() + ends, layer.topk_ids.begin() + at)) {
      continue;
    }
    const auto first = static_cast<ptrdiff_t>(row * d), last = first + static_cast<ptrdiff_t>(d);
    found.insert(found.end(), layer.update.begin() + first, layer.update.begin() + last);
    expected.insert(expected.end(), update.begin() + first, update.begin() + last);
  }
  EXPECT_GT(expected.size() * 10, update.size() * 9) << "most rows keep their experts";
  return relative_error(found, expected);
}

double rms_error(const std::vector<float>& found, const std::vector<float>& expected) {
  double error = 0, power = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(expected[i] - found[i]), 2);
    power += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / power);
}

// Inputs of products are rounded to 8 significant bits (2^-9 each). What lies before any selection
// is held closely, and so is what the first layer's experts add where the selection is the same;
// later, tokens with small margins take other experts, and only the mean can be held.
TEST(ParityBf16, StaysNearOrIsRefused) {
  limit_isa_once();
  if (choose_compute("auto") != Compute::bf16) {
    try {
      choose_compute("bf16");
      FAIL() << "bf16 must be refused on this CPU";
    } catch (const Error& error) {
      EXPECT_EQ(error.id(), ErrorId::RT003);
    }
    return;
  }
  for (const std::string& name : golden_names()) {
    const Golden golden(name);
    const Record record = golden.run({.compute = Compute::bf16});
    const double first = relative_error(record.layers[0].router_logits,
                                        golden.expected().floats("layers.0.router_logits"));
    const double update = update_error_of_unswapped_rows(golden, record.layers[0]);
    const std::vector<float> expected = golden.expected().floats("logits");
    ASSERT_EQ(record.logits.size(), expected.size());
    const double last = rms_error(record.logits, expected);
    RecordProperty(name, fmt::format("{:.1e} {:.1e} {:.1e}", first, update, last));
    EXPECT_LE(first, 2e-2) << name;
    EXPECT_GT(first, kParity) << name << ": bf16 did not run";
    EXPECT_LE(update, 3e-2) << name;
    EXPECT_LE(last, 0.35) << name;
  }
}

}  // namespace
}  // namespace rg::stream
