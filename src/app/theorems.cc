// theorems: handed to routegauge-theorems, which carries the catalogue, the statuses of its proofs
// and the numerical checks. Nothing that measures needs these, and they take as long to compile as
// all the rest.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "app/commands.h"
#include "base/error.h"

namespace rg::app {

int theorems_command(const TheoremsOptions& options) {
  const std::filesystem::path path =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "routegauge-theorems";
  std::string name = path.string();
  std::vector<std::string> arguments = options.arguments;
  std::vector<char*> argv = {name.data()};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(name.c_str(), argv.data());
  throw Error(ErrorId::TH002, {.file = name,
                               .object = "theorems",
                               .found = std::strerror(errno),
                               .expected = "the program of the theorems in the folder of this one",
                               .hint = "make build builds both, make install installs both."});
}

}  // namespace rg::app
