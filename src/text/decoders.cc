// zlib and zstd, hidden by the one decoder interface.
#define ZSTD_STATIC_LINKING_ONLY  // for the header of a frame
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <new>

#include "base/error.h"
#include "text/decoded_file.h"

namespace rg::text {
namespace {

constexpr int kWindowLogMax = 27;  // 128 MiB of zstd window, the format's own default limit

constexpr const char* kCut = "The file was cut, probably while it was fetched. Get it again.";
constexpr const char* kChanged = "Bytes of the file have changed. Get it again.";

[[noreturn]] void refuse(const std::string& name, std::string found, std::string expected,
                         std::string hint) {
  throw Error(ErrorId::CO005, {.file = name,
                               .object = {},
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

[[noreturn]] void refuse_rest(const std::string& name, const char* tool, std::string found,
                              std::string expected) {
  refuse(name, std::move(found), std::move(expected),
         fmt::format("Two files may have been put together, or one was saved over a longer one. "
                     "`{} -dc` writes out what comes before.",
                     tool));
}

class PlainDecoder final : public Decoder {
 public:
  explicit PlainDecoder(ByteSource& source) : source_(source) {}
  size_t read(std::span<char> out) override {
    if (left_.empty()) left_ = source_.next();
    const size_t bytes = std::min(left_.size(), out.size());
    std::copy_n(left_.begin(), bytes, out.begin());  // nothing left may be a null view
    left_.remove_prefix(bytes);
    return bytes;
  }

 private:
  ByteSource& source_;
  std::string_view left_;
};

class GzipDecoder final : public Decoder {
 public:
  GzipDecoder(ByteSource& source, const std::string& name) : source_(source), name_(name) {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&z_, kGzipOnly) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecoder() override { inflateEnd(&z_); }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  size_t read(std::span<char> out) override {
    z_.next_out = reinterpret_cast<Bytef*>(out.data());
    z_.avail_out = static_cast<uInt>(out.size());
    while (z_.avail_out == out.size()) {
      if (z_.avail_in == 0 && !refill()) {
        if (!inside_) return 0;
        refuse(name_, "the end of the file inside a gzip member", "a complete member", kCut);
      }
      if (!inside_) {
        if (skip_padding()) continue;
        inflateReset(&z_);
        inside_ = true;
        ++members_;
      }
      const int answer = inflate(&z_, Z_NO_FLUSH);
      if (answer == Z_STREAM_END) {
        inside_ = false;
      } else if (answer != Z_OK && answer != Z_BUF_ERROR) {
        refuse_member();
      }
    }
    return out.size() - z_.avail_out;
  }

 private:
  bool refill() {
    const std::string_view bytes = source_.next();
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z_.avail_in = static_cast<uInt>(bytes.size());
    return !bytes.empty();
  }

  // Zeros may follow the last member, up to the end: tapes and block devices leave them, and
  // gzip reads over them. True if all input at hand was such.
  bool skip_padding() {
    const auto* begin = z_.next_in;
    const auto* end = begin + z_.avail_in;
    const auto* rest = std::find_if(begin, end, [](Bytef byte) { return byte != 0; });
    padded_ = padded_ || rest != begin;
    if (rest == end) {
      z_.avail_in = 0;
      return true;
    }
    if (padded_) refuse_rest(name_, "gzip", "something else after the zeros that pad it", "zeros");
    return false;
  }

  [[noreturn]] void refuse_member() const {
    const std::string reason = z_.msg ? z_.msg : "invalid data";
    const bool no_header = reason == "incorrect header check";
    if (no_header && members_ > 1)
      refuse_rest(name_, "gzip", "something else behind the last gzip member", "gzip members only");
    refuse(
        name_, fmt::format("{} in gzip member {}", reason, members_), "valid gzip data",
        no_header ? "It is no gzip file. Correct its suffix: `file` says what it is." : kChanged);
  }

  ByteSource& source_;
  const std::string& name_;
  z_stream z_{};
  bool inside_ = true;  // an empty file is no gzip file
  bool padded_ = false;
  size_t members_ = 1;
};

class ZstdDecoder final : public Decoder {
 public:
  ZstdDecoder(ByteSource& source, const std::string& name)
      : source_(source), name_(name), z_(ZSTD_createDCtx()) {
    if (!z_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(z_, ZSTD_d_windowLogMax, kWindowLogMax);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(z_); }
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  size_t read(std::span<char> out) override {
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    while (output.pos == 0) {
      // After a full buffer more may wait inside, even with all input taken.
      if (input_.pos == input_.size && !pending_ && !refill()) {
        if (frame_done_) return 0;
        refuse(name_, "the end of the file inside a zstd frame", "a complete frame", kCut);
      }
      ZSTD_inBuffer part = input_;
      if (input_.pos < input_.size && frame_bytes_ < kLongestHeader) {
        if (frame_bytes_ < sizeof magic_) check_magic();
        header_[frame_bytes_] = static_cast<const char*>(input_.src)[input_.pos];
        part.size = input_.pos + 1;
      }
      const size_t answer = ZSTD_decompressStream(z_, &output, &part);
      if (ZSTD_isError(answer)) refuse_frame(answer, frame_bytes_ + (part.size - input_.pos));
      frame_bytes_ += part.pos - input_.pos;
      input_.pos = part.pos;
      frame_done_ = answer == 0;
      if (frame_done_) end_frame();
      pending_ = !frame_done_ && output.pos == output.size;
    }
    return output.pos;
  }

 private:
  // A frame's header goes into libzstd byte by byte, after a check of its magic number of our own.
  // Given more at once, 1.5.4 looks for other things in what the call happens to hold: for a whole
  // frame, which it then judges by other rules than its streaming, and, where a header is refused,
  // for a frame of the formats before 1.0, even in the bytes after that header.
  static constexpr size_t kLongestHeader = 18;

  bool refill() {
    const std::string_view bytes = source_.next();
    input_ = {bytes.data(), bytes.size(), 0};
    return !bytes.empty();
  }

  // The next byte is one of a frame's first four.
  void check_magic() {
    const auto shift = static_cast<unsigned>(8 * frame_bytes_);
    magic_ |= uint32_t{static_cast<const uint8_t*>(input_.src)[input_.pos]} << shift;
    const uint32_t so_far = UINT32_MAX >> (24 - shift);
    const bool standard = ((magic_ ^ ZSTD_MAGICNUMBER) & so_far) == 0;
    const bool skippable =
        ((magic_ ^ ZSTD_MAGIC_SKIPPABLE_START) & so_far & ZSTD_MAGIC_SKIPPABLE_MASK) == 0;
    if (standard || skippable) return;
    if (frames_ > 0)
      refuse_rest(name_, "zstd", "something else behind the last zstd frame", "zstd frames only");
    refuse(name_, "another magic number than zstd's", "zstd data",
           "It is no zstd file, or one of a format before 1.0. Correct its suffix, or write it "
           "again: `file` says what it is.");
  }

  // `given`: how many bytes of the frame libzstd has seen.
  [[noreturn]] void refuse_frame(size_t answer, uint64_t given) const {
    const ZSTD_ErrorCode code = ZSTD_getErrorCode(answer);
    if (code == ZSTD_error_memory_allocation) throw std::bad_alloc();
    if (code == ZSTD_error_frameParameter_windowTooLarge) refuse_window(given);
    std::string hint = kChanged;
    if (code == ZSTD_error_dictionary_wrong) {
      hint = "It was written with a dictionary. Decompress it by `zstd -d -D DICTIONARY` first.";
    } else if (code == ZSTD_error_frameParameter_unsupported) {
      hint = "It was written by a later zstd. Decompress it with that one first.";
    }
    refuse(name_, fmt::format("{} in the zstd data", ZSTD_getErrorName(answer)),
           "valid zstd frames only", std::move(hint));
  }

  [[noreturn]] void refuse_window(uint64_t given) const {
    ZSTD_frameHeader header{};
    const size_t known = std::min<uint64_t>(given, kLongestHeader);
    ZSTD_getFrameHeader(&header, header_.data(), known);
    const auto log = std::bit_width(std::max<uint64_t>(header.windowSize, 1) - 1);
    throw Error(ErrorId::CO008,
                {.file = name_,
                 .object = fmt::format("zstd frame {}", frames_ + 1),
                 .found = fmt::format("a window of {} bytes", header.windowSize),
                 .expected = fmt::format("at most {}", uint64_t{1} << kWindowLogMax),
                 .hint = fmt::format("The file is whole: it was written with --long. "
                                     "Decompress it first: `zstd -d --long={}`.",
                                     log)});
  }

  void end_frame() {
    ++frames_;
    frame_bytes_ = 0;
    magic_ = 0;
  }

  ByteSource& source_;
  const std::string& name_;
  ZSTD_DCtx* z_;
  ZSTD_inBuffer input_{nullptr, 0, 0};
  bool frame_done_ = false;  // an empty file is no zstd file
  bool pending_ = false;
  uint64_t frames_ = 0;       // complete ones
  uint64_t frame_bytes_ = 0;  // of the current frame, given to libzstd
  uint32_t magic_ = 0;        // its first bytes
  std::array<char, kLongestHeader> header_{};
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(Compression compression, ByteSource& source,
                                      const std::string& name) {
  switch (compression) {
    case Compression::gzip:
      return std::make_unique<GzipDecoder>(source, name);
    case Compression::zstd:
      return std::make_unique<ZstdDecoder>(source, name);
    case Compression::none:
      break;
  }
  return std::make_unique<PlainDecoder>(source);
}

}  // namespace rg::text
