// One pass over the layers that serves every observer: all sequences go through layer L before
// layer L+1 is read; each weight byte is read once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "kernels/product.h"
#include "model/model.h"
#include "stream/intervention.h"
#include "stream/ledger.h"
#include "tap/tap.h"

namespace rg::stream {

using kernels::Compute;
enum class NonFinite { stop, record };

// bf16 iff the CPU (and RG_MAX_ISA) has AVX512_BF16. `requested` is auto, bf16 or f32;
// bf16 elsewhere is RT003.
Compute choose_compute(const std::string& requested);
// Applies RG_MAX_ISA (avx2) to oneDNN and to our own kernels; call once, before anything else.
void apply_isa_limit();
struct Profile {
  std::string isa, compute, onednn;
};
Profile numeric_profile(Compute compute);

// Another checkpoint whose gates are evaluated on the gate inputs of the pass (other_gates.h).
struct OtherModel {
  const formats::Checkpoint* checkpoint;
  const model::Model* model;
  std::string name;  // in messages
};

class FinalStates;
// Another checkpoint whose logits at the same tokens observers see beside this pass's own: from the
// states that the pass over it kept.
struct ReferenceModel {
  const formats::Checkpoint* checkpoint;
  const model::Model* model;
  const FinalStates* states;
  std::string name;  // in messages
};

struct Settings {
  Compute compute = Compute::f32;
  int threads = 1;
  size_t block_windows = 0;              // 0: chosen by the plan
  std::optional<uint64_t> memory_bytes;  // budget; none: the machine's available memory
  NonFinite nonfinite = NonFinite::stop;
  std::filesystem::path spill_folder;  // where hidden states go when they must
  std::optional<int> last_layer;       // later ones are neither read nor computed; none: all
  double disk_bytes_per_s = 1.0e9;     // the plan's assumption
  std::optional<double> flops_per_s;   // none: one product timed for half a second
  // Benchmarks only: read and pack every slice before the first layer starts, to time the layers
  // alone.
  bool whole_model_first = false;
  std::vector<OtherModel> other_models = {};
  const Intervention* intervention = nullptr;  // null: every gate decides for itself
  // Both only where an observer needs logits.
  FinalStates* keep_final_states = nullptr;      // filled, for passes that compare with this one
  std::optional<ReferenceModel> reference = {};  // whose pass had the same sets and compute type
};

// The layers up to Settings::last_layer, ascending.
std::vector<int> layers_to_run(const model::Model& model, const Settings& settings);

// What a pass will cost, known before a weight is read.
struct Plan {
  struct Line {
    std::string what;
    uint64_t bytes;
  };
  int passes = 1;
  uint64_t read_bytes = 0;            // from the checkpoint, and gates of others
  double flops = 0, extra_flops = 0;  // of the forward pass; of what experiments ask for
  std::vector<Line> memory;           // adds up to peak_bytes
  uint64_t peak_bytes = 0;
  uint64_t budget_bytes = 0;  // limit of peak_bytes, and what set it: "--memory", a limit
  std::string budget_source;
  uint64_t spill_bytes = 0;   // to files, 0 if all stays in memory
  uint64_t kept_bytes = 0;    // of these, what stays for later passes
  std::vector<Line> spilled;  // adds up to spill_bytes
  size_t block_windows = 0;
  uint32_t experts_per_slice = 0;
  size_t slices_in_memory = 2;  // the one computed and those read ahead
  Ledger stores;                // what the pass keeps from step to step, in memory or spilled
  uint64_t output_rows = 0;     // unweighted expert outputs kept at once, if no margins tie
  double expected_seconds = 0;  // by Settings::disk_bytes_per_s and a measured product rate
  double flops_per_s = 0;
};
// RT004 with the table and the smallest fix if no plan fits. ST023 if an observer needs
// a head that the model lacks, RT008 for other models with other gates, RT009 for a reference with
// another vocabulary, US001 for an intervention that doesn't fit model or rows.
Plan make_plan(const model::Model& model, std::span<const tap::SequenceSet* const> sets,
               std::span<tap::Observer* const> observers, const Settings& settings);
// FLOP/s of all threads: one product of tallest_tile() rows, in x out, timed for half a second.
double measure_flops_per_s(uint32_t in, uint32_t out, Compute compute, int threads);

struct TensorDigest {
  const formats::TensorEntry* tensor;
  std::string sha256;
};
// Values of one tensor that are NaN or infinite (NonFinite::record).
struct NonFiniteTensor {
  std::string name;
  uint64_t first, count;  // element index, row-major
  int layer;              // that it belongs to; -1: before the first layer
};
struct PassResult {
  std::vector<TensorDigest> digests;  // of every tensor used, in the order of names
  std::vector<std::vector<TensorDigest>> other_digests;  // of each other model's gates
  std::vector<NonFiniteTensor> nonfinite;                // in the order of names
  std::vector<std::string> notes;
  uint64_t weight_bytes_read = 0;
  double seconds = 0;            // whole
  double layer_seconds = 0;      // in the layers once their weights are packed
  double attention_seconds = 0;  // of these, until the gate has decided for all rows
  double expert_seconds = 0;     // of these, in the expert products
};

PassResult run_pass(const formats::Checkpoint& checkpoint, const model::Model& model,
                    std::span<const tap::SequenceSet* const> sets,
                    std::span<tap::Observer* const> observers, const Settings& settings,
                    const Plan& plan, Progress& progress);

}  // namespace rg::stream
