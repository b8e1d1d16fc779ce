#include "stream/available_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace rg::stream {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kUnknown = uint64_t{4} << 30;  // where the system says nothing

// The number of bytes that a control-group file states; none for "max".
std::optional<uint64_t> number_in(const fs::path& file) {
  std::ifstream stream(file);
  uint64_t value = 0;
  if (stream >> value) return value;
  return std::nullopt;
}

std::optional<uint64_t> kib_of(const fs::path& file, const std::string& wanted) {
  std::ifstream stream(file);
  for (std::string key, rest; stream >> key;) {
    uint64_t kib = 0;
    if (key == wanted && stream >> kib) return kib * 1024;
    std::getline(stream, rest);
  }
  return std::nullopt;
}

// The lines "name number" of memory.stat.
using Statistics = std::map<std::string, uint64_t>;
Statistics read_statistics(const fs::path& file) {
  Statistics statistics;
  std::ifstream stream(file);
  uint64_t value = 0;
  for (std::string name; stream >> name >> value;) statistics[name] = value;
  return statistics;
}

uint64_t minus(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

// One version's files and statistics. What may be dropped without writing is the sum of `clean`
// less the sum of `dirty`; both lists leave out shared memory and locked pages.
struct Version {
  std::vector<std::string> limits;
  std::string usage;
  std::vector<std::string> clean, dirty;
};
const Version& version_2() {
  static const Version version = {{"memory.max", "memory.high"},
                                  "memory.current",
                                  {"inactive_file", "active_file", "slab_reclaimable"},
                                  {"file_dirty", "file_writeback"}};
  return version;
}
// The totals include the groups below, as the usage does.
const Version& version_1() {
  static const Version version = {{"memory.limit_in_bytes"},
                                  "memory.usage_in_bytes",
                                  {"total_inactive_file", "total_active_file"},
                                  {"total_dirty", "total_writeback"}};
  return version;
}

uint64_t sum(const Statistics& statistics, const std::vector<std::string>& names) {
  uint64_t total = 0;
  for (const std::string& name : names) {
    const auto at = statistics.find(name);
    if (at != statistics.end()) total += at->second;
  }
  return total;
}

void lower(AvailableMemory& least, uint64_t bytes, const std::string& source) {
  if (bytes < least.bytes) least = {bytes, source};
}

// Lowers `least` to what the group and every group above it leave.
void apply_groups(const fs::path& root, const std::string& group, const Version& version,
                  AvailableMemory& least) {
  fs::path path = root / fs::path(group).relative_path();
  for (;; path = path.parent_path()) {
    const Statistics statistics = read_statistics(path / "memory.stat");
    const uint64_t usage = number_in(path / version.usage).value_or(0);
    const uint64_t droppable =
        minus(sum(statistics, version.clean), sum(statistics, version.dirty));
    const uint64_t used = minus(usage, droppable);
    const auto apply = [&](uint64_t limit, const std::string& file, const std::string& what) {
      lower(least, minus(limit, used),
            fmt::format("{} of the control group {}", what,
                        escape_for_terminal((path / file).parent_path().string())));
    };
    for (const std::string& file : version.limits) {
      if (const auto limit = number_in(path / file)) apply(*limit, file, file);
    }
    // Version 1 states the least limit of the groups above, also where a container hides them.
    const auto above = statistics.find("hierarchical_memory_limit");
    if (above != statistics.end()) {
      apply(above->second, "memory.stat", "hierarchical_memory_limit");
    }
    if (path == root || path == path.parent_path()) return;
  }
}

}  // namespace

AvailableMemory available_memory(const fs::path& proc, const fs::path& groups) {
  const fs::path system = proc / "meminfo";
  AvailableMemory least = {kUnknown, "an assumption: nothing says how much is available"};
  if (const auto bytes = kib_of(system, "MemAvailable:")) {
    least = {*bytes, "MemAvailable of " + system.string()};
  }
  // "0::/path" is version 2; "9:memory:/path" version 1.
  std::ifstream own(proc / "self" / "cgroup");
  for (std::string line; std::getline(own, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first == std::string::npos ? first : first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      apply_groups(groups, group, version_2(), least);
    } else if (controllers.find(",memory,") != std::string::npos) {
      apply_groups(groups / "memory", group, version_1(), least);
    }
  }
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const uint64_t taken = kib_of(proc / "self" / "status", "VmSize:").value_or(0);
    lower(least, minus(limit.rlim_cur, taken), "RLIMIT_AS (ulimit -v)");
  }
  return least;
}

AvailableMemory available_memory() { return available_memory("/proc", "/sys/fs/cgroup"); }

}  // namespace rg::stream
