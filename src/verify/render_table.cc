// Verdicts for people: a table, what it means, and the count.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/wrap.h"
#include "verify/row_lines.h"
#include "verify/verify.h"
#include "verify/words.h"

namespace rg::verify {
namespace {

constexpr size_t kTextColumns = 100;  // sentences are not easier to read in longer lines
constexpr int kDigits = 3, kWideDigits = 4;
using Row = std::vector<std::string>;

std::string_view color_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
    case Verdict::holds:
    case Verdict::reported:
    case Verdict::superior:
    case Verdict::equivalent:
    case Verdict::inferior:
      return "\x1b[32m";
    case Verdict::invalid:
    case Verdict::over_budget:
      return "\x1b[35m";
    default:
      return "\x1b[31m";
  }
}

std::string name_or_dash(const std::string& text) {
  return text.empty() ? std::string("-") : escape_for_terminal(text);
}

std::string dash_or(std::string text) { return text.empty() ? std::string("-") : text; }

// One table: its columns, and the rows of some judgements.
class Grid {
 public:
  Grid(Row head, size_t verdict_column)
      : verdict_column_(verdict_column), rows_({std::move(head)}) {}

  void add(Row row) { rows_.push_back(std::move(row)); }
  void remove_column(size_t column) {
    for (Row& row : rows_) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  }
  size_t width() const {
    size_t width = 0;
    for (size_t i = 0; i < rows_.size(); ++i) width = std::max(width, text_width(line(i, "")));
    return width;
  }
  // Row 0 is the head; `color` paints the verdict.
  std::string line(size_t index, std::string_view color) const {
    const Row& row = rows_[index];
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const bool painted = !color.empty() && c == verdict_column_;
      if (painted) line += color;
      line += row[c];
      if (painted) line += "\x1b[0m";
      if (c + 1 < row.size()) line.append(width_of(c) - text_width(row[c]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }

 private:
  size_t width_of(size_t column) const {
    size_t width = 0;
    for (const Row& row : rows_) width = std::max(width, text_width(row[column]));
    return width;
  }

  size_t verdict_column_;
  std::vector<Row> rows_;
};

using Group = std::vector<const Judgement*>;  // of one model

std::vector<Group> by_model(const std::vector<Judgement>& judgements) {
  std::vector<Group> groups;
  for (const Judgement& judgement : judgements) {
    const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& group) {
      return group.front()->model == judgement.model;
    });
    Group& group = found == groups.end() ? groups.emplace_back() : *found;
    group.push_back(&judgement);
  }
  return groups;
}

// "routegauge-tiny-olmoe, 200 windows per domain"
std::string title_of(const Group& group, size_t columns) {
  if (group.front()->model.empty()) return "model unknown\n\n";
  std::set<uint64_t> windows;
  for (const Judgement* judgement : group) {
    if (judgement->n_windows > 0) windows.insert(judgement->n_windows);
  }
  std::string title = "model " + escape_for_terminal(group.front()->model);
  if (windows.size() == 1) title += ", " + counted(*windows.begin(), "window") + " per domain";
  return wrapped(title, "", 0, columns) + '\n';
}

// Without the effect if the row would not fit: it then is the first line below.
std::string narrow_table(const Group& group, const TableStyle& style, size_t text_columns) {
  constexpr size_t kVerdict = 2, kEffect = 3;
  Grid grid({"TEST", "DOMAIN", "VERDICT", "EFFECT"}, kVerdict);
  for (const Judgement* judgement : group) {
    grid.add({name_or_dash(judgement->test), name_or_dash(judgement->domain),
              std::string(verdict_name(judgement->verdict)),
              dash_or(describe_effect(*judgement, kDigits))});
  }
  const bool fits = grid.width() <= style.columns;
  if (!fits) grid.remove_column(kEffect);
  std::string text = grid.line(0, "") + '\n';
  for (size_t i = 0; i < group.size(); ++i) {
    text += grid.line(i + 1, style.color ? color_of(group[i]->verdict) : "") + '\n';
    const std::string effect = describe_effect(*group[i], kDigits);
    if (!fits && !effect.empty()) text += wrapped(effect, "", 4, text_columns);
    text += lines_under(*group[i], style, text_columns);
  }
  return text;
}

std::string show_interval(const Judgement& judgement) {
  if (!judgement.effect || !judgement.effect->ci95) return "-";
  const bool sign = effect_words(judgement.effect->name).is_difference;
  return fmt::format("[{}, {}]", describe_number(judgement.effect->ci95->lo, sign, kWideDigits),
                     describe_number(judgement.effect->ci95->hi, sign, kWideDigits));
}

Row wide_row(const Judgement& judgement) {
  std::string effect = "-", layer = "-", value = "-";
  if (judgement.effect) {
    const EffectWords words = effect_words(judgement.effect->name);
    effect = words.words;
    if (judgement.effect->layer >= 0) layer = std::to_string(judgement.effect->layer);
    value = describe_number(judgement.effect->estimate, words.is_difference, kWideDigits);
  }
  std::string stability = "-", z = "-", replication = "-", n90 = "-";
  if (judgement.stability) stability = fmt::format("{:.3f}", judgement.stability->probability);
  if (const auto& found = judgement.convergence) {
    z = fmt::format("{:.2f}", found->z);
    replication = fmt::format("{:.2f}", found->replication);
    n90 = found->n_for_90 ? std::to_string(*found->n_for_90) : "never";
  }
  return {name_or_dash(judgement.test),
          name_or_dash(judgement.model),
          name_or_dash(judgement.domain),
          std::string(verdict_name(judgement.verdict)),
          effect,
          layer,
          value,
          show_interval(judgement),
          stability,
          z,
          replication,
          n90,
          judgement.n_windows > 0 ? std::to_string(judgement.n_windows) : "-"};
}

// Not wrapped to the terminal: --wide asks for every column.
std::string wide_table(const std::vector<Judgement>& judgements, const TableStyle& style,
                       size_t columns) {
  constexpr size_t kVerdict = 3;
  Grid grid({"TEST", "MODEL", "DOMAIN", "VERDICT", "EFFECT", "LAYER", "VALUE", "95 %", "STABILITY",
             "Z", "REPL", "N90", "WINDOWS"},
            kVerdict);
  for (const Judgement& judgement : judgements) grid.add(wide_row(judgement));
  std::string text = grid.line(0, "") + '\n';
  for (size_t i = 0; i < judgements.size(); ++i) {
    text += grid.line(i + 1, style.color ? color_of(judgements[i].verdict) : "") + '\n';
    text += lines_under(judgements[i], style, columns);
  }
  return text;
}

// "over budget" for OVER_BUDGET.
std::string verdict_in_prose(Verdict verdict) {
  std::string words(verdict_name(verdict));
  for (char& c : words) c = c == '_' ? ' ' : static_cast<char>(c + ('a' - 'A'));
  return words;
}

// What the words above mean: those that occur, each once, in their order of appearance.
std::vector<std::string> legend(const std::vector<Judgement>& judgements, bool wide) {
  std::vector<std::string> lines;
  const auto add = [&](std::string line) {
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) {
      lines.push_back(std::move(line));
    }
  };
  std::string over;  // "windows", "documents and windows"
  bool of_layers = false;
  for (const Judgement& judgement : judgements) {
    add(fmt::format("{}: {}", verdict_name(judgement.verdict), verdict_legend(judgement.verdict)));
    if (!judgement.effect || !judgement.effect->ci95) continue;
    const std::string_view unit = effect_words(judgement.effect->name).over;
    if (over.find(unit) == std::string::npos)
      over += (over.empty() ? "" : " and ") + std::string(unit);
    of_layers = of_layers || judgement.effect->layer >= 0;
  }
  for (const Judgement& judgement : judgements) {
    if (!judgement.effect) continue;
    const std::string_view words = effect_words(judgement.effect->name).legend;
    if (!words.empty()) add(std::string(words));
  }
  if (!over.empty()) {
    add("[low, high]: 95 % interval over " + over +
        (of_layers ? ", at the layer where the test holds least" : ""));
  }
  if (wide) {
    add("STABILITY: how many of the verifier's own resamples agree with the verdict, 0 to 1");
    add("Z: distance from the threshold in standard errors; below 0 on the other side");
    add("REPL: probability that a repetition on as many windows passes");
    add("N90: windows that would pass with 90 % probability");
  }
  return lines;
}

}  // namespace

std::string count_verdicts(const std::vector<Judgement>& judgements) {
  std::vector<std::pair<Verdict, size_t>> counts;
  for (const Judgement& judgement : judgements) {
    const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& count) {
      return count.first == judgement.verdict;
    });
    if (found == counts.end()) {
      counts.emplace_back(judgement.verdict, 1);
    } else {
      ++found->second;
    }
  }
  std::string text = fmt::format("{} test{}", judgements.size(), judgements.size() == 1 ? "" : "s");
  for (size_t i = 0; i < counts.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? ": " : ", ", counts[i].second,
                        verdict_in_prose(counts[i].first));
  }
  return text;
}

std::string render_table(const std::vector<Judgement>& judgements, const TableStyle& style) {
  const size_t columns = std::min(style.columns, kTextColumns);
  std::string text;
  if (style.wide) {
    text = wide_table(judgements, style, columns) + '\n';
  } else {
    for (const Group& group : by_model(judgements)) {
      text += title_of(group, columns) + narrow_table(group, style, columns) + '\n';
    }
  }
  for (const std::string& line : legend(judgements, style.wide)) {
    const std::string lines = wrapped(line, "  ", 4, columns);
    text += style.color ? "\x1b[2m" + lines + "\x1b[0m" : lines;
  }
  text += '\n' + wrapped(count_verdicts(judgements), "", 0, columns);
  if (style.times) {
    double check_seconds = 0, bootstrap_seconds = 0;
    for (const Judgement& judgement : judgements) {
      check_seconds += judgement.check_seconds;
      bootstrap_seconds += judgement.bootstrap_seconds;
    }
    text += fmt::format("read and checked in {:.2f} s, resampled in {:.2f} s\n", check_seconds,
                        bootstrap_seconds);
  }
  return text;
}

}  // namespace rg::verify
