// The options of `routegauge theorems ...`; their program is called routegauge-theorems.
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

  // What was asked for, once the program has parsed. US001 for a verdict, status or seed that does
  // not exist.
  TheoremCommand chosen() const;

 private:
  struct Raw;
  static void add_list(Raw& raw);
  static void add_show(Raw& raw);
  static void add_status(Raw& raw);
  static void add_check(Raw& raw);
  static void add_page(Raw& raw);

  std::unique_ptr<Raw> raw_;
};

struct ParsedTheorems {
  GlobalOptions global;
  TheoremCommand command;
};

// When the user asked for help or the version, their text comes back instead. US001.
std::variant<ParsedTheorems, std::string> parse_theorems(int argc, const char* const* argv);

}  // namespace rg::app
