// A model argument resolved to a folder, and the only way its files are opened.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace rg::formats {

struct ModelLocation {
  std::filesystem::path folder;
  std::string display_name;  // folder name, or org--name@revision12
  // Set for a snapshot of the Hugging Face cache.
  std::optional<std::filesystem::path> cache_root;
  std::string download_command;  // `hf download org/name …`, for a snapshot; else empty
};

// The folder itself, or `org/name[@revision]` in the Hugging Face cache: the first that is set of
// HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub,
// ~/.cache/huggingface/hub. Never the network: HF001 gives the `hf download` line, HF002 says what
// of a snapshot is missing. A folder that lies in such a cache is treated as the snapshot it is.
ModelLocation resolve_model(const std::string& argument);

// Whether the folder has this file, or it can't be told: opening says why. A dangling link counts
// as missing.
bool has_member(const ModelLocation& location, const std::string& name);

// Opens folder/name. Links must end at a regular file in a trusted place, otherwise `refusal`
// (ST015 for weights, CF005 for config.json): below the folder; below the Hugging Face cache, or
// what its owner linked into it (root, repository, snapshots, blobs, one blob).
InputFile open_member(const ModelLocation& location, const std::string& name, ErrorId refusal);

}  // namespace rg::formats
