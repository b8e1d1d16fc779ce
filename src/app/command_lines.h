// The options of each command. An object adds its command to the program, holds what was typed,
// and turns it into options after parsing, so that every refusal is an error with an id.
//
//   const VerifyCommandLine verify(app);
//   app.parse(argc, argv);
//   if (const auto options = verify.chosen()) ...
//
// chosen(): what was asked for; none if it was another command. US001, US003.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/options.h"
#include "app/pass_options.h"

namespace CLI {
class App;
}

namespace rg::app {

// CLI11 keeps pointers to the members: these objects must not move.
class CommandLinePart {
 public:
  CommandLinePart() = default;
  CommandLinePart(const CommandLinePart&) = delete;
  CommandLinePart& operator=(const CommandLinePart&) = delete;

 protected:
  ~CommandLinePart() = default;
  CLI::App* command_ = nullptr;  // the program's
};

class InspectCommandLine : CommandLinePart {
 public:
  explicit InspectCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  InspectOptions options_;
};

// `plan`, `run` and `audit` take the same options: `plan` says what the others cost.
struct RawRun {
  RunOptions options;
  RawPass pass;
  std::string experiments;
  std::string a, b;  // of an audit
  std::vector<std::string> parameters;
};

// How `plan` and `audit` read an audit of `raw.a` and `raw.b`.
RunOptions finish_audit(const CLI::App& command, const RawRun& raw);

class PlanCommandLine : CommandLinePart {
 public:
  explicit PlanCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  RawRun raw_;
};

class RunCommandLine : CommandLinePart {
 public:
  explicit RunCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  RawRun raw_;
};

class AuditCommandLine : CommandLinePart {
 public:
  explicit AuditCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  RawRun raw_;
};

class TraceCommandLine : CommandLinePart {
 public:
  explicit TraceCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  TraceOptions options_;
  RawPass pass_;
  std::string tensors_ = "router_logits,topk_ids";
};

class ImportCommandLine : CommandLinePart {
 public:
  explicit ImportCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  ImportOptions options_;
  std::string layers_, axes_;
  std::vector<std::string> fields_, thresholds_;
};

class VerifyCommandLine : CommandLinePart {
 public:
  explicit VerifyCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  VerifyOptions options_;
  std::string required_layers_;
};

class DoctorCommandLine : CommandLinePart {
 public:
  explicit DoctorCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  DoctorOptions options_;
};

class TheoremsCommandLine : CommandLinePart {
 public:
  TheoremsCommandLine(CLI::App& program, int argc, const char* const* argv);
  std::optional<Command> chosen() const;

 private:
  TheoremsOptions options_;
};

}  // namespace rg::app
