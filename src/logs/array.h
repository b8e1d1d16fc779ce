// A multi-dimensional array as files hold it, and the numbers in it: .npy files, tensors of
// safetensors files, arrays inside the answers of servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rg::logs {

// How one number is stored, little-endian.
enum class Storage { i8, u8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64 };
size_t storage_bytes(Storage storage) noexcept;
bool is_integer(Storage storage) noexcept;
std::string_view name(Storage storage) noexcept;  // "int16"
// 2^-(mantissa bits): the spacing of numbers just above 1; of float32 for integers.
float epsilon_of(Storage storage) noexcept;
std::optional<Storage> storage_from_safetensors(std::string_view dtype);  // "I16"

struct Array {
  std::string name;  // of the tensor, or of the file
  Storage storage;
  std::vector<uint64_t> shape;
  bool fortran = false;              // the first index varies fastest
  std::span<const std::byte> bytes;  // the caller's memory

  uint64_t elements() const noexcept { return bytes.size() / storage_bytes(storage); }
};

std::string describe(const Array& array);  // "int16 [300, 24, 4]"

// Elements of an axis, by place: `element(i0, i1, i2)` = sum of i * stride.
std::vector<uint64_t> strides_of(const Array& array);

// Every element, in storage order, as int32. LG003 names `file` where one does not fit.
std::vector<int32_t> to_int32(const Array& array, const std::string& file);
std::vector<float> to_float(const Array& array);

// The three axes (rows, layers, columns) of an array in any order: out[layer] is (rows, columns),
// row-major. `axes` gives the array's axis for rows, layers (none: one layer) and columns.
struct Axes {
  size_t rows;
  std::optional<size_t> layers;
  size_t columns;
};
std::vector<std::vector<int32_t>> split_layers_int(const Array& array, const Axes& axes,
                                                   int threads, const std::string& file);
std::vector<std::vector<float>> split_layers_float(const Array& array, const Axes& axes,
                                                   int threads);

// A .npy file's or a server answer's bytes: NumPy's format, versions 1 to 3 (NEP 1; numpy 2.4,
// lib/_format_impl.py). LG002 for arrays of objects, which are pickled; LG003 for anything else
// that isn't such an array of numbers. The header is checked against the size before any
// allocation.
Array parse_npy(std::span<const std::byte> bytes, const std::string& file);
bool looks_like_npy(std::span<const std::byte> start) noexcept;

// All tensors of a safetensors file with integers or floating-point numbers; others are left out.
// LG003 if the bytes are no such file.
std::vector<Array> parse_safetensors(std::span<const std::byte> bytes, const std::string& file);
bool looks_like_safetensors(std::span<const std::byte> start) noexcept;

}  // namespace rg::logs
