#include "stream/weight_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"

namespace rg::stream {
namespace {

size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

void convert(DType dtype, const std::byte* bytes, uint64_t elements, Compute compute,
             std::byte* out, float* wide) {
  if (compute == Compute::f32) {
    convert_to_f32(dtype, bytes, elements, reinterpret_cast<float*>(out));
  } else if (dtype == DType::bf16) {
    std::memcpy(out, bytes, elements * sizeof(bf16_t));
  } else {
    convert_to_f32(dtype, bytes, elements, wide);
    kernels::round_to_bf16(wide, elements, reinterpret_cast<bf16_t*>(out));
  }
}

TensorReader::TensorReader(const formats::Checkpoint& checkpoint, NonFinite nonfinite)
    : checkpoint_(checkpoint),
      nonfinite_(nonfinite),
      chunk_(kChunkBytes),
      wide_(kMaxChunkElements) {}

void TensorReader::count_nonfinite(const formats::TensorEntry& tensor,
                                   std::span<const std::byte> bytes, Progressing& state) const {
  const uint64_t element_bytes = dtype_bytes(tensor.dtype);
  const uint64_t elements = bytes.size() / element_bytes;
  for (uint64_t at = 0; at < elements; ++at) {
    const auto bad =
        kernels::find_nonfinite(tensor.dtype, bytes.data() + at * element_bytes, elements - at);
    if (!bad) return;
    at += *bad;
    if (state.nonfinite++ == 0) state.first_nonfinite = state.next_byte / element_bytes + at;
  }
}

// Counts to the tensor's end, then throws.
void TensorReader::refuse(const formats::TensorEntry& tensor, Progressing& state) {
  while (state.next_byte < tensor.size_bytes) {
    throw_if_stopped();
    const auto bytes =
        chunk_.span().first(std::min<uint64_t>(tensor.size_bytes - state.next_byte, kChunkBytes));
    checkpoint_.read(tensor, state.next_byte, bytes);
    count_nonfinite(tensor, bytes, state);
    state.next_byte += bytes.size();
  }
  throw Error(ErrorId::ST030,
              {.file = checkpoint_.shards()[tensor.shard].path().filename().string(),
               .object = tensor.name,
               .found = fmt::format("{} NaN or infinite values, the first at element {}",
                                    state.nonfinite, state.first_nonfinite),
               .expected = "finite weights",
               .hint = "Fetch the shard again; --nonfinite=record measures on and says so in "
                       "the artifacts."});
}

void TensorReader::read(const formats::TensorEntry& tensor, uint64_t offset_bytes, uint64_t count,
                        const Chunk& chunk) {
  Progressing& state = state_[tensor.name];
  check_internal(state.next_byte == offset_bytes && !state.hex, "a tensor is read once, in order");
  const uint64_t element_bytes = dtype_bytes(tensor.dtype);
  for (uint64_t done = 0; done < count;) {
    throw_if_stopped();
    const uint64_t elements = std::min(count - done, kChunkBytes / element_bytes);
    const auto bytes = chunk_.span().first(elements * element_bytes);
    checkpoint_.read(tensor, state.next_byte, bytes);
    state.digest.update(bytes);
    count_nonfinite(tensor, bytes, state);
    state.next_byte += bytes.size();
    if (state.nonfinite != 0 && nonfinite_ == NonFinite::stop) refuse(tensor, state);
    chunk(bytes.data(), done, elements);
    done += elements;
  }
  if (state.next_byte == tensor.size_bytes) state.hex = state.digest.hex();
}

void TensorReader::read_as(Compute compute, const formats::TensorEntry& tensor,
                           uint64_t offset_bytes, uint64_t count, std::byte* out, float* exact) {
  read(tensor, offset_bytes, count, [&](const std::byte* bytes, uint64_t first, uint64_t elements) {
    convert(tensor.dtype, bytes, elements, compute, out + first * compute_bytes(compute),
            wide_.data());
    if (exact != nullptr) convert_to_f32(tensor.dtype, bytes, elements, exact + first);
  });
}

std::vector<TensorDigest> TensorReader::digests() const {
  std::vector<TensorDigest> out;
  for (const auto& [name, state] : state_) {
    if (state.hex) out.push_back({checkpoint_.find(name), *state.hex});
  }
  return out;
}

std::vector<TensorReader::Damage> TensorReader::damage() const {
  std::vector<Damage> out;
  for (const auto& [name, state] : state_) {
    if (state.nonfinite == 0) continue;
    out.push_back({checkpoint_.find(name), state.first_nonfinite, state.nonfinite});
  }
  return out;
}

SliceReader::SliceReader(TensorReader& tensors, const model::Model& model, Compute compute,
                         const model::AttentionShape& attention, const model::ExpertShape& experts,
                         SlicePlan plan)
    : tensors_(tensors),
      model_(model),
      compute_(compute),
      attention_(attention),
      experts_(experts),
      plan_(std::move(plan)),
      ring_(plan_.slots) {
  const size_t bytes = slot_bytes(model, attention, experts, plan_.experts_per_slice);
  slots_.reserve(plan_.slots);
  for (size_t i = 0; i < plan_.slots; ++i) slots_.emplace_back(bytes);
  staging_ = Buffer<std::byte>(staging_bytes(model, compute));
  shown_ = Buffer<float>(shown_bytes(model, plan_.layers, plan_.observers) / sizeof(float));
  thread_ = std::thread([this] { loop(); });
}

size_t SliceReader::slot_bytes(const model::Model& model, const model::AttentionShape& attention,
                               const model::ExpertShape& experts, uint32_t experts_per_slice) {
  const uint32_t count = std::min<uint32_t>(experts_per_slice, model.gate.experts);
  const size_t expert =
      padded(experts.gate_up().packed_bytes()) + padded(experts.down().packed_bytes());
  return std::max(
      padded(attention.qkv().packed_bytes()) + padded(attention.output().packed_bytes()),
      count * expert);
}

size_t SliceReader::staging_bytes(const model::Model& model, Compute compute) {
  const model::AttentionSpec& spec = model.attention;
  const size_t rows = std::max<size_t>(size_t{spec.heads + 2 * spec.kv_heads} * spec.head_width,
                                       2 * size_t{model.expert_width});
  return std::max(rows * model.width * compute_bytes(compute),
                  size_t{model.gate.experts} * model.width * sizeof(float));
}

SliceReader::~SliceReader() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Slice& SliceReader::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return produced_ > taken_ || failure_; });
  if (produced_ == taken_) std::rethrow_exception(failure_);
  return *ring_[taken_++ % plan_.slots];
}

void SliceReader::release() {
  {
    const std::scoped_lock lock(mutex_);
    ring_[released_++ % plan_.slots].reset();
  }
  changed_.notify_all();
}

void SliceReader::wait_until_full() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [&] { return finished_ || failure_ || produced_ - released_ == plan_.slots; });
}

std::byte* SliceReader::free_slot() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || produced_ - released_ < plan_.slots; });
  return stopping_ ? nullptr : slots_[produced_ % plan_.slots].data();
}

void SliceReader::publish(Slice slice) {
  {
    const std::scoped_lock lock(mutex_);
    ring_[produced_++ % plan_.slots] = std::move(slice);
  }
  changed_.notify_all();
}

void SliceReader::loop() {
  keep_products_on_this_thread();
  try {
    for (const int layer : plan_.layers) {
      std::byte* memory = free_slot();
      if (memory == nullptr) return;
      publish(read_attention(layer, memory));
      for (uint32_t first = 0; first < model_.gate.experts; first += plan_.experts_per_slice) {
        if ((memory = free_slot()) == nullptr) return;
        const uint32_t count =
            std::min<uint32_t>(plan_.experts_per_slice, model_.gate.experts - first);
        publish(read_experts(layer, first, count, memory));
      }
    }
  } catch (...) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::current_exception();
  }
  {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
}

Buffer<float> read_vector(TensorReader& tensors, model::Tensor tensor) {
  if (tensor == nullptr) return {};
  Buffer<float> out(tensor->elements());
  tensors.read_as(Compute::f32, *tensor, 0, tensor->elements(),
                  reinterpret_cast<std::byte*>(out.data()));
  return out;
}

Slice SliceReader::read_attention(int layer, std::byte* memory) {
  const model::LayerTensors& names = model_.layer_tensors[static_cast<size_t>(layer)];
  AttentionSlice slice{.layer = layer, .weights = {}};
  model::AttentionWeights& weights = slice.weights;
  weights.attention_gain = read_vector(tensors_, names.attention_norm);
  std::byte* at = staging_.data();
  for (const model::Tensor part : {names.q, names.k, names.v}) {
    tensors_.read_as(compute_, *part, 0, part->elements(), at);
    at += part->elements() * compute_bytes(compute_);
  }
  weights.qkv = attention_.qkv().pack(staging_.data(), memory);
  memory += padded(attention_.qkv().packed_bytes());
  weights.q_gain = read_vector(tensors_, names.q_norm);
  weights.k_gain = read_vector(tensors_, names.k_norm);
  tensors_.read_as(compute_, *names.o, 0, names.o->elements(), staging_.data());
  weights.output = attention_.output().pack(staging_.data(), memory);
  weights.mlp_gain = read_vector(tensors_, names.mlp_norm);

  weights.router_plain = read_vector(tensors_, names.router);
  const size_t router_bytes = padded(attention_.router().packed_bytes());
  weights.router_memory = Buffer<std::byte>(2 * router_bytes);
  weights.router =
      attention_.router().pack(weights.router_plain.data(), weights.router_memory.data());
  auto* gained = reinterpret_cast<float*>(staging_.data());
  for (size_t i = 0; i < weights.router_plain.size(); ++i) {
    gained[i] = weights.router_plain[i] * weights.mlp_gain[i % model_.width];
  }
  weights.router_gained =
      attention_.router().pack(gained, weights.router_memory.data() + router_bytes);
  return slice;
}

bool SliceReader::wanted(int layer, uint32_t expert) const {
  return std::any_of(plan_.observers.begin(), plan_.observers.end(), [&](const auto* observer) {
    const auto experts = observer->wanted_experts(layer);
    return std::binary_search(experts.begin(), experts.end(), static_cast<int32_t>(expert));
  });
}

void SliceReader::show(int layer, uint32_t expert) const {
  const size_t matrix = size_t{model_.width} * model_.expert_width;
  const tap::ExpertMatrices matrices{.expert = static_cast<int32_t>(expert),
                                     .width = model_.width,
                                     .expert_width = model_.expert_width,
                                     .gate = shown_.data(),
                                     .up = shown_.data() + matrix,
                                     .down = shown_.data() + 2 * matrix};
  for (tap::Observer* observer : plan_.observers) {
    const auto experts = observer->wanted_experts(layer);
    if (std::binary_search(experts.begin(), experts.end(), matrices.expert)) {
      observer->on_expert(layer, matrices);
    }
  }
}

size_t SliceReader::shown_bytes(const model::Model& model, std::span<const int> layers,
                                std::span<tap::Observer* const> observers) {
  for (const int layer : layers) {
    for (const tap::Observer* observer : observers) {
      if (observer->wanted_experts(layer).empty()) continue;
      return 3 * size_t{model.width} * model.expert_width * sizeof(float);
    }
  }
  return 0;
}

Slice SliceReader::read_experts(int layer, uint32_t first, uint32_t count, std::byte* memory) {
  const model::LayerTensors& names = model_.layer_tensors[static_cast<size_t>(layer)];
  ExpertSlice slice{.layer = layer, .first_expert = first, .experts = {}};
  const size_t matrix = size_t{model_.width} * model_.expert_width;
  for (uint32_t e = first; e < first + count; ++e) {
    const bool seen = wanted(layer, e);
    // `nth` matrix of the expert: to `out` for the product, and in fp32 for observers that want it.
    const auto read_matrix = [&](const model::TensorSlice& part, size_t nth, std::byte* out) {
      tensors_.read_as(compute_, *part.tensor, part.offset_bytes, part.elements(), out,
                       seen ? shown_.data() + nth * matrix : nullptr);
    };
    const model::ExpertTensors& expert = names.experts[e];
    model::ExpertWeights weights;
    read_matrix(expert.gate, 0, staging_.data());
    read_matrix(expert.up, 1, staging_.data() + expert.gate.elements() * compute_bytes(compute_));
    weights.gate_up = experts_.gate_up().pack(staging_.data(), memory);
    memory += padded(experts_.gate_up().packed_bytes());
    read_matrix(expert.down, 2, staging_.data());
    weights.down = experts_.down().pack(staging_.data(), memory);
    memory += padded(experts_.down().packed_bytes());
    if (seen) show(layer, e);
    slice.experts.push_back(std::move(weights));
  }
  return slice;
}

}  // namespace rg::stream
