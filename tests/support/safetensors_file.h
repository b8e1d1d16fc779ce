// A whole safetensors file in memory, for expectations: f32 and i32, whatever the reader under
// test supports.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace rg::test {

class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path)
      : bytes_(read_whole_file(path, uint64_t{1} << 30)) {
    uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, bytes_.data(), sizeof header_bytes);
    const std::string header = bytes_.substr(sizeof header_bytes, header_bytes);
    first_ = sizeof header_bytes + header_bytes;
    const Json parsed = parse_json(header, JsonLimits{}, path.string());
    for (const auto& [name, entry] : parsed.items()) {
      if (name != "__metadata__") entries_[name] = entry;
    }
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, entry] : entries_) all.push_back(name);
    return all;
  }
  std::vector<uint64_t> shape(const std::string& name) const {
    return entries_.at(name).at("shape").get<std::vector<uint64_t>>();
  }
  std::vector<float> floats(const std::string& name) const { return values<float>(name, "F32"); }
  std::vector<int32_t> ints(const std::string& name) const { return values<int32_t>(name, "I32"); }
  // Byte range of a tensor's values in the file: first, one past the last.
  std::pair<uint64_t, uint64_t> range(const std::string& name) const {
    const auto ends = entries_.at(name).at("data_offsets").get<std::vector<uint64_t>>();
    return {first_ + ends.at(0), first_ + ends.at(1)};
  }
  const std::string& bytes() const { return bytes_; }

 private:
  template <typename T>
  std::vector<T> values(const std::string& name, const char* dtype) const {
    const Json& entry = entries_.at(name);
    if (entry.at("dtype") != dtype) throw std::runtime_error(name + " is not " + dtype);
    const auto [first, last] = range(name);
    std::vector<T> out((last - first) / sizeof(T));
    std::memcpy(out.data(), bytes_.data() + first, out.size() * sizeof(T));
    return out;
  }

  std::string bytes_;
  uint64_t first_;
  std::map<std::string, Json> entries_;
};

}  // namespace rg::test
