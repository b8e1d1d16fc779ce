// The lines under a row of the table.
#pragma once

#include <string>

#include "verify/verify.h"

namespace rg::verify {

// The sentence, the reasons of a defect and what qualifies the verdict; with `style.details` all
// that was found. Wrapped to `columns`, text from files escaped.
std::string lines_under(const Judgement& judgement, const TableStyle& style, size_t columns);

}  // namespace rg::verify
