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

#include "app/log_options.h"
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

// How `plan` and `audit` read an audit of `raw.a` and `raw.b`, or of `raw.a` and its stored keys.
void add_keys_option(CLI::App& command, RawRun& raw);
RunOptions finish_audit(const CLI::App& command, const RawRun& raw);

// What `plan` takes instead, for power in place of cost.
struct RawPower {
  std::vector<std::string> pilots;
  std::optional<double> effect;
};
void add_power_options(CLI::App& command, RawPower& raw);
// None without --power; no option of a run goes with it.
std::optional<PowerOptions> chosen_power(const CLI::App& command, const RawPower& raw, bool json);

class PlanCommandLine : CommandLinePart {
 public:
  explicit PlanCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  RawRun raw_;
  RawPower power_;
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

class CertifyCommandLine : CommandLinePart {
 public:
  explicit CertifyCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  CertifyOptions options_;
  RawPass pass_;
  std::string levels_;
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
  RawLogReading reading_;
  std::vector<std::string> thresholds_;
};

class AgreeCommandLine : CommandLinePart {
 public:
  explicit AgreeCommandLine(CLI::App& program);
  std::optional<Command> chosen() const;

 private:
  AgreeOptions options_;
  RawLogReading reading_;
  std::string compute_ = "f32", memory_;
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
