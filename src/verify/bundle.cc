#include "verify/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/sha256.h"

namespace rg::verify {
namespace {

std::string path_in_bundle(const At& part, const std::string& path) {
  return path.empty() ? part.path : part.path + '.' + path;
}

bool any_is(std::span<const Verdict> verdicts, Verdict wanted) {
  return std::find(verdicts.begin(), verdicts.end(), wanted) != verdicts.end();
}

}  // namespace

Part judge_part(const Case& c, const At& at, std::string_view test) {
  Part part{at, {}};
  if (!c.inspect.is(at, Kind::object)) return part;
  const At name = at / "test";
  if (!name || !name.value->is(Kind::string) || name.value->string() != test) {
    c.inspect.invalid(Check::bundle_parts, name.path, fmt::format("expected \"{}\"", test));
    return part;
  }
  part.judgement = judge_bundled(at, c.inspect.options());
  Judgement& bundle = c.inspect.judgement();
  bundle.bootstrap_seconds += part.judgement.bootstrap_seconds;
  for (const std::string& text : part.judgement.warnings) {
    c.inspect.warn(fmt::format("{}: {}", at.path, text));
  }
  for (const std::string& text : part.judgement.notes) {
    bundle.notes.push_back(fmt::format("{}: {}", at.path, text));
  }
  if (part.judgement.rule == "published") {
    bundle.notes.push_back(fmt::format("{}: judged by the published rule", at.path));
  }
  for (Reason reason : part.judgement.reasons) {
    reason.path = path_in_bundle(at, reason.path);
    c.inspect.adopt(std::move(reason));
  }
  return part;
}

Verdict bundle_verdict(const BundleRule& rule, std::span<const Verdict> parts) {
  for (const Verdict open : {Verdict::insufficient, Verdict::degenerate}) {
    if (any_is(parts, open)) return open;
  }
  return rule(parts);
}

Verdict conclude_bundle(const Case& c, std::span<const Part> parts, const BundleRule& rule) {
  Judgement& bundle = c.inspect.judgement();
  std::vector<Verdict> verdicts, again;
  double probability = 1;
  bool stable = true;  // every part has a stability
  bool converges = true;
  for (const Part& part : parts) {
    const Judgement& own = part.judgement;
    verdicts.push_back(own.verdict);
    const bool fewest = bundle.n_windows == 0 || own.n_windows < bundle.n_windows;
    if (fewest) bundle.n_windows = own.n_windows;
    bundle.criteria.insert(bundle.criteria.end(), own.criteria.begin(), own.criteria.end());
    stable = stable && own.stability;
    if (own.stability) {
      again.push_back(own.stability->verdict);
      probability = std::min(probability, own.stability->probability);
    }
    const bool nearest =
        own.convergence && (!bundle.convergence || own.convergence->z < bundle.convergence->z);
    if (nearest) bundle.convergence = own.convergence;
    if (nearest || !bundle.effect) bundle.effect = own.effect;
    converges = converges && own.convergence;
  }
  if (!converges) bundle.convergence.reset();
  const Verdict verdict = bundle_verdict(rule, verdicts);
  if (stable) {
    const Verdict by_own = bundle_verdict(rule, again);
    bundle.stability = Stability{.replicates = c.inspect.options().replicates,
                                 .seed = c.inspect.options().seed,
                                 .verdict = by_own,
                                 .probability = probability,
                                 .fragile = by_own != verdict};
  }
  return verdict;
}

std::optional<std::string> weights_of(const At& artifact) {
  const At tensors = artifact / "tensors";
  if (!tensors || !tensors.value->is(Kind::array)) return std::nullopt;
  std::set<std::string> hashes;
  for (const Value& tensor : tensors.value->array()) {
    const Value* hash = tensor.find("sha256");
    if (hash != nullptr && hash->is(Kind::string)) hashes.insert(hash->string());
  }
  std::string all;
  for (const std::string& hash : hashes) all += hash + '\n';
  return sha256_hex(all);
}

}  // namespace rg::verify
