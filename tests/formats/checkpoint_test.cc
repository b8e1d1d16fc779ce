// Whole folders: rows S6 to S8, S13, S15, R5 and C4 of the checkpoint reader.
#include "formats/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/sha256.h"
#include "formats/safetensors.h"
#include "support/caught.h"
#include "support/json_texts.h"
#include "support/tiny_olmoe.h"

namespace rg::formats {
namespace {

namespace fs = std::filesystem;
using test::build_safetensors;
using test::caught;
using test::Caught;
using test::FileTensor;
using test::get_file;
using test::put_file;
using test::TempFolder;
using test::TinyOlmoe;

Checkpoint open(const fs::path& folder) { return Checkpoint::open(resolve_model(folder.string())); }
Caught folder_refusal(const fs::path& folder) {
  return caught([&] { open(folder); });
}

// Three tensors in two shards, and what their index says.
class Sharded : public testing::Test {
 protected:
  Sharded() {
    put("1.safetensors", {{"a", "F32", {2}, "aaaaaaaa"}, {"b", "BF16", {1}, "bb"}});
    put("2.safetensors", {{"c", "F32", {1}, "cccc"}});
    index = {
        {"metadata", {{"total_size", 14}}},
        {"weight_map", {{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"c", "2.safetensors"}}}};
    put_index();
    put_file(folder / "config.json", "{\"model_type\":\"x\"}");
  }
  void put(const std::string& name, const std::vector<FileTensor>& tensors) {
    put_file(folder / name, build_safetensors(tensors));
  }
  void put_index() { put_file(folder / "model.safetensors.index.json", index.dump()); }

  TempFolder folder;
  Json index;
};

TEST_F(Sharded, FindsTensorsOfOtherDtypesInAnyShard) {
  put("1.safetensors", {{"a", "F32", {2}, "aaaaaaaa"}, {"y", "I64", {1}, "yyyyyyyy"}});
  put("2.safetensors", {{"c", "F64", {1}, "cccccccc"}, {"d", "F32", {1}, "dddd"}});
  index = {{"metadata", {{"total_size", 28}}},
           {"weight_map",
            {{"a", "1.safetensors"},
             {"y", "1.safetensors"},
             {"c", "2.safetensors"},
             {"d", "2.safetensors"}}}};
  put_index();
  const Checkpoint checkpoint = open(folder.path());
  ASSERT_NE(checkpoint.find_unsupported("c"), nullptr);
  EXPECT_EQ(checkpoint.find_unsupported("c")->dtype, "F64");
  EXPECT_EQ(checkpoint.find_unsupported("y")->dtype, "I64");
  EXPECT_EQ(checkpoint.find_unsupported("a"), nullptr);
  for (const char* name : {"a", "c", "d", "y"}) EXPECT_TRUE(checkpoint.has(name)) << name;
  EXPECT_FALSE(checkpoint.has("b"));
}

TEST_F(Sharded, OpensAndReads) {
  const Checkpoint checkpoint = open(folder.path());
  ASSERT_EQ(checkpoint.tensors().size(), 3u);
  EXPECT_EQ(checkpoint.shards().size(), 2u);
  EXPECT_EQ(checkpoint.weight_bytes(), 14u);
  EXPECT_TRUE(checkpoint.notes().empty());
  EXPECT_EQ(checkpoint.bytes_read(), 0u);
  for (const auto& [name, bytes] :
       {std::pair<std::string, std::string>{"a", "aaaaaaaa"}, {"b", "bb"}, {"c", "cccc"}}) {
    const TensorEntry* entry = checkpoint.find(name);
    ASSERT_NE(entry, nullptr);
    std::string out(entry->size_bytes, '?');
    checkpoint.read(*entry, 0, std::as_writable_bytes(std::span(out)));
    EXPECT_EQ(out, bytes);
  }
  EXPECT_EQ(checkpoint.bytes_read(), 14u);
  EXPECT_EQ(checkpoint.find("d"), nullptr);
  EXPECT_EQ(checkpoint.find(""), nullptr);
}

TEST_F(Sharded, ReadsPieces) {
  put("1.safetensors", {{"a", "F32", {2}, "01234567"}, {"b", "BF16", {1}, "89"}});
  const Checkpoint checkpoint = open(folder.path());
  std::string out(3, '?');
  checkpoint.read(*checkpoint.find("a"), 4, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "456");
  EXPECT_EQ(checkpoint.bytes_read(), 3u);
  EXPECT_EQ(caught([&] {
              checkpoint.read(*checkpoint.find("a"), 6, std::as_writable_bytes(std::span(out)));
            }).id,
            ErrorId::RT070);
}

TEST_F(Sharded, HashesItsMetadata) {
  const Checkpoint checkpoint = open(folder.path());
  ASSERT_EQ(checkpoint.metadata_files().size(), 2u);
  EXPECT_EQ(checkpoint.metadata_files()[0].path.filename(), "config.json");
  EXPECT_EQ(checkpoint.metadata_files()[0].sha256, sha256_hex(get_file(folder / "config.json")));
  EXPECT_EQ(checkpoint.metadata_files()[1].sha256, sha256_hex(index.dump()));
}

TEST_F(Sharded, StaysValidWhenMoved) {
  Checkpoint first = open(folder.path());
  const TensorEntry* entry = first.find("c");
  const Checkpoint second = std::move(first);
  EXPECT_EQ(second.find("c"), entry);
  std::string out(4, '?');
  second.read(*entry, 0, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, "cccc");
}

// S7
TEST_F(Sharded, RefusesAMissingShard) {
  fs::remove(folder / "2.safetensors");
  const Caught error = folder_refusal(folder.path());
  EXPECT_EQ(error.id, ErrorId::ST010);
  EXPECT_EQ(error.parts.object, "2.safetensors");
}

TEST_F(Sharded, RefusesATensorThatIsNotInItsShard) {
  index["weight_map"]["d"] = "2.safetensors";
  put_index();
  const Caught error = folder_refusal(folder.path());
  EXPECT_EQ(error.id, ErrorId::ST011);
  EXPECT_EQ(error.parts.object, "d");
  EXPECT_TRUE(error.says("2.safetensors")) << error.line;
}

TEST_F(Sharded, RefusesATensorInTwoShards) {
  put("2.safetensors", {{"c", "F32", {1}, "cccc"}, {"a", "F32", {1}, "aaaa"}});
  const Caught error = folder_refusal(folder.path());
  EXPECT_EQ(error.id, ErrorId::ST012);
  EXPECT_TRUE(error.says("1.safetensors")) << error.line;
  EXPECT_EQ(error.parts.file, "2.safetensors");
}

TEST_F(Sharded, RefusesATensorThatTheIndexLeavesOut) {
  put("2.safetensors", {{"c", "F32", {1}, "cccc"}, {"e", "I64", {1}, "eeeeeeee"}});
  const Caught error = folder_refusal(folder.path());
  EXPECT_EQ(error.id, ErrorId::ST014);
  EXPECT_EQ(error.parts.object, "e");
}

TEST_F(Sharded, RefusesABrokenIndex) {
  put_file(folder / "model.safetensors.index.json", "{\"weight_map\":");
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::ST013);
}

TEST_F(Sharded, NotesWhatDoesNoHarm) {
  put("0-extra.safetensors", {{"z", "F32", {1}, "zzzz"}});
  put_file(folder / "broken.safetensors", "not even one");
  index["metadata"]["total_size"] = 15;
  put_index();
  const Checkpoint checkpoint = open(folder.path());
  EXPECT_EQ(checkpoint.find("z"), nullptr);
  ASSERT_EQ(checkpoint.notes().size(), 3u);
  EXPECT_NE(checkpoint.notes()[0].find("total_size says 15 bytes, the shards hold 14"),
            std::string::npos);
  EXPECT_NE(checkpoint.notes()[1].find("0-extra.safetensors"), std::string::npos);
  EXPECT_NE(checkpoint.notes()[2].find("broken.safetensors"), std::string::npos);
}

TEST_F(Sharded, ASingleFileComesBeforeTheIndex) {
  put("model.safetensors", {{"only", "F32", {1}, "0123"}});
  const Checkpoint checkpoint = open(folder.path());
  EXPECT_EQ(checkpoint.tensors().size(), 1u);
  EXPECT_EQ(checkpoint.metadata_files().size(), 1u);
  EXPECT_EQ(checkpoint.notes().size(), 2u);  // the other shards
}

TEST_F(Sharded, ShardsNeedTheirIndex) {
  fs::remove(folder / "model.safetensors.index.json");
  put_file(folder / "pytorch_model.bin", "x");
  const Caught error = folder_refusal(folder.path());
  EXPECT_EQ(error.id, ErrorId::ST017);
  EXPECT_TRUE(error.says("2 shards (1.safetensors, …)")) << error.line;
  EXPECT_TRUE(error.says("Fetch model.safetensors.index.json")) << error.line;
}

TEST(NoWeights, TheHintFollowsWhatIsThere) {
  const auto refused = [](const std::string& name, const std::string& words) {
    const TempFolder folder;
    put_file(folder / "config.json", "{}");
    put_file(folder / name, "x");
    const Caught error = folder_refusal(folder.path());
    EXPECT_EQ(error.id, ErrorId::ST017) << name;
    EXPECT_TRUE(error.says(words)) << error.line;
  };
  refused("model.gguf", "Convert the checkpoint");
  refused("consolidated.safetensors", "must be named model.safetensors");
  refused("model-00002-of-00002.safetensors", "Fetch model.safetensors.index.json");
  refused("pytorch_model.bin", "pickled weights (pytorch_model.bin)");
  refused("pytorch_model.bin", "Convert the checkpoint");
  refused("README.md", "Point to the folder that holds them");
  const TempFolder dangling;  // as a cache whose blob was removed
  put_file(dangling / "config.json", "{}");
  fs::create_symlink("nowhere", dangling / "model.safetensors");
  EXPECT_FALSE(folder_refusal(dangling.path()).says("another safetensors file"));
  const TempFolder adapter;
  put_file(adapter / "adapter_config.json", "{}");
  const Caught error = folder_refusal(adapter.path());
  EXPECT_EQ(error.id, ErrorId::CF005);
  EXPECT_TRUE(error.says("adapter")) << error.line;
}

// S8
TEST_F(Sharded, RefusesWhatIsNoRegularFileOfItsOwn) {
  const TempFolder outside;
  put_file(outside / "2.safetensors", get_file(folder / "2.safetensors"));
  const fs::path shard = folder / "2.safetensors";
  const auto replace = [&](const auto& make) {
    fs::remove_all(shard);
    make();
    return folder_refusal(folder.path());
  };
  const Caught out = replace([&] { fs::create_symlink(outside / "2.safetensors", shard); });
  EXPECT_EQ(out.id, ErrorId::ST015);
  EXPECT_TRUE(out.says("a link to")) << out.line;
  EXPECT_EQ(replace([&] {
              fs::create_symlink("../" + outside.path().filename().string() + "/2.safetensors",
                                 shard);
            }).id,
            ErrorId::ST015);
  EXPECT_EQ(replace([&] { fs::create_symlink("/dev/zero", shard); }).id, ErrorId::ST015);
  EXPECT_EQ(replace([&] { ASSERT_EQ(mkfifo(shard.c_str(), 0600), 0); }).id, ErrorId::ST015);
  EXPECT_EQ(replace([&] { fs::create_directory(shard); }).id, ErrorId::ST015);
  // A dangling link is a missing file; one that stays inside is fine.
  EXPECT_EQ(replace([&] { fs::create_symlink("gone", shard); }).id, ErrorId::ST010);
  put_file(folder / "real", get_file(outside / "2.safetensors"));
  EXPECT_FALSE(replace([&] { fs::create_symlink("real", shard); }).id);
}

TEST_F(Sharded, AConfigMayNotLeadOutEither) {
  const TempFolder outside;
  put_file(outside / "config.json", "{}");
  fs::remove(folder / "config.json");
  fs::create_symlink(outside / "config.json", folder / "config.json");
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF005);
}

TEST_F(Sharded, NeedsAConfig) {
  fs::remove(folder / "config.json");
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF005);
  put_file(folder / "config.json", "[]");
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF005);
  put_file(folder / "config.json", "{\"a\":1,\"a\":2}");
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF002);
  for (const std::string& text : test::invalid_json_texts()) {
    put_file(folder / "config.json", text);
    EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF005) << escape_for_terminal(text);
  }
  put_file(folder / "config.json", std::string((16u << 20) + 1, ' '));
  EXPECT_EQ(folder_refusal(folder.path()).id, ErrorId::CF005);
}

TEST_F(Sharded, FindsTheTokenizerWhereThereIsOne) {
  EXPECT_FALSE(open(folder.path()).tokenizer_path());
  put_file(folder / "tokenizer.json", "{}");
  EXPECT_EQ(open(folder.path()).tokenizer_path(), folder / "tokenizer.json");
  fs::remove(folder / "tokenizer.json");
  fs::create_symlink("/etc/hostname", folder / "tokenizer.json");
  if (fs::exists("/etc/hostname")) {
    EXPECT_EQ(caught([&] { open(folder.path()).tokenizer_path(); }).id, ErrorId::ST015);
  }
}

// S13
TEST_F(Sharded, SeesAShardChangeWhileItIsMeasured) {
  const Checkpoint checkpoint = open(folder.path());
  EXPECT_FALSE(caught([&] { checkpoint.throw_if_changed(); }).id);
  // Replaced by rename: the held file is still the one that was checked.
  put_file(folder / "new", get_file(folder / "1.safetensors"));
  fs::rename(folder / "new", folder / "1.safetensors");
  EXPECT_FALSE(caught([&] { checkpoint.throw_if_changed(); }).id);
  // Rewritten in place, same size.
  const auto later = fs::last_write_time(folder / "2.safetensors") + std::chrono::seconds(1);
  {
    std::fstream file(folder / "2.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end).put('X');
  }
  fs::last_write_time(folder / "2.safetensors", later);
  const Caught error = caught([&] { checkpoint.throw_if_changed(); });
  EXPECT_EQ(error.id, ErrorId::IO020);
  EXPECT_TRUE(error.says("2.safetensors")) << error.line;
  // Grown or cut.
  const Checkpoint again = open(folder.path());
  fs::resize_file(folder / "2.safetensors", fs::file_size(folder / "2.safetensors") - 1);
  const Caught cut = caught([&] { again.throw_if_changed(); });
  EXPECT_EQ(cut.id, ErrorId::IO020);
  EXPECT_TRUE(cut.says("when opened")) << cut.line;
}

// R5
TEST_F(Sharded, AShardThatShrinksIsAnErrorNotZeros) {
  const Checkpoint checkpoint = open(folder.path());
  const TensorEntry& c = *checkpoint.find("c");
  fs::resize_file(folder / "2.safetensors", c.offset_bytes + 1);
  std::string out(4, '?');
  EXPECT_EQ(caught([&] { checkpoint.read(c, 0, std::as_writable_bytes(std::span(out))); }).id,
            ErrorId::IO002);
}

// S15
TEST(Checkpoint, HardLinksAndSparseFilesAreFiles) {
  const TempFolder folder;
  std::string bytes = build_safetensors({{"z", "F32", {1 << 20}, std::string(4 << 20, '\0')}});
  put_file(folder / "source", bytes.substr(0, bytes.size() - (4 << 20)));
  fs::resize_file(folder / "source", bytes.size());  // the zeros are a hole now
  fs::create_hard_link(folder / "source", folder / "model.safetensors");
  put_file(folder / "config.json", "{}");
  const Checkpoint checkpoint = open(folder.path());
  std::string out(4 << 20, '?');
  checkpoint.read(*checkpoint.find("z"), 0, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, std::string(4 << 20, '\0'));
}

TEST_F(Sharded, OneFileMayHaveTwoNames) {
  fs::create_hard_link(folder / "1.safetensors", folder / "3.safetensors");
  EXPECT_EQ(open(folder.path()).notes().size(), 1u);  // no part of this checkpoint
  fs::create_hard_link(folder / "2.safetensors", folder / "4.safetensors");
  index["weight_map"]["c"] = "4.safetensors";
  put_index();
  EXPECT_EQ(open(folder.path()).tensors().size(), 3u);
  // As two shards it holds every tensor twice.
  index["weight_map"]["c"] = "3.safetensors";
  put_index();
  const Caught error = folder_refusal(folder.path());
  EXPECT_TRUE(error.id == ErrorId::ST011 || error.id == ErrorId::ST012) << error.line;
}

// Bytes that this process has asked read() and pread() for so far.
uint64_t bytes_read_by_process() {
  std::ifstream io("/proc/self/io");
  std::string key;
  uint64_t value = 0;
  io >> key >> value;
  return key == "rchar:" ? value : 0;
}

// S6 and Q10: cut anywhere, a file is refused before its first weight byte.
TEST(Checkpoint, EveryTruncationIsFoundWithoutReadingWeights) {
  const TempFolder folder;
  TinyOlmoe tiny;
  tiny.vocabulary = 4096;  // so that weights outweigh the header
  tiny.width = 64;
  test::write_olmoe(folder.path(), tiny);
  const std::string whole = get_file(folder / "model.safetensors");
  const SafetensorsHeader header = read_safetensors_header(InputFile(folder / "model.safetensors"));
  const uint64_t data_start = whole.size() - header.data_bytes;
  ASSERT_GT(header.data_bytes, 10 * data_start);

  std::set<uint64_t> cuts = {0, 1, 7, 8, 9, data_start - 1, data_start, data_start + 1};
  for (const TensorEntry& tensor : header.tensors) {
    for (const uint64_t edge : {tensor.offset_bytes, tensor.offset_bytes + tensor.size_bytes}) {
      cuts.insert({edge - 1, edge, edge + 1});
    }
  }
  for (uint32_t i = 0; i < 200; ++i) {
    cuts.insert(draw_below(static_cast<uint32_t>(whole.size()), 1, Purpose::audit, {i, 0, 0}));
  }
  ASSERT_GT(bytes_read_by_process(), 0u);
  for (const uint64_t cut : cuts) {
    if (cut >= whole.size()) continue;
    put_file(folder / "model.safetensors", std::string_view(whole).substr(0, cut));
    const uint64_t before = bytes_read_by_process();
    const Caught error = folder_refusal(folder.path());
    const uint64_t read = bytes_read_by_process() - before;
    ASSERT_TRUE(error.id == ErrorId::ST001 || error.id == ErrorId::ST007) << cut << error.line;
    ASSERT_LT(read, data_start + 16384) << cut;
  }
}

TEST(Checkpoint, GeneratedFoldersOpenInEveryLayout) {
  for (const uint32_t shards : {1u, 2u, 5u}) {
    for (const auto layout : {test::ExpertLayout::apart, test::ExpertLayout::fused}) {
      const TempFolder folder;
      TinyOlmoe tiny;
      tiny.shards = shards;
      tiny.layout = layout;
      test::write_olmoe(folder.path(), tiny);
      const Checkpoint checkpoint = open(folder.path());
      EXPECT_EQ(checkpoint.tensors().size(), olmoe_tensors(tiny).size());
      EXPECT_EQ(checkpoint.shards().size(), shards);
      EXPECT_TRUE(checkpoint.notes().empty());
      for (const FileTensor& tensor : olmoe_tensors(tiny)) {
        const TensorEntry* entry = checkpoint.find(tensor.name);
        ASSERT_NE(entry, nullptr);
        std::string out(entry->size_bytes, '?');
        checkpoint.read(*entry, 0, std::as_writable_bytes(std::span(out)));
        ASSERT_EQ(out, tensor.bytes) << tensor.name;
      }
    }
  }
}

}  // namespace
}  // namespace rg::formats
