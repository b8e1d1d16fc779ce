// The one exception type. A message says where, what was found, what was expected and what to
// try; its number has a section in docs/errors.md.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace rg {

// Exit codes of the program; docs/errors.md lists them.
enum class ExitCode : int {
  done = 0,
  unsupported_claim = 1,  // some verdict is FAIL, BROKEN, DEGENERATE or INSUFFICIENT
  usage = 2,
  input = 3,
  environment = 4,
  budget = 5,
  artifact = 6,
  internal = 70,
  interrupted = 130,
  terminated = 143,
  closed_pipe = 141,
};

enum class ErrorId {
#define RG_ERROR_ID(id, exit_class, meaning) id,
#include "base/error_ids.inc"
#undef RG_ERROR_ID
};

std::string_view error_name(ErrorId id);     // "ST007"
std::string_view error_meaning(ErrorId id);  // its line in error_ids.inc
ExitCode error_exit_code(ErrorId id);

// The parts of a message, each may be empty. They are escaped on printing; `file` and `object` are
// cut after 200 bytes there. Text from a file inside the other three goes through
// escape_for_terminal, which cuts it; the program's own words around it may be longer.
struct ErrorParts {
  std::string file = {};      // which file or folder
  std::string object = {};    // which tensor, key, line, option
  std::string found = {};     // what is there, with its numbers
  std::string expected = {};  // what should be there
  std::string hint = {};      // likely cause and next step, whole sentences
};

class Error : public std::exception {
 public:
  Error(ErrorId id, ErrorParts parts);

  ErrorId id() const noexcept { return id_; }
  ExitCode exit_code() const noexcept { return error_exit_code(id_); }
  const ErrorParts& parts() const noexcept { return parts_; }
  // One line: `error[ST007]: file: object: found X, expected Y. Hint.`
  const char* what() const noexcept override { return line_.c_str(); }
  // {"id":…,"file":…,"object":…,"found":…,"expected":…,"hint":…}, parts as they are, cut like
  // those of the line; hidden characters as \uXXXX, so that it may be printed.
  std::string json() const;

 private:
  ErrorId id_;
  ErrorParts parts_;
  std::string line_;
};

// Text from a file made safe for a terminal: C0, C1, DEL and bidirectional controls as \x1b or
// \u202e, invalid UTF-8 as \xff, cut after 200 bytes with "…".
std::string escape_for_terminal(std::string_view text);

// Whether a terminal would obey a code point or reorder text because of it instead of showing it:
// C0, DEL, C1, bidirectional controls, line separators, the byte order mark.
bool is_hidden(char32_t code_point) noexcept;

// Thrown when SIGINT or SIGTERM asked the run to stop (base/cancel.h).
class Interrupted : public std::exception {
 public:
  explicit Interrupted(int signal_number) : signal_(signal_number) {}
  int signal_number() const noexcept { return signal_; }
  const char* what() const noexcept override { return "interrupted"; }

 private:
  int signal_;
};

// An internal error, exit code 70: `check_internal(sum == rows, "slots per layer")`.
void check_internal(bool holds, std::string_view invariant);

}  // namespace rg
