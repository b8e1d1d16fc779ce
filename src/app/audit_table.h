// What an audit found, layer by layer, as `audit` prints it below the judge's row. From the
// artifacts alone.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace rg::app {

// One block of text per artifact (run.json of an audit), in their order. IO0xx.
std::string audit_tables(std::span<const std::filesystem::path> artifacts);

}  // namespace rg::app
