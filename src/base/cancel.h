// SIGINT and SIGTERM: the first asks the run to stop at the next tile, the second ends it at once.
#pragma once

namespace rg {

void install_signal_handlers();  // SIGINT, SIGTERM; SIGPIPE and SIGXFSZ are ignored (write errors
                                 // tell)
bool stop_requested() noexcept;
void throw_if_stopped();  // Interrupted{signal}

}  // namespace rg
