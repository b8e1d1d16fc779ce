#include "app/recorded_routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/log_facts.h"
#include "base/cores.h"
#include "base/numbers.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"

namespace rg::app {
namespace {

// Sequences must be whole: row i of each is position i.
void require_whole_sequences(const logs::Record& record, const logs::SequenceRows& groups,
                             const std::string& file) {
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    const uint32_t first = groups.first[s];
    for (uint32_t row = first; row < groups.first[s + 1]; ++row) {
      const int32_t position = record.position[groups.order[row]];
      if (position == static_cast<int32_t>(row - first)) continue;
      logs::refuse(ErrorId::LG008, file, fmt::format("sequence {}", s),
                   fmt::format("position {} in row {}", position, row - first),
                   "every token in turn, from position 0 on");
    }
  }
}

// (rows,k) in the order of `rows`.
template <typename T>
std::vector<T> in_order(const std::vector<T>& values, const std::vector<uint32_t>& rows, size_t k) {
  std::vector<T> ordered;
  ordered.reserve(values.size());
  if (values.empty()) return ordered;
  for (const uint32_t row : rows) {
    const auto at = values.begin() + static_cast<ptrdiff_t>(row * k);
    ordered.insert(ordered.end(), at, at + static_cast<ptrdiff_t>(k));
  }
  return ordered;
}

void require_recorded(const lab::RecordedRoutes& routes, int layer,
                      const std::vector<int32_t>& ids) {
  const auto absent = std::find(ids.begin(), ids.end(), logs::kAbsent);
  if (absent == ids.end()) return;
  auto row = static_cast<uint64_t>(absent - ids.begin()) / routes.k;
  size_t sequence = 0;
  while (row >= routes.lengths[sequence]) row -= routes.lengths[sequence++];
  logs::refuse(ErrorId::LG006, routes.source,
               fmt::format("sequence {}, position {}", sequence, row),
               fmt::format("no choice of experts at layer {}", layer),
               fmt::format("{} for each token", counted(routes.k, "expert")));
}

}  // namespace

lab::RecordedRoutes read_recorded_routes(const std::filesystem::path& log, const std::string& model,
                                         int threads) {
  logs::ReadOptions options;
  options.model = log_model_facts(model);
  options.threads = effective_threads(threads);
  logs::Record record = logs::read_log_file(log, options);
  lab::RecordedRoutes routes{
      .source = log.string(), .k = record.k, .lengths = {}, .tokens = {}, .layers = {}};
  if (record.tokens.empty()) {
    logs::refuse(ErrorId::LG006, routes.source, "tokens", "a log without token ids",
                 "the token of every row", "`import --tokens FILE` gives a log its token ids.");
  }
  const logs::SequenceRows groups = logs::rows_by_sequence(record);
  require_whole_sequences(record, groups, routes.source);
  for (size_t s = 0; s + 1 < groups.first.size(); ++s) {
    routes.lengths.push_back(groups.first[s + 1] - groups.first[s]);
  }
  routes.tokens = in_order(record.tokens, groups.order, 1);
  for (logs::LayerLog& layer : record.layers) {
    const int index = layer.layer;
    lab::RecordedLayer& recorded = routes.layers[index];
    recorded.ids = in_order(layer.ids, groups.order, record.k);
    recorded.weights = in_order(layer.weights, groups.order, record.k);
    layer = {};  // one layer twice at a time
    require_recorded(routes, index, recorded.ids);
  }
  return routes;
}

}  // namespace rg::app
