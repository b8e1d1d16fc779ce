#include "tensor/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace rg {
namespace {

TEST(Buffer, IsAlignedAndSized) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{1000}}) {
    Buffer<float> buffer(count);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, 0u);
    EXPECT_EQ(buffer.size(), count);
    EXPECT_EQ(buffer.bytes(), count * 4);
    EXPECT_EQ(buffer.span().size(), count);
    for (size_t i = 0; i < count; ++i) buffer[i] = static_cast<float>(i);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(std::as_const(buffer)[i], static_cast<float>(i));
  }
}

TEST(Buffer, MovesWithoutCopying) {
  Buffer<int> first(10);
  first[3] = 7;
  const int* data = first.data();
  const Buffer<int> second = std::move(first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second[3], 7);
  EXPECT_EQ(Buffer<int>().size(), 0u);
}

#ifndef RG_SANITIZED  // which ends the process instead
TEST(Buffer, ThrowsWhereThereIsNoMemory) {
  volatile size_t half = SIZE_MAX / 4;  // unknown to the compiler
  EXPECT_THROW(Buffer<char>{half}, std::bad_alloc);
}
#endif

}  // namespace
}  // namespace rg
