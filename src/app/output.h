// Where text goes: results to stdout, everything else to stderr. A write to stdout that fails is
// an error; text that came from files is escaped before it is printed.
#pragma once

#include <string>
#include <string_view>

namespace rg::app {

// The reader of stdout went away (`| head`): the program ends quietly with code 141.
struct ClosedPipe {};

// Makes descriptors 0, 1 and 2 refer to something, so that no file that is opened later can be
// mistaken for stdout. A closed stdout stays unwritable.
void guard_standard_streams();

// Writes all of `text` to stdout; ClosedPipe, or IO004 (IO010 when a device is full).
void print(std::string_view text);

// Writes to stderr; failures are of no consequence.
void print_error(std::string_view text);

// `text` in bold or red on a terminal that wants colour (NO_COLOR unset), else as it is.
enum class Style { bold, good, bad, dim };
bool stdout_has_colour();
std::string styled(std::string_view text, Style style, bool colour);

bool stderr_is_terminal();

// COLUMNS, else the terminal's own width, at least 40. Of stdout: 100 where it is not a terminal,
// whatever COLUMNS says, so that what is piped or stored is always the same.
size_t stdout_columns();
size_t stderr_columns();

}  // namespace rg::app
