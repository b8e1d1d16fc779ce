// `verify` on certificates: unlike artifacts they are about weights, so a checkpoint is needed, and
// the laboratory checks them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "verify/verify.h"

namespace rg::app {

// The certificates that a path names: a file whose first member is `certificate`, or in a folder
// with certificates.json that file and those it lists. None: artifacts, or nothing readable.
std::vector<std::filesystem::path> certificates_at(const std::filesystem::path& path);

// HOLDS, or INVALID with the reason; FAIL with AR022 for a certificate of other bytes. Opening the
// checkpoint: as `inspect`; errors of reading it.
std::vector<verify::Judgement> judge_certificates(const std::vector<std::filesystem::path>& files,
                                                  const std::string& model, Progress& progress);

}  // namespace rg::app
