#include "lab/audit.h"

#include <map>

#include "base/cancel.h"
#include "lab/audit_passes.h"
#include "lab/facts.h"
#include "lab/same_ids.h"

namespace rg::lab {
namespace {

using experiments::TokenOutputs;

using Hashes = std::map<const formats::TensorEntry*, std::string>;

Hashes hashes_of(std::span<const stream::TensorDigest> digests) {
  Hashes hashes;
  for (const stream::TensorDigest& digest : digests) hashes[digest.tensor] = digest.sha256;
  return hashes;
}

// Type, shape and hash of what is stored of a weight; empty if there is none.
std::string stored(const model::Weight& weight, const Hashes& hashes) {
  std::string text;
  for (const formats::TensorEntry* tensor : {weight.values, weight.scales.tensor}) {
    if (tensor == nullptr) continue;
    text += std::string(dtype_name(tensor->dtype));
    for (const uint64_t extent : tensor->shape) text += ' ' + std::to_string(extent);
    text += ' ' + hashes.at(tensor) + '\n';
  }
  return text;
}

bool equal_gates(const std::vector<int>& layers, const model::Model& a, const Hashes& of_a,
                 const model::Model& b, const Hashes& of_b) {
  for (const int layer : layers) {
    const model::Router &own = *a.layer(layer).router, &other = *b.layer(layer).router;
    for (const model::Weight model::Router::*weight :
         {&model::Router::matrix, &model::Router::logit_bias, &model::Router::selection_bias}) {
      if (stored(own.*weight, of_a) != stored(other.*weight, of_b)) return false;
    }
  }
  return true;
}

}  // namespace

Audit::Audit(const std::string& a, const std::string& b, Purpose purpose, const TextSettings& texts,
             const PassSettings& settings)
    : experiments_(settings.experiments) {
  const Subject& reference = programme_.add_reader(a, purpose, texts.allow_regex);
  const Samples& samples = programme_.add_samples(reference, texts, experiments_);
  const Subject& copy = programme_.add_reader(b, purpose, texts.allow_regex);
  if (!copy.reads_like(reference) && copy.tokenizer() != nullptr) {
    own_reading_ = &programme_.samples_for(copy, texts, experiments_);
  }
  names_ = {reference.name(), copy.name()};
  if (names_[0] == names_[1]) names_ = {names_[0] + " (A)", names_[1] + " (B)"};
  for (const Step step : {kA, kB, kAWithRoutesOfB, kBWithRoutesOfA}) {
    const bool of_a = step == kA || step == kAWithRoutesOfB;
    passes_[step] = &programme_.add(of_a ? reference : copy, samples, settings);
  }
  compute_ = compute_name(passes_[kA]->compute());
  other_compute_ = other_compute_of(passes_[kA]->compute());
  if (other_compute_) {
    PassSettings again = settings;
    again.engine.compute = *other_compute_;
    passes_[kAAgain] = &programme_.add(reference, samples, again);
  }
  passes_[kA]->ask_gates_of(copy);
  passes_[kB]->ask_gates_of(reference);
}

void Audit::read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                 Progress& progress) {
  Study::read(engine, spill_folder, progress);
  if (own_reading_ != nullptr) {
    require_same_ids(names_[1], *own_reading_, names_[0], passes_[kA]->samples(),
                     "Two checkpoints can be compared token by token only where their tokenizers "
                     "give the same ids.");
  }
  watch(spill_folder);
}

void Audit::assume() {
  Study::assume();
  watch({});
}

void Audit::watch(const std::filesystem::path& folder) {
  const Samples& samples = passes_[kA]->samples();
  const model::Model& model = passes_[kA]->subject().model();
  uint64_t rows = 0;
  for (const tap::SequenceSet* set : samples.sets()) rows += set->rows();
  routes_a_.emplace(model.moe_layers(), rows, model.gate().top_k);
  routes_b_.emplace(model.moe_layers(), rows, model.gate().top_k);
  states_.emplace(folder);
  passes_[kA]->keep_final_states(*states_);
  passes_[kB]->compare_with(passes_[kA]->subject(), *states_);
  uint64_t first_row = 0;
  for (size_t d = 0; d < samples.domains().size(); ++d) {
    watch_domain(d, first_row, folder);
    first_row += samples.sequences()[d].rows();
  }
  passes_[kAWithRoutesOfB]->intervene(imposing(*routes_b_, names_[1]));
  passes_[kBWithRoutesOfA]->intervene(imposing(*routes_a_, names_[0]));
}

// Every observer tells the plan what earlier passes left in memory beside it: `held`.
void Audit::watch_domain(size_t domain, uint64_t first_row, const std::filesystem::path& folder) {
  experiments::Setting setting = passes_[kA]->setting(domain);
  setting.parameters = experiments_.parameters;
  const tap::SequenceSet& windows = *setting.windows;
  const uint64_t routes = routes_a_->bytes_of(windows.rows());
  const auto outputs = [&](TokenOutputs::Compared compared, uint64_t held) {
    return std::make_unique<TokenOutputs>(&windows, setting.seq_len, compared, held);
  };
  Watch& watch = watches_.emplace_back();
  watch.reference = std::make_unique<experiments::ReferenceRecord>(setting, *routes_a_, first_row,
                                                                   folder, 2 * routes);
  watch.a = outputs(TokenOutputs::Compared::no, 0);
  uint64_t held = watch.reference->kept_bytes() + watch.a->kept_bytes();
  watch.record = std::make_unique<experiments::AuditRecord>(setting, *watch.reference, *routes_a_,
                                                            *routes_b_, held + 2 * routes);
  watch.b = outputs(TokenOutputs::Compared::yes, 0);
  held += watch.record->kept_bytes() + watch.b->kept_bytes();
  watch.ab = outputs(TokenOutputs::Compared::no, held + routes);  // the imposed ones are counted
  held += watch.ab->kept_bytes();
  watch.ba = outputs(TokenOutputs::Compared::no, held);
  passes_[kA]->watch(*watch.reference);
  passes_[kA]->watch(*watch.a);
  passes_[kB]->watch(*watch.record);
  passes_[kB]->watch(*watch.b);
  passes_[kAWithRoutesOfB]->watch(*watch.ab);
  passes_[kBWithRoutesOfA]->watch(*watch.ba);
  if (passes_[kAAgain] == nullptr) return;
  held += watch.ba->kept_bytes();
  watch.floor =
      std::make_unique<experiments::RouteFloor>(*watch.reference, *routes_a_, held + routes);
  passes_[kAAgain]->watch(*watch.floor);
}

Json Audit::identity() const {
  Json identity = run_identity(programme_, experiments_);
  identity["audit"] = names_;
  identity["bootstrap"] = experiments_.parameters.at("bootstrap");
  return identity;
}

void Audit::take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
                 Progress& progress) {
  const auto step = static_cast<Step>(taken_++);
  if (step == kA) {
    take_reference(pass, result, out, progress);
  } else {
    outcome_.facts.manifest["passes"].push_back(
        {{"model", names_[step == kB || step == kBWithRoutesOfA ? 1 : 0]},
         {"weight_bytes_read", result.weight_bytes_read},
         {"pass_seconds", result.seconds}});
  }
  if (step == kB) take_copy(pass, result);
  if (step == kAWithRoutesOfB) {
    states_.reset();
    routes_b_->release();
  }
  passes_[step] = nullptr;
  const Step last = other_compute_ ? kAAgain : kBWithRoutesOfA;
  if (step == last) reduce(progress);
}

void Audit::take_reference(Pass& pass, const stream::PassResult& result,
                           const std::filesystem::path& out, Progress& progress) {
  outcome_ = conclude(pass, result, out, progress);
  outcome_.facts.model.name = names_[0];
  const Subject& copy = *pass.gates_asked().front();
  const bool equal = equal_gates(pass.layers(), pass.subject().model(), hashes_of(result.digests),
                                 copy.model(), hashes_of(result.other_digests.front()));
  for (Watch& watch : watches_) watch.record->set_gates_equal(equal);
}

void Audit::take_copy(const Pass& pass, const stream::PassResult& result) {
  used_b_ = used_checkpoint(pass.subject(), result.digests);
  used_b_.name = names_[1];
  std::vector<std::string> notes = pass.subject().notes();
  notes.insert(notes.end(), result.notes.begin(), result.notes.end());
  for (const std::string& note : notes) {
    outcome_.facts.notes.push_back(names_[1] + ": " + note);
  }
  for (Watch& watch : watches_) watch.reference->release();
}

void Audit::reduce(Progress& progress) {
  progress.step("comparing the two");
  for (const Watch& watch : watches_) {
    throw_if_stopped();
    contributions_.push_back(experiments::reduce_audit(
        {.record = *watch.record,
         .outputs = {.a = *watch.a, .b = *watch.b, .ab = *watch.ab, .ba = *watch.ba},
         .floor = watch.floor.get(),
         .compute = compute_,
         .other_compute = other_compute_}));
    for (const std::string& note : contributions_.back().notes) progress.note(note);
  }
  watches_.clear();
  routes_a_->release();
}

std::vector<record::ResultEntry> Audit::write(const std::filesystem::path& out) {
  std::vector<record::ResultEntry> entries;
  const record::EdgeFacts edge{.ckpt_a = names_[0],
                               .ckpt_b = names_[1],
                               .name = names_[0] + "__to__" + names_[1],
                               .direction = "AtoB",
                               .other = used_b_};
  for (size_t d = 0; d < contributions_.size(); ++d) {
    write_artifact(out,
                   record::assemble_edge_artifact(outcome_.facts, edge, outcome_.domains[d],
                                                  {"audit", "1.0"}, contributions_[d]),
                   entries);
  }
  return entries;
}

}  // namespace rg::lab
