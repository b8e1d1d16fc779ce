#include "model/sparse_layers.h"

#include <fmt/format.h>

#include "base/json.h"

namespace rg::model {

std::vector<bool> qwen_sparse_layers(Decoder& decoder) {
  ConfigReader& config = decoder.config();
  const uint32_t step = config.count_or("decoder_sparse_step", "layers.sparse_step", 1);
  if (step == 0) config.refuse("decoder_sparse_step", "0", "at least 1", "");
  std::vector<bool> sparse(decoder.layers());
  for (uint32_t n = 0; n < sparse.size(); ++n) sparse[n] = (n + 1) % step == 0;
  const Json* dense = config.value_if("mlp_only_layers");
  if (dense == nullptr) return sparse;
  const std::string expected = fmt::format("a list of layers below {}", decoder.layers());
  const std::string written = write_json(*dense, JsonLayout::compact);
  if (!dense->is_array()) config.refuse("mlp_only_layers", written, expected, "");
  for (const Json& layer : *dense) {
    if (!layer.is_number_unsigned() || layer.get<uint64_t>() >= sparse.size()) {
      config.refuse("mlp_only_layers", written, expected, "");
    }
    sparse[layer.get<size_t>()] = false;
  }
  return sparse;
}

std::vector<bool> layers_after_dense_ones(Decoder& decoder, uint32_t dense) {
  const auto stated = decoder.config().count_if("first_k_dense_replace", "layers.first_dense");
  if (const auto listed = decoder.layer_list("mlp_layer_types", "sparse", "dense")) return *listed;
  std::vector<bool> sparse(decoder.layers());
  for (uint32_t n = 0; n < sparse.size(); ++n) sparse[n] = n >= stated.value_or(dense);
  return sparse;
}

}  // namespace rg::model
