// How fast a routing log is read and checked.
#pragma once

#include <filesystem>

namespace rg::bench {

struct ImportRate {
  double seconds;  // from the file to what every check found
  double bytes;    // of expert ids in the file
};
// Of a log of 16 layers with 8 of 64 experts that has 100 MB of ids and the tokens beside them; it
// is written to `folder` first, and removed.
ImportRate import_rate(const std::filesystem::path& folder, int threads);

}  // namespace rg::bench
