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

class AvailableMemoryTest : public testing::Test {
 protected:
  AvailableMemoryTest() {
    std::string pattern = (fs::temp_directory_path() / "routegauge-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    write("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    8000 kB\n");
    write("proc/self/status", "Name:\tx\nVmSize:\t 1000 kB\n");
  }
  ~AvailableMemoryTest() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  AvailableMemory found() const { return available_memory(root_ / "proc", root_ / "groups"); }
  uint64_t kib() const { return found().bytes / 1024; }
  bool source_says(const std::string& word) const {
    return found().source.find(word) != std::string::npos;
  }

  fs::path root_;
};

TEST_F(AvailableMemoryTest, IsTheSystemsWithoutGroups) {
  EXPECT_EQ(kib(), 8000u);
  EXPECT_TRUE(source_says("MemAvailable"));
  write("proc/meminfo", "MemTotal: 9000 kB\n");  // kernels before 3.14
  EXPECT_EQ(found().bytes, uint64_t{4} << 30);
  EXPECT_TRUE(source_says("assumption"));
}

TEST_F(AvailableMemoryTest, IsWhatTheTightestGroupOfVersion2Leaves) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("groups/outer/memory.max", "4096000\n");
  write("groups/outer/memory.current", "1024000\n");
  write("groups/outer/inner/memory.max", "max\n");
  write("groups/outer/inner/memory.current", "1024\n");
  EXPECT_EQ(kib(), 3000u);
  EXPECT_TRUE(source_says("memory.max of the control group " + (root_ / "groups/outer").string()));
}

// The limit counts page cache, but the kernel drops it before it refuses memory.
TEST_F(AvailableMemoryTest, PagesThatCanBeDroppedAreFree) {
  write("proc/self/cgroup", "0::/job\n");
  write("groups/job/memory.max", "4096000\n");
  write("groups/job/memory.current", "4000000\n");
  write("groups/job/memory.stat",
        "anon 100\nfile 3900000\nshmem 900000\nfile_dirty 100000\nfile_writeback 76000\n"
        "inactive_anon 900000\nactive_anon 0\ninactive_file 2000000\nactive_file 900000\n"
        "unevictable 100000\nslab_reclaimable 52000\nslab_unreclaimable 9\n");
  // 4096000 - (4000000 - (2000000 + 900000 + 52000 - 100000 - 76000))
  EXPECT_EQ(found().bytes, 2872000u);
  // No more can be dropped than there is.
  write("groups/job/memory.stat", "inactive_file 99000000\n");
  EXPECT_EQ(found().bytes, 4096000u);
  write("groups/job/memory.stat", "inactive_file 10\nfile_dirty 20\n");
  EXPECT_EQ(found().bytes, 96000u);
}

TEST_F(AvailableMemoryTest, EveryLevelOfVersion2HasItsOwnPages) {
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("groups/outer/memory.max", "4096000\n");
  write("groups/outer/memory.current", "4096000\n");
  write("groups/outer/memory.stat", "inactive_file 1024000\n");
  write("groups/outer/inner/memory.max", "2048000\n");
  write("groups/outer/inner/memory.current", "1000000\n");
  write("groups/outer/inner/memory.stat", "inactive_file 1000000\n");
  EXPECT_EQ(kib(), 1000u);
  EXPECT_TRUE(source_says("groups/outer"));
  EXPECT_FALSE(source_says("inner"));
}

// Beyond memory.high the kernel slows a group down.
TEST_F(AvailableMemoryTest, KeepsBelowTheHighMark) {
  write("proc/self/cgroup", "0::/job\n");
  write("groups/job/memory.max", "max\n");
  write("groups/job/memory.high", "2048000\n");
  write("groups/job/memory.current", "1024000\n");
  EXPECT_EQ(kib(), 1000u);
  EXPECT_TRUE(source_says("memory.high"));
}

// A container sees its own group as the root, under a path that doesn't exist there.
TEST_F(AvailableMemoryTest, FindsTheLimitOfAContainer) {
  write("proc/self/cgroup", "0::/docker/0123abcd\n");
  write("groups/memory.max", "2048000\n");
  write("groups/memory.current", "1024000\n");
  EXPECT_EQ(kib(), 1000u);
}

TEST_F(AvailableMemoryTest, IsWhatAGroupOfVersion1Leaves) {
  write("proc/self/cgroup", "12:cpu:/x\n9:memory,hugetlb:/job\n");
  write("groups/memory/job/memory.limit_in_bytes", "2048000\n");
  write("groups/memory/job/memory.usage_in_bytes", "4096000\n");
  EXPECT_EQ(kib(), 0u);  // more taken than allowed
  write("groups/memory/job/memory.usage_in_bytes", "2048000\n");
  write("groups/memory/job/memory.stat",
        "cache 7\ninactive_file 1\nactive_file 1\ntotal_cache 1800000\ntotal_shmem 1\n"
        "total_dirty 76000\ntotal_writeback 100000\ntotal_inactive_file 1000000\n"
        "total_active_file 200000\n");
  EXPECT_EQ(found().bytes, 1024000u);
  EXPECT_TRUE(source_says("memory.limit_in_bytes of the control group"));
  // The limit of a group above that the container can't see.
  write("groups/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  write("groups/memory/job/memory.stat",
        "hierarchical_memory_limit 3072000\ntotal_inactive_file 1024000\n");
  EXPECT_EQ(found().bytes, 2048000u);
  EXPECT_TRUE(source_says("hierarchical_memory_limit"));
}

TEST_F(AvailableMemoryTest, KeepsToTheProcessLimit) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlim_t wide = std::min(before.rlim_max, rlim_t{1} << 46);  // beyond what the test maps
  write("proc/meminfo", "MemAvailable: 99999999999999 kB\n");
  const rlimit limited = {wide, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limited), 0);
  const AvailableMemory limit = found();
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(limit.bytes / 1024, wide / 1024 - 1000);
  EXPECT_EQ(limit.source, "RLIMIT_AS (ulimit -v)");
}

TEST(AvailableMemoryHere, IsSomething) { EXPECT_GT(available_memory().bytes, uint64_t{1} << 20); }

}  // namespace
}  // namespace rg::stream
