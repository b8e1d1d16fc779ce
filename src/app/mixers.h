// The token mixers of a model, for people and for programs: layers of the same kind and shape are
// one entry.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/model.h"

namespace rg::app {

struct MixerEntry {
  std::vector<int> layers;
  std::string text;  // "GQA, 32 heads of 128, 4 key and value heads, window 128"
  Json facts;        // "kind" and its numbers
};

std::vector<MixerEntry> describe_mixers(const model::Model& model);

}  // namespace rg::app
