#include "formats/model_location.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

namespace rg::formats {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownRevision = 12;
constexpr std::string_view kRepoPrefix = "models--";

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

bool is_name_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// `~`, `$NAME` and `${NAME}` as huggingface_hub expands them; unknown names stay as they are.
fs::path expand(const std::string& value) {
  std::string out;
  size_t at = 0;
  if (value == "~" || value.starts_with("~/")) {
    out = environment("HOME").value_or("~");
    at = 1;
  }
  while (at < value.size()) {
    if (value[at] != '$') {
      out += value[at++];
      continue;
    }
    const bool braced = at + 1 < value.size() && value[at + 1] == '{';
    const size_t from = at + (braced ? 2 : 1);
    size_t to = from;
    while (to < value.size() && is_name_letter(value[to])) ++to;
    const size_t next = to + (braced ? 1 : 0);
    const bool closed = !braced || (to < value.size() && value[to] == '}');
    const std::string name = value.substr(from, to - from);
    const auto known = closed && !name.empty() ? environment(name.c_str()) : std::nullopt;
    out += known ? *known : value.substr(at, std::min(next, value.size()) - at);
    at = std::min(next, value.size());
  }
  return out;
}

fs::path cache_root() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (const auto value = environment(name)) return expand(*value);
  }
  if (const auto home = environment("HF_HOME")) return expand(*home) / "hub";
  if (const auto cache = environment("XDG_CACHE_HOME")) {
    return expand(*cache) / "huggingface" / "hub";
  }
  return expand("~/.cache/huggingface/hub");
}

// A path component that stays inside the cache and is not hidden.
bool is_safe_step(std::string_view step) {
  return !step.empty() && step[0] != '.' && step[0] != '-' &&
         std::all_of(step.begin(), step.end(),
                     [](char c) { return is_name_letter(c) || c == '.' || c == '-' || c == '+'; });
}

struct HubId {
  std::string owner, name, revision;  // revision empty: main

  std::string repo() const { return owner + '/' + name; }
  std::string folder() const { return std::string(kRepoPrefix) + owner + "--" + name; }
  std::string download() const {
    return "hf download " + repo() + (revision.empty() ? "" : " --revision " + revision);
  }
  std::string display(const std::string& commit) const {
    return owner + "--" + name + '@' + commit.substr(0, kShownRevision);
  }
};

std::optional<HubId> parse_hub_id(std::string_view argument) {
  HubId id;
  const size_t sign = argument.find('@');
  if (sign != argument.npos) {
    id.revision = argument.substr(sign + 1);
    for (size_t at = 0; at <= id.revision.size();) {  // refs may be nested: refs/pr/3
      const size_t slash = std::min(id.revision.find('/', at), id.revision.size());
      if (!is_safe_step(std::string_view(id.revision).substr(at, slash - at))) return {};
      at = slash + 1;
    }
    argument = argument.substr(0, sign);
  }
  const size_t slash = argument.find('/');
  if (slash == argument.npos) return {};
  id.owner = argument.substr(0, slash);
  id.name = argument.substr(slash + 1);
  if (!is_safe_step(id.owner) || !is_safe_step(id.name)) return {};
  return id;
}

bool is_commit(std::string_view text) {
  constexpr size_t kCommitDigits = 40;
  return text.size() == kCommitDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string trimmed(const std::string& text) {
  const size_t from = text.find_first_not_of(" \t\r\n");
  if (from == text.npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// Whether looking at a path fails for another reason than that it doesn't exist.
bool is_denied(const fs::path& path) {
  std::error_code failure;
  return !fs::exists(path, failure) && failure;
}

std::string why_no_folder(const fs::path& path) {
  std::error_code failure;
  if (fs::exists(path, failure)) return "a file";
  return failure ? failure.message() : "no such folder";
}

// The commit that the id's revision names in this repository, if the cache knows.
std::optional<std::string> find_commit(const fs::path& repo, const HubId& id) {
  if (is_commit(id.revision)) return id.revision;
  const fs::path ref = repo / "refs" / (id.revision.empty() ? "main" : id.revision);
  std::error_code ignored;
  if (fs::is_regular_file(ref, ignored)) {
    constexpr uint64_t kMaxRef = 4096;
    const std::string commit = trimmed(read_whole_file(ref, kMaxRef));
    if (is_commit(commit)) return commit;
    throw Error(ErrorId::HF002, {.file = ref.string(),
                                 .found = '"' + escape_for_terminal(commit) + '"',
                                 .expected = "a commit of 40 hexadecimal digits",
                                 .hint = "Run: " + id.download()});
  }
  if (!id.revision.empty()) return std::nullopt;
  // Copies of a cache often lack refs/; a single snapshot is unambiguous.
  std::vector<std::string> commits;
  for (const auto& entry : fs::directory_iterator(repo / "snapshots", ignored)) {
    if (entry.is_directory(ignored)) commits.push_back(entry.path().filename().string());
  }
  if (commits.size() == 1 && is_commit(commits[0])) return commits[0];
  return std::nullopt;
}

ModelLocation snapshot_location(const fs::path& root, const HubId& id, const std::string& commit) {
  return {.folder = root / id.folder() / "snapshots" / commit,
          .display_name = id.display(commit),
          .cache_root = root,
          .download_command = id.download()};
}

// <root>/models--org--name/snapshots/<commit>, by its spelling.
std::optional<ModelLocation> as_snapshot(const fs::path& folder) {
  const std::string commit = folder.filename().string();
  const fs::path repo = folder.parent_path().parent_path();
  const std::string repo_name = repo.filename().string();
  if (!is_commit(commit) || folder.parent_path().filename() != "snapshots" ||
      !repo_name.starts_with(kRepoPrefix)) {
    return std::nullopt;
  }
  const std::string id_name = repo_name.substr(kRepoPrefix.size());
  const size_t dashes = id_name.find("--");
  if (dashes == std::string::npos) return std::nullopt;
  const HubId id = {id_name.substr(0, dashes), id_name.substr(dashes + 2), commit};
  return snapshot_location(repo.parent_path(), id, commit);
}

// A folder given by path may be a snapshot by its real path or by its spelling: a repository or its
// snapshots may be linked from elsewhere.
ModelLocation folder_location(const fs::path& argument) {
  const fs::path folder = fs::canonical(argument);
  if (const auto snapshot = as_snapshot(folder)) return *snapshot;
  fs::path spelled = fs::absolute(argument).lexically_normal();
  if (!spelled.has_filename()) spelled = spelled.parent_path();
  std::error_code ignored;
  if (const auto snapshot = as_snapshot(spelled);
      snapshot && fs::equivalent(spelled, folder, ignored)) {
    return *snapshot;
  }
  return {.folder = folder,
          .display_name = folder.filename().string(),
          .cache_root = {},
          .download_command = {}};
}

// Whether `path` lies below `folder`; both canonical.
bool lies_below(const fs::path& path, const fs::path& folder) {
  const auto differ = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return differ.first == folder.end() && differ.second != path.end();
}

// Empty where there is none.
fs::path canonical_or_empty(const fs::path& path) {
  std::error_code failure;
  fs::path found = fs::canonical(path, failure);
  return failure ? fs::path() : found;
}

// Whether `folder` (canonical) is the blobs folder of a repository in the cache at `root`. Its
// entries are made by the library or the owner: no file name of a model ends up there.
bool is_blob_folder(const fs::path& folder, const fs::path& root, const std::string& repo) {
  return repo.starts_with(kRepoPrefix) && !folder.empty() &&
         canonical_or_empty(root / repo / "blobs") == folder;
}

// The folder that `target` (canonical, what `path` leads to) may lie in; empty if it may not.
//
// Everything below a model's folder is trusted. In a cache, so is whatever its owner linked into
// it: the root, a repository, its snapshots, its blobs, a blob (huggingface_hub links those
// that repositories share). A link of a snapshot, whose names come with the model, must end in one
// of these places, or at an entry of a blobs folder, wherever that then leads. The same holds for
// a folder whose files are links into the cache, as `local_dir` downloads used to be.
fs::path trusted_folder(const ModelLocation& location, const fs::path& path,
                        const fs::path& target) {
  const fs::path root = canonical_or_empty(location.cache_root.value_or(cache_root()));
  std::vector<fs::path> trusted = {canonical_or_empty(location.folder)};
  if (!root.empty()) trusted.push_back(root);
  if (location.cache_root) {
    trusted.push_back(canonical_or_empty(location.folder.parent_path().parent_path()));
    // The links in linked snapshots lead to the blobs next to where the snapshots really are.
    const fs::path snapshots = trusted[0].parent_path();
    if (snapshots.filename() == "snapshots") {
      trusted.push_back(canonical_or_empty(snapshots.parent_path() / "blobs"));
    }
  }
  for (const fs::path& folder : trusted) {
    if (!folder.empty() && lies_below(target, folder)) return folder;
  }
  std::error_code failure;
  const fs::path link = fs::read_symlink(path, failure);
  if (failure || root.empty()) return {};
  // By its real path, and by its spelling.
  const fs::path followed = canonical_or_empty(trusted[0] / link.parent_path());
  const fs::path spelled = (location.folder / link).lexically_normal().parent_path();
  for (const std::string& repo :
       {followed.parent_path().filename().string(), spelled.parent_path().filename().string(),
        location.folder.parent_path().parent_path().filename().string()}) {
    if (is_blob_folder(followed, root, repo)) return target.parent_path();
  }
  return {};
}

// Opens a file by its path without links. `root` and `target` are canonical, `target` below `root`.
// openat2 makes the kernel enforce both, whatever is replaced meanwhile (EXDEV, ELOOP). Kernels
// before 5.6 lack it (ENOSYS), some containers forbid it (EPERM); there only the last component is
// enforced. Returns the descriptor, or -1 and errno.
int open_without_links(const fs::path& root, const fs::path& target) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  const int folder = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  open_how how = {};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long opened =
      ::syscall(SYS_openat2, folder, target.lexically_relative(root).c_str(), &how, sizeof how);
  const int failure = errno;
  ::close(folder);
  errno = failure;
  if (opened >= 0 || (failure != ENOSYS && failure != EPERM)) return static_cast<int>(opened);
  return ::open(target.c_str(), kFlags | O_NOFOLLOW);
}

[[noreturn]] void refuse_argument(const std::string& argument) {
  std::string hint = "Give the model's folder, or the id of a model that you downloaded.";
  if (is_denied(argument)) hint = "Look at the path and its permissions.";
  if (argument.ends_with(".gguf")) {
    hint = "GGUF is not read: give the folder of the checkpoint that it was converted from.";
  } else if (argument.ends_with(".json")) {
    hint = "Give the model's folder; `routegauge plan` takes a config.json alone.";
  }
  throw Error(ErrorId::HF001,
              {.file = argument,
               .found = why_no_folder(argument),
               .expected = "a folder with config.json and *.safetensors, or org/name[@revision]",
               .hint = std::move(hint)});
}

}  // namespace

ModelLocation resolve_model(const std::string& argument) {
  const auto id = parse_hub_id(argument);
  const bool folder = is_folder(argument);
  std::error_code ignored;
  if (folder && (!id || fs::exists(fs::path(argument) / "config.json", ignored))) {
    return folder_location(argument);
  }
  if (!id) refuse_argument(argument);
  const fs::path root = cache_root();
  const fs::path repo = root / id->folder();
  const auto commit = is_folder(repo) ? find_commit(repo, *id) : std::nullopt;
  const ModelLocation location = snapshot_location(root, *id, commit.value_or(""));
  if (!commit || !is_folder(location.folder)) {
    if (folder) return folder_location(argument);  // its missing config.json is the better message
    if (fs::exists(argument, ignored)) refuse_argument(argument);
    if (is_denied(repo)) {
      throw Error(ErrorId::HF001, {.file = argument,
                                   .found = why_no_folder(repo) + " at " + repo.string(),
                                   .expected = "the model's folder in the Hugging Face cache",
                                   .hint = "Look at the path and its permissions."});
    }
    throw Error(ErrorId::HF001,
                {.file = argument,
                 .found = !is_folder(repo)
                              ? "no such folder, and nothing of this model below " + root.string()
                              : "no such revision in " + repo.string(),
                 .expected = "a folder, or a model in the Hugging Face cache",
                 .hint = "Run: " + id->download()});
  }
  if (!has_member(location, "config.json")) {
    throw Error(ErrorId::HF002, {.file = location.folder.string(),
                                 .object = "config.json",
                                 .found = "no such file",
                                 .expected = "a complete snapshot",
                                 .hint = "Run: " + id->download()});
  }
  return location;
}

bool has_member(const ModelLocation& location, const std::string& name) {
  std::error_code failure;  // set if it can't be resolved: opening the file says why
  return fs::exists(location.folder / name, failure) || failure;
}

InputFile open_member(const ModelLocation& location, const std::string& name, ErrorId refusal) {
  const fs::path path = location.folder / name;
  std::error_code failure;
  const fs::path target = fs::canonical(path, failure);
  if (failure) return InputFile(path);  // its message says why
  const auto refuse = [&](std::string found, std::string expected, std::string hint) {
    throw Error(refusal, {.file = path.string(),
                          .found = std::move(found),
                          .expected = std::move(expected),
                          .hint = std::move(hint)});
  };
  const fs::path root = trusted_folder(location, path, target);
  if (root.empty()) {
    refuse("a link to " + escape_for_terminal(target.string()),
           "a file below " + location.cache_root.value_or(location.folder).string(),
           "If you made the link, put the file itself there, or a hard link. If it came with the "
           "model, don't trust this checkpoint.");
  }
  const fs::file_status status = fs::status(target, failure);
  if (status.type() != fs::file_type::regular) {
    refuse("a folder, FIFO or device", "a regular file",
           "Put the file itself there. If this came with the model, don't trust it.");
  }
  // The target has no links left; should one appear now, opening fails.
  const int descriptor = open_without_links(root, target);
  if (descriptor < 0 && (errno == EXDEV || errno == ELOOP)) {
    refuse("a path that was replaced while it was opened", "a regular file below " + root.string(),
           "Leave the checkpoint alone and rerun.");
  }
  return InputFile(path, descriptor);
}

}  // namespace rg::formats
