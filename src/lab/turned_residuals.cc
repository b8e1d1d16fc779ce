#include "lab/turned_residuals.h"

#include <algorithm>

#include "lab/manifold_certificate.h"

namespace rg::lab {
namespace {

constexpr size_t kMostFirstTokens = 16;
constexpr size_t kMostSampledRows = 256;  // of a layer

// Of two reasons, the one that says more about the keys.
certificates::Missing more_telling(certificates::Missing a, certificates::Missing b) {
  using certificates::Missing;
  for (const Missing first : {Missing::within_error, Missing::keys_decide_token}) {
    if (a == first || b == first) return first;
  }
  return b;
}

}  // namespace

TurnedResiduals::TurnedResiduals(const Subject& subject, const Samples& samples,
                                 const std::vector<int>& layers, const EngineSettings& engine,
                                 const std::filesystem::path& spill_folder, Progress& progress)
    : subject_(subject),
      tokens_(first_tokens(samples, kMostFirstTokens)),
      first_(token_residuals(subject, tokens_, layers, engine, spill_folder, progress)),
      sample_(sampled_residuals(subject, samples, layers, kMostSampledRows, engine, spill_folder,
                                progress)) {}

TurnedLayer TurnedResiduals::at(const KeyQuestion& question, bool identical_bytes) const {
  const LayerMatrices matrices(subject_, question);
  const certificates::ManifoldMaker maker(matrices.question());
  const std::vector<float>& rows = first_.at(question.layer);
  const size_t width = subject_.model().width;
  struct Found {
    Turnable residual;
    certificates::ManifoldCertificate certificate;
  };
  std::vector<Found> found;
  TurnedLayer out;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const Turnable residual{tokens_[i], std::span(rows).subspan(i * width, width)};
    auto made = maker.make(residual.x0);
    if (made.certificate) {
      found.push_back({residual, std::move(*made.certificate)});
    } else {
      out.missing = i == 0 ? made.missing : more_telling(out.missing, made.missing);
    }
  }
  out.turned = found.size();
  if (found.empty()) return out;
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.certificate.relative_change < b.certificate.relative_change;
  });
  out.on_manifold = manifold_file(subject_, question, matrices, found.front().residual.token,
                                  found.front().certificate, sample_.at(question.layer));
  if (!identical_bytes) return out;
  std::vector<Turnable> residuals;
  for (const Found& each : found) residuals.push_back(each.residual);
  FoundBytes bytes = make_cached_keys(
      subject_, question, FirstPositionLayer(subject_, question.layer), maker, residuals);
  out.identical_bytes = std::move(bytes.file);
  out.tried = bytes.tried;
  out.parted = bytes.parted;
  return out;
}

}  // namespace rg::lab
