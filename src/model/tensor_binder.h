// Hands out a checkpoint's tensors by name, checks their shapes against the config, and knows which
// are left: a tensor that nothing uses means that the model isn't what the config says.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "model/model.h"

namespace rg::model {

// One dimension and the config key (or product of keys) that asks for it.
struct Dimension {
  uint64_t size;
  std::string key;
};

class TensorBinder {
 public:
  explicit TensorBinder(const formats::Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  bool has(const std::string& name) const { return has_or(name, false); }  // whatever its dtype
  // Of a config.json alone, where nothing says whether it is stored: `usual`.
  bool has_or(const std::string& name, bool usual) const;
  Tensor peek(const std::string& name) const { return checkpoint_.find(name); }  // null: none
  // CF002 for a dimension of 0 or beyond 32 bits, ST023 if there is no such tensor, ST016 if its
  // dtype isn't one that holds numbers by itself, ST020 if its shape is another.
  Tensor bind(const std::string& name, const std::vector<Dimension>& shape);
  // The same for a tensor of this dtype only.
  Tensor bind_as(DType dtype, const std::string& name, const std::vector<Dimension>& shape);
  // FP8 matrices have blocks of that many rows and columns, whose scales are in the tensor
  // NAME_scale_inv (quantization_config.weight_block_size). Without this call they are refused.
  void set_block_scales(uint32_t rows, uint32_t columns);
  // The whole tensor as a weight; refusals as bind().
  Weight matrix(const std::string& name, Dimension rows, Dimension columns);
  Weight vector(const std::string& name, Dimension size);
  // `size` numbers in any shape.
  Weight numbers(const std::string& name, Dimension size);
  // A causal convolution of single channels, stored (channels, 1, kernel).
  Weight taps(const std::string& name, Dimension channels, Dimension kernel);
  Weight row(const std::string& name, Dimension size);  // a vector, also if stored as (1, size)
  // ST022 if a tensor is neither bound nor irrelevant.
  void refuse_leftovers(const std::function<bool(std::string_view)>& irrelevant) const;

 private:
  [[noreturn]] void refuse_dtype(const std::string& name, std::string_view dtype) const;
  // `dtype`: in which a checkpoint without files makes it; none for the usual one.
  Tensor find(const std::string& name, const std::vector<Dimension>& shape,
              std::optional<DType> dtype) const;

  const formats::Checkpoint& checkpoint_;
  uint32_t block_rows_ = 0, block_columns_ = 0;
  std::set<Tensor> bound_;
};

// The `nth` of the (rows, columns) matrices that a tensor holds one after another.
Weight part(Tensor tensor, uint64_t nth, uint32_t rows, uint32_t columns);

// "model.layers.12.mlp.gate.weight" -> 12; none for other names.
std::optional<uint64_t> layer_of(std::string_view tensor_name);

}  // namespace rg::model
