// One function per command: prints its results, returns the exit code, throws what went wrong.
#pragma once

#include "app/options.h"

namespace rg::app {

int inspect_command(const InspectOptions& options, const GlobalOptions& global);
int plan_command(const PlanOptions& options, const GlobalOptions& global);
int run_command(const RunOptions& options, const GlobalOptions& global);
int trace_command(const TraceOptions& options, const GlobalOptions& global);
int verify_command(const VerifyOptions& options, const GlobalOptions& global);
int doctor_command(const DoctorOptions& options, const GlobalOptions& global);
int theorems_list_command(const TheoremsListOptions& options);
int theorems_show_command(const TheoremsShowOptions& options);
int theorems_status_command(const TheoremsStatusOptions& options);
int theorems_check_command(const TheoremsCheckOptions& options, const GlobalOptions& global);
int theorems_page_command(const TheoremsPageOptions& options);

}  // namespace rg::app
