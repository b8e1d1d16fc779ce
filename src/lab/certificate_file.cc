#include "lab/certificate_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "lab/facts.h"
#include "lab/version.h"
#include "record/artifact.h"

namespace rg::lab {

using certificates::shown;

Json certificate_file(const Subject& subject, const KeyQuestion& question,
                      const CertificateParts& parts) {
  Json out = parts.proof;
  out["theorem"] = parts.theorem;
  out["claim"] = parts.claim;
  out["model"] = {{"ckpt", subject.name()}, {"family", subject.model().family}};
  out["layer"] = question.layer;
  out["architecture"] = architecture_json(subject.model(), question);
  out["tensors"] = parts.tensors;
  out["program_version"] = program_version();
  out["body_sha256"] = record::body_digest(out);
  return out;
}

Json tensors_json(const Subject& subject, std::span<const stream::TensorDigest> digests) {
  Json out = Json::array();
  for (const record::TensorHash& tensor : used_checkpoint(subject, digests).tensors) {
    out.push_back({{"name", tensor.name},
                   {"dtype", tensor.dtype},
                   {"shape", tensor.shape},
                   {"shard", tensor.shard},
                   {"sha256", tensor.sha256}});
  }
  return out;
}

CertificateKind certificate_kind(const Json& root) {
  CertificateKind out;
  if (!root.is_object() || root.empty() || root.begin().key() != "certificate") return out;
  const Json& kind = root.begin().value();
  out.kind = kind.is_string() ? kind.get<std::string>() : "unknown";
  const auto model = root.find("model");
  if (model != root.end() && model->is_object() && model->contains("ckpt") &&
      model->at("ckpt").is_string()) {
    out.model = model->at("ckpt").get<std::string>();
  }
  const auto layer = root.find("layer");
  if (layer != root.end() && layer->is_number_unsigned() && *layer <= kMostLayers) {
    out.layer = layer->get<int>();
  }
  return out;
}

KeyQuestion check_certificate_head(const Subject& subject, const Json& root,
                                   certificates::Members& members) {
  members.text("certificate");
  members.integer("version", kCertificateVersion, kCertificateVersion);
  members.text("program_version");
  const std::string digest = members.text("body_sha256"), found = record::body_digest(root);
  if (digest != found) {
    throw members.refusal(ErrorId::AR020, "body_sha256", digest, found + ", as the body gives");
  }
  certificates::Members model = members.object("model");
  model.text("ckpt");
  const std::string family = model.text("family");
  model.finish();
  const model::Model& own = subject.model();
  if (family != own.family) {
    throw members.refusal(ErrorId::AR022, "model.family", escape_for_terminal(family), own.family);
  }
  const auto layer = static_cast<int>(members.integer("layer", 0, kMostLayers));
  const std::vector<int> gated = own.moe_layers();
  if (!std::binary_search(gated.begin(), gated.end(), layer)) {
    throw members.refusal(ErrorId::AR022, "layer", std::to_string(layer),
                          "one of the model's layers with a gate: " + format_ranges(gated));
  }
  KeyQuestion question = key_question(own, layer);
  const Json& stated = members.need("architecture");
  if (!question.facts) {
    throw members.refusal(ErrorId::AR022, "layer", std::to_string(layer),
                          "a layer that the theorems are about: " + question.uncovered);
  }
  if (const Json expected = architecture_json(own, question); stated != expected) {
    throw members.refusal(ErrorId::AR022, "architecture", shown(stated), shown(expected));
  }
  return question;
}

void require_tensors(const Json& stated, const Json& found, const certificates::Members& members) {
  if (!stated.is_array() || stated.size() != found.size()) {
    throw members.refusal(
        ErrorId::AR022, "tensors",
        stated.is_array() ? fmt::format("{} tensors", stated.size()) : shown(stated),
        fmt::format("the {} that the certificate is about", found.size()));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    for (const auto& [key, value] : found[i].items()) {
      if (key == "shard") continue;  // the same bytes may be split otherwise
      const auto own = stated[i].is_object() ? stated[i].find(key) : stated[i].end();
      if (own != stated[i].end() && *own == value) continue;
      throw members.refusal(ErrorId::AR022, fmt::format("tensors[{}].{}", i, key),
                            own == stated[i].end() ? "no such member" : shown(*own),
                            shown(value) + ", as in this checkpoint");
    }
  }
}

StatedWords read_words(certificates::Members& members) {
  return {.theorem = members.text("theorem"), .claim = members.text("claim")};
}

void require_words(const StatedWords& stated, const StatedWords& expected,
                   const certificates::Members& members) {
  const auto require = [&](const char* name, const std::string& found, const std::string& right) {
    if (found == right) return;
    throw members.refusal(ErrorId::AR018, name, escape_for_terminal(found), right);
  };
  require("theorem", stated.theorem, expected.theorem);
  require("claim", stated.claim, expected.claim);
}

}  // namespace rg::lab
