// How much memory this process may still take, and what says so: the least of what the system has
// available, what its control groups (v2 and v1, every level up to the root) leave, and RLIMIT_AS.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace rg::stream {

struct AvailableMemory {
  uint64_t bytes;
  std::string source;  // "MemAvailable of /proc/meminfo", for messages
};

// `proc` and `groups` are /proc and /sys/fs/cgroup, elsewhere in tests. File pages that the kernel
// can drop without writing are free: they count against a group's limit, but give way.
AvailableMemory available_memory(const std::filesystem::path& proc,
                                 const std::filesystem::path& groups);
AvailableMemory available_memory();  // of this machine

}  // namespace rg::stream
