// How much memory this process may still take: the least of what the system has free, what its
// control groups (v2 and v1, every level up to the root) leave, and RLIMIT_AS.
#pragma once

#include <cstdint>
#include <filesystem>

namespace rg::stream {

// `proc` and `groups` are /proc and /sys/fs/cgroup, elsewhere in tests.
uint64_t available_memory(const std::filesystem::path& proc = "/proc",
                          const std::filesystem::path& groups = "/sys/fs/cgroup");

}  // namespace rg::stream
