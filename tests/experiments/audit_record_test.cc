// What an audit's passes keep, against a recount from the traces of both models.
#include "experiments/audit/audit_record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "experiments/audit_fixture.h"
#include "experiments/live_bytes.h"
#include "support/caught.h"

namespace rg::experiments::testing {
namespace {

// The same model with other expert outputs from layer 1 on, and other gates by `gate_change`.
FakeModel::Hooks changed(double gate_change, float expert_scale) {
  FakeModel::Hooks hooks;
  hooks.weights = [gate_change](int layer, LayerWeights& weights) {
    for (size_t i = 0; gate_change > 0 && i < weights.router.size(); ++i) {
      weights.router[i] += float(gate_change * normal(78, uint32_t(i), 0, uint32_t(layer)));
    }
  };
  hooks.expert_scale = [expert_scale](int) { return expert_scale; };
  return hooks;
}

// Windows 3 and 4 have undefined margins in some rows.
void with_gaps(FakeModel::Hooks& hooks) {
  hooks.logits = [](int, size_t row, std::span<float> values) {
    if (row / 33 == 3 || (row / 33 == 4 && row % 33 < 5)) {
      std::fill(values.begin() + 2, values.end(), std::numeric_limits<float>::quiet_NaN());
    }
  };
}

struct AuditPair {
  Shape shape;
  std::unique_ptr<FakeModel> a, b;

  AuditPair(const gate::GateSpec& spec, double gate_change, float expert_scale, bool gaps) {
    shape.experts = spec.experts;
    shape.k = spec.top_k;
    FakeModel::Hooks plain, other = changed(gate_change, expert_scale);
    if (gaps) with_gaps(plain);
    a = std::make_unique<FakeModel>(shape, spec, plain);
    b = std::make_unique<FakeModel>(shape, spec, other);
    predict_from_residual(*a);
    predict_from_residual(*b);
    b->reference_logits = a->next_logits;
  }
};

using ExpertSet = std::set<int32_t>;

ExpertSet as_set(const int32_t* ranked, size_t k) { return {ranked, ranked + k}; }

uint32_t lost(const ExpertSet& from, const ExpertSet& to) {
  return uint32_t(std::count_if(from.begin(), from.end(),
                                [&](int32_t expert) { return !to.contains(expert); }));
}

// Recounts one window at one layer from the traces.
struct Recount {
  uint32_t undefined = 0, total = 0, local = 0, inherited = 0, through_a = 0, flips = 0;

  Recount(const AuditPair& pair, int layer, size_t window) {
    const size_t k = pair.shape.k;
    const Trace &a = pair.a->trace(layer, 0), &b = pair.b->trace(layer, 0);
    for (size_t t = 0; t + 1 < pair.shape.seq_len; ++t) {
      const size_t row = window * pair.shape.seq_len + t;
      if (!std::isfinite(a.margins[row]) || !std::isfinite(b.margins[row])) {
        ++undefined;
        continue;
      }
      const ExpertSet own = as_set(a.ranked.data() + row * (k + 1), k);
      const ExpertSet copy = as_set(b.ranked.data() + row * (k + 1), k);
      const ExpertSet ba = as_set(decide_other(*pair.a, *pair.b, layer, 0, row).ranked.data(), k);
      const ExpertSet ab = as_set(decide_other(*pair.b, *pair.a, layer, 0, row).ranked.data(), k);
      total += lost(own, copy);
      local += lost(own, ba);
      inherited += lost(ba, copy);
      through_a += lost(own, ab);
      flips += own != copy ? 1u : 0u;
    }
  }
};

TEST(AuditRecord, CountsWhatTheTracesSay) {
  const AuditPair pair(softmax_spec(8, 2), 0.05, 1.2f, true);
  const FakeAudit audit(*pair.a, *pair.b, nullptr, {}, false);
  const AuditRecord& record = audit.record();
  uint64_t flips = 0, local = 0;
  for (size_t slot = 0; slot < pair.shape.layers; ++slot) {
    for (size_t w = 0; w < pair.shape.windows; ++w) {
      const Recount expected(pair, int(slot), w);
      const auto of = [&](AuditCount count) { return record.counts(count, slot)[w]; };
      EXPECT_EQ(of(AuditCount::undefined), expected.undefined);
      EXPECT_EQ(of(AuditCount::total), expected.total);
      EXPECT_EQ(of(AuditCount::local), expected.local);
      EXPECT_EQ(of(AuditCount::inherited), expected.inherited);
      EXPECT_EQ(of(AuditCount::through_a), expected.through_a);
      EXPECT_EQ(of(AuditCount::flips), expected.flips);
      EXPECT_EQ(of(AuditCount::neighbour) + of(AuditCount::middle) + of(AuditCount::far),
                expected.flips);
      flips += expected.flips;
      local += expected.local;
    }
  }
  EXPECT_GT(flips, 200u);  // so that the equalities say something
  EXPECT_GT(local, 50u);
  EXPECT_EQ(record.counts(AuditCount::undefined, 0)[3], 32u);
  EXPECT_EQ(record.counts(AuditCount::undefined, 0)[4], 5u);
}

TEST(AuditRecord, FindsTheLowestFlippedLayerOfEveryToken) {
  const AuditPair pair(softmax_spec(8, 2), 0.05, 1.2f, true);
  const FakeAudit audit(*pair.a, *pair.b, nullptr, {}, false);
  const size_t positions = pair.shape.seq_len - 1, k = pair.shape.k;
  for (size_t w = 0; w < pair.shape.windows; ++w) {
    std::vector<uint32_t> onset(pair.shape.layers, 0);
    for (size_t t = 0; t < positions; ++t) {
      const size_t row = w * pair.shape.seq_len + t;
      uint32_t flipped = 0;
      for (int layer = 0; layer < int(pair.shape.layers); ++layer) {
        const Trace &a = pair.a->trace(layer, 0), &b = pair.b->trace(layer, 0);
        const bool defined = std::isfinite(a.margins[row]) && std::isfinite(b.margins[row]);
        const bool flip = defined && as_set(a.ranked.data() + row * (k + 1), k) !=
                                         as_set(b.ranked.data() + row * (k + 1), k);
        if (flip && flipped++ == 0) ++onset[size_t(layer)];
      }
      EXPECT_EQ(audit.record().flipped_layers()[w * positions + t], flipped);
    }
    for (size_t slot = 0; slot < pair.shape.layers; ++slot) {
      EXPECT_EQ(audit.record().counts(AuditCount::onset, slot)[w], onset[slot]);
    }
  }
}

TEST(AuditRecord, RemembersBothRoutesForTheNextPasses) {
  const AuditPair pair(softmax_spec(8, 3), 0.1, 1, false);
  const FakeAudit audit(*pair.a, *pair.b, nullptr, {}, false);
  for (int layer = 0; layer < int(pair.shape.layers); ++layer) {
    for (size_t row = 0; row < pair.a->sets[0].rows(); ++row) {
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(audit.routes_a().at(layer, row)[i], pair.a->trace(layer, 0).ranked[row * 4 + i]);
        EXPECT_EQ(audit.routes_b().at(layer, row)[i], pair.b->trace(layer, 0).ranked[row * 4 + i]);
      }
    }
  }
}

TEST(AuditRecord, EqualGatesFlipByTheirInputsAlone) {
  const AuditPair pair(softmax_spec(8, 2), 0, 1.1f, false);
  const FakeAudit audit(*pair.a, *pair.b, nullptr, {}, true);
  const auto sum = [&](AuditCount count, size_t slot) {
    uint64_t all = 0;
    for (const uint32_t value : audit.record().counts(count, slot)) all += value;
    return all;
  };
  EXPECT_EQ(sum(AuditCount::flips, 0), 0u);  // nothing has changed before the first gate
  EXPECT_GT(sum(AuditCount::guaranteed, 0), 600u);
  uint64_t flips = 0, guaranteed = 0;
  for (size_t slot = 1; slot < pair.shape.layers; ++slot) {
    EXPECT_EQ(sum(AuditCount::local, slot), 0u);
    EXPECT_EQ(sum(AuditCount::total, slot), sum(AuditCount::inherited, slot));
    EXPECT_EQ(sum(AuditCount::total, slot), sum(AuditCount::through_a, slot));
    flips += sum(AuditCount::flips, slot);
    guaranteed += sum(AuditCount::guaranteed, slot);
  }
  EXPECT_GT(flips, 20u);
  EXPECT_GT(guaranteed, 0u);
}

TEST(AuditRecord, GatesThatAreNotEqualMustNotBeSaidToBe) {
  const AuditPair pair(softmax_spec(8, 2), 0.2, 1, false);
  const auto error = test::caught([&] { FakeAudit(*pair.a, *pair.b, nullptr, {}, true); });
  EXPECT_EQ(error.id, ErrorId::RT070);
  EXPECT_TRUE(error.says("equal gates choose equally")) << error.line;
}

TEST(AuditRecord, ComparesAWithItsRoundedGateAndItsSecondPass) {
  const AuditPair pair(softmax_spec(8, 2), 0.02, 1, true);
  FakeModel::Hooks nudged = changed(1e-3, 1);
  const FakeModel again(pair.shape, softmax_spec(8, 2), nudged);
  const FakeAudit audit(*pair.a, *pair.b, &again, {}, false);
  uint64_t rounded = 0, passed = 0;
  for (size_t slot = 0; slot < pair.shape.layers; ++slot) {
    for (size_t w = 0; w < pair.shape.windows; ++w) {
      rounded += audit.record().counts(AuditCount::floor_flips, slot)[w];
      uint32_t undefined = 0, flips = 0;
      for (size_t t = 0; t + 1 < pair.shape.seq_len; ++t) {
        const size_t row = w * pair.shape.seq_len + t;
        const Trace &own = pair.a->trace(int(slot), 0), &other = again.trace(int(slot), 0);
        const bool defined = std::isfinite(own.margins[row]) && std::isfinite(other.margins[row]);
        undefined += defined ? 0u : 1u;
        flips += defined &&
                 as_set(own.ranked.data() + row * 3, 2) != as_set(other.ranked.data() + row * 3, 2);
      }
      EXPECT_EQ(audit.floor().counts(FloorCount::undefined, slot)[w], undefined);
      EXPECT_EQ(audit.floor().counts(FloorCount::flips, slot)[w], flips);
      passed += flips;
    }
  }
  EXPECT_GT(rounded, 0u);
  EXPECT_GT(passed, 0u);
}

// Without a model: the memory and the file that the plan is told of.
TEST(AuditRecord, TakesTheMemoryThatItTellsThePlan) {
  AuditPair pair(softmax_spec(16, 2), 0.05, 1, false);
  const test::TempFolder folder;
  const Setting of_a = pair.a->setting(), of_b = pair.b->setting();
  RouteTable a(of_a.moe_layers, pair.a->sets[0].rows(), 2);
  RouteTable b(of_a.moe_layers, pair.a->sets[0].rows(), 2);
  ReferenceRecord reference(of_a, a, 0, folder.path(), 0);
  tap::Observer* observer = &reference;
  run(*pair.a, {&observer, 1}, {.others = {pair.b.get()}});
  EXPECT_GE(reference.needs().kept_file_bytes,
            pair.shape.layers * 24 * 32 * (16 + 24) * sizeof(float));
  const size_t before = live_bytes();
  AuditRecord record(of_b, reference, a, b, 0);
  EXPECT_LE(live_bytes() - before, 16'000u);
  const size_t told = record.needs().held_bytes;
  observer = &record;
  run(*pair.b, {&observer, 1}, {.others = {pair.a.get()}});
  const size_t kept = live_bytes() - before;
  EXPECT_LE(kept, record.kept_bytes() + 64'000) << record.kept_bytes();
  EXPECT_GE(4 * kept, record.kept_bytes());
  EXPECT_GT(told, record.kept_bytes());
}

}  // namespace
}  // namespace rg::experiments::testing
