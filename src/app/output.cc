#include "app/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace rg::app {
namespace {

// 0 when everything was written, else errno.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

bool colour_wanted(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (terminal == nullptr || std::strcmp(terminal, "dumb") == 0) return false;
  return ::isatty(descriptor) == 1;
}

constexpr size_t kFallbackColumns = 100;

size_t columns_of(int descriptor) {
  constexpr size_t kLeast = 40;
  size_t columns = 0;
  if (const char* text = std::getenv("COLUMNS")) {
    std::from_chars(text, text + std::strlen(text), columns);
  }
  winsize size = {};
  if (columns == 0 && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? kFallbackColumns : std::max(columns, kLeast);
}

}  // namespace

void guard_standard_streams() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) != -1) continue;
    // The lowest free number is this one. Opened the wrong way round: using it fails.
    const int opened = ::open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
    check_internal(opened == descriptor, "descriptors 0 to 2 are taken before anything else");
  }
}

void print(std::string_view text) {
  const int failure = write_all(STDOUT_FILENO, text);
  if (failure == 0) return;
  if (failure == EPIPE) throw ClosedPipe{};
  const ErrorId id = failure == ENOSPC ? ErrorId::IO010 : ErrorId::IO004;
  throw Error(id, {.file = "standard output",
                   .found = std::strerror(failure),
                   .expected = "to write the results there",
                   .hint = "Artifacts are not affected. Send the output elsewhere."});
}

void print_error(std::string_view text) { static_cast<void>(write_all(STDERR_FILENO, text)); }

bool stdout_has_colour() { return colour_wanted(STDOUT_FILENO); }

std::string styled(std::string_view text, Style style, bool colour) {
  if (!colour) return std::string(text);
  const char* code = "1";
  switch (style) {
    case Style::bold:
      code = "1";
      break;
    case Style::good:
      code = "32";
      break;
    case Style::bad:
      code = "31";
      break;
    case Style::dim:
      code = "2";
      break;
  }
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

size_t stdout_columns() {
  return ::isatty(STDOUT_FILENO) == 1 ? columns_of(STDOUT_FILENO) : kFallbackColumns;
}

size_t stderr_columns() { return columns_of(STDERR_FILENO); }

}  // namespace rg::app
