// Safetensors files made by hand, right or wrong: tests change one thing about a valid file.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "tensor/dtype.h"

namespace rg::test {

struct FileTensor {
  std::string name;
  std::string dtype;  // the format's spelling
  std::vector<uint64_t> shape;
  std::string bytes;
};

// The three parts of the format, valid or not.
inline std::string join_safetensors(std::string_view header, std::string_view data) {
  const uint64_t header_bytes = header.size();
  std::string file(sizeof header_bytes, '\0');
  std::memcpy(file.data(), &header_bytes, sizeof header_bytes);
  return file.append(header).append(data);
}

inline Json safetensors_header(const std::vector<FileTensor>& tensors) {
  Json header = Json::object();
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t at = 0;
  for (const FileTensor& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
  }
  return header;
}

// As a library writes it: header padded to a multiple of 8.
inline std::string build_safetensors(const std::vector<FileTensor>& tensors) {
  std::string header = safetensors_header(tensors).dump();
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string data;
  for (const FileTensor& tensor : tensors) data += tensor.bytes;
  return join_safetensors(header, data);
}

// Values around 0 with this deviation, a pure function of (seed, stream, index): the sum of twelve
// uniform numbers, normal enough for weights.
inline float normal_value(uint64_t seed, uint32_t stream, uint32_t index, float deviation) {
  float sum = -6;
  for (uint32_t part = 0; part < 12; ++part) {
    const uint32_t word = draw_word(seed, Purpose::audit, {index, part, stream}, 0);
    sum += static_cast<float>(word >> 8) * 0x1p-24f;
  }
  return sum * deviation;
}

inline std::string bf16_bytes(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(bf16_t), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    const bf16_t value = f32_to_bf16(values[i]);
    std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
  }
  return bytes;
}

inline std::string f32_bytes(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace rg::test
