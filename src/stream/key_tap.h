// What a pass shows of queries, keys and values to the observers that ask for them, one call of a
// mixer at a time. Without such observers it holds nothing.
#pragma once

#include <span>
#include <vector>

#include "model/blocks/block.h"
#include "tap/tap.h"

namespace rg::stream {

struct MixerSlice;

class KeyTap {
 public:
  // `call_rows`: of the largest call of a mixer.
  KeyTap(const model::Model& model, std::span<tap::Observer* const> observers, uint32_t call_rows,
         int threads);

  // A layer's calls. begin() and end() alone, the others from any worker.
  void begin(const MixerSlice& slice);
  // Whether anyone is to be shown the layer's rows of the set.
  bool wants(const tap::SequenceSet* set) const;
  const model::KeyRows* rows(int worker) const;  // for the call that follows
  float* input(int worker);                      // (rows,d), for the caller to fill
  void show(const tap::Block& call, const float* residual_in) const;
  void end();

  // Of one worker's buffers.
  static uint64_t worker_bytes(const model::Model& model, uint32_t call_rows);
  // What Needs says in rows of keys, queries and values.
  static uint64_t held_bytes(const model::Model& model, const tap::Needs& needs);

 private:
  struct Worker {
    Buffer<float> input;
    Buffer<std::byte> memory;
    model::KeyRows rows;
  };
  void describe(const MixerSlice& slice, const model::KeyFacts& facts);

  const model::Model& model_;
  std::vector<tap::Observer*> observers_;  // those that ask
  uint32_t call_rows_;
  std::vector<Worker> workers_;
  bool shown_ = false;  // whether the layer has keys that someone asks for
  tap::KeyView view_ = {};
  std::vector<float> frequencies_, long_frequencies_;
};

}  // namespace rg::stream
