// Matrix products behind one interface: oneDNN, with weights packed once and primitives made
// beforehand, one per shape; a plain reference stands beside it (product_reference.h). A product
// runs on the calling thread when called inside a parallel region. Nothing is allocated in run().
//
// An output row's bits depend on the shape of the call, never on threads; with tiles of exactly
// kTileRows rows they don't depend on the row's place either (measured with oneDNN 2.6.3 on
// AVX-512 and AVX2; tests/kernels repeats the measurement for every shape class).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tensor/buffer.h"
#include "tensor/dtype.h"

namespace rg::kernels {

inline constexpr uint32_t kTileRows = 192;

// What large products are computed in; results are fp32 always.
enum class Compute { f32, bf16 };
constexpr size_t compute_bytes(Compute compute) { return compute == Compute::bf16 ? 2 : 4; }

bool cpu_has_bf16();            // AVX512_BF16 or AMX, and not capped by limit_products_to_avx2
void limit_products_to_avx2();  // RG_MAX_ISA=avx2; before the first product
std::string onednn_isa();       // oneDNN's effective level, "avx512_core_bf16"
std::string onednn_version();   // "2.6.3"

// Weights as they will be multiplied: (out,in) row-major in, oneDNN's own layout inside.
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
  void reserve(size_t bytes);  // beforehand, so that run() allocates nothing
  // run() is noexcept: a product that could not be computed is remembered here. std::bad_alloc if
  // memory was short, else an internal error. Call it before any result is used outside.
  void throw_if_failed() const;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

// C = A W^T: A (rows,in) in the compute type, C (rows,out) fp32, both dense.
class WeightProduct {
 public:
  WeightProduct(uint32_t rows, uint32_t in, uint32_t out, Compute compute);
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
// compute type; element [h][i][j] of a side stands at h * head_stride + i * row_stride + j.
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
