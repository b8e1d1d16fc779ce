// Numbers for one simulated artifact: a stream that depends on the run and on what is simulated.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "stats/pinned_math.h"

namespace rg::levels {

class Stream {
 public:
  // `kind`: one number per kind of simulation, so that no two share draws.
  Stream(uint64_t run, uint32_t kind) : run_(run), kind_(kind) {}
  double uniform() {  // in (0, 1)
    return (draw_word(run_, Purpose::audit, {next_++, 0, kind_}, 0) + 0.5) / 4294967296.0;
  }
  double normal() { return stats::normal_quantile(uniform()); }

 private:
  uint64_t run_;
  uint32_t kind_, next_ = 0;
};

}  // namespace rg::levels
