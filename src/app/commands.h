// One function per command: prints its results, returns the exit code, throws what went wrong.
#pragma once

#include "app/options.h"

namespace rg::app {

int inspect_command(const InspectOptions& options, const GlobalOptions& global);
int plan_command(const PlanOptions& options, const GlobalOptions& global);
int power_command(const PowerOptions& options, const GlobalOptions& global);
int run_command(const RunOptions& options, const GlobalOptions& global);
int certify_command(const CertifyOptions& options, const GlobalOptions& global);
int trace_command(const TraceOptions& options, const GlobalOptions& global);
int import_command(const ImportOptions& options, const GlobalOptions& global);
int agree_command(const AgreeOptions& options, const GlobalOptions& global);
int verify_command(const VerifyOptions& options, const GlobalOptions& global);
int doctor_command(const DoctorOptions& options, const GlobalOptions& global);
int theorems_command(const TheoremsOptions& options);

}  // namespace rg::app
