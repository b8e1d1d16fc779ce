// Files: reading by offset, whole small files, and the one way anything is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace rg {

// Tells whether a file has changed, without reading it.
struct FileStamp {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t modified_s = 0, modified_ns = 0;  // seconds, and nanoseconds within the second
  bool operator==(const FileStamp&) const = default;
};

// A regular file held open for reading by offset. Opening refuses folders, FIFOs and devices
// (IO003) and never blocks.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  // Takes over an open descriptor; the same refusals. `path` is for messages.
  InputFile(const std::filesystem::path& path, int descriptor);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;

  const std::filesystem::path& path() const noexcept { return path_; }
  uint64_t bytes() const noexcept { return stamp_.bytes; }
  const FileStamp& stamp() const noexcept { return stamp_; }  // as it was when opened
  FileStamp current_stamp() const;                            // as it is now
  int descriptor() const noexcept { return descriptor_; }

  // Fills `out` from `offset`. Partial reads go on; EINTR and EAGAIN are retried; IO001 on a
  // failing device, IO002 if the file ends before `out` is full.
  void read_exact(uint64_t offset, std::span<std::byte> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  FileStamp stamp_;
};

// The whole of a small file as text; `limit_bytes` guards memory (JS004 beyond).
std::string read_whole_file(const std::filesystem::path& path, uint64_t limit_bytes);

// A name for a temporary file in the folder of `target`. The file isn't created here; the
// destructor unlinks it unless release() was called. Names are unique, even where pids repeat.
// IO004 if `target` is a folder, device, FIFO or socket.
class TemporaryName {
 public:
  explicit TemporaryName(const std::filesystem::path& target);
  ~TemporaryName();
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  void release() noexcept;

 private:
  std::filesystem::path path_;
};

// Unlinks every temporary file of this process, for exits that don't unwind the stack.
void remove_temporary_files() noexcept;

enum class IfExists { replace, refuse };

// Creates a temporary file in the folder of `path`, writes, fsyncs, renames, fsyncs the folder. On
// any failure (IO004; IO010 if the disk or quota is full) the temporary file is removed and `path`
// is unchanged. `refuse`: IO004 if `path` exists.
void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           IfExists if_exists);

}  // namespace rg
