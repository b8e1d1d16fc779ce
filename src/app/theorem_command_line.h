// The options of `routegauge theorems ...`.
#pragma once

#include <memory>
#include <optional>

#include "app/options.h"

namespace CLI {
class App;
}

namespace rg::app {

class TheoremCommandLine {
 public:
  explicit TheoremCommandLine(CLI::App& program);  // adds the command; parsing fills this
  ~TheoremCommandLine();
  TheoremCommandLine(const TheoremCommandLine&) = delete;
  TheoremCommandLine& operator=(const TheoremCommandLine&) = delete;

  // What was asked for, once the program has parsed; none: another command. US001 for a verdict,
  // status or seed that does not exist.
  std::optional<Command> chosen() const;

 private:
  struct Raw;
  static void add_list(Raw& raw);
  static void add_show(Raw& raw);
  static void add_status(Raw& raw);
  static void add_check(Raw& raw);
  static void add_page(Raw& raw);

  std::unique_ptr<Raw> raw_;
};

}  // namespace rg::app
