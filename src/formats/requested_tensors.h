// The tensors of a checkpoint without files: each is made when a model asks for it, in the shape
// that it asks for. With these a config.json alone is bound to its family, which gives the names
// and shapes of the whole checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/tensor_entry.h"

namespace rg::formats {

struct TensorRequest {
  std::string_view name;
  std::span<const uint64_t> shape;
  std::optional<DType> dtype;  // none: any that holds numbers by itself
};

class RequestedTensors {
 public:
  struct Rules {
    DType dtype;          // of tensors that are asked for without one
    size_t most_tensors;  // whatever is asked for beyond them is missing
    // Whether a tensor is stored that may be missing, or that may have another name instead; none:
    // as whoever asks finds usual.
    std::function<std::optional<bool>(std::string_view name)> has;
    // Of tensors that are asked for without a dtype and have another one; none: `dtype`.
    std::function<std::optional<DType>(const TensorRequest& wanted)> other_dtype = {};
  };
  explicit RequestedTensors(Rules rules) : rules_(std::move(rules)) {}

  bool has(std::string_view name, bool usual) const;  // made before, or by the rules
  bool is_full() const { return made_.size() >= rules_.most_tensors; }
  const TensorEntry* find(std::string_view name) const;     // made before; else null
  const TensorEntry* request(const TensorRequest& wanted);  // null beyond the rules or 2^64 bytes
  // By name. Pointers to entries stay valid.
  const std::map<std::string, TensorEntry, std::less<>>& made() const { return made_; }

 private:
  Rules rules_;
  std::map<std::string, TensorEntry, std::less<>> made_;
};

}  // namespace rg::formats
