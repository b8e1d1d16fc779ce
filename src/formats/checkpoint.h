// A checkpoint on disk, opened and checked whole before the first weight byte is read: config,
// every header of every shard, sizes. Reading is by pread, one tensor (or a piece) at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "tensor/dtype.h"

namespace rg::formats {

// Where one tensor's bytes stand. Row-major, little-endian.
struct TensorEntry {
  std::string name;
  DType dtype;
  std::vector<uint64_t> shape;
  uint32_t shard;         // index into Checkpoint::shards()
  uint64_t offset_bytes;  // from the start of the shard file
  uint64_t size_bytes;

  uint64_t elements() const;
};

// A tensor whose dtype is known to the format but not supported here; refused (ST016) only if the
// family binds it.
struct UnsupportedTensor {
  std::string name;
  std::string dtype;
};

struct HashedFile {
  std::filesystem::path path;
  std::string sha256;
};

// A model argument resolved to a folder: the folder itself, or `org/name[@revision]` in the
// Hugging Face cache (HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, default).
// Never the network: HF001 gives the `hf download` line; HF002 for a partial snapshot.
struct ModelLocation {
  std::filesystem::path folder;
  std::string display_name;                      // folder name, or org--name@revision12
  std::optional<std::filesystem::path> cache_root;  // set for a snapshot: links may lead there
};
ModelLocation resolve_model(const std::string& argument);

class Checkpoint {
 public:
  // Reads config.json, the index and every shard's header; validates all of it (ST0xx, CF005).
  // Warnings (extra shard on disk, total_size differs) are collected in notes().
  static Checkpoint open(const ModelLocation& location);

  const ModelLocation& location() const { return location_; }
  const Json& config() const { return config_; }
  const std::vector<HashedFile>& metadata_files() const { return metadata_files_; }  // config, index
  const std::vector<InputFile>& shards() const { return shards_; }
  const std::vector<std::string>& notes() const { return notes_; }
  std::optional<std::filesystem::path> tokenizer_path() const;  // tokenizer.json if present

  const std::map<std::string, TensorEntry>& tensors() const { return tensors_; }
  const std::vector<UnsupportedTensor>& unsupported() const { return unsupported_; }
  uint64_t weight_bytes() const;  // sum over shards of tensor bytes

  // Fills `out` (size_bytes of the entry, or a piece at `piece_offset` within it) from disk.
  // Counted in bytes_read().
  void read(const TensorEntry& entry, uint64_t piece_offset, std::span<std::byte> out) const;
  uint64_t bytes_read() const;

  // IO020 if any shard's stamp differs from what it was when opened.
  void throw_if_changed() const;

 private:
  ModelLocation location_;
  Json config_;
  std::vector<HashedFile> metadata_files_;
  std::vector<InputFile> shards_;
  std::vector<std::string> notes_;
  std::map<std::string, TensorEntry> tensors_;
  std::vector<UnsupportedTensor> unsupported_;
  std::unique_ptr<struct ReadCounter> bytes_read_;

 public:
  Checkpoint();
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
};

}  // namespace rg::formats
