// The intervention file: which experts a run masks, forces or scales, layer by layer, and which
// recorded routes it imposes.
// schema/intervention_file.schema.json.
#pragma once

#include <filesystem>
#include <optional>

#include "base/json_fwd.h"
#include "model/model.h"
#include "stream/intervention.h"

namespace rg::lab {

// A log whose routes are imposed on the layers that it has.
struct ImposedLog {
  std::filesystem::path log;  // from the folder of the intervention file
  bool weights = false;       // the log's too; else by the gate's rule on its own logits
};

struct InterventionFile {
  stream::Intervention intervention;  // without the log's routes
  std::optional<ImposedLog> routes;
};

// US001 for a file of another form, or for one that doesn't fit the model (stream::require_fits);
// IO0xx, JS00x. Opens no log.
InterventionFile read_intervention(const std::filesystem::path& file, const model::Model& model);

// By layer, within it the masked, the forced, the scaled and the imposed: routes by the SHA-256 of
// their ids (rows,k) in i32 and weights (rows,k) in f32, null where the gate weighs. Then the
// layers and steps at which keys are changed; what the change does is said by whoever gives it. No
// source.
Json to_json(const stream::Intervention& intervention);

}  // namespace rg::lab
