#include <fmt/format.h>
#include <sys/utsname.h>

#include "app/commands.h"
#include "app/output.h"
#include "app/table.h"
#include "base/cores.h"
#include "base/error.h"
#include "base/json.h"
#include "lab/version.h"
#include "stream/pass.h"

namespace rg::app {

int doctor_command(const DoctorOptions& options, const GlobalOptions&) {
  const stream::Compute compute = stream::choose_compute("auto");
  const stream::Profile profile = stream::numeric_profile(compute);
  const int threads = effective_threads(0);
  const double rate = stream::measure_flops_per_s(1024, 1024, compute, threads);
  const char* limit = std::getenv("RG_MAX_ISA");
  if (options.json) {
    const Json facts = {{"version", lab::program_version()},
                        {"isa", profile.isa},
                        {"isa_limit", limit == nullptr ? Json() : Json(limit)},
                        {"compute", profile.compute},
                        {"onednn", profile.onednn},
                        {"threads", threads},
                        {"flops_per_s", rate}};
    print(write_json(facts, JsonLayout::indented) + '\n');
    return static_cast<int>(ExitCode::done);
  }
  Table facts({Table::Align::left, Table::Align::left});
  facts.row({"program", lab::version_text()});
  facts.row({"ISA", profile.isa + (limit == nullptr ? "" : " (limited by RG_MAX_ISA)")});
  facts.row({"compute", profile.compute + " (what --compute auto chooses here)"});
  facts.row({"oneDNN", profile.onednn});
  facts.row({"threads", std::to_string(threads)});
  facts.row({"products", fmt::format("{:.0f} GFLOP/s", rate / 1e9)});
  print(facts.text(0));
  return static_cast<int>(ExitCode::done);
}

}  // namespace rg::app
