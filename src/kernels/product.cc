#include "kernels/product.h"

#include <fmt/format.h>
#include <omp.h>
#include <sys/mman.h>

#include <new>
#include <oneapi/dnnl/dnnl.hpp>

#include "base/error.h"

namespace rg::kernels {
namespace {

using dnnl::memory;

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

memory::data_type type_of(Compute compute) {
  return compute == Compute::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

// Lets oneDNN see one processor while it creates a product. oneDNN decides at creation how to split
// the work, and with AVX2 a row's bits depend on the split. OpenMP doesn't count a team of one as
// parallel, so a split for two threads would be used there and nowhere else.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// If oneDNN 2.6 can't map memory for generated code, it writes through a null pointer. So check
// first that such memory, with a wide margin, can be mapped.
void require_room_for_code() {
  constexpr size_t kCodeBytes = 32u << 20;
  void* const room =
      ::mmap(nullptr, kCodeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) throw std::bad_alloc();
  ::munmap(room, kCodeBytes);
}

dnnl::matmul::primitive_desc describe(const memory::desc& a, const memory::desc& b,
                                      const memory::desc& c) {
  const OneThread alone;
  return {dnnl::matmul::desc(a, b, c), user_scratchpad(), engine()};
}

dnnl::matmul make(const dnnl::matmul::primitive_desc& description) {
  const OneThread alone;
  require_room_for_code();
  return dnnl::matmul(description);
}

bool capped_at_avx2 = false;

}  // namespace

bool cpu_has_bf16() {
  if (capped_at_avx2) return false;
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return isa == dnnl::cpu_isa::avx512_core_bf16 || isa == dnnl::cpu_isa::avx512_core_amx;
}

void limit_products_to_avx2() {
  check_internal(dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2) == dnnl::status::success,
                 "the ISA limit is set before the first product");
  capped_at_avx2 = true;
}

namespace {

bool has_avx512() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core:
    case dnnl::cpu_isa::avx512_core_vnni:
    case dnnl::cpu_isa::avx512_core_bf16:
    case dnnl::cpu_isa::avx512_core_amx:
      return true;
    default:
      return false;
  }
}

bool has_amx() { return dnnl::get_effective_cpu_isa() == dnnl::cpu_isa::avx512_core_amx; }

std::vector<uint32_t> multiples_of_32(uint32_t first, uint32_t last) {
  std::vector<uint32_t> heights;
  for (uint32_t rows = first; rows <= last; rows += 32) heights.push_back(rows);
  return heights;
}

}  // namespace

uint32_t tallest_tile(Compute compute) {
  if (compute == Compute::bf16 && has_amx()) return 128;
  return has_avx512() ? 192 : 768;
}

std::vector<uint32_t> tile_heights(uint32_t least_out, Compute compute) {
  // With AMX a row's bits depend on the number of rows for most shapes: one height for all.
  if (compute == Compute::bf16 && has_amx()) return {tallest_tile(compute)};
  if (has_avx512()) return multiples_of_32(32, tallest_tile(compute));
  // Without AVX-512 oneDNN 2.6 has two kernels for fp32, whose sums differ in order: a slow one
  // where 1/rows + 1/out >= 0.0038, and one that is twice as fast. In the slow one a row's bits
  // depend on its position for most numbers of rows, but not for 384.
  constexpr uint32_t kLeast = 384;
  if (1.0 / kLeast + 1.0 / least_out >= 0.0038) return {kLeast};
  return multiples_of_32(kLeast, tallest_tile(compute));
}

std::string onednn_isa() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return "sse41";
    case dnnl::cpu_isa::avx:
      return "avx";
    case dnnl::cpu_isa::avx2:
      return "avx2";
    case dnnl::cpu_isa::avx2_vnni:
      return "avx2_vnni";
    case dnnl::cpu_isa::avx512_core:
      return "avx512_core";
    case dnnl::cpu_isa::avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl::cpu_isa::avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl::cpu_isa::avx512_core_amx:
      return "avx512_core_amx";
    default:
      return "generic";
  }
}

std::string onednn_version() {
  const dnnl::version_t* version = dnnl::version();
  return fmt::format("{}.{}.{}", version->major, version->minor, version->patch);
}

struct PackedWeights::Impl {
  memory packed;
};
PackedWeights::PackedWeights() = default;
PackedWeights::~PackedWeights() = default;
PackedWeights::PackedWeights(PackedWeights&&) noexcept = default;
PackedWeights& PackedWeights::operator=(PackedWeights&&) noexcept = default;

// One stream and the scratchpad memory of one worker.
struct Scratch::Impl {
  dnnl::stream stream{engine()};
  Buffer<std::byte> bytes;
  dnnl_status_t failure = dnnl_success;  // the first one
};
Scratch::Scratch() : impl(std::make_unique<Impl>()) {}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&&) noexcept = default;

void Scratch::reserve(size_t bytes) {
  if (impl->bytes.size() < bytes) impl->bytes = Buffer<std::byte>(bytes);
}

void Scratch::throw_if_failed() const {
  if (impl->failure == dnnl_out_of_memory) throw std::bad_alloc();
  check_internal(impl->failure == dnnl_success, "oneDNN computes every product");
}

namespace {

// oneDNN's C++ execute() takes a hash map; its C form takes an array and allocates nothing. The
// memory objects around the caller's pointers are small and made per call.
class Argument {
 public:
  Argument(const memory::desc& desc, const void* data)
      : status_(dnnl_memory_create(&memory_, &desc.data, engine().get(), const_cast<void*>(data))) {
  }
  ~Argument() {
    if (memory_ != nullptr) dnnl_memory_destroy(memory_);
  }
  Argument(const Argument&) = delete;
  Argument& operator=(const Argument&) = delete;
  dnnl_memory_t get() const { return memory_; }
  dnnl_status_t status() const { return status_; }

 private:
  dnnl_memory_t memory_ = nullptr;
  dnnl_status_t status_;
};

void execute(const dnnl::matmul& primitive, const dnnl::matmul::primitive_desc& description,
             const Argument& a, dnnl_memory_t b, const Argument& c, Scratch::Impl& scratch) {
  const memory::desc pad = description.scratchpad_desc();
  const Argument scratchpad(pad, scratch.bytes.data());
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, a.get()},
                                       {DNNL_ARG_WEIGHTS, b},
                                       {DNNL_ARG_DST, c.get()},
                                       {DNNL_ARG_SCRATCHPAD, scratchpad.get()}};
  dnnl_status_t status = dnnl_success;
  for (const Argument* argument : {&a, &c, &scratchpad}) {
    if (status == dnnl_success) status = argument->status();
  }
  if (status == dnnl_success) {
    status = dnnl_primitive_execute(primitive.get(), scratch.stream.get(), 4, arguments);
  }
  if (scratch.failure == dnnl_success) scratch.failure = status;
}

}  // namespace

struct WeightProduct::Impl {
  memory::desc raw, a, c;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;

  Impl(memory::dim rows, memory::dim in, memory::dim out, memory::data_type type,
       const memory::desc& weights)
      : raw({in, out}, type, memory::format_tag::ba),
        a({rows, in}, type, memory::format_tag::ab),
        c({rows, out}, memory::data_type::f32, memory::format_tag::ab),
        description(describe(a, weights, c)),
        primitive(make(description)) {}

  // Whether oneDNN chose no layout of its own, only the plain (in,out).
  bool packs_nothing() const {
    return description.weights_desc() ==
           memory::desc(raw.dims(), raw.data_type(), memory::format_tag::ab);
  }
};

WeightProduct::WeightProduct(uint32_t rows, uint32_t in, uint32_t out, Compute compute,
                             WeightLayout layout) {
  const auto in_order = [&](memory::format_tag order) {
    return std::make_unique<Impl>(rows, in, out, type_of(compute),
                                  memory::desc({in, out}, type_of(compute), order));
  };
  if (layout != WeightLayout::as_given) impl_ = in_order(memory::format_tag::any);
  const bool replace = layout == WeightLayout::best && impl_->packs_nothing();
  if (layout == WeightLayout::as_given || replace) impl_ = in_order(memory::format_tag::ba);
}

WeightProduct::WeightProduct(uint32_t rows, const WeightProduct& like) {
  const memory::desc weights = like.impl_->description.weights_desc();
  const memory::dims shape = weights.dims();
  impl_ = std::make_unique<Impl>(rows, shape[0], shape[1], weights.data_type(), weights);
}
WeightProduct::~WeightProduct() = default;
WeightProduct::WeightProduct(WeightProduct&&) noexcept = default;
WeightProduct& WeightProduct::operator=(WeightProduct&&) noexcept = default;

size_t WeightProduct::packed_bytes() const { return impl_->description.weights_desc().get_size(); }
size_t WeightProduct::scratch_bytes() const {
  return impl_->description.scratchpad_desc().get_size();
}

PackedWeights WeightProduct::pack(const void* raw, void* memory_) const {
  memory source(impl_->raw, engine(), const_cast<void*>(raw));
  PackedWeights weights;
  weights.impl = std::make_unique<PackedWeights::Impl>(
      PackedWeights::Impl{memory(impl_->description.weights_desc(), engine(), memory_)});
  dnnl::stream stream(engine());
  require_room_for_code();
  dnnl::reorder(source, weights.impl->packed).execute(stream, source, weights.impl->packed);
  stream.wait();
  return weights;
}

void WeightProduct::run(const void* a, const PackedWeights& weights, float* c,
                        Scratch& scratch) const noexcept {
  const Argument source(impl_->a, a);
  const Argument target(impl_->c, c);
  execute(impl_->primitive, impl_->description, source, weights.impl->packed.get(), target,
          *scratch.impl);
}

struct HeadProduct::Impl {
  memory::desc a, b, c;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

HeadProduct::HeadProduct(uint32_t heads, uint32_t rows, uint32_t inner, uint32_t columns, Side a,
                         Side b, Right right, Side c, Compute compute)
    : impl_(std::make_unique<Impl>()) {
  const auto type = type_of(compute);
  impl_->a = memory::desc({heads, rows, inner}, type, memory::dims{a.head_stride, a.row_stride, 1});
  const bool transposed = right == Right::transposed;
  impl_->b = memory::desc({1, inner, columns}, type,
                          transposed ? memory::dims{b.head_stride, 1, b.row_stride}
                                     : memory::dims{b.head_stride, b.row_stride, 1});
  impl_->c = memory::desc({heads, rows, columns}, memory::data_type::f32,
                          memory::dims{c.head_stride, c.row_stride, 1});
  impl_->description = describe(impl_->a, impl_->b, impl_->c);
  impl_->primitive = make(impl_->description);
}
HeadProduct::~HeadProduct() = default;
HeadProduct::HeadProduct(HeadProduct&&) noexcept = default;
HeadProduct& HeadProduct::operator=(HeadProduct&&) noexcept = default;

size_t HeadProduct::scratch_bytes() const {
  return impl_->description.scratchpad_desc().get_size();
}

void HeadProduct::run(const void* a, const void* b, float* c, Scratch& scratch) const noexcept {
  const Argument left(impl_->a, a);
  const Argument right(impl_->b, b);
  const Argument target(impl_->c, c);
  if (right.status() != dnnl_success) {
    scratch.impl->failure = right.status();
    return;
  }
  execute(impl_->primitive, impl_->description, left, right.get(), target, *scratch.impl);
}

}  // namespace rg::kernels
