// The file of `audit --keys`: which keys are stored in few bits, and how.
// schema/stored_keys_file.schema.json.
#pragma once

#include <filesystem>

#include "lab/stored_keys.h"

namespace rg::lab {

// The words of the file and of artifacts.
const char* scale_word(keys::ScaleOf scale);  // "key", "channel", "head"
const char* rule_word(keys::ScaleRule rule);  // "least_squares", "norm", "unbiased"

// For windows of `seq_len` tokens. US001 for a file of another form, or for one that fits neither
// the model (stream::require_fits) nor the windows; IO0xx, JS00x.
StoredKeys read_stored_keys(const std::filesystem::path& file, const model::Model& model,
                            uint32_t seq_len);

}  // namespace rg::lab
