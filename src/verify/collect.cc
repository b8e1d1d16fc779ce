#include <algorithm>

#include "verify/verify.h"

namespace rg::verify {

namespace fs = std::filesystem;

std::vector<fs::path> find_artifacts(const fs::path& path) {
  std::error_code failure;
  if (!fs::is_directory(path, failure)) {
    if (fs::exists(path, failure)) return {path};
    throw Error(ErrorId::AR003, {.file = path.string(),
                                 .found = "no such file or folder",
                                 .expected = "a run.json or a folder that holds some",
                                 .hint = "Check the path; `run --out DIR` writes them below DIR."});
  }
  std::vector<fs::path> found;
  const auto options = fs::directory_options::skip_permission_denied;
  for (auto at = fs::recursive_directory_iterator(path, options, failure);
       at != fs::recursive_directory_iterator(); at.increment(failure)) {
    if (failure) break;
    if (at->path().filename() == "run.json") found.push_back(at->path());
  }
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

}  // namespace rg::verify
