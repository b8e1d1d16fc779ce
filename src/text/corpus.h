// The documents of a domain, one after the other, in the order that defines windows and hashes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "text/decoded_file.h"
#include "text/windows.h"

namespace rg::text {

struct Document {
  std::string id;    // relative path without .gz or .zst; of a record also ":line"
  std::string text;  // UTF-8
};

// Whether files of a folder with this name (compression suffix removed) are documents.
bool has_text_extension(std::string_view name);
std::vector<std::string_view> text_extensions();
bool has_record_extension(std::string_view name);  // .jsonl, .ndjson
bool has_json_extension(std::string_view name);    // .json: what it holds, the content must say
// The last suffix in lower case with its dot (".txt"), with that of compression (".json.gz"); empty
// if there is none.
std::string suffix_of(std::string_view name);

// "5 files: 3 .pdf, 2 .docx", the most frequent first. Empty if there is none.
std::string describe_left_out(const std::map<std::string, uint64_t>& left_out);

enum class FileKind { text, records };

struct CorpusFile {
  std::filesystem::path path;
  std::string name;  // relative path, or the file's own name
  std::string id;    // the same without .gz or .zst
  FileKind kind;
};

class Corpus {
 public:
  // Walks a folder at once and counts what it skips; CO002 if there is nothing readable at the
  // path. `record` is filled on the way and complete when next() has returned false.
  Corpus(const DomainSpec& domain, const WindowSettings& settings, CorpusRecord& record);
  ~Corpus();

  // The next document; false at the end. CO002 to CO006, RT004, IO errors.
  bool next(Document& document);

 private:
  class Records;
  void walk(const std::filesystem::path& root);
  std::string first_line(const CorpusFile& file);
  FileKind kind_of_json(const CorpusFile& file);
  bool holds_records(const CorpusFile& file);
  void require_room(const CorpusFile& file, uint64_t bytes) const;
  bool read_whole(const CorpusFile& file, Document& document);
  bool is_text_throughout(const CorpusFile& file, std::string& sha256);
  void open_records(const CorpusFile& file);
  void count(const Document& document);

  const WindowSettings settings_;
  CorpusRecord& record_;
  bool folder_ = false;
  std::vector<CorpusFile> files_;
  size_t next_file_ = 0;
  std::unique_ptr<Records> records_;  // of the .jsonl file being read
  DecompressionBudget budget_;
  Sha256 text_hash_;
};

}  // namespace rg::text
