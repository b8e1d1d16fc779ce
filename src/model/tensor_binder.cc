#include "model/tensor_binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.h"

namespace rg::model {
namespace {

// Weights count their rows and columns in 32 bits.
std::vector<uint64_t> sizes_of(const std::string& name, const std::vector<Dimension>& shape) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  std::vector<uint64_t> sizes;
  for (const Dimension& dimension : shape) {
    if (dimension.size == 0 || dimension.size > kMost) {
      throw Error(ErrorId::CF002, {.file = "config.json",
                                   .object = dimension.key,
                                   .found = std::to_string(dimension.size),
                                   .expected = fmt::format("1 to {}, as a dimension of {}", kMost,
                                                           escape_for_terminal(name)),
                                   .hint = ""});
    }
    sizes.push_back(dimension.size);
  }
  return sizes;
}

// Which keys ask for what the tensor doesn't have; all of them where even the rank differs.
std::string reasons(const std::vector<uint64_t>& found, const std::vector<Dimension>& expected) {
  std::string out;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (found.size() == expected.size() && found[i] == expected[i].size) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : ", ", expected[i].key, expected[i].size);
  }
  return out;
}

}  // namespace

bool TensorBinder::has_or(const std::string& name, bool usual) const {
  return checkpoint_.has(name, usual);
}

Tensor TensorBinder::bind(const std::string& name, const std::vector<Dimension>& shape) {
  const Tensor tensor = find(name, shape, std::nullopt);
  if (dtype_bytes(tensor->dtype) == 1) refuse_dtype(name, dtype_name(tensor->dtype));
  bound_.insert(tensor);
  return tensor;
}

Tensor TensorBinder::bind_as(DType dtype, const std::string& name,
                             const std::vector<Dimension>& shape) {
  const Tensor tensor = find(name, shape, dtype);
  if (tensor->dtype != dtype) refuse_dtype(name, dtype_name(tensor->dtype));
  bound_.insert(tensor);
  return tensor;
}

void TensorBinder::refuse_dtype(const std::string& name, std::string_view dtype) const {
  throw Error(
      ErrorId::ST016,
      {.file = checkpoint_.location().folder.string(),
       .object = name,
       .found = "dtype " + std::string(dtype),
       .expected = "F32, F16 or BF16, FP8 with quantization_config, or the blocks of MXFP4",
       .hint = "Another kind of quantised weights is not supported. Use a checkpoint in one "
               "of these."});
}

Tensor TensorBinder::find(const std::string& name, const std::vector<Dimension>& shape,
                          std::optional<DType> dtype) const {
  const std::vector<uint64_t> sizes = sizes_of(name, shape);
  const Tensor tensor = checkpoint_.request({.name = name, .shape = sizes, .dtype = dtype});
  const std::string folder = checkpoint_.location().folder.string();
  if (tensor == nullptr) {
    if (const formats::UnsupportedTensor* other = checkpoint_.find_unsupported(name)) {
      refuse_dtype(name, other->dtype);
    }
    const bool made = checkpoint_.requested() != nullptr;
    throw Error(ErrorId::ST023,
                {.file = folder,
                 .object = name,
                 .found = made ? "more or larger tensors than any model has" : "no such tensor",
                 .expected = "this tensor, with shape " + formats::shape_text(sizes),
                 .hint = made ? "The sizes in config.json can't be right."
                              : "The checkpoint is incomplete, or config.json belongs to "
                                "another one."});
  }
  if (tensor->shape != sizes) {
    throw Error(ErrorId::ST020,
                {.file = folder,
                 .object = name,
                 .found = "shape " + formats::shape_text(tensor->shape),
                 .expected = fmt::format("{} (config says {})", formats::shape_text(sizes),
                                         reasons(tensor->shape, shape)),
                 .hint = "config.json and weights come from different checkpoints."});
  }
  return tensor;
}

void TensorBinder::set_block_scales(uint32_t rows, uint32_t columns) {
  block_rows_ = rows;
  block_columns_ = columns;
}

Weight TensorBinder::matrix(const std::string& name, Dimension rows, Dimension columns) {
  const std::string scales = name + "_scale_inv";
  const bool packed = block_rows_ != 0 && has(scales);
  const Tensor there =
      find(name, {rows, columns}, packed ? std::optional(DType::f8_e4m3) : std::nullopt);
  const auto down = static_cast<uint32_t>(rows.size);
  const auto across = static_cast<uint32_t>(columns.size);
  if (there->dtype != DType::f8_e4m3 || block_rows_ == 0) {
    return part(bind(name, {rows, columns}), 0, down, across);
  }
  Weight weight = part(bind_as(DType::f8_e4m3, name, {rows, columns}), 0, down, across);
  weight.encoding = Encoding::scaled;
  weight.scales = {.tensor = bind(scales, {{(rows.size + block_rows_ - 1) / block_rows_,
                                            "blocks of " + std::string(rows.key)},
                                           {(columns.size + block_columns_ - 1) / block_columns_,
                                            "blocks of " + std::string(columns.key)}}),
                   .first_byte = 0,
                   .block_rows = block_rows_,
                   .block_columns = block_columns_};
  return weight;
}

Weight TensorBinder::vector(const std::string& name, Dimension size) {
  return part(bind(name, {size}), 0, static_cast<uint32_t>(size.size), 1);
}

Weight TensorBinder::numbers(const std::string& name, Dimension size) {
  const Tensor there = checkpoint_.find(name);
  if (there == nullptr || there->elements() != size.size) return vector(name, size);
  std::vector<Dimension> shape;
  for (const uint64_t extent : there->shape) shape.push_back({extent, size.key});
  return part(bind(name, shape), 0, static_cast<uint32_t>(size.size), 1);
}

Weight TensorBinder::taps(const std::string& name, Dimension channels, Dimension kernel) {
  return part(bind(name, {channels, {1, "one channel each"}, kernel}), 0,
              static_cast<uint32_t>(channels.size), static_cast<uint32_t>(kernel.size));
}

Weight TensorBinder::row(const std::string& name, Dimension size) {
  const Tensor there = checkpoint_.find(name);
  if (there == nullptr || there->shape.size() != 2) return vector(name, size);
  return part(bind(name, {{1, "one row"}, size}), 0, static_cast<uint32_t>(size.size), 1);
}

Weight part(Tensor tensor, uint64_t nth, uint32_t rows, uint32_t columns) {
  return {.values = tensor,
          .first_byte = nth * rows * columns * dtype_bytes(tensor->dtype),
          .rows = rows,
          .columns = columns,
          .stored = Stored::out_in};
}

void TensorBinder::refuse_leftovers(const std::function<bool(std::string_view)>& irrelevant) const {
  std::vector<std::string_view> left;
  for (const formats::TensorEntry& tensor : checkpoint_.tensors()) {
    if (!bound_.contains(&tensor) && !irrelevant(tensor.name)) left.push_back(tensor.name);
  }
  for (const formats::UnsupportedTensor& tensor : checkpoint_.unsupported()) {
    if (!irrelevant(tensor.name)) left.push_back(tensor.name);
  }
  if (left.empty()) return;
  constexpr size_t kNamed = 5;
  std::string names;
  for (size_t i = 0; i < std::min(left.size(), kNamed); ++i) {
    names += (i == 0 ? "" : ", ") + escape_for_terminal(left[i]);
  }
  if (left.size() > kNamed) names += ", …";
  throw Error(
      ErrorId::ST022,
      {.file = checkpoint_.location().folder.string(),
       .object = std::string(left[0]),
       .found = left.size() == 1 ? std::string("a tensor that the family does not use")
                                 : fmt::format("{} tensors that the family does not use ({})",
                                               left.size(), names),
       .expected = "every tensor used or known to be irrelevant",
       .hint = "The model is not what its config.json says, so what it computes is "
               "unknown."});
}

std::optional<uint64_t> layer_of(std::string_view tensor_name) {
  constexpr std::string_view kPrefix = "model.layers.";
  if (!tensor_name.starts_with(kPrefix)) return std::nullopt;
  tensor_name.remove_prefix(kPrefix.size());
  const size_t dot = tensor_name.find('.');
  if (dot == tensor_name.npos) return std::nullopt;
  uint64_t layer = 0;
  const char* end = tensor_name.data() + dot;
  const auto parsed = std::from_chars(tensor_name.data(), end, layer);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return layer;
}

}  // namespace rg::model
