#include "slack/measure.h"

#include "base/error.h"
#include "base/parallel.h"

namespace rg::slack {
namespace {

std::vector<Row> empty_rows(std::span<const TheoremCheck> checks) {
  std::vector<Row> rows;
  for (const TheoremCheck& check : checks) rows.emplace_back(check.quantities);
  return rows;
}

// Every candidate is a case or skipped: a check that forgets some is a bug.
void check_candidates(const TheoremCheck& check, const LayerFacts& layer,
                      const std::vector<Found>& found) {
  for (size_t q = 0; q < found.size(); ++q) {
    check_internal(found[q].cases + found[q].skipped == candidates(check.quantities[q].unit, layer),
                   std::string(check.id) + " sees or skips every candidate");
  }
}

}  // namespace

std::vector<TheoremFound> measure_layer(std::span<const TheoremCheck> checks,
                                        const LayerFacts& layer, const GateSample& gate,
                                        const std::function<HeadSample(uint32_t head)>& head,
                                        int threads) {
  std::vector<TheoremFound> out(checks.size());
  for (size_t i = 0; i < checks.size(); ++i) {
    out[i].why_not = checks[i].why_not(layer).value_or("");
  }
  std::vector<Row> rows = empty_rows(checks);
  const uint32_t heads = layer.keys ? layer.keys->kv_heads : 0;
  std::vector<std::vector<Row>> of_heads(heads);
  parallel_for(heads, threads, [&](size_t h, int) {
    const HeadSample sample = head(static_cast<uint32_t>(h));
    of_heads[h] = empty_rows(checks);
    for (size_t i = 0; i < checks.size(); ++i) {
      if (checks[i].of_head == nullptr || !out[i].why_not.empty()) continue;
      checks[i].of_head(sample, of_heads[h][i]);
    }
  });
  for (size_t i = 0; i < checks.size(); ++i) {
    if (!out[i].why_not.empty()) continue;
    for (const std::vector<Row>& later : of_heads) rows[i].append(later[i]);
    if (checks[i].of_gate != nullptr) checks[i].of_gate(gate, rows[i]);
    if (checks[i].of_layer != nullptr) checks[i].of_layer(layer, rows[i]);
    out[i].found = rows[i].found();
    check_candidates(checks[i], layer, out[i].found);
  }
  return out;
}

}  // namespace rg::slack
