// What each command was asked to do: plain data, filled by the command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/global_options.h"
#include "lab/settings.h"
#include "logs/checks/check.h"
#include "logs/readers/reader.h"

namespace rg::app {

// How much the verdict table shows.
struct TableShape {
  bool details = false;  // everything that was found, under each row
  bool wide = false;     // every column
};

struct InspectOptions {
  std::string model;
  bool json = false;
  bool hash = false;  // SHA-256 of every shard, a read of its own
  bool allow_regex = false;
};

// What plan, run and trace share.
struct PassOptions {
  std::string model;
  lab::TextSettings text;
  lab::EngineSettings engine;
  std::optional<std::vector<int>> layers;  // measured MoE layers; none: all
};

struct RunOptions : PassOptions {
  lab::ExperimentSettings experiments;  // and parameters of the program's own
  std::filesystem::path family;         // file of `suite`, which takes no experiments; empty: none
  std::filesystem::path intervene;      // file of `intervention`, which is alone; empty: none
  // Of `audit`, which takes no experiments: the reference and its changed copy, or the reference
  // alone, whose keys are then stored as a file says; empty: no audit.
  std::vector<std::string> audited;
  std::filesystem::path stored_keys;
  std::filesystem::path out;
  bool overwrite = false;
  bool json = false;
  TableShape shape;
};

struct PlanOptions {
  RunOptions run;
};

struct AuditOptions {
  RunOptions run;
};

// `plan --power`: either artifacts of a pilot run, or an effect.
struct PowerOptions {
  std::vector<std::filesystem::path> pilots;
  std::optional<double> effect;  // mean over the standard deviation of a window
  bool json = false;
};

struct TraceOptions : PassOptions {
  std::filesystem::path tokens_file;  // empty: the one domain's windows
  std::filesystem::path out;
  std::filesystem::path log;  // folder for the routing log; empty: none
  std::vector<std::string> tensors;
};

// Which certificates are made: levels A, B and D.
struct CertifyOptions : PassOptions {
  bool exact = true, enclosed = true;
  bool on_manifold = false, identical_bytes = false, twin_tokens = false;  // of texts
  std::filesystem::path out;
  bool overwrite = false;
  bool json = false;
};

// How routing logs are read: what import and agree share.
struct LogReading {
  std::string format;  // empty: by content
  std::map<std::string, std::string> fields;
  std::optional<std::vector<int>> layers;
  std::optional<logs::AxisOrder> axes;
  std::optional<uint32_t> top_k, experts;
};

struct ImportOptions : LogReading {
  std::filesystem::path file;
  std::filesystem::path out, clean;  // folders; empty: not written
  bool check = false;
  std::string model;             // empty: none
  std::filesystem::path tokens;  // empty: none
  logs::Thresholds thresholds;
  int threads = 0;
  bool json = false;
};

struct AgreeOptions : LogReading {
  std::string a, b;              // each a log or a model
  std::string model;             // of logs; empty: the side that is a model, or none
  std::filesystem::path tokens;  // empty: none
  uint64_t seed = 0;
  uint32_t bootstrap = 2000;  // resamples
  lab::EngineSettings engine;
  bool json = false;
};

struct VerifyOptions {
  std::vector<std::filesystem::path> paths;
  bool json = false, csv = false;
  TableShape shape;
  bool strict = false;       // unknown members are errors
  bool convergence = false;  // recompute settled_at
  std::optional<std::vector<int>> required_layers;
  std::string model;  // empty: artifacts alone
};

struct DoctorOptions {
  bool json = false;
};

// `routegauge theorems`: what was typed, for the program that has the catalogue.
struct TheoremsOptions {
  std::vector<std::string> arguments;  // without the word "theorems"
};

using Command = std::variant<InspectOptions, PlanOptions, PowerOptions, RunOptions, AuditOptions,
                             CertifyOptions, TraceOptions, ImportOptions, AgreeOptions,
                             VerifyOptions, DoctorOptions, TheoremsOptions>;

struct CommandLine {
  GlobalOptions global;
  Command command;
};

// Parses argv. When the user asked for help or the version, their text comes back instead.
// US001 for anything not understood.
std::variant<CommandLine, std::string> parse_command_line(int argc, const char* const* argv);

}  // namespace rg::app
