#include "stream/slice_reader.h"

#include <algorithm>

#include "base/parallel.h"

namespace rg::stream {
namespace {

// Of one matrix of a routed expert.
size_t matrix_values(const model::Model& model) {
  const model::MlpSpec& spec = model.routed().spec;
  return size_t{spec.input_width(model.width)} * spec.inner_width;
}

bool shows_projections(const SlicePlan& plan) {
  return std::any_of(plan.observers.begin(), plan.observers.end(), [](const auto* observer) {
    return observer->needs().keys && observer->needs().key_projection;
  });
}

// Passes weights on, and keeps one of them in fp32.
class KeepsOne : public model::WeightSource {
 public:
  KeepsOne(model::WeightSource& from, const model::Weight* kept, Buffer<float>& values)
      : from_(from), kept_(kept), values_(values) {
    if (kept != nullptr) values = Buffer<float>(kept->elements());
  }
  void read(const model::Weight& weight, kernels::Compute compute, std::byte* out,
            float* exact) override {
    from_.read(weight, compute, out, &weight == kept_ ? values_.data() : exact);
  }

 private:
  model::WeightSource& from_;
  const model::Weight* kept_;
  Buffer<float>& values_;
};

bool wanted(const SlicePlan& plan, int layer, uint32_t expert) {
  return std::any_of(plan.observers.begin(), plan.observers.end(),
                     [&](const auto* observer) { return wants_expert(*observer, layer, expert); });
}

}  // namespace

bool wants_expert(const tap::Observer& observer, int layer, uint32_t expert) {
  const auto experts = observer.wanted_experts(layer);
  return std::binary_search(experts.begin(), experts.end(), static_cast<int32_t>(expert));
}

uint32_t expert_slices(const model::Layer& layer, uint32_t experts_per_slice) {
  uint32_t slices = 0;
  for (const model::ExpertGroup& group : layer.groups) {
    const auto experts = static_cast<uint32_t>(group.experts.size());
    slices += (experts + experts_per_slice - 1) / experts_per_slice;
  }
  return slices;
}

SliceReader::SliceReader(TensorReader& tensors, OtherGates& other_gates, const model::Model& model,
                         const model::ModelProducts& products, SlicePlan plan)
    : tensors_(tensors),
      other_gates_(other_gates),
      model_(model),
      products_(products),
      plan_(std::move(plan)),
      ring_(plan_.slots) {
  const size_t bytes = slot_bytes(model, products, plan_.experts_per_slice);
  const size_t shown = shown_bytes(model, plan_);
  for (size_t i = 0; i < plan_.slots; ++i) {
    slots_.emplace_back(bytes);
    shown_.emplace_back(shown / sizeof(float));
  }
  staging_ = Buffer<std::byte>(products.staging_bytes());
  thread_ = std::thread([this] { loop(); });
}

size_t SliceReader::slot_bytes(const model::Model& model, const model::ModelProducts& products,
                               uint32_t experts_per_slice) {
  size_t bytes = 0;
  for (size_t l = 0; l < model.layers.size(); ++l) {
    const model::LayerProducts& layer = products.of(static_cast<int>(l));
    bytes = std::max(bytes, layer.mixer->packed_bytes());
    for (size_t g = 0; g < layer.groups.size(); ++g) {
      const size_t experts = model.layers[l].groups[g].experts.size();
      bytes = std::max(
          bytes, std::min<size_t>(experts_per_slice, experts) * layer.groups[g]->packed_bytes());
    }
  }
  return bytes;
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
      if (!read_layer(layer)) return;
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

bool SliceReader::read_layer(int layer) {
  std::byte* memory = free_slot();
  if (memory == nullptr) return false;
  publish(read_mixer(layer, memory));
  const auto& groups = model_.layer(layer).groups;
  for (uint32_t g = 0; g < groups.size(); ++g) {
    for (uint32_t first = 0; first < groups[g].experts.size(); first += plan_.experts_per_slice) {
      if ((memory = free_slot()) == nullptr) return false;
      publish(read_experts(layer, g, first, memory));
    }
  }
  return true;
}

Slice SliceReader::read_mixer(int index, std::byte* memory) {
  const model::Layer& layer = model_.layer(index);
  const model::LayerProducts& products = products_.of(index);
  MixerSlice slice;
  slice.layer = index;
  const auto norm_of = [&](const model::Norm& norm) {
    return norm.spec.kind == model::NormKind::none ? model::NormWeights::none(model_.width)
                                                   : model::NormWeights(norm, tensors_);
  };
  slice.mixer_norm = norm_of(layer.mixer_norm);
  KeepsOne source(tensors_, shows_projections(plan_) ? model::key_projection(layer.mixer) : nullptr,
                  slice.key_projection);
  slice.mixer = products.mixer->pack(layer.mixer, source, memory, staging_.data());
  const auto optional_norm = [&](const std::optional<model::Norm>& norm, float multiplier) {
    return norm ? std::optional(model::NormWeights(*norm, tensors_, multiplier)) : std::nullopt;
  };
  slice.mixer_output_norm = optional_norm(layer.mixer_output_norm, 1);
  slice.feed_forward_norm = norm_of(layer.feed_forward_norm);
  if (layer.router) {
    slice.router_norm = optional_norm(layer.router->input_norm, layer.router->input_multiplier);
    slice.router =
        products.router->pack(*layer.router, slice.gate_norm().gain(), tensors_, staging_.data());
    slice.other_gates =
        other_gates_.pack(index, *products.router, slice.gate_norm().gain(), staging_.data());
  }
  for (size_t g = 0; g < layer.groups.size(); ++g) {
    const model::ExpertGroup& group = layer.groups[g];
    MixerSlice::Group read;
    read.input_norm = optional_norm(group.input_norm, 1);
    read.output_norm = optional_norm(group.output_norm, 1);
    read.token_gate = model::read_values(tensors_, group.token_gate);
    if (group.latent) {
      read.latent = products.groups[g]->pack(*group.latent, tensors_, staging_.data());
    }
    slice.groups.push_back(std::move(read));
  }
  slice.feed_forward_output_norm = optional_norm(layer.feed_forward_output_norm, 1);
  if (layer.output_scalar) {
    slice.output_scalar = model::read_values(tensors_, layer.output_scalar)[0];
  }
  return slice;
}

Slice SliceReader::read_experts(int index, uint32_t group_index, uint32_t first,
                                std::byte* memory) {
  const model::ExpertGroup& group = model_.layer(index).groups[group_index];
  const model::ExpertProducts& products = *products_.of(index).groups[group_index];
  const auto end = static_cast<uint32_t>(
      std::min<size_t>(group.experts.size(), size_t{first} + plan_.experts_per_slice));
  ExpertSlice slice{
      .layer = index, .group = group_index, .first_expert = first, .experts = {}, .shown = {}};
  const size_t matrix = matrix_values(model_);
  float* shown = shown_[produced_ % plan_.slots].data();
  for (uint32_t e = first; e < end; ++e) {
    const bool seen = group.role == model::ExpertRole::routed && wanted(plan_, index, e);
    slice.experts.push_back(
        products.pack(group.experts[e], tensors_, memory, staging_.data(), seen ? shown : nullptr));
    memory += products.packed_bytes();
    if (!seen) continue;
    slice.shown.push_back({.expert = static_cast<int32_t>(e),
                           .width = group.spec.input_width(model_.width),
                           .inner_width = group.spec.inner_width,
                           .gate = group.spec.has_gate() ? shown : nullptr,
                           .up = shown + matrix,
                           .down = shown + 2 * matrix});
    shown += 3 * matrix;
  }
  return slice;
}

size_t SliceReader::projection_bytes(const model::Model& model, const SlicePlan& plan) {
  if (!shows_projections(plan)) return 0;
  size_t most = 0;
  for (const int layer : plan.layers) {
    const model::Weight* weight = model::key_projection(model.layer(layer).mixer);
    if (weight != nullptr) most = std::max<size_t>(most, weight->elements());
  }
  return most * sizeof(float);
}

size_t SliceReader::shown_bytes(const model::Model& model, const SlicePlan& plan) {
  size_t most = 0;
  for (const int layer : plan.layers) {
    for (const model::ExpertGroup& group : model.layer(layer).groups) {
      if (group.role != model::ExpertRole::routed) continue;
      for (uint32_t first = 0; first < group.experts.size(); first += plan.experts_per_slice) {
        size_t shown = 0;
        const size_t end = std::min<size_t>(group.experts.size(), first + plan.experts_per_slice);
        for (uint32_t e = first; e < end; ++e) shown += wanted(plan, layer, e);
        most = std::max(most, shown);
      }
    }
  }
  return most * 3 * matrix_values(model) * sizeof(float);
}

}  // namespace rg::stream
