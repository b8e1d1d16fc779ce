// The verifier end to end on any bytes: it never crashes, gives the same answer twice, and an
// accepted artifact has every property that acceptance promises.
#include <algorithm>
#include <string>
#include <string_view>

#include "base/json.h"
#include "property.h"
#include "verify/document.h"
#include "verify/verify.h"

namespace rg::fuzz {
namespace {

verify::Options options() {
  verify::Options options;
  options.replicates = 20;
  options.max_replicates = 200;
  options.max_bytes = 1u << 20;
  return options;
}

// ESC, other controls except the line end, C1 controls, and characters that reorder text.
bool commands_terminal(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
    };
    if ((byte(i) < 0x20 && text[i] != '\n') || byte(i) == 0x7f) return true;
    if (byte(i) == 0xc2 && byte(i + 1) >= 0x80 && byte(i + 1) < 0xa0) return true;
    const bool marks = byte(i + 1) == 0x80 && byte(i + 2) >= 0xaa && byte(i + 2) <= 0xae;
    const bool isolates = byte(i + 1) == 0x81 && byte(i + 2) >= 0xa6 && byte(i + 2) <= 0xa9;
    if (byte(i) == 0xe2 && (marks || isolates)) return true;
  }
  return false;
}

void check(std::string_view text) {
  const verify::Options settings = options();
  const auto judge = [&](std::string_view what) {
    return accepted("AR", [&] { return verify::judge_text(what, "fuzz", settings); });
  };
  const auto judgement = judge(text);
  const auto again = judge(text);
  require(judgement.has_value() == again.has_value(), "a budget error is no accident");
  if (!judgement) return;
  require(verify::render_json({*judgement}, settings) == verify::render_json({*again}, settings),
          "the same bytes get the same judgement");
  require(!judgement->sentence.empty(), "every judgement has its sentence");
  for (const std::string& shown :
       {verify::render_table({*judgement}, {}),
        verify::render_table({*judgement}, {.wide = true, .details = true}),
        verify::render_csv({*judgement}), verify::render_json({*judgement}, settings)}) {
    require(!commands_terminal(shown), "no escape reaches the terminal");
  }
  const bool defects =
      std::any_of(judgement->reasons.begin(), judgement->reasons.end(),
                  [](const verify::Reason& reason) { return !reason.check.empty(); });
  const bool invalid = judgement->verdict == verify::Verdict::invalid;
  const bool over_budget = judgement->verdict == verify::Verdict::over_budget;
  require(invalid == defects, "INVALID if and only if a check fired");
  require((verify::exit_code({*judgement}) == ExitCode::artifact) == invalid,
          "INVALID alone has exit code 6");
  require((verify::exit_code({*judgement}) == ExitCode::budget) == over_budget,
          "OVER_BUDGET alone has exit code 5");
  if (invalid || over_budget) return;

  // Accepted: strict JSON in any layout with the digest it states, and nothing after it.
  const Json tree = parse_json(text, JsonLimits{}, "fuzz");
  if (tree.contains("body_sha256")) {
    require(tree["body_sha256"] == judgement->body_sha256, "the digest is the body's");
    Json body = tree;
    body.erase("manifest");
    body.erase("body_sha256");
    const std::string canonical = canonical_json(body);
    const verify::Document document = verify::Document::parse(canonical, JsonLimits{}, "fuzz");
    require(verify::body_digest(document.root()) == judgement->body_sha256,
            "the canonical form has the digest of the file");
  }
  const auto rewritten = judge(write_json(tree, JsonLayout::indented));
  require(rewritten && rewritten->verdict == judgement->verdict, "layout decides nothing");
  const auto longer = judge(std::string(text) + "x");
  require(longer && longer->verdict == verify::Verdict::invalid, "nothing may follow");
}

}  // namespace
}  // namespace rg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rg::fuzz::check(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
