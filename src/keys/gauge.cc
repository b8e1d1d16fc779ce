#include "keys/gauge.h"

#include "base/error.h"

namespace rg::keys {

std::string_view name_of(GaugeKind kind) {
  switch (kind) {
    case GaugeKind::identity:
      return "identity";
    case GaugeKind::hadamard:
      return "hadamard";
    case GaugeKind::signed_hadamard:
      return "signed_hadamard";
    case GaugeKind::rotation:
      return "rotation";
    case GaugeKind::principal:
      return "principal";
    case GaugeKind::principal_covariance:
      return "principal_covariance";
    case GaugeKind::principal_hadamard:
      return "principal_hadamard";
    case GaugeKind::itq_cosine:
      return "itq_cosine";
    case GaugeKind::itq_pooled:
      return "itq_pooled";
    case GaugeKind::itq_per_key:
      return "itq_per_key";
    case GaugeKind::givens:
      return "givens";
    case GaugeKind::torus:
      return "torus";
    case GaugeKind::plane_scaling:
      return "plane_scaling";
    case GaugeKind::foldable:
      return "foldable";
    case GaugeKind::blocks:
      return "blocks";
  }
  check_internal(false, "a kind of gauge");
  return "";
}

bool is_learned(GaugeKind kind) {
  switch (kind) {
    case GaugeKind::itq_cosine:
    case GaugeKind::itq_pooled:
    case GaugeKind::itq_per_key:
    case GaugeKind::givens:
    case GaugeKind::torus:
    case GaugeKind::foldable:
    case GaugeKind::blocks:
      return true;
    default:
      return false;
  }
}

std::string_view name_of(Cost cost) {
  switch (cost) {
    case Cost::free:
      return "free";
    case Cost::online_log:
      return "online_log";
    case Cost::online_square:
      return "online_square";
    default:
      return "codec";
  }
}

Cost cost_of(GaugeKind kind, const Placement& placement) {
  switch (kind) {
    case GaugeKind::identity:
    case GaugeKind::plane_scaling:  // diagonal: gains take it in
      return Cost::free;
    case GaugeKind::torus:
      return placement.gains_differ ? Cost::online_log : Cost::free;
    case GaugeKind::foldable:
      return placement.gains_differ ? Cost::online_square : Cost::free;
    default:
      break;
  }
  if (placement.rope && placement.before_rope) return Cost::codec;
  if (!placement.rope && !placement.gains_differ) return Cost::free;
  const bool fast = kind == GaugeKind::hadamard || kind == GaugeKind::signed_hadamard;
  return fast ? Cost::online_log : Cost::online_square;
}

}  // namespace rg::keys
