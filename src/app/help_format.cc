#include "app/help_format.h"

#include <fmt/format.h>

#include "base/wrap.h"

namespace rg::app {
namespace {

constexpr size_t kNameColumns = 26;  // before the text of an option

// "--windows N", "experiments"
std::string name_of(const CLI::Option& option, bool is_positional) {
  std::string name = is_positional ? option.get_name(true, false) : option.get_name(false, true);
  // "-o,--out" and "--help" alike: a comma is followed by a space.
  for (size_t at = name.find(','); at != std::string::npos; at = name.find(',', at + 2)) {
    name.replace(at, 1, ", ");
  }
  const bool takes_value = option.get_type_size() != 0 && !option.get_type_name().empty();
  return takes_value && !is_positional ? name + ' ' + option.get_type_name() : name;
}

}  // namespace

std::string HelpFormat::entry(const std::string& name, const std::string& text) const {
  std::string first = "  " + name;
  std::string above;
  if (text_width(first) + 2 > kNameColumns) {
    above = std::move(first) + '\n';
    first.clear();
  }
  first.resize(kNameColumns, ' ');
  return above + wrapped(text, first, kNameColumns, columns_);
}

HelpFormat::HelpFormat(size_t columns) : columns_(columns) { label("Positionals", "Arguments"); }

// The library leaves a line between groups, and so do the groups: one is enough.
std::string HelpFormat::make_help(const CLI::App* app, std::string name,
                                  CLI::AppFormatMode mode) const {
  std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
  for (size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) {
    text.erase(at, 1);
  }
  return text;
}

std::string HelpFormat::make_description(const CLI::App* app) const {
  return wrapped(app->get_description(), "", 0, columns_) + '\n';
}

std::string HelpFormat::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = "Usage: " + name;
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) usage += ' ' + make_option_usage(option);
  }
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional() && option->get_required()) usage += ' ' + name_of(*option, false);
  }
  usage += app->get_subcommands({}).empty() ? " [OPTIONS]" : " COMMAND [OPTIONS]";
  return wrapped(usage, "", 0, columns_);
}

std::string HelpFormat::make_group(std::string group, bool is_positional,
                                   std::vector<const CLI::Option*> options) const {
  std::string text = fmt::format("{}{}:\n", is_positional ? "\n" : "", group);
  if (text[0] != '\n') text.insert(text.begin(), '\n');
  for (const CLI::Option* option : options) text += make_option(option, is_positional);
  return text;
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  std::string text = option->get_description();
  if (!option->get_default_str().empty()) {
    text += fmt::format(" (default {})", option->get_default_str());
  }
  return entry(name_of(*option, is_positional), text);
}

std::string HelpFormat::make_subcommands(const CLI::App* app, CLI::AppFormatMode) const {
  std::string text;
  for (const CLI::App* command : app->get_subcommands({})) {
    text += entry(command->get_name(), command->get_description());
  }
  return text.empty() ? text : "\nCommands:\n" + text;
}

// Laid out by hand: examples are not to be broken.
std::string HelpFormat::make_footer(const CLI::App* app) const {
  std::string text = app->get_footer() + '\n';
  if (app->get_parent() != nullptr) text += "\nOptions of every command: routegauge --help\n";
  return text;
}

}  // namespace rg::app
