#include "app/certify_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"
#include "app/table.h"
#include "base/numbers.h"
#include "base/wrap.h"

namespace rg::app {
namespace {

using certificates::Answer;
using certificates::Inputs;
using certificates::Row;
using certificates::Summary;
using Align = Table::Align;

std::string inputs_words(Inputs inputs) {
  switch (inputs) {
    case Inputs::open_set:
      return "any residual";
    case Inputs::first_position:
      return "any, position 0";
    case Inputs::reachable:
      return "of prompts";
  }
  return "";
}

std::string summary_words(Summary summary) {
  switch (summary) {
    case Summary::own_keys:
      return "the token's own keys";
    case Summary::one_bit_keys:
      return "its keys in 1 bit";
    case Summary::keys_of_all_positions:
      return "keys of all positions";
    case Summary::layer0_keys_of_all_positions:
      return "layer-0 keys of all";
  }
  return "";
}

std::string answer_words(Answer answer) {
  switch (answer) {
    case Answer::yes:
      return "yes";
    case Answer::generically_no:
      return "no, for almost every router";
    case Answer::if_router_in_keys:
      return "if the router reads what keys see";
    case Answer::if_scale_matters_no:
      return "no, if length changes a set";
    case Answer::if_context_matters_no:
      return "no, if a context changes a set";
  }
  return "";
}

// What layers must have in common to share one table.
std::string kind_of(const lab::LayerCertificates& layer) {
  if (!layer.question.facts) return "nothing applies: " + layer.question.uncovered;
  const certificates::LayerFacts& facts = *layer.question.facts;
  std::string text = fmt::format("{} of {} for a residual of {}, the router after attention",
                                 counted(facts.key_dimensions, "key dimension"),
                                 counted(facts.key_heads, "head"), facts.width);
  if (!layer.question.no_pair.empty()) text += "; " + layer.question.no_pair;
  return text;
}

std::string rows_text(const std::vector<Row>& rows, size_t columns) {
  Table table({Align::left, Align::left, Align::left, Align::left});
  table.row({"RESIDUALS", "GIVEN", "A FUNCTION OF IT?", "THEOREM"});
  std::string remarks;
  for (const Row& row : rows) {
    table.row({inputs_words(row.inputs), summary_words(row.summary), answer_words(row.answer),
               std::string(row.theorem)});
    std::string remark(row.condition);
    if (!row.reservation.empty()) {
      remark += (remark.empty() ? "but: " : "; but: ") + row.reservation;
    }
    if (!remark.empty()) {
      remarks += wrapped(fmt::format("{}: {}", row.theorem, remark), "    ", 6, columns);
    }
  }
  return table.text(2) + remarks;
}

std::string decision_text(const std::vector<CertifiedLayer>& layers, bool colour, size_t columns) {
  std::string text;
  std::vector<bool> shown(layers.size(), false);
  const auto alike = [](const lab::LayerCertificates& a, const lab::LayerCertificates& b) {
    const bool same_rows = std::equal(
        a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(), [](const Row& x, const Row& y) {
          return x.theorem == y.theorem && x.inputs == y.inputs && x.summary == y.summary &&
                 x.answer == y.answer && x.reservation == y.reservation;
        });
    return same_rows && kind_of(a) == kind_of(b);
  };
  for (size_t i = 0; i < layers.size(); ++i) {
    if (shown[i]) continue;
    std::vector<int> numbers;
    for (size_t j = i; j < layers.size(); ++j) {
      if (!alike(layers[i].found, layers[j].found)) continue;
      shown[j] = true;
      numbers.push_back(layers[j].found.question.layer);
    }
    const std::string head = fmt::format("{} {}: {}", numbers.size() == 1 ? "layer" : "layers",
                                         format_ranges(numbers), kind_of(layers[i].found));
    text += styled(wrapped(head, "", 2, columns), Style::bold, colour);
    if (layers[i].found.question.facts) text += rows_text(layers[i].found.rows, columns);
    text += '\n';
  }
  return text;
}

std::string letter(const std::string& level) {
  return level == "exact"             ? "A"
         : level == "enclosed"        ? "B"
         : level == "on_manifold"     ? "B'"
         : level == "identical_bytes" ? "C"
                                      : "D";
}

std::string files_text(const std::vector<CertifiedLayer>& layers, size_t columns) {
  Table table({Align::right, Align::left, Align::right});
  table.row({"LAYER", "CERTIFICATES", "RANK OF KEYS"});
  std::string absent;
  for (const CertifiedLayer& layer : layers) {
    std::string levels;
    for (const lab::ListedFile& file : layer.files) {
      levels += (levels.empty() ? "" : ", ") + letter(file.level);
    }
    const std::string number = std::to_string(layer.found.question.layer);
    table.row({number, levels.empty() ? "none" : levels,
               layer.found.rank ? std::to_string(*layer.found.rank) : "-"});
    for (const auto& each : layer.found.absent) {
      absent += wrapped(fmt::format("layer {}, {}: {}", number, letter(each.level), each.reason),
                        "    ", 6, columns);
    }
  }
  return table.text(2) + absent;
}

std::string turns_text(const TurnsOutcome& turns, size_t columns) {
  if (turns.tokens == 0) {
    return wrapped("B', C: no layer where residuals are turned", "    ", 6, columns);
  }
  Table table({Align::right, Align::right, Align::right, Align::right, Align::right, Align::right,
               Align::right});
  table.row({"LAYER", "TOKENS", "CHANGE", "NEAREST", "UNSEEN", "PLAUSIBLE", "EQUAL BYTES"});
  std::string absent;
  for (const auto& [layer, found] : turns.layers) {
    const std::string number = std::to_string(layer);
    std::string pairs = "-";
    if (found.tried > 0) pairs = fmt::format("{} of {}", found.parted, found.tried);
    if (!found.on_manifold) {
      absent += wrapped(fmt::format("layer {}, B': {}", number, lab::words(found.missing)), "    ",
                        6, columns);
      continue;
    }
    const Json& file = *found.on_manifold;
    const auto number_of = [&](const char* name) { return file.at(name).get<double>(); };
    table.row({number, fmt::format("{} of {}", found.turned, turns.tokens),
               fmt::format("{:.3g} %", 100 * number_of("relative_change")),
               fmt::format("{:.3g} %", 100 * number_of("relative_radius")),
               fmt::format("{:.3f}", 1 / number_of("visibility")),
               fmt::format("{:.3g}", file.at("plausibility").at("size").get<double>()), pairs});
    if (found.tried > 0 && !found.identical_bytes) {
      absent +=
          wrapped(fmt::format("layer {}, C: none of {} has the same keys in bf16 and other experts",
                              number, counted(found.tried, "pair")),
                  "    ", 6, columns);
    }
  }
  return '\n' + table.text(2) + absent;
}

std::string twins_text(const TwinOutcome& twins, size_t columns) {
  if (!twins.found) return wrapped("D: none, " + twins.absent, "    ", 6, columns);
  std::string text = fmt::format(
      "D: {} of these texts occur more than once as a token at a position; {} of them with more "
      "than one set at layer 0",
      counted(twins.found->places, "place"), format_count(twins.found->parted));
  if (!twins.absent.empty()) text += "; no certificate: " + twins.absent;
  return wrapped(text, "    ", 6, columns);
}

}  // namespace

std::string certify_text(const std::string& model, const std::vector<CertifiedLayer>& layers,
                         const TextOutcome& texts, bool colour, size_t columns) {
  std::string text =
      fmt::format("model {}: are routes functions of keys?\n\n", escape_for_terminal(model));
  text += decision_text(layers, colour, columns) + files_text(layers, columns);
  if (texts.twins) text += twins_text(*texts.twins, columns);
  if (texts.turns) text += turns_text(*texts.turns, columns);
  text +=
      "\n  A: a pair of residuals with equal keys and different sets, in integers\n"
      "  B: the same in fp64 with bounds of all errors; RANK: proved on the way\n";
  if (texts.turns) {
    text +=
        "  B': a token's residual at position 0, turned where its keys see nothing until its set\n"
        "    changes. TOKENS that can be, of those tried; of the one with the least CHANGE, over "
        "its\n"
        "    length: the NEAREST change of set, keys free; the UNSEEN share of what tells its "
        "pair\n"
        "    of experts apart; PLAUSIBLE: the change, 1 as between two tokens of the texts\n"
        "  C: two fp32 residuals, the same bytes in a bf16 cache of keys, different sets. EQUAL "
        "BYTES:\n"
        "    such pairs, of those tried; the one with the widest margins is written\n";
  }
  return text + "  D: one token at one position of two prompts, equal keys, different sets\n";
}

}  // namespace rg::app
