// A domain's documents cut into windows of seq_len tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace rg::text {

enum class Utf8Policy { refuse, replace };
enum class Packing { by_document, packed };

struct DomainSpec {
  std::string name;            // "prose"
  std::filesystem::path path;  // file or folder
};

struct WindowSettings {
  uint32_t seq_len = 256;
  std::optional<uint32_t> windows = 200;  // none: all
  uint64_t seed = 0;
  std::string text_field = "text";  // of jsonl records
  Utf8Policy utf8 = Utf8Policy::refuse;
  Packing packing = Packing::by_document;
  uint64_t max_decompressed_bytes = uint64_t{64} << 30;
  int threads = 1;
  // A document that takes more than this while it is tokenised (twice its bytes) is refused
  // (RT004). None: no bound but that of documents.
  std::optional<uint64_t> memory_bytes;
  // Where ids lie that are too many for memory, until the windows are drawn (an unlinked file).
  // Empty: the system's folder for temporary files.
  std::filesystem::path spill_folder;
};

// Counts and hashes that the artifact's `data` and `manifest` carry.
struct CorpusRecord {
  uint64_t documents = 0, bytes = 0, tokens = 0;
  uint64_t skipped_short = 0;                // documents with fewer than seq_len tokens
  uint64_t skipped_extension = 0;            // files in a folder without a known text extension
  uint64_t skipped_not_utf8 = 0;             // files in a folder that are not UTF-8
  uint64_t skipped_links = 0;                // links, FIFOs and devices in a folder
  std::map<std::string, uint64_t> left_out;  // skipped_extension by suffix (".json.gz"; "": none)
  uint64_t replaced_utf8 = 0;                // invalid sequences replaced under Utf8Policy::replace
  uint64_t non_finite_records = 0;           // records with NaN or Infinity outside of their text
  uint64_t byte_order_marks = 0;             // at the start of records
  uint64_t records_by_content = 0;  // .json files that turned out to hold a record on each line
  std::string text_of_records;      // id of the first text that looks like such; empty: none
  uint64_t windows_available = 0;
  std::string corpus_sha256;  // of the decoded text stream of all documents, in order
  std::vector<std::pair<std::string, std::string>> file_sha256;  // relative path, raw bytes' hash
};

struct WindowSet {
  std::string domain;
  uint32_t seq_len = 0;
  std::vector<int32_t> ids;               // (windows, seq_len)
  std::vector<uint32_t> document;         // (windows): index into document_ids
  std::vector<std::string> document_ids;  // relative path, or path:line for jsonl; used ones only
  std::string ids_sha256;                 // of ids as little-endian int32
  CorpusRecord corpus;
  std::vector<std::string> notes;

  size_t windows() const { return seq_len == 0 ? 0 : ids.size() / seq_len; }
};

// Documents in byte order of relative path (jsonl: line order), tokenised one by one with the
// post-processor's special tokens, cut from their start into consecutive windows, the rest
// dropped. `settings.windows` of them are drawn without replacement (Purpose::window_choice,
// j = domain_index) and kept in corpus order. The result depends neither on threads nor on where
// the files lie, when they were written and how they are compressed. CO001..CO006, RT004, IO
// errors.
//
// Memory: the result, 4 bytes per window of the domain, and of the text twice the longest document
// (the bytes and what normalisation makes of them, or the bytes while they are decompressed) and
// some 200 MiB (128 more where a zstd frame asks for such a window).
WindowSet make_windows(const DomainSpec& domain, uint32_t domain_index, const Tokenizer& tokenizer,
                       const WindowSettings& settings);

}  // namespace rg::text
