// Runs check.py, which shares nothing with the program, on a certificate and a layer.
#pragma once

#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "questions.h"
#include "support/temp_folder.h"

namespace rg::certificates {

inline Json rows_of(std::span<const float> values, uint32_t columns) {
  Json rows = Json::array();
  for (size_t i = 0; i < values.size(); i += columns) {
    const auto row = values.subspan(i, columns);
    rows.push_back(std::vector<double>(row.begin(), row.end()));
  }
  return rows;
}

// Whether it accepts.
inline bool python_accepts(const Layer& layer, const Json& certificate) {
  const test::TempFolder folder;
  const auto numbers = [](const std::vector<float>& of) {
    return std::vector<double>(of.begin(), of.end());
  };
  Json matrices = {{"keys", rows_of(layer.key_weights, layer.width)},
                   {"router", rows_of(layer.router_weights, layer.width)},
                   {"key_gains", numbers(layer.key_gains)},
                   {"router_gains", numbers(layer.router_gains)},
                   {"attention", nullptr}};
  if (const std::optional<FirstPosition> place = layer.place()) {
    matrices["attention"] = {{"values", rows_of(layer.value_weights, layer.width)},
                             {"output", rows_of(layer.output_weights, place->output.columns)},
                             {"heads", place->heads},
                             {"kv_heads", place->kv_heads},
                             {"epsilon", place->epsilon}};
  }
  test::put_file(folder / "matrices.json", write_json(matrices, JsonLayout::compact));
  test::put_file(folder / "certificate.json", write_json(certificate, JsonLayout::compact));
  const std::string command = "/usr/bin/python3 " RG_SOURCE_ROOT "/tests/certificates/check.py '" +
                              (folder / "certificate.json").string() + "' '" +
                              (folder / "matrices.json").string() + "' > '" +
                              (folder / "said").string() + "' 2>&1";
  const int status = std::system(command.c_str());
  const std::string said = test::get_file(folder / "said");
  // A refusal is one line on what is wrong, not a traceback.
  EXPECT_TRUE(status == 0 ? said.empty() : said.find("Traceback") == std::string::npos) << said;
  return status == 0;
}

}  // namespace rg::certificates
