#include "model/blocks/block.h"

#include <algorithm>
#include <variant>

#include "model/blocks/attention.h"
#include "model/blocks/gated_delta.h"
#include "model/blocks/kimi_delta.h"
#include "model/blocks/latent_attention.h"
#include "model/blocks/mamba2.h"
#include "model/blocks/no_mixer.h"
#include "model/blocks/short_conv.h"

namespace rg::model {
namespace {

// One entry per alternative of Mixer, in the same order.
using AnyProducts =
    std::variant<AttentionProducts, LatentAttentionProducts, GatedDeltaProducts, ShortConvProducts,
                 Mamba2Products, KimiDeltaProducts, NoMixerProducts>;
template <typename Any>
struct PackedOf;
template <typename... Products>
struct PackedOf<std::variant<Products...>> {
  using Type = std::variant<typename Products::Packed...>;
};
using AnyPacked = PackedOf<AnyProducts>::Type;

AnyProducts prepare(const Attention& data, const MixerSetting& setting) {
  return AttentionProducts(data, setting);
}
AnyProducts prepare(const GatedDelta& data, const MixerSetting& setting) {
  return GatedDeltaProducts(data, setting);
}
AnyProducts prepare(const Mamba2& data, const MixerSetting& setting) {
  return Mamba2Products(data, setting);
}
AnyProducts prepare(const KimiDelta& data, const MixerSetting& setting) {
  return KimiDeltaProducts(data, setting);
}
AnyProducts prepare(const ShortConv& data, const MixerSetting& setting) {
  return ShortConvProducts(data, setting);
}
AnyProducts prepare(const NoMixer&, const MixerSetting& setting) {
  return NoMixerProducts(setting.width);
}
AnyProducts prepare(const LatentAttention& data, const MixerSetting& setting) {
  return LatentAttentionProducts(data, setting);
}

void visit_norm(const Norm& norm, const std::function<void(const Weight&)>& f) {
  if (norm.gain) f(norm.gain);
  if (norm.bias) f(norm.bias);
}

}  // namespace

void for_each_weight(const Layer& layer, const std::function<void(const Weight&)>& f) {
  visit_norm(layer.mixer_norm, f);
  std::visit([&](const auto& mixer) { for_each_weight(mixer, f); }, layer.mixer);
  if (layer.mixer_output_norm) visit_norm(*layer.mixer_output_norm, f);
  visit_norm(layer.feed_forward_norm, f);
  if (layer.router && layer.router->input_norm) visit_norm(*layer.router->input_norm, f);
  if (layer.router) for_each_weight(*layer.router, f);
  for (const ExpertGroup& group : layer.groups) {
    if (group.input_norm) visit_norm(*group.input_norm, f);
    if (group.output_norm) visit_norm(*group.output_norm, f);
    if (group.token_gate) f(group.token_gate);
    if (group.latent) for_each_weight(*group.latent, f);
  }
  if (layer.feed_forward_output_norm) visit_norm(*layer.feed_forward_output_norm, f);
  if (layer.output_scalar) f(layer.output_scalar);
  for (const ExpertGroup& group : layer.groups) {
    for (const Expert& expert : group.experts) for_each_weight(expert, f);
  }
}

double mixer_flops(const Layer& layer, uint32_t width, uint32_t length) {
  return std::visit([&](const auto& mixer) { return mixer_flops(mixer, width, length); },
                    layer.mixer);
}

double feed_forward_flops(const Layer& layer, uint32_t width) {
  double flops = layer.router ? 2.0 * width * layer.router->spec.experts : 0.0;
  for (const ExpertGroup& group : layer.groups) {
    const bool routed = group.role == ExpertRole::routed;
    const double experts = routed ? static_cast<double>(layer.router->spec.top_k)
                                  : static_cast<double>(group.experts.size());
    flops += experts * expert_flops(group.spec, width);
  }
  return flops;
}

struct PackedMixer::Impl {
  AnyPacked packed;
};
PackedMixer::PackedMixer() = default;
PackedMixer::~PackedMixer() = default;
PackedMixer::PackedMixer(PackedMixer&&) noexcept = default;
PackedMixer& PackedMixer::operator=(PackedMixer&&) noexcept = default;

struct MixerProducts::Impl {
  AnyProducts products;
};

MixerProducts::MixerProducts(const Mixer& mixer, const MixerSetting& setting)
    : impl_(std::make_unique<Impl>(
          Impl{std::visit([&](const auto& data) { return prepare(data, setting); }, mixer)})) {}
MixerProducts::~MixerProducts() = default;

bool MixerProducts::serves(const Mixer& mixer) const {
  return std::visit(
      [&](const auto& products) {
        using Data = typename std::decay_t<decltype(products)>::Data;
        const Data* data = std::get_if<Data>(&mixer);
        return data != nullptr && products.serves(*data);
      },
      impl_->products);
}

size_t MixerProducts::packed_bytes() const {
  return std::visit([](const auto& products) { return products.packed_bytes(); }, impl_->products);
}
size_t MixerProducts::staging_bytes() const {
  return std::visit([](const auto& products) { return products.staging_bytes(); }, impl_->products);
}
size_t MixerProducts::scratch_bytes() const {
  return std::visit([](const auto& products) { return products.scratch_bytes(); }, impl_->products);
}
size_t MixerProducts::product_scratch_bytes() const {
  return std::visit([](const auto& products) { return products.product_scratch_bytes(); },
                    impl_->products);
}

PackedMixer MixerProducts::pack(const Mixer& mixer, WeightSource& source, std::byte* memory,
                                std::byte* staging) const {
  PackedMixer packed;
  packed.impl = std::visit(
      [&](const auto& products) {
        using Data = typename std::decay_t<decltype(products)>::Data;
        return std::make_unique<PackedMixer::Impl>(
            PackedMixer::Impl{products.pack(std::get<Data>(mixer), source, memory, staging)});
      },
      impl_->products);
  return packed;
}

void MixerProducts::run(const PackedMixer& weights, const MixerCall& call) const noexcept {
  std::visit(
      [&](const auto& products) {
        using Packed = typename std::decay_t<decltype(products)>::Packed;
        products.run(std::get<Packed>(weights.impl->packed), call);
      },
      impl_->products);
}

ModelProducts::ModelProducts(const Model& model, kernels::Compute compute,
                             std::span<const CallShape> shapes) {
  // The products that serve, made if there are none yet.
  const auto find = [](auto& known, const auto& serves, const auto& make) {
    const auto at = std::find_if(known.begin(), known.end(),
                                 [&](const auto& products) { return serves(*products); });
    return at != known.end() ? at->get() : known.emplace_back(make()).get();
  };
  const MixerSetting setting = {.width = model.width, .compute = compute, .shapes = shapes};
  for (const Layer& layer : model.layers) {
    LayerProducts products = {};
    products.mixer = find(
        mixers_, [&](const MixerProducts& one) { return one.serves(layer.mixer); },
        [&] { return std::make_unique<MixerProducts>(layer.mixer, setting); });
    if (layer.router) {
      const uint32_t experts = layer.router->spec.experts;
      products.router = find(
          routers_, [&](const RouterProducts& one) { return one.experts() == experts; },
          [&] { return std::make_unique<RouterProducts>(experts, model.width, setting.rows()); });
    }
    for (const ExpertGroup& group : layer.groups) {
      products.groups.push_back(find(
          experts_, [&](const ExpertProducts& one) { return one.spec() == group.spec; },
          [&] { return std::make_unique<ExpertProducts>(group.spec, model.width, compute); }));
    }
    layers_.push_back(std::move(products));
  }
}

namespace {

template <typename List, typename F>
size_t most(const List& list, F bytes) {
  size_t result = 0;
  for (const auto& one : list) result = std::max(result, bytes(*one));
  return result;
}

}  // namespace

size_t ModelProducts::staging_bytes() const {
  return std::max({most(mixers_, [](const auto& one) { return one.staging_bytes(); }),
                   most(routers_, [](const auto& one) { return one.staging_bytes(); }),
                   most(experts_, [](const auto& one) { return one.staging_bytes(); })});
}
size_t ModelProducts::mixer_scratch_bytes() const {
  return most(mixers_, [](const auto& one) { return one.scratch_bytes(); });
}
size_t ModelProducts::expert_scratch_bytes() const {
  return most(experts_, [](const auto& one) { return one.scratch_bytes(); });
}
size_t ModelProducts::product_scratch_bytes() const {
  return std::max({most(mixers_, [](const auto& one) { return one.product_scratch_bytes(); }),
                   most(routers_, [](const auto& one) { return one.product_scratch_bytes(); }),
                   most(experts_, [](const auto& one) { return one.product_scratch_bytes(); })});
}
size_t ModelProducts::latent_bytes() const {
  return most(experts_, [](const auto& one) { return one.latent_bytes(); });
}
uint32_t ModelProducts::experts() const {
  uint32_t result = 0;
  for (const auto& router : routers_) result = std::max(result, router->experts());
  return result;
}

}  // namespace rg::model
