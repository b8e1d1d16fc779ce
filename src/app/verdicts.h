// Judging what stands in files, for `verify` and at the end of `run`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "verify/verify.h"

namespace rg::app {

// Compares the tensor hashes that each artifact lists with the bytes of this checkpoint; what
// differs turns the verdict into FAIL with the reason AR022 ("measured other bytes"). Each tensor
// is read once. INVALID ones stay as they are.
void compare_with_model(std::vector<verify::Judgement>& judgements, const std::string& model);

}  // namespace rg::app
