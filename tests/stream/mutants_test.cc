// Every mutant of every family that has such a part must break one of the family's golden
// comparisons.
#include "mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/error.h"
#include "family_golden.h"

namespace rg::stream {
namespace {

std::vector<std::string> golden_families() {
  std::vector<std::string> families;
  for (const FamilyShape& shape : family_shapes()) {
    if (!is_known(shape.family)) continue;
    if (families.empty() || families.back() != shape.family) families.push_back(shape.family);
  }
  return families;
}

class Mutants : public testing::TestWithParam<std::string> {};

// True if the comparison notices, or the gate's rules refuse it.
bool is_noticed(const FamilyGolden& golden, const model::Model& wrong) {
  try {
    for (const int layer : wrong.moe_layers()) {
      gate::validate(wrong.layer(layer).router->spec, "");
    }
    return !golden.violations(golden.run(wrong, {})).empty();
  } catch (const Error& error) {
    return error.id() == ErrorId::CF010;
  }
}

TEST_P(Mutants, EachBreaksAComparison) {
  std::vector<std::unique_ptr<FamilyGolden>> goldens;
  for (const FamilyShape& shape : family_shapes()) {
    if (shape.family != GetParam() || shape.has_several_gates()) continue;
    goldens.push_back(std::make_unique<FamilyGolden>(shape));
  }
  size_t tried = 0;
  for (const Mutant& mutant : all_mutants()) {
    bool applies = false, noticed = false;
    for (const auto& golden : goldens) {
      model::Model wrong = golden->model();
      if (!mutant.change(wrong)) continue;
      applies = true;
      if ((noticed = is_noticed(*golden, wrong))) break;
    }
    tried += applies ? 1 : 0;
    EXPECT_TRUE(noticed || !applies) << mutant.name;
  }
  EXPECT_GT(tried, 15u);
}

INSTANTIATE_TEST_SUITE_P(All, Mutants, testing::ValuesIn(golden_families()),
                         [](const auto& family) { return family.param; });

}  // namespace
}  // namespace rg::stream
