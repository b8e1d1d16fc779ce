// A plain table: columns as wide as their widest cell, two spaces between, no lines drawn.
#pragma once

#include <string>
#include <vector>

namespace rg::app {

class Table {
 public:
  enum class Align { left, right };

  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  void row(std::vector<std::string> cells);  // at most one cell per column
  // Every line begins with `indent` spaces; trailing spaces are cut.
  std::string text(size_t indent) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace rg::app
