#include "stream/other_gates.h"

#include <fmt/format.h>

#include "base/error.h"

namespace rg::stream {
namespace {

[[noreturn]] void refuse(const OtherModel& other, const std::string& found,
                         const std::string& expected) {
  throw Error(
      ErrorId::RT008,
      {.object = other.name,
       .found = found,
       .expected = expected + ", as the model whose gate inputs it is evaluated on",
       .hint = "Two checkpoints can be compared decision by decision only where their gates "
               "choose by the same rule; versions of one model do."});
}

}  // namespace

void require_same_gates(const model::Model& model, const OtherModel& other) {
  if (other.model->width != model.width) {
    refuse(other, fmt::format("hidden size {}", other.model->width),
           fmt::format("{}", model.width));
  }
  if (other.model->layers.size() != model.layers.size()) {
    refuse(other, fmt::format("{} layers", other.model->layers.size()),
           fmt::format("{}", model.layers.size()));
  }
  for (size_t l = 0; l < model.layers.size(); ++l) {
    const auto &own = model.layers[l].router, &theirs = other.model->layers[l].router;
    const auto has_gate = [](const auto& router) { return router ? "a gate" : "no gate"; };
    if (own.has_value() != theirs.has_value()) {
      refuse(other, fmt::format("{} in layer {}", has_gate(theirs), l), has_gate(own));
    }
    if (!own) continue;
    const std::vector<gate::FieldFact> ours = gate::facts(own->spec);
    const std::vector<gate::FieldFact> facts = gate::facts(theirs->spec);
    for (size_t i = 0; i < ours.size(); ++i) {
      if (facts[i].value == ours[i].value) continue;
      refuse(other, fmt::format("{} {} in layer {}", facts[i].field, facts[i].value, l),
             ours[i].value);
    }
  }
}

OtherGates::OtherGates(std::span<const OtherModel> models) : models_(models) {
  for (const OtherModel& other : models) {
    readers_.push_back(std::make_unique<TensorReader>(*other.checkpoint, NonFinite::stop));
  }
}

std::vector<model::RouterProducts::Packed> OtherGates::pack(int layer,
                                                            const model::RouterProducts& products,
                                                            std::span<const float> gain,
                                                            std::byte* staging) {
  std::vector<model::RouterProducts::Packed> packed;
  for (size_t i = 0; i < models_.size(); ++i) {
    packed.push_back(
        products.pack(*models_[i].model->layer(layer).router, gain, *readers_[i], staging));
  }
  return packed;
}

void OtherGates::throw_if_changed() const {
  for (const OtherModel& other : models_) other.checkpoint->throw_if_changed();
}

std::vector<std::vector<TensorDigest>> OtherGates::digests() const {
  std::vector<std::vector<TensorDigest>> all;
  for (const auto& reader : readers_) all.push_back(reader->digests());
  return all;
}

}  // namespace rg::stream
