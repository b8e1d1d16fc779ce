#include "text/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "text/jsonl.h"
#include "text/utf8_policy.h"

namespace rg::text {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxDocumentBytes = UINT32_MAX - 16;

[[noreturn]] void unusable(const fs::path& path, std::string found, std::string expected,
                           std::string hint) {
  throw Error(ErrorId::CO002, {.file = path.string(),
                               .object = {},
                               .found = std::move(found),
                               .expected = std::move(expected),
                               .hint = std::move(hint)});
}

// Names of files are bytes; those of documents are text.
std::string readable(const std::string& name) {
  uint64_t ignored = 0;
  return replace_invalid_utf8(name, ignored);
}

// What to do with a file that starts like this.
std::optional<std::string> hint_of_format(std::string_view text) {
  struct Format {
    std::string_view start;
    const char* hint;
  };
  const Format formats[] = {
      {"\x1f\x8b", "It looks like gzip: give it the suffix .gz."},
      {"\x28\xb5\x2f\xfd", "It looks like zstd: give it the suffix .zst."},
      {"BZh", "It looks like bzip2: decompress it with `bunzip2`."},
      {"\xfd"
       "7zXZ",
       "It looks like xz: decompress it with `xz -d`."},
      {"PK\x03\x04",
       "It looks like a zip archive, as .docx, .epub and .xlsx are: take the text out."},
      {"%PDF", "It looks like PDF: take the text out, for instance with pdftotext."},
      {"PAR1",
       "It looks like Parquet: write its rows as JSON lines (pandas: "
       "to_json(orient=\"records\", lines=True))."},
  };
  for (const Format& format : formats) {
    if (text.starts_with(format.start)) return format.hint;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_text(const std::string& name, std::string_view text, size_t offset,
                              std::string found) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n');
  std::string hint = "Convert the file to UTF-8, for instance with iconv, or pass --utf8=replace.";
  if (const auto known = hint_of_format(text)) {
    hint = *known;
  } else if (find_binary(text)) {
    hint = "It looks like UTF-16 or no text at all. Convert it with iconv or leave it out.";
  }
  throw Error(ErrorId::CO003, {.file = name,
                               .object = fmt::format("byte {} (line {})", offset, line),
                               .found = std::move(found),
                               .expected = "UTF-8 text",
                               .hint = std::move(hint)});
}

}  // namespace

// The lines of one .jsonl file.
class Corpus::Records {
 public:
  Records(const CorpusFile& file, std::string checked_sha256, DecompressionBudget& budget)
      : file_(file),
        checked_sha256_(std::move(checked_sha256)),
        source_(file.path),
        stream_(compression_of(file.name), source_, file.path.string(), budget) {}

  // The next line that isn't blank, without its end; false behind the last.
  bool next(std::string& line, LinePlace& place) {
    while (take_line(line)) {
      place.line = line_;
      place.offset = offset_ - taken_;
      if (line.find_first_not_of(" \t\r") != std::string::npos) return true;
    }
    return false;
  }
  const CorpusFile& file() const { return file_; }

  // SHA-256 of the file, which must be that of its check if there was one.
  std::string finish() {
    std::string sha256 = source_.sha256();
    if (!checked_sha256_.empty() && sha256 != checked_sha256_) {
      throw Error(ErrorId::IO020,
                  {.file = file_.path.string(),
                   .object = {},
                   .found = "other bytes than at the check before",
                   .expected = "a file that stays as it is",
                   .hint = "Something writes to the corpus. Stop it and run again."});
    }
    return sha256;
  }

 private:
  bool take_line(std::string& line) {
    line.clear();
    taken_ = 0;
    ++line_;
    for (;;) {
      if (left_.empty()) left_ = stream_.next();
      if (left_.empty()) return taken_ > 0;
      const size_t end = left_.find('\n');
      const std::string_view part = left_.substr(0, end);
      if (line.size() + part.size() > kMaxLineBytes) {
        refuse_line({file_.name, line_, offset_}, fmt::format("more than {} bytes", kMaxLineBytes),
                    "a shorter line", "Each record stands on a line of its own. Split the record.");
      }
      line += part;
      const size_t taken = end == std::string_view::npos ? part.size() : part.size() + 1;
      left_.remove_prefix(taken);
      taken_ += taken;
      offset_ += taken;
      if (end != std::string_view::npos) return true;
    }
  }

  CorpusFile file_;
  std::string checked_sha256_;
  FileSource source_;
  DecodedStream stream_;
  std::string_view left_;
  uint64_t line_ = 0, offset_ = 0, taken_ = 0;
};

Corpus::Corpus(const DomainSpec& domain, const WindowSettings& settings, CorpusRecord& record)
    : settings_(settings),
      record_(record),
      budget_{.total_bytes = settings.max_decompressed_bytes} {
  std::error_code error;
  const fs::file_status status = fs::status(domain.path, error);
  if (fs::is_directory(status)) {
    folder_ = true;
    walk(domain.path);
  } else if (fs::is_regular_file(status)) {
    const std::string name = domain.path.filename().string();
    CorpusFile file{domain.path, name, std::string(without_compression(name)), FileKind::text};
    if (has_record_extension(file.id)) {
      file.kind = FileKind::records;
    } else if (has_json_extension(file.id)) {
      file.kind = kind_of_json(file);
    }
    files_.push_back(std::move(file));
  } else if (fs::exists(status)) {
    unusable(domain.path, "neither a file nor a folder", "a text file or a folder of them",
             "Write the text into a file first.");
  } else {
    unusable(
        domain.path, error ? error.message() : "nothing", "a text file or a folder of them",
        fmt::format("Check the path given for domain '{}'.", escape_for_terminal(domain.name)));
  }
}

Corpus::~Corpus() = default;

void Corpus::walk(const fs::path& root) {
  // Links inside are not followed: a document would be read twice, or from outside the folder.
  std::error_code error;
  for (fs::recursive_directory_iterator at(root, error), end; !error && at != end;
       at.increment(error)) {
    const fs::file_type type = at->symlink_status(error).type();
    if (error || type == fs::file_type::directory) continue;
    const std::string name = at->path().lexically_relative(root).generic_string();
    const std::string id(without_compression(name));
    CorpusFile file{at->path(), name, id,
                    has_record_extension(id) ? FileKind::records : FileKind::text};
    if (type != fs::file_type::regular) {
      ++record_.skipped_links;
    } else if (has_text_extension(id)) {
      files_.push_back(std::move(file));
    } else if (has_json_extension(id) && holds_records(file)) {
      file.kind = FileKind::records;
      files_.push_back(std::move(file));
    } else {
      ++record_.skipped_extension;
      ++record_.left_out[readable(suffix_of(name))];
    }
  }
  if (error)
    unusable(root, error.message(), "a folder that can be read throughout",
             "Check permissions below it.");
  std::sort(files_.begin(), files_.end(),
            [](const CorpusFile& a, const CorpusFile& b) { return a.id < b.id; });
  const auto twice =
      std::adjacent_find(files_.begin(), files_.end(),
                         [](const CorpusFile& a, const CorpusFile& b) { return a.id == b.id; });
  if (twice != files_.end()) {
    unusable(root,
             fmt::format("both {} and {}", escape_for_terminal(twice->name),
                         escape_for_terminal((twice + 1)->name)),
             "each document once", "Remove the plain or the compressed one.");
  }
}

// The first line that isn't blank, its beginning where it is longer than a record may be.
std::string Corpus::first_line(const CorpusFile& file) {
  DecompressionBudget budget = budget_;
  FileSource source(file.path);
  DecodedStream stream(compression_of(file.name), source, file.path.string(), budget);
  std::string line;
  for (std::string_view part = stream.next(); !part.empty(); part = stream.next()) {
    while (!part.empty() && line.size() <= kMaxLineBytes) {
      const size_t end = part.find('\n');
      line += part.substr(0, end);
      part.remove_prefix(end == std::string_view::npos ? part.size() : end + 1);
      if (end == std::string_view::npos) break;
      if (line.find_first_not_of(" \t\r") != std::string::npos) return line;
      line.clear();
    }
    if (line.size() > kMaxLineBytes) return line;
  }
  return line;
}

// Whether a .json of a folder holds records: a text in the field, on its first line.
bool Corpus::holds_records(const CorpusFile& file) {
  if (judge_first_line(first_line(file), settings_.text_field) != FirstLine::record) return false;
  ++record_.records_by_content;
  return true;
}

// A .json that was named: JSON lines, text that only has this suffix, or another JSON text, which
// would give tokens of quotes, keys and escapes.
FileKind Corpus::kind_of_json(const CorpusFile& file) {
  const auto refuse = [&](const char* found, const char* hint) {
    throw Error(ErrorId::CO004, {.file = file.path.string(),
                                 .object = {},
                                 .found = found,
                                 .expected = "a JSON object on each line, or text",
                                 .hint = hint});
  };
  switch (judge_first_line(first_line(file), settings_.text_field)) {
    case FirstLine::record:
    case FirstLine::object:
      ++record_.records_by_content;
      return FileKind::records;
    case FirstLine::array:
      refuse("a JSON array",
             "Write a record on each line with `jq -c '.[]'`, into a file with the suffix .jsonl. "
             "To measure it as it is, quotes and keys included, give it the suffix .txt.");
      break;
    case FirstLine::open_object:
      refuse("a first line that is not one whole JSON object",
             "Write one object on each line with `jq -c .`, into a file with the suffix .jsonl. To "
             "measure it as it is, quotes and keys included, give it the suffix .txt.");
      break;
    case FirstLine::text:
      break;
  }
  return FileKind::text;
}

bool Corpus::next(Document& document) {
  for (;;) {
    if (records_) {
      std::string line;
      LinePlace place{records_->file().name, 0, 0};
      if (records_->next(line, place)) {
        RecordCounts counts;
        document.text = read_record(line, place, settings_.text_field, settings_.utf8, counts);
        record_.replaced_utf8 += counts.replaced;
        record_.non_finite_records += counts.non_finite;
        record_.byte_order_marks += counts.byte_order_marks;
        document.id = readable(records_->file().id) + ":" + std::to_string(place.line);
        count(document);
        return true;
      }
      record_.file_sha256.emplace_back(readable(records_->file().name), records_->finish());
      records_.reset();
      continue;
    }
    if (next_file_ == files_.size()) {
      if (record_.corpus_sha256.empty()) record_.corpus_sha256 = text_hash_.hex();
      return false;
    }
    const CorpusFile& file = files_[next_file_++];
    if (file.kind == FileKind::records) {
      open_records(file);
    } else if (read_whole(file, document)) {
      count(document);
      return true;
    }
  }
}

// The length first, so that no two different lists of documents give the same bytes.
void Corpus::count(const Document& document) {
  std::array<char, 8> length;
  for (size_t i = 0; i < length.size(); ++i)
    length[i] = static_cast<char>(document.text.size() >> (8 * i));
  text_hash_.update(std::string_view(length.data(), length.size()));
  text_hash_.update(document.text);
  ++record_.documents;
  record_.bytes += document.text.size();
}

// Whether a document of so many bytes can be held and tokenised.
void Corpus::require_room(const CorpusFile& file, uint64_t bytes) const {
  if (bytes > kMaxDocumentBytes) {
    unusable(file.path, fmt::format("a document of more than {} bytes", kMaxDocumentBytes),
             "a smaller one", "Split the file into documents.");
  }
  if (settings_.memory_bytes && 2 * bytes > *settings_.memory_bytes) {
    throw Error(
        ErrorId::RT004,
        {.file = file.path.string(),
         .object = "--memory",
         .found = fmt::format("a document of {} bytes or more, which takes twice as many", bytes),
         .expected = fmt::format("at most {}", *settings_.memory_bytes),
         .hint = "Split the file into documents, or raise --memory."});
  }
}

bool Corpus::read_whole(const CorpusFile& file, Document& document) {
  FileSource source(file.path);
  DecodedStream stream(compression_of(file.name), source, file.path.string(), budget_);
  std::string text;
  if (compression_of(file.name) == Compression::none) {
    require_room(file, source.bytes());
    text.reserve(static_cast<size_t>(source.bytes()));
  }
  for (std::string_view part = stream.next(); !part.empty(); part = stream.next()) {
    require_room(file, text.size() + part.size());
    text += part;
  }
  auto not_text = find_binary(text);
  if (!not_text) {
    if (const auto bad = find_invalid_utf8(text)) {
      if (settings_.utf8 == Utf8Policy::replace) {
        text = replace_invalid_utf8(text, record_.replaced_utf8);
      } else {
        not_text = NotText{*bad, fmt::format("byte 0x{:02x}", static_cast<uint8_t>(text[*bad]))};
      }
    }
  }
  if (not_text) {
    if (!folder_) refuse_text(file.path.string(), text, not_text->offset, not_text->found);
    ++record_.skipped_not_utf8;
    return false;
  }
  record_.file_sha256.emplace_back(readable(file.name), source.sha256());
  if (record_.text_of_records.empty() && text.starts_with('{') &&
      judge_first_line(std::string_view(text).substr(0, text.find('\n')), settings_.text_field) ==
          FirstLine::record)
    record_.text_of_records = readable(file.id);
  document.id = readable(file.id);
  document.text = std::move(text);
  return true;
}

// In a folder a file that isn't text is left out as a whole, so it is read once before its first
// record counts. A file named directly is checked line by line.
void Corpus::open_records(const CorpusFile& file) {
  std::string sha256;
  if (folder_ && !is_text_throughout(file, sha256)) {
    ++record_.skipped_not_utf8;
    return;
  }
  records_ = std::make_unique<Records>(file, std::move(sha256), budget_);
}

bool Corpus::is_text_throughout(const CorpusFile& file, std::string& sha256) {
  DecompressionBudget budget = budget_;
  FileSource source(file.path);
  DecodedStream stream(compression_of(file.name), source, file.path.string(), budget);
  Utf8Scanner scanner;
  std::string start;
  bool binary = false, valid = true;
  for (std::string_view part = stream.next(); !part.empty(); part = stream.next()) {
    if (start.size() < 2) start += part.substr(0, 2);
    binary = binary || part.find('\0') != std::string_view::npos;
    valid = valid && scanner.feed(part);
  }
  sha256 = source.sha256();
  valid = valid && scanner.finish();
  return !binary && !find_binary(start) && (valid || settings_.utf8 == Utf8Policy::replace);
}

}  // namespace rg::text
