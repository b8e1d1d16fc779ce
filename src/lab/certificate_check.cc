#include "lab/certificate_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/cancel.h"
#include "base/file.h"
#include "base/sha256.h"
#include "lab/cached_keys.h"
#include "lab/certify.h"
#include "lab/manifold_certificate.h"
#include "lab/twin_tokens.h"
#include "record/artifact.h"

namespace rg::lab {
namespace {

using certificates::Members;
using certificates::shown;

constexpr uint64_t kMaxCertificateBytes = uint64_t{1} << 30;

// Never a path: only what certify itself would write.
bool is_listed_name(int layer, const std::string& level, const std::string& file) {
  constexpr std::array kLevels = {"exact", "enclosed", "on_manifold", "identical_bytes",
                                  "twin_tokens"};
  const bool known = std::find(kLevels.begin(), kLevels.end(), level) != kLevels.end();
  return known && file == certificate_name(layer, level);
}

std::vector<ListedFile> read_listed(Members& layer, int number,
                                    const std::filesystem::path& folder) {
  std::vector<ListedFile> out;
  const Json& list = layer.need("certificates");
  if (!list.is_array())
    throw layer.refusal(ErrorId::AR015, "certificates", shown(list), "an array");
  for (const Json& each : list) {
    Members row(each, layer.file(), fmt::format("layers.{}.certificates", number));
    ListedFile listed{
        .level = row.text("level"), .file = row.text("file"), .sha256 = row.text("sha256")};
    row.finish();
    if (!is_listed_name(number, listed.level, listed.file)) {
      throw row.refusal(ErrorId::AR017, "file", escape_for_terminal(listed.file),
                        certificate_name(number, "LEVEL"));
    }
    std::error_code missing;
    const std::filesystem::path path = folder / listed.file;
    if (!std::filesystem::is_regular_file(path, missing)) {
      throw row.refusal(ErrorId::AR013, "file", listed.file + ", which isn't there", "the file");
    }
    const std::string sha256 = sha256_hex(read_whole_file(path, kMaxCertificateBytes));
    if (sha256 != listed.sha256) throw row.refusal(ErrorId::AR013, "sha256", listed.sha256, sha256);
    out.push_back(std::move(listed));
  }
  return out;
}

// The levels whose absence a layer states.
WantedLevels absent_levels(const Json& layer) {
  WantedLevels out{
      .exact = false, .enclosed = false, .on_manifold = false, .identical_bytes = false};
  const auto absent = layer.find("absent");
  if (absent == layer.end() || !absent->is_array()) return out;
  for (const Json& each : *absent) {
    const auto level = each.is_object() ? each.find("level") : each.end();
    if (level == each.end()) continue;
    out.exact = out.exact || *level == "exact";
    out.enclosed = out.enclosed || *level == "enclosed";
    out.on_manifold = out.on_manifold || *level == "on_manifold";
    out.identical_bytes = out.identical_bytes || *level == "identical_bytes";
  }
  return out;
}

void check_layer(const CheckSetting& setting, const Json& stated, int number,
                 const std::filesystem::path& folder, const std::string& file) {
  Members members(stated, file, fmt::format("layers.{}", number));
  LayerCertificates again = certify_layer(setting.subject, number, absent_levels(stated));
  std::vector<ListedFile> files;
  if (again.question.facts) files = read_listed(members, number, folder);
  const bool proved = std::any_of(files.begin(), files.end(), [](const ListedFile& listed) {
    return listed.level == "enclosed" || listed.level == "on_manifold";
  });
  if (proved) again.rank = again.question.facts->key_dimensions;
  const Json expected = layer_json(setting.subject.model(), again, files);
  if (stated == expected) return;  // of an absent level that can be made, `absent` differs
  for (const auto& [name, value] : expected.items()) {
    const auto own = stated.find(name);
    if (own != stated.end() && *own == value) continue;
    throw members.refusal(name == "architecture" ? ErrorId::AR022 : ErrorId::AR010, name,
                          own == stated.end() ? "no such member" : shown(*own), shown(value));
  }
  throw members.refusal(ErrorId::AR010, "members", "more than there are", "what the model gives");
}

}  // namespace

void check_report(const CheckSetting& setting, const Json& root,
                  const std::filesystem::path& file) {
  Members members(root, file.string(), "");
  members.text("certificate");
  members.integer("version", kCertificateVersion, kCertificateVersion);
  members.text("program_version");
  const std::string digest = members.text("body_sha256"), found = record::body_digest(root);
  if (digest != found) throw members.refusal(ErrorId::AR020, "body_sha256", digest, found);
  Members model = members.object("model");
  model.text("ckpt");
  const std::string family = model.text("family");
  model.finish();
  const Json& layers = members.need("layers");
  members.finish();
  const model::Model& own = setting.subject.model();
  if (family != own.family) {
    throw members.refusal(ErrorId::AR022, "model.family", escape_for_terminal(family), own.family);
  }
  if (!layers.is_array())
    throw members.refusal(ErrorId::AR015, "layers", shown(layers), "an array");
  const std::vector<int> gated = own.moe_layers();
  int64_t last = -1;
  for (const Json& layer : layers) {
    throw_if_stopped();
    Members row(layer, file.string(), "layers");
    const int64_t number = row.integer("layer", 0, kMostLayers);
    if (number <= last) {
      throw row.refusal(ErrorId::AR014, "layer", std::to_string(number), "ascending layers");
    }
    if (!std::binary_search(gated.begin(), gated.end(), static_cast<int>(number))) {
      throw row.refusal(ErrorId::AR022, "layer", std::to_string(number), "a layer with a gate");
    }
    last = number;
    check_layer(setting, layer, static_cast<int>(number), file.parent_path(), file.string());
  }
}

void check_certificate(const CheckSetting& setting, const Json& root, const std::string& kind,
                       const std::filesystem::path& file) {
  if (kind == "report") {
    check_report(setting, root, file);
  } else if (kind == "exact") {
    check_pair(setting.subject, root, PairLevel::exact, file.string());
  } else if (kind == "enclosed") {
    check_pair(setting.subject, root, PairLevel::enclosed, file.string());
  } else if (kind == "on_manifold") {
    check_manifold(setting.subject, root, setting.residuals, file.string());
  } else if (kind == "identical_bytes") {
    check_cached_keys(setting.subject, root, setting.residuals, file.string());
  } else if (kind == "twin_tokens") {
    check_twins(setting.subject, root, setting.engine, setting.spill_folder, file.string(),
                setting.progress);
  } else {
    throw Error(ErrorId::AR005, {.file = file.string(),
                                 .object = "certificate",
                                 .found = escape_for_terminal(kind),
                                 .expected = "report, exact, enclosed, on_manifold, "
                                             "identical_bytes or twin_tokens"});
  }
}

int deepest_layer(const std::vector<std::filesystem::path>& files) {
  int deepest = -1;
  for (const std::filesystem::path& file : files) {
    constexpr std::string_view kPrefix = "layer-";
    const std::string name = file.filename().string();
    if (!name.starts_with(kPrefix)) continue;
    int layer = -1;
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
    deepest = std::max(deepest, layer);
  }
  return deepest;
}

std::vector<std::filesystem::path> listed_files(const Json& report,
                                                const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> out;
  const auto layers = report.find("layers");
  if (layers == report.end() || !layers->is_array()) return out;
  for (const Json& layer : *layers) {
    if (!layer.is_object() || !layer.contains("layer") || !layer.at("layer").is_number_unsigned() ||
        layer.at("layer") > kMostLayers || !layer.contains("certificates")) {
      continue;
    }
    for (const Json& each : layer.at("certificates")) {
      if (!each.is_object()) continue;
      const Json level = each.value("level", Json()), name = each.value("file", Json());
      if (level.is_string() && name.is_string() &&
          is_listed_name(layer.at("layer").get<int>(), level.get<std::string>(),
                         name.get<std::string>())) {
        out.push_back(folder / name.get<std::string>());
      }
    }
  }
  return out;
}

}  // namespace rg::lab
