// The independent judge. From artifacts alone (no weights, no text) it recomputes every summary
// and verdict and compares them with what the artifact claims. It shares with the producers only
// base: files, strict JSON reading, SHA-256 and the Philox function.
//
//   const auto judgements = verify::verify_paths({"OUT"}, options);
//   fmt::print("{}", verify::render_table(judgements, {}));
//   return static_cast<int>(verify::exit_code(judgements));
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "verify/order_statistics.h"

namespace rg::verify {

// `over_budget`: judging it would take more work than the verifier's limits allow (AR004).
enum class Verdict {
  pass,
  fail,
  holds,
  broken,
  reported,
  superior,  // of kv_gauge, with the three after it: its outcome
  equivalent,
  inferior,
  inconclusive,
  degenerate,
  insufficient,
  invalid,
  over_budget
};
std::string_view verdict_name(Verdict verdict);  // "PASS"

// Every check by name; the explicit list is checks.inc and docs/verifier.md explains each.
enum class Check {
#define RG_CHECK(name, error, meaning) name,
#include "verify/checks.inc"
#undef RG_CHECK
};
std::string_view check_name(Check check);
std::string_view check_meaning(Check check);
ErrorId check_error(Check check);
const std::vector<Check>& all_checks();

// Why an artifact is INVALID, DEGENERATE, INSUFFICIENT or FAIL.
struct Reason {
  std::string id;     // "AR010"; empty for reasons that aren't defects of the file
  std::string check;  // name of the check; empty likewise
  std::string path;   // "summary.per_layer.3.kappa_hidden.delta", "per_window.…[117]"
  std::string text;   // "summary says 0.31, arrays give 0.24"
};

// One statistic against its threshold at one layer, as the verdict uses it.
struct Criterion {
  std::string name;  // "C1", "terminal_jump", "attention"
  int layer;
  double estimate;               // mean over windows, in units of the statistic
  std::optional<Interval> ci95;  // with the artifact's B and seed
  bool holds;
  std::optional<double> z;  // distance to the threshold in standard errors, > 0 where it holds
};

// Reported with the verdict without entering it: another verdict ("C1_matched", "H by norm_share")
// or a number's range over the required layers ("kappa - kappa_orth").
struct Beside {
  std::string name;
  std::string verdict;
};

struct LayerFinding {
  int layer;
  std::string failure_type;  // "neither", "C1_only", "C2_only", "both"
};

struct Stability {
  uint32_t replicates;  // of the verifier's own bootstrap
  uint64_t seed;
  Verdict verdict;     // under them; of a published artifact: of the intervals that it states
  double probability;  // bootstrap probability of the artifact's verdict
  bool fragile;        // the two verdicts differ
};

struct Convergence {
  double z;                            // minimum over criteria
  double replication;                  // Phi(z - 1.96)
  std::optional<uint64_t> n_for_90;    // none where z <= 0
  std::optional<uint64_t> settled_at;  // recomputed with --convergence only
  std::optional<bool> settled;
};

struct Judgement {
  std::string path;
  std::string test, model, domain;
  Verdict verdict = Verdict::invalid;
  std::optional<Verdict> arrays_verdict;  // INVALID for its summary: what the arrays would get
  std::vector<Reason> reasons;
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what was not recomputed
  std::string rule;  // "full", or "published" for an artifact without routegauge's fields
  uint64_t n_windows = 0;
  std::optional<Criterion> effect;  // the criterion with the smallest z
  std::vector<Criterion> criteria;
  std::optional<Stability> stability;
  std::optional<Convergence> convergence;
  std::vector<Beside> beside;
  std::vector<LayerFinding> layers;
  std::string sentence;      // one plain sentence
  std::string sha256;        // of the bytes judged; empty if none could be read
  std::string body_sha256;   // recomputed; empty likewise
  double check_seconds = 0;  // reading and checking
  double bootstrap_seconds = 0;
};

struct Options {
  bool strict_members = false;  // unknown top-level members are errors instead of warnings
  bool recompute_convergence = false;
  std::optional<std::vector<int>> required_layers;  // overrides the artifact's own list
  uint64_t seed = 0x5eed0fa11;                      // the verifier's own
  uint32_t replicates = 10'000;                     // the verifier's own
  uint32_t max_replicates = 1'000'000;              // of an artifact; AR004 beyond
  uint64_t max_bytes = uint64_t{1} << 30;
  uint32_t max_depth = 64;
  int threads = 1;
};

// A file is itself; a folder is every run.json below it, in byte order of paths. AR003 if there
// is nothing, IO003 for a folder that can't be read: what lies in it must not be passed over.
std::vector<std::filesystem::path> find_artifacts(const std::filesystem::path& path);

// Never throws on what a file holds: that is an INVALID or OVER_BUDGET judgement. IO001, IO003
// where the file can't be opened or read.
Judgement judge_file(const std::filesystem::path& path, const Options& options);
Judgement judge_text(std::string_view text, const std::string& name, const Options& options);
std::vector<Judgement> verify_paths(const std::vector<std::filesystem::path>& paths,
                                    const Options& options);

// 6 if any is INVALID, else 5 if any is OVER_BUDGET, else 1 if any is FAIL, BROKEN, INCONCLUSIVE,
// DEGENERATE or INSUFFICIENT, else 0.
ExitCode exit_code(const std::vector<Judgement>& judgements);

struct TableStyle {
  bool wide = false;     // every column: model, stability, Z, ...
  bool details = false;  // everything that was found, under each row
  bool times = false;    // the last line says how long reading and the bootstrap took
  bool color = false;
  size_t columns = 100;  // of the terminal; sentences are wrapped at 100 at most
};
// One row and one sentence per artifact, under it what qualifies the verdict and the reasons of a
// defect; then the meaning of the words used, and the count. Grouped by model. Fits
// `style.columns` unless `wide`, or unless names alone are wider. Text from files is escaped.
std::string render_table(const std::vector<Judgement>& judgements, const TableStyle& style);
// "8 tests: 4 reported, 3 pass, 1 fail"
std::string count_verdicts(const std::vector<Judgement>& judgements);
// What OUT/verdicts.json holds (schema/verdicts.schema.json). Without times: the same judgements
// give the same bytes.
std::string render_json(const std::vector<Judgement>& judgements, const Options& options);
std::string render_csv(const std::vector<Judgement>& judgements);

}  // namespace rg::verify
