#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace rg {
namespace {

namespace fs = std::filesystem;

std::string reason(int number) { return std::generic_category().message(number); }

[[noreturn]] void refuse_opening(const fs::path& path, std::string found) {
  throw Error(ErrorId::IO003, {.file = path.string(),
                               .found = std::move(found),
                               .expected = "a readable regular file",
                               .hint = "Check the path and its permissions."});
}

FileStamp stamp_of(const fs::path& path, int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) refuse_opening(path, reason(errno));
  if (!S_ISREG(status.st_mode)) {
    const char* kind = S_ISDIR(status.st_mode)    ? "a folder"
                       : S_ISFIFO(status.st_mode) ? "a FIFO"
                       : S_ISSOCK(status.st_mode) ? "a socket"
                                                  : "a device";
    refuse_opening(path, kind);
  }
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = static_cast<uint64_t>(status.st_size),
          .modified_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

// O_NONBLOCK: opening a FIFO that nobody writes must not wait; it means nothing to regular files.
int open_for_reading(const fs::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

InputFile::InputFile(const fs::path& path) : InputFile(path, open_for_reading(path)) {}

InputFile::InputFile(const fs::path& path, int descriptor) : path_(path), descriptor_(descriptor) {
  if (descriptor_ < 0) refuse_opening(path_, reason(errno));
  try {
    stamp_ = stamp_of(path_, descriptor_);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      stamp_(other.stamp_) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(stamp_, other.stamp_);
  return *this;
}

FileStamp InputFile::current_stamp() const { return stamp_of(path_, descriptor_); }

void InputFile::read_exact(uint64_t offset, std::span<std::byte> out) const {
  for (size_t done = 0; done < out.size();) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0) {
      throw Error(ErrorId::IO002,
                  {.file = path_.string(),
                   .object = fmt::format("byte {}", offset + done),
                   .found = "the end of the file",
                   .expected = fmt::format("{} more bytes", out.size() - done),
                   .hint = "The file shrank while being read. Restore it and rerun."});
    } else if (errno != EINTR && errno != EAGAIN) {
      throw Error(ErrorId::IO001, {.file = path_.string(),
                                   .object = fmt::format("byte {}", offset + done),
                                   .found = reason(errno),
                                   .hint = "The disk or the network file system failed; see the "
                                           "kernel's log, then rerun."});
    }
  }
}

std::string read_whole_file(const fs::path& path, uint64_t limit_bytes) {
  const InputFile file(path);
  if (file.bytes() > limit_bytes) {
    throw Error(ErrorId::JS004, {.file = path.string(),
                                 .found = fmt::format("{} bytes", file.bytes()),
                                 .expected = fmt::format("at most {}", limit_bytes),
                                 .hint = "The file is damaged or not what its name says."});
  }
  std::string text(file.bytes(), '\0');
  file.read_exact(0, std::as_writable_bytes(std::span(text)));
  return text;
}

namespace {

// A temporary file beside its target; gone unless renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target) {
    // Unique among processes by pid, within this one by count, across reboots by time; O_EXCL
    // decides.
    static std::atomic<unsigned> count{0};
    struct timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    constexpr size_t kLongestStem = 200;  // names end at 255 bytes
    path_ = target.parent_path() /
            fmt::format(".{}.{}.{:x}{:x}.tmp", target.filename().string().substr(0, kLongestStem),
                        ::getpid(), static_cast<unsigned long>(now.tv_nsec), count++);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) fail("cannot create a file beside it", errno);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!renamed_) ::unlink(path_.c_str());
  }

  void write(std::string_view content) {
    for (size_t done = 0; done < content.size();) {
      const ssize_t put = ::write(descriptor_, content.data() + done, content.size() - done);
      if (put >= 0) {
        done += static_cast<size_t>(put);
      } else if (errno != EINTR && errno != EAGAIN) {
        fail(fmt::format("write failed after {} of {} bytes", done, content.size()), errno);
      }
    }
    // Never repeated: after a failed fsync the kernel may call lost pages clean.
    if (::fsync(descriptor_) != 0) fail("fsync failed", errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("close failed", errno);
  }

  void rename(IfExists if_exists) {
    if (if_exists == IfExists::replace) {
      if (::rename(path_.c_str(), target_.c_str()) != 0) fail("cannot rename to it", errno);
      renamed_ = true;
    } else if (::link(path_.c_str(), target_.c_str()) != 0) {  // the one rename that refuses
      fail(errno == EEXIST ? "something stands there already" : "cannot link to it", errno);
    }
  }

 private:
  [[noreturn]] void fail(std::string_view what, int number) const {
    const bool full = number == ENOSPC || number == EDQUOT;
    throw Error(full ? ErrorId::IO010 : ErrorId::IO004,
                {.file = target_.string(),
                 .found = fmt::format("{}: {}", what, reason(number)),
                 .hint = full ? "What stood there before is untouched. Free some space and rerun."
                              : "What stood there before is untouched. Check the folder and its "
                                "permissions, then rerun."});
  }

  const fs::path& target_;
  fs::path path_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

// Makes the rename itself durable. Some file systems cannot sync a folder (EINVAL): nothing to do.
void sync_folder(const fs::path& folder) {
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int failed = ::fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
  ::close(descriptor);
  if (failed != 0) {
    throw Error(ErrorId::IO004, {.file = folder.string(),
                                 .found = "fsync of the folder failed: " + reason(failed),
                                 .hint = "The disk failed; see the kernel's log."});
  }
}

}  // namespace

void write_file_atomically(const fs::path& path, std::string_view content, IfExists if_exists) {
  {
    TemporaryFile temporary(path);
    temporary.write(content);
    temporary.rename(if_exists);
  }
  sync_folder(path.parent_path());
}

}  // namespace rg
