// Finding artifacts below a folder.
#pragma once

#include <filesystem>
#include <functional>
#include <system_error>
#include <vector>

namespace rg::verify {

// The entries of one folder, or why it can't be read. A parameter so that tests can make it fail:
// to root every folder is readable.
using ListFolder = std::function<std::vector<std::filesystem::directory_entry>(
    const std::filesystem::path&, std::error_code&)>;
std::vector<std::filesystem::directory_entry> list_folder(const std::filesystem::path& path,
                                                          std::error_code& failure);

std::vector<std::filesystem::path> find_artifacts(const std::filesystem::path& path,
                                                  const ListFolder& list);

}  // namespace rg::verify
