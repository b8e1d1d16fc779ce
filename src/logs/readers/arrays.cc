// From arrays to a record: what the readers of .npy, safetensors and servers' answers share.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

// Rows, layers, columns of an array of ids. Of two axes there is one layer. With a model, its
// numbers of layers say which of the first two axes they are; a tie goes to tokens first.
Axes axes_of_ids(const Array& ids, const ReadOptions& options, const std::string& file) {
  if (ids.shape.size() == 2) return {0, std::nullopt, 1};
  if (ids.shape.size() != 3) {
    refuse(ErrorId::LG004, file, ids.name, describe(ids),
           "ids of (tokens, layers, k), or (tokens, k) for one layer");
  }
  return options.axes == AxisOrder::layers_tokens ? Axes{1, 0, 2} : Axes{0, 1, 2};
}

std::vector<int32_t> row_values(const Array& array, uint64_t rows, const std::string& file) {
  if (array.elements() != rows || !is_integer(array.storage)) {
    refuse(ErrorId::LG008, file, array.name, describe(array),
           fmt::format("one integer for each of the {} rows", rows));
  }
  return to_int32(array, file);
}

}  // namespace

Record record_of_arrays(const ArraySet& arrays, const ReadOptions& options,
                        const std::string& file) {
  const Array& ids = *arrays.ids;
  const Axes axes = axes_of_ids(ids, options, file);
  const uint64_t rows = ids.shape[axes.rows], columns = ids.shape[axes.columns];
  const uint64_t places = axes.layers ? ids.shape[*axes.layers] : 1;
  if (!is_integer(ids.storage)) {
    refuse(ErrorId::LG004, file, ids.name, describe(ids), "integers: ids of experts");
  }
  if (rows == 0 || rows >= kMaxRows || columns == 0 || columns > kMaxColumns) {
    refuse(ErrorId::LG010, file, ids.name, describe(ids),
           fmt::format("1 to {} rows of 1 to {} ids", kMaxRows - 1, kMaxColumns),
           "Is the order of the axes another? See --axes.");
  }
  if (arrays.weights != nullptr && arrays.weights->shape != ids.shape) {
    refuse(ErrorId::LG008, file, arrays.weights->name, describe(*arrays.weights),
           "a weight for every id: " + describe(ids));
  }
  Record record;
  const auto layers = layers_of_places(places, options, file, record.notes);
  std::vector<std::vector<float>> logits(places);
  if (arrays.logits != nullptr) {
    const Array& from = *arrays.logits;
    if (from.shape.size() != ids.shape.size() || is_integer(from.storage) ||
        from.shape[axes.rows] != rows || from.shape[axes.columns] == 0 ||
        from.shape[axes.columns] > (1u << 20) ||
        (axes.layers && from.shape[*axes.layers] != places)) {
      refuse(ErrorId::LG008, file, from.name, describe(from),
             "logits for every row and layer of " + describe(ids));
    }
    record.logit_columns = record.experts = static_cast<uint32_t>(from.shape[axes.columns]);
    logits = split_layers_float(from, axes, options.threads);
    record.logits_kind = kind_of_logits(logits[0], record.logit_columns,
                                        static_cast<uint32_t>(columns), file, "the first layer");
  }
  record.rows = static_cast<uint32_t>(rows);
  record.k = static_cast<uint32_t>(columns);
  auto split = split_layers_int(ids, axes, options.threads, file);
  std::vector<std::vector<float>> weights(places);
  if (arrays.weights != nullptr) {
    weights = split_layers_float(*arrays.weights, axes, options.threads);
  }
  for (size_t place = 0; place < places; ++place) {
    if (!layers[place]) continue;
    record.layers.push_back({.layer = *layers[place],
                             .ids = std::move(split[place]),
                             .weights = std::move(weights[place]),
                             .logits = std::move(logits[place])});
  }
  std::sort(record.layers.begin(), record.layers.end(),
            [](const LayerLog& a, const LayerLog& b) { return a.layer < b.layer; });
  for (size_t i = 1; i < record.layers.size(); ++i) {
    if (record.layers[i - 1].layer == record.layers[i].layer) {
      refuse(ErrorId::LG007, file, "--layers", fmt::format("{} twice", record.layers[i].layer),
             "every layer once");
    }
  }
  if (ids.storage == Storage::i8) record.stated["ids_storage"] = "int8";
  if (arrays.tokens != nullptr) record.tokens = row_values(*arrays.tokens, rows, file);
  if (arrays.sequence != nullptr) {
    record.sequence = row_values(*arrays.sequence, rows, file);
    number_by_appearance(record.sequence);
  }
  if (arrays.position != nullptr) {
    record.position = row_values(*arrays.position, rows, file);
    record.positions_stated = true;
  }
  fill_rows(record);
  if (arrays.weights != nullptr) {
    record.weight_epsilon = weight_epsilon(record, epsilon_of(arrays.weights->storage));
  }
  return record;
}

void fill_rows(Record& record) {
  if (record.sequence.empty()) record.sequence.assign(record.rows, 0);
  if (record.phase.empty()) record.phase.assign(record.rows, Phase::unknown);
  if (!record.position.empty()) return;
  std::vector<int32_t> next(record.sequences(), 0);
  record.position.resize(record.rows);
  for (size_t row = 0; row < record.rows; ++row) {
    record.position[row] = next[static_cast<size_t>(record.sequence[row])]++;
  }
}

float weight_epsilon(const Record& record, float stored) {
  if (stored > std::numeric_limits<float>::epsilon()) return stored;  // bf16 or f16 already
  constexpr size_t kSample = 1 << 16, kFewest = 16;
  size_t all = 0;
  for (const LayerLog& log : record.layers) all += log.weights.size();
  const size_t step = all / kSample | 1;  // odd, so that every column has its turn
  std::vector<float> sample;
  for (const LayerLog& log : record.layers) {
    for (size_t i = 0; i < log.weights.size(); i += step) {
      const float weight = log.weights[i];
      if (std::isfinite(weight) && weight > 0 && weight != 1) sample.push_back(weight);
    }
  }
  std::sort(sample.begin(), sample.end());
  sample.erase(std::unique(sample.begin(), sample.end()), sample.end());
  if (sample.size() < kFewest) return stored;
  const auto all_have_zero_bits = [&](uint32_t mask) {
    return std::all_of(sample.begin(), sample.end(),
                       [&](float w) { return (std::bit_cast<uint32_t>(w) & mask) == 0; });
  };
  if (all_have_zero_bits(0xffff)) return epsilon_of(Storage::bf16);
  if (all_have_zero_bits(0x1fff)) return epsilon_of(Storage::f16);
  // Decimals (round(w, 4)), then significant digits ("%.6g").
  const auto all_whole = [&](auto scale_of) {
    return std::all_of(sample.begin(), sample.end(), [&](float w) {
      const double scaled = double{w} * scale_of(w);
      return std::abs(scaled - std::nearbyint(scaled)) < 1e-7 * scaled + 1e-9;
    });
  };
  for (int digits = 1; digits <= 6; ++digits) {
    const double unit = std::pow(10.0, digits);
    if (all_whole([&](float) { return unit; })) return static_cast<float>(1 / unit);
  }
  for (int digits = 2; digits <= 6; ++digits) {
    const auto scale_of = [&](float w) {
      return std::pow(10.0, digits - 1 - std::floor(std::log10(double{w})));
    };
    if (all_whole(scale_of)) return static_cast<float>(std::pow(10.0, -digits));
  }
  return stored;
}

}  // namespace rg::logs
