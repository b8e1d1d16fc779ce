// SIGINT and SIGTERM: the first asks the run to stop at the next tile, the second ends it at once.
#pragma once

namespace rg {

// Handles SIGINT and SIGTERM. SIGPIPE and SIGXFSZ are ignored: the failed write reports the error.
void install_signal_handlers();
bool stop_requested() noexcept;
void throw_if_stopped();  // Interrupted{signal}

}  // namespace rg
