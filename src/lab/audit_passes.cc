#include "lab/audit_passes.h"

#include "base/error.h"

namespace rg::lab {

const char* compute_name(stream::Compute compute) {
  return compute == stream::Compute::bf16 ? "bf16" : "f32";
}

std::optional<std::string> other_compute_of(stream::Compute own) {
  const std::string other = own == stream::Compute::bf16 ? "f32" : "bf16";
  try {
    stream::choose_compute(other);
  } catch (const Error& error) {
    if (error.id() != ErrorId::RT003) throw;
    return std::nullopt;
  }
  return other;
}

stream::Intervention imposing(const experiments::RouteTable& routes, const std::string& of) {
  stream::Intervention intervention{"the routes of " + of, {}, {}};
  for (const int layer : routes.layers()) {
    intervention.layers[layer].imposed_ids = routes.of_layer(layer);
  }
  return intervention;
}

}  // namespace rg::lab
