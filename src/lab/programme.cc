#include "lab/programme.h"

#include <fmt/format.h>

#include <algorithm>

namespace rg::lab {

Subject& Programme::add(Subject subject) {
  subjects_.push_back(std::make_unique<Subject>(std::move(subject)));
  return *subjects_.back();
}

Subject& Programme::add_reader(const std::string& model, Purpose purpose, bool allow_regex) {
  Subject& subject =
      add(purpose == Purpose::plan ? Subject::open_or_config(model) : Subject::open(model));
  const bool assumed = subject.from_config() && !subject.checkpoint().tokenizer_path();
  if (!assumed) subject.open_tokenizer(allow_regex);
  return subject;
}

Samples& Programme::samples_for(const Subject& subject, const TextSettings& settings,
                                const ExperimentSettings& experiments) {
  const auto shared = std::find_if(samples_.begin(), samples_.end(), [&](const auto& samples) {
    return samples->reader().reads_like(subject);
  });
  return shared != samples_.end() ? **shared : add_samples(subject, settings, experiments);
}

Samples& Programme::add_samples(const Subject& reader, TextSettings settings,
                                const ExperimentSettings& experiments) {
  samples_.push_back(std::make_unique<Samples>(reader, std::move(settings), experiments));
  return *samples_.back();
}

Samples& Programme::add_samples(const Subject& reader, const std::filesystem::path& tokens_file) {
  samples_.push_back(std::make_unique<Samples>(reader, tokens_file));
  return *samples_.back();
}

Pass& Programme::add(const Subject& subject, const Samples& samples, PassSettings settings) {
  passes_.push_back(std::make_unique<Pass>(subject, samples, std::move(settings)));
  return *passes_.back();
}

void Programme::make_plans(const std::filesystem::path& spill_folder) {
  for (const auto& pass : passes_) pass->make_plan(spill_folder);
}

Cost Programme::cost() const {
  Cost cost;
  uint64_t kept = 0, own_spill = 0;
  for (const auto& pass : passes_) {
    const stream::Plan& plan = pass->plan();
    cost.passes += plan.passes;
    cost.read_bytes += plan.read_bytes;
    cost.flops += plan.flops;
    cost.extra_flops += plan.extra_flops;
    cost.peak_bytes = std::max(cost.peak_bytes, plan.peak_bytes);
    kept += plan.kept_bytes;
    own_spill = std::max(own_spill, plan.spill_bytes - plan.kept_bytes);
    cost.expected_seconds += plan.expected_seconds;
  }
  cost.spill_bytes = kept + own_spill;
  return cost;
}

void Programme::run(Progress& progress, const TakeResult& take) {
  const size_t all = passes_.size();
  while (!passes_.empty()) {
    if (all > 1) {
      progress.step(fmt::format("pass {} of {}: {}", all - passes_.size() + 1, all,
                                passes_.front()->subject().name()));
    }
    const stream::PassResult result = passes_.front()->run(progress);
    take(*passes_.front(), result);
    passes_.erase(passes_.begin());
    drop_what_is_not_needed();
  }
}

void Programme::drop_what_is_not_needed() {
  std::erase_if(samples_, [&](const auto& samples) {
    return std::none_of(passes_.begin(), passes_.end(),
                        [&](const auto& pass) { return &pass->samples() == samples.get(); });
  });
  std::erase_if(subjects_, [&](const auto& subject) {
    return std::none_of(passes_.begin(), passes_.end(), [&](const auto& pass) {
      const auto& asked = pass->gates_asked();
      return &pass->subject() == subject.get() || &pass->samples().reader() == subject.get() ||
             pass->reference() == subject.get() ||
             std::find(asked.begin(), asked.end(), subject.get()) != asked.end();
    });
  });
}

}  // namespace rg::lab
