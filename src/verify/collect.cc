#include "verify/collect.h"

#include <algorithm>

#include "verify/verify.h"

namespace rg::verify {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(const fs::path& path, const std::error_code& failure) {
  throw Error(ErrorId::IO003, {.file = path.string(),
                               .found = failure.message(),
                               .expected = "a readable file or folder",
                               .hint = "Artifacts there would be skipped. Check its permissions "
                                       "and the file system, or name other paths."});
}

// Symbolic links to folders are not followed: they could form a cycle.
void walk(const fs::path& folder, const ListFolder& list, std::vector<fs::path>& found) {
  std::error_code failure;
  const std::vector<fs::directory_entry> entries = list(folder, failure);
  if (failure) refuse(folder, failure);
  for (const fs::directory_entry& entry : entries) {
    const fs::file_status status = entry.symlink_status(failure);
    if (failure) refuse(entry.path(), failure);
    if (fs::is_directory(status)) {
      walk(entry.path(), list, found);
    } else if (entry.path().filename() == "run.json") {
      found.push_back(entry.path());
    }
  }
}

}  // namespace

std::vector<fs::directory_entry> list_folder(const fs::path& path, std::error_code& failure) {
  std::vector<fs::directory_entry> entries;
  for (auto at = fs::directory_iterator(path, failure); !failure && at != fs::directory_iterator();
       at.increment(failure)) {
    entries.push_back(*at);
  }
  return entries;
}

std::vector<fs::path> find_artifacts(const fs::path& path, const ListFolder& list) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (status.type() == fs::file_type::not_found) {
    throw Error(ErrorId::AR003, {.file = path.string(),
                                 .found = "no such file or folder",
                                 .expected = "a run.json or a folder that holds some",
                                 .hint = "Check the path; `run --out DIR` writes them below DIR."});
  }
  if (failure) refuse(path, failure);
  if (!fs::is_directory(status)) return {path};
  std::vector<fs::path> found;
  walk(path, list, found);
  if (found.empty()) {
    throw Error(ErrorId::AR003, {.file = path.string(),
                                 .found = "no run.json below this folder",
                                 .expected = "at least one",
                                 .hint = "Is the run finished? It writes run.json last."});
  }
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return found;
}

std::vector<fs::path> find_artifacts(const fs::path& path) {
  return find_artifacts(path, list_folder);
}

}  // namespace rg::verify
