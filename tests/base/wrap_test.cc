#include "base/wrap.h"

#include <gtest/gtest.h>

namespace rg {
namespace {

TEST(Wrap, BreaksAtSpacesWithinTheWidth) {
  EXPECT_EQ(wrapped("one two three", "", 2, 9), "  one two\n  three\n");
  EXPECT_EQ(wrapped("one two three", "", 2, 100), "  one two three\n");
}

TEST(Wrap, PutsAMarkBeforeTheFirstLineOnly) {
  EXPECT_EQ(wrapped("one two", "  - ", 4, 8), "  - one\n    two\n");
}

TEST(Wrap, LeavesAWordThatIsLongerThanTheLineWhole) {
  EXPECT_EQ(wrapped("a $\\mathbf{R}^{d}$ b", "", 0, 6), "a\n$\\mathbf{R}^{d}$\nb\n");
}

TEST(Wrap, CountsCodePointsNotBytes) { EXPECT_EQ(wrapped("ää öö üü", "", 0, 5), "ää öö\nüü\n"); }

TEST(Wrap, AFirstLineMayBeginFurtherLeft) {
  EXPECT_EQ(wrapped("one two", "  ", 4, 6), "  one\n    two\n");
}

TEST(TextWidth, CountsCodePoints) {
  EXPECT_EQ(text_width(""), 0u);
  EXPECT_EQ(text_width("ää%"), 3u);
}

TEST(Wrap, MakesALineOfNothing) { EXPECT_EQ(wrapped("", "", 2, 10), "  \n"); }

}  // namespace
}  // namespace rg
