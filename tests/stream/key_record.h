// A pass that keeps everything that observers are shown of queries, keys and values.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "family_golden.h"

namespace rg::stream {

struct KeyLayer {
  tap::KeyView view;  // its spans are of the ones below
  std::vector<float> frequencies, long_frequencies, input_gain;
  std::vector<float> projection;  // empty unless asked for
  // Rows of the whole set, (rows, .), by name: "input", "queries.normed", "latent" and so on.
  // Without what is null, and without a step that is the same pointer as the step before.
  std::map<std::string, std::vector<float>> rows;
};

struct KeyRecord {
  std::map<int, KeyLayer> layers;
  std::map<int, std::string> mixers_without;        // layers without keys
  std::map<int, std::vector<float>> router_logits;  // (rows, E), of layers with a gate
  std::map<int, std::vector<int32_t>> ranked;       // (rows, k+1)
  std::vector<std::string> calls;                   // "begin_keys 0" and so on, in order
  Plan plan;
};

struct Asks {
  bool keys = true, key_projection = false;
  uint64_t held_key_rows = 0, held_query_rows = 0, held_value_rows = 0;
};

// `others`: further sets that the pass carries and nobody watches.
KeyRecord record_keys(const formats::Checkpoint& checkpoint, const model::Model& model,
                      const tap::SequenceSet& set, const How& how, const Asks& asks = {},
                      const std::vector<const tap::SequenceSet*>& others = {});

// One line per tensor of a keys.safetensors (recipes/golden/keys.py) that differs from the record's
// first rows by more than kParity, or that only one of the two has.
std::vector<std::string> key_violations(const KeyRecord& record,
                                        const test::SafetensorsFile& expected);

// A golden checkpoint with a keys.safetensors; `name` is its folder in tests/data.
struct KeyGolden {
  explicit KeyGolden(const std::string& name)
      : folder(std::filesystem::path(RG_TEST_DATA) / name),
        checkpoint(open_golden(folder / "model")),
        model(model::bind_model(checkpoint)),
        set(golden_sequences(test::SafetensorsFile(folder / "expected.safetensors"), true)),
        expected(folder / "keys.safetensors") {}

  KeyRecord run(const model::Model& changed, const How& how = {}, const Asks& asks = {}) const {
    return record_keys(checkpoint, changed, set, how, asks);
  }

  std::filesystem::path folder;
  formats::Checkpoint checkpoint;
  model::Model model;
  tap::SequenceSet set;
  test::SafetensorsFile expected;
};

}  // namespace rg::stream
