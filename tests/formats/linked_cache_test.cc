// A Hugging Face cache that its owner spread over disks by links, and what links may not do there.
#include <gtest/gtest.h>

#include <string>

#include "formats/cache_fixture.h"
#include "formats/checkpoint.h"
#include "formats/model_location.h"
#include "support/caught.h"

namespace rg::formats {
namespace {

namespace fs = std::filesystem;
using test::Cache;
using test::caught;
using test::Caught;
using test::get_file;
using test::put_file;
using test::TempFolder;

// What the cache's owner links, huggingface_hub follows.
class LinkedCache : public Cache {
 protected:
  // Moves what lies at `from` to another disk and leaves a link.
  void move_out(const fs::path& from, const std::string& to) {
    fs::create_directories((disk / to).parent_path());
    fs::rename(from, disk / to);
    fs::create_directory_symlink(disk / to, from);
  }
  Caught open(const std::string& argument) {
    return caught([&] {
      const Checkpoint checkpoint = Checkpoint::open(resolve_model(argument));
      EXPECT_EQ(checkpoint.location().display_name, "org--name@0123456789ab");
    });
  }
  TempFolder disk;
};

TEST_F(LinkedCache, TheRootMayBeALink) {
  fs::create_directory_symlink(root.path(), disk / "hub");
  setenv("HF_HUB_CACHE", (disk / "hub").c_str(), 1);
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
}

TEST_F(LinkedCache, ARepositoryMayBeALink) {
  for (const std::string to : {"models--org--name", "elsewhere"}) {
    move_out(repo(), to);
    EXPECT_FALSE(open("org/name").id) << open("org/name").line;
    EXPECT_FALSE(open(snapshot().string()).id) << open(snapshot().string()).line;
    fs::remove(repo());
    fs::rename(disk / to, repo());
  }
}

TEST_F(LinkedCache, ItsPartsMayBeLinks) {
  const std::string by_path = snapshot().string();
  move_out(repo() / "blobs", "store");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  EXPECT_FALSE(open(by_path).id) << open(by_path).line;
  move_out(repo() / "refs", "refs");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
}

TEST_F(LinkedCache, SnapshotsMayBeLinks) {
  // The links inside are relative to where they lie.
  fs::create_directories(disk / "models--org--name");
  fs::rename(repo() / "blobs", disk / "models--org--name/blobs");
  move_out(repo() / "snapshots", "models--org--name/snapshots");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  EXPECT_FALSE(open(snapshot().string()).id) << open(snapshot().string()).line;
}

TEST_F(LinkedCache, OneSnapshotMayBeALink) {
  move_out(snapshot(), "flat");
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string text = get_file(repo() / "blobs" / (std::string("blob-") + name));
    fs::remove(disk / "flat" / name);
    put_file(disk / "flat" / name, text);
  }
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
}

// huggingface_hub 2 keeps blobs that repositories share in one store and links to them.
TEST_F(LinkedCache, ABlobMayBeALink) {
  const fs::path blob = repo() / "blobs/blob-model.safetensors";
  put_file(root / "blobs/ab/abcd", get_file(blob));
  fs::remove(blob);
  fs::create_symlink("../../blobs/ab/abcd", blob);
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  move_out(root / "blobs", "shared");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  put_file(disk / "blob", get_file(blob));
  fs::remove(blob);
  fs::create_symlink(disk / "blob", blob);
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  fs::remove(blob);
  fs::create_symlink("/dev/zero", blob);  // whoever made the link
  EXPECT_EQ(open("org/name").id, ErrorId::ST015);
}

TEST_F(LinkedCache, ARepositoryIsNamedByItsId) {
  const Caught error = open(repo().string());
  EXPECT_EQ(error.id, ErrorId::CF005);
  EXPECT_TRUE(error.says("give its id")) << error.line;
}

// Names that come with the model reach nothing but the cache, however it is linked together.
TEST_F(LinkedCache, LinksOfASnapshotStayInside) {
  put_file(disk / "w", get_file(snapshot() / "model.safetensors"));
  put_file(disk / "blobs/w", get_file(disk / "w"));
  put_file(disk / "models--org--name/blobs/w", get_file(disk / "w"));
  const fs::path shard = snapshot() / "model.safetensors";
  for (const fs::path& target :
       {disk / "w", disk / "blobs/w", disk / "models--org--name/blobs/w"}) {
    fs::remove(shard);
    fs::create_symlink(target, shard);
    const Caught error = open("org/name");
    EXPECT_EQ(error.id, ErrorId::ST015) << error.line;
    EXPECT_TRUE(error.says("If you made the link")) << error.line;
  }
}

// Where a file system has no links, snapshots hold the files.
TEST_F(LinkedCache, SnapshotsMayHoldFiles) {
  for (const char* name : {"config.json", "model.safetensors"}) {
    const std::string text = get_file(snapshot() / name);
    fs::remove(snapshot() / name);
    put_file(snapshot() / name, text);
  }
  fs::remove_all(repo() / "blobs");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
  move_out(repo(), "elsewhere");
  EXPECT_FALSE(open("org/name").id) << open("org/name").line;
}

// `hf download --local-dir` of older releases left links into the cache.
TEST_F(LinkedCache, AFolderMayLinkIntoTheCache) {
  put_file(disk / "model/config.json", "{}");
  put_file(disk / "model/.cache/huggingface/download/config.json.metadata", "x");
  fs::create_symlink(repo() / "blobs/blob-model.safetensors", disk / "model/model.safetensors");
  const auto opened = [&] {
    return caught([&] { Checkpoint::open(resolve_model((disk / "model").string())); });
  };
  EXPECT_FALSE(opened().id) << opened().line;
  move_out(repo(), "models--org--name");
  EXPECT_FALSE(opened().id) << opened().line;
  setenv("HF_HUB_CACHE", (disk / "other").c_str(), 1);
  EXPECT_EQ(opened().id, ErrorId::ST015) << opened().line;
}

TEST_F(LinkedCache, WhatCannotBeLookedAtIsNotCalledMissing) {
  fs::remove_all(repo());
  fs::create_symlink(repo(), repo());
  const Caught error = open("org/name");
  EXPECT_EQ(error.id, ErrorId::HF001);
  EXPECT_TRUE(error.says("Too many levels of symbolic links")) << error.line;
  EXPECT_FALSE(error.says("hf download")) << error.line;
}

}  // namespace
}  // namespace rg::formats
