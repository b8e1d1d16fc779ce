#include "lab/cached_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/manifold_certificate.h"

namespace rg::lab {
namespace {

constexpr const char* kBytesTheorem = "KR-1";
constexpr double kBytesMarginRounding = 1e-4;  // on another instruction set, relative above 1
constexpr double kBytesPushes[] = {1e-4, 1e-3, 1e-2, 1e-1, 0.3};  // shares of |P g| |P x0|

std::string bytes_claim(const KeyQuestion& question, int32_t token) {
  return fmt::format(
      "At position 0 of layer {}, token {}'s own residual and another one have the same keys in "
      "bf16, byte for byte, and different sets of experts: no function of the keys that a bf16 "
      "cache holds gives the route there.",
      question.layer, token);
}

using Routes = std::array<FirstPositionRoute, 2>;

Routes routes_of(const FirstPositionLayer& layer, std::span<const float> x0,
                 std::span<const float> x) {
  return {layer.route(x0), layer.route(x)};
}

bool part(const Routes& routes) {
  return routes[0].keys == routes[1].keys && routes[0].set != routes[1].set &&
         std::isfinite(routes[0].margin) && std::isfinite(routes[1].margin);
}

Json sets_of(const Routes& routes) { return {routes[0].set, routes[1].set}; }

Json bytes_proof(const Turnable& residual, const std::vector<float>& x, const Routes& routes) {
  return {{"certificate", "identical_bytes"},
          {"version", kCertificateVersion},
          {"token", residual.token},
          {"x0", std::vector<float>(residual.x0.begin(), residual.x0.end())},
          {"x", x},
          {"sets", sets_of(routes)},
          {"margins", {double{routes[0].margin}, double{routes[1].margin}}}};
}

void require_routes(const Routes& routes, const Json& sets, const std::vector<double>& margins,
                    const certificates::Members& members) {
  const auto refuse = [&](const char* what, const std::string& found, const std::string& expected) {
    throw members.refusal(ErrorId::AR010, what, found, expected);
  };
  if (routes[0].keys != routes[1].keys) refuse("the proof", "other keys", "equal bf16 keys");
  if (!part(routes)) refuse("the proof", "equal sets", "different sets");
  if (sets != sets_of(routes)) {
    refuse("sets", certificates::shown(sets), certificates::shown(sets_of(routes)));
  }
  bool close = margins.size() == 2;
  for (size_t i = 0; close && i < 2; ++i) {
    const double own = double{routes[i].margin};
    close = std::abs(margins[i] - own) <= kBytesMarginRounding * std::max(1.0, std::abs(own));
  }
  if (!close) {
    refuse("margins", "others", fmt::format("{} and {}", routes[0].margin, routes[1].margin));
  }
}

}  // namespace

FoundBytes make_cached_keys(const Subject& subject, const KeyQuestion& question,
                            const FirstPositionLayer& layer,
                            const certificates::ManifoldMaker& maker,
                            const std::vector<Turnable>& residuals) {
  FoundBytes out;
  Json widest;
  int32_t token = 0;
  float margin = -1;
  for (const Turnable& residual : residuals) {
    const FirstPositionRoute own = layer.route(residual.x0);
    for (const std::vector<double>& turned : maker.turned(residual.x0, kBytesPushes)) {
      std::vector<float> x;
      for (const double value : turned) x.push_back(static_cast<float>(value));
      ++out.tried;
      const Routes routes = {own, layer.route(x)};
      if (!part(routes)) continue;
      ++out.parted;
      const float smaller = std::min(routes[0].margin, routes[1].margin);
      if (smaller <= margin) continue;
      margin = smaller;
      token = residual.token;
      widest = bytes_proof(residual, x, routes);
    }
  }
  if (out.parted == 0) return out;
  out.file = certificate_file(subject, question,
                              {.proof = std::move(widest),
                               .theorem = kBytesTheorem,
                               .claim = bytes_claim(question, token),
                               .tensors = layer.tensors()});
  return out;
}

void check_cached_keys(const Subject& subject, const Json& root, TokenResiduals& residuals,
                       const std::string& file) {
  certificates::Members members(root, file, "");
  const KeyQuestion question = check_certificate_head(subject, root, members);
  const StatedWords stated = read_words(members);
  const Json& tensors = members.need("tensors");
  require_turnable(question, members);
  const int32_t token = read_token(members, subject);
  const std::vector<float> x0 = members.floats("x0"), x = members.floats("x");
  const Json& sets = members.need("sets");
  const std::vector<double> margins = members.numbers("margins");
  members.finish();
  if (x.size() != subject.model().width) {
    throw members.refusal(ErrorId::AR017, "x", fmt::format("{} numbers", x.size()),
                          std::to_string(subject.model().width));
  }
  const FirstPositionLayer layer(subject, question.layer);
  require_tensors(tensors, layer.tensors(), members);
  require_words(stated, {.theorem = kBytesTheorem, .claim = bytes_claim(question, token)}, members);
  require_real(x0, residuals.of(token, question.layer), members);
  require_routes(routes_of(layer, x0, x), sets, margins, members);
}

}  // namespace rg::lab
