#include "experiments/record.h"

#include "experiments/common.h"

namespace rg::experiments {

std::vector<Column> Record::columns() const {
  std::vector<Column> columns;
  for (const Row& row : rows_) columns.push_back(row.column);
  return columns;
}

Json Record::per_window(const std::vector<int>& layers, Nulls& nulls) const {
  Json whole = Json::object();
  for (const Row& row : rows_) {
    const std::string& path = row.column.path;
    Json* place = &whole;
    size_t first = 0;
    for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', first)) {
      place = &(*place)[path.substr(first, dot - first)];
      first = dot + 1;
    }
    (*place)[path.substr(first)] = by_layer(layers, [&](size_t slot) {
      return row.json(slot, "per_window." + path + "." + layer_key(layers[slot]), nulls);
    });
  }
  return whole;
}

void Record::column(WindowValues& values, Column column) {
  keep(values);
  const char* const reason = column.null_reason;
  rows_.push_back(
      {std::move(column), [&values, reason](size_t slot, const std::string& path, Nulls& nulls) {
         return nulls.array(values.of_layer(slot), path, reason);
       }});
}

void Record::column(WindowCounts& counts, Column column) {
  keep(counts);
  rows_.push_back({std::move(column), [&counts](size_t slot, const std::string&, Nulls&) {
                     return Json(counts.of_layer(slot));
                   }});
}

void Record::column(ExpertCounts& counts, size_t experts, Column column) {
  counts = ExpertCounts(layers_, windows_, experts);
  bytes_ += counts.bytes();
  rows_.push_back({std::move(column), [&counts](size_t slot, const std::string&, Nulls&) {
                     Json windows = Json::array();
                     for (size_t w = 0; w < counts.windows(); ++w) {
                       windows.push_back(counts.at(slot, w));
                     }
                     return windows;
                   }});
}

void Record::keep(WindowValues& values) {
  values = WindowValues(layers_, windows_);
  bytes_ += values.bytes();
}

void Record::keep(WindowCounts& counts) {
  counts = WindowCounts(layers_, windows_);
  bytes_ += counts.bytes();
}

}  // namespace rg::experiments
