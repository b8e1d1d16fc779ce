// Readers of routing logs: one file each, one explicit list. A reader turns the bytes of one file
// into a record or refuses it (LG errors, exit code 6); it allocates in proportion to what it read.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logs/array.h"
#include "logs/model_facts.h"
#include "logs/record.h"

namespace rg::logs {

// Which of the two comes first in an array of both.
enum class AxisOrder { tokens_layers, layers_tokens };

struct ReadOptions {
  std::string format = {};                         // a reader's name; empty: the first that accepts
  std::map<std::string, std::string> fields = {};  // what a field is called: ids -> "topk_ids"
  std::optional<std::vector<int>> layers = {};     // the model's layers that places stand for
  std::optional<ModelFacts> model = {};
  std::optional<uint32_t> top_k = {}, experts = {};
  std::optional<AxisOrder> axes = {};
  int threads = 1;
};

// The fields that --field can name. Each has names that are tried without it (default_names).
enum class Field { ids, weights, logits, layer, sequence, position, token, phase };
std::string_view name(Field field) noexcept;
std::optional<Field> field_from_name(std::string_view name) noexcept;
std::string field_list();  // "ids, weights, ..."

// One file's content. `path` finds what belongs to it (routing.json); empty for bytes alone.
struct Source {
  std::string name;  // for messages
  std::filesystem::path path = {};
  std::span<const std::byte> bytes;

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

struct Reader {
  std::string_view name;  // for --format
  std::string_view says;  // what it reads, for --help
  bool (*accepts)(const Source& source, const ReadOptions& options);
  Record (*read)(const Source& source, const ReadOptions& options);
};

std::span<const Reader> readers();  // most particular first

// The log that these bytes are; `format` and `sources` are set. LG errors.
Record read_log(const Source& source, const ReadOptions& options);
// Of a file, or of routing.safetensors in a folder. Also IO errors.
Record read_log_file(const std::filesystem::path& path, const ReadOptions& options);

// --- for readers ---

// Names that a field may have, best first: the one that the caller declared, or the usual ones.
std::vector<std::string> names_of(Field field, const ReadOptions& options);
// The array under one of these names; null if there is none.
const Array* find_array(std::span<const Array> arrays, const std::vector<std::string>& names);

// The layers of the model that the places of an array stand for; none for a place without a gate
// or of a speculative-decoding layer. By --layers, else by the model, else by place (a note says
// so). LG007 where the numbers don't fit.
std::vector<std::optional<int>> layers_of_places(size_t places, const ReadOptions& options,
                                                 const std::string& file,
                                                 std::vector<std::string>& notes);
// The same for layers that the log numbers itself: a number must be a layer with a gate, or, with
// --layers, a place in that list. LG007.
void name_stated_layers(Record& record, const ReadOptions& options, const std::string& file);

// Places of a list without names filled in: (rows,k) per layer from one array.
struct ArraySet {
  const Array* ids = nullptr;
  const Array* weights = nullptr;  // of the same shape, or null
  const Array* logits = nullptr;   // E in place of k, or null
  const Array* tokens = nullptr;   // (rows), or null; likewise
  const Array* sequence = nullptr;
  const Array* position = nullptr;
};
Record record_of_arrays(const ArraySet& arrays, const ReadOptions& options,
                        const std::string& file);

// Sequences that the log doesn't tell apart: one, with positions from 0. Whatever is set stays.
void fill_rows(Record& record);
// Of weights stored as 32-bit numbers or text that were rounded earlier: bf16, f16, or so many
// decimals. `stored`: the epsilon of the storage.
float weight_epsilon(const Record& record, float stored);

// Raw, probabilities or weights: by the rows of a layer's logits (columns E), k non-zero for
// weights. LG009 if rows are of different kinds.
LogitsKind kind_of_logits(std::span<const float> logits, uint32_t columns,
                          std::optional<uint32_t> k, const std::string& file,
                          const std::string& what);
// Choice and weights of every layer from its logits. LG011 where k is unknown, or the gate has what
// logits don't tell: a selection bias.
void choose_by_logits(Record& record, const ReadOptions& options, const std::string& file);

}  // namespace rg::logs
