#include "text/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <exception>
#include <span>

#include "base/cancel.h"
#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "base/sha256.h"
#include "text/corpus.h"
#include "text/window_cutter.h"

namespace rg::text {
namespace {

static_assert(std::endian::native == std::endian::little, "ids are hashed as they lie in memory");

// Documents tokenised at a time; bounds the text held in memory. A document of more bytes is
// tokenised alone and its ids are not collected.
constexpr size_t kBatchBytes = size_t{16} << 20, kBatchDocuments = 4096;

// Fills `batch`; false once the corpus has ended.
bool read_batch(Corpus& corpus, std::vector<Document>& batch) {
  batch.clear();
  for (size_t bytes = 0; bytes < kBatchBytes && batch.size() < kBatchDocuments;) {
    Document document;
    if (!corpus.next(document)) return false;
    bytes += document.text.size();
    batch.push_back(std::move(document));
  }
  return true;
}

[[noreturn]] void rethrow_with_document(const std::exception_ptr& failure, const Document& document,
                                        const DomainSpec& domain) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    ErrorParts parts = error.parts();
    parts.object = fmt::format("{}{}{}", escape_for_terminal(document.id),
                               parts.object.empty() ? "" : ": ", parts.object);
    if (parts.file.empty()) parts.file = domain.path.string();
    throw Error(error.id(), std::move(parts));
  }
}

// Ids of the first documents, whatever the number of threads; the error is that of the first
// document that has one.
std::vector<std::vector<int32_t>> encode_together(const std::vector<Document>& batch, size_t count,
                                                  const Tokenizer& tokenizer,
                                                  const DomainSpec& domain, int threads) {
  std::vector<std::vector<int32_t>> ids(count);
  std::vector<std::exception_ptr> failures(count);
  parallel_for(count, threads, [&](size_t i, int) {
    try {
      ids[i] = tokenizer.encode_ids(batch[i].text, SpecialTokens::add);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  });
  for (size_t i = 0; i < count; ++i) {
    if (failures[i]) rethrow_with_document(failures[i], batch[i], domain);
  }
  return ids;
}

void encode_alone(const Document& document, const Tokenizer& tokenizer, const DomainSpec& domain,
                  WindowCutter& cutter) {
  cutter.begin_document(document.id);
  try {
    tokenizer.stream_ids(document.text, SpecialTokens::add, [&](std::span<const int32_t> ids) {
      cutter.add(ids);
      throw_if_stopped();
    });
  } catch (const Error&) {
    rethrow_with_document(std::current_exception(), document, domain);
  }
  cutter.end_document();
}

// Only the last document of a batch can be longer than a batch.
void encode_batch(const std::vector<Document>& batch, const Tokenizer& tokenizer,
                  const DomainSpec& domain, int threads, WindowCutter& cutter) {
  const bool long_one = !batch.empty() && batch.back().text.size() > kBatchBytes;
  const size_t together = batch.size() - (long_one ? 1 : 0);
  const auto ids = encode_together(batch, together, tokenizer, domain, threads);
  for (size_t i = 0; i < together; ++i) {
    cutter.begin_document(batch[i].id);
    cutter.add(ids[i]);
    cutter.end_document();
  }
  if (long_one) encode_alone(batch.back(), tokenizer, domain, cutter);
}

// "1 file", "2 files".
std::string counted(uint64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// What of a folder is no part of the text; empty if nothing.
std::string describe_skipped(const CorpusRecord& corpus) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (corpus.skipped_extension > 0)
    add("left out " + describe_left_out(corpus.left_out) +
        " (neither text nor records with the field of --text-field)");
  if (corpus.skipped_not_utf8 > 0)
    add(fmt::format("left out {} that {} not UTF-8", corpus.skipped_not_utf8,
                    corpus.skipped_not_utf8 == 1 ? "is" : "are"));
  if (corpus.skipped_links > 0)
    add(corpus.skipped_links == 1
            ? "1 link, FIFO or device in the folder is not part of the text"
            : fmt::format("{} links, FIFOs or devices in the folder are not part of the text",
                          corpus.skipped_links));
  return text;
}

[[noreturn]] void too_small(const DomainSpec& domain, const WindowSet& set,
                            const WindowSettings& settings) {
  const CorpusRecord& corpus = set.corpus;
  const std::string asked = settings.windows
                                ? fmt::format("{}, asked for by --windows", *settings.windows)
                                : "at least 1";
  std::string skipped;
  if (const std::string left_out = describe_skipped(corpus); !left_out.empty())
    skipped = "; " + left_out;
  throw Error(
      ErrorId::CO001,
      {.file = domain.path.string(),
       .object = fmt::format("domain {}", escape_for_terminal(domain.name)),
       .found = fmt::format("{} windows of {} tokens ({}, {}, {} "
                            "shorter than a window{})",
                            set.corpus.windows_available, settings.seq_len,
                            counted(corpus.documents, "document"), counted(corpus.tokens, "token"),
                            counted(corpus.skipped_short, "document"), skipped),
       .expected = asked,
       .hint = "Add text or lower --seq-len."});
}

void write_notes(WindowSet& set, const Tokenizer& tokenizer, const WindowSettings& settings) {
  set.notes = tokenizer.notes();
  if (settings.packing == Packing::packed) {
    set.notes.push_back(
        fmt::format("domain {}: documents packed into windows end to end", set.domain));
  }
  const CorpusRecord& corpus = set.corpus;
  const auto say = [&](const std::string& text) {
    set.notes.push_back(fmt::format("domain {}: {}", set.domain, text));
  };
  if (const std::string skipped = describe_skipped(corpus); !skipped.empty()) say(skipped);
  if (corpus.records_by_content > 0) {
    say(fmt::format(
        "{} .json file{} read as JSON lines by content, as the extension leaves it open",
        corpus.records_by_content, corpus.records_by_content == 1 ? "" : "s"));
  }
  if (!corpus.text_of_records.empty()) {
    say(
        fmt::format("{} looks like JSON lines, but is text by its extension; as .jsonl it would "
                    "give the records' texts",
                    escape_for_terminal(corpus.text_of_records)));
  }
  if (corpus.non_finite_records > 0) {
    say(fmt::format("{} with NaN or Infinity, which is not JSON; only the text was read",
                    counted(corpus.non_finite_records, "record")));
  }
  if (corpus.byte_order_marks > 0)
    say(counted(corpus.byte_order_marks, "byte order mark") + " before records left out");
  if (set.corpus.replaced_utf8 > 0) {
    set.notes.push_back(fmt::format("domain {}: {} invalid sequences replaced by U+FFFD",
                                    set.domain, set.corpus.replaced_utf8));
  }
}

}  // namespace

WindowSet make_windows(const DomainSpec& domain, uint32_t domain_index, const Tokenizer& tokenizer,
                       const WindowSettings& settings) {
  check_internal(settings.seq_len >= 1 && settings.threads >= 1, "seq_len and threads at least 1");
  WindowSet set;
  set.domain = domain.name;
  set.seq_len = settings.seq_len;
  Corpus corpus(domain, settings, set.corpus);
  WindowCutter cutter(settings.seq_len, settings.packing, settings.spill_folder);
  std::vector<Document> batch;
  for (bool more = true; more;) {
    more = read_batch(corpus, batch);
    encode_batch(batch, tokenizer, domain, settings.threads, cutter);
    throw_if_stopped();
  }
  set.corpus.tokens = cutter.tokens();
  set.corpus.skipped_short = cutter.documents_without_window();
  set.corpus.windows_available = cutter.windows();
  const uint64_t count = settings.windows.value_or(
      static_cast<uint32_t>(std::clamp<uint64_t>(set.corpus.windows_available, 1, UINT32_MAX)));
  if (set.corpus.windows_available < count || count == 0) too_small(domain, set, settings);
  check_internal(set.corpus.windows_available <= UINT32_MAX, "windows of a domain fit 32 bits");
  std::vector<uint32_t> drawn =
      draw_subset(static_cast<uint32_t>(set.corpus.windows_available), static_cast<uint32_t>(count),
                  settings.seed, Purpose::window_choice, domain_index, 0);
  std::sort(drawn.begin(), drawn.end());  // corpus order
  cutter.take(drawn, set);
  set.ids_sha256 = sha256_hex(std::as_bytes(std::span(set.ids)));
  write_notes(set, tokenizer, settings);
  return set;
}

}  // namespace rg::text
