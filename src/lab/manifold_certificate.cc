#include "lab/manifold_certificate.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "certificates/plausibility.h"

namespace rg::lab {
namespace {

constexpr const char* kManifoldTheorem = "KR-10";
constexpr double kResidualRounding = 1e-4;
constexpr int64_t kLargestSample = int64_t{1} << 32;

std::string manifold_claim(const KeyQuestion& question, int32_t token) {
  return fmt::format(
      "At position 0 of layer {}, a residual with the keys and the norm of token {}'s own has "
      "another set of experts: no function of a token's own keys gives its route there.",
      question.layer, token);
}

// A statement on a sample that the file doesn't hold: only its form is checked.
void read_plausibility(certificates::Members& members) {
  certificates::Members stated = members.object("plausibility");
  const double size = stated.number("size"), share = stated.number("outside_share");
  stated.integer("sample", 2, kLargestSample);
  stated.finish();
  const auto within = [&](const char* name, double value, double most) {
    if (value >= 0 && value <= most) return;
    throw stated.refusal(ErrorId::AR017, name, fmt::format("{}", value),
                         fmt::format("0 to {}", most));
  };
  within("size", size, std::numeric_limits<double>::max());
  within("outside_share", share, 1);
}

}  // namespace

Json manifold_file(const Subject& subject, const KeyQuestion& question,
                   const LayerMatrices& matrices, int32_t token,
                   const certificates::ManifoldCertificate& certificate,
                   std::span<const float> sample) {
  std::vector<double> change;
  for (size_t i = 0; i < certificate.x.size(); ++i) {
    change.push_back(certificate.x[i] - double{certificate.x0[i]});
  }
  const certificates::Plausibility found = certificates::plausibility(sample, change);
  Json proof = certificates::to_json(certificate);
  proof["token"] = token;
  proof["plausibility"] = {{"size", found.size},
                           {"outside_share", found.outside_share},
                           {"sample", sample.size() / change.size()}};
  return certificate_file(subject, question,
                          {.proof = std::move(proof),
                           .theorem = kManifoldTheorem,
                           .claim = manifold_claim(question, token),
                           .tensors = matrices.tensors()});
}

int32_t read_token(certificates::Members& members, const Subject& subject) {
  const auto last = int64_t{subject.model().vocabulary} - 1;
  return static_cast<int32_t>(members.integer("token", 0, last));
}

void require_turnable(const KeyQuestion& question, const certificates::Members& members) {
  if (question.no_turn.empty()) return;
  throw members.refusal(ErrorId::AR010, "layer", std::to_string(question.layer),
                        "a layer where residuals are turned; of this one, " + question.no_turn);
}

void require_real(std::span<const float> x0, std::span<const float> computed,
                  const certificates::Members& members) {
  double apart = 0, square = 0;
  for (size_t i = 0; i < computed.size() && x0.size() == computed.size(); ++i) {
    const double own = double{computed[i]}, off = double{x0[i]} - own;
    apart += off * off;
    square += own * own;
  }
  if (x0.size() == computed.size() && std::sqrt(apart) <= kResidualRounding * std::sqrt(square)) {
    return;
  }
  throw members.refusal(ErrorId::AR010, "x0", "another residual",
                        "what enters the layer for a prompt of the token alone");
}

void check_manifold(const Subject& subject, const Json& root, TokenResiduals& residuals,
                    const std::string& file) {
  certificates::Members members(root, file, "");
  const KeyQuestion question = check_certificate_head(subject, root, members);
  const StatedWords stated = read_words(members);
  const Json& tensors = members.need("tensors");
  require_turnable(question, members);
  const int32_t token = read_token(members, subject);
  const certificates::ManifoldCertificate certificate = certificates::read_manifold(members);
  read_plausibility(members);
  members.finish();
  const LayerMatrices matrices(subject, question);
  require_tensors(tensors, matrices.tensors(), members);
  require_words(stated, {.theorem = kManifoldTheorem, .claim = manifold_claim(question, token)},
                members);
  const std::string fault = certificates::fault_of(matrices.question(), certificate);
  if (!fault.empty()) {
    throw members.refusal(ErrorId::AR010, "the proof", fault, "one that holds for these tensors");
  }
  require_real(certificate.x0, residuals.of(token, question.layer), members);
}

}  // namespace rg::lab
