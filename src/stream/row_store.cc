#include "stream/row_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace rg::stream {
namespace {

[[noreturn]] void fail(ErrorId id, const std::filesystem::path& folder, const std::string& found) {
  throw Error(id, {.file = folder.string(),
                   .object = "spill file",
                   .found = found,
                   .hint = "Hidden states go there when --memory is too small for them. Free some "
                           "space or raise --memory."});
}

// The disk, or this user's share of it.
bool is_full(int number) { return number == ENOSPC || number == EDQUOT; }

}  // namespace

SpillFile::SpillFile(const std::filesystem::path& folder)
    : folder_(folder), descriptor_(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
  if (descriptor_ >= 0) return;
  std::string name = (folder / ".routegauge-spill-XXXXXX").string();
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(ErrorId::IO004, folder, std::strerror(errno));
  unlink(name.c_str());
}

SpillFile::~SpillFile() { close(descriptor_); }

uint64_t SpillFile::reserve(uint64_t bytes) {
  const uint64_t offset = end_;
  const int failure = posix_fallocate(descriptor_, static_cast<off_t>(offset),
                                      static_cast<off_t>(bytes == 0 ? 1 : bytes));
  if (is_full(failure)) fail(ErrorId::IO010, folder_, fmt::format("no room for {} bytes", bytes));
  if (failure != 0) fail(ErrorId::IO004, folder_, std::strerror(failure));
  end_ += bytes;
  return offset;
}

void SpillFile::read(uint64_t offset, std::byte* out, size_t bytes) const {
  while (bytes != 0) {
    const ssize_t got = pread(descriptor_, out, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(ErrorId::IO001, folder_, got == 0 ? "unexpected end" : std::strerror(errno));
    out += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
}

void SpillFile::write(uint64_t offset, const std::byte* data, size_t bytes) const {
  while (bytes != 0) {
    const ssize_t put = pwrite(descriptor_, data, bytes, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      fail(is_full(errno) ? ErrorId::IO010 : ErrorId::IO004, folder_, std::strerror(errno));
    }
    data += put;
    offset += static_cast<uint64_t>(put);
    bytes -= static_cast<size_t>(put);
  }
}

RowStore::RowStore(size_t rows, size_t row_bytes, Place place, SpillFile* spill)
    : row_bytes_(row_bytes) {
  if (place == Place::memory) {
    memory_ = Buffer<std::byte>(rows * row_bytes);
  } else {
    spill_ = spill;
    offset_ = spill->reserve(rows * row_bytes);
  }
}

std::byte* RowStore::load(size_t first, size_t rows, std::byte* scratch) const {
  if (spill_ == nullptr) return memory_.data() + first * row_bytes_;
  spill_->read(offset_ + first * row_bytes_, scratch, rows * row_bytes_);
  return scratch;
}

void RowStore::store(size_t first, size_t rows, const std::byte* data) {
  if (spill_ != nullptr) {
    spill_->write(offset_ + first * row_bytes_, data, rows * row_bytes_);
    return;
  }
  std::byte* place = memory_.data() + first * row_bytes_;
  if (place != data) std::memcpy(place, data, rows * row_bytes_);
}

}  // namespace rg::stream
