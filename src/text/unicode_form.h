// The Unicode normalisation forms as Hugging Face's normaliser computes them: UAX #15 with the
// tables of Unicode 9. Characters that later versions gave a decomposition or a combining class
// are left alone (newer_marks.inc lists them, measured by recipes/golden/normalization.py).
#pragma once

#include "text/aligned_text.h"

namespace rg::text {

enum class UnicodeForm { nfc, nfd, nfkc, nfkd };

// O(n log n) also for long runs of combining marks.
AlignedText to_unicode_form(AlignedText text, UnicodeForm form);

}  // namespace rg::text
