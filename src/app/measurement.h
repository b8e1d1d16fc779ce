// One model's part of a run: everything known before the first weight byte, then the pass.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/inputs.h"
#include "app/options.h"
#include "app/progress_printer.h"
#include "app/prompts.h"
#include "experiments/experiment.h"
#include "stream/pass.h"

namespace rg::app {

enum class Purpose {
  run,   // needs everything
  plan,  // a config.json alone will do, where there are no weights
};

class Measurement {
 public:
  // Opens and checks the model's headers, config and tokenizer. For a plan without weights the
  // tokenizer may be missing as well.
  Measurement(const std::string& model_argument, const RunOptions& options, Purpose purpose);
  Measurement(const Measurement&) = delete;  // experiments point into it
  Measurement& operator=(const Measurement&) = delete;

  // Reads the domains and cuts their windows; token ids that memory should not hold go to
  // `spill_folder` (empty: where temporary files go). CO0xx, RT004.
  void read_texts(ProgressPrinter& progress, const std::filesystem::path& spill_folder);
  // For a plan, which reads no text: of each domain (of one, if none is named) as many windows as
  // were asked for, with all token ids in turn.
  void assume_texts();
  // Makes the experiments and the plan. RT0xx, US003.
  void prepare(const std::filesystem::path& spill_folder);
  stream::PassResult run(ProgressPrinter& progress);

  struct Part {
    const experiments::Declaration* declaration;
    size_t domain;  // index into domains()
    std::unique_ptr<experiments::Experiment> experiment;
  };

  const OpenModel& open() const { return open_; }
  const text::Tokenizer& tokenizer() const { return tokenizer_.value(); }
  const std::vector<text::WindowSet>& domains() const { return windows_; }
  const std::vector<int>& layers() const { return layers_; }
  stream::Compute compute() const { return compute_; }
  const stream::Settings& settings() const { return settings_; }
  const stream::Plan& plan() const { return plan_; }
  std::vector<Part>& parts() { return parts_; }
  // Notes of checkpoint, tokenizer and domains, in that order.
  std::vector<std::string> notes() const;
  // What a plan takes for given without having seen it; a sentence each.
  std::vector<std::string> assumed() const;
  // What files on disk this measurement depends on, by content or stamp; no paths.
  Json input_identity() const;
  std::vector<std::pair<std::string, std::string>> input_sha256() const;

 private:
  void make_parts();
  std::vector<const tap::SequenceSet*> sets() const;
  std::vector<tap::Observer*> observers() const;

  const RunOptions& options_;
  OpenModel open_;
  std::optional<text::Tokenizer> tokenizer_;
  std::vector<int> layers_;
  stream::Compute compute_;
  std::vector<text::WindowSet> windows_;
  std::vector<std::string> assumed_texts_;
  std::vector<tap::SequenceSet> sequences_;  // one per domain
  std::optional<PromptInput> prompts_;       // none: no experiment reads any
  std::vector<Part> parts_;
  stream::Settings settings_;
  stream::Plan plan_;
};

}  // namespace rg::app
