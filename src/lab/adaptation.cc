#include "lab/adaptation.h"

#include <map>

#include "base/error.h"
#include "base/sha256.h"
#include "model/blocks/block.h"

namespace rg::lab {
namespace {

enum Role : size_t { kEval, kBase };  // the order of the domains

// By layer, over its tensors as the pass read them.
experiments::LayerHashes layer_hashes(const model::Model& model,
                                      const std::vector<stream::TensorDigest>& digests) {
  std::map<const formats::TensorEntry*, const stream::TensorDigest*> of_tensor;
  for (const stream::TensorDigest& digest : digests) of_tensor[digest.tensor] = &digest;
  experiments::LayerHashes hashes;
  for (size_t l = 0; l < model.layers.size(); ++l) {
    std::map<std::string, std::string> lines;
    model::for_each_weight(model.layers[l], [&](const model::Weight& weight) {
      for (const model::Tensor tensor : {weight.values, weight.scales.tensor}) {
        const auto at = of_tensor.find(tensor);
        if (tensor != nullptr && at != of_tensor.end()) {
          lines[tensor->name] = tensor->name + ' ' + at->second->sha256 + '\n';
        }
      }
    });
    std::string text;
    for (const auto& [name, line] : lines) text += line;
    hashes[static_cast<int>(l)] = sha256_hex(text);
  }
  return hashes;
}

void require_reads_like(const Subject& subject, const std::string& name, const Subject& base,
                        const std::string& base_name) {
  if (subject.tokenizer() == nullptr || subject.reads_like(base)) return;
  throw Error(ErrorId::RT010,
              {.object = name,
               .found = "another tokenizer",
               .expected = "that of " + base_name,
               .hint = "Runs of an adaptation are tuned with the base's tokenizer."});
}

}  // namespace

AdaptationPasses::AdaptationPasses(Programme& programme, const Family& family, Purpose purpose,
                                   TextSettings texts, const EngineSettings& engine)
    : family_(family), registration_(read_registration(family.adaptation->registration)) {
  const Family::Adaptation& adaptation = *family.adaptation;
  texts.domains = {adaptation.eval, adaptation.base};
  texts.windows.windows = adaptation.windows;
  texts.windows.seq_len = adaptation.seq_len;
  std::vector<Family::Member> members = {family.members.front()};
  for (const auto* list : {&adaptation.runs, &adaptation.comparison}) {
    members.insert(members.end(), list->begin(), list->end());
  }
  const Samples* samples = nullptr;
  for (const Family::Member& member : members) {
    const Subject& subject = programme.add_reader(member.argument, purpose, texts.allow_regex);
    if (samples == nullptr) samples = &programme.add_samples(subject, texts, {});
    Run& run = runs_.emplace_back();
    run.name = member.name;
    run.pass =
        &programme.add(subject, *samples, {.layers = {}, .engine = engine, .experiments = {}});
    if (&subject != &samples->reader()) {
      require_reads_like(subject, member.name, samples->reader(), members.front().name);
    }
  }
}

void AdaptationPasses::watch(const std::filesystem::path& folder) {
  base_states_.emplace(folder);
  const Subject& base = runs_.front().pass->subject();
  for (Run& run : runs_) {
    if (&run == &runs_.front()) {
      run.pass->keep_final_states(*base_states_);
    } else {
      run.pass->compare_with(base, *base_states_);
    }
    const auto& sets = run.pass->samples().sequences();
    const uint32_t seq_len = family_.adaptation->seq_len;
    run.eval = std::make_unique<experiments::OutputRecord>(&sets[kEval], seq_len);
    run.base = std::make_unique<experiments::OutputRecord>(&sets[kBase], seq_len);
    run.pass->watch(*run.eval);
    run.pass->watch(*run.base);
  }
}

void AdaptationPasses::take(Pass& pass, const stream::PassResult& result,
                            const std::filesystem::path& out, Progress& progress) {
  Run& run = runs_[outcomes_.size()];
  run.layer_hashes = layer_hashes(pass.subject().model(), result.digests);
  run.pass = nullptr;
  for (const auto* outputs : {&run.eval, &run.base}) (*outputs)->require_finite(run.name);
  outcomes_.push_back(conclude(pass, result, out, progress));
  outcomes_.back().facts.model.name = run.name;
  require_distinct(run);
  if (outcomes_.size() < runs_.size()) return;
  const auto& domains = pass.samples().domains();
  const Run& base = runs_.front();
  experiments::AdaptationFacts facts{.base = base.name,
                                     .base_hashes = base.layer_hashes,
                                     .base_on_base = base.base.get(),
                                     .frozen = registration_.frozen,
                                     .comparison_frozen = registration_.comparison_frozen,
                                     .d_max = registration_.d_max,
                                     .l_max = registration_.l_max,
                                     .registration_sha256 = registration_.sha256,
                                     .registered_utc = registration_.registered_utc,
                                     .runs = {},
                                     .comparison = {},
                                     .eval_window_document = domains[kEval].document,
                                     .base_window_document = domains[kBase].document,
                                     .seed = family_.seed,
                                     .replicates = family_.bootstrap};
  for (size_t i = 1; i < runs_.size(); ++i) {
    auto& list = i <= family_.adaptation->runs.size() ? facts.runs : facts.comparison;
    list.push_back(
        {runs_[i].name, runs_[i].eval.get(), runs_[i].base.get(), runs_[i].layer_hashes});
  }
  contribution_ = experiments::reduce_kl_bounded_adaptation(facts);
}

void AdaptationPasses::require_distinct(const Run& run) const {
  for (const Run& earlier : runs_) {
    if (&earlier == &run) return;
    if (&earlier == &runs_.front() || earlier.layer_hashes != run.layer_hashes) continue;
    throw Error(ErrorId::FA002, {.object = run.name,
                                 .found = "the weights of " + earlier.name,
                                 .expected = "another run of the adaptation",
                                 .hint = "A run that is listed twice would count twice. Repeat the "
                                         "tuning with another seed."});
  }
}

record::Artifact AdaptationPasses::artifact(const record::FamilyStamp& stamp) const {
  std::vector<record::RunFacts> facts;
  for (const Outcome& outcome : outcomes_) {
    facts.push_back(outcome.facts);
    facts.back().family = stamp;
  }
  std::vector<const record::RunFacts*> passes;
  for (const record::RunFacts& of_pass : facts) passes.push_back(&of_pass);
  std::vector<record::DomainFacts> roles = outcomes_.front().domains;
  roles[kEval].name = "eval";
  roles[kBase].name = "base";
  return record::assemble_family_artifact(passes, roles, {"kl_bounded_adaptation", "1.0"},
                                          contribution_);
}

}  // namespace rg::lab
