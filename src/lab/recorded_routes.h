// Routes that a log recorded, to be imposed on a pass over the same tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lab/samples.h"
#include "stream/intervention.h"

namespace rg::lab {

struct RecordedLayer {
  std::vector<int32_t> ids;    // (rows,k), k distinct experts each
  std::vector<float> weights;  // (rows,k), or empty: not recorded
};

// Rows sequence by sequence, each from position 0 on.
struct RecordedRoutes {
  std::string source;                   // the log, in messages
  uint32_t k = 0;                       // of a row
  std::vector<uint32_t> lengths;        // rows of each sequence
  std::vector<int32_t> tokens;          // (rows) token ids
  std::map<int, RecordedLayer> layers;  // by index in the model; others are left alone
};

// Reads the log of this path: the caller's, since the laboratory knows no form of logs.
using ReadRoutes = std::function<RecordedRoutes(const std::filesystem::path& log)>;

// LG008 where the sequences of the samples are not as many or not as long.
void require_same_sequences(const RecordedRoutes& routes, const Samples& samples);
// That, and LG008 at the first other token. After the samples were read.
void require_same_tokens(const RecordedRoutes& routes, const Samples& samples);

// Adds them to `intervention`, which then points into `routes`; `weights`: the recorded ones, too,
// else the gate's rule weighs the experts. LG006 where weights are asked for and absent, LG005 for
// weights that are not finite, LG008 for another k and for a layer without a gate.
void impose(const RecordedRoutes& routes, bool weights, const model::Model& model,
            stream::Intervention& intervention);

}  // namespace rg::lab
