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

}  // namespace rg::model
