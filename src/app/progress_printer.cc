#include "app/progress_printer.h"

#include <fmt/format.h>

#include "app/output.h"
#include "base/json.h"
#include "base/numbers.h"

namespace rg::app {
namespace {

ProgressStyle effective_style(ProgressStyle style) {
  if (style != ProgressStyle::automatic) return style;
  return stderr_is_terminal() ? ProgressStyle::terminal : ProgressStyle::plain;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

ProgressPrinter::ProgressPrinter(const GlobalOptions& global)
    : style_(effective_style(global.progress)),
      quiet_(global.quiet),
      started_(std::chrono::steady_clock::now()),
      pass_started_(started_) {}

ProgressPrinter::~ProgressPrinter() { finish_line(); }

void ProgressPrinter::draw(const std::string& line) {
  if (style_ == ProgressStyle::terminal) {
    const size_t width = stderr_columns() - 1;
    print_error("\r\x1b[K" + line.substr(0, width));
    line_open_ = true;
  } else {
    print_error(line + '\n');
  }
}

void ProgressPrinter::finish_line() {
  if (line_open_) print_error("\n");
  line_open_ = false;
}

void ProgressPrinter::layer_advanced(int layer, int layers, double share) {
  if (quiet_) return;
  const std::scoped_lock lock(mutex_);
  if (share < pass_share_) pass_started_ = std::chrono::steady_clock::now();  // another pass
  pass_share_ = share;
  const double elapsed = seconds_since(started_);
  const double remaining = share > 0 ? seconds_since(pass_started_) * (1 - share) / share : -1;
  if (style_ == ProgressStyle::json) {
    const Json line = {
        {"event", "layer"},     {"layer", layer},
        {"layers", layers},     {"share", share},
        {"elapsed_s", elapsed}, {"remaining_s", remaining < 0 ? Json() : Json(remaining)}};
    print_error(write_json(line, JsonLayout::compact) + '\n');
    return;
  }
  // If this is not a terminal, one line per layer is enough.
  if (style_ == ProgressStyle::plain && layer == last_layer_) return;
  if (style_ == ProgressStyle::terminal && layer == last_layer_ && share - last_share_ < 0.002)
    return;
  last_layer_ = layer;
  last_share_ = share;
  draw(fmt::format("layer {}/{}  {:3.0f} %  {} so far, {} to go", layer + 1, layers, share * 100,
                   format_seconds(elapsed), format_seconds(remaining)));
}

void ProgressPrinter::note(const std::string& text) {
  if (quiet_) return;
  const std::scoped_lock lock(mutex_);
  if (style_ == ProgressStyle::json) {
    print_error(write_json({{"event", "note"}, {"text", text}}, JsonLayout::compact) + '\n');
    return;
  }
  finish_line();
  print_error("note: " + escape_for_terminal(text) + '\n');
}

void ProgressPrinter::step(const std::string& text) {
  if (quiet_) return;
  const std::scoped_lock lock(mutex_);
  if (style_ == ProgressStyle::json) {
    print_error(write_json({{"event", "step"}, {"text", text}}, JsonLayout::compact) + '\n');
    return;
  }
  draw(escape_for_terminal(text));
}

}  // namespace rg::app
