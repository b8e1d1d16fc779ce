// Token ids from a file, for a pass that needs no tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "tap/tap.h"

namespace rg::lab {

// A JSON array of equally long arrays of ids below `vocabulary`; one set named "tokens". CO007,
// TK010, IO errors.
tap::SequenceSet read_token_rows(const std::filesystem::path& file, uint32_t vocabulary);

// TK010: an id without an embedding row.
Error id_outside(const std::string& source, const std::string& place, const std::string& id,
                 uint32_t vocabulary);

}  // namespace rg::lab
