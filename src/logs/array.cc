#include "logs/array.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/parallel.h"
#include "formats/safetensors.h"
#include "formats/tensor_entry.h"
#include "logs/refuse.h"
#include "tensor/dtype.h"

namespace rg::logs {
namespace {

struct StorageRow {
  Storage storage;
  size_t bytes;
  bool integer;
  int mantissa_bits;  // of floating-point numbers
  std::string_view name, safetensors;
};
constexpr StorageRow kStorages[] = {
    {Storage::i8, 1, true, 23, "int8", "I8"},
    {Storage::u8, 1, true, 23, "uint8", "U8"},
    {Storage::i16, 2, true, 23, "int16", "I16"},
    {Storage::u16, 2, true, 23, "uint16", "U16"},
    {Storage::i32, 4, true, 23, "int32", "I32"},
    {Storage::u32, 4, true, 23, "uint32", "U32"},
    {Storage::i64, 8, true, 23, "int64", "I64"},
    {Storage::u64, 8, true, 23, "uint64", "U64"},
    {Storage::f16, 2, false, 10, "float16", "F16"},
    {Storage::bf16, 2, false, 7, "bfloat16", "BF16"},
    {Storage::f32, 4, false, 23, "float32", "F32"},
    {Storage::f64, 8, false, 23, "float64", "F64"},
};

const StorageRow& row_of(Storage storage) noexcept {
  return kStorages[static_cast<size_t>(storage)];
}

template <typename T>
T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Calls visit(load) with a function that reads one element at an address as int64 or double.
template <typename Visit>
auto with_loader(Storage storage, Visit&& visit) {
  switch (storage) {
    case Storage::i8:
      return visit([](const std::byte* at) { return int64_t{load<int8_t>(at)}; });
    case Storage::u8:
      return visit([](const std::byte* at) { return int64_t{load<uint8_t>(at)}; });
    case Storage::i16:
      return visit([](const std::byte* at) { return int64_t{load<int16_t>(at)}; });
    case Storage::u16:
      return visit([](const std::byte* at) { return int64_t{load<uint16_t>(at)}; });
    case Storage::i32:
      return visit([](const std::byte* at) { return int64_t{load<int32_t>(at)}; });
    case Storage::u32:
      return visit([](const std::byte* at) { return int64_t{load<uint32_t>(at)}; });
    case Storage::i64:
      return visit([](const std::byte* at) { return load<int64_t>(at); });
    case Storage::u64:  // beyond int64 it becomes negative, and no id
      return visit([](const std::byte* at) { return static_cast<int64_t>(load<uint64_t>(at)); });
    case Storage::f16:
      return visit([](const std::byte* at) { return double{f16_to_f32(load<uint16_t>(at))}; });
    case Storage::bf16:
      return visit([](const std::byte* at) { return double{bf16_to_f32(load<uint16_t>(at))}; });
    case Storage::f32:
      return visit([](const std::byte* at) { return double{load<float>(at)}; });
    case Storage::f64:
      break;
  }
  return visit([](const std::byte* at) { return load<double>(at); });
}

constexpr int64_t kSmallest = std::numeric_limits<int32_t>::min();
constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();

template <typename T>
bool fits(T value) noexcept {
  if constexpr (std::is_floating_point_v<T>) {
    return false;
  } else {
    return value >= kSmallest && value <= kLargest;
  }
}

[[noreturn]] void refuse_integer(const Array& array, const std::string& file) {
  refuse(ErrorId::LG003, file, array.name,
         is_integer(array.storage) ? "a number beyond 32 bits" : describe(array),
         is_integer(array.storage) ? "ids, which are small integers" : "integers");
}

struct SplitShape {
  uint64_t rows, layers, columns;
  uint64_t row_step, layer_step, column_step;  // bytes
};

SplitShape split_shape(const Array& array, const Axes& axes) {
  const std::vector<uint64_t> strides = strides_of(array);
  const size_t size = storage_bytes(array.storage);
  return {.rows = array.shape[axes.rows],
          .layers = axes.layers ? array.shape[*axes.layers] : 1,
          .columns = array.shape[axes.columns],
          .row_step = strides[axes.rows] * size,
          .layer_step = axes.layers ? strides[*axes.layers] * size : 0,
          .column_step = strides[axes.columns] * size};
}

template <typename Out>
std::vector<std::vector<Out>> split(const Array& array, const Axes& axes, int threads,
                                    const std::string& file) {
  const SplitShape shape = split_shape(array, axes);
  std::vector<std::vector<Out>> layers(shape.layers);
  const std::byte* data = array.bytes.data();
  parallel_for(shape.layers, threads, [&](size_t layer, int) {
    std::vector<Out>& out = layers[layer];
    out.resize(shape.rows * shape.columns);
    const bool fine = with_loader(array.storage, [&](auto element) {
      Out* to = out.data();
      for (uint64_t row = 0; row < shape.rows; ++row) {
        const std::byte* from = data + layer * shape.layer_step + row * shape.row_step;
        for (uint64_t column = 0; column < shape.columns; ++column) {
          const auto value = element(from + column * shape.column_step);
          if constexpr (std::is_same_v<Out, int32_t>) {
            if (!fits(value)) return false;
          }
          *to++ = static_cast<Out>(value);
        }
      }
      return true;
    });
    if (!fine) refuse_integer(array, file);
  });
  return layers;
}

}  // namespace

size_t storage_bytes(Storage storage) noexcept { return row_of(storage).bytes; }
bool is_integer(Storage storage) noexcept { return row_of(storage).integer; }
std::string_view name(Storage storage) noexcept { return row_of(storage).name; }

float epsilon_of(Storage storage) noexcept {
  return 1.0f / static_cast<float>(uint32_t{1} << row_of(storage).mantissa_bits);
}

std::optional<Storage> storage_from_safetensors(std::string_view dtype) {
  for (const StorageRow& row : kStorages) {
    if (row.safetensors == dtype) return row.storage;
  }
  return std::nullopt;
}

std::string describe(const Array& array) {
  return fmt::format("{} {}", name(array.storage), formats::shape_text(array.shape));
}

std::vector<uint64_t> strides_of(const Array& array) {
  std::vector<uint64_t> strides(array.shape.size());
  uint64_t step = 1;
  for (size_t i = 0; i < strides.size(); ++i) {
    const size_t axis = array.fortran ? i : strides.size() - 1 - i;
    strides[axis] = step;
    step *= array.shape[axis];
  }
  return strides;
}

std::vector<int32_t> to_int32(const Array& array, const std::string& file) {
  std::vector<int32_t> values(array.elements());
  const size_t step = storage_bytes(array.storage);
  const bool fine = with_loader(array.storage, [&](auto element) {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto value = element(array.bytes.data() + i * step);
      if (!fits(value)) return false;
      values[i] = static_cast<int32_t>(value);
    }
    return true;
  });
  if (!fine) refuse_integer(array, file);
  return values;
}

std::vector<float> to_float(const Array& array) {
  std::vector<float> values(array.elements());
  const size_t step = storage_bytes(array.storage);
  with_loader(array.storage, [&](auto element) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(element(array.bytes.data() + i * step));
    }
    return true;
  });
  return values;
}

std::vector<std::vector<int32_t>> split_layers_int(const Array& array, const Axes& axes,
                                                   int threads, const std::string& file) {
  return split<int32_t>(array, axes, threads, file);
}

std::vector<std::vector<float>> split_layers_float(const Array& array, const Axes& axes,
                                                   int threads) {
  return split<float>(array, axes, threads, "");
}

bool looks_like_safetensors(std::span<const std::byte> start) noexcept {
  return start.size() >= 10 && load<uint64_t>(start.data()) <= formats::kMaxHeaderBytes &&
         std::to_integer<char>(start[8]) == '{';
}

std::vector<Array> parse_safetensors(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const uint64_t length = bytes.size() < 8 ? 0 : load<uint64_t>(bytes.data());
  if (bytes.size() < 8 || length > bytes.size() - 8) {
    refuse(ErrorId::LG003, file, "", fmt::format("{} bytes", bytes.size()),
           "a safetensors file, as long as its header says", "The file is cut or damaged.");
  }
  formats::SafetensorsHeader header;
  try {
    header = formats::parse_safetensors_header(text.substr(8, length), bytes.size(), file);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::input) throw;
    throw Error(ErrorId::LG003, error.parts());
  }
  std::vector<Array> arrays;
  const auto add = [&](const std::string& name, std::string_view dtype,
                       const std::vector<uint64_t>& shape, uint64_t offset, uint64_t size) {
    if (const auto storage = storage_from_safetensors(dtype)) {
      arrays.push_back({.name = name,
                        .storage = *storage,
                        .shape = shape,
                        .bytes = bytes.subspan(offset, size)});
    }
  };
  for (const formats::TensorEntry& tensor : header.tensors) {
    add(tensor.name, dtype_name(tensor.dtype), tensor.shape, tensor.offset_bytes,
        tensor.size_bytes);
  }
  for (const formats::UnsupportedTensor& tensor : header.unsupported) {
    add(tensor.name, tensor.dtype, tensor.shape, tensor.offset_bytes, tensor.size_bytes);
  }
  return arrays;
}

}  // namespace rg::logs
