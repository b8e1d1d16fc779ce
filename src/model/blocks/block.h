// The contract between the engine and the blocks: a layer's weights in reading order, what its
// blocks cost, products prepared for a run, packing and running. All that the engine includes of
// this folder.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/blocks/experts.h"
#include "model/blocks/keys.h"
#include "model/blocks/mixer_call.h"
#include "model/blocks/norm.h"
#include "model/blocks/router.h"
#include "model/model.h"

namespace rg::model {

// f(weight) for each weight of the layer, in reading order: the mixer's part with both norms, the
// router, gates of shared experts and latent projections, the experts group by group.
void for_each_weight(const Layer& layer, const std::function<void(const Weight&)>& f);

// Floating-point operations of the mixer for one sequence, and of the rest of the layer for one
// token.
double mixer_flops(const Layer& layer, uint32_t width, uint32_t length);
double feed_forward_flops(const Layer& layer, uint32_t width);

// The weights of one layer's mixer, packed.
class PackedMixer {
 public:
  PackedMixer();
  ~PackedMixer();
  PackedMixer(PackedMixer&&) noexcept;
  PackedMixer& operator=(PackedMixer&&) noexcept;
  struct Impl;
  std::unique_ptr<Impl> impl;
};

// The products of a mixer, prepared for calls of certain shapes.
class MixerProducts {
 public:
  MixerProducts(const Mixer& mixer, const MixerSetting& setting);
  ~MixerProducts();

  bool serves(const Mixer& mixer) const;  // the same shape and rules, other weights
  size_t packed_bytes() const;            // of one layer's weights
  size_t staging_bytes() const;           // what pack() needs while it reads
  size_t scratch_bytes() const;           // what run() needs, for the largest call
  size_t product_scratch_bytes() const;   // of the products that run() calls
  // `memory`: packed_bytes(), 64-byte aligned, kept by the caller as long as the result is used.
  PackedMixer pack(const Mixer& mixer, WeightSource& source, std::byte* memory,
                   std::byte* staging) const;
  void run(const PackedMixer& weights, const MixerCall& call) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The products of one layer; layers of the same shape share them.
struct LayerProducts {
  const MixerProducts* mixer;
  const RouterProducts* router;  // null in a dense layer
  std::vector<const ExpertProducts*> groups;
};

// The products of all layers of a model.
class ModelProducts {
 public:
  // `shapes`: as in MixerSetting.
  ModelProducts(const Model& model, kernels::Compute compute, std::span<const CallShape> shapes);
  ModelProducts(ModelProducts&&) = default;

  const LayerProducts& of(int layer) const { return layers_[static_cast<size_t>(layer)]; }
  // The most that any layer needs.
  size_t staging_bytes() const;
  size_t mixer_scratch_bytes() const;
  size_t expert_scratch_bytes() const;
  size_t product_scratch_bytes() const;
  size_t latent_bytes() const;  // of a group's PackedLatent
  uint32_t experts() const;     // of a router

 private:
  std::vector<std::unique_ptr<MixerProducts>> mixers_;
  std::vector<std::unique_ptr<RouterProducts>> routers_;
  std::vector<std::unique_ptr<ExpertProducts>> experts_;
  std::vector<LayerProducts> layers_;
};

}  // namespace rg::model
