// Expert ids as arrays: (tokens, layers, k), or (tokens, k) for one layer.
//   vLLM from 0.21 on: CompletionOutput.routed_experts, prompt_routed_experts; int16, or uint8
//     where ids fit; a place per layer with a gate; the last generated token has no row
//     (docs/training/routed_experts_replay.md of 0.21).
//   SGLang 0.5.16: meta_info["routed_experts"], int32; one place per hidden layer, zeros where a
//     layer is dense (srt/state_capturer/routed_experts.py).
// As numpy.save leaves them, or as tensors of a safetensors file, where weights, logits, token ids,
// sequence and position of the rows may come along.
#include "base/error.h"
#include "logs/readers/all.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

// The arrays of a source; `arrays` keeps them.
ArraySet find_id_arrays(const Source& source, const ReadOptions& options,
                        std::vector<Array>& arrays) {
  ArraySet set;
  if (looks_like_npy(source.bytes)) {
    arrays.push_back(parse_npy(source.bytes, source.name));
    if (is_integer(arrays[0].storage)) set.ids = &arrays[0];
    return set;
  }
  if (!looks_like_safetensors(source.bytes)) return set;
  arrays = parse_safetensors(source.bytes, source.name);
  set.ids = find_array(arrays, names_of(Field::ids, options));
  set.weights = find_array(arrays, names_of(Field::weights, options));
  set.logits = find_array(arrays, names_of(Field::logits, options));
  set.tokens = find_array(arrays, names_of(Field::token, options));
  set.sequence = find_array(arrays, names_of(Field::sequence, options));
  set.position = find_array(arrays, names_of(Field::position, options));
  return set;
}

}  // namespace

bool accepts_id_arrays(const Source& source, const ReadOptions& options) {
  std::vector<Array> arrays;
  return find_id_arrays(source, options, arrays).ids != nullptr;
}

Record read_id_arrays(const Source& source, const ReadOptions& options) {
  std::vector<Array> arrays;
  const ArraySet set = find_id_arrays(source, options, arrays);
  if (set.ids == nullptr) {
    refuse(ErrorId::LG006, source.name, "", "no array of ids", "one named topk_ids",
           "--field ids=NAME says what it is called.");
  }
  return record_of_arrays(set, options, source.name);
}

}  // namespace rg::logs
