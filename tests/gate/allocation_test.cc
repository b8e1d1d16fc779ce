// The inner loop must not allocate: every operator new of this program is counted.
#include <cstdlib>
#include <new>

#include "support.h"

namespace {
thread_local size_t allocations = 0;
}

void* operator new(size_t bytes) {
  ++allocations;
  if (void* pointer = std::malloc(bytes == 0 ? 1 : bytes)) return pointer;
  throw std::bad_alloc();
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, size_t) noexcept { std::free(pointer); }

namespace rg::gate {
namespace {

TEST(GateAllocation, DecidingAllocatesNothing) {
  const size_t before_vector = allocations;
  std::vector<float> logits(kMaxExperts), bias(kMaxExperts), scores(kMaxExperts), weights(8);
  EXPECT_GT(allocations, before_vector) << "the counter must count";
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i * 37 % 101) * 0.05f;
  std::vector<int32_t> ranked(9), top(8);
  const GateSpec grouped = deepseek_v3_gate(kMaxExperts, 8), plain = olmoe_gate(kMaxExperts, 8);
  DecisionView view{scores, ranked, weights, 0, 0, 0, 0};
  const size_t before = allocations;
  for (int i = 0; i < 100; ++i) {
    decide(grouped, logits, bias, view);
    decide(plain, logits, {}, view);
    select(grouped, logits, bias, top);
    logits[static_cast<size_t>(i)] = i % 2 == 0 ? NAN : INFINITY;
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace rg::gate
