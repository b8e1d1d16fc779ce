#include "stream/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "stream/layer_pass.h"
#include "stream/logits.h"

namespace rg::stream {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Adds the time since `start` to one part of the layers' time and to their total.
void account(Clock::time_point start, double& part, PassResult& result) {
  const double seconds = seconds_since(start);
  part += seconds;
  result.layer_seconds += seconds;
}

// The layer whose numbers a tensor enters first; -1 where it is read for all of them.
int layer_of(const model::Model& model, const formats::TensorEntry* tensor) {
  for (size_t l = 0; l < model.layers.size(); ++l) {
    bool found = false;
    model::for_each_weight(model.layers[l], [&](const model::Weight& weight) {
      found = found || weight.values == tensor;
    });
    if (found) return static_cast<int>(l);
  }
  return -1;
}

// So far, from all checkpoints of a pass. Another model may be read by other passes too.
uint64_t bytes_read(const formats::Checkpoint& checkpoint, const Settings& settings) {
  std::set<const formats::Checkpoint*> all = {&checkpoint};
  for (const OtherModel& other : settings.other_models) all.insert(other.checkpoint);
  if (settings.reference) all.insert(settings.reference->checkpoint);
  uint64_t bytes = 0;
  for (const formats::Checkpoint* one : all) bytes += one->bytes_read();
  return bytes;
}

// True if the config ties two tables that the checkpoint stores separately, their bytes differ, and
// this pass used both.
bool head_was_chosen(const model::Model& model, const std::vector<TensorDigest>& digests) {
  if (!model.head_despite_tie) return false;
  const auto digest_of = [&](model::Tensor tensor) {
    const auto at = std::find_if(digests.begin(), digests.end(),
                                 [&](const TensorDigest& one) { return one.tensor == tensor; });
    return at == digests.end() ? std::string() : at->sha256;
  };
  const std::string head = digest_of(model.unembedding.values);
  return !head.empty() && head != digest_of(model.embedding.values);
}

}  // namespace

PassResult run_pass(const formats::Checkpoint& checkpoint, const model::Model& model,
                    std::span<const tap::SequenceSet* const> sets,
                    std::span<tap::Observer* const> observers, const Settings& settings,
                    const Plan& plan, Progress& progress) {
  const auto start = Clock::now();
  const uint64_t read_before = bytes_read(checkpoint, settings);
  PassResult result;
  const PaddedLengths lengths(sets, settings.compute);
  const model::ModelProducts products(model, settings.compute, lengths.shapes());
  const tap::Needs needs = combined_needs(observers);
  std::optional<OutputHead> head;
  if (needs.logits) head.emplace(model, settings.compute);
  TensorReader tensors(checkpoint, settings.nonfinite);
  OtherGates other_gates(settings.other_models);
  const std::vector<int> to_run = layers_to_run(model, settings);
  const NextRows next = needs.next_unembedding ? NextRows::gather : NextRows::none;
  TokenTables tables(tensors, model, sets, next, head ? &head->product() : nullptr,
                     settings.compute);
  LayerPass layers(model, sets, observers, settings, plan, lengths, products, tables);
  {
    SliceReader reader(tensors, other_gates, model, products,
                       {.layers = to_run,
                        .observers = observers,
                        .experts_per_slice = plan.experts_per_slice,
                        .slots = plan.slices_in_memory});
    layers.begin();
    if (settings.whole_model_first) reader.wait_until_full();
    double steps = 0, step = 0;
    for (const int layer : to_run) {
      steps += 1.0 + expert_slices(model.layer(layer), plan.experts_per_slice);
    }
    const auto advanced = [&](int layer) {
      progress.layer_advanced(layer, static_cast<int>(model.layers.size()), ++step / steps);
    };
    for (const int layer : to_run) {
      checkpoint.throw_if_changed();
      // Kept until the layer ends, for its router; the slot is reused earlier.
      const MixerSlice mixer = std::move(std::get<MixerSlice>(reader.next()));
      auto working = Clock::now();
      layers.mix(mixer);
      account(working, result.attention_seconds, result);
      reader.release();
      advanced(layer);
      for (uint32_t i = 0; i < expert_slices(model.layer(layer), plan.experts_per_slice); ++i) {
        const Slice& slice = reader.next();
        working = Clock::now();
        layers.experts(std::get<ExpertSlice>(slice));
        account(working, result.expert_seconds, result);
        reader.release();
        advanced(layer);
      }
      working = Clock::now();
      layers.finish_layer();
      result.layer_seconds += seconds_since(working);
    }
  }
  checkpoint.throw_if_changed();
  other_gates.throw_if_changed();
  if (head) show_logits({model, sets, observers, settings, *head, tables}, layers);
  result.digests = tensors.digests();
  result.other_digests = other_gates.digests();
  if (head_was_chosen(model, result.digests)) {
    result.notes.push_back(
        "tie_word_embeddings is true, but lm_head.weight is stored and differs from "
        "model.embed_tokens.weight: the stored head was used, as transformers does");
  }
  for (const TensorReader::Damage& damage : tensors.damage()) {
    result.nonfinite.push_back({.name = damage.tensor->name,
                                .first = damage.first,
                                .count = damage.count,
                                .layer = layer_of(model, damage.tensor)});
    result.notes.push_back(
        fmt::format("nonfinite: {} holds {} NaN or infinite values, the first at element {}; the "
                    "artifact's `nonfinite` says which numbers are downstream",
                    damage.tensor->name, damage.count, damage.first));
  }
  for (const std::string& note : result.notes) progress.note(note);
  result.weight_bytes_read = bytes_read(checkpoint, settings) - read_before;
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace rg::stream
