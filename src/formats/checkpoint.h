// A checkpoint on disk, opened and fully checked before the first weight byte is read: config,
// index, the header of every shard, sizes. Reading is by pread, one tensor (or a piece) at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "formats/model_location.h"
#include "formats/requested_tensors.h"
#include "formats/tensor_entry.h"

namespace rg::formats {

struct HashedFile {
  std::filesystem::path path;
  std::string sha256;
};

// Whether the folder holds no weights in any form, shards and GGUF included.
bool lacks_weights(const ModelLocation& location);

class Checkpoint {
 public:
  // Reads config.json, the index and every shard's header; validates all of it (ST0xx, CF002 for a
  // duplicate key, CF005, HF002 where a snapshot lacks a file). Harmless oddities (extra shard on
  // disk, total_size differs) are collected in notes(). model.safetensors if it exists, else the
  // index.
  static Checkpoint open(const ModelLocation& location);
  // Without files: the text of a config.json, read as open() reads it, and tensors that are made
  // as a model binds them. Nothing can be read().
  static Checkpoint of_config(std::string_view config, RequestedTensors tensors);
  // The same for a config.json in a folder, under any name, with the tensors that the checkpoint
  // would have as released (released_tensors.h); CF002, CF005, HF002.
  static Checkpoint open_config(const ModelLocation& location, const std::string& file);

  const ModelLocation& location() const { return location_; }
  const Json& config() const { return config_; }
  const std::vector<HashedFile>& metadata_files() const {
    return metadata_files_;
  }  // config, index
  const std::vector<InputFile>& shards() const { return shards_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& assumed() const { return assumed_; }  // of open_config()
  std::optional<std::filesystem::path> tokenizer_path() const;          // tokenizer.json if there
  // Another file beside config.json, if there. ST015 for a link that leads elsewhere.
  std::optional<std::filesystem::path> member_path(const std::string& name) const;

  // By name, in byte order. Pointers to entries stay valid while the checkpoint, or the object it
  // was moved to, lives.
  std::span<const TensorEntry> tensors() const { return tensors_; }
  const TensorEntry* find(std::string_view name) const;               // null if there is none
  bool has(std::string_view name) const { return has(name, false); }  // of any dtype
  bool has(std::string_view name, bool usual) const;  // `usual`: without files, if no rule says
  // The tensor of that name, whatever its shape and dtype. Without files: made now. One thread.
  const TensorEntry* request(const TensorRequest& wanted) const;
  const RequestedTensors* requested() const { return requested_.get(); }  // null with files
  const std::vector<UnsupportedTensor>& unsupported() const { return unsupported_; }  // by name
  const UnsupportedTensor* find_unsupported(std::string_view name) const;  // null if there is none
  uint64_t weight_bytes() const { return weight_bytes_; }  // sum over shards of tensor bytes

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
  std::vector<std::string> notes_, assumed_;
  std::vector<TensorEntry> tensors_;
  std::vector<UnsupportedTensor> unsupported_;
  std::unique_ptr<RequestedTensors> requested_;  // without files
  uint64_t weight_bytes_ = 0;
  struct ReadCounter;
  std::unique_ptr<ReadCounter> bytes_read_;

  Checkpoint();
  void read_config(const std::string& file);

 public:
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
};

}  // namespace rg::formats
