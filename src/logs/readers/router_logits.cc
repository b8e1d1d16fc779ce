// Router logits of transformers (output_router_logits=True), saved by the caller: a tuple with one
// tensor (batch * tokens, E) per layer that returns them, so dense and hash-routed layers are
// missing and places are no layer numbers. Stacked: (layers, tokens, E) as .npy or a tensor
// "router_logits"; or one tensor per place, "router_logits.0", "router_logits_0". Raw in 5.24
// (gemma4: probabilities), probabilities in 5.0, GPT-OSS a table of weights in 4.57
// (modeling_outputs.py, MoeCausalLMOutputWithPast; models/*/modeling_*.py).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "logs/readers/all.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

struct Place {
  size_t place;
  const Array* logits;
};

// "router_logits.3" -> 3 where "router_logits" is one of the names.
std::optional<size_t> place_of(std::string_view tensor, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!tensor.starts_with(name) || tensor.size() < name.size() + 2) continue;
    const std::string_view rest = tensor.substr(name.size() + 1);
    if (tensor[name.size()] != '.' && tensor[name.size()] != '_') continue;
    size_t place = 0;
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), place);
    if (failure == std::errc() && end == rest.data() + rest.size()) return place;
  }
  return std::nullopt;
}

struct Found {
  std::vector<Array> arrays;
  const Array* stacked = nullptr;  // (layers, tokens, E), or (tokens, E)
  std::vector<Place> places;
  const Array* tokens = nullptr;
};

Found find_logits(const Source& source, const ReadOptions& options) {
  Found found;
  if (looks_like_npy(source.bytes)) {
    found.arrays.push_back(parse_npy(source.bytes, source.name));
    if (!is_integer(found.arrays[0].storage)) found.stacked = &found.arrays[0];
    return found;
  }
  if (!looks_like_safetensors(source.bytes)) return found;
  found.arrays = parse_safetensors(source.bytes, source.name);
  const std::vector<std::string> names = names_of(Field::logits, options);
  found.stacked = find_array(found.arrays, names);
  found.tokens = find_array(found.arrays, names_of(Field::token, options));
  if (found.stacked == nullptr) {
    for (const Array& array : found.arrays) {
      if (const auto place = place_of(array.name, names)) found.places.push_back({*place, &array});
    }
    std::sort(found.places.begin(), found.places.end(),
              [](const Place& a, const Place& b) { return a.place < b.place; });
  }
  return found;
}

Axes axes_of_stack(const Array& stack, const ReadOptions& options, const std::string& file) {
  if (stack.shape.size() == 2) return {0, std::nullopt, 1};
  if (stack.shape.size() != 3) {
    refuse(ErrorId::LG004, file, stack.name, describe(stack), "(layers, tokens, E)");
  }
  return options.axes == AxisOrder::tokens_layers ? Axes{0, 1, 2} : Axes{1, 0, 2};
}

// Batches of sequences are stored one after another; (batch, tokens) token ids tell them apart.
void take_tokens(const Array& tokens, Record& record, const std::string& file) {
  if (tokens.elements() != record.rows || !is_integer(tokens.storage)) {
    refuse(ErrorId::LG008, file, tokens.name, describe(tokens),
           fmt::format("a token id for each of the {} rows", record.rows));
  }
  record.tokens = to_int32(tokens, file);
  if (tokens.shape.size() != 2) return;
  record.sequence.resize(record.rows);
  for (uint32_t row = 0; row < record.rows; ++row) {
    record.sequence[row] = static_cast<int32_t>(row / tokens.shape[1]);
  }
}

std::vector<std::vector<float>> logits_by_place(const Found& found, const ReadOptions& options,
                                                const std::string& file, Record& record) {
  uint64_t rows = 0, columns = 0;
  std::vector<std::vector<float>> logits;
  if (found.stacked != nullptr) {
    const Axes axes = axes_of_stack(*found.stacked, options, file);
    rows = found.stacked->shape[axes.rows];
    columns = found.stacked->shape[axes.columns];
    if (!is_integer(found.stacked->storage) && columns > 0 && rows > 0) {
      logits = split_layers_float(*found.stacked, axes, options.threads);
    }
  }
  for (size_t i = 0; i < found.places.size(); ++i) {
    const auto& [place, array] = found.places[i];
    const bool table = array->shape.size() == 2 && !is_integer(array->storage);
    if (i == 0 && table) {
      rows = array->shape[0];
      columns = array->shape[1];
    }
    if (place != i || !table || array->shape[0] != rows || array->shape[1] != columns) {
      refuse(ErrorId::LG004, file, array->name, describe(*array),
             fmt::format("numbers [{}, {}] of place {}", rows, columns, i));
    }
    logits.push_back(to_float(*array));
  }
  if (rows == 0 || rows >= kMaxRows || columns == 0 || columns > (1u << 20) || logits.empty()) {
    refuse(ErrorId::LG004, file, "", fmt::format("{} rows of {} numbers", rows, columns),
           "logits (layers, tokens, E), floating-point");
  }
  record.rows = static_cast<uint32_t>(rows);
  record.logit_columns = record.experts = static_cast<uint32_t>(columns);
  return logits;
}

}  // namespace

bool accepts_router_logits(const Source& source, const ReadOptions& options) {
  const Found found = find_logits(source, options);
  return found.stacked != nullptr || !found.places.empty();
}

Record read_router_logits(const Source& source, const ReadOptions& options) {
  const Found found = find_logits(source, options);
  if (found.stacked == nullptr && found.places.empty()) {
    refuse(ErrorId::LG006, source.name, "", "no router logits", "an array named router_logits",
           "--field logits=NAME says what it is called.");
  }
  Record record;
  std::vector<std::vector<float>> logits = logits_by_place(found, options, source.name, record);
  const auto layers = layers_of_places(logits.size(), options, source.name, record.notes);
  const auto k = options.model ? std::optional<uint32_t>(options.model->gate.top_k) : options.top_k;
  std::optional<LogitsKind> kind;
  for (size_t place = 0; place < logits.size(); ++place) {
    if (!layers[place]) continue;
    const std::string what = fmt::format("layer {}", *layers[place]);
    const LogitsKind here =
        kind_of_logits(logits[place], record.logit_columns, k, source.name, what);
    if (kind && *kind != here) {
      refuse(ErrorId::LG009, source.name, what, std::string(name(here)),
             fmt::format("{}, as in the layers before", name(*kind)),
             "The file was joined from outputs of different versions or models.");
    }
    kind = here;
    record.layers.push_back(
        {.layer = *layers[place], .ids = {}, .logits = std::move(logits[place])});
  }
  std::sort(record.layers.begin(), record.layers.end(),
            [](const LayerLog& a, const LayerLog& b) { return a.layer < b.layer; });
  if (record.layers.empty()) {
    refuse(ErrorId::LG007, source.name, "", "no layer with a gate", "at least one");
  }
  record.logits_kind = *kind;
  if (found.tokens != nullptr) take_tokens(*found.tokens, record, source.name);
  choose_by_logits(record, options, source.name);
  fill_rows(record);
  return record;
}

}  // namespace rg::logs
