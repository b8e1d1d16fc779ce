// Matrix products by oneDNN, with weights packed once and one primitive per shape, created before
// the run; product_reference.h is the plain reference. Called inside a parallel region, a product
// runs on the calling thread. run() allocates nothing.
//
// An output row's bits depend on the shape of the call, never on threads. Within tile_heights()
// they depend neither on the number of rows nor on the row's position (measured with oneDNN 2.6.3
// on AVX2, AVX-512 and AMX, ADR 2; tests/kernels repeats the measurement for every class of
// shapes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace rg::kernels {

// Input type of large products; results are always fp32.
enum class Compute { f32, bf16 };
constexpr size_t compute_bytes(Compute compute) { return compute == Compute::bf16 ? 2 : 4; }

bool cpu_has_bf16();            // AVX512_BF16, unless limit_products_to_avx2 was called
void limit_products_to_avx2();  // RG_MAX_ISA=avx2; before the first product
std::string onednn_isa();       // oneDNN's effective level, "avx512_core_bf16"
std::string onednn_version();   // "2.6.3"

// Ascending numbers of rows for tiles whose rows come from anywhere, for products with at least
// `least_out` outputs each. Call it after limit_products_to_avx2.
std::vector<uint32_t> tile_heights(uint32_t least_out, Compute compute);
uint32_t tallest_tile(Compute compute);  // of any product

// Packed weights: (out,in) row-major as input; inside, the layout that the product chose.
class PackedWeights {
 public:
  PackedWeights();
  ~PackedWeights();
  PackedWeights(PackedWeights&&) noexcept;
  PackedWeights& operator=(PackedWeights&&) noexcept;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

// Per-worker scratch shared by all products of a run.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(Scratch&&) noexcept;
  void reserve(size_t bytes);  // so that run() allocates nothing
  // Throws the first failure of run(), which is noexcept and only records it: std::bad_alloc if
  // memory was short, else an internal error. Call it before using any result.
  void throw_if_failed() const;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

// The order of packed weights. `best` is what products use: oneDNN's own, but where that is the
// plain transpose (AVX2) the input's order, in which oneDNN's products are faster. The other two
// are for measuring.
enum class WeightLayout { best, onednn, as_given };

// C = A W^T: A (rows,in) in the compute type, C (rows,out) fp32, both dense.
class WeightProduct {
 public:
  WeightProduct(uint32_t rows, uint32_t in, uint32_t out, Compute compute,
                WeightLayout layout = WeightLayout::best);
  // For another number of rows, multiplying by weights that `like` packed.
  WeightProduct(uint32_t rows, const WeightProduct& like);
  ~WeightProduct();
  WeightProduct(WeightProduct&&) noexcept;
  WeightProduct& operator=(WeightProduct&&) noexcept;

  size_t packed_bytes() const;
  size_t scratch_bytes() const;
  // raw: (out,in) row-major, f32 for Compute::f32, bf16 for Compute::bf16; memory: packed_bytes,
  // 64-byte aligned, kept by the caller as long as the result is used.
  PackedWeights pack(const void* raw, void* memory) const;
  void run(const void* a, const PackedWeights& weights, float* c, Scratch& scratch) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Batches of C = A B^T (scores) or C = A B (values) over heads, both sides activations in the
// compute type; element [h][i][j] of a side is at h * head_stride + i * row_stride + j.
class HeadProduct {
 public:
  struct Side {
    int64_t head_stride, row_stride;
  };
  enum class Right { transposed, plain };
  // a (heads,rows,inner), b (one head shared by all: inner x columns or columns x inner),
  // c (heads,rows,columns) fp32.
  HeadProduct(uint32_t heads, uint32_t rows, uint32_t inner, uint32_t columns, Side a, Side b,
              Right right, Side c, Compute compute);
  ~HeadProduct();
  HeadProduct(HeadProduct&&) noexcept;
  HeadProduct& operator=(HeadProduct&&) noexcept;

  size_t scratch_bytes() const;
  void run(const void* a, const void* b, float* c, Scratch& scratch) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rg::kernels
