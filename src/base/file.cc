#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace rg {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNameAFile = "Name a file in that folder.";
constexpr const char* kStoreItFirst = "Write what it gives to a file first, and name that file.";

std::string reason(int number) { return std::generic_category().message(number); }

[[noreturn]] void refuse_opening(const fs::path& path, std::string found, const char* hint) {
  throw Error(ErrorId::IO003, {.file = path.string(),
                               .found = std::move(found),
                               .expected = "a readable regular file",
                               .hint = hint});
}

[[noreturn]] void refuse_opening(const fs::path& path, int number) {
  const char* hint = "Check the path and the file system it is on.";
  switch (number) {
    case ENOENT:
      hint = "Check the spelling of the path, and that no link in it leads to a missing file.";
      break;
    case ENOTDIR:
      hint = "A part of the path is a file where a folder is needed. Correct the path.";
      break;
    case EACCES:
    case EPERM:
      hint = "Make the file readable, and the folders above it searchable, for this user.";
      break;
    case ELOOP:
      hint = "The symbolic links in the path lead in a circle. Correct the links or the path.";
      break;
    case ENAMETOOLONG:
      hint = "The path, or a name in it, is longer than the file system allows. Shorten it.";
      break;
    case EISDIR:
      hint = kNameAFile;
      break;
    case ENXIO:
    case ENODEV:
      hint = kStoreItFirst;
      break;
    case EMFILE:
      hint = "This process has too many files open. Raise its limit (ulimit -n), then rerun.";
      break;
    case ENFILE:
      hint = "The system has too many files open. End other programs, then rerun.";
      break;
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
      hint = "The disk or the network file system failed; see the kernel's log, then rerun.";
      break;
    default:
      break;
  }
  refuse_opening(path, reason(number), hint);
}

FileStamp stamp_of(const fs::path& path, int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) refuse_opening(path, errno);
  if (!S_ISREG(status.st_mode)) {
    const char* kind = S_ISDIR(status.st_mode)    ? "a folder"
                       : S_ISFIFO(status.st_mode) ? "a FIFO"
                       : S_ISSOCK(status.st_mode) ? "a socket"
                                                  : "a device";
    refuse_opening(path, kind, S_ISDIR(status.st_mode) ? kNameAFile : kStoreItFirst);
  }
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = static_cast<uint64_t>(status.st_size),
          .modified_s = status.st_mtim.tv_sec,
          .modified_ns = status.st_mtim.tv_nsec};
}

// O_NONBLOCK: opening a FIFO without a writer must not block; no effect on regular files.
int open_for_reading(const fs::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

InputFile::InputFile(const fs::path& path) : InputFile(path, open_for_reading(path)) {}

InputFile::InputFile(const fs::path& path, int descriptor) : path_(path), descriptor_(descriptor) {
  if (descriptor_ < 0) refuse_opening(path_, errno);
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
                                 .hint = "Check that this is the file that was meant."});
  }
  std::string text(file.bytes(), '\0');
  file.read_exact(0, std::as_writable_bytes(std::span(text)));
  return text;
}

namespace {

// The temporary files of this process that are not gone yet.
struct Temporaries {
  std::mutex mutex;
  std::set<fs::path> paths;
};

Temporaries& temporaries() {
  static auto* const all = new Temporaries;  // outlives every static that may still hold a name
  return *all;
}

}  // namespace

namespace {

// Renaming onto a device, FIFO or socket would replace it.
void require_file_or_nothing(const fs::path& target) {
  std::error_code failed;
  const fs::file_status there = fs::symlink_status(target, failed);
  if (failed || !fs::exists(there) || fs::is_regular_file(there) || fs::is_symlink(there)) return;
  throw Error(ErrorId::IO004, {.file = target.string(),
                               .found = fs::is_directory(there) ? "a folder" : "a device or FIFO",
                               .expected = "a file, or nothing, at this path",
                               .hint = "It is unchanged. Choose another name."});
}

}  // namespace

TemporaryName::TemporaryName(const fs::path& target) {
  require_file_or_nothing(target);
  // Unique among processes by pid, within this one by count, across reboots and containers by time.
  static std::atomic<unsigned> count{0};
  struct timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  constexpr size_t kLongestStem = 200;  // names end at 255 bytes
  path_ = target.parent_path() / fmt::format(".{}.{}.{:x}{:08x}.{:x}.tmp",
                                             target.filename().string().substr(0, kLongestStem),
                                             ::getpid(), static_cast<unsigned long>(now.tv_sec),
                                             static_cast<unsigned long>(now.tv_nsec), count++);
  const std::scoped_lock lock(temporaries().mutex);
  temporaries().paths.insert(path_);
}

TemporaryName::~TemporaryName() {
  if (path_.empty()) return;
  ::unlink(path_.c_str());
  release();
}

void TemporaryName::release() noexcept {
  const std::scoped_lock lock(temporaries().mutex);
  temporaries().paths.erase(path_);
  path_.clear();
}

void remove_temporary_files() noexcept {
  const std::scoped_lock lock(temporaries().mutex);
  for (const fs::path& path : temporaries().paths) ::unlink(path.c_str());
}

namespace {

// A temporary file in the folder of its target; removed unless renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target), name_(target) {
    descriptor_ =
        ::open(name_.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ >= 0) return;
    const int number = errno;
    name_.release();  // not made by this process
    fail("cannot create a temporary file in its folder", number);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
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
    // Never retried: after a failed fsync the kernel may mark lost pages as clean.
    if (::fsync(descriptor_) != 0) fail("fsync failed", errno);
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("close failed", errno);
  }

  void rename(IfExists if_exists) {
    const int failed = if_exists == IfExists::replace ? replace() : rename_unless_taken();
    if (failed == EEXIST) fail("a file of this name exists already", failed);
    if (failed != 0) fail("cannot rename to it", failed);
    name_.release();
  }

 private:
  [[noreturn]] void fail(std::string_view what, int number) const {
    const bool full = number == ENOSPC || number == EDQUOT;
    throw Error(
        full ? ErrorId::IO010 : ErrorId::IO004,
        {.file = target_.string(),
         .found = fmt::format("{}: {}", what, reason(number)),
         .hint = std::string("A file that was there before is unchanged. ") + what_to_do(number)});
  }

  static const char* what_to_do(int number) {
    switch (number) {
      case ENOSPC:
      case EDQUOT:
        return "Free some space and rerun.";
      case EACCES:
      case EPERM:
        return "Make the folder writable for this user, then rerun.";
      case EROFS:
        return "The file system is mounted read-only: choose another folder.";
      case ENOENT:
      case ENOTDIR:
        return "The folder does not exist: create it, or choose another one.";
      case EISDIR:
      case EEXIST:
      case ENOTEMPTY:
        return "The name is taken: choose another one.";
      case ENAMETOOLONG:
        return "The path is longer than the file system allows: choose a shorter one.";
      case EFBIG:
        return "Raise the limit on file sizes (ulimit -f), then rerun.";
      default:
        return "Check the folder and the file system it is on, then rerun.";
    }
  }

  int replace() const { return ::rename(name_.path().c_str(), target_.c_str()) == 0 ? 0 : errno; }

  // 0, or errno; EEXIST if the name is taken. Not every file system knows a rename that
  // refuses (NFS: EINVAL), nor hard links (FAT: EPERM); there the name is taken first by an empty
  // file.
  int rename_unless_taken() const {
    const char* from = name_.path().c_str();
    if (::renameat2(AT_FDCWD, from, AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (::link(from, target_.c_str()) == 0) {
      ::unlink(from);
      return 0;
    }
    if (errno == EEXIST) return errno;
    const int taken = ::open(target_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (taken < 0) return errno;
    ::close(taken);
    const int failed = replace();
    if (failed != 0) ::unlink(target_.c_str());
    return failed;
  }

  const fs::path& target_;
  TemporaryName name_;
  int descriptor_ = -1;
};

// Makes the rename itself durable. Some file systems can't sync a folder (EINVAL): ignored.
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
