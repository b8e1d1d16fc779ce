// Ctrl-C and SIGTERM. The pass stops by itself at the next tile (base/cancel.h); what does not
// check for it (tokenising, bootstraps, verifying) is ended by this watch a few seconds later.
// Files get their names only when complete, so ending anywhere leaves no half-written file;
// temporary files are removed.
#pragma once

#include <mutex>
#include <string>
#include <thread>

namespace rg::app {

class StopWatch {
 public:
  explicit StopWatch(std::string stopped_text);
  ~StopWatch();
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

  // What a user who stopped the program is told: what was kept and how to go on.
  void set_text(std::string stopped_text);
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
  std::jthread thread_;
};

}  // namespace rg::app
