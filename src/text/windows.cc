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

namespace rg::text {
namespace {

static_assert(std::endian::native == std::endian::little, "ids are hashed as they lie in memory");

// Documents tokenised at a time; bounds the text held in memory.
constexpr size_t kBatchBytes = size_t{16} << 20, kBatchDocuments = 4096;

// Cuts tokens into windows, document after document.
class WindowCutter {
 public:
  WindowCutter(WindowSet& set, Packing packing) : set_(set), packing_(packing) {}

  void add(const std::string& id, std::span<const int32_t> tokens) {
    const size_t windows_before = windows();
    if (packing_ == Packing::packed) {
      pack(id, tokens);
    } else {
      const size_t whole = tokens.size() / set_.seq_len;
      set_.ids.insert(set_.ids.end(), tokens.begin(),
                      tokens.begin() + static_cast<ptrdiff_t>(whole * set_.seq_len));
      if (whole == 0) {
        ++set_.corpus.skipped_short;
      } else {
        set_.document_ids.push_back(id);
        set_.document.resize(windows_before + whole,
                             static_cast<uint32_t>(set_.document_ids.size() - 1));
      }
    }
    set_.corpus.tokens += tokens.size();
  }

  size_t windows() const { return set_.document.size(); }

 private:
  // A packed window belongs to the document of its first token.
  void pack(const std::string& id, std::span<const int32_t> tokens) {
    bool named = false;
    while (!tokens.empty()) {
      if (pending_.empty()) {
        if (!named) set_.document_ids.push_back(id);
        named = true;
        pending_document_ = static_cast<uint32_t>(set_.document_ids.size() - 1);
      }
      const size_t take = std::min<size_t>(tokens.size(), set_.seq_len - pending_.size());
      pending_.insert(pending_.end(), tokens.begin(),
                      tokens.begin() + static_cast<ptrdiff_t>(take));
      tokens = tokens.subspan(take);
      if (pending_.size() < set_.seq_len) continue;
      set_.ids.insert(set_.ids.end(), pending_.begin(), pending_.end());
      set_.document.push_back(pending_document_);
      pending_.clear();
    }
  }

  WindowSet& set_;
  const Packing packing_;
  std::vector<int32_t> pending_;
  uint32_t pending_document_ = 0;
};

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
    parts.object = fmt::format("{}: {}", escape_for_terminal(document.id), parts.object);
    if (parts.file.empty()) parts.file = domain.path.string();
    throw Error(error.id(), std::move(parts));
  }
}

// Ids of every document, whatever the number of threads; the error is that of the first document
// that has one.
std::vector<std::vector<int32_t>> encode_batch(const std::vector<Document>& batch,
                                               const Tokenizer& tokenizer, const DomainSpec& domain,
                                               int threads) {
  std::vector<std::vector<int32_t>> ids(batch.size());
  std::vector<std::exception_ptr> failures(batch.size());
  parallel_for(batch.size(), threads, [&](size_t i, int) {
    try {
      ids[i] = tokenizer.encode_ids(batch[i].text, SpecialTokens::add);
    } catch (...) {
      failures[i] = std::current_exception();
    }
  });
  for (size_t i = 0; i < batch.size(); ++i) {
    if (failures[i]) rethrow_with_document(failures[i], batch[i], domain);
  }
  return ids;
}

[[noreturn]] void too_small(const DomainSpec& domain, const WindowSet& set,
                            const WindowSettings& settings) {
  const CorpusRecord& corpus = set.corpus;
  const std::string asked = settings.windows
                                ? fmt::format("{}, asked for by --windows", *settings.windows)
                                : "at least 1";
  std::string skipped;
  if (corpus.skipped_extension + corpus.skipped_not_utf8 + corpus.skipped_links > 0) {
    skipped =
        fmt::format("; skipped {} files without a text extension, {} that are not UTF-8, {} links",
                    corpus.skipped_extension, corpus.skipped_not_utf8, corpus.skipped_links);
  }
  throw Error(ErrorId::CO001,
              {.file = domain.path.string(),
               .object = fmt::format("domain {}", escape_for_terminal(domain.name)),
               .found = fmt::format("{} windows of {} tokens ({} documents, {} tokens, {} "
                                    "documents shorter than a window{})",
                                    set.corpus.windows_available, settings.seq_len,
                                    corpus.documents, corpus.tokens, corpus.skipped_short, skipped),
               .expected = asked,
               .hint = "Add text or lower --seq-len."});
}

// Keeps the drawn windows, in corpus order, and the documents that they come from.
void keep_drawn(WindowSet& set, uint32_t count, uint32_t domain_index, uint64_t seed) {
  const auto available = static_cast<uint32_t>(set.document.size());
  std::vector<uint32_t> drawn =
      draw_subset(available, count, seed, Purpose::window_choice, domain_index, 0);
  std::sort(drawn.begin(), drawn.end());
  std::vector<std::string> document_ids;
  uint32_t last_document = UINT32_MAX;
  for (size_t to = 0; to < drawn.size(); ++to) {
    const size_t from = drawn[to];  // >= to: moving down never overwrites what is still needed
    std::copy_n(set.ids.begin() + static_cast<ptrdiff_t>(from * set.seq_len), set.seq_len,
                set.ids.begin() + static_cast<ptrdiff_t>(to * set.seq_len));
    const uint32_t document = set.document[from];
    if (document != last_document) {
      document_ids.push_back(std::move(set.document_ids[document]));
      last_document = document;
    }
    set.document[to] = static_cast<uint32_t>(document_ids.size() - 1);
  }
  set.ids.resize(size_t{count} * set.seq_len);
  set.ids.shrink_to_fit();
  set.document.resize(count);
  set.document_ids = std::move(document_ids);
}

void write_notes(WindowSet& set, const Tokenizer& tokenizer, const WindowSettings& settings) {
  set.notes = tokenizer.notes();
  if (settings.packing == Packing::packed) {
    set.notes.push_back(
        fmt::format("domain {}: documents packed into windows end to end", set.domain));
  }
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
  WindowCutter cutter(set, settings.packing);
  std::vector<Document> batch;
  for (bool more = true; more;) {
    more = read_batch(corpus, batch);
    const auto ids = encode_batch(batch, tokenizer, domain, settings.threads);
    for (size_t i = 0; i < batch.size(); ++i) cutter.add(batch[i].id, ids[i]);
    throw_if_stopped();
  }
  set.corpus.windows_available = set.document.size();
  const uint64_t count = settings.windows.value_or(
      static_cast<uint32_t>(std::clamp<uint64_t>(set.corpus.windows_available, 1, UINT32_MAX)));
  if (set.corpus.windows_available < count || count == 0) too_small(domain, set, settings);
  check_internal(set.corpus.windows_available <= UINT32_MAX, "windows of a domain fit 32 bits");
  keep_drawn(set, static_cast<uint32_t>(count), domain_index, settings.seed);
  set.ids_sha256 = sha256_hex(std::as_bytes(std::span(set.ids)));
  write_notes(set, tokenizer, settings);
  return set;
}

}  // namespace rg::text
