// A Hugging Face cache with one model in it, as huggingface_hub leaves it: blobs, and links to
// them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::test {

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";
inline const std::string kOther = "ffffffffffffffffffffffffffffffffffffffff";

class Cache : public ::testing::Test {
 protected:
  Cache() {
    for (const char* name : kNames) unsetenv(name);
    setenv("HF_HUB_CACHE", root.path().c_str(), 1);
    put_file(repo() / "refs/main", kCommit + "\n");
    add("config.json", "{}");
    add("model.safetensors", build_safetensors({{"a", "F32", {1}, "aaaa"}}));
  }
  ~Cache() override {
    for (const char* name : kNames) unsetenv(name);
  }
  std::filesystem::path repo() const { return root / "models--org--name"; }
  std::filesystem::path snapshot() const { return repo() / "snapshots" / kCommit; }
  void add(const std::string& name, const std::string& content) {
    put_file(repo() / "blobs" / ("blob-" + name), content);
    std::filesystem::create_directories(snapshot());
    std::filesystem::remove(snapshot() / name);
    std::filesystem::create_symlink("../../blobs/blob-" + name, snapshot() / name);
  }

  static constexpr const char* kNames[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME",
                                           "XDG_CACHE_HOME", "RG_TEST_PLACE"};
  TempFolder root;
};

}  // namespace rg::test
