// RoPE from config.json: rope_theta and rope_scaling (transformers 4), rope_parameters (5), flat or
// nested by the kind of a layer. Of several spellings transformers 5.24 takes rope_scaling over
// rope_parameters, and the base inside that object over the one outside; here all stated bases must
// be equal. Scalings: model/rope.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/decoder.h"
#include "model/rope.h"

namespace rg::model {

struct RopeRules {
  double base;         // class default
  double partial = 1;  // class default of partial_rotary_factor
  // False: the family rotates whole heads. Its code doesn't read that key, so only 1 is accepted.
  bool may_be_partial = false;
  RopePairing pairing = RopePairing::half_split;
  uint32_t head_width;  // that the factor is a part of
  std::string_view head_width_key = "head_dim";
  // False: only the default type ("no scaling").
  bool scalings = true;
  bool proportional = false;         // the type "proportional" too
  bool alpha = false;                // Hunyuan's type "dynamic": base alpha^(n/(n-2)), whatever n
                                     // positions
  bool deepseek_yarn = false;        // "deepseek_yarn", a name of "yarn", too
  bool short_factors_only = false;   // of longrope: long sequences change the amplitude only
  bool scales_scores = false;        // mscale_all_dim counts with any scaling; refused but for yarn
  bool writes_class_base = false;    // transformers writes `base` outside, whatever the object says
  std::string_view layer_type = "";  // the entry of a nested object
  bool object_states_base = false;   // an object without rope_theta is refused
  bool object_states_part = false;   // an object without partial_rotary_factor is refused
  // What counts without an object: a JSON object, as the class writes it. Empty: no scaling.
  std::string_view class_object = "";
};

struct ReadRope {
  Rope rope;
  double mscale_all_dim = 0;  // of yarn, for the score scale of latent attention; 0: none stated
  double alpha = 0;           // 0: none stated
};

// What a config is read with; leftover keys are added to `leftovers`.
struct RopeConfig {
  ConfigReader& config;
  uint32_t positions;  // max_position_embeddings
  std::vector<Origin>& origins;
  std::vector<Leftover>& leftovers;
};

// CF002.
ReadRope read_rope(const RopeConfig& from, const RopeRules& rules);
inline ReadRope read_rope(Decoder& decoder, const RopeRules& rules) {
  return read_rope(
      {decoder.config(), decoder.model().positions, decoder.model().origins, decoder.leftovers()},
      rules);
}

}  // namespace rg::model
