// A model argument: folders, and the Hugging Face cache with its links.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "formats/cache_fixture.h"
#include "formats/checkpoint.h"
#include "formats/model_location.h"
#include "support/caught.h"
#include "support/refused_calls.h"
#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::formats {
namespace {

namespace fs = std::filesystem;
using test::Cache;
using test::caught;
using test::Caught;
using test::get_file;
using test::kCommit;
using test::kOther;
using test::put_file;
using test::TempFolder;

TEST_F(Cache, ResolvesAnIdAndFollowsItsLinks) {
  for (const std::string& argument :
       {std::string("org/name"), std::string("org/name@main"), "org/name@" + kCommit}) {
    const ModelLocation location = resolve_model(argument);
    EXPECT_EQ(location.folder, snapshot()) << argument;
    EXPECT_EQ(location.display_name, "org--name@0123456789ab");
    EXPECT_EQ(location.cache_root, root.path());
    EXPECT_EQ(Checkpoint::open(location).tensors().size(), 1u);
  }
}

TEST_F(Cache, AFolderInsideACacheIsItsSnapshot) {
  const ModelLocation location = resolve_model(snapshot().string());
  EXPECT_EQ(location.display_name, "org--name@0123456789ab");
  EXPECT_EQ(Checkpoint::open(location).tensors().size(), 1u);
}

TEST_F(Cache, ReadsNestedRefs) {
  put_file(repo() / "refs/pr/3", kCommit);
  EXPECT_EQ(resolve_model("org/name@pr/3").folder, snapshot());
}

TEST_F(Cache, ASingleSnapshotNeedsNoRef) {
  fs::remove_all(repo() / "refs");
  EXPECT_EQ(resolve_model("org/name").folder, snapshot());
  fs::create_directories(repo() / "snapshots" / kOther);
  EXPECT_EQ(caught([] { resolve_model("org/name"); }).id, ErrorId::HF001);
}

TEST_F(Cache, MissesGiveTheDownloadLine) {
  const Caught model = caught([] { resolve_model("other/model"); });
  EXPECT_EQ(model.id, ErrorId::HF001);
  EXPECT_EQ(model.parts.hint, "Run: hf download other/model");
  const Caught revision = caught([] { resolve_model("org/name@v2"); });
  EXPECT_EQ(revision.id, ErrorId::HF001);
  EXPECT_EQ(revision.parts.hint, "Run: hf download org/name --revision v2");
  EXPECT_EQ(caught([] { resolve_model("org/name@" + kOther); }).id, ErrorId::HF001);
  EXPECT_EQ(caught([] { resolve_model("Org/name"); }).id, ErrorId::HF001);  // case matters
}

TEST_F(Cache, PartialSnapshotsAreNamed) {
  const auto expect_partial = [&](const std::string& missing) {
    const Caught error = caught([] { Checkpoint::open(resolve_model("org/name")); });
    EXPECT_EQ(error.id, ErrorId::HF002) << error.line;
    EXPECT_EQ(error.parts.object, missing);
    EXPECT_EQ(error.parts.hint, "Run: hf download org/name");
  };
  fs::remove(repo() / "blobs/blob-config.json");  // its link dangles
  expect_partial("config.json");
  add("config.json", "{}");
  fs::remove(snapshot() / "model.safetensors");
  add("model.safetensors.index.json",
      "{\"weight_map\":{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}}");
  add("1.safetensors", test::build_safetensors({{"a", "F32", {1}, "aaaa"}}));
  expect_partial("2.safetensors");
  add("2.safetensors", test::build_safetensors({{"b", "F32", {1}, "bbbb"}}));
  EXPECT_EQ(Checkpoint::open(resolve_model("org/name")).tensors().size(), 2u);
  fs::remove(repo() / "blobs/blob-1.safetensors");
  expect_partial("1.safetensors");
}

TEST_F(Cache, RefsMustHoldACommit) {
  put_file(repo() / "refs/main", "../../../etc\n");
  EXPECT_EQ(caught([] { resolve_model("org/name"); }).id, ErrorId::HF002);
}

// S8: links may lead to anywhere below the cache root, and nowhere else.
TEST_F(Cache, LinksMayNotLeaveTheCache) {
  const TempFolder outside;
  put_file(outside / "w", get_file(snapshot() / "model.safetensors"));
  const fs::path shard = snapshot() / "model.safetensors";
  fs::remove(shard);
  fs::create_symlink(outside / "w", shard);
  EXPECT_EQ(caught([] { Checkpoint::open(resolve_model("org/name")); }).id, ErrorId::ST015);
  // A shared store below the root, by an absolute link of a link.
  put_file(root / "blobs/shared", get_file(outside / "w"));
  fs::create_symlink(root / "blobs/shared", repo() / "blobs/chained");
  fs::remove(shard);
  fs::create_symlink("../../blobs/chained", shard);
  EXPECT_FALSE(caught([] { Checkpoint::open(resolve_model("org/name")); }).id);
  // Copies of a cache hold plain files.
  fs::remove(shard);
  put_file(shard, get_file(outside / "w"));
  EXPECT_FALSE(caught([] { Checkpoint::open(resolve_model("org/name")); }).id);
}

TEST_F(Cache, FindsTheRootWhereTheLibraryDoes) {
  const auto resolves = [] { return !caught([] { resolve_model("org/name"); }).id; };
  const std::string place = root.path().string();
  EXPECT_TRUE(resolves());
  unsetenv("HF_HUB_CACHE");
  EXPECT_FALSE(resolves());
  setenv("HUGGINGFACE_HUB_CACHE", place.c_str(), 1);
  EXPECT_TRUE(resolves());
  setenv("HF_HUB_CACHE", "/nowhere", 1);  // comes first
  EXPECT_FALSE(resolves());
  unsetenv("HUGGINGFACE_HUB_CACHE");
  setenv("RG_TEST_PLACE", place.c_str(), 1);
  for (const char* spelled : {"$RG_TEST_PLACE", "${RG_TEST_PLACE}", "$RG_TEST_PLACE/."}) {
    setenv("HF_HUB_CACHE", spelled, 1);
    EXPECT_TRUE(resolves()) << spelled;
  }
  for (const char* spelled : {"$RG_TEST_NONE", "${RG_TEST_PLACE", "$", "~nobody"}) {
    setenv("HF_HUB_CACHE", spelled, 1);
    EXPECT_FALSE(resolves()) << spelled;
  }
  unsetenv("HF_HUB_CACHE");
  const TempFolder home;
  fs::create_directories(home / "huggingface");
  fs::create_symlink(root.path(), home / "hub");
  setenv("HF_HOME", home.path().c_str(), 1);
  EXPECT_TRUE(resolves());
  unsetenv("HF_HOME");
  fs::create_symlink(root.path(), home / "huggingface/hub");
  setenv("XDG_CACHE_HOME", home.path().c_str(), 1);
  EXPECT_TRUE(resolves());
  unsetenv("XDG_CACHE_HOME");
  const std::string old_home = std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  fs::create_directories(home / ".cache");
  fs::create_symlink(home / "huggingface", home / ".cache/huggingface");
  setenv("HOME", home.path().c_str(), 1);
  EXPECT_TRUE(resolves());
  unsetenv("RG_TEST_PLACE");
  setenv("HF_HUB_CACHE", "~/.cache/huggingface/hub", 1);
  EXPECT_TRUE(resolves());
  setenv("HOME", old_home.c_str(), 1);
}

TEST(Resolve, FoldersAreNamedByTheirName) {
  const TempFolder folder;
  put_file(folder / "my model/config.json", "{}");
  for (const std::string suffix : {"my model", "my model/", "./my model/."}) {
    const ModelLocation location = resolve_model(folder.path().string() + '/' + suffix);
    EXPECT_EQ(location.folder, folder / "my model");
    EXPECT_EQ(location.display_name, "my model");
    EXPECT_FALSE(location.cache_root);
  }
}

TEST(Resolve, RefusesWhatNamesNoModel) {
  const TempFolder folder;
  put_file(folder / "f", "x");
  for (const std::string& argument :
       {std::string(), std::string("no-such-folder"), std::string("/no/such/folder"),
        std::string("a/b/c"), std::string("org/.."), std::string("../name"),
        std::string("org/name@../x"), std::string("org/name@"), std::string("-x/name"),
        std::string("org/na me"), (folder / "f").string()}) {
    EXPECT_EQ(caught([&] { resolve_model(argument); }).id, ErrorId::HF001) << argument;
  }
  const Caught file = caught([&] { resolve_model((folder / "f").string()); });
  EXPECT_TRUE(file.says("found a file")) << file.line;
}

// A path of two parts could be the id of a model.
TEST(Resolve, AGgufFileIsNoModel) {
  const TempFolder folder;
  put_file(folder / "models/small.gguf", "GGUF");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  for (const std::string& argument :
       {std::string("models/small.gguf"), (folder / "models/small.gguf").string()}) {
    const Caught error = caught([&] { resolve_model(argument); });
    EXPECT_EQ(error.id, ErrorId::HF001) << argument;
    EXPECT_TRUE(error.says("found a file")) << error.line;
    EXPECT_TRUE(error.says("GGUF is not read")) << error.line;
  }
  fs::current_path(before);
}

// S8: what may stand under a shard's name.
struct Shape {
  const char* name;
  std::function<void(const fs::path& folder, const fs::path& outside)> make;  // folder / "w"
  std::optional<ErrorId> expected;
};

void link_to(const fs::path& target, const fs::path& link) { fs::create_symlink(target, link); }

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {"file", [](auto& f, auto&) { put_file(f / "w", "x"); }, {}},
      {"link inside", [](auto& f, auto&) { link_to("real", f / "w"); }, {}},
      {"absolute link inside", [](auto& f, auto&) { link_to(f / "real", f / "w"); }, {}},
      {"link of a link inside",
       [](auto& f, auto&) {
         link_to("real", f / "chained");
         link_to("chained", f / "w");
       },
       {}},
      {"link out", [](auto& f, auto& o) { link_to(o / "w", f / "w"); }, ErrorId::ST015},
      {"relative link out", [](auto& f, auto& o) { link_to(".." / o.filename() / "w", f / "w"); },
       ErrorId::ST015},
      {"link through a folder that leads out",
       [](auto& f, auto& o) {
         link_to(o, f / "sub");
         link_to("sub/w", f / "w");
       },
       ErrorId::ST015},
      {"link to the folder itself", [](auto& f, auto&) { link_to(".", f / "w"); }, ErrorId::ST015},
      {"link to a device", [](auto& f, auto&) { link_to("/dev/zero", f / "w"); }, ErrorId::ST015},
      {"folder", [](auto& f, auto&) { fs::create_directory(f / "w"); }, ErrorId::ST015},
      {"FIFO", [](auto& f, auto&) { ASSERT_EQ(mkfifo((f / "w").c_str(), 0600), 0); },
       ErrorId::ST015},
      {"link to itself", [](auto& f, auto&) { link_to("w", f / "w"); }, ErrorId::IO003},
      {"dangling link", [](auto& f, auto&) { link_to("gone", f / "w"); }, ErrorId::IO003},
      {"link to an open file", [](auto& f, auto&) { link_to("/proc/self/fd/0", f / "w"); },
       ErrorId::ST015},
  };
  return all;
}

// The first shape that is not met as expected; empty if all are.
std::string first_surprise() {
  for (const Shape& shape : shapes()) {
    const TempFolder folder, outside;
    put_file(folder / "real", "x");
    put_file(outside / "w", "x");
    shape.make(folder.path(), outside.path());
    const ModelLocation location = {
        .folder = folder.path(), .display_name = "m", .cache_root = {}, .download_command = {}};
    const Caught error = caught([&] {
      const InputFile file = open_member(location, "w", ErrorId::ST015);
      check_internal(file.bytes() == 1, "the file itself was opened");
    });
    if (error.id != shape.expected) return shape.name + (": " + error.line);
  }
  return "";
}

TEST(OpenMember, EveryShapeOfAPath) {
  EXPECT_GE(shapes().size(), 12u);
  EXPECT_EQ(first_surprise(), "");
}

TEST(OpenMember, EveryShapeWhereTheKernelLacksOpenat2) {
  for (const int error : {ENOSYS, EPERM}) {
    const int code = test::in_child([&] {
      if (!test::refuse_call(SYS_openat2, error)) return 2;
      const std::string surprise = first_surprise();
      if (!surprise.empty()) std::fprintf(stderr, "%s\n", surprise.c_str());
      return surprise.empty() ? 0 : 1;
    });
    EXPECT_EQ(code, 0) << error;
  }
}

TEST(OpenMember, TheKernelIsAskedWhereItCan) {
  const TempFolder folder;
  put_file(folder / "w", "x");
  const ModelLocation location = {
      .folder = folder.path(), .display_name = "m", .cache_root = {}, .download_command = {}};
  for (const auto& [error, expected] :
       {std::pair{EXDEV, ErrorId::ST015}, {ELOOP, ErrorId::ST015}, {EIO, ErrorId::IO003}}) {
    const int code = test::in_child([&, number = error, id = expected] {
      if (!test::refuse_call(SYS_openat2, number)) return 2;
      return caught([&] { open_member(location, "w", ErrorId::ST015); }).id == id ? 0 : 1;
    });
    EXPECT_EQ(code, 0) << error;
  }
}

}  // namespace
}  // namespace rg::formats
