#include "app/table.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace rg::app {
namespace {

// Code points: enough for the scripts that our own words use.
size_t width_of(const std::string& text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) ++width;
  return width;
}

}  // namespace

void Table::row(std::vector<std::string> cells) {
  check_internal(cells.size() <= columns_.size(), "a table row has no more cells than columns");
  rows_.push_back(std::move(cells));
}

std::string Table::text(size_t indent) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& cells : rows_) {
    for (size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], width_of(cells[c]));
  }
  std::string out;
  for (const auto& cells : rows_) {
    std::string line(indent, ' ');
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string pad(widths[c] - width_of(cells[c]), ' ');
      if (c > 0) line += "  ";
      line += columns_[c] == Align::left ? cells[c] + pad : pad + cells[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace rg::app
