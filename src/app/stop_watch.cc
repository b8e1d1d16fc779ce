#include "app/stop_watch.h"

#include <chrono>
#include <cstdlib>

#include "app/output.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"

namespace rg::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kLook = 50ms;
constexpr auto kGrace = 3s;  // for the pass to stop by itself

int exit_code_of_stop() {
  try {
    throw_if_stopped();
  } catch (const Interrupted& stop) {
    return 128 + stop.signal_number();
  }
  return static_cast<int>(ExitCode::interrupted);
}

}  // namespace

StopWatch::StopWatch(std::string stopped_text)
    : text_(std::move(stopped_text)), thread_([this](const std::stop_token& over) {
        auto stopped_at = std::chrono::steady_clock::time_point::max();
        while (!over.stop_requested()) {
          std::this_thread::sleep_for(kLook);
          const auto now = std::chrono::steady_clock::now();
          if (!stop_requested()) continue;
          if (stopped_at == std::chrono::steady_clock::time_point::max()) stopped_at = now;
          if (now - stopped_at < kGrace) continue;
          remove_temporary_files();
          print_error("\nstopped: " + text() + '\n');
          std::_Exit(exit_code_of_stop());
        }
      }) {}

StopWatch::~StopWatch() = default;

void StopWatch::set_text(std::string stopped_text) {
  const std::scoped_lock lock(mutex_);
  text_ = std::move(stopped_text);
}

std::string StopWatch::text() const {
  const std::scoped_lock lock(mutex_);
  return text_;
}

}  // namespace rg::app
