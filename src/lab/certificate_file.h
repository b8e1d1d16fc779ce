// What every certificate file has around its proof: which model, layer and tensors it is about, and
// a digest. Field by field: docs/artifacts.md, section 19.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/json.h"
#include "certificates/members.h"
#include "lab/key_question.h"
#include "lab/subject.h"
#include "stream/pass.h"

namespace rg::lab {

inline constexpr int kCertificateVersion = 1;
inline constexpr int64_t kMostLayers = 1 << 20;

// `proof` begins with `certificate` and `version`. The rest is added after it, the digest last.
struct CertificateParts {
  Json proof;
  std::string theorem;  // id and part: "KR-6 (d)"
  std::string claim;    // one sentence
  Json tensors;
};
Json certificate_file(const Subject& subject, const KeyQuestion& question,
                      const CertificateParts& parts);

// Tensors of a proof that computes, in the order given: [{name, dtype, shape, shard, sha256}].
Json tensors_json(const Subject& subject, std::span<const stream::TensorDigest> digests);

// What a file says it is; empty `kind` if it isn't a certificate at all: no object, or not one
// whose first member is `certificate`.
struct CertificateKind {
  std::string kind, model;
  int layer = -1;
};
CertificateKind certificate_kind(const Json& root);

// Reads the members around the proof and compares them with the model: AR015 to AR018 for the
// form, AR020 for the digest, AR022 for another layer or another architecture. The proof's own
// members and `tensors`, theorem and claim are the caller's.
KeyQuestion check_certificate_head(const Subject& subject, const Json& root,
                                   certificates::Members& members);
// AR022 where `stated` are not these tensors.
void require_tensors(const Json& stated, const Json& found, const certificates::Members& members);
// What a file says of its own proof: AR018 unless it is what follows from the rest.
struct StatedWords {
  std::string theorem, claim;
};
StatedWords read_words(certificates::Members& members);
void require_words(const StatedWords& stated, const StatedWords& expected,
                   const certificates::Members& members);

}  // namespace rg::lab
