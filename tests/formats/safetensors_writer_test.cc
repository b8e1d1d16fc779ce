#include "formats/safetensors_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "support/refused_calls.h"

namespace rg::formats {
namespace {

namespace fs = std::filesystem;

class SafetensorsWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / ("rg-writer-" + std::to_string(::getpid()) + "-" +
                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  const std::vector<OutputTensor> tensors_ = {{"tokens", OutputTensor::Type::i32, {2, 3}},
                                              {"logits", OutputTensor::Type::f32, {6, 500}},
                                              {"nothing", OutputTensor::Type::f32, {0, 7}}};
  fs::path folder_;
};

TEST_F(SafetensorsWriterTest, TwoByteIntegersTakeTwoBytes) {
  const fs::path path = folder_ / "log.safetensors";
  SafetensorsWriter writer(
      path, {{"a", OutputTensor::Type::i32, {1}}, {"ids", OutputTensor::Type::i16, {2, 2}}}, {});
  const std::vector<int16_t> ids = {1, -1, 300, 4};
  writer.write(0, 0, std::span<const int32_t>(std::vector<int32_t>{7}));
  writer.write(1, 0, std::span<const int16_t>(ids).first(2));
  writer.write(1, 2, std::span<const int16_t>(ids).subspan(2));
  writer.commit();
  const std::string file = read_whole_file(path, 1u << 20);
  EXPECT_NE(file.find("\"I16\""), std::string::npos);
  std::vector<int16_t> read(4);
  std::memcpy(read.data(), file.data() + file.size() - 8, 8);
  EXPECT_EQ(read, ids);
}

TEST_F(SafetensorsWriterTest, WritesWhatTheFormatSays) {
  const fs::path path = folder_ / "trace.safetensors";
  std::vector<float> logits(3000);
  std::iota(logits.begin(), logits.end(), 0.5f);
  SafetensorsWriter writer(path, tensors_, {{"model", "m"}});
  EXPECT_FALSE(fs::exists(path));
  {
    // Rows in any order, from several threads.
    std::vector<std::jthread> threads;
    for (uint64_t row = 6; row-- > 0;) {
      threads.emplace_back([&, row] {
        writer.write(1, row * 500, std::span<const float>(logits).subspan(row * 500, 500));
      });
    }
  }
  const std::vector<int32_t> tokens = {1, 2, 3, -4, 5, 6};
  writer.write(0, 0, std::span<const int32_t>(tokens));
  writer.commit();

  const std::string file = read_whole_file(path, 1u << 20);
  ASSERT_EQ(file.size(), writer.file_bytes());
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  EXPECT_EQ((8 + length) % 8, 0u);
  const Json header = parse_json(file.substr(8, length), JsonLimits{}, "header");
  EXPECT_EQ(header["__metadata__"]["model"], "m");
  EXPECT_EQ(header["tokens"],
            (Json{{"dtype", "I32"}, {"shape", {2, 3}}, {"data_offsets", {0, 24}}}));
  EXPECT_EQ(header["logits"],
            (Json{{"dtype", "F32"}, {"shape", {6, 500}}, {"data_offsets", {24, 12024}}}));
  EXPECT_EQ(header["nothing"]["data_offsets"], (Json{12024, 12024}));
  EXPECT_EQ(std::memcmp(file.data() + 8 + length, tokens.data(), 24), 0);
  EXPECT_EQ(std::memcmp(file.data() + 8 + length + 24, logits.data(), 12000), 0);
}

TEST_F(SafetensorsWriterTest, LeavesNothingWithoutCommit) {
  { SafetensorsWriter writer(folder_ / "trace.safetensors", tensors_, {}); }
  EXPECT_EQ(files(), 0u);
}

TEST_F(SafetensorsWriterTest, ValuesOutsideATensorAreOurBug) {
  SafetensorsWriter writer(folder_ / "trace.safetensors", tensors_, {});
  const std::vector<float> row(500);
  const std::vector<int32_t> ids(1);
  EXPECT_THROW(writer.write(1, 2501, std::span<const float>(row)), Error);
  EXPECT_THROW(writer.write(0, 0, std::span<const float>(row).first(1)), Error);
  EXPECT_THROW(writer.write(1, 0, std::span<const int32_t>(ids)), Error);
  EXPECT_THROW(writer.write(3, 0, std::span<const float>(row)), Error);
}

TEST_F(SafetensorsWriterTest, AFolderThatIsNotThere) {
  try {
    SafetensorsWriter writer(folder_ / "absent" / "trace.safetensors", tensors_, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::IO003);
  }
}

// Where process ids repeat, as in containers, a writer meets what its killed forerunner left.
TEST_F(SafetensorsWriterTest, WhatAKilledWriterLeftIsNotInTheWay) {
  const fs::path path = folder_ / "trace.safetensors";
  std::ofstream(folder_ / (".trace.safetensors." + std::to_string(::getpid()) + ".tmp")) << "left";
  const int code = test::in_child([&]() -> int {
    SafetensorsWriter writer(path, tensors_, {});
    std::_Exit(0);
  });
  ASSERT_EQ(code, 0);
  EXPECT_EQ(files(), 2u);
  SafetensorsWriter writer(path, tensors_, {});
  writer.commit();
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(files(), 3u);
}

TEST_F(SafetensorsWriterTest, NamesMayFillAll255Bytes) {
  const fs::path path = folder_ / std::string(255, 't');
  SafetensorsWriter writer(path, tensors_, {});
  writer.commit();
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace rg::formats
