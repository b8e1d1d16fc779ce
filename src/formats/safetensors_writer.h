// Writes a safetensors file whose tensors are all declared beforehand and filled in any order, from
// any thread: nothing is held in memory. The file appears under its name when commit() returns.
//
// Layout: 8 bytes little-endian header length, the JSON header (padded with spaces to a multiple of
// 8), then the tensors one after another, row-major, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace rg::formats {

// A tensor to be written; dtype in the format's spelling.
struct OutputTensor {
  enum class Type { f32, i32, i16 };
  std::string name;
  Type type;
  std::vector<uint64_t> shape;
};

class SafetensorsWriter {
 public:
  // Reserves space for the whole file in the folder of `path`. IO010 if there is no room, else
  // IO003 or IO004.
  SafetensorsWriter(const std::filesystem::path& path, const std::vector<OutputTensor>& tensors,
                    const std::map<std::string, std::string>& metadata);
  ~SafetensorsWriter();  // without commit() nothing remains
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;

  // Values from element `first` of tensor `index` (as declared) on. Thread safe. IO004, IO010.
  void write(size_t index, uint64_t first, std::span<const float> values);
  void write(size_t index, uint64_t first, std::span<const int32_t> values);
  void write(size_t index, uint64_t first, std::span<const int16_t> values);

  void commit();  // fsync, rename, fsync of the folder
  uint64_t file_bytes() const noexcept { return file_bytes_; }

 private:
  void write_at(size_t index, OutputTensor::Type type, uint64_t first, const void* data,
                size_t count);

  std::filesystem::path path_;
  TemporaryName name_;
  std::vector<OutputTensor> tensors_;
  std::vector<uint64_t> offsets_, elements_;
  uint64_t file_bytes_ = 0;
  int descriptor_ = -1;
};

}  // namespace rg::formats
