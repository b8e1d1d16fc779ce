#include "app/table.h"

#include <algorithm>

#include "base/error.h"
#include "base/wrap.h"

namespace rg::app {
void Table::row(std::vector<std::string> cells) {
  check_internal(cells.size() <= columns_.size(), "a table row has no more cells than columns");
  rows_.push_back(std::move(cells));
}

std::string Table::text(size_t indent) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& cells : rows_) {
    for (size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], text_width(cells[c]));
  }
  std::string out;
  for (const auto& cells : rows_) {
    std::string line(indent, ' ');
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string pad(widths[c] - text_width(cells[c]), ' ');
      if (c > 0) line += "  ";
      line += columns_[c] == Align::left ? cells[c] + pad : pad + cells[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace rg::app
