// What a run measures: which passes, and which artifacts come of them together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lab/programme.h"
#include "record/artifact.h"

namespace rg::lab {

class Study {
 public:
  virtual ~Study() = default;

  Programme& programme() { return programme_; }

  // Reads the texts. The errors of Samples::read.
  virtual void read(const EngineSettings& engine, const std::filesystem::path& spill_folder,
                    Progress& progress);
  // For a plan, which reads no text unless all of its windows are asked for.
  virtual void assume();
  bool knows_window_count() const;

  // What its artifacts are called, and settings, inputs and profile of all passes: equal for runs
  // with equal results. After the texts were read.
  virtual std::vector<std::string> tests() const = 0;
  virtual Json identity() const = 0;

  // The result of a pass, in the order of the programme. `out`: the folder of the run.
  virtual void take(Pass& pass, const stream::PassResult& result, const std::filesystem::path& out,
                    Progress& progress) = 0;
  // After the last pass: every artifact, complete when it gets its name. IO004, IO010.
  virtual std::vector<record::ResultEntry> write(const std::filesystem::path& out) = 0;

 protected:
  Programme programme_;
};

}  // namespace rg::lab
