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

// With --convergence: the latest of the parts' settled_at; settled if all are.
void settle_bundle(std::span<const Part> parts, Convergence& convergence) {
  if (!convergence.settled) return;
  for (const Part& part : parts) {
    const Convergence& own = *part.judgement.convergence;
    convergence.settled_at = convergence.settled_at && own.settled_at
                                 ? std::optional(std::max(*convergence.settled_at, *own.settled_at))
                                 : std::nullopt;
    convergence.settled = *convergence.settled && own.settled.value_or(false);
  }
}

// What a part states of its convergence. A sound part's numbers have been recomputed.
struct StatedConvergence {
  std::optional<double> z, replication;
  std::optional<int64_t> n_for_90, settled_at;
  bool settled = false;
};

std::optional<double> stated_number(const At& at) {
  return at && at.value->is_number() ? std::optional(at.value->number()) : std::nullopt;
}

std::optional<int64_t> stated_count(const At& at) {
  return at && at.value->is(Kind::integer) ? std::optional(at.value->integer()) : std::nullopt;
}

StatedConvergence stated_convergence(const Part& part) {
  if (part.judgement.rule != "full") return {};
  const At block = (part.at / "summary") / "convergence";
  const At settled = block / "settled";
  return {.z = stated_number(block / "z"),
          .replication = stated_number(block / "replication"),
          .n_for_90 = stated_count(block / "n_for_90"),
          .settled_at = stated_count(block / "settled_at"),
          .settled = settled && settled.value->is(Kind::boolean) && settled.value->boolean()};
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
  if (bundle.convergence) settle_bundle(parts, *bundle.convergence);
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

const Part& least_certain(std::span<const Part* const> parts) {
  const Part* least = nullptr;
  std::optional<double> smallest;
  for (const Part* part : parts) {
    const std::optional<double> z = stated_convergence(*part).z;
    if (!z) return *part;
    if (!smallest || *z < *smallest) {
      smallest = z;
      least = part;
    }
  }
  return *least;
}

void claim_bundled_convergence(std::span<const Part* const> deciding, Claims& claims) {
  const StatedConvergence least = stated_convergence(least_certain(deciding));
  std::optional<int64_t> settled_at = 0;
  bool settled = true;
  for (const Part* part : deciding) {
    const StatedConvergence own = stated_convergence(*part);
    settled_at = settled_at && own.settled_at
                     ? std::optional(std::max(*settled_at, *own.settled_at))
                     : std::nullopt;
    settled = settled && own.settled;
  }
  const auto below = [](const char* key) { return Claims::Path{"summary", "convergence", key}; };
  claims.count(below("settled_at"), settled_at, Check::convergence_numbers);
  claims.flag(below("settled"), settled, Check::convergence_numbers);
  claims.near(below("z"), least.z, Check::convergence_numbers);
  claims.near(below("replication"), least.replication, Check::convergence_numbers);
  claims.count(below("n_for_90"), least.n_for_90, Check::convergence_numbers);
}

StatedEffect stated_effect(const Part& part, const At& block, std::string_view delta) {
  if (part.judgement.rule != "full") return {};
  StatedEffect effect{.delta = stated_number(block / delta), .ci95 = {}};
  const At ends = block / "ci95";
  if (ends && ends.value->is(Kind::array)) {
    const Array& values = ends.value->array();
    effect.ci95 = Interval{values[0].number(), values[1].number()};
  }
  return effect;
}

bool is_weaker(const StatedEffect& effect, const StatedEffect& than) {
  if (!than.delta) return false;
  return !effect.delta || *effect.delta > *than.delta;
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
