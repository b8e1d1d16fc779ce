#include <fmt/format.h>

#include "app/output.h"
#include "base/error.h"
#include "base/wrap.h"
#include "theorem_app/commands.h"
#include "theorem_app/theorem_lookup.h"

namespace rg::app {
namespace {

using theorems::Catalogue;
using theorems::Entry;

// The parts of one entry as text, one below the other.
class Sheet {
 public:
  Sheet() : columns_(stdout_columns()), colour_(stdout_has_colour()) {}

  void heading(std::string_view text) { out_ += '\n' + styled(text, Style::bold, colour_) + '\n'; }
  void paragraph(std::string_view text, size_t indent) {
    out_ += wrapped(text, "", indent, columns_);
  }
  void item(std::string_view text) { out_ += wrapped(text, "  - ", 4, columns_); }
  void labelled(std::string_view label, size_t width, std::string_view text) {
    out_ += wrapped(text, fmt::format("  {:<{}}  ", label, width), width + 4, columns_);
  }
  void lines(std::string_view text, size_t indent) {  // as they are
    for (size_t at = 0; at <= text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      out_ += std::string(indent, ' ') + std::string(text.substr(at, end - at)) + '\n';
      at = end + 1;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  size_t columns_;
  bool colour_;
  std::string out_;
};

void add_claims(Sheet& sheet, const Entry& entry) {
  sheet.heading("published claims");
  constexpr size_t kWidth = 8;  // "repaired"
  for (const theorems::Claim& claim : entry.claims) {
    const char* word = theorems::word_of(claim.verdict);
    if (claim.claim.empty()) {
      sheet.labelled(word, kWidth, claim.why);
      continue;
    }
    sheet.labelled(
        word, kWidth,
        claim.source.empty() ? claim.claim : fmt::format("{} ({})", claim.claim, claim.source));
    sheet.labelled("", kWidth, claim.why);
  }
}

void add_formal(Sheet& sheet, const Catalogue& catalogue, const Entry& entry) {
  sheet.heading("formal statements");
  for (const theorems::FormalStatement* row : catalogue.formal_of(entry)) {
    std::string line = fmt::format("{}  {}", row->id, theorems::word_of(row->status));
    if (row->name) line += "  " + *row->name;
    if (row->file) line += fmt::format("  proofs/{}:{}", *row->file, row->line.value_or(1));
    sheet.lines(line, 2);
    if (row->statement) sheet.lines(*row->statement, 6);
    if (!row->name) continue;
    sheet.paragraph("assumes: " + (row->assumptions.empty() ? "nothing beyond Coq's logic"
                                                            : join(row->assumptions, ", ")),
                    6);
  }
  if (entry.difference) sheet.paragraph("differs: " + *entry.difference, 2);
  if (entry.gap) sheet.paragraph("not formal: " + *entry.gap, 2);
}

void add_check(Sheet& sheet, const Entry& entry) {
  if (!entry.check) return;
  sheet.heading(fmt::format("numerical check ({}): routegauge theorems check --id {}",
                            theorems::word_of(entry.check->kind), entry.id));
  sheet.labelled("computes", 9, entry.check->computes);
  sheet.labelled("tolerance", 9, entry.check->tolerance);
  if (const auto& loose = entry.check->loose) {
    sheet.labelled(
        "loose", 9,
        fmt::format("{} Measured: {}, {:.3g}.", loose->why, loose->quantity, loose->share));
  }
}

void add_links(Sheet& sheet, const Catalogue& catalogue, const Entry& entry) {
  if (!entry.experiments.empty()) sheet.heading("related experiments");
  for (const theorems::ExperimentLink& link : entry.experiments) {
    sheet.item(link.fields.empty() ? link.experiment
                                   : link.experiment + ": " + join(link.fields, ", "));
  }
  if (!entry.depends_on.empty()) sheet.heading("depends on");
  for (const std::string& id : entry.depends_on) {
    sheet.labelled(id, 5, catalogue.find_entry(id)->title);
  }
  const auto needed_by = catalogue.needed_by(entry);
  if (!needed_by.empty()) sheet.heading("needed by");
  for (const Entry* other : needed_by) sheet.labelled(other->id, 5, other->title);
}

const theorems::Family& family_of(const Catalogue& catalogue, const Entry& entry) {
  const theorems::Family* family = catalogue.find_family(entry.id.substr(0, entry.id.find('-')));
  check_internal(family != nullptr, entry.id + " is of a family");
  return *family;
}

std::string as_text(const Catalogue& catalogue, const Entry& entry) {
  Sheet sheet;
  sheet.lines(fmt::format("{}  {} ({})", entry.id, entry.title, family_of(catalogue, entry).name),
              0);
  sheet.paragraph(entry.sentence, 0);
  if (!entry.hypotheses.empty()) sheet.heading("given");
  for (const std::string& hypothesis : entry.hypotheses) sheet.item(hypothesis);
  sheet.heading("then");
  sheet.paragraph(entry.statement, 2);
  sheet.heading("because");
  sheet.paragraph(entry.proof_idea, 2);
  add_claims(sheet, entry);
  add_formal(sheet, catalogue, entry);
  add_check(sheet, entry);
  add_links(sheet, catalogue, entry);
  return sheet.take();
}

Json as_json(const Catalogue& catalogue, const Entry& entry) {
  const theorems::Family& family = family_of(catalogue, entry);
  Json formal = Json::array(), needed_by = Json::array();
  for (const auto* row : catalogue.formal_of(entry)) formal.push_back(row->record);
  for (const auto* other : catalogue.needed_by(entry)) needed_by.push_back(other->id);
  return {{"schema_version", 1},
          {"family", {{"id", family.id}, {"name", family.name}}},
          {"entry", entry.record},
          {"formal", formal},
          {"needed_by", needed_by}};
}

}  // namespace

int theorems_show_command(const TheoremsShowOptions& options) {
  const Catalogue& catalogue = theorems::catalogue();
  const Entry& entry = find_entry(catalogue, options.id, "theorems show");
  print(options.json ? write_json(as_json(catalogue, entry), JsonLayout::indented) + '\n'
                     : as_text(catalogue, entry));
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
