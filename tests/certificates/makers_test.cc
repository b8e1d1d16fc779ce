// Certificates of every level: accepted by the program's check and by check.py, and refused by both
// as soon as anything in them is changed.
#include "certificates/makers.h"

#include <gtest/gtest.h>

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

TEST(ExactMaker, FindsPairsThatBothChecksAccept) {
  expect_sound(random_layer(8, 24, 6, 2, 1), make_exact(random_layer(8, 24, 6, 2, 1).question()));
}

}  // namespace
}  // namespace rg::certificates
