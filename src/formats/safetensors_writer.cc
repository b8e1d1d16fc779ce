#include "formats/safetensors_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "base/json.h"

namespace rg::formats {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors are stored as they are in memory");

uint64_t element_bytes(OutputTensor::Type type) { return type == OutputTensor::Type::i16 ? 2 : 4; }

const char* dtype_of(OutputTensor::Type type) {
  switch (type) {
    case OutputTensor::Type::f32:
      return "F32";
    case OutputTensor::Type::i32:
      return "I32";
    case OutputTensor::Type::i16:
      return "I16";
  }
  return "?";
}

Error write_error(int number, const std::filesystem::path& path) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return Error(full ? ErrorId::IO010 : ErrorId::IO004,
               {.file = path.string(),
                .found = std::strerror(number),
                .expected = "room and permission to write it",
                .hint = "Nothing was left under this name."});
}

uint64_t element_count(const OutputTensor& tensor) {
  uint64_t count = 1;
  for (const uint64_t extent : tensor.shape) {
    const auto product = checked_mul(count, extent);
    check_internal(product.has_value(), "the elements of a written tensor fit 64 bits");
    count = *product;
  }
  return count;
}

void write_bytes(int descriptor, const char* data, uint64_t bytes, uint64_t offset,
                 const std::filesystem::path& path) {
  while (bytes > 0) {
    const ssize_t written = ::pwrite(descriptor, data, bytes, static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw write_error(errno, path);
    }
    data += written;
    bytes -= static_cast<uint64_t>(written);
    offset += static_cast<uint64_t>(written);
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const std::vector<OutputTensor>& tensors,
                                     const std::map<std::string, std::string>& metadata)
    : path_(path), name_(path), tensors_(tensors) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = Json(metadata);
  uint64_t data_bytes = 0;
  for (const OutputTensor& tensor : tensors_) {
    elements_.push_back(element_count(tensor));
    offsets_.push_back(data_bytes);
    const uint64_t end = data_bytes + elements_.back() * element_bytes(tensor.type);
    header[tensor.name] = {{"dtype", dtype_of(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {data_bytes, end}}};
    data_bytes = end;
  }
  std::string text = write_json(header, JsonLayout::compact);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t start = 8 + text.size();
  for (uint64_t& offset : offsets_) offset += start;
  file_bytes_ = start + data_bytes;

  const std::filesystem::path temporary = name_.path();
  descriptor_ = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0) {
    const int number = errno;
    name_.release();  // not made by this process
    throw Error(ErrorId::IO003, {.file = temporary.string(),
                                 .found = std::strerror(number),
                                 .expected = "a folder that can be written to"});
  }
  try {
    const int reserved = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(file_bytes_));
    if (reserved != 0 && reserved != EINVAL && reserved != EOPNOTSUPP) {
      throw write_error(reserved, path_);
    }
    const uint64_t length = text.size();
    write_bytes(descriptor_, reinterpret_cast<const char*>(&length), sizeof length, 0, path_);
    write_bytes(descriptor_, text.data(), text.size(), sizeof length, path_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SafetensorsWriter::write_at(size_t index, OutputTensor::Type type, uint64_t first,
                                 const void* data, size_t count) {
  check_internal(index < tensors_.size() && tensors_[index].type == type &&
                     first <= elements_[index] && count <= elements_[index] - first,
                 "values written to a tensor are of its type and inside it");
  write_bytes(descriptor_, static_cast<const char*>(data), count * element_bytes(type),
              offsets_[index] + first * element_bytes(type), path_);
}

void SafetensorsWriter::write(size_t index, uint64_t first, std::span<const float> values) {
  write_at(index, OutputTensor::Type::f32, first, values.data(), values.size());
}

void SafetensorsWriter::write(size_t index, uint64_t first, std::span<const int32_t> values) {
  write_at(index, OutputTensor::Type::i32, first, values.data(), values.size());
}

void SafetensorsWriter::write(size_t index, uint64_t first, std::span<const int16_t> values) {
  write_at(index, OutputTensor::Type::i16, first, values.data(), values.size());
}

void SafetensorsWriter::commit() {
  if (::fsync(descriptor_) != 0) throw write_error(errno, path_);
  if (::close(std::exchange(descriptor_, -1)) != 0) throw write_error(errno, path_);
  if (::rename(name_.path().c_str(), path_.c_str()) != 0) throw write_error(errno, path_);
  name_.release();
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) throw write_error(errno, path_);
  const int synced = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  if (synced != 0) throw write_error(synced, path_);
}

}  // namespace rg::formats
