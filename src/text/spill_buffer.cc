#include "text/spill_buffer.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHint =
    "Token ids of a large corpus go there until the windows are drawn. Free some space, or name "
    "another folder with TMPDIR.";

fs::path temporary_folder() {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  return error ? fs::path("/tmp") : folder;  // opening it says what is wrong
}

}  // namespace

void SpillBuffer::append(std::span<const std::byte> bytes) {
  if (memory_.size() + bytes.size() <= limit_) {
    memory_.insert(memory_.end(), bytes.begin(), bytes.end());
    return;
  }
  if (!file_) file_.emplace(folder_.empty() ? temporary_folder() : folder_, kHint);
  file_->append(memory_);
  memory_.clear();
  if (bytes.size() > limit_) {
    file_->append(bytes);
  } else {
    memory_.assign(bytes.begin(), bytes.end());
  }
}

void SpillBuffer::read(uint64_t offset, std::span<std::byte> out) const {
  check_internal(offset + out.size() <= bytes(), "what is read was appended");
  if (offset < in_file()) {
    const auto part = static_cast<size_t>(std::min<uint64_t>(out.size(), in_file() - offset));
    file_->read_exact(offset, out.first(part));
    offset += part;
    out = out.subspan(part);
  }
  if (out.empty()) return;
  const auto at = static_cast<ptrdiff_t>(offset - in_file());
  std::copy_n(memory_.begin() + at, out.size(), out.begin());
}

}  // namespace rg::text
