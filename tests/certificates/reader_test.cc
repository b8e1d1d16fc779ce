// Certificates as JSON: what is written is read again, and anything else refused by number.
#include <gtest/gtest.h>

#include "base/json.h"
#include "certificates/makers.h"
#include "certificates/members.h"
#include "questions.h"
#include "support/caught.h"

namespace rg::certificates {
namespace {

Json through_text(const Json& json) {
  return parse_json(write_json(json, JsonLayout::compact), JsonLimits{}, "file");
}

template <typename Read>
auto read_whole(const Json& json, const Read& read) {
  Members members(json, "file", "");
  members.text("certificate");
  members.integer("version", 1, 1);
  auto out = read(members);
  members.finish();
  return out;
}

TEST(CertificateReader, GivesBackWhatWasWritten) {
  for (const Layer& layer : {random_layer(8, 24, 6, 2, 1), serial_layer(7, 16, 6, 2, 1)}) {
    const Json exact = through_text(to_json(*make_exact(layer.question()).certificate));
    const ExactCertificate exact_again = read_whole(exact, read_exact);
    EXPECT_EQ(to_json(exact_again), exact);
    EXPECT_EQ(fault_of(layer.question(), exact_again), "");
    const Json enclosed = through_text(to_json(*make_enclosed(layer.question()).certificate));
    const EnclosedCertificate enclosed_again = read_whole(enclosed, read_enclosed);
    EXPECT_EQ(to_json(enclosed_again), enclosed);
    EXPECT_EQ(fault_of(layer.question(), enclosed_again), "");
    const std::vector<float> x0(layer.router_weights.begin(),
                                layer.router_weights.begin() + layer.width);
    const Json turned = through_text(to_json(*make_on_manifold(layer.question(), x0).certificate));
    const ManifoldCertificate turned_again = read_whole(turned, read_manifold);
    EXPECT_EQ(to_json(turned_again), turned);
    EXPECT_EQ(fault_of(layer.question(), turned_again), "");
  }
}

TEST(CertificateReader, RefusesByNumber) {
  const Json sound = to_json(*make_exact(serial_layer(7, 16, 6, 2, 1).question()).certificate);
  const auto refused = [&](const char* member, Json value) {
    Json changed = sound;
    changed[member] = std::move(value);
    return test::caught([&] { read_whole(changed, read_exact); });
  };
  EXPECT_EQ(refused("keys", "7").id, ErrorId::AR015);
  EXPECT_EQ(refused("keys", 7.0).id, ErrorId::AR015);
  EXPECT_EQ(refused("keys", 0).id, ErrorId::AR017);
  EXPECT_EQ(refused("keys", -1).id, ErrorId::AR017);
  EXPECT_EQ(refused("keys", UINT64_MAX).id, ErrorId::AR017);
  EXPECT_EQ(refused("set_gap", "1").id, ErrorId::AR015);
  EXPECT_EQ(refused("columns", {0, 16}).id, ErrorId::AR017);
  EXPECT_EQ(refused("columns", {1, 0}).id, ErrorId::AR017);
  EXPECT_EQ(refused("columns", {1, 1}).id, ErrorId::AR017);
  EXPECT_EQ(refused("columns", {0.5}).id, ErrorId::AR015);
  EXPECT_EQ(refused("columns", 3).id, ErrorId::AR015);
  EXPECT_EQ(refused("values", {1}).id, ErrorId::AR015);
  EXPECT_EQ(refused("first_position", 0).id, ErrorId::AR015);
  EXPECT_EQ(refused("first_position", {{"scale", 1 << 21}}).id, ErrorId::AR017);
  EXPECT_EQ(refused("first_position", {{"scale", 0}, {"more", 0}}).id, ErrorId::AR016);
  const test::Caught more = refused("more", 0);
  EXPECT_EQ(more.id, ErrorId::AR016);
  EXPECT_EQ(more.parts.object, "more");
  const Json turned = to_json(
      *make_on_manifold(serial_layer(7, 16, 6, 2, 1).question(), std::vector<float>(16, 0.5f))
           .certificate);
  for (const auto& [value, id] : {std::pair<Json, ErrorId>{{0.1}, ErrorId::AR017},
                                  {{1e39}, ErrorId::AR017},
                                  {{"1"}, ErrorId::AR015}}) {
    Json wide = turned;
    wide["x0"] = value;
    EXPECT_EQ(test::caught([&] { read_whole(wide, read_manifold); }).id, id);
  }
  Json less = sound;
  less.erase("set");
  EXPECT_EQ(test::caught([&] { read_whole(less, read_exact); }).id, ErrorId::AR018);
  EXPECT_EQ(test::caught([&] { read_whole(Json(3), read_exact); }).id, ErrorId::AR015);
}

}  // namespace
}  // namespace rg::certificates
