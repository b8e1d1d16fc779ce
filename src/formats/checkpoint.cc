#include "formats/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "formats/released_tensors.h"
#include "formats/safetensors.h"
#include "formats/shard_index.h"

namespace rg::formats {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;  // some 50 MB of tree, at the worst
constexpr uint64_t kMaxIndexBytes = uint64_t{256} << 20;

std::string read_text(const InputFile& file, uint64_t limit_bytes, ErrorId too_large) {
  if (file.bytes() > limit_bytes) {
    throw Error(too_large, {.file = file.path().string(),
                            .found = fmt::format("{} bytes", file.bytes()),
                            .expected = fmt::format("at most {}", limit_bytes),
                            .hint = "The file is not what its name says."});
  }
  std::string text(file.bytes(), '\0');
  file.read_exact(0, std::as_writable_bytes(std::span(text)));
  return text;
}

// transformers 4 writes an infinite number as Python does, 5 as an object; here it is that object,
// whoever wrote it. What else isn't JSON is refused.
Json parse_json_or_infinity(std::string_view text, const std::string& file) {
  constexpr JsonLimits kLimits = {.max_depth = 64, .max_bytes = kMaxConfigBytes};
  constexpr WordReplacement kInfinities[] = {{"-Infinity", R"({"__float__":"-Infinity"})"},
                                             {"Infinity", R"({"__float__":"Infinity"})"}};
  try {
    return parse_json(text, kLimits, file);
  } catch (const Error& error) {
    std::string tagged(text);
    const size_t first = text.find_first_not_of(" \t\r\n");
    const bool object = first != std::string_view::npos && text[first] == '{';
    if (error.id() != ErrorId::JS001 || !object || !replace_bare_words(tagged, kInfinities)) throw;
    try {
      return parse_json(tagged, {.max_depth = 65, .max_bytes = 4 * kMaxConfigBytes}, file);
    } catch (const Error& other) {
      if (other.id() == ErrorId::JS001) throw error;  // whose byte is one of the file
      throw;
    }
  }
}

Json parse_config(std::string_view text) {
  const std::string file = "config.json";
  Json config;
  try {
    config = parse_json_or_infinity(text, file);
  } catch (const Error& error) {
    throw Error(error.id() == ErrorId::JS002 ? ErrorId::CF002 : ErrorId::CF005, error.parts());
  }
  if (!config.is_object()) {
    throw Error(ErrorId::CF005, {.file = file,
                                 .found = config.type_name(),
                                 .expected = "an object",
                                 .hint = "Fetch the file again."});
  }
  return config;
}

// A file that the checkpoint needs is not there.
[[noreturn]] void missing(const ModelLocation& location, ErrorId otherwise, std::string object,
                          std::string hint) {
  const bool snapshot = !location.download_command.empty();
  throw Error(snapshot ? ErrorId::HF002 : otherwise,
              {.file = location.folder.string(),
               .object = std::move(object),
               .found = "no such file",
               .expected = snapshot ? "a complete snapshot" : "it in this folder",
               .hint = snapshot ? "Run: " + location.download_command : std::move(hint)});
}

struct WeightFiles {
  std::set<std::string> shards, others;  // sorted: the same message everywhere
};

WeightFiles weight_files(const ModelLocation& location) {
  WeightFiles files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(location.folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::string extension = entry.path().extension().string();
    if (!fs::exists(entry.path(), ignored)) continue;  // a link to what was never fetched
    if (extension == ".safetensors") files.shards.insert(name);
    if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".gguf") {
      files.others.insert(name);
    }
  }
  return files;
}

[[noreturn]] void no_weights(const ModelLocation& location) {
  std::string found = "neither " + std::string(kSingle) + " nor " + std::string(kIndex);
  std::string hint = (location.download_command.empty() ? "Point to the folder that holds them"
                                                        : "Run: " + location.download_command) +
                     ". Without them `routegauge plan` says what a run would cost.";
  const auto [shards, others] = weight_files(location);
  if (!shards.empty()) {
    const std::string first = escape_for_terminal(*shards.begin());
    const bool sharded = shards.size() > 1 || first.find("-of-") != std::string::npos;
    found += sharded ? fmt::format(", but {} shards ({}, …)", shards.size(), first)
                     : fmt::format(", but another safetensors file ({})", first);
    hint = sharded
               ? fmt::format("Fetch {} as well: it says which shard holds which tensor.", kIndex)
               : "A checkpoint in one file must be named model.safetensors. Merge an adapter into "
                 "its model first.";
  } else if (!others.empty()) {
    const std::string first = escape_for_terminal(*others.begin());
    found +=
        fmt::format(", but {} ({})", first.ends_with(".gguf") ? "GGUF" : "pickled weights", first);
    hint = "Convert the checkpoint: load it with transformers and save it by save_pretrained.";
  }
  throw Error(ErrorId::ST017, {.file = location.folder.string(),
                               .found = found,
                               .expected = "weights as safetensors",
                               .hint = hint});
}

std::vector<std::string> stray_shards(const fs::path& folder, const std::set<std::string>& used) {
  std::vector<std::string> stray;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".safetensors" && !used.contains(name)) stray.push_back(name);
  }
  std::sort(stray.begin(), stray.end());
  return stray;
}

// Every name of one shard, whatever its dtype, in byte order.
std::vector<std::string> names_of(const SafetensorsHeader& header) {
  std::vector<std::string> names;
  names.reserve(header.tensors.size() + header.unsupported.size());
  for (const TensorEntry& tensor : header.tensors) names.push_back(tensor.name);
  for (const UnsupportedTensor& tensor : header.unsupported) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());
  return names;
}

// Index and shards must agree: ST011, ST012, ST014.
void check_index(const ShardIndex& index, const std::vector<SafetensorsHeader>& headers) {
  std::vector<std::vector<std::string>> expected(headers.size());
  for (const auto& [tensor, shard] : index.weight_map) expected[shard].push_back(tensor);
  std::vector<std::pair<std::string, size_t>> unlisted;  // (tensor, shard)
  for (size_t shard = 0; shard < headers.size(); ++shard) {
    const std::vector<std::string> present = names_of(headers[shard]);
    std::vector<std::string> difference;
    std::set_difference(expected[shard].begin(), expected[shard].end(), present.begin(),
                        present.end(), std::back_inserter(difference));
    if (!difference.empty()) {
      throw Error(ErrorId::ST011,
                  {.file = std::string(kIndex),
                   .object = difference[0],
                   .found = (difference.size() == 1
                                 ? "no such tensor"
                                 : fmt::format("{} of its tensors not", difference.size())) +
                            " in " + escape_for_terminal(index.shards[shard]),
                   .expected = "every tensor in the shard that the index names",
                   .hint = "Index and shards come from different downloads. Fetch both again."});
    }
    difference.clear();
    std::set_difference(present.begin(), present.end(), expected[shard].begin(),
                        expected[shard].end(), std::back_inserter(difference));
    for (std::string& name : difference) unlisted.emplace_back(std::move(name), shard);
  }
  if (unlisted.empty()) return;
  const auto& [name, shard] = unlisted[0];
  const auto listed = std::lower_bound(index.weight_map.begin(), index.weight_map.end(),
                                       std::pair(name, uint32_t{0}));
  const bool twice = listed != index.weight_map.end() && listed->first == name;
  throw Error(
      twice ? ErrorId::ST012 : ErrorId::ST014,
      {.file = index.shards[shard],
       .object = name,
       .found = twice
                    ? "this tensor here and in " + escape_for_terminal(index.shards[listed->second])
                : unlisted.size() == 1
                    ? std::string("a tensor that the index does not name")
                    : fmt::format("{} tensors that the index does not name", unlisted.size()),
       .expected = twice ? "every tensor in one shard" : "every tensor in the index",
       .hint = "Readers disagree on what counts. Fetch index and shards again."});
}

// Null if there is none; `all` is in the order of names.
template <typename T>
const T* find_in(const std::vector<T>& all, std::string_view name) {
  const auto at =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const T& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != all.end() && at->name == name ? &*at : nullptr;
}

}  // namespace

bool lacks_weights(const ModelLocation& location) {
  const auto [shards, others] = weight_files(location);
  return shards.empty() && others.empty() && !has_member(location, std::string(kSingle)) &&
         !has_member(location, std::string(kIndex));
}

struct Checkpoint::ReadCounter {
  std::atomic<uint64_t> bytes{0};
};

Checkpoint::Checkpoint() : bytes_read_(std::make_unique<ReadCounter>()) {}
Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

void Checkpoint::read_config(const std::string& file) {
  if (!has_member(location_, file)) {
    missing(location_, ErrorId::CF005, file,
            has_member(location_, "adapter_config.json")
                ? "This folder holds an adapter: merge it into its model first, then point to that."
            : has_member(location_, "snapshots")
                ? "This is a repository in the Hugging Face cache: give its id, org/name."
                : "Point to the folder that holds the model.");
  }
  const InputFile config = open_member(location_, file, ErrorId::CF005);
  const std::string text = read_text(config, kMaxConfigBytes, ErrorId::CF005);
  metadata_files_.push_back({config.path(), sha256_hex(text)});
  config_ = parse_config(text);
}

Checkpoint Checkpoint::open(const ModelLocation& location) {
  Checkpoint result;
  result.location_ = location;
  result.read_config("config.json");

  std::optional<ShardIndex> index;
  std::vector<std::string> names = {std::string(kSingle)};
  if (!has_member(location, std::string(kSingle))) {
    if (!has_member(location, std::string(kIndex))) no_weights(location);
    const InputFile file = open_member(location, std::string(kIndex), ErrorId::ST015);
    const std::string text = read_text(file, kMaxIndexBytes, ErrorId::ST013);
    result.metadata_files_.push_back({file.path(), sha256_hex(text)});
    index = parse_shard_index(text, std::string(kIndex));
    names = index->shards;
  }

  std::vector<SafetensorsHeader> headers;
  for (const std::string& name : names) {
    if (!has_member(location, name)) {
      missing(location, ErrorId::ST010, name, "Fetch this shard, then rerun.");
    }
    result.shards_.push_back(open_member(location, name, ErrorId::ST015));
    headers.push_back(read_safetensors_header(result.shards_.back()));
    result.weight_bytes_ += headers.back().data_bytes;
  }
  if (index) {
    check_index(*index, headers);
    if (index->total_size && *index->total_size != result.weight_bytes_) {
      result.notes_.push_back(
          fmt::format("{}: total_size says {} bytes, the shards hold {}; read as they are", kIndex,
                      *index->total_size, result.weight_bytes_));
    }
  }
  for (const std::string& name : stray_shards(location.folder, {names.begin(), names.end()})) {
    result.notes_.push_back(
        fmt::format("{}: not part of this checkpoint, ignored", escape_for_terminal(name)));
  }

  for (size_t shard = 0; shard < headers.size(); ++shard) {
    SafetensorsHeader& header = headers[shard];
    for (TensorEntry& tensor : header.tensors) tensor.shard = static_cast<uint32_t>(shard);
    if (shard == 0) {
      result.tensors_ = std::move(header.tensors);
      result.unsupported_ = std::move(header.unsupported);
    } else {
      std::move(header.tensors.begin(), header.tensors.end(), std::back_inserter(result.tensors_));
      std::move(header.unsupported.begin(), header.unsupported.end(),
                std::back_inserter(result.unsupported_));
    }
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(result.tensors_.begin(), result.tensors_.end(), by_name);
  std::sort(result.unsupported_.begin(), result.unsupported_.end(), by_name);
  return result;
}

Checkpoint Checkpoint::of_config(std::string_view config, RequestedTensors tensors) {
  Checkpoint result;
  result.location_.folder = result.location_.display_name = "config.json";
  result.config_ = parse_config(config);
  result.requested_ = std::make_unique<RequestedTensors>(std::move(tensors));
  return result;
}

Checkpoint Checkpoint::open_config(const ModelLocation& location, const std::string& file) {
  Checkpoint result;
  result.location_ = location;
  result.read_config(file);
  ReleasedTensors released = released_tensors(result.config_);
  result.assumed_ = std::move(released.assumed);
  result.requested_ = std::make_unique<RequestedTensors>(std::move(released.rules));
  return result;
}

std::optional<fs::path> Checkpoint::tokenizer_path() const { return member_path("tokenizer.json"); }

std::optional<fs::path> Checkpoint::member_path(const std::string& name) const {
  if (!has_member(location_, name)) return std::nullopt;
  return open_member(location_, name, ErrorId::ST015).path();
}

const TensorEntry* Checkpoint::find(std::string_view name) const {
  return requested_ ? requested_->find(name) : find_in(tensors_, name);
}

const TensorEntry* Checkpoint::request(const TensorRequest& wanted) const {
  return requested_ ? requested_->request(wanted) : find(wanted.name);
}

bool Checkpoint::has(std::string_view name, bool usual) const {
  if (requested_) return requested_->has(name, usual);
  return find(name) != nullptr || find_unsupported(name) != nullptr;
}

const UnsupportedTensor* Checkpoint::find_unsupported(std::string_view name) const {
  return find_in(unsupported_, name);
}

void Checkpoint::read(const TensorEntry& entry, uint64_t piece_offset,
                      std::span<std::byte> out) const {
  check_internal(!requested_, "a checkpoint without files is not read");
  check_internal(piece_offset <= entry.size_bytes && out.size() <= entry.size_bytes - piece_offset,
                 "a piece lies within its tensor");
  shards_[entry.shard].read_exact(entry.offset_bytes + piece_offset, out);
  bytes_read_->bytes += out.size();
}

uint64_t Checkpoint::bytes_read() const { return bytes_read_->bytes; }

void Checkpoint::throw_if_changed() const {
  for (const InputFile& shard : shards_) {
    const FileStamp now = shard.current_stamp();
    if (now == shard.stamp()) continue;
    throw Error(ErrorId::IO020,
                {.file = shard.path().string(),
                 .found = now.bytes != shard.bytes()
                              ? fmt::format("{} bytes, {} when opened", now.bytes, shard.bytes())
                              : "another modification time than when opened",
                 .expected = "the same file",
                 .hint = "It was changed while being measured, so nothing was written. Leave the "
                         "checkpoint alone and rerun."});
  }
}

}  // namespace rg::formats
