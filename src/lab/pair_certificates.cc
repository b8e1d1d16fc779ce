#include "lab/pair_certificates.h"

#include <fmt/format.h>

#include "certificates/makers.h"

namespace rg::lab {
namespace {

constexpr const char* kPairTheorem = "KR-6 (d)";

std::string claim_of(const KeyQuestion& question) {
  return fmt::format(
      "At position 0 of layer {}, two residuals z and -z have the same keys{} and different sets "
      "of "
      "experts: no function of a token's own keys gives its route there.",
      question.layer, question.facts->key_bias ? " (their bias)" : " (zero)");
}

template <typename Certificate>
MadePair made_pair(const Subject& subject, const KeyQuestion& question,
                   const LayerMatrices& matrices, const certificates::Made<Certificate>& made) {
  if (!made.certificate) return {.file = {}, .missing = made.missing};
  return {.file = certificate_file(subject, question,
                                   {.proof = certificates::to_json(*made.certificate),
                                    .theorem = kPairTheorem,
                                    .claim = claim_of(question),
                                    .tensors = matrices.tensors()}),
          .missing = {}};
}

}  // namespace

std::string_view name(PairLevel level) noexcept {
  return level == PairLevel::exact ? "exact" : "enclosed";
}

MadePair make_pair(const Subject& subject, const KeyQuestion& question,
                   const LayerMatrices& matrices, PairLevel level) {
  const certificates::Question asked = matrices.question();
  return level == PairLevel::exact
             ? made_pair(subject, question, matrices, certificates::make_exact(asked))
             : made_pair(subject, question, matrices, certificates::make_enclosed(asked));
}

std::string words(certificates::Missing missing) {
  using certificates::Missing;
  switch (missing) {
    case Missing::keys_determine_input:
      return "only the residual 0 has keys 0: the key matrix has full column rank, proved";
    case Missing::router_in_keys:
      return "differences of router rows are combinations of key rows";
    case Missing::keys_dependent:
      return "key rows not shown to be independent in fp64";
    case Missing::within_error:
      return "sets not told apart in fp64";
    case Missing::keys_decide_token:
      return "every residual with the token's keys takes its route";
    case Missing::tied:
      return "a tie at the boundary of the token's set";
    case Missing::prime_unlucky:
      return "the choice of columns modulo a prime didn't hold";
  }
  return "";
}

void check_pair(const Subject& subject, const Json& root, PairLevel level,
                const std::string& file) {
  certificates::Members members(root, file, "");
  const KeyQuestion question = check_certificate_head(subject, root, members);
  const StatedWords stated = read_words(members);
  const Json& tensors = members.need("tensors");
  if (!question.no_pair.empty()) {
    throw members.refusal(ErrorId::AR010, "layer", std::to_string(question.layer),
                          "a layer where z and -z prove something: " + question.no_pair);
  }
  std::optional<certificates::ExactCertificate> exact;
  std::optional<certificates::EnclosedCertificate> enclosed;
  if (level == PairLevel::exact) {
    exact = certificates::read_exact(members);
  } else {
    enclosed = certificates::read_enclosed(members);
  }
  members.finish();
  const LayerMatrices matrices(subject, question);
  require_tensors(tensors, matrices.tensors(), members);
  require_words(stated, {.theorem = kPairTheorem, .claim = claim_of(question)}, members);
  const std::string fault = exact ? certificates::fault_of(matrices.question(), *exact)
                                  : certificates::fault_of(matrices.question(), *enclosed);
  if (fault.empty()) return;
  throw members.refusal(ErrorId::AR010, "the proof", fault, "one that holds for these tensors");
}

}  // namespace rg::lab
