#include "lab/suite.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cancel.h"
#include "base/cores.h"
#include "base/error.h"
#include "experiments/family/behavior_compression.h"
#include "experiments/family/boundary_amplification.h"
#include "experiments/family/entropy_collapse.h"
#include "experiments/family/kl_edge_dominance.h"
#include "experiments/family/terminal_compatibility.h"
#include "experiments/family/terminal_tracking.h"
#include "lab/facts.h"
#include "lab/same_ids.h"

namespace rg::lab {
namespace {

constexpr const char* kVersion = "1.0";
constexpr const char* kChart = "chart_compatibility";
constexpr const char* kScan = "terminal_ovk_scan";
constexpr const char* kSameIdsHint =
    "Checkpoints of one family need tokenizers that give the same ids. A model with another "
    "tokenizer can stand among the siblings.";

ExperimentSettings experiments_of(const Family& family) {
  ExperimentSettings experiments{.names = {kChart, kScan}, .parameters = {}};
  experiments.parameters["bootstrap"] = family.bootstrap;
  if (family.required_layers) {
    experiments.parameters["required_layers"] = *family.required_layers;
  }
  return experiments;
}

TextSettings texts_of(const Family& family, TextSettings texts) {
  texts.domains = family.domains;
  texts.windows.windows = family.windows;
  texts.windows.seq_len = family.seq_len;
  texts.windows.seed = family.seed;
  return texts;
}

}  // namespace

Suite::Suite(Family family, Purpose purpose, TextSettings texts, EngineSettings engine)
    : family_(std::move(family)), experiments_(experiments_of(family_)) {
  texts = texts_of(family_, std::move(texts));
  const PassSettings settings{
      .layers = family_.layers, .engine = std::move(engine), .experiments = experiments_};
  for (const Family::Member& member : family_.members) {
    add_member(member, purpose, texts, settings);
  }
  for (const Family::Member& sibling : family_.siblings) {
    PassSettings of_sibling = settings;  // whose layers may be others
    of_sibling.layers.reset();
    of_sibling.experiments.parameters.erase("required_layers");
    const Subject& subject = programme_.add_reader(sibling.argument, purpose, texts.allow_regex);
    programme_.add(subject, programme_.samples_for(subject, texts, experiments_), of_sibling);
  }
  if (family_.adaptation) {
    adaptation_.emplace(programme_, family_, purpose, texts, settings.engine);
  }
  for (size_t e = 0; e < family_.edges.size(); ++e) {
    const Family::Edge& edge = family_.edges[e];
    for (const auto& [own, other, direction] :
         {std::tuple{edge.from, edge.to, experiments::Direction::a_to_b},
          std::tuple{edge.to, edge.from, experiments::Direction::b_to_a}}) {
      members_[own].pass->ask_gates_of(*members_[other].subject);
      members_[own].views.push_back(
          {.edge = e, .direction = direction, .other = other, .used = {}, .of_domain = {}});
    }
  }
}

void Suite::add_member(const Family::Member& member, Purpose purpose, const TextSettings& texts,
                       const PassSettings& settings) {
  const Subject& subject = programme_.add_reader(member.argument, purpose, texts.allow_regex);
  Member& added = members_.emplace_back();
  added.subject = &subject;
  const bool is_base = members_.size() == 1;
  if (is_base) programme_.add_samples(subject, texts, experiments_);
  const Subject& base = *members_.front().subject;
  const Samples& shared = *programme_.samples().front();
  if (!is_base && !subject.reads_like(base) && subject.tokenizer() != nullptr) {
    added.own_reading = &programme_.samples_for(subject, texts, experiments_);
  }
  added.pass = &programme_.add(subject, shared, settings);
}

void Suite::read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                 Progress& progress) {
  Study::read(engine, spill_folder, progress);
  for (size_t m = 0; m < members_.size(); ++m) {
    if (members_[m].own_reading == nullptr) continue;
    require_same_ids(family_.members[m].name, *members_[m].own_reading, family_.members[0].name,
                     members_[m].pass->samples(), kSameIdsHint);
  }
  watch(spill_folder);
}

void Suite::assume() {
  Study::assume();
  watch({});
}

// Adds what watches each pass, now that its windows are known.
void Suite::watch(const std::filesystem::path& folder) {
  if (adaptation_) adaptation_->watch(folder);
  if (members_.size() < 2) return;  // nothing to compare with
  base_states_.emplace(folder);
  for (Member& member : members_) {
    Pass& pass = *member.pass;
    const bool is_base = &member == &members_.front();
    if (is_base) pass.keep_final_states(*base_states_);
    if (!is_base) pass.compare_with(*members_.front().subject, *base_states_);
    for (size_t d = 0; d < family_.domains.size(); ++d) {
      experiments::Setting setting = pass.setting(d);
      setting.parameters = experiments_.parameters;
      member.outputs.push_back(
          std::make_unique<experiments::OutputRecord>(setting.windows, setting.seq_len));
      pass.watch(*member.outputs.back());
      for (size_t v = 0; v < member.views.size(); ++v) {
        auto& records = member.views[v].of_domain;
        records.push_back(std::make_unique<experiments::BoundaryRecord>(setting, v));
        pass.watch(*records.back());
      }
    }
  }
}

std::vector<std::string> Suite::tests() const {
  return {kChart,
          kScan,
          "terminal_compatibility",
          "boundary_amplification",
          "behavior_compression",
          "kl_edge_dominance",
          "entropy_collapse",
          "terminal_tracking",
          "kl_bounded_adaptation"};
}

Json Suite::identity() const {
  Json identity = run_identity(programme_, experiments_);
  identity["family"] = family_.sha256;
  return identity;
}

void Suite::take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
                 Progress& progress) {
  const size_t index = outcomes_.size();
  if (index == members_.size() + family_.siblings.size()) {
    return adaptation_->take(pass, result, out, progress);
  }
  outcomes_.push_back(conclude(pass, result, out, progress));
  record::RunFacts& facts = outcomes_.back().facts;
  facts.family = {family_.name, family_.sha256};
  if (index >= members_.size()) {
    facts.model.name = family_.siblings[index - members_.size()].name;
    return;
  }
  facts.model.name = family_.members[index].name;
  Member& member = members_[index];
  for (const auto& outputs : member.outputs) outputs->require_finite(facts.model.name);
  for (size_t v = 0; v < member.views.size(); ++v) {
    View& view = member.views[v];
    view.used = used_checkpoint(*pass.gates_asked()[v], result.other_digests[v]);
    view.used.name = family_.members[view.other].name;
  }
  member.pass = nullptr;
  if (index + 1 == members_.size() && index > 0) reduce(pass, progress);
}

// After the last pass over a member: everything that compares members.
void Suite::reduce(const Pass& last, Progress& progress) {
  progress.step("comparing checkpoints");
  for (size_t m = 0; m < members_.size(); ++m) {
    for (const View& view : members_[m].views) {
      throw_if_stopped();
      reduce_edge(view, m);
    }
  }
  experiments::FamilyFacts facts{.ckpts = {},
                                 .edges = {},
                                 .seed = family_.seed,
                                 .replicates = family_.bootstrap,
                                 .threads = effective_threads(last.settings().engine.threads)};
  for (const Family::Member& member : family_.members) facts.ckpts.push_back(member.name);
  for (const Family::Edge& edge : family_.edges) {
    facts.edges.emplace_back(family_.members[edge.from].name, family_.members[edge.to].name);
  }
  const std::vector<experiments::DomainOutputs> domains = outputs_by_domain(last);
  of_family_.push_back({.test = {"kl_edge_dominance", kVersion},
                        .contribution = experiments::reduce_kl_edge_dominance(facts, domains)});
  of_family_.push_back({.test = {"entropy_collapse", kVersion},
                        .contribution = experiments::reduce_entropy_collapse(facts, domains)});
  for (Member& member : members_) {
    member.views.clear();
    member.outputs.clear();
  }
}

void Suite::reduce_edge(const View& view, size_t reference) {
  const Family::Edge& edge = family_.edges[view.edge];
  const bool forward = view.direction == experiments::Direction::a_to_b;
  const record::EdgeFacts facts{.ckpt_a = family_.members[edge.from].name,
                                .ckpt_b = family_.members[edge.to].name,
                                .name = edge.name(family_),
                                .direction = forward ? "AtoB" : "BtoA",
                                .other = view.used};
  for (size_t d = 0; d < view.of_domain.size(); ++d) {
    const experiments::BoundaryRecord& record = *view.of_domain[d];
    const auto log_p = [&](size_t member) { return members_[member].outputs[d]->log_p(); };
    const auto add = [&](const char* test, record::Contribution contribution) {
      of_edges_.push_back({.test = {test, kVersion},
                           .contribution = std::move(contribution),
                           .reference = reference,
                           .domain = d,
                           .edge = facts});
    };
    add("boundary_amplification",
        experiments::reduce_boundary_amplification(record, view.direction));
    add("behavior_compression",
        experiments::reduce_behavior_compression(record, log_p(edge.from), log_p(edge.to)));
  }
}

std::vector<experiments::DomainOutputs> Suite::outputs_by_domain(const Pass& pass) const {
  std::vector<experiments::DomainOutputs> domains;
  for (size_t d = 0; d < family_.domains.size(); ++d) {
    const text::WindowSet& windows = pass.samples().domains()[d];
    experiments::DomainOutputs outputs{.name = windows.domain,
                                       .seq_len = windows.seq_len,
                                       .window_document = windows.document,
                                       .of_checkpoint = {}};
    for (const Member& member : members_) outputs.of_checkpoint.push_back(member.outputs[d].get());
    domains.push_back(std::move(outputs));
  }
  return domains;
}

std::vector<record::ResultEntry> Suite::write(const std::filesystem::path& out) {
  std::vector<record::ResultEntry> entries;
  for (const Outcome& outcome : outcomes_) write_artifacts(out, outcome, entries);
  write_bundles(out, entries);
  for (const Pending& pending : of_edges_) {
    const Outcome& reference = outcomes_[pending.reference];
    write_artifact(out,
                   record::assemble_edge_artifact(reference.facts, pending.edge,
                                                  reference.domains[pending.domain], pending.test,
                                                  pending.contribution),
                   entries);
  }
  std::vector<const record::RunFacts*> passes;
  for (size_t m = 0; m < members_.size(); ++m) passes.push_back(&outcomes_[m].facts);
  for (const Pending& pending : of_family_) {
    write_artifact(out,
                   record::assemble_family_artifact(passes, outcomes_.front().domains, pending.test,
                                                    pending.contribution),
                   entries);
  }
  if (adaptation_) {
    write_artifact(out, adaptation_->artifact({family_.name, family_.sha256}), entries);
  }
  return entries;
}

// Whether the model's chart_compatibility can tell about its last MoE layer.
bool Suite::requires_terminal(size_t index) const {
  const auto& required = family_.required_layers;
  return index >= members_.size() || !required ||
         std::binary_search(required->begin(), required->end(),
                            outcomes_[index].facts.terminal_moe_layer);
}

// Bundles of the artifacts that are in `entries` already.
void Suite::write_bundles(const std::filesystem::path& out,
                          std::vector<record::ResultEntry>& entries) {
  const auto content = [&](const char* test, const std::string& model,
                           const std::string& domain) -> const Json& {
    const auto at = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.written.test == test && entry.written.subject == model &&
             entry.written.domain == domain;
    });
    check_internal(at != entries.end(), "every checkpoint has its artifacts");
    return at->artifact;
  };
  for (const text::DomainSpec& domain : family_.domains) {
    std::vector<record::Artifact> bundles;
    std::vector<const Json*> scans;
    for (size_t i = 0; i < outcomes_.size(); ++i) {
      const std::string& model = outcomes_[i].facts.model.name;
      const Json& scan = content(kScan, model, domain.name);
      if (requires_terminal(i))
        bundles.push_back(record::assemble_bundle(
            outcomes_[i].facts, model, domain.name, {"terminal_compatibility", kVersion},
            experiments::bundle_compatibility(content(kChart, model, domain.name), scan)));
      const bool is_descendant = i > 0 && i < members_.size();
      if (!is_descendant) scans.push_back(&scan);
    }
    if (scans.size() > 1) {
      bundles.push_back(record::assemble_bundle(
          outcomes_.front().facts, family_.name, domain.name, {"terminal_tracking", kVersion},
          experiments::bundle_terminal_scans(scans, family_.min_distinct_terminals)));
    }
    for (record::Artifact& bundle : bundles) write_artifact(out, std::move(bundle), entries);
  }
}

}  // namespace rg::lab
