#include "base/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace rg {
namespace {

[[noreturn]] void fail(ErrorId id, const std::filesystem::path& folder, std::string found,
                       const std::string& hint) {
  throw Error(id, {.file = folder.string(),
                   .object = "temporary file",
                   .found = std::move(found),
                   .expected = "a folder with room",
                   .hint = hint});
}

// The disk, this user's share of it, or the largest file that the process may write.
bool is_full(int number) { return number == ENOSPC || number == EDQUOT || number == EFBIG; }

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& folder, std::string hint)
    : folder_(folder),
      hint_(std::move(hint)),
      descriptor_(open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
  if (descriptor_ >= 0) return;
  // Not every file system supports O_TMPFILE.
  std::string name = (folder / ".routegauge-XXXXXX").string();
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail(ErrorId::IO004, folder_, std::strerror(errno), hint_);
  unlink(name.c_str());
}

ScratchFile::~ScratchFile() { close(descriptor_); }

void ScratchFile::append(std::span<const std::byte> bytes) {
  write(bytes_, bytes);
  bytes_ += bytes.size();
}

uint64_t ScratchFile::reserve(uint64_t bytes) {
  const uint64_t offset = bytes_;
  const int failure = bytes == 0 ? 0
                                 : posix_fallocate(descriptor_, static_cast<off_t>(offset),
                                                   static_cast<off_t>(bytes));
  if (failure != 0) {
    fail(is_full(failure) ? ErrorId::IO010 : ErrorId::IO004, folder_,
         std::string("no room for ") + std::to_string(bytes) + " bytes: " + std::strerror(failure),
         hint_);
  }
  bytes_ += bytes;
  return offset;
}

void ScratchFile::write(uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t put = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      fail(is_full(errno) ? ErrorId::IO010 : ErrorId::IO004, folder_, std::strerror(errno), hint_);
    }
    offset += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void ScratchFile::read_exact(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      fail(ErrorId::IO001, folder_, got == 0 ? "its end too early" : std::strerror(errno), hint_);
    }
    offset += static_cast<uint64_t>(got);
    out = out.subspan(static_cast<size_t>(got));
  }
}

}  // namespace rg
