#include "lab/layer_matrices.h"

#include "base/error.h"
#include "model/blocks/block.h"
#include "stream/tensor_reader.h"

namespace rg::lab {

// Reads whole tensors, each by a reader of its own, so that every one of them has a digest.
class LayerMatrices::Reader : public model::WeightSource {
 public:
  Reader(const formats::Checkpoint& checkpoint, Json& tensors)
      : checkpoint_(checkpoint), tensors_(tensors) {}

  void set_role(const char* role) { role_ = role; }

  Matrix matrix(const char* role, const model::Weight& weight) {
    set_role(role);
    Matrix out{.values = std::vector<float>(weight.elements()),
               .rows = weight.rows,
               .columns = weight.columns};
    read(weight, kernels::Compute::f32, reinterpret_cast<std::byte*>(out.values.data()), nullptr);
    return out;
  }

  std::vector<float> gains(const char* role, const model::Norm& norm, float multiplier) {
    if (norm.spec.kind == model::NormKind::none) return {};
    set_role(role);
    const model::NormWeights weights(norm, *this, multiplier);
    return {weights.gain().begin(), weights.gain().end()};
  }

  void read(const model::Weight& weight, kernels::Compute compute, std::byte* out,
            float* exact) override {
    stream::TensorReader reader(checkpoint_, stream::NonFinite::stop);
    const formats::TensorEntry& tensor = *weight.values;
    const uint64_t bytes = dtype_bytes(tensor.dtype);
    const auto pass_over = [&](uint64_t from, uint64_t to) {
      if (from == to) return;
      reader.read(tensor, from, (to - from) / bytes, [](const std::byte*, uint64_t, uint64_t) {});
    };
    pass_over(0, weight.first_byte);
    reader.read(weight, compute, out, exact);
    pass_over(weight.first_byte + weight.value_bytes(), tensor.size_bytes);
    for (const stream::TensorDigest& digest : reader.digests()) add(digest);
  }

 private:
  void add(const stream::TensorDigest& digest) {
    const formats::TensorEntry& tensor = *digest.tensor;
    tensors_.push_back({{"role", role_},
                        {"name", tensor.name},
                        {"dtype", std::string(dtype_name(tensor.dtype))},
                        {"shape", tensor.shape},
                        {"shard", checkpoint_.shards()[tensor.shard].path().filename().string()},
                        {"sha256", digest.sha256}});
  }

  const formats::Checkpoint& checkpoint_;
  Json& tensors_;
  std::string role_;
};

LayerMatrices::LayerMatrices(const Subject& subject, const KeyQuestion& question)
    : top_k_(subject.model().layer(question.layer).router->spec.top_k.value),
      epsilon_(subject.model().layer(question.layer).mixer_norm.spec.epsilon),
      values_seen_(question.values_seen && question.no_pair.empty()) {
  check_internal(question.facts.has_value(), "a covered layer");
  const model::Layer& layer = subject.model().layer(question.layer);
  const model::Router& router = *layer.router;
  Reader reader(subject.checkpoint(), tensors_);
  const auto* attention = std::get_if<model::Attention>(&layer.mixer);
  keys_ = reader.matrix("keys", attention != nullptr
                                    ? attention->k
                                    : std::get<model::LatentAttention>(layer.mixer).kv_down);
  key_gains_ = reader.gains("key_norm", layer.mixer_norm, 1);
  router_ = reader.matrix("router", router.matrix);
  router_gains_ = reader.gains("router_norm", router_norm(layer),
                               router.input_norm ? router.input_multiplier : 1.0f);
  if (!values_seen_) return;
  heads_ = attention->spec.heads;
  kv_heads_ = attention->spec.kv_heads;
  values_ = reader.matrix("values", attention->v);
  output_ = reader.matrix("output", attention->o);
  if (const float factor = attention_factor(layer); factor != 1) {
    output_gains_.assign(output_.columns, factor);
  }
}

certificates::Question LayerMatrices::question() const {
  certificates::Question out{.keys = keys_.with(key_gains_),
                             .router = router_.with(router_gains_),
                             .top_k = top_k_,
                             .attention = {}};
  if (values_seen_) {
    out.attention = certificates::FirstPosition{.values = values_.with(key_gains_),
                                                .output = output_.with(output_gains_),
                                                .heads = heads_,
                                                .kv_heads = kv_heads_,
                                                .epsilon = epsilon_};
  }
  return out;
}

}  // namespace rg::lab
