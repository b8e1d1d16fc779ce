#include "app/program.h"

#include <exception>
#include <new>
#include <string_view>
#include <system_error>

#include "app/commands.h"
#include "app/output.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/float_mode.h"
#include "base/parallel.h"
#include "stream/pass.h"

namespace rg::app {
namespace {

int dispatch(const CommandLine& line) {
  struct Visitor {
    const GlobalOptions& global;
    int operator()(const InspectOptions& options) const { return inspect_command(options, global); }
    int operator()(const PlanOptions& options) const { return plan_command(options, global); }
    int operator()(const PowerOptions& options) const { return power_command(options, global); }
    int operator()(const RunOptions& options) const { return run_command(options, global); }
    int operator()(const AuditOptions& options) const { return run_command(options.run, global); }
    int operator()(const CertifyOptions& options) const { return certify_command(options, global); }
    int operator()(const TraceOptions& options) const { return trace_command(options, global); }
    int operator()(const ImportOptions& options) const { return import_command(options, global); }
    int operator()(const AgreeOptions& options) const { return agree_command(options, global); }
    int operator()(const VerifyOptions& options) const { return verify_command(options, global); }
    int operator()(const DoctorOptions& options) const { return doctor_command(options, global); }
    int operator()(const TheoremsOptions& options) const { return theorems_command(options); }
  };
  return std::visit(Visitor{line.global}, line.command);
}

// Errors of the command line itself need --errors too, so it is looked up before parsing.
bool wants_json_errors(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--errors=json") return true;
    if (word == "--errors" && i + 1 < argc && std::string_view(argv[i + 1]) == "json") return true;
  }
  return false;
}

int report(const Error& error, bool json) {
  print_error((json ? error.json() : std::string(error.what())) + '\n');
  return static_cast<int>(error.exit_code());
}

int report_allocation(bool json) {
  return report(
      Error(ErrorId::RT005, {.object = "memory",
                             .found = "an allocation that failed",
                             .expected = "the memory that the command needs",
                             .hint = "Raise the limit (ulimit -v, a control group). run, plan and "
                                     "trace need less with a lower --memory, --threads or "
                                     "--block-windows."}),
      json);
}

int report_thread(bool json) {
  return report(Error(ErrorId::RT005,
                      {.object = "threads",
                       .found = "one that could not be started",
                       .expected = "as many threads as there are cores, or as --threads says, "
                                   "and two more",
                       .hint = "Raise the limit on processes or address space (ulimit -u, "
                               "ulimit -v), or lower --threads where the command has it."}),
                json);
}

int parse_and_run(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const auto* text = std::get_if<std::string>(&parsed)) {
    print(*text);
    return static_cast<int>(ExitCode::done);
  }
  return dispatch(std::get<CommandLine>(parsed));
}

int run_reporting(int argc, char** argv, bool json_errors, const Body& body) {
  try {
    return body(argc, argv);
  } catch (const Error& error) {
    return report(error, json_errors);
  } catch (const Interrupted& stop) {
    print_error("stopped: nothing was left half-written.\n");
    return 128 + stop.signal_number();
  } catch (const ClosedPipe&) {
    return static_cast<int>(ExitCode::closed_pipe);
  } catch (const std::bad_alloc&) {
    return report_allocation(json_errors);
  } catch (const std::exception& failure) {
    const auto* system = dynamic_cast<const std::system_error*>(&failure);
    if (system != nullptr && system->code() == std::errc::resource_unavailable_try_again) {
      return report_thread(json_errors);
    }
    if (system != nullptr && system->code() == std::errc::not_enough_memory) {
      return report_allocation(json_errors);
    }
    return report(Error(ErrorId::RT070, {.object = "unexpected failure",
                                         .found = failure.what(),
                                         .hint = "This is a bug in routegauge; please report it."}),
                  json_errors);
  }
}

}  // namespace

int run_reporting(int argc, char** argv, const Body& body) {
  const bool json_errors = wants_json_errors(argc, argv);
  try {
    guard_standard_streams();
    install_signal_handlers();
    check_float_mode();
    keep_products_on_this_thread();  // threads are parallel_for's to start: it can say so if none
                                     // can
    stream::apply_isa_limit();
  } catch (const Error& error) {
    return report(error, json_errors);
  }
  return run_reporting(argc, argv, json_errors, body);
}

int run_program(int argc, char** argv) { return run_reporting(argc, argv, parse_and_run); }

}  // namespace rg::app
