// The default memory budget: the least of the system's, the control groups' and the process's.
#include "stream/available_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace rg::stream {
namespace {

namespace fs = std::filesystem;

class AvailableMemory : public testing::Test {
 protected:
  AvailableMemory() {
    std::string pattern = (fs::temp_directory_path() / "routegauge-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    8000 kB\n");
    write("proc/self/status", "Name:\tx\nVmSize:\t 1000 kB\n");
  }
  ~AvailableMemory() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  uint64_t kib() const { return available_memory(root_ / "proc", root_ / "groups") / 1024; }

  fs::path root_;
};

TEST_F(AvailableMemory, IsTheSystemsWithoutGroups) { EXPECT_EQ(kib(), 8000u); }

TEST_F(AvailableMemory, IsWhatTheTightestGroupOfVersion2Leaves) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("groups/outer/memory.max", "4096000\n");
  write("groups/outer/memory.current", "1024000\n");
  write("groups/outer/inner/memory.max", "max\n");
  write("groups/outer/inner/memory.current", "1024\n");
  EXPECT_EQ(kib(), 3000u);
}

TEST_F(AvailableMemory, IsWhatAGroupOfVersion1Leaves) {
  write("proc/self/cgroup", "12:cpu:/x\n9:memory,hugetlb:/job\n");
  write("groups/memory/job/memory.limit_in_bytes", "2048000\n");
  write("groups/memory/job/memory.usage_in_bytes", "4096000\n");
  EXPECT_EQ(kib(), 0u);  // more taken than allowed
}

TEST_F(AvailableMemory, KeepsToTheProcessLimit) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlim_t wide = std::min(before.rlim_max, rlim_t{1} << 46);  // beyond what the test maps
  write("proc/meminfo", "MemAvailable: 99999999999999 kB\n");
  const rlimit limited = {wide, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limited), 0);
  const uint64_t found = kib();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(found, wide / 1024 - 1000);
}

TEST(AvailableMemoryHere, IsSomething) { EXPECT_GT(available_memory(), uint64_t{1} << 20); }

}  // namespace
}  // namespace rg::stream
