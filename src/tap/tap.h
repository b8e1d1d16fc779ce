// What an experiment may see: read-only views of one layer and one block of tokens during a pass
// over the layers. An experiment never sees the model, so it works with every family.
//
// Within a layer the order is: begin_layer once; begin_keys once; on_keys and on_gate for every
// block (concurrently, any order; of a row on_keys first); end_keys once; on_gates_done once;
// on_expert for every wanted expert (one at a time, ascending); on_update for every block
// (concurrently); on_outputs for every request (concurrently); end_layer once. A layer begins when
// the one before has ended. Of a layer without a gate only the three calls about keys come; of a
// layer without keys, on_no_keys instead of the three. After the last layer comes on_logits, for
// every position. The calls that are not concurrent all come from the thread that runs the pass,
// while no other callback runs. Observers write to slots of their own window and reduce in
// end_keys, on_gates_done or end_layer, in window order; so results do not depend on threads or
// block size.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gate/gate.h"
#include "tap/block.h"
#include "tap/keys.h"

namespace rg::tap {

// Row products with this layer's router and the counterfactual gate. `rows` must be the length of
// some sequence of the sets: either the rows of one whole sequence in order, or that many gathered
// rows (zero-padded), always grouped the same way; then results don't depend on how sequences are
// grouped. Valid from begin_layer to end_layer. Thread safe; `worker` is the worker index of the
// callback; in begin_layer and end_layer, any index below `threads`, used by one thread at a time.
class Router {
 public:
  virtual ~Router() = default;
  // W_g c, no norm, gain or bias. in (rows,d) -> out (rows,E).
  virtual void project_raw(const float* in, size_t rows, float* out, int worker) const = 0;
  // W_g (gamma * c): divided by rms(x), c's additive share of the logits.
  virtual void project_gained(const float* in, size_t rows, float* out, int worker) const = 0;
  // The layer's own norm then W_g (and bias): the logits of Gate(norm(x)).
  virtual void logits_of_residual(const float* in, size_t rows, float* out, int worker) const = 0;
};

// Rows of the embedding, as added to the residual stream, for every id of every set.
class Embeddings {
 public:
  virtual ~Embeddings() = default;
  virtual const float* row(int32_t id) const = 0;  // (d), valid for the whole pass
};

// One MoE layer. Lives from its begin_layer to its end_layer.
struct LayerView {
  int layer;  // index in the model, 0-based
  const gate::GateSpec* spec;
  uint32_t width;                           // d
  std::span<const float> router_weight;     // (E,d) fp32
  std::span<const float> selection_bias;    // (E) or empty
  std::span<const float> per_expert_scale;  // (E) or empty
  std::span<const float> norm_gain;         // gamma (d)
  float norm_epsilon;                       // rms(x) = sqrt(mean(x_i^2) + eps)
  const Router* router;
  const Embeddings* embeddings;  // null unless some observer needs parts
  int threads;                   // workers that callbacks may be called from
};

// Asks for unweighted expert outputs u_e(y) of a token, beyond those that routing computes.
class OutputRequests {
 public:
  virtual ~OutputRequests() = default;
  // `row` within the set; `experts` distinct. Each (row) at most once per observer, layer.
  virtual void add(size_t row, std::span<const int32_t> experts) = 0;
};

// What another checkpoint's gate decides, undisturbed, on the gate inputs of a block.
struct OtherGate {
  const float* logits;    // (rows,E)
  const int32_t* ranked;  // (rows,k+1)
};

struct GateBlock : Block {
  // Between layers' feed-forward parts there may be several layers with a mixer alone: these two
  // take them together with this layer.
  const float* residual_in;    // (rows,d) residual as it enters the layer; needs.residual_in
  const float* attention_out;  // (rows,d) what this layer's attention added; needs.attention_out
  const float* residual_pre;   // (rows,d) x_pre
  const float* gate_input;     // (rows,d) y_pre
  // The gate's own, also where the pass intervenes in its routes.
  const float* router_logits;  // (rows,E)
  const float* scores;         // (rows,E)
  const float* margins;        // (rows) m_set
  const float* logit_margins;  // (rows)
  // What is computed with: of the intervention, where there is one. The last rank is then the best
  // expert that isn't selected, or -1 where the gate has no other, also where a margin is defined.
  const int32_t* ranked;  // (rows,k+1)
  const float* weights;   // (rows,k)
  // needs.parts: embedding + attention_sum + expert_sum = x_pre up to rounding.
  const float* const* embedding;           // (rows) pointers to (d)
  const float* attention_sum;              // (rows,d) attention of layers 0..l
  const float* expert_sum;                 // (rows,d) MLP and experts of layers 0..l-1
  OutputRequests* requests;                // never null if needs.expert_outputs
  std::span<const OtherGate> other_gates;  // one for each of the pass's other models
};

struct UpdateBlock : Block {
  const float* residual_pre;      // (rows,d)
  const float* update;            // (rows,d) u: what the MoE branch adds
  const int32_t* ranked;          // (rows,k+1) as in GateBlock
  const float* const* embedding;  // parts as in GateBlock (expert_sum still without this layer)
  const float* attention_sum;
  const float* expert_sum;
};

// The answer to one OutputRequests::add.
struct ExpertOutputs {
  const SequenceSet* set;
  size_t row;                        // within the set
  std::span<const int32_t> experts;  // as requested
  const float* outputs;              // (experts,d), unweighted
  const float* update;               // (d) u of the row
  const float* next_unembedding;     // (d) unembedding row of the true next token; null at a
                                     // sequence's last row and unless needs.next_unembedding
  int worker;
};

// One expert's own matrices, as the checkpoint stores them, widened to fp32. Valid during the call.
struct ExpertMatrices {
  int32_t expert;
  uint32_t width, inner_width;  // d, or of the experts' latent; I
  const float* gate;            // (I,d); null in experts without a gate projection
  const float* up;              // (I,d)
  const float* down;            // (d,I)
};

// Logits of the token after each of some positions of one sequence, after the last layer.
struct LogitsBlock {
  const SequenceSet* set;
  size_t sequence;  // in the set
  uint32_t first_position, rows;
  uint32_t vocabulary;
  const float* logits;            // (rows,vocabulary)
  const float* reference_logits;  // the same of the pass's reference model; null: it has none
  int worker;
};

struct Needs {
  bool residual_in = false;
  bool attention_out = false;
  bool parts = false;             // two more hidden-state arrays
  bool update = false;            // on_update is called
  bool expert_outputs = false;    // on_outputs is called
  bool next_unembedding = false;  // unembedding rows of the true next tokens, kept for the pass
  bool logits = false;            // on_logits is called; every layer is run
  bool keys = false;              // begin_keys, on_keys, end_keys, on_no_keys are called
  bool key_projection = false;    // with keys: the matrix that makes them
  // Expected values for the plan, for untied margins, per row of the observed sets and per layer:
  double extra_outputs_per_row = 0;   // expert products beyond the routed ones
  double stored_outputs_per_row = 0;  // unweighted outputs kept until the layer ends
  // Memory that the observer itself holds during the pass, for the plan.
  uint64_t held_bytes = 0;
  // The same by rows, for an observer that doesn't know how wide they are: of all heads' keys,
  // queries and values of one layer, fp32. The plan counts the widest layer.
  uint64_t held_key_rows = 0, held_query_rows = 0, held_value_rows = 0;
  // Of a file without a name that the observer fills during the pass and later passes read.
  uint64_t kept_file_bytes = 0;
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual Needs needs() const = 0;
  // The sets this observer watches; it is called for no other.
  virtual std::span<const SequenceSet* const> sets() const = 0;
  // Experts of `layer` whose matrices it wants to see, ascending; the same answer during a run.
  virtual std::span<const int32_t> wanted_experts(int /*layer*/) const { return {}; }
  virtual void begin_layer(const LayerView&) {}
  virtual void begin_keys(const KeyView&) {}
  virtual void on_keys(const KeyView&, const KeyBlock&) {}
  virtual void end_keys(const KeyView&) {}
  // The layer's mixer has no keys. `mixer`: "gated delta net", "Kimi delta attention", "Mamba-2",
  // "short convolution", or "none".
  virtual void on_no_keys(int /*layer*/, std::string_view /*mixer*/) {}
  virtual void on_gate(const LayerView&, const GateBlock&) {}
  virtual void on_gates_done(const LayerView&) {}
  virtual void on_expert(const LayerView&, const ExpertMatrices&) {}
  virtual void on_update(const LayerView&, const UpdateBlock&) {}
  virtual void on_outputs(const LayerView&, const ExpertOutputs&) {}
  virtual void end_layer(const LayerView&) {}
  // After every layer. A sequence's positions come in order, from one worker; sequences come
  // concurrently.
  virtual void on_logits(const LogitsBlock&) {}
};

}  // namespace rg::tap
