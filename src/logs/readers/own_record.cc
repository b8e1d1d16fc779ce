// routing.safetensors and routing.json, as write_record() leaves them (logs/record_file.h), and the
// file of `routegauge trace`, whose tensors have the same names but (windows, seq) tokens and a
// (k+1)-th expert (app/trace_tensors.h).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "base/file.h"
#include "logs/readers/all.h"
#include "logs/record_file.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr uint64_t kMaxFacts = uint64_t{256} << 20;

struct LayerArrays {
  const Array* ids = nullptr;
  const Array* weights = nullptr;
  const Array* logits = nullptr;
};

// "layers.12.topk_ids" -> 12 and "topk_ids".
std::optional<std::pair<int, std::string_view>> split_name(std::string_view name) {
  constexpr std::string_view kPrefix = "layers.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  int layer = -1;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), layer);
  const size_t digits = static_cast<size_t>(end - name.data());
  if (failure != std::errc() || layer < 0 || digits >= name.size() || name[digits] != '.') {
    return std::nullopt;
  }
  return std::pair(layer, name.substr(digits + 1));
}

std::map<int, LayerArrays> layers_of(std::span<const Array> arrays) {
  std::map<int, LayerArrays> layers;
  for (const Array& array : arrays) {
    const auto parts = split_name(array.name);
    if (!parts) continue;
    if (parts->second == "topk_ids") layers[parts->first].ids = &array;
    if (parts->second == "topk_weights") layers[parts->first].weights = &array;
    if (parts->second == "router_logits") layers[parts->first].logits = &array;
  }
  return layers;
}

const Array* named(std::span<const Array> arrays, std::string_view name) {
  const auto at = std::find_if(arrays.begin(), arrays.end(),
                               [&](const Array& array) { return array.name == name; });
  return at == arrays.end() ? nullptr : &*at;
}

bool has_layers(const Source& source) {
  if (!looks_like_safetensors(source.bytes)) return false;
  const std::vector<Array> arrays = parse_safetensors(source.bytes, source.name);
  return std::any_of(arrays.begin(), arrays.end(), [](const Array& array) {
    const auto parts = split_name(array.name);
    return parts && (parts->second == "topk_ids" || parts->second == "router_logits");
  });
}

size_t rank_of(const Source& source, std::string_view tensor) {
  const std::vector<Array> arrays = parse_safetensors(source.bytes, source.name);
  const Array* array = named(arrays, tensor);
  return array == nullptr ? 0 : array->shape.size();
}

// An array of two axes whose first has the log's rows.
const Array& table(const Array& array, uint64_t rows, const std::string& file) {
  if (array.shape.size() != 2 || array.shape[0] != rows) {
    refuse(ErrorId::LG004, file, array.name, describe(array), fmt::format("[{}, ...]", rows));
  }
  return array;
}

// What both forms share. `extra`: 1 if the ids have a column after the k-th.
Record read_layers(std::span<const Array> arrays, uint64_t rows, uint64_t extra,
                   const ReadOptions& options, const std::string& file) {
  const std::map<int, LayerArrays> layers = layers_of(arrays);
  if (rows == 0 || rows >= kMaxRows || layers.size() > kMaxLayers) {
    refuse(ErrorId::LG010, file, "", fmt::format("{} rows of {} layers", rows, layers.size()),
           fmt::format("1 to {} rows of up to {} layers", kMaxRows - 1, kMaxLayers));
  }
  Record record;
  record.rows = static_cast<uint32_t>(rows);
  const bool any_ids = std::any_of(layers.begin(), layers.end(),
                                   [](const auto& entry) { return entry.second.ids != nullptr; });
  for (const auto& [layer, from] : layers) {
    if (from.logits != nullptr) {
      const Array& logits = table(*from.logits, rows, file);
      if (record.logit_columns == 0) {
        record.logit_columns = static_cast<uint32_t>(std::min<uint64_t>(logits.shape[1], 1 << 20));
      }
      if (logits.shape[1] != record.logit_columns || record.logit_columns == 0) {
        refuse(ErrorId::LG004, file, logits.name, describe(logits),
               fmt::format("{} logits per row, as in the other layers", record.logit_columns));
      }
    }
    if (!any_ids) continue;
    if (from.ids == nullptr) {
      refuse(ErrorId::LG004, file, fmt::format("layers.{}.topk_ids", layer), "no such tensor",
             "ids of every layer, or of none");
    }
    const Array& ids = table(*from.ids, rows, file);
    if (!is_integer(ids.storage) || ids.shape[1] <= extra || ids.shape[1] > kMaxColumns + extra) {
      refuse(ErrorId::LG004, file, ids.name, describe(ids),
             fmt::format("integers, up to {} per row", kMaxColumns));
    }
    const auto k = static_cast<uint32_t>(ids.shape[1] - extra);
    if (record.k == 0) record.k = k;
    if (k != record.k) {
      refuse(ErrorId::LG004, file, ids.name, describe(ids),
             fmt::format("{} ids per row, as in the other layers", record.k));
    }
    if (from.weights != nullptr && table(*from.weights, rows, file).shape[1] != record.k) {
      refuse(ErrorId::LG004, file, from.weights->name, describe(*from.weights),
             fmt::format("{} weights per row", record.k));
    }
  }
  for (const auto& [layer, from] : layers) {
    LayerLog log{.layer = layer};
    if (from.ids != nullptr) {
      auto split = split_layers_int(*from.ids, {0, std::nullopt, 1}, 1, file);
      if (extra == 0) {
        log.ids = std::move(split[0]);
      } else {
        log.ids.resize(rows * record.k);
        for (uint64_t row = 0; row < rows; ++row) {
          std::copy_n(split[0].begin() + static_cast<ptrdiff_t>(row * (record.k + extra)), record.k,
                      log.ids.begin() + static_cast<ptrdiff_t>(row * record.k));
        }
      }
    }
    if (any_ids && from.weights != nullptr) log.weights = to_float(*from.weights);
    if (from.logits != nullptr) log.logits = to_float(*from.logits);
    record.layers.push_back(std::move(log));
  }
  if (record.logit_columns > 0) {
    record.experts = record.logit_columns;
    for (const LayerLog& log : record.layers) {
      if (log.logits.empty()) continue;
      record.logits_kind = kind_of_logits(log.logits, record.logit_columns,
                                          record.k > 0 ? std::optional(record.k) : options.top_k,
                                          file, fmt::format("layer {}", log.layer));
      break;
    }
  }
  if (!any_ids) choose_by_logits(record, options, file);
  return record;
}

std::vector<int32_t> row_tensor(std::span<const Array> arrays, std::string_view name, uint64_t rows,
                                const std::string& file) {
  const Array* array = named(arrays, name);
  if (array == nullptr) return {};
  if (array->elements() != rows || !is_integer(array->storage)) {
    refuse(ErrorId::LG008, file, array->name, describe(*array),
           fmt::format("one integer for each of the {} rows", rows));
  }
  return to_int32(*array, file);
}

}  // namespace

bool accepts_own_record(const Source& source, const ReadOptions&) {
  return has_layers(source) && rank_of(source, "tokens") < 2;
}

Record read_own_record(const Source& source, const ReadOptions& options) {
  const std::vector<Array> arrays = parse_safetensors(source.bytes, source.name);
  const std::map<int, LayerArrays> layers = layers_of(arrays);
  if (layers.empty()) {
    refuse(ErrorId::LG001, source.name, "", "no tensor layers.N.topk_ids", "a routing log");
  }
  const LayerArrays& first = layers.begin()->second;
  const Array* sample = first.ids != nullptr ? first.ids : first.logits;
  if (sample == nullptr || sample->shape.empty()) {
    refuse(ErrorId::LG004, source.name, "", "no layers.N.topk_ids", "ids of every layer");
  }
  const uint64_t rows = sample->shape[0];
  Record record = read_layers(arrays, rows, 0, options, source.name);
  record.tokens = row_tensor(arrays, "tokens", rows, source.name);
  record.sequence = row_tensor(arrays, "sequence", rows, source.name);
  number_by_appearance(record.sequence);
  record.position = row_tensor(arrays, "position", rows, source.name);
  record.positions_stated = !record.position.empty();
  const std::filesystem::path facts = source.path.parent_path() / kRecordFacts;
  std::error_code ignored;
  if (!source.path.empty() && source.path.filename() == kRecordTensors &&
      std::filesystem::exists(facts, ignored)) {
    read_record_facts(read_whole_file(facts, kMaxFacts), facts.string(), record);
  } else if (record.has_weights()) {
    record.weight_epsilon = weight_epsilon(record, std::numeric_limits<float>::epsilon());
  }
  fill_rows(record);
  name_stated_layers(record, options, source.name);
  return record;
}

bool accepts_trace(const Source& source, const ReadOptions&) {
  return has_layers(source) && rank_of(source, "tokens") == 2;
}

Record read_trace(const Source& source, const ReadOptions& options) {
  const std::vector<Array> arrays = parse_safetensors(source.bytes, source.name);
  const Array* tokens = named(arrays, "tokens");
  if (tokens == nullptr || tokens->shape.size() != 2 || !is_integer(tokens->storage) ||
      layers_of(arrays).empty()) {
    refuse(ErrorId::LG001, source.name, "tokens", tokens == nullptr ? "none" : describe(*tokens),
           "integers (windows, seq) and layers.N.topk_ids, as routegauge trace writes them");
  }
  const uint64_t rows = tokens->elements(), length = tokens->shape[1];
  Record record = read_layers(arrays, rows, 1, options, source.name);
  record.tokens = to_int32(*tokens, source.name);
  record.sequence.resize(rows);
  record.position.resize(rows);
  for (uint64_t row = 0; row < rows; ++row) {
    record.sequence[row] = static_cast<int32_t>(row / length);
    record.position[row] = static_cast<int32_t>(row % length);
  }
  record.positions_stated = true;
  record.phase.assign(rows, Phase::prefill);
  name_stated_layers(record, options, source.name);
  return record;
}

}  // namespace rg::logs
