#include "base/cancel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace rg {
namespace {

// In a child process each: a stop cannot be taken back.
int exit_of(void (*body)()) {
  const pid_t child = fork();
  if (child == 0) {
    install_signal_handlers();
    body();
    std::_Exit(99);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void expect_stop(int signal_number) {
  throw_if_stopped();
  if (stop_requested()) std::_Exit(1);
  raise(signal_number);
  if (!stop_requested()) std::_Exit(2);
  try {
    throw_if_stopped();
  } catch (const Interrupted& stop) {
    std::_Exit(stop.signal_number() == signal_number ? 42 : 3);
  }
}

TEST(Cancel, TheFirstSignalAsks) {
  EXPECT_EQ(exit_of([] { expect_stop(SIGINT); }), 42);
  EXPECT_EQ(exit_of([] { expect_stop(SIGTERM); }), 42);
}

TEST(Cancel, TheSecondSignalEnds) {
  EXPECT_EQ(exit_of([] {
              raise(SIGINT);
              raise(SIGINT);
            }),
            130);
  EXPECT_EQ(exit_of([] {
              raise(SIGINT);
              raise(SIGTERM);
            }),
            143);
}

TEST(Cancel, WriteErrorsAreNoSignals) {
  EXPECT_EQ(exit_of([] {
              raise(SIGPIPE);
              raise(SIGXFSZ);
            }),
            99);
}

}  // namespace
}  // namespace rg
