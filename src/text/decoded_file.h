// A corpus file as a stream of decoded bytes: plain, gzip (any number of members) or zstd (any
// number of frames). Damage is found even where nobody needs the bytes after it, so that a
// result never depends on how far somebody read ahead.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/sha256.h"

namespace rg::text {

enum class Compression { none, gzip, zstd };

// By the name's last suffix: .gz, .zst, else none.
Compression compression_of(std::string_view name);
// The name without that suffix.
std::string_view without_compression(std::string_view name);

// Where compressed bytes come from.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::string_view next() = 0;  // valid until the next call; empty at the end
};

// The bytes of a file, hashed on the way. IO020 at its end if the file changed meanwhile.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path);
  std::string_view next() override;
  uint64_t bytes() const noexcept { return file_.bytes(); }
  std::string sha256() { return hash_.hex(); }  // once, after the end

 private:
  InputFile file_;
  uint64_t at_ = 0;
  std::string buffer_;
  Sha256 hash_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  std::string_view next() override { return std::exchange(bytes_, {}); }

 private:
  std::string_view bytes_;
};

// Turns a source into decoded bytes.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Fills a part of `out` (not empty); 0 only at the end. CO005 where the stream is truncated,
  // fails its checksum or is followed by something else.
  virtual size_t read(std::span<char> out) = 0;
};
std::unique_ptr<Decoder> make_decoder(Compression compression, ByteSource& source,
                                      const std::string& name);

// What decompression may give: all compressed files of a domain together `total_bytes`, and each
// file kFreeBytes plus kMaxRatio times what was read of it. CO006 beyond.
struct DecompressionBudget {
  uint64_t total_bytes;
  uint64_t used_bytes = 0;
  static constexpr uint64_t kFreeBytes = uint64_t{64} << 20;
  static constexpr uint64_t kMaxRatio = 256;
};

// A decoder that counts against a budget.
class DecodedStream {
 public:
  DecodedStream(Compression compression, ByteSource& source, std::string name,
                DecompressionBudget& budget);
  ~DecodedStream();
  // The next decoded bytes, valid until the next call; empty at the end.
  std::string_view next();

 private:
  class Meter;
  std::string name_;
  Compression compression_;
  DecompressionBudget& budget_;
  std::unique_ptr<Meter> meter_;
  std::unique_ptr<Decoder> decoder_;
  std::string buffer_;
  uint64_t produced_ = 0;
};

}  // namespace rg::text
