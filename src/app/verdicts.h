// What `run` and `verify` do with judgements beyond the judge's own: comparing artifacts with a
// checkpoint, and the table as this terminal shows it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/options.h"
#include "verify/verify.h"

namespace rg::app {

// Compares what each artifact lists with this checkpoint: the hashes of config, index and
// tokenizer, dtype, shape and hash of every tensor. The lists must hold all of those files and the
// gate of every measured layer. What differs or is missing, or a file that changed since it was
// judged, turns the verdict into FAIL with the reason AR022. Each tensor is read once. INVALID and
// OVER_BUDGET ones stay as they are. Opening the checkpoint: as `inspect`.
void compare_with_model(std::vector<verify::Judgement>& judgements, const std::string& model);

// For stdout: its width, and colour where it is wanted.
verify::TableStyle table_style(const TableShape& shape);

}  // namespace rg::app
