// L7 and L14: which tokens have rows, and in what order.
#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

struct Sequences {
  SequenceRows groups;
  size_t count() const { return groups.first.size() - 1; }
  std::span<const uint32_t> rows(size_t s) const {
    return std::span(groups.order).subspan(groups.first[s], groups.first[s + 1] - groups.first[s]);
  }
};

// Sequences with something missing, and which.
struct Missing {
  uint64_t sequences = 0;
  size_t first = 0;   // of them
  uint64_t rows = 0;  // of all sequences with it, as missing
  void add(size_t sequence, uint64_t count) {
    if (sequences++ == 0) first = sequence;
    rows += count;
  }
};

Finding missing_finding(const Missing& missing, size_t all, Severity severity, std::string what,
                        std::string consequence, std::string repair) {
  Finding finding;
  finding.severity = severity;
  finding.found = fmt::format("{} of {} sequences {} (the first is sequence {})", missing.sequences,
                              all, what, missing.first);
  finding.evidence = {{"sequences", missing.sequences},
                      {"of", all},
                      {"first_sequence", missing.first},
                      {"rows_missing", missing.rows}};
  finding.consequence = std::move(consequence);
  finding.repair = std::move(repair);
  return finding;
}

constexpr const char* kPrefillConsequence =
    "Counts and entropy are those of generated text only; overlap and whatever compares positions "
    "lack the prompt, where routing differs most.";
constexpr const char* kPrefillRepair =
    "Record the prompt's rows too, or compare with logs of generated tokens only.";

// Against the numbers of tokens, where they are known.
void compare_lengths(const Record& record, const Sequences& sequences, CheckResult& result) {
  Missing last, prefill, some, surplus;
  for (size_t s = 0; s < sequences.count() && s < record.sequence_tokens.size(); ++s) {
    const uint64_t rows = sequences.rows(s).size(), tokens = record.sequence_tokens[s];
    const uint64_t prompt = s < record.sequence_prompt.size() ? record.sequence_prompt[s] : 0;
    if (rows == tokens || tokens == 0) continue;
    if (rows > tokens) {
      surplus.add(s, rows - tokens);
    } else if (prompt > 0 && tokens > prompt &&
               (rows == tokens - prompt || rows + 1 == tokens - prompt)) {
      prefill.add(s, prompt);
    } else if (rows + 1 == tokens) {
      last.add(s, 1);
    } else {
      some.add(s, tokens - rows);
    }
  }
  const size_t all = sequences.count();
  if (prefill.sequences > 0) {
    result.findings.push_back(missing_finding(
        prefill, all, Severity::fault, "have rows for what was generated only: prefill is missing",
        kPrefillConsequence, kPrefillRepair));
  }
  if (some.sequences > 0) {
    result.findings.push_back(
        missing_finding(some, all, Severity::fault,
                        fmt::format("have fewer rows than tokens, {} in all", some.rows),
                        kPrefillConsequence, kPrefillRepair));
  }
  if (surplus.sequences > 0) {
    result.findings.push_back(missing_finding(
        surplus, all, Severity::fault,
        fmt::format("have more rows than tokens, {} in all", surplus.rows),
        "Rows that are no tokens enter every count, or the token file is of another log.",
        "Compare the token file with the log."));
  }
  if (last.sequences == 0) return;
  if (record.format == "engine") {
    result.notes.push_back(
        fmt::format("{} sequences have no row for their last token: the engine "
                    "computes none for what it generates last.",
                    last.sequences));
    return;
  }
  result.findings.push_back(missing_finding(
      last, all, Severity::suspect, "have one row less than tokens: the last row is missing",
      "Small, where the last token was generated: an engine computes no routing for it. If it "
      "wasn't, rows and tokens may be shifted by one (L8).",
      "Leave the last token out of what is compared."));
}

// By phase and first position, where the log has them.
void find_missing_prefill(const Record& record, const Sequences& sequences, CheckResult& result) {
  if (!result.findings.empty() || !record.left_out.empty()) return;
  Missing late, decode_only;
  uint64_t prefill_rows = 0, decode_rows = 0;
  for (const Phase phase : record.phase) {
    prefill_rows += phase == Phase::prefill ? 1u : 0u;
    decode_rows += phase == Phase::decode ? 1u : 0u;
  }
  for (size_t s = 0; s < sequences.count(); ++s) {
    const auto rows = sequences.rows(s);
    if (rows.empty()) continue;
    const int32_t first = record.position[rows.front()];
    const bool prefill = std::any_of(rows.begin(), rows.end(), [&](uint32_t row) {
      return record.phase[row] == Phase::prefill;
    });
    const bool decode = record.phase[rows.front()] == Phase::decode;
    if (record.positions_stated && first > 0) {
      late.add(s, static_cast<uint64_t>(first));
    } else if (decode && !prefill) {
      decode_only.add(s, 0);
    }
  }
  if (late.sequences > 0) {
    result.findings.push_back(missing_finding(
        late, sequences.count(), Severity::fault,
        fmt::format("start after position 0, with {} positions before them: prefill is missing",
                    late.rows),
        kPrefillConsequence, kPrefillRepair));
  }
  if (decode_only.sequences > 0 && (prefill_rows > 0 || decode_rows == record.rows)) {
    result.findings.push_back(missing_finding(decode_only, sequences.count(), Severity::fault,
                                              "have rows of decode only: prefill is missing",
                                              kPrefillConsequence, kPrefillRepair));
  }
}

// Layers without rows that others have.
void find_layer_gaps(const CheckInput& input, const Sequences& sequences, CheckResult& result) {
  const Record& record = input.record;
  Finding finding;
  uint64_t absent = 0;
  std::vector<uint8_t> anywhere(record.rows, 0);  // whether some layer has the row
  for (const LayerLog& log : record.layers) {
    for (uint32_t row = 0; row < record.rows; ++row) {
      if (anywhere[row] == 0 && recorded(record.ids(log, row))) anywhere[row] = 1;
    }
  }
  for (size_t at = 0; at < record.layers.size(); ++at) {
    const LayerLog& log = record.layers[at];
    if (input.census.rows[at] == record.rows) continue;
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < record.rows; ++row) {
      if (anywhere[row] != 0 && !recorded(record.ids(log, row))) rows.push_back(row);
    }
    if (rows.empty()) continue;
    // llama.cpp computes the last layer in prefill for the token whose logits are wanted.
    bool last_of_prefill = at + 1 == record.layers.size() && input.census.rows[at] > 0;
    for (const uint32_t row : rows) {
      last_of_prefill = last_of_prefill && record.phase[row] == Phase::prefill;
    }
    for (size_t s = 0; last_of_prefill && s < sequences.count(); ++s) {
      uint32_t last = record.rows;
      for (const uint32_t row : sequences.rows(s)) {
        if (record.phase[row] == Phase::prefill) last = row;
      }
      last_of_prefill = last == record.rows || recorded(record.ids(log, last));
    }
    if (last_of_prefill) {
      result.notes.push_back(fmt::format(
          "Layer {} has {} prefill rows less than the others: llama.cpp computes the last layer "
          "for the tokens whose logits are asked for.",
          log.layer, rows.size()));
      continue;
    }
    absent += rows.size();
    finding.layers.push_back(log.layer);
    finding.rows = merged(std::move(finding.rows), ranges_of(rows));
  }
  if (finding.layers.empty()) return;
  finding.found = fmt::format("{} choices are missing at {}, where other layers have them", absent,
                              layers_text(finding.layers));
  finding.evidence = {{"choices", absent}};
  finding.consequence = "Layers are counted over different tokens: they can't be compared.";
  finding.repair = "Leave the rows out at all layers.";
  finding.removable = count_rows(finding.rows) < record.rows;
  result.findings.push_back(std::move(finding));
}

}  // namespace

CheckResult check_row_counts(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  const Sequences sequences{rows_by_sequence(record)};
  compare_lengths(record, sequences, result);
  find_missing_prefill(record, sequences, result);
  find_layer_gaps(input, sequences, result);
  const bool phases = std::any_of(record.phase.begin(), record.phase.end(),
                                  [](Phase phase) { return phase != Phase::unknown; });
  if (result.findings.empty() && record.sequence_tokens.empty() && !record.positions_stated &&
      !phases) {
    result.not_checked = "needs --tokens, positions or phases";
  }
  return result;
}

CheckResult check_phases(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  if (!record.positions_stated) {
    result.not_checked = "needs positions";
    return result;
  }
  const Sequences sequences{rows_by_sequence(record)};
  const bool gaps_are_known = !record.left_out.empty();
  std::vector<uint32_t> breaks;
  uint64_t concerned = 0;
  bool stated = false;
  for (size_t s = 0; s < sequences.count(); ++s) {
    const auto rows = sequences.rows(s);
    bool prefill = false, decode = false, unknown = false;
    for (const uint32_t row : rows) {
      prefill |= record.phase[row] == Phase::prefill;
      decode |= record.phase[row] == Phase::decode;
      unknown |= record.phase[row] == Phase::unknown;
    }
    if (!(prefill && decode) && !unknown) continue;
    const size_t before = breaks.size();
    for (size_t i = 1; i < rows.size(); ++i) {
      const int64_t step =
          int64_t{record.position[rows[i]]} - int64_t{record.position[rows[i - 1]]};
      if (step == 1 || (gaps_are_known && step > 1)) continue;
      breaks.push_back(rows[i]);
    }
    if (breaks.size() == before) continue;
    ++concerned;
    stated = stated || (prefill && decode);
  }
  if (breaks.empty()) return result;
  std::sort(breaks.begin(), breaks.end());
  Finding finding;
  finding.severity = stated ? Severity::fault : Severity::suspect;
  finding.rows = ranges_of(breaks);
  finding.found = fmt::format(
      "positions of {} of {} sequences don't ascend by one, at {} rows, first at row {}: {}",
      concerned, sequences.count(), breaks.size(), breaks.front(),
      stated ? "prefill and decode are mixed" : "rows of several passes are mixed");
  finding.evidence = {{"sequences", concerned},
                      {"breaks", breaks.size()},
                      {"first_row", breaks.front()},
                      {"phases_stated", stated}};
  finding.consequence =
      "Neighbouring rows are no neighbouring tokens: overlap, runs and whatever looks at the token "
      "before are wrong. Counts and entropy stay right.";
  finding.repair = "Record a name of each sequence and the position in it, and sort by them.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
