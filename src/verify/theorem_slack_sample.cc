// theorem_slack's sample: which windows, positions and rows the seed and the parameters give.
#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "verify/theorem_slack.h"

namespace rg::verify::slack {
namespace {

constexpr int64_t kMostContexts = 64, kMostPositions = 1024, kMostQueries = 64;

// Checked by the header.
uint64_t data_seed(const Case& c) {
  const At seed = (c.root / "data") / "seed";
  return seed.value->large_integer() ? seed.value->large()
                                     : static_cast<uint64_t>(seed.value->integer());
}

std::vector<uint32_t> windows_of(const Case& c, int64_t contexts) {
  const auto n = static_cast<uint32_t>(c.header.n_windows);
  const auto count = static_cast<uint32_t>(std::min<int64_t>(contexts, n));
  std::vector<uint32_t> windows = draw_subset(n, count, data_seed(c), Purpose::key_positions, n, 0);
  std::sort(windows.begin(), windows.end());
  return windows;
}

std::vector<int64_t> query_positions_of(int64_t positions, int64_t queries) {
  const int64_t last = positions - 1;
  const int64_t count = std::min(queries, last);
  std::vector<int64_t> result;
  for (int64_t i = count - 1; i >= 0; --i) result.push_back(last - i * last / count);
  return result;
}

template <typename Integer>
void check_integers(const Case& c, const At& at, const std::vector<Integer>& expected) {
  if (!c.inspect.is(at, Kind::array)) return;
  const Array& values = at.value->array();
  if (values.size() != expected.size()) {
    c.inspect.invalid(
        Check::token_sample, at.path,
        fmt::format("holds {} numbers, the parameters give {}", values.size(), expected.size()));
    return;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", at.path, i);
    const auto found = c.inspect.integer({&values[i], place}, 0, kMaxExactInteger);
    if (!found) return;
    if (*found == static_cast<int64_t>(expected[i])) continue;
    c.inspect.invalid(Check::token_sample, place,
                      fmt::format("found {}, the parameters give {}", *found, expected[i]));
    return;
  }
}

void check_integer(const Case& c, const At& at, int64_t expected) {
  const auto found = c.inspect.integer(at, 0, kMaxExactInteger);
  if (!found || *found == expected) return;
  c.inspect.invalid(Check::token_sample, at.path,
                    fmt::format("found {}, the parameters give {}", *found, expected));
}

}  // namespace

Sample read_sample(const Case& c) {
  Inspector& inspect = c.inspect;
  Sample sample;
  const At at = inspect.need(c.root, "sample");
  if (!inspect.is(at, Kind::object)) return sample;
  const auto contexts = inspect.integer(inspect.need(at, "contexts"), 1, kMostContexts);
  const auto longest = inspect.integer(inspect.need(at, "context_positions"), 2, kMostPositions);
  const auto queries = inspect.integer(inspect.need(at, "context_queries"), 1, kMostQueries);
  if (!contexts || !longest || !queries) return sample;
  sample.windows = windows_of(c, *contexts);
  sample.positions = std::min<int64_t>(*longest, c.header.seq_len);
  sample.query_positions = query_positions_of(sample.positions, *queries);
  check_integers(c, inspect.need(at, "windows"), sample.windows);
  check_integer(c, inspect.need(at, "positions"), sample.positions);
  check_integers(c, inspect.need(at, "query_positions"), sample.query_positions);
  check_integer(c, inspect.need(at, "rows"), sample.rows());

  std::vector<int64_t> rows(c.header.n_windows, 0);
  for (const uint32_t window : sample.windows) rows[window] = sample.positions;
  const At per_window = inspect.need(c.root, "per_window");
  if (inspect.is(per_window, Kind::object)) {
    check_integers(c, inspect.need(per_window, "rows"), rows);
  }
  return sample;
}

}  // namespace rg::verify::slack
