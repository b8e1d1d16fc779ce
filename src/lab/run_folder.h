// OUT, the folder of a run: one run at a time, one run's results at a time.
//
//   OUT/run.lock           held (an open file description lock) while a run works here
//   OUT/run_settings.json  which run the results belong to, and its artifacts once it is done
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "record/artifact.h"

namespace rg::lab {

class RunFolder {
 public:
  // Creates the folder where it is missing and takes the lock. IO003 if it can't be written to,
  // IO011 if another run holds it. Where the file system has no locks, note() says so.
  explicit RunFolder(const std::filesystem::path& out);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // `identity`: settings, inputs and profile; the same identity gives the same results.
  // Returns the artifacts of the same run if it is done and they are all there, unchanged.
  // US002 if the folder holds another run, or folders named like `tests` of unknown origin, unless
  // `overwrite`.
  std::optional<std::vector<record::WrittenArtifact>> find_same_run(
      const Json& identity, const std::vector<std::string>& tests, bool overwrite) const;
  // Marks the folder as that run's, not done yet.
  void begin(const Json& identity);
  // Marks it as done, and removes those artifacts of the run it replaces that this one did not
  // write.
  void finish(const Json& identity, const std::vector<record::WrittenArtifact>& artifacts);

  // IO010 unless about `bytes` fit.
  void check_free_space(uint64_t bytes) const;

  const std::filesystem::path& path() const { return out_; }
  const std::optional<std::string>& note() const { return note_; }

 private:
  std::optional<Json> read_settings() const;

  std::filesystem::path out_;
  int lock_ = -1;
  std::optional<std::string> note_;
  std::vector<std::string> replaced_;  // artifact paths of the run that begin() replaced
};

}  // namespace rg::lab
