// A tiny OLMoE folder whose config and tensors a test may change before binding it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "model/model.h"
#include "support/caught.h"
#include "support/tiny_olmoe.h"

namespace rg::test {

struct OlmoeFolder {
  explicit OlmoeFolder(const TinyOlmoe& tiny = {})
      : config(olmoe_config(tiny)), tensors(olmoe_tensors(tiny)), shards(tiny.shards) {}

  Json config;
  std::vector<FileTensor> tensors;
  uint32_t shards;
  TempFolder folder;

  FileTensor& tensor(const std::string& name) {
    return *std::find_if(tensors.begin(), tensors.end(),
                         [&](const FileTensor& each) { return each.name == name; });
  }
  void remove(const std::string& name) {
    std::erase_if(tensors, [&](const FileTensor& each) { return each.name == name; });
  }
  formats::Checkpoint open() const {
    write_checkpoint(folder.path(), config, tensors, shards);
    return formats::Checkpoint::open(formats::resolve_model(folder.path().string()));
  }
  Caught refusal() const {
    return caught([&] { model::bind_model(open()); });
  }
};

}  // namespace rg::test
