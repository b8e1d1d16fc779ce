// The intervention file: which experts a run masks, forces or scales, layer by layer.
// schema/intervention_file.schema.json.
#pragma once

#include <filesystem>

#include "base/json_fwd.h"
#include "model/model.h"
#include "stream/intervention.h"

namespace rg::lab {

// US001 for a file of another form, or for one that doesn't fit the model (stream::require_fits);
// IO0xx, JS00x.
stream::Intervention read_intervention(const std::filesystem::path& file,
                                       const model::Model& model);

// Such a file: by layer, within it the masked, the forced and the scaled. Imposed routes, which no
// file can say, by their SHA-256. No source.
Json to_json(const stream::Intervention& intervention);

}  // namespace rg::lab
