// The JSON form of certificates: members named as in the structs.
#include "base/json.h"
#include "certificates/certificate.h"
#include "certificates/members.h"

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

// Indices of products of sizes stay within an int64, those of fp64 columns within an int.
constexpr int64_t kMostSize = 1 << 20;
constexpr int64_t kMostExponent = 1 << 20;

Shape read_shape(Members& members) {
  const auto size = [&](const char* name, int64_t least) {
    return static_cast<uint32_t>(members.integer(name, least, kMostSize));
  };
  return {.keys = size("keys", 1),
          .width = size("width", 1),
          .experts = size("experts", 2),
          .top_k = size("top_k", 1)};
}

std::optional<AtFirstPosition> read_place(Members& members) {
  if (members.need("first_position").is_null()) return std::nullopt;
  Members place = members.object("first_position");
  const auto scale = static_cast<int>(place.integer("scale", -kMostExponent, kMostExponent));
  place.finish();
  return AtFirstPosition{scale};
}

IndependentRows read_rows(Members& members) {
  Members rows = members.object("rows");
  IndependentRows out{.exponents = {}, .inverse = rows.numbers("inverse"), .defect = 0};
  for (const int64_t exponent : rows.integers("exponents", -kMostExponent, kMostExponent)) {
    out.exponents.push_back(static_cast<int>(exponent));
  }
  out.defect = rows.number("defect");
  rows.finish();
  return out;
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
  out["first_position"] = place_json(certificate.first_position);
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

ExactCertificate read_exact(Members& members) {
  ExactCertificate out{.shape = read_shape(members),
                       .first_position = read_place(members),
                       .columns = {},
                       .values = members.texts("values"),
                       .set = {},
                       .opposite_set = {},
                       .set_gap = members.number("set_gap"),
                       .opposite_gap = members.number("opposite_gap")};
  out.columns = members.counts("columns", out.shape.width);
  out.set = members.counts("set", out.shape.experts);
  out.opposite_set = members.counts("opposite_set", out.shape.experts);
  return out;
}

EnclosedCertificate read_enclosed(Members& members) {
  EnclosedCertificate out{.shape = read_shape(members),
                          .first_position = read_place(members),
                          .rows = read_rows(members),
                          .z = members.numbers("z"),
                          .distance = members.number("distance"),
                          .set = {},
                          .opposite_set = {},
                          .slack = members.number("slack"),
                          .opposite_slack = members.number("opposite_slack")};
  out.set = members.counts("set", out.shape.experts);
  out.opposite_set = members.counts("opposite_set", out.shape.experts);
  return out;
}

ManifoldCertificate read_manifold(Members& members) {
  ManifoldCertificate out{.shape = read_shape(members),
                          .first_position = read_place(members),
                          .rows = read_rows(members),
                          .x0 = members.floats("x0"),
                          .x = members.numbers("x"),
                          .direction = members.numbers("direction"),
                          .distance = members.number("distance"),
                          .set = {},
                          .other_set = {},
                          .slack = members.number("slack"),
                          .other_slack = members.number("other_slack"),
                          .leaves = 0,
                          .enters = 0,
                          .rotation = members.number("rotation"),
                          .relative_change = members.number("relative_change"),
                          .relative_radius = members.number("relative_radius"),
                          .visibility = members.number("visibility"),
                          .determined_share = members.number("determined_share")};
  out.set = members.counts("set", out.shape.experts);
  out.other_set = members.counts("other_set", out.shape.experts);
  const int64_t last = int64_t{out.shape.experts} - 1;
  out.leaves = static_cast<uint32_t>(members.integer("leaves", 0, last));
  out.enters = static_cast<uint32_t>(members.integer("enters", 0, last));
  return out;
}

}  // namespace rg::certificates
