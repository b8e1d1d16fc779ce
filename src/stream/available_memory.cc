#include "stream/available_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace rg::stream {
namespace {

constexpr uint64_t kUnknown = uint64_t{4} << 30;  // where the system says nothing

// The number of bytes that a control-group file or a line of /proc states; none for "max".
std::optional<uint64_t> number_in(const std::filesystem::path& file) {
  std::ifstream stream(file);
  uint64_t value = 0;
  if (stream >> value) return value;
  return std::nullopt;
}

std::optional<uint64_t> kib_of(const std::filesystem::path& file, const std::string& wanted) {
  std::ifstream stream(file);
  for (std::string key, rest; stream >> key;) {
    uint64_t kib = 0;
    if (key == wanted && stream >> kib) return kib * 1024;
    std::getline(stream, rest);
  }
  return std::nullopt;
}

// Lowers `least` to what the group and every group above it leave.
void apply_groups(const std::filesystem::path& root, const std::string& group,
                  const std::string& limit_file, const std::string& usage_file, uint64_t& least) {
  std::filesystem::path path = root / std::filesystem::path(group).relative_path();
  for (;; path = path.parent_path()) {
    const auto limit = number_in(path / limit_file);
    const auto used = number_in(path / usage_file);
    if (limit && used) least = std::min(least, *limit > *used ? *limit - *used : 0);
    if (path == root || path == path.parent_path()) return;
  }
}

}  // namespace

uint64_t available_memory(const std::filesystem::path& proc, const std::filesystem::path& groups) {
  uint64_t least = kib_of(proc / "meminfo", "MemAvailable:").value_or(kUnknown);
  // "0::/path" is version 2; "9:memory:/path" version 1.
  std::ifstream own(proc / "self" / "cgroup");
  for (std::string line; std::getline(own, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == std::string::npos ? first : first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      apply_groups(groups, group, "memory.max", "memory.current", least);
    } else if (controllers.find(",memory,") != std::string::npos) {
      apply_groups(groups / "memory", group, "memory.limit_in_bytes", "memory.usage_in_bytes",
                   least);
    }
  }
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const uint64_t taken = kib_of(proc / "self" / "status", "VmSize:").value_or(0);
    least = std::min<uint64_t>(least, limit.rlim_cur > taken ? limit.rlim_cur - taken : 0);
  }
  return least;
}

}  // namespace rg::stream
