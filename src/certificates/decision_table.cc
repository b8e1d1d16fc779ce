#include "certificates/decision_table.h"

#include <utility>

namespace rg::certificates {
namespace {

constexpr Levels kNoLevel{.exact = false,
                          .enclosed = false,
                          .on_manifold = false,
                          .identical_bytes = false,
                          .twin_tokens = false};
constexpr Levels kKernelPair{.exact = true,
                             .enclosed = true,
                             .on_manifold = true,
                             .identical_bytes = true,
                             .twin_tokens = false};
constexpr Levels kBytes{.exact = false,
                        .enclosed = false,
                        .on_manifold = false,
                        .identical_bytes = true,
                        .twin_tokens = false};
constexpr Levels kTwins{.exact = false,
                        .enclosed = false,
                        .on_manifold = false,
                        .identical_bytes = false,
                        .twin_tokens = true};

// K may have a left inverse; if not, it has a kernel for sure.
bool may_determine(const LayerFacts& facts) { return facts.key_dimensions >= facts.width; }

// A norm per head leaves one unknown factor per head, that over all of them only one.
bool several_factors(const LayerFacts& facts) {
  return facts.qk_norm == QkNorm::per_head && facts.key_heads >= 2;
}

// The theorems are about the k largest of logits without a bias.
std::string router_reservation(const LayerFacts& facts) {
  if (!facts.plain_top_k) return "not a plain top-k of logits; the sets of a pair must be compared";
  if (facts.router_bias) return "router bias: KR-3 (c), its size against the logits decides";
  return "";
}

// Where equal keys of z and -z are what counts, whatever is done to keys later.
Levels kernel_levels(const LayerFacts& facts) {
  return router_reservation(facts).empty() ? kKernelPair : kBytes;
}

Row open_row(Summary summary, Answer answer, std::string_view theorem, std::string_view condition,
             std::string reservation, const Levels& levels) {
  return {.inputs = Inputs::open_set,
          .summary = summary,
          .answer = answer,
          .theorem = theorem,
          .condition = condition,
          .reservation = std::move(reservation),
          .levels = levels};
}

// What keeps keys that contain all of x from giving it back.
std::string inverse_reservation(const LayerFacts& facts) {
  if (std::string of_router = router_reservation(facts); !of_router.empty()) return of_router;
  if (facts.key_bias && facts.qk_norm != QkNorm::none) return "a key bias inside of the QK-norm";
  if (facts.clipped) return "only while no key is clipped";
  return "";
}

void add_shared_residual(const LayerFacts& facts, std::vector<Row>& rows) {
  std::string sufficient = inverse_reservation(facts);
  if (sufficient.empty() && several_factors(facts)) {
    sufficient = "necessary only: a norm per head loses more, KR-5 (c)";
  }
  rows.push_back(open_row(Summary::own_keys, Answer::if_router_in_keys, "KR-3 (a)", "",
                          std::move(sufficient), kernel_levels(facts)));
  if (!may_determine(facts)) {
    rows.push_back(open_row(Summary::own_keys, Answer::generically_no, "KR-4 (b)",
                            "fewer key dimensions than the residual has", router_reservation(facts),
                            kernel_levels(facts)));
  } else if (several_factors(facts)) {
    rows.push_back(open_row(Summary::own_keys, Answer::generically_no, "KR-5 (d)",
                            "a QK-norm over each of several heads", router_reservation(facts),
                            kBytes));
  } else {
    rows.push_back(open_row(Summary::own_keys, Answer::yes, "KR-5 (b)",
                            "rank K = D; of a QK-norm, gains other than 0",
                            inverse_reservation(facts), kNoLevel));
  }
  rows.push_back(open_row(Summary::one_bit_keys, Answer::generically_no, "KR-1",
                          "finitely many codes; the overlap that they reach is the question",
                          router_reservation(facts),
                          may_determine(facts) ? kBytes : kernel_levels(facts)));
}

// At position 0 attention sees one key, so that what it adds is a linear map of the normed x.
void add_first_position(const LayerFacts& facts, std::vector<Row>& rows) {
  Row row = open_row(Summary::own_keys, Answer::generically_no, "KR-6 (d)",
                     "G h(z) not constant for some z of the kernel of K", router_reservation(facts),
                     kernel_levels(facts));
  row.inputs = Inputs::first_position;
  // Residuals of one length have one rho, so what attention adds is linear in them. Where values
  // are made of the keys it isn't W_O W_V N(x), and isn't zero.
  row.levels.on_manifold = row.levels.on_manifold && facts.values_seen;
  if (!facts.linear_at_first) {
    row.reservation = "attention at position 0 is not linear: h(-z) need not be -h(z)";
    row.levels = kBytes;
  }
  if (may_determine(facts)) {
    const bool forgets = facts.epsilon == 0 || facts.qk_norm != QkNorm::none;
    row.answer = forgets ? Answer::if_scale_matters_no : Answer::yes;
    row.theorem = forgets ? "KR-6 (b)" : "KR-1";
    row.condition = forgets ? "some set changes with the length of x"
                            : "rank K = D, and exact numbers: keys change by about "
                              "epsilon / (2 |x|^2 / D) with the length of x";
    if (forgets && facts.epsilon != 0) {
      row.reservation = "epsilon is not 0: it is the QK-norm that forgets the length";
    } else if (!forgets) {
      row.reservation = inverse_reservation(facts);
    }
    row.levels = kBytes;
  }
  rows.push_back(row);
  if (!may_determine(facts)) return;
  row.inputs = Inputs::open_set;
  row.summary = Summary::keys_of_all_positions;
  rows.push_back(row);
}

Row reachable_row(Summary summary, Answer answer, std::string_view theorem,
                  std::string_view condition, const Levels& levels) {
  return {.inputs = Inputs::reachable,
          .summary = summary,
          .answer = answer,
          .theorem = theorem,
          .condition = condition,
          .reservation = "",
          .levels = levels};
}

void add_reachable(const LayerFacts& facts, std::vector<Row>& rows) {
  if (!facts.first_layer) {
    rows.push_back(reachable_row(Summary::own_keys, Answer::yes, "KR-7 (e)",
                                 "almost surely, by a function that nobody could learn", kNoLevel));
  } else if (facts.router_reads == RouterReads::after_attention) {
    rows.push_back(reachable_row(Summary::own_keys, Answer::if_context_matters_no, "KR-7 (b)",
                                 "one token at one position in two prompts, routed differently",
                                 kTwins));
  } else {
    rows.push_back(reachable_row(Summary::own_keys, Answer::yes, "KR-7 (a)",
                                 "different tokens have different keys", kNoLevel));
  }
  rows.push_back(reachable_row(Summary::layer0_keys_of_all_positions, Answer::yes, "KR-7 (d)",
                               "different tokens have different keys at layer 0", kNoLevel));
}

}  // namespace

std::vector<Row> decision_table(const LayerFacts& facts) {
  std::vector<Row> rows;
  if (facts.router_reads == RouterReads::same_residual) {
    add_shared_residual(facts, rows);
  } else {
    rows.push_back(open_row(Summary::own_keys, Answer::if_context_matters_no, "KR-6 (a)",
                            "two positions or more, and contexts that change a set", "",
                            facts.first_layer ? kTwins : kNoLevel));
    add_first_position(facts, rows);
  }
  add_reachable(facts, rows);
  return rows;
}

std::string_view name(Summary summary) noexcept {
  switch (summary) {
    case Summary::own_keys:
      return "own_keys";
    case Summary::one_bit_keys:
      return "one_bit_keys";
    case Summary::keys_of_all_positions:
      return "keys_of_all_positions";
    case Summary::layer0_keys_of_all_positions:
      return "layer0_keys_of_all_positions";
  }
  return "";
}

std::string_view name(Inputs inputs) noexcept {
  switch (inputs) {
    case Inputs::open_set:
      return "open_set";
    case Inputs::first_position:
      return "first_position";
    case Inputs::reachable:
      return "reachable";
  }
  return "";
}

std::string_view name(Answer answer) noexcept {
  switch (answer) {
    case Answer::yes:
      return "yes";
    case Answer::generically_no:
      return "generically_no";
    case Answer::if_router_in_keys:
      return "if_router_in_keys";
    case Answer::if_scale_matters_no:
      return "if_scale_matters_no";
    case Answer::if_context_matters_no:
      return "if_context_matters_no";
  }
  return "";
}

}  // namespace rg::certificates
