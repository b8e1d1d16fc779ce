#include "stream/logits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/cancel.h"
#include "base/error.h"
#include "base/parallel.h"
#include "kernels/elementwise.h"
#include "stream/final_states.h"

namespace rg::stream {
namespace {

// The reference's unembedding, read when it is needed, after the layers.
class ReferenceHead {
 public:
  ReferenceHead(const ReferenceModel& reference, kernels::Compute compute)
      : reference_(reference), head_(*reference.model, compute) {
    const model::Model& model = *reference.model;
    const model::Weight& table = model.tied_embeddings ? model.embedding : model.unembedding;
    TensorReader tensors(*reference.checkpoint, NonFinite::stop);
    Buffer<std::byte> raw(table.elements() * kernels::compute_bytes(compute));
    tensors.read(table, compute, raw.data(), nullptr);
    memory_ = Buffer<std::byte>(head_.product().packed_bytes());
    unembedding_ = head_.product().pack(raw.data(), memory_.data());
    bias_ = model::read_values(tensors, model.unembedding_bias);
    reference.checkpoint->throw_if_changed();
  }

  const OutputHead& head() const { return head_; }
  void logits(uint64_t first_row, std::span<std::byte> rows, const std::byte* padded, float* out,
              kernels::Scratch& scratch) const {
    reference_.states->read(first_row, rows);
    head_.logits(padded, {.unembedding = &unembedding_, .bias = bias_.span()}, out, scratch);
  }

 private:
  const ReferenceModel& reference_;
  OutputHead head_;
  Buffer<std::byte> memory_;
  kernels::PackedWeights unembedding_;
  Buffer<float> bias_;
};

// One worker's buffers: (rows of a call, .).
struct LogitsWorker {
  Buffer<float> residual, normed, logits, reference_logits;
  Buffer<std::byte> in, reference_in;
  kernels::Scratch scratch;

  LogitsWorker(const model::Model& model, const Settings& settings, const OutputHead& own,
               const ReferenceHead* reference) {
    const size_t rows = OutputHead::rows(model, settings.compute),
                 narrow = kernels::compute_bytes(settings.compute);
    residual = Buffer<float>(rows * model.width);
    normed = Buffer<float>(rows * model.width);
    in = Buffer<std::byte>(rows * model.width * narrow);
    logits = Buffer<float>(rows * model.vocabulary);
    scratch.reserve(own.product().scratch_bytes());
    if (reference == nullptr) return;
    reference_in = Buffer<std::byte>(rows * settings.reference->model->width * narrow);
    reference_logits = Buffer<float>(rows * model.vocabulary);
    scratch.reserve(reference->head().product().scratch_bytes());
  }
};

class LogitsPass {
 public:
  LogitsPass(const LogitsRun& run, const LayerPass& layers)
      : run_(run), layers_(layers), rows_(OutputHead::rows(run.model, run.settings.compute)) {
    if (run.settings.reference) reference_.emplace(*run.settings.reference, run.settings.compute);
    for (int i = 0; i < run.settings.threads; ++i) {
      workers_.emplace_back(run.model, run.settings, run.head, reference_ ? &*reference_ : nullptr);
    }
  }

  void show(const Sequence& sequence, int worker) {
    for (uint32_t first = 0; first < sequence.length; first += rows_) {
      const uint32_t rows = std::min(rows_, sequence.length - first);
      throw_if_stopped();
      compute(sequence.first_row + first, rows, workers_[static_cast<size_t>(worker)]);
      hand_over(sequence, first, rows, worker);
    }
  }

 private:
  void compute(uint64_t first_row, uint32_t rows, LogitsWorker& worker) {
    const size_t width = run_.model.width, used = rows * width, all = rows_ * width;
    const size_t narrow = kernels::compute_bytes(run_.settings.compute);
    const float* residual = layers_.residual(first_row, rows, worker.residual.data());
    for (size_t at = 0; at < used; at += width) {
      run_.tables.final_norm().apply(residual + at, worker.normed.data() + at);
    }
    std::fill(worker.normed.data() + used, worker.normed.data() + all, 0.0f);
    if (run_.settings.compute == Compute::bf16) {
      kernels::round_to_bf16(worker.normed.data(), all,
                             reinterpret_cast<bf16_t*>(worker.in.data()));
    } else {
      std::copy_n(reinterpret_cast<const std::byte*>(worker.normed.data()), all * narrow,
                  worker.in.data());
    }
    if (run_.settings.keep_final_states != nullptr) {
      run_.settings.keep_final_states->write(first_row, {worker.in.data(), used * narrow});
    }
    run_.head.logits(worker.in.data(),
                     {.unembedding = &run_.tables.packed_unembedding(),
                      .bias = run_.tables.unembedding_bias().span()},
                     worker.logits.data(), worker.scratch);
    if (reference_) {
      const size_t bytes = rows * run_.settings.reference->model->width * narrow;
      std::fill(worker.reference_in.data() + bytes,
                worker.reference_in.data() + worker.reference_in.size(), std::byte{0});
      reference_->logits(first_row, {worker.reference_in.data(), bytes}, worker.reference_in.data(),
                         worker.reference_logits.data(), worker.scratch);
    }
    worker.scratch.throw_if_failed();
  }

  void hand_over(const Sequence& sequence, uint32_t first, uint32_t rows, int index) const {
    const LogitsWorker& worker = workers_[static_cast<size_t>(index)];
    const tap::SequenceSet* set = run_.sets[sequence.set];
    for (tap::Observer* observer : run_.observers) {
      const auto sets = observer->sets();
      if (!observer->needs().logits || std::find(sets.begin(), sets.end(), set) == sets.end()) {
        continue;
      }
      observer->on_logits(
          {.set = set,
           .sequence = sequence.index,
           .first_position = first,
           .rows = rows,
           .vocabulary = run_.model.vocabulary,
           .logits = worker.logits.data(),
           .reference_logits = reference_ ? worker.reference_logits.data() : nullptr,
           .worker = index});
    }
  }

  const LogitsRun& run_;
  const LayerPass& layers_;
  const uint32_t rows_;
  std::optional<ReferenceHead> reference_;
  std::vector<LogitsWorker> workers_;
};

}  // namespace

void require_same_vocabulary(const model::Model& model, const ReferenceModel& reference) {
  model::require_unembedding(*reference.model);
  if (reference.model->vocabulary == model.vocabulary) return;
  throw Error(
      ErrorId::RT009,
      {.object = reference.name,
       .found = fmt::format("{} logits per token", reference.model->vocabulary),
       .expected = fmt::format("{}, as the model that is compared with it", model.vocabulary),
       .hint = "Distributions over different vocabularies have no KL divergence. A "
               "vocabulary that was padded differently must be cut to one size first."});
}

void show_logits(const LogitsRun& run, const LayerPass& layers) {
  const std::vector<Sequence>& sequences = layers.sequences();
  if (run.settings.keep_final_states != nullptr && !sequences.empty()) {
    run.settings.keep_final_states->begin(
        sequences.back().first_row + sequences.back().length,
        run.model.width * kernels::compute_bytes(run.settings.compute));
  }
  LogitsPass pass(run, layers);
  parallel_for(sequences.size(), run.settings.threads,
               [&](size_t s, int worker) { pass.show(sequences[s], worker); });
}

uint64_t logits_worker_bytes(const model::Model& model, const Settings& settings) {
  const uint64_t rows = OutputHead::rows(model, settings.compute),
                 narrow = kernels::compute_bytes(settings.compute);
  uint64_t row = 8 * uint64_t{model.width} + narrow * model.width + 4 * uint64_t{model.vocabulary};
  if (settings.reference) {
    row += narrow * settings.reference->model->width + 4 * uint64_t{model.vocabulary};
  }
  return rows * row;
}

}  // namespace rg::stream
