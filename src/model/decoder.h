// What the decoders of most families have in common: config keys that they spell alike, and tensors
// that they name alike. A family composes its layers from these; whatever it does otherwise it says
// itself.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/config_reader.h"
#include "model/model.h"
#include "model/tensor_binder.h"

namespace rg::model {

// Heads of softmax attention. head_dim is hidden_size / heads if the config has none.
struct Heads {
  uint32_t heads, kv_heads, head_width;
};

// Class defaults of the two that a config may leave out; none: heads, and hidden_size / heads.
struct HeadDefaults {
  std::optional<uint32_t> kv_heads = {}, head_width = {};
};

// Names of a MLP's three matrices within its prefix.
struct MlpNames {
  std::string_view gate = "gate_proj", up = "up_proj", down = "down_proj";
};

// Names of attention's tensors within its prefix.
struct AttentionNames {
  std::string_view q = "q_proj", k = "k_proj", v = "v_proj", o = "o_proj";
  std::string_view q_norm = "q_norm.weight", k_norm = "k_norm.weight";
  bool values_are_keys = false;  // there is no v
};

struct Biases {
  bool qkv, o;
};

// Class defaults of a family's config, for keys that it may leave out.
struct DecoderDefaults {
  double norm_epsilon;
  bool tied;
  bool tied_outside = false;  // class default of the wrapper, where there is one
  std::string_view norm_epsilon_key = "rms_norm_eps";
  std::string_view positions_key = "max_position_embeddings";
  bool never_tied = false;                      // whatever tie_word_embeddings says
  std::string_view tied_key = "";               // another name of tie_word_embeddings, which wins
  std::string_view embedding = "embed_tokens";  // another name of its tensor
  std::string_view hub_root = "";               // of the hub's tensor names, other than "model."
  std::optional<uint32_t> layers = {};  // listed elsewhere: num_hidden_layers may be missing
};

class Decoder {
 public:
  // The config's text_config, if it has one: the text part of a model of several kinds of input.
  // Reads the sizes that every decoder states: hidden_size, num_hidden_layers, vocab_size,
  // max_position_embeddings, the norms' epsilon, tie_word_embeddings. `family`: its model_type.
  Decoder(const formats::Checkpoint& checkpoint, std::string_view family, NormKind norms,
          const DecoderDefaults& defaults);

  ConfigReader& config() { return reader_; }
  TensorBinder& tensors() { return binder_; }
  Model& model() { return model_; }
  std::vector<Leftover>& leftovers() { return leftovers_; }
  const std::string& root() const { return root_; }  // of tensor names: "model." as a rule
  std::string layer_prefix(uint32_t layer) const;
  // The first of these tensors that there is; the first of all if there is none.
  std::string first_of(std::initializer_list<std::string> names) const;
  uint32_t layers() const { return layers_; }
  Dimension width() const { return {model_.width, "hidden_size"}; }
  NormSpec norm_spec() const { return model_.final_norm.spec; }

  // ---- config
  Heads heads(const HeadDefaults& defaults = {});
  // A count that may have several names, which must agree.
  gate::Stated<uint32_t> count(std::initializer_list<std::string_view> keys);
  // The number of experts by the names that the family's class reads; other families' names for it
  // may be there, if they agree.
  gate::Stated<uint32_t> experts(std::initializer_list<std::string_view> keys);
  gate::Stated<bool> flag(std::string_view key, std::optional<bool> otherwise);
  gate::Stated<float> real(std::string_view key, std::optional<float> otherwise);
  // The one of two names that the config has; if both, they must say the same.
  std::string_view either(std::string_view own, std::string_view hub);
  // A key that the computation doesn't read must have this value if it is there.
  void expect(std::string_view key, const Json& value);
  // Layers whose entry in the list `key` is `yes`; the others must say `no`. None without the list.
  std::optional<std::vector<bool>> layer_list(std::string_view key, std::string_view yes,
                                              std::string_view no);
  // sliding_window, the number of keys of sliding layers. null: no window; `otherwise`: class
  // default.
  std::optional<uint32_t> window(std::optional<uint32_t> otherwise);
  // Two ascending numbers; the first may be -Infinity, the second Infinity.
  std::optional<std::pair<double, double>> pair(std::string_view key);
  Dimension dimension(std::string_view key);  // a width, at least 1
  // A flag that decides nothing of the gate.
  bool switched(std::string_view key, std::string_view field, bool otherwise) {
    return reader_.flag_or(key, field, otherwise);
  }

  // ---- tensors
  Norm norm(const std::string& name);  // of width d
  Attention attention(const std::string& prefix, const AttentionSpec& spec, Biases biases,
                      const AttentionNames& names = {});
  // SwiGLU of three matrices; `biased`: a bias beside each.
  Expert mlp(const std::string& prefix, Dimension inner, const MlpNames& names = {},
             bool biased = false);
  ExpertGroup shared(const std::string& prefix, Dimension inner, const MlpNames& names = {},
                     bool biased = false);
  // All experts of a layer: three matrices each, or, as transformers 5 holds them in memory, one
  // tensor (E, 2I, d) with gate's rows above up's and one (E, d, I).
  ExpertGroup routed(const std::string& prefix, const gate::GateSpec& gate, Dimension inner,
                     const MlpNames& names = {});

  // Experts of two tensors, (E, 2I, d) and (E, d, I).
  ExpertGroup routed_from(Tensor gate_up, Tensor down, Dimension inner) const;
  // CF010 for an impossible gate. To be bound before the experts, of which it may state millions.
  Router router(const std::string& matrix, const gate::GateSpec& spec,
                const std::string& selection_bias = "");

  void bind_head_bias();  // of the final logits
  void add(Layer layer);

  // Binds embedding, final norm and head; refuses config keys and tensors that are left over.
  // `ignored`: tensors that the family names and a pass doesn't use.
  Model finish(
      std::span<const KnownKey> known_keys, const std::string& final_norm = "norm",
      const std::function<bool(std::string_view)>& ignored = [](auto) { return false; });

 private:
  void read_quantization(ConfigReader& config);
  // `value` of `key` in fp32; CF002 unless it is a positive number there.
  float positive(std::string_view key, double value) const;
  void bind_tables();

  const formats::Checkpoint& checkpoint_;
  Model model_;
  std::vector<Leftover> leftovers_;
  std::optional<ConfigReader> outer_;  // around text_config
  ConfigReader reader_;
  TensorBinder binder_;
  std::string embedding_;  // of DecoderDefaults
  std::string root_, layers_name_ = "layers";
  uint32_t layers_ = 0;
  bool tied_ = false;
};

inline const std::string kFixed = "fixed by the family";
inline const std::string kClassDefault = "class default";

float inverse_root(uint32_t head_width);  // 1/sqrt(head width), the usual scale of the scores

template <typename... Groups>
std::vector<ExpertGroup> groups(Groups&&... each) {
  std::vector<ExpertGroup> all;
  (all.push_back(std::forward<Groups>(each)), ...);
  return all;
}

// Records the spec's fields for `inspect`.
void state_gate(const gate::GateSpec& spec, std::vector<Origin>& origins);

}  // namespace rg::model
