#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "support/caught.h"
#include "support/refused_calls.h"
#include "support/temp_folder.h"

namespace rg {
namespace {

namespace fs = std::filesystem;
using test::caught;
using test::get_file;
using test::in_child;
using test::put_file;
using test::TempFolder;

std::string read_range(const InputFile& file, uint64_t offset, size_t bytes) {
  std::string out(bytes, '?');
  file.read_exact(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

size_t entries_in(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(InputFile, ReadsAtAnyOffset) {
  const TempFolder folder;
  put_file(folder / "f", "0123456789");
  const InputFile file(folder / "f");
  EXPECT_EQ(file.bytes(), 10u);
  EXPECT_EQ(read_range(file, 0, 10), "0123456789");
  EXPECT_EQ(read_range(file, 7, 3), "789");
  EXPECT_EQ(read_range(file, 10, 0), "");
}

TEST(InputFile, SaysWhereAFileEndsEarly) {
  const TempFolder folder;
  put_file(folder / "f", "0123456789");
  const InputFile file(folder / "f");
  const auto error = caught([&] { read_range(file, 7, 5); });
  EXPECT_EQ(error.id, ErrorId::IO002);
  EXPECT_TRUE(error.says("byte 10")) << error.line;
  EXPECT_TRUE(error.says("2 more bytes")) << error.line;
  // It may also shrink after it was opened.
  fs::resize_file(folder / "f", 4);
  EXPECT_EQ(caught([&] { read_range(file, 0, 10); }).id, ErrorId::IO002);
  EXPECT_EQ(read_range(file, 0, 4), "0123");
}

TEST(InputFile, RefusesWhatIsNoRegularFileWithoutWaiting) {
  const TempFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  const auto fifo = caught([&] { InputFile file(folder / "fifo"); });
  EXPECT_EQ(fifo.id, ErrorId::IO003);
  EXPECT_TRUE(fifo.says("a FIFO")) << fifo.line;
  EXPECT_EQ(caught([&] { InputFile file(folder.path()); }).id, ErrorId::IO003);
  EXPECT_EQ(caught([&] { InputFile file("/dev/zero"); }).id, ErrorId::IO003);
  const auto missing = caught([&] { InputFile file(folder / "none"); });
  EXPECT_EQ(missing.id, ErrorId::IO003);
  EXPECT_TRUE(missing.says("No such file")) << missing.line;
}

TEST(InputFile, HintFollowsFromTheReason) {
  const TempFolder folder;
  put_file(folder / "f", "");
  fs::create_symlink("loop", folder / "loop");
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  const std::pair<fs::path, const char*> real[] = {
      {folder / "none", "spelling"},
      {folder / "f" / "below", "a file where a folder is needed"},
      {folder / "loop", "circle"},
      {folder / std::string(300, 'a'), "Shorten it"},
      {folder.path(), "Name a file in that folder"},
      {folder / "fifo", "to a file first"},
      {"/dev/zero", "to a file first"}};
  for (const auto& [path, words] : real) {
    const auto error = caught([&, &name = path] { InputFile file(name); });
    EXPECT_EQ(error.id, ErrorId::IO003) << error.line;
    EXPECT_TRUE(error.says(words)) << error.line;
  }
  // What root never sees, or a test can't bring about.
  const std::pair<int, const char*> reported[] = {
      {EACCES, "readable"},  {EPERM, "readable"},      {EISDIR, "Name a file"},
      {ENXIO, "to a file"},  {EMFILE, "ulimit"},       {ENFILE, "The system"},
      {EIO, "kernel's log"}, {ESTALE, "kernel's log"}, {EINVAL, "Check the path"}};
  for (const auto& [number, words] : reported) {
    const auto error =
        caught([&, reason = number] { InputFile file(folder / "f", (errno = reason, -1)); });
    EXPECT_EQ(error.id, ErrorId::IO003) << error.line;
    EXPECT_TRUE(error.says(words)) << error.line;
  }
}

TEST(WriteFile, HintFollowsFromTheReason) {
  const TempFolder folder;
  put_file(folder / "f", "kept");
  fs::create_directories(folder / "taken" / "below");
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  const std::pair<fs::path, const char*> cases[] = {
      {folder / "none" / "f", "does not exist"},
      {folder / "f" / "below", "does not exist"},
      {folder / "taken", "found a folder"},
      {folder / "fifo", "found a device or FIFO"},
      {folder / std::string(300, 'a') / "f", "a shorter one"}};
  for (const auto& [path, words] : cases) {
    const auto error =
        caught([&, &name = path] { write_file_atomically(name, "new", IfExists::replace); });
    EXPECT_EQ(error.id, ErrorId::IO004) << error.line;
    EXPECT_TRUE(error.says(words)) << error.line;
  }
  EXPECT_EQ(get_file(folder / "f"), "kept");
  EXPECT_TRUE(fs::is_fifo(folder / "fifo"));
}

TEST(InputFile, ReportsAFailingRead) {
  // A descriptor that may only be written: every pread fails, as on a broken disk.
  const TempFolder folder;
  put_file(folder / "f", "0123456789");
  const InputFile file(folder / "f", ::open((folder / "f").c_str(), O_WRONLY));
  const auto error = caught([&] { read_range(file, 2, 3); });
  EXPECT_EQ(error.id, ErrorId::IO001);
  EXPECT_TRUE(error.says("byte 2")) << error.line;
}

TEST(InputFile, StampTellsContentsApart) {
  const TempFolder folder;
  put_file(folder / "f", "abc");
  const InputFile file(folder / "f");
  EXPECT_EQ(file.current_stamp(), file.stamp());
  put_file(folder / "other", "abc");
  fs::rename(folder / "other", folder / "f");  // the held file is still the old one
  EXPECT_EQ(file.current_stamp(), file.stamp());
  EXPECT_NE(InputFile(folder / "f").stamp(), file.stamp());
  put_file(folder / "g", "abc");
  const InputFile second(folder / "g");
  put_file(folder / "g", "abcd");
  EXPECT_NE(second.current_stamp(), second.stamp());
}

TEST(InputFile, MovesKeepTheDescriptor) {
  const TempFolder folder;
  put_file(folder / "a", "aaa");
  put_file(folder / "b", "bb");
  InputFile first(folder / "a");
  InputFile moved = std::move(first);
  EXPECT_EQ(read_range(moved, 0, 3), "aaa");
  moved = InputFile(folder / "b");
  EXPECT_EQ(read_range(moved, 0, 2), "bb");
  EXPECT_EQ(moved.path(), folder / "b");
}

TEST(ReadWholeFile, HonoursItsLimit) {
  const TempFolder folder;
  put_file(folder / "f", std::string("a\0b", 3));
  EXPECT_EQ(read_whole_file(folder / "f", 3), std::string("a\0b", 3));
  EXPECT_EQ(caught([&] { read_whole_file(folder / "f", 2); }).id, ErrorId::JS004);
  put_file(folder / "empty", "");
  EXPECT_EQ(read_whole_file(folder / "empty", 0), "");
}

TEST(WriteFile, CreatesAndReplaces) {
  const TempFolder folder;
  write_file_atomically(folder / "f", "one", IfExists::refuse);
  EXPECT_EQ(get_file(folder / "f"), "one");
  write_file_atomically(folder / "f", "two", IfExists::replace);
  EXPECT_EQ(get_file(folder / "f"), "two");
  write_file_atomically(folder / "empty", "", IfExists::refuse);
  EXPECT_EQ(get_file(folder / "empty"), "");
  EXPECT_EQ(entries_in(folder.path()), 2u);
}

TEST(WriteFile, RefusesToReplaceUnlessAsked) {
  const TempFolder folder;
  put_file(folder / "f", "old");
  EXPECT_EQ(caught([&] { write_file_atomically(folder / "f", "new", IfExists::refuse); }).id,
            ErrorId::IO004);
  EXPECT_EQ(get_file(folder / "f"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(WriteFile, ReplacesALinkNotItsTarget) {
  const TempFolder folder;
  put_file(folder / "target", "old");
  fs::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new", IfExists::replace);
  EXPECT_EQ(get_file(folder / "target"), "old");
  EXPECT_FALSE(fs::is_symlink(folder / "link"));
}

TEST(WriteFile, RefusesImpossiblePlaces) {
  const TempFolder folder;
  fs::create_directory(folder / "taken");
  EXPECT_EQ(caught([&] { write_file_atomically(folder / "taken", "x", IfExists::replace); }).id,
            ErrorId::IO004);
  EXPECT_EQ(caught([&] { write_file_atomically(folder / "no/such/f", "x", IfExists::replace); }).id,
            ErrorId::IO004);
  put_file(folder / "file", "x");
  EXPECT_EQ(caught([&] { write_file_atomically(folder / "file/f", "x", IfExists::replace); }).id,
            ErrorId::IO004);
  EXPECT_EQ(entries_in(folder.path()), 2u);
  // A file's name may fill all 255 bytes; the temporary one has to fit as well.
  const std::string long_name(255, 'n');
  write_file_atomically(folder / long_name, "x", IfExists::refuse);
  EXPECT_EQ(get_file(folder / long_name), "x");
}

TEST(WriteFile, ParallelWritersLeaveOneWholeFile) {
  const TempFolder folder;
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        write_file_atomically(folder / "f", std::string(10'000, static_cast<char>('a' + i)),
                              IfExists::replace);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string content = get_file(folder / "f");
  EXPECT_EQ(content.size(), 10'000u);
  EXPECT_EQ(content.find_first_not_of(content[0]), std::string::npos);
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(WriteFile, AWriteThatFailsHalfwayLeavesTheOldFile) {
  const TempFolder folder;
  put_file(folder / "f", "old");
  const int code = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {5000, 5000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto error = caught(
        [&] { write_file_atomically(folder / "f", std::string(10'000, 'x'), IfExists::replace); });
    return error.id == ErrorId::IO004 && error.says("5000 of 10000") ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(get_file(folder / "f"), "old");
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

constexpr std::string_view kNew = "new";

// Of writes only those as long as kNew: sanitizers write to pipes of their own.
bool refuse_call(long number, int error) {
  return number == SYS_write ? test::refuse_call_of_length(number, kNew.size(), error)
                             : test::refuse_call(number, error);
}

struct Refusal {
  const char* call;
  long number;
  int error;
  ErrorId expected;
};

TEST(WriteFile, EveryCallMayFailAndNothingIsTorn) {
  for (const Refusal& refusal : {Refusal{"openat", SYS_openat, ENOSPC, ErrorId::IO010},
                                 Refusal{"write", SYS_write, ENOSPC, ErrorId::IO010},
                                 Refusal{"write", SYS_write, EDQUOT, ErrorId::IO010},
                                 Refusal{"write", SYS_write, EIO, ErrorId::IO004},
                                 Refusal{"fsync", SYS_fsync, ENOSPC, ErrorId::IO010},
                                 Refusal{"fsync", SYS_fsync, EIO, ErrorId::IO004},
                                 Refusal{"rename", SYS_rename, EACCES, ErrorId::IO004}}) {
    const TempFolder folder;
    put_file(folder / "f", "old");
    const int code = in_child([&] {
      if (!refuse_call(refusal.number, refusal.error)) return 2;
      const auto error =
          caught([&] { write_file_atomically(folder / "f", kNew, IfExists::replace); });
      return error.id == refusal.expected ? 0 : 1;
    });
    EXPECT_EQ(code, 0) << refusal.call << ' ' << refusal.error;
    EXPECT_EQ(get_file(folder / "f"), "old") << refusal.call;
    EXPECT_EQ(entries_in(folder.path()), 1u) << refusal.call;
  }
}

// Not every file system has the rename that refuses, nor hard links.
TEST(WriteFile, RefusesToReplaceOnEveryFileSystem) {
  const std::vector<std::vector<std::pair<long, int>>> kinds = {
      {},
      {{SYS_renameat2, EINVAL}},
      {{SYS_renameat2, ENOSYS}},
      {{SYS_renameat2, EINVAL}, {SYS_link, EPERM}},
      {{SYS_renameat2, EINVAL}, {SYS_link, EOPNOTSUPP}},
  };
  for (const auto& lacks : kinds) {
    const TempFolder folder;
    put_file(folder / "taken", "old");
    const int code = in_child([&] {
      for (const auto& [call, error] : lacks) {
        if (!refuse_call(call, error)) return 2;
      }
      write_file_atomically(folder / "free", kNew, IfExists::refuse);
      const auto error =
          caught([&] { write_file_atomically(folder / "taken", kNew, IfExists::refuse); });
      return error.id == ErrorId::IO004 && error.says("exists already") ? 0 : 1;
    });
    EXPECT_EQ(code, 0) << lacks.size();
    EXPECT_EQ(get_file(folder / "free"), kNew);
    EXPECT_EQ(get_file(folder / "taken"), "old");
    EXPECT_EQ(entries_in(folder.path()), 2u);
  }
}

TEST(WriteFile, ANameTakenInVainIsFreeAgain) {
  const TempFolder folder;
  const int code = in_child([&] {
    if (!refuse_call(SYS_renameat2, EINVAL) || !refuse_call(SYS_link, EPERM) ||
        !refuse_call(SYS_rename, EIO)) {
      return 2;
    }
    const auto error = caught([&] { write_file_atomically(folder / "f", kNew, IfExists::refuse); });
    return error.id == ErrorId::IO004 ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(entries_in(folder.path()), 0u);
}

TEST(TemporaryName, IsGoneUnlessReleased) {
  const TempFolder folder;
  fs::path kept;
  {
    TemporaryName gone(folder / "f"), released(folder / "f");
    EXPECT_NE(gone.path(), released.path());
    put_file(gone.path(), "x");
    put_file(released.path(), "x");
    kept = released.path();
    released.release();
  }
  EXPECT_TRUE(fs::exists(kept));
  EXPECT_EQ(entries_in(folder.path()), 1u);
}

TEST(TemporaryName, AnEndWithoutUnwindingRemovesThemToo) {
  const TempFolder folder;
  in_child([&]() -> int {
    const TemporaryName one(folder / "a"), two(folder / "b");
    put_file(one.path(), "x");
    put_file(two.path(), "x");
    remove_temporary_files();
    std::_Exit(0);
  });
  EXPECT_EQ(entries_in(folder.path()), 0u);
}

// A time beyond 2262 does not fit nanoseconds in 64 bits; file systems hold it all the same.
TEST(InputFile, FarTimesKeepTheirOrder) {
  const TempFolder folder;
  put_file(folder / "f", "x");
  const auto stamp_at = [&](time_t seconds) {
    const timespec times[2] = {{seconds, 5}, {seconds, 5}};
    EXPECT_EQ(utimensat(AT_FDCWD, (folder / "f").c_str(), times, 0), 0);
    return InputFile(folder / "f").stamp();
  };
  const FileStamp far = stamp_at(15'000'000'000);
  if (far.modified_s == 15'000'000'000) {
    EXPECT_EQ(far.modified_ns, 5);
  } else {
    GTEST_LOG_(INFO) << "the file system here holds no such time";
  }
  EXPECT_GT(far.modified_s, stamp_at(1'000'000'000).modified_s);
}

}  // namespace
}  // namespace rg
