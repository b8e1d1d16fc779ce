// The decoder's tensors: what families name alike, bound with their shapes.
#include <fmt/format.h>

#include "model/decoder.h"

namespace rg::model {

Norm Decoder::norm(const std::string& name) {
  Norm norm = {.spec = norm_spec(), .gain = binder_.vector(name + ".weight", width())};
  if (norm.spec.kind == NormKind::layer) norm.bias = binder_.vector(name + ".bias", width());
  return norm;
}

Attention Decoder::attention(const std::string& prefix, const AttentionSpec& spec, Biases biases,
                             const AttentionNames& names) {
  const bool gated = spec.output_gate == OutputGate::with_query;
  const Dimension head = {spec.head_width, "head_dim"};
  const Dimension q_width = {uint64_t{spec.heads} * spec.head_width,
                             "num_attention_heads*head_dim"};
  const Dimension q_rows = {q_width.size * (gated ? 2 : 1),
                            gated ? "2*" + q_width.key : q_width.key};
  const Dimension kv_width = {uint64_t{spec.kv_heads} * spec.head_width,
                              "num_key_value_heads*head_dim"};
  const Dimension v_width = {uint64_t{spec.kv_heads} * spec.value_width,
                             "num_key_value_heads*v_head_dim"};
  const Dimension context = {uint64_t{spec.heads} * spec.value_width,
                             "num_attention_heads*v_head_dim"};
  const auto name = [&](std::string_view part, std::string_view kind) {
    return fmt::format("{}{}.{}", prefix, part, kind);
  };
  Attention attention;
  attention.spec = spec;
  attention.q = binder_.matrix(name(names.q, "weight"), q_rows, width());
  attention.k = binder_.matrix(name(names.k, "weight"), kv_width, width());
  if (!names.values_are_keys) {
    attention.v = binder_.matrix(name(names.v, "weight"), v_width, width());
  }
  attention.o = binder_.matrix(name(names.o, "weight"), width(), context);
  if (biases.qkv) {
    attention.q_bias = binder_.vector(name(names.q, "bias"), q_rows);
    attention.k_bias = binder_.vector(name(names.k, "bias"), kv_width);
    // Values that are keys have the keys' bias already.
    if (!names.values_are_keys) {
      attention.v_bias = binder_.vector(name(names.v, "bias"), v_width);
    }
  }
  if (biases.o) attention.o_bias = binder_.vector(name(names.o, "bias"), width());
  if (spec.qk_norm != QkNorm::none) {
    const bool full = spec.qk_norm == QkNorm::full_width;
    attention.q_norm = binder_.vector(prefix + std::string(names.q_norm), full ? q_width : head);
    attention.k_norm = binder_.vector(prefix + std::string(names.k_norm), full ? kv_width : head);
  }
  return attention;
}

Expert Decoder::mlp(const std::string& prefix, Dimension inner, const MlpNames& names,
                    bool biased) {
  const auto matrix = [&](std::string_view name, Dimension rows, Dimension columns) {
    return binder_.matrix(fmt::format("{}{}.weight", prefix, name), rows, columns);
  };
  const auto bias = [&](std::string_view name, Dimension size) {
    return binder_.vector(fmt::format("{}{}.bias", prefix, name), size);
  };
  Expert expert;
  expert.gate = matrix(names.gate, inner, width());
  expert.up = matrix(names.up, inner, width());
  expert.down = matrix(names.down, width(), inner);
  if (biased) {
    expert.gate_bias = bias(names.gate, inner);
    expert.up_bias = bias(names.up, inner);
    expert.down_bias = bias(names.down, width());
  }
  return expert;
}

ExpertGroup Decoder::shared(const std::string& prefix, Dimension inner, const MlpNames& names,
                            bool biased) {
  ExpertGroup group;
  group.role = ExpertRole::shared;
  group.spec = {.inner_width = static_cast<uint32_t>(inner.size), .activation = Activation::silu};
  group.experts.push_back(mlp(prefix, inner, names, biased));
  return group;
}

ExpertGroup Decoder::routed(const std::string& prefix, const gate::GateSpec& gate, Dimension inner,
                            const MlpNames& names) {
  const Dimension experts = {gate.experts, "the number of experts"};
  if (binder_.has(prefix + "gate_up_proj")) {
    const Dimension both = {2 * inner.size, "2*" + inner.key};
    const Tensor gate_up = binder_.bind(prefix + "gate_up_proj", {experts, both, width()});
    return routed_from(gate_up, binder_.bind(prefix + "down_proj", {experts, width(), inner}),
                       inner);
  }
  ExpertGroup group;
  group.role = ExpertRole::routed;
  group.spec = {.inner_width = static_cast<uint32_t>(inner.size), .activation = Activation::silu};
  for (uint32_t e = 0; e < experts.size; ++e) {
    group.experts.push_back(mlp(fmt::format("{}{}.", prefix, e), inner, names));
  }
  return group;
}

ExpertGroup Decoder::routed_from(Tensor gate_up, Tensor down, Dimension inner) const {
  const auto rows = static_cast<uint32_t>(inner.size);
  ExpertGroup group;
  group.role = ExpertRole::routed;
  group.spec = {.inner_width = rows, .activation = Activation::silu};
  Expert first;
  first.gate = part(gate_up, 0, rows, model_.width);
  first.up = part(gate_up, 1, rows, model_.width);
  first.down = part(down, 0, model_.width, rows);
  group.experts = ExpertList::of_equal_parts(first, static_cast<uint32_t>(gate_up->shape[0]));
  return group;
}

Router Decoder::router(const std::string& matrix, const gate::GateSpec& spec,
                       const std::string& selection_bias) {
  gate::validate(spec, "config.json");
  const Dimension experts = {spec.experts, "the number of experts"};
  Router router = {.spec = spec, .matrix = binder_.matrix(matrix, experts, width())};
  if (spec.selection_bias) router.selection_bias = binder_.row(selection_bias, experts);
  return router;
}

void Decoder::bind_head_bias() {
  model_.unembedding_bias = binder_.vector("lm_head.bias", {model_.vocabulary, "vocab_size"});
}

// As transformers 5 loads them: a stored head is always used; if they are tied, either may be
// missing; if not, nothing replaces a missing head.
void Decoder::bind_tables() {
  const Dimension tokens = {model_.vocabulary, "vocab_size"};
  const std::string embedding =
      first_of({root_ + "embed_tokens.weight", root_ + embedding_ + ".weight"});
  const std::string head = first_of({"lm_head.weight", "language_model.lm_head.weight"});
  const bool has_head = binder_.has_or(head, !tied_);
  const bool has_embedding = binder_.has(embedding) || !tied_ || !has_head;
  // Never with scales: rows are gathered as they are stored, and quantisers leave both tables
  // alone.
  const auto table = [&](const std::string& name) {
    return part(binder_.bind(name, {tokens, width()}), 0, model_.vocabulary, model_.width);
  };
  model_.embedding = table(has_embedding ? embedding : head);
  if (!has_embedding) model_.origins.push_back({"embedding", head, "tie_word_embeddings"});
  Origin origin = {"unembedding", head, "checkpoint"};
  if (has_head) {
    model_.unembedding = table(head);
  } else if (tied_) {
    model_.unembedding = model_.embedding;
    origin = {"unembedding", embedding, "tie_word_embeddings"};
  } else {
    origin = {"unembedding", "none", "no lm_head.weight"};
    model_.notes.push_back(
        "lm_head.weight is missing while tie_word_embeddings is false: what needs the head (the "
        "logits of a trace, chart_compatibility) is refused");
  }
  model_.origins.push_back(std::move(origin));
  model_.tied_embeddings = model_.unembedding.values == model_.embedding.values;
  model_.head_despite_tie = tied_ && has_embedding && has_head;
  if (model_.head_despite_tie) {
    model_.notes.push_back(
        "tie_word_embeddings is true, yet lm_head.weight is stored: the stored head is used, as "
        "transformers does. Where it equals the embedding this changes nothing");
  }
}

}  // namespace rg::model
