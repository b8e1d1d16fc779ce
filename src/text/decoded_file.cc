#include "text/decoded_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace rg::text {
namespace {

constexpr size_t kReadBytes = size_t{64} << 10;
constexpr size_t kDecodedBytes = size_t{256} << 10;

}  // namespace

Compression compression_of(std::string_view name) {
  if (name.ends_with(".gz")) return Compression::gzip;
  if (name.ends_with(".zst")) return Compression::zstd;
  return Compression::none;
}

std::string_view without_compression(std::string_view name) {
  switch (compression_of(name)) {
    case Compression::gzip:
      return name.substr(0, name.size() - 3);
    case Compression::zstd:
      return name.substr(0, name.size() - 4);
    case Compression::none:
      break;
  }
  return name;
}

FileSource::FileSource(const std::filesystem::path& path)
    : file_(path), buffer_(kReadBytes, '\0') {}

std::string_view FileSource::next() {
  const uint64_t left = file_.bytes() - at_;
  if (left == 0) {
    if (file_.current_stamp() != file_.stamp()) {
      throw Error(ErrorId::IO020,
                  {.file = file_.path().string(),
                   .object = {},
                   .found = "another size or time of change than at the start",
                   .expected = "a file that stays as it is",
                   .hint = "Something writes to the corpus. Stop it and run again."});
    }
    return {};
  }
  const auto bytes = static_cast<size_t>(std::min<uint64_t>(left, buffer_.size()));
  file_.read_exact(at_, std::as_writable_bytes(std::span(buffer_.data(), bytes)));
  at_ += bytes;
  const auto read = std::string_view(buffer_).substr(0, bytes);
  hash_.update(read);
  return read;
}

// Passes bytes on and counts them.
class DecodedStream::Meter final : public ByteSource {
 public:
  explicit Meter(ByteSource& source) : source_(source) {}
  std::string_view next() override {
    const std::string_view bytes = source_.next();
    consumed_ += bytes.size();
    return bytes;
  }
  uint64_t consumed() const noexcept { return consumed_; }

 private:
  ByteSource& source_;
  uint64_t consumed_ = 0;
};

DecodedStream::DecodedStream(Compression compression, ByteSource& source, std::string name,
                             DecompressionBudget& budget)
    : name_(std::move(name)),
      compression_(compression),
      budget_(budget),
      meter_(std::make_unique<Meter>(source)),
      decoder_(make_decoder(compression, *meter_, name_)),
      buffer_(kDecodedBytes, '\0') {}

DecodedStream::~DecodedStream() = default;

std::string_view DecodedStream::next() {
  const size_t bytes = decoder_->read(buffer_);
  if (compression_ != Compression::none) {
    produced_ += bytes;
    budget_.used_bytes += bytes;
    const uint64_t allowed =
        DecompressionBudget::kFreeBytes + DecompressionBudget::kMaxRatio * meter_->consumed();
    if (produced_ > allowed) {
      throw Error(
          ErrorId::CO006,
          {.file = name_,
           .object = {},
           .found = fmt::format("{} bytes from the first {}", produced_, meter_->consumed()),
           .expected = fmt::format("at most {} times as many beyond the first {}",
                                   DecompressionBudget::kMaxRatio, DecompressionBudget::kFreeBytes),
           .hint = "The file looks like a decompression bomb. Decompress it by hand if it isn't."});
    }
    if (budget_.used_bytes > budget_.total_bytes) {
      throw Error(ErrorId::CO006,
                  {.file = name_,
                   .object = {},
                   .found = fmt::format("{} decompressed bytes in this domain", budget_.used_bytes),
                   .expected = fmt::format("at most {}", budget_.total_bytes),
                   .hint = "Raise --max-decompressed or use less text."});
    }
  }
  return std::string_view(buffer_).substr(0, bytes);
}

}  // namespace rg::text
