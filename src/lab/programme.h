// Passes in order over one or several subjects: what they cost together, then one after another.
//
// A pass that reads what an earlier one left (its last hidden states) finds it in a file, by the
// order of the list.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lab/pass.h"

namespace rg::lab {

// What the passes need together. Memory and the spill file of a pass are free again when it ends,
// but for what it keeps for later passes.
struct Cost {
  int passes = 0;                     // over some model's weights
  uint64_t read_bytes = 0;            // from checkpoints
  double flops = 0, extra_flops = 0;  // of forward passes; of experiments' expert products
  uint64_t peak_bytes = 0;            // of the pass that needs most memory
  uint64_t spill_bytes = 0;           // of the pass that spills most, and all that is kept
  double expected_seconds = 0;
};

// Whether a subject needs its weights.
enum class Purpose {
  run,   // everything
  plan,  // a config.json alone will do, where there are no weights or no tokenizer
};

class Programme {
 public:
  Subject& add(Subject subject);
  // Opens a model and, unless a plan can do without it, its tokenizer.
  Subject& add_reader(const std::string& model, Purpose purpose, bool allow_regex);
  // Samples that `reader` cuts; arguments as of their constructors.
  Samples& add_samples(const Subject& reader, TextSettings settings,
                       const ExperimentSettings& experiments);
  Samples& add_samples(const Subject& reader, const std::filesystem::path& tokens_file);
  // Those of an earlier subject that reads alike, or new ones.
  Samples& samples_for(const Subject& subject, const TextSettings& settings,
                       const ExperimentSettings& experiments);
  // The programme's own subject and samples. Errors of Pass.
  Pass& add(const Subject& subject, const Samples& samples, PassSettings settings);

  // Every pass that has not run yet, in order.
  std::span<const std::unique_ptr<Pass>> passes() const { return passes_; }
  std::span<const std::unique_ptr<Samples>> samples() const { return samples_; }

  void make_plans(const std::filesystem::path& spill_folder);
  Cost cost() const;

  // Runs the passes; `progress` hears of each, if there are several. After each, `take` gets it
  // with its result; then it is freed, with what no later pass needs.
  using TakeResult = std::function<void(Pass& pass, const stream::PassResult& result)>;
  void run(Progress& progress, const TakeResult& take);

 private:
  void drop_what_is_not_needed();

  // In this order: each holds pointers into those above.
  std::vector<std::unique_ptr<Subject>> subjects_;
  std::vector<std::unique_ptr<Samples>> samples_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace rg::lab
