#include "base/cancel.h"

#include <atomic>
#include <csignal>
#include <cstdlib>

#include "base/error.h"

namespace rg {
namespace {

// Written in the handler, read by every thread: lock-free, so that both are allowed.
std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  int none = 0;
  if (!stop_signal.compare_exchange_strong(none, number)) std::_Exit(128 + number);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write over `ulimit -f` fails instead: IO004
}

bool stop_requested() noexcept { return stop_signal != 0; }

void throw_if_stopped() {
  const int number = stop_signal;
  if (number != 0) throw Interrupted(number);
}

}  // namespace rg
