// The options of `routegauge theorems ...`, which runs the program routegauge-theorems.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "theorem_app/options.h"

namespace CLI {
class App;
}

namespace rg::app {

class TheoremCommandLine {
 public:
  explicit TheoremCommandLine(CLI::App& program);  // adds the commands; parsing fills this
  ~TheoremCommandLine();
  TheoremCommandLine(const TheoremCommandLine&) = delete;
  TheoremCommandLine& operator=(const TheoremCommandLine&) = delete;

  // The command that was asked for, valid after parsing. US001 for an unknown verdict or status, or
  // an invalid seed.
  TheoremCommand chosen() const;

 private:
  struct Raw;
  static void add_list(Raw& raw);
  static void add_show(Raw& raw);
  static void add_status(Raw& raw);
  static void add_check(Raw& raw);
  static void add_page(Raw& raw);
  static TheoremCommand chosen_check(const Raw& raw);

  std::unique_ptr<Raw> raw_;
};

struct ParsedTheorems {
  GlobalOptions global;
  TheoremCommand command;
};

// Returns the text instead if the user asked for help or the version. US001.
std::variant<ParsedTheorems, std::string> parse_theorems(int argc, const char* const* argv);

}  // namespace rg::app
