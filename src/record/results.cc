// The results file: what was written, and the tables that no single artifact holds.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "record/artifact.h"

namespace rg::record {
namespace {

std::tm utc(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  return parts;
}

}  // namespace

Json assemble_results(const std::filesystem::path& out, std::span<const ResultEntry> entries,
                      const Json& comparisons, std::time_t now) {
  Json artifacts = Json::array();
  for (const ResultEntry& entry : entries) {
    artifacts.push_back({{"test", entry.written.test},
                         {"model", entry.written.subject},
                         {"domain", entry.written.domain},
                         {"path", entry.written.path.lexically_relative(out).generic_string()},
                         {"body_sha256", entry.written.body_sha256}});
  }
  Json results = {
      {"schema_version", kResultsVersion},
      {"created_utc", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc(now))},
      {"program_version", entries.empty() ? Json("") : entries[0].artifact.at("program_version")},
      {"artifacts", std::move(artifacts)}};
  for (const auto& [test, table] : comparisons.items()) results[test] = table;
  return results;
}

std::filesystem::path write_results(const std::filesystem::path& out, const Json& results,
                                    std::time_t now) {
  const std::filesystem::path folder = out / "results";
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorId::IO004, {.file = folder.string(),
                                 .found = failure.message(),
                                 .expected = "a folder that can be created",
                                 .hint = "Check the permissions of --out."});
  }
  std::filesystem::path path;
  do {
    path = folder / fmt::format("results_{:%Y%m%d_%H%M%S}.json", utc(now++));
  } while (std::filesystem::exists(path));
  write_file_atomically(path, write_json(results, JsonLayout::indented) + "\n", IfExists::refuse);
  return path;
}

}  // namespace rg::record
