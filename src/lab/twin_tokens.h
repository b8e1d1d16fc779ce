// Level D: two prompts of one length that end with the same token, after different ones. At layer 0
// the keys of that token are equal, byte for byte, and its sets are not: KR-7 (b). Found among the
// windows of some texts; checked by computing layer 0 again.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/progress.h"
#include "lab/certificate_file.h"
#include "lab/samples.h"

namespace rg::lab {

// Token ids from position 0 on; the last one is the twin's.
struct Twins {
  std::array<std::vector<int32_t>, 2> prompts;
};

struct FoundTwins {
  std::optional<Twins> widest;  // whose smaller margin is the largest
  // (token, position) that windows have in common with others; of these, with more than one set.
  uint64_t places = 0, parted = 0;
};

// Layer 0 has keys and a gate, and the samples were read. One pass over layer 0.
FoundTwins find_twins(const Subject& subject, const Samples& samples, const EngineSettings& engine,
                      const std::filesystem::path& spill_folder, Progress& progress);

// None if layer 0, computed for these prompts alone, doesn't part them.
std::optional<Json> make_twin_certificate(const Subject& subject, const KeyQuestion& question,
                                          const Twins& twins, const EngineSettings& engine,
                                          const std::filesystem::path& spill_folder,
                                          Progress& progress);

// As check_pair(); in fp32, whatever the certificate was made with. AR017 for prompts that aren't
// twins; AR010 for other keys, sets or margins; CF017, TK010.
void check_twins(const Subject& subject, const Json& root, const EngineSettings& engine,
                 const std::filesystem::path& spill_folder, const std::string& file,
                 Progress& progress);

}  // namespace rg::lab
