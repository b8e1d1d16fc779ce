// Checks certificate files, and the report that lists them, against a checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "lab/settings.h"
#include "lab/subject.h"
#include "lab/token_residuals.h"

namespace rg::lab {

struct CheckSetting {
  const Subject& subject;
  const EngineSettings& engine;  // of twin tokens, which compute layer 0
  std::filesystem::path spill_folder;
  Progress& progress;
  TokenResiduals& residuals;  // of levels B' and C
};

// `root`: what a file holds whose kind is `kind` (certificate_kind()). Throws what is wrong with
// it: AR005 for a kind that this program doesn't know, and as check_pair(), check_manifold(),
// check_cached_keys(), check_twins() and check_report().
void check_certificate(const CheckSetting& setting, const Json& root, const std::string& kind,
                       const std::filesystem::path& file);

// What is stated of each layer, from the model and, where a level is absent, from the weights; the
// files that it lists lie in its folder, with the digests listed. What they prove is checked file
// by file. AR013 for a file that is missing or another, AR014 for layers, AR022 for another model,
// AR010 for what is stated otherwise than the model gives it.
void check_report(const CheckSetting& setting, const Json& root, const std::filesystem::path& file);

// The deepest layer in the names of certificates' files; -1 if there is none.
int deepest_layer(const std::vector<std::filesystem::path>& files);

// The files that a report lists, in its folder; those that it names properly.
std::vector<std::filesystem::path> listed_files(const Json& report,
                                                const std::filesystem::path& folder);

}  // namespace rg::lab
