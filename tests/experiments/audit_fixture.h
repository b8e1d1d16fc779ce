// Two fake models passed over as an audit does: A, then B with A's gates asked, then A's weights
// with B's routes and the other way round (whose logits the models invent), then A again.
#pragma once

#include <memory>

#include "experiments/audit/audit.h"
#include "experiments/fake_engine.h"
#include "support/temp_folder.h"

namespace rg::experiments::testing {

// Shows an observer the same windows of another fake model, which has sets of its own.
class Redirected : public tap::Observer {
 public:
  Redirected(tap::Observer& to, const tap::SequenceSet& windows) : to_(to), windows_(&windows) {}
  tap::Needs needs() const override { return to_.needs(); }
  std::span<const tap::SequenceSet* const> sets() const override { return {&windows_, 1}; }
  void begin_layer(const tap::LayerView& view) override { to_.begin_layer(view); }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    to_.on_gate(view, block);
  }

 private:
  tap::Observer& to_;
  const tap::SequenceSet* windows_;
};

class FakeAudit {
 public:
  // `again`: A with the other compute type; null: there is no such pass.
  FakeAudit(const FakeModel& a, const FakeModel& b, const FakeModel* again, const Feeding& feeding,
            bool gates_equal)
      : FakeAudit(a, b, again, feeding, gates_equal, a.setting(), b.setting()) {}
  FakeAudit(const FakeModel& a, const FakeModel& b, const FakeModel* again, const Feeding& feeding,
            bool gates_equal, const Setting& of_a, const Setting& of_b)
      : routes_a_(of_a.moe_layers, a.sets[0].rows(), a.shape.k),
        routes_b_(of_a.moe_layers, a.sets[0].rows(), a.shape.k),
        reference_(of_a, routes_a_, 0, folder_.path(), 0),
        record_(of_b, reference_, routes_a_, routes_b_, 0),
        floor_(reference_, routes_a_, 0),
        a_(&a.sets[0], a.shape.seq_len, TokenOutputs::Compared::no, 0),
        b_(&b.sets[0], b.shape.seq_len, TokenOutputs::Compared::yes, 0),
        ab_(&a.sets[0], a.shape.seq_len, TokenOutputs::Compared::no, 0),
        ba_(&b.sets[0], b.shape.seq_len, TokenOutputs::Compared::no, 0),
        has_floor_(again != nullptr) {
    pass(a, {&reference_, &a_}, feeding, &b);
    record_.set_gates_equal(gates_equal);
    pass(b, {&record_, &b_}, feeding, &a);
    pass(a, {&ab_}, feeding, nullptr);
    pass(b, {&ba_}, feeding, nullptr);
    if (again == nullptr) return;
    Redirected floor(floor_, again->sets[0]);
    pass(*again, {&floor}, feeding, nullptr);
  }
  FakeAudit(const FakeAudit&) = delete;

  record::Contribution reduce() const {
    return reduce_audit(
        {.record = record_,
         .outputs = {.a = a_, .b = b_, .ab = ab_, .ba = ba_},
         .floor = has_floor_ ? &floor_ : nullptr,
         .compute = "f32",
         .other_compute = has_floor_ ? std::optional<std::string>("bf16") : std::nullopt});
  }
  const AuditRecord& record() const { return record_; }
  const RouteTable& routes_a() const { return routes_a_; }
  const RouteTable& routes_b() const { return routes_b_; }
  const RouteFloor& floor() const { return floor_; }

 private:
  static void pass(const FakeModel& model, std::vector<tap::Observer*> observers, Feeding feeding,
                   const FakeModel* asked) {
    if (asked != nullptr) feeding.others = {asked};
    run(model, observers, feeding);
  }

  test::TempFolder folder_;
  RouteTable routes_a_, routes_b_;
  ReferenceRecord reference_;
  AuditRecord record_;
  RouteFloor floor_;
  TokenOutputs a_, b_, ab_, ba_;
  bool has_floor_;
};

// Logits of the next token that depend on the residual after the last layer.
inline void predict_from_residual(FakeModel& model) {
  const FakeModel* self = &model;
  model.next_logits = [self](size_t set, size_t row) {
    const int last = int(self->shape.layers) - 1;
    const size_t d = self->shape.width;
    const Trace& trace = self->trace(last, set);
    std::vector<float> logits(self->shape.vocabulary);
    for (size_t v = 0; v < logits.size(); ++v) {
      double sum = 0;
      for (size_t i = 0; i < d; ++i) {
        const double x =
            double(trace.residual_pre[row * d + i]) + double(trace.update[row * d + i]);
        sum += double(self->unembedding(int32_t(v))[i]) * x;
      }
      logits[v] = float(0.2 * sum);
    }
    return logits;
  };
}

}  // namespace rg::experiments::testing
