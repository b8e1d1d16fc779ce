#include "lab/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "lab/clock.h"

namespace rg::lab {
namespace {

constexpr const char* kSettingsFile = "run_settings.json";
constexpr const char* kLockFile = "run.lock";
constexpr uint64_t kMaxSettingsBytes = 64u << 20;

std::string run_id(const Json& identity) { return sha256_hex(canonical_json(identity)); }

std::string host_name() {
  utsname names = {};
  return ::uname(&names) == 0 ? names.nodename : "unknown host";
}

// What to do about a folder that can't be made or written to follows from the reason.
Error cannot_use(const std::filesystem::path& path, const std::error_code& failure) {
  std::string hint = "Choose another --out.";
  if (failure == std::errc::permission_denied || failure == std::errc::operation_not_permitted) {
    hint = "Make it writable for this user, or choose another --out.";
  } else if (failure == std::errc::read_only_file_system) {
    hint = "The file system is mounted read-only: choose another --out.";
  } else if (failure == std::errc::not_a_directory || failure == std::errc::file_exists) {
    hint = "A file lies where a folder is needed: choose another --out.";
  } else if (failure == std::errc::no_space_on_device) {
    hint = "Make room, or choose another --out.";
  }
  return Error(ErrorId::IO003, {.file = path.string(),
                                .found = failure.message(),
                                .expected = "a folder that can be written to",
                                .hint = std::move(hint)});
}

std::error_code last_failure() { return {errno, std::generic_category()}; }

// Whether the file system lacks locks, rather than another run holding this one: NFS without lockd,
// Lustre mounted without flock, kernels and sandboxes without locks of open files.
bool means_no_locks(int number) {
  return number == ENOLCK || number == ENOSYS || number == EOPNOTSUPP || number == EINVAL;
}

// What the holder wrote about itself. It takes the lock first and writes then, so a process
// that comes in between waits a moment for the line.
std::string lock_holder(int descriptor) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::array<char, 256> text = {};
    const ssize_t bytes = ::pread(descriptor, text.data(), text.size(), 0);
    const std::string_view line(text.data(), bytes > 0 ? static_cast<size_t>(bytes) : 0);
    const size_t end = line.find('\n');
    if (end != std::string_view::npos) return std::string(line.substr(0, end));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return "another run";
}

void write_holder(int descriptor) {
  const std::string text =
      fmt::format("pid {} on {} since {}\n", ::getpid(), host_name(), utc_now());
  // Only information for the next run: a failure here is of no consequence.
  if (::ftruncate(descriptor, 0) != 0) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, text.data(), text.size(), 0);
}

Error not_settings(const std::filesystem::path& path, std::string object, std::string found,
                   std::string expected, std::string hint) {
  return Error(ErrorId::US002, {.file = path.string(),
                                .object = std::move(object),
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .hint = std::move(hint) + " Remove it, or choose another --out."});
}

// Inside OUT: the paths of an earlier run are read, and removed.
bool stays_inside(const std::filesystem::path& path) {
  const std::filesystem::path relative = path.lexically_normal();
  return !relative.empty() && !relative.is_absolute() && *relative.begin() != "..";
}

// The members that this program wrote, each of its kind.
void check_settings(const std::filesystem::path& file, const Json& settings) {
  const auto has = [](const Json& object, const char* key, Json::value_t kind) {
    return object.contains(key) && object.at(key).type() == kind;
  };
  if (!settings.is_object() || !has(settings, "run_id", Json::value_t::string) ||
      !has(settings, "done", Json::value_t::boolean) ||
      !has(settings, "artifacts", Json::value_t::array)) {
    throw not_settings(file, "", "not the settings of a run", "run_id, done, artifacts",
                       "Another program wrote it.");
  }
  const Json& rows = settings.at("artifacts");
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string place = fmt::format("artifacts[{}]", i);
    for (const char* key : {"test", "domain", "path", "body_sha256"}) {
      if (rows[i].is_object() && has(rows[i], key, Json::value_t::string)) continue;
      throw not_settings(file, place, fmt::format("no string \"{}\"", key),
                         "test, domain, path, body_sha256", "It was changed since a run wrote it.");
    }
    if (!stays_inside(rows[i].at("path").get<std::string>())) {
      throw not_settings(file, place + ".path",
                         escape_for_terminal(rows[i].at("path").get<std::string>()),
                         "a path below this folder", "It was changed since a run wrote it.");
    }
  }
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& out) : out_(out) {
  std::error_code failure;
  std::filesystem::create_directories(out_, failure);
  if (failure) throw cannot_use(out_, failure);
  const std::filesystem::path lock = out_ / kLockFile;
  lock_ = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (lock_ < 0) throw cannot_use(lock, last_failure());
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(lock_, F_OFD_SETLK, &whole) != 0) {
    const std::error_code refused = last_failure();
    if (means_no_locks(refused.value())) {
      // A lock file is no substitute: a killed run would leave it and lock the folder for good.
      note_ = fmt::format(
          "{}: the file system offers no locks ({}), so two runs into this folder at once are not "
          "kept apart; each folder can take one run at a time",
          out_.string(), refused.message());
      write_holder(lock_);
      return;
    }
    const std::string holder = lock_holder(lock_);
    ::close(lock_);
    if (refused.value() != EAGAIN && refused.value() != EACCES) {
      throw Error(ErrorId::IO003, {.file = lock.string(),
                                   .found = refused.message(),
                                   .expected = "a lock on it",
                                   .hint = "Choose an --out on another file system."});
    }
    throw Error(ErrorId::IO011,
                {.file = out_.string(),
                 .found = "in use by " + escape_for_terminal(holder),
                 .expected = "a folder that no other run works in",
                 .hint = "Wait for it, or choose another --out. A run that has ended holds no "
                         "lock."});
  }
  write_holder(lock_);
}

RunFolder::~RunFolder() {
  // The lock goes with the descriptor. The file stays: removing it could split two waiting runs.
  if (lock_ >= 0) ::close(lock_);
}

std::optional<Json> RunFolder::read_settings() const {
  const std::filesystem::path path = out_ / kSettingsFile;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const std::string text = read_whole_file(path, kMaxSettingsBytes);
  Json settings;
  try {
    settings = parse_json(text, JsonLimits{}, path.string());
  } catch (const Error& error) {
    throw not_settings(path, error.parts().object, error.parts().found, error.parts().expected,
                       error.parts().hint);
  }
  check_settings(path, settings);
  return settings;
}

std::optional<std::vector<record::WrittenArtifact>> RunFolder::find_same_run(
    const Json& identity, const std::vector<std::string>& tests, bool overwrite) const {
  const auto refuse_unless_overwrite = [&](const std::string& found) {
    if (overwrite) return;
    throw Error(ErrorId::US002, {.file = out_.string(),
                                 .found = found,
                                 .expected = "an empty folder or the same run",
                                 .hint = "Choose another --out, or replace them by --overwrite."});
  };
  const auto settings = read_settings();
  if (!settings) {
    for (const std::string& test : tests) {
      if (std::filesystem::exists(out_ / test)) {
        refuse_unless_overwrite("a folder " + test + " of unknown origin");
      }
    }
    return std::nullopt;
  }
  if ((*settings)["run_id"] != run_id(identity)) {
    refuse_unless_overwrite("results of another run (other settings, inputs, program or CPU)");
    return std::nullopt;
  }
  if (!(*settings)["done"]) return std::nullopt;
  std::vector<record::WrittenArtifact> artifacts;
  for (const Json& row : (*settings)["artifacts"]) {
    record::WrittenArtifact artifact{.test = row.at("test").get<std::string>(),
                                     .subject = {},
                                     .domain = row.at("domain").get<std::string>(),
                                     .path = out_ / row.at("path").get<std::string>(),
                                     .body_sha256 = row.at("body_sha256").get<std::string>()};
    try {
      const Json stored = parse_json(read_whole_file(artifact.path, uint64_t{1} << 30),
                                     JsonLimits{}, artifact.path.string());
      if (record::body_digest(stored) != artifact.body_sha256) return std::nullopt;
    } catch (const Error&) {
      return std::nullopt;  // gone or damaged: measured again
    }
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

void RunFolder::begin(const Json& identity) {
  if (const auto before = read_settings()) {
    for (const Json& row : (*before)["artifacts"]) {
      replaced_.push_back(row.at("path").get<std::string>());
    }
  }
  // The paths of existing artifacts stay listed until these are replaced.
  Json artifacts = Json::array();
  for (const std::string& path : replaced_) {
    artifacts.push_back({{"test", ""}, {"domain", ""}, {"path", path}, {"body_sha256", ""}});
  }
  const Json settings = {{"run_id", run_id(identity)},
                         {"done", false},
                         {"artifacts", artifacts},
                         {"identity", identity}};
  write_file_atomically(out_ / kSettingsFile, write_json(settings, JsonLayout::indented),
                        IfExists::replace);
}

void RunFolder::finish(const Json& identity,
                       const std::vector<record::WrittenArtifact>& artifacts) {
  Json rows = Json::array();
  std::vector<std::string> written;
  for (const record::WrittenArtifact& artifact : artifacts) {
    written.push_back(artifact.path.lexically_relative(out_).generic_string());
    rows.push_back({{"test", artifact.test},
                    {"domain", artifact.domain},
                    {"path", written.back()},
                    {"body_sha256", artifact.body_sha256}});
  }
  for (const std::string& path : replaced_) {
    if (std::find(written.begin(), written.end(), path) != written.end()) continue;
    const std::filesystem::path folder = (out_ / path).lexically_normal().parent_path();
    std::error_code ignored;
    for (const char* name : {"run.json", "manifest.json", "run.log"}) {
      std::filesystem::remove(folder / name, ignored);
    }
    std::filesystem::remove(folder, ignored);
  }
  const Json settings = {
      {"run_id", run_id(identity)}, {"done", true}, {"artifacts", rows}, {"identity", identity}};
  write_file_atomically(out_ / kSettingsFile, write_json(settings, JsonLayout::indented),
                        IfExists::replace);
}

void RunFolder::check_free_space(uint64_t bytes) const {
  struct statvfs room = {};
  if (::statvfs(out_.c_str(), &room) != 0) throw cannot_use(out_, last_failure());
  const uint64_t free_bytes = uint64_t{room.f_bavail} * room.f_frsize;
  if (free_bytes >= bytes) return;
  throw Error(ErrorId::IO010,
              {.file = out_.string(),
               .found = format_bytes(free_bytes) + " free",
               .expected = "about " + format_bytes(bytes) + " for this run",
               .hint = "Make room, or choose another --out. Nothing was read yet."});
}

}  // namespace rg::lab
