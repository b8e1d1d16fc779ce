// Which layers of the model the places of a list are.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

using Names = std::vector<std::optional<int>>;

bool is_moe(const ModelFacts& model, int layer) {
  return std::binary_search(model.moe_layers.begin(), model.moe_layers.end(), layer);
}

// Places 0, 1, ... are the model's layers themselves.
Names every_layer(const ModelFacts& model, size_t places) {
  Names names(places);
  for (size_t place = 0; place < places; ++place) {
    if (is_moe(model, static_cast<int>(place))) names[place] = static_cast<int>(place);
  }
  return names;
}

Names by_model(const ModelFacts& model, size_t places, const std::string& file,
               std::vector<std::string>& notes) {
  const size_t moe = model.moe_layers.size();
  const auto left_out = [&](size_t count, std::string_view what) {
    notes.push_back(fmt::format("{} of {} places left out: {}.", count, places, what));
  };
  if (places == moe) return {model.moe_layers.begin(), model.moe_layers.end()};
  if (places == model.layers) {
    left_out(places - moe, "layers without a gate");
    return every_layer(model, places);
  }
  if (model.extra_layers > 0 && places == moe + model.extra_layers) {
    left_out(model.extra_layers, "speculative-decoding layers, at the end");
    Names names(model.moe_layers.begin(), model.moe_layers.end());
    names.resize(places);
    return names;
  }
  if (model.extra_layers > 0 && places == size_t{model.layers} + model.extra_layers) {
    left_out(places - moe, "layers without a gate, and speculative-decoding layers at the end");
    return every_layer(model, places);
  }
  refuse(
      ErrorId::LG007, file, "", fmt::format("{} layers", places),
      fmt::format("{}, the model's layers with a gate, or {}, all its layers", moe, model.layers),
      "--layers says which layers of the model they are, in order.");
}

}  // namespace

Names layers_of_places(size_t places, const ReadOptions& options, const std::string& file,
                       std::vector<std::string>& notes) {
  if (places == 0 || places > kMaxLayers) {
    refuse(ErrorId::LG010, file, "", fmt::format("{} layers", places),
           fmt::format("1 to {}", kMaxLayers), "Is the order of the axes another? See --axes.");
  }
  if (options.layers) {
    if (options.layers->size() != places) {
      refuse(ErrorId::LG007, file, "--layers", fmt::format("{} layers", options.layers->size()),
             fmt::format("{}, as the log has", places));
    }
    return {options.layers->begin(), options.layers->end()};
  }
  if (options.model) return by_model(*options.model, places, file, notes);
  Names names(places);
  for (size_t place = 0; place < places; ++place) names[place] = static_cast<int>(place);
  if (places > 1) {
    notes.push_back(fmt::format(
        "Layers are named 0 to {} by their place: if the model has layers without a gate, name "
        "them by --layers or give --model.",
        places - 1));
  }
  return names;
}

void name_stated_layers(Record& record, const ReadOptions& options, const std::string& file) {
  if (options.layers) {
    for (LayerLog& log : record.layers) {
      if (log.layer < 0 || static_cast<size_t>(log.layer) >= options.layers->size()) {
        refuse(ErrorId::LG007, file, fmt::format("layer {}", log.layer),
               fmt::format("no such place among the {} of --layers", options.layers->size()),
               "places from 0");
      }
      log.layer = (*options.layers)[static_cast<size_t>(log.layer)];
    }
  }
  std::sort(record.layers.begin(), record.layers.end(),
            [](const LayerLog& a, const LayerLog& b) { return a.layer < b.layer; });
  if (!options.model) return;
  for (const LayerLog& log : record.layers) {
    if (is_moe(*options.model, log.layer)) continue;
    refuse(ErrorId::LG007, file, fmt::format("layer {}", log.layer),
           fmt::format("a choice of experts, and no gate there in {}", options.model->name),
           "layers with a gate",
           "If the log counts layers with a gate only, --layers says which ones they are.");
  }
}

}  // namespace rg::logs
