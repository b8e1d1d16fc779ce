// One function per command: prints its results, returns the exit code, throws on errors.
#pragma once

#include "theorem_app/options.h"

namespace rg::app {

int theorems_list_command(const TheoremsListOptions& options);
int theorems_show_command(const TheoremsShowOptions& options);
int theorems_status_command(const TheoremsStatusOptions& options);
int theorems_check_command(const TheoremsCheckOptions& options, const GlobalOptions& global);
int theorems_model_command(const TheoremsModelOptions& options, const GlobalOptions& global);
int theorems_page_command(const TheoremsPageOptions& options);

}  // namespace rg::app
