// Every family that this version computes.
#pragma once

#include <span>
#include <string_view>

#include "formats/checkpoint.h"
#include "model/model.h"

namespace rg::model {

struct Family {
  std::string_view model_type;
  Model (*bind)(const formats::Checkpoint&);
};

std::span<const Family> all_families();

// A released family of MoE models that needs something that no block computes.
struct FamilyNotComputed {
  std::string_view model_type;
  std::string_view missing;
};

std::span<const FamilyNotComputed> families_not_computed();

}  // namespace rg::model
