// The JSON form of certificates: members named as in the structs.
#include "base/json.h"
#include "certificates/certificate.h"

namespace rg::certificates {
namespace {

Json head(const char* level, const Shape& shape) {
  return {{"certificate", level},     {"version", 1},
          {"keys", shape.keys},       {"width", shape.width},
          {"experts", shape.experts}, {"top_k", shape.top_k}};
}

Json place_json(const std::optional<AtFirstPosition>& place) {
  return place ? Json{{"scale", place->scale}} : Json();
}

Json rows_json(const IndependentRows& rows) {
  return {{"exponents", rows.exponents}, {"inverse", rows.inverse}, {"defect", rows.defect}};
}

}  // namespace

Json to_json(const ExactCertificate& certificate) {
  Json out = head("exact", certificate.shape);
  out["first_position"] = place_json(certificate.first_position);
  out["columns"] = certificate.columns;
  out["values"] = certificate.values;
  out["set"] = certificate.set;
  out["opposite_set"] = certificate.opposite_set;
  out["set_gap"] = certificate.set_gap;
  out["opposite_gap"] = certificate.opposite_gap;
  return out;
}

Json to_json(const EnclosedCertificate& certificate) {
  Json out = head("enclosed", certificate.shape);
  out["first_position"] = place_json(certificate.first_position);
  out["rows"] = rows_json(certificate.rows);
  out["z"] = certificate.z;
  out["distance"] = certificate.distance;
  out["set"] = certificate.set;
  out["opposite_set"] = certificate.opposite_set;
  out["slack"] = certificate.slack;
  out["opposite_slack"] = certificate.opposite_slack;
  return out;
}

Json to_json(const ManifoldCertificate& certificate) {
  Json out = head("on_manifold", certificate.shape);
  out["rows"] = rows_json(certificate.rows);
  out["x0"] = certificate.x0;
  out["x"] = certificate.x;
  out["direction"] = certificate.direction;
  out["distance"] = certificate.distance;
  out["set"] = certificate.set;
  out["other_set"] = certificate.other_set;
  out["slack"] = certificate.slack;
  out["other_slack"] = certificate.other_slack;
  out["leaves"] = certificate.leaves;
  out["enters"] = certificate.enters;
  out["rotation"] = certificate.rotation;
  out["relative_change"] = certificate.relative_change;
  out["relative_radius"] = certificate.relative_radius;
  out["visibility"] = certificate.visibility;
  out["determined_share"] = certificate.determined_share;
  return out;
}

}  // namespace rg::certificates
