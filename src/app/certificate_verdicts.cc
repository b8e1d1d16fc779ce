#include "app/certificate_verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <system_error>

#include "base/cancel.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "lab/certificate_check.h"
#include "lab/certificate_file.h"
#include "lab/certify.h"

namespace rg::app {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = uint64_t{1} << 30;

// By its first bytes, so that a large artifact isn't read twice.
bool begins_as_certificate(const fs::path& path) {
  const InputFile file(path);
  std::array<char, 64> head = {};
  const size_t count = std::min<uint64_t>(head.size(), file.bytes());
  file.read_exact(0, std::as_writable_bytes(std::span(head).first(count)));
  std::string packed;
  for (const char c : std::string_view(head.data(), count)) {
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') packed += c;
  }
  return packed.starts_with("{\"certificate\":");
}

// Defects of the file; other errors are the checkpoint's or the machine's.
bool is_of_file(const Error& error) {
  return error.exit_code() == ExitCode::artifact || error.id() == ErrorId::AR022;
}

void refuse(const Error& error, verify::Judgement& judgement) {
  const ErrorParts& parts = error.parts();
  const bool other = error.id() == ErrorId::AR022;
  judgement.verdict = other ? verify::Verdict::fail : verify::Verdict::invalid;
  judgement.reasons.push_back(
      {.id = std::string(error_name(error.id())),
       .check = "",
       .path = parts.object,
       .text = fmt::format("found {}, expected {}", parts.found, parts.expected)});
  judgement.sentence = other
                           ? "Not shown: that this certificate is about the checkpoint given by "
                             "--model."
                           : "This certificate cannot be relied on: " + judgement.reasons[0].path +
                                 ' ' + judgement.reasons[0].text + '.';
}

verify::Judgement judge(const lab::CheckSetting& setting, const fs::path& path) {
  const std::string text = read_whole_file(path, kMostBytes);
  verify::Judgement out;
  out.path = path.string();
  out.test = "certificate";
  out.rule = "full";
  out.sha256 = sha256_hex(text);
  try {
    Json root;
    try {
      root = parse_json(text, JsonLimits{}, path.string());
    } catch (const Error& error) {
      throw Error(ErrorId::AR002,
                  {.object = "the file", .found = error.parts().found, .expected = "strict JSON"});
    }
    const lab::CertificateKind kind = lab::certificate_kind(root);
    out.test = "certificate " + (kind.kind.empty() ? std::string("unknown") : kind.kind);
    out.model = kind.model;
    if (kind.layer >= 0) out.domain = fmt::format("layer {}", kind.layer);
    lab::check_certificate(setting, root, kind.kind, path);
    out.verdict = verify::Verdict::holds;
    out.body_sha256 = root.at("body_sha256").get<std::string>();
    out.sentence = kind.kind == "report"
                       ? "What it says of each layer follows from the architecture and the weights."
                       : root.at("claim").get<std::string>();
  } catch (const Error& error) {
    if (!is_of_file(error)) throw;
    refuse(error, out);
  }
  return out;
}

}  // namespace

std::vector<fs::path> certificates_at(const fs::path& path) {
  std::error_code failure;
  if (fs::is_directory(path, failure)) {
    const fs::path report = path / lab::kReportName;
    if (!fs::is_regular_file(report, failure)) return {};
    std::vector<fs::path> files = {report};
    try {
      const Json root = parse_json(read_whole_file(report, kMostBytes), JsonLimits{}, "");
      for (fs::path& listed : lab::listed_files(root, path)) {
        if (fs::is_regular_file(listed, failure)) files.push_back(std::move(listed));
      }
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::input) throw;  // its judgement says that it is no JSON
    }
    return files;
  }
  if (!fs::is_regular_file(path, failure) || !begins_as_certificate(path)) return {};
  return {path};
}

std::vector<verify::Judgement> judge_certificates(const std::vector<fs::path>& files,
                                                  const std::string& model, Progress& progress) {
  if (model.empty()) {
    throw Error(ErrorId::US001, {.file = files.front().string(),
                                 .object = "verify",
                                 .found = "a certificate and no --model",
                                 .expected = "--model MODEL, whose weights it is about"});
  }
  const lab::Subject subject = lab::Subject::open(model);
  const lab::EngineSettings engine;
  const fs::path spill_folder = fs::temp_directory_path();
  lab::TokenResiduals residuals(subject, engine, spill_folder, progress, lab::deepest_layer(files));
  const lab::CheckSetting setting{.subject = subject,
                                  .engine = engine,
                                  .spill_folder = spill_folder,
                                  .progress = progress,
                                  .residuals = residuals};
  std::vector<verify::Judgement> out;
  for (const fs::path& file : files) {
    throw_if_stopped();
    progress.step("checking " + file.filename().string());
    out.push_back(judge(setting, file));
  }
  return out;
}

}  // namespace rg::app
