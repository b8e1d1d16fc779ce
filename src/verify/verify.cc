#include "verify/verify.h"

#include <fmt/format.h>

#include <chrono>

#include "base/file.h"
#include "base/sha256.h"
#include "verify/tests.h"

namespace rg::verify {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

const TestJudge* find_judge(const std::string& name) {
  for (const TestJudge& judge : all_judges()) {
    if (judge.name == name) return &judge;
  }
  return nullptr;
}

void warn_suspicious(Inspector& inspect, const At& per_window, const Header& header) {
  const At undefined = per_window / "n_undefined";
  warn_undefined(
      inspect, [&](int layer) { return undefined / std::to_string(layer); }, header);
  if (header.family.domains.empty()) return warn_too_good(inspect, per_window, header.n_windows);
  for (const DomainWindows& domain : header.family.domains) {
    warn_too_good(inspect, per_window / domain.name, domain.n_windows);
  }
}

// Structure, then arithmetic where the structure is sound: `finding` is what the arrays give.
void inspect_artifact(const At& root, Inspector& inspect, Finding& finding) {
  Judgement& judgement = inspect.judgement();
  if (!inspect.is(root, Kind::object)) return;
  judgement.test = inspect.text(inspect.need(root, "test"));
  if (!inspect.sound()) return;
  const TestJudge* test = find_judge(judgement.test);
  if (test == nullptr) {
    inspect.invalid(Check::known_test, "test", fmt::format("found {}", judgement.test));
    return;
  }
  const Header header = read_header(inspect, root, test->rules);
  check_members(inspect, root, test->members);
  if (!inspect.sound()) return;  // what follows would only repeat it
  if (!test->rules.counts_by_window) warn_suspicious(inspect, root / "per_window", header);
  test->judge({inspect, header, root}, finding);
}

void judge_artifact(const At& root, Inspector& inspect) {
  Finding finding;
  inspect_artifact(root, inspect, finding);
  Judgement& judgement = inspect.judgement();
  const bool sound_arrays = inspect.sound();
  if (sound_arrays) {
    compare(inspect, root, finding.claims,
            judgement.rule == "full" ? IntervalRule::bit_by_bit : IntervalRule::not_compared);
  }
  check_digest(inspect, root);
  if (inspect.sound()) {
    judgement.verdict = finding.verdict;
  } else if (sound_arrays) {
    judgement.arrays_verdict = finding.verdict;
  }
}

// Keys that occur twice have no canonical form, and which one counts is anyone's guess.
void judge_document(const Document& document, Inspector& inspect) {
  for (const DuplicateKey& twice : document.duplicates()) {
    inspect.invalid(Check::duplicate_key, twice.path, "occurs twice in its object");
  }
  if (inspect.sound()) judge_artifact({&document.root(), ""}, inspect);
}

void finish(Judgement& judgement) {
  if (judgement.verdict != Verdict::invalid) return;
  const Reason& first = judgement.reasons.front();
  judgement.sentence = fmt::format("This artifact cannot be judged: {}{}{}.", first.path,
                                   first.path.empty() ? "" : " ", first.text);
  if (judgement.arrays_verdict) {
    judgement.sentence +=
        fmt::format(" Its arrays alone would give {}.", verdict_name(*judgement.arrays_verdict));
  }
}

// More work than the limits allow: this artifact is not judged, the others are.
void refuse_work(Judgement& judgement, const Error& error) {
  const ErrorParts& parts = error.parts();
  judgement.verdict = Verdict::over_budget;
  judgement.reasons.push_back({std::string(error_name(error.id())), "", parts.object,
                               fmt::format("found {}, expected {}", parts.found, parts.expected)});
  judgement.sentence =
      "Judging this artifact would take more work than the verifier's limits allow.";
}

Judgement unreadable(const std::string& path, Check check, const std::string& where,
                     const std::string& text, const Options& options) {
  Judgement judgement;
  judgement.path = path;
  Inspector(judgement, options).invalid(check, where, text);
  finish(judgement);
  return judgement;
}

// Why this text can't be an artifact, recognised before the parser sees it.
std::optional<std::string> obviously_not_json(std::string_view text) {
  if (text.empty()) return "the file is empty";
  if (text.starts_with("\x1f\x8b")) return "the file is gzip; unpack it first";
  if (text.starts_with("\x28\xb5\x2f\xfd")) return "the file is zstd; unpack it first";
  return std::nullopt;
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "PASS";
    case Verdict::fail:
      return "FAIL";
    case Verdict::holds:
      return "HOLDS";
    case Verdict::broken:
      return "BROKEN";
    case Verdict::reported:
      return "REPORTED";
    case Verdict::superior:
      return "SUPERIOR";
    case Verdict::equivalent:
      return "EQUIVALENT";
    case Verdict::inferior:
      return "INFERIOR";
    case Verdict::inconclusive:
      return "INCONCLUSIVE";
    case Verdict::degenerate:
      return "DEGENERATE";
    case Verdict::insufficient:
      return "INSUFFICIENT";
    case Verdict::invalid:
      return "INVALID";
    case Verdict::over_budget:
      return "OVER_BUDGET";
  }
  return "INVALID";
}

Judgement judge_text(std::string_view text, const std::string& name, const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  if (const auto trouble = obviously_not_json(text)) {
    Judgement judgement = unreadable(name, Check::file_readable, "", *trouble, options);
    judgement.sha256 = sha256_hex(text);
    return judgement;
  }
  Judgement judgement;
  judgement.path = name;
  judgement.sha256 = sha256_hex(text);
  Inspector inspect(judgement, options);
  try {
    const JsonLimits limits{.max_depth = options.max_depth, .max_bytes = options.max_bytes};
    const Document document = Document::parse(text, limits, name);
    judge_document(document, inspect);
  } catch (const NotJson& error) {
    inspect.invalid(Check::strict_json, error.trouble().path, error.trouble().reason);
  } catch (const Error& error) {
    if (error.id() != ErrorId::AR004) throw;
    if (inspect.sound()) refuse_work(judgement, error);
  }
  judgement.check_seconds = seconds_since(start) - judgement.bootstrap_seconds;
  finish(judgement);
  return judgement;
}

Judgement judge_file(const std::filesystem::path& path, const Options& options) {
  const std::string name = path.string();
  std::string text;
  try {
    const InputFile file(path);
    if (file.bytes() > options.max_bytes) {
      return unreadable(name, Check::file_readable, "",
                        fmt::format("the file has {} bytes, the verifier reads at most {}",
                                    file.bytes(), options.max_bytes),
                        options);
    }
    text.resize(file.bytes());
    file.read_exact(0, std::as_writable_bytes(std::span(text)));
    if (!(file.current_stamp() == file.stamp())) {
      return unreadable(name, Check::file_readable, "", "the file changed while it was read",
                        options);
    }
  } catch (const Error& error) {
    // Anything but a regular file is INVALID; failing to open or read one says nothing about it.
    std::error_code unknown;
    const std::filesystem::file_status status = std::filesystem::status(path, unknown);
    const bool other_kind =
        !unknown && std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
    if (!other_kind && error.id() != ErrorId::IO002) throw;
    return unreadable(name, Check::file_readable, "",
                      "cannot be read as a regular file (" + error.parts().found + ")", options);
  }
  return judge_text(text, name, options);
}

std::vector<Judgement> verify_paths(const std::vector<std::filesystem::path>& paths,
                                    const Options& options) {
  std::vector<Judgement> judgements;
  for (const std::filesystem::path& path : paths) {
    for (const std::filesystem::path& file : find_artifacts(path)) {
      judgements.push_back(judge_file(file, options));
    }
  }
  return judgements;
}

ExitCode exit_code(const std::vector<Judgement>& judgements) {
  ExitCode code = ExitCode::done;
  bool over_budget = false;
  for (const Judgement& judgement : judgements) {
    switch (judgement.verdict) {
      case Verdict::invalid:
        return ExitCode::artifact;
      case Verdict::over_budget:
        over_budget = true;
        break;
      case Verdict::fail:
      case Verdict::broken:
      case Verdict::inconclusive:
      case Verdict::degenerate:
      case Verdict::insufficient:
        code = ExitCode::unsupported_claim;
        break;
      case Verdict::pass:
      case Verdict::holds:
      case Verdict::reported:
      case Verdict::superior:
      case Verdict::equivalent:
      case Verdict::inferior:
        break;
    }
  }
  return over_budget ? ExitCode::budget : code;
}

Judgement judge_bundled(const At& artifact, const Options& options) {
  Judgement judgement;
  judgement.path = artifact.path;
  Inspector inspect(judgement, options);
  try {
    judge_artifact({artifact.value, ""}, inspect);
  } catch (const Error& error) {
    if (error.id() != ErrorId::AR004 || inspect.sound()) {
      ErrorParts parts = error.parts();
      parts.object = artifact.path + '.' + parts.object;
      throw Error(error.id(), std::move(parts));
    }
  }
  finish(judgement);
  return judgement;
}

Claims recompute_summary(std::string_view text, const Options& options) {
  Judgement judgement;
  Inspector inspect(judgement, options);
  const JsonLimits limits{.max_depth = options.max_depth, .max_bytes = options.max_bytes};
  const Document document = Document::parse(text, limits, "artifact");
  Finding finding;
  inspect_artifact({&document.root(), ""}, inspect, finding);
  return finding.claims;
}

}  // namespace rg::verify
