// Progress and notes on stderr, in one of three shapes: a line that is rewritten on a terminal,
// plain lines elsewhere, one JSON object per line for programs.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/progress.h"

namespace rg::app {

class ProgressPrinter : public Progress {
 public:
  explicit ProgressPrinter(const GlobalOptions& global);
  ~ProgressPrinter() override;

  void layer_advanced(int layer, int layers, double share) override;
  void step(const std::string& text) override;
  void note(const std::string& text) override;

  // Ends the rewritten line, so that what follows starts on a new one.
  void finish_line();

 private:
  void draw(const std::string& line);

  ProgressStyle style_;
  bool quiet_;
  std::chrono::steady_clock::time_point started_, pass_started_;
  std::mutex mutex_;
  bool line_open_ = false;
  int last_layer_ = -1;
  double last_share_ = -1;
  double pass_share_ = 0;  // of the pass that goes on
};

}  // namespace rg::app
