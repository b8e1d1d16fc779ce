#include "base/cancel.h"

#include <csignal>
#include <cstdlib>

#include "base/error.h"

namespace rg {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

void on_signal(int number) {
  if (stop_signal != 0) std::_Exit(128 + number);
  stop_signal = number;
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
  if (stop_signal != 0) throw Interrupted(stop_signal);
}

}  // namespace rg
