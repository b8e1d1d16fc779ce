#include "text/tokenizer_file.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_set>

#include "base/file.h"
#include "base/sha256.h"
#include "text/fields.h"

namespace rg::text {
namespace {

// Bounds of everything beside vocabulary and merges.
constexpr size_t kMaxObjectKeys = 4096, kMaxTreeValues = 1 << 20;

// Builds the tree; inside model.vocab and model.merges it fills the lists instead.
class FileReader final : public JsonEvents {
 public:
  explicit FileReader(TokenizerFile& out) : out_(out) {}

  void null(size_t offset) override { value(nullptr, offset); }
  void boolean(bool v, size_t offset) override { value(v, offset); }
  void integer(int64_t v, size_t offset) override {
    if (in_ == Place::vocabulary) return add_token(v, offset);
    value(v, offset);
  }
  void unsigned_integer(uint64_t v, size_t offset) override {
    if (in_ == Place::vocabulary)
      return add_token(static_cast<int64_t>(std::min<uint64_t>(v, INT64_MAX)), offset);
    value(v, offset);
  }
  void real(double v, size_t offset) override { value(v, offset); }
  void string(std::string& v, size_t offset) override {
    if (in_ == Place::merges) return add_joined_merge(v, offset);
    if (in_ == Place::merge_pair) return add_merge_side(v, offset);
    if (path_is("model", "type") && v != "BPE") {
      throw Error(ErrorId::TK003, {.file = out_.name,
                                   .object = "model.type",
                                   .found = v,
                                   .expected = "BPE",
                                   .hint = "Only byte-level BPE tokenizers are supported."});
    }
    value(std::move(v), offset);
  }
  void key(std::string& v, size_t offset) override {
    if (in_ == Place::vocabulary) {
      token_ = std::move(v);
      return;
    }
    Frame& frame = frames_.back();
    if (!frame.seen.insert(v).second) {
      malformed(offset, fmt::format("key '{}' twice", escape_for_terminal(v)), "each key once",
                kRemoveOne);
    }
    if (frame.seen.size() > kMaxObjectKeys) {
      malformed(offset, fmt::format("an object of more than {} keys", kMaxObjectKeys), "fewer",
                kOverLimit);
    }
    frame.key = std::move(v);
  }
  void start_object(size_t offset) override {
    if (in_ == Place::tree && path_is("model", "vocab")) {
      if (saw_vocabulary_) malformed(offset, "two vocabularies", "one", kRemoveOne);
      in_ = Place::vocabulary;
      saw_vocabulary_ = true;
      return;
    }
    open(Json::object(), offset);
  }
  void end_object(size_t offset) override {
    if (in_ == Place::vocabulary) {
      in_ = Place::tree;
      return;
    }
    close(offset);
  }
  void start_array(size_t offset) override {
    if (in_ == Place::tree && path_is("model", "merges")) {
      in_ = Place::merges;
      return;
    }
    if (in_ == Place::merges) {
      in_ = Place::merge_pair;
      sides_.clear();
      return;
    }
    open(Json::array(), offset);
  }
  void end_array(size_t offset) override {
    if (in_ == Place::merge_pair) {
      if (sides_.size() != 2)
        malformed(offset, fmt::format("a merge of {} tokens", sides_.size()), "2", kTakeAgain);
      add_merge(std::move(sides_[0]), std::move(sides_[1]));
      in_ = Place::merges;
      return;
    }
    if (in_ == Place::merges) {
      in_ = Place::tree;
      return;
    }
    close(offset);
  }

 private:
  enum class Place { tree, vocabulary, merges, merge_pair };
  struct Frame {
    Json value;
    std::string key;
    std::unordered_set<std::string> seen;
  };

  [[noreturn]] void malformed(size_t offset, std::string found, std::string expected,
                              std::string hint) const {
    throw Error(ErrorId::TK002, {.file = out_.name,
                                 .object = fmt::format("byte {}", offset),
                                 .found = std::move(found),
                                 .expected = std::move(expected),
                                 .hint = std::move(hint)});
  }

  bool path_is(std::string_view outer, std::string_view inner) const {
    return frames_.size() == 2 && frames_[0].key == outer && frames_[1].key == inner;
  }

  void count(size_t offset) {
    if (++values_ > kMaxTreeValues) {
      malformed(offset,
                fmt::format("more than {} values beside vocabulary and merges", kMaxTreeValues),
                "a byte-level BPE tokenizer", kOverLimit);
    }
  }

  void attach(Json&& v, size_t offset) {
    if (frames_.empty()) {
      out_.tree = std::move(v);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.value.is_array()) {
      frame.value.push_back(std::move(v));
    } else if (frame.value.is_object()) {
      // `seen` has ruled out duplicates: append without the map's own linear search.
      auto& object = frame.value.get_ref<Json::object_t&>();
      static_cast<Json::object_t::Container&>(object).emplace_back(std::move(frame.key),
                                                                   std::move(v));
    } else {
      malformed(offset, "a value out of place", "an object or array around it", kTakeAgain);
    }
  }

  void value(Json v, size_t offset) {
    if (in_ == Place::vocabulary)
      malformed(offset, "a token whose id is no integer", "an id", kTakeAgain);
    if (in_ != Place::tree)
      malformed(offset, "a merge that is no text", "\"left right\" or [left, right]", kTakeAgain);
    count(offset);
    attach(std::move(v), offset);
  }

  void open(Json empty, size_t offset) {
    if (in_ != Place::tree)
      malformed(offset, "nested values in vocabulary or merges", "ids and texts", kTakeAgain);
    count(offset);
    frames_.push_back({std::move(empty), {}, {}});
  }

  void close(size_t offset) {
    Json v = std::move(frames_.back().value);
    frames_.pop_back();
    attach(std::move(v), offset);
  }

  void add_token(int64_t id, size_t offset) {
    const std::string shown = fmt::format("token '{}'", escape_for_terminal(token_));
    if (token_.size() > kMaxTokenBytes) {
      inconsistent(shown, fmt::format("{} bytes", token_.size()),
                   fmt::format("at most {}", kMaxTokenBytes));
    }
    if (id < 0 || id > kMaxTokenId) {
      inconsistent(shown, fmt::format("id {} at byte {}", id, offset),
                   fmt::format("0 to {}", kMaxTokenId));
    }
    if (out_.vocabulary.size() == kMaxTokens) {
      inconsistent("model.vocab", "more tokens", fmt::format("at most {}", kMaxTokens));
    }
    out_.vocabulary.emplace_back(std::move(token_), static_cast<int32_t>(id));
  }

  [[noreturn]] void inconsistent(std::string object, std::string found,
                                 std::string expected) const {
    throw Error(ErrorId::TK004, {.file = out_.name,
                                 .object = std::move(object),
                                 .found = std::move(found),
                                 .expected = std::move(expected),
                                 .hint = kOverLimit});
  }

  void add_joined_merge(const std::string& text, size_t offset) {
    // The first line of a merges.txt, which some conversions keep; tokenizers leaves it out, too.
    if (text.starts_with("#version")) return;
    const size_t space = text.find(' ');
    if (space == std::string::npos || text.find(' ', space + 1) != std::string::npos) {
      throw Error(ErrorId::TK005,
                  {.file = out_.name,
                   .object = fmt::format("merge {}", out_.merges.size()),
                   .found = fmt::format("'{}' at byte {}", escape_for_terminal(text), offset),
                   .expected = "two tokens with one space between them",
                   .hint = kTakeAgain});
    }
    add_merge(text.substr(0, space), text.substr(space + 1));
  }

  void add_merge_side(std::string& text, size_t offset) {
    if (sides_.size() == 2) malformed(offset, "a merge of more than 2 tokens", "2", kTakeAgain);
    sides_.push_back(std::move(text));
  }

  void add_merge(std::string left, std::string right) {
    if (out_.merges.size() == kMaxMerges) {
      throw Error(ErrorId::TK005, {.file = out_.name,
                                   .object = "model.merges",
                                   .found = "more merges",
                                   .expected = fmt::format("at most {}", kMaxMerges),
                                   .hint = kOverLimit});
    }
    out_.merges.emplace_back(std::move(left), std::move(right));
  }

  TokenizerFile& out_;
  std::vector<Frame> frames_;
  std::vector<std::string> sides_;
  std::string token_;
  Place in_ = Place::tree;
  size_t values_ = 0;
  bool saw_vocabulary_ = false;
};

}  // namespace

TokenizerFile parse_tokenizer_file(std::string_view text, const std::string& name) {
  TokenizerFile file;
  file.name = name;
  file.sha256 = sha256_hex(text);
  FileReader reader(file);
  try {
    scan_json(text, {.max_depth = 64, .max_bytes = kMaxTokenizerBytes}, name, reader);
  } catch (const Error& error) {
    if (error_name(error.id()).substr(0, 2) != "JS") throw;
    ErrorParts parts = error.parts();
    parts.hint += std::string(parts.hint.empty() ? "" : " ") + kTakeAgain;
    throw Error(ErrorId::TK002, std::move(parts));
  }
  return file;
}

TokenizerFile read_tokenizer_file(const std::filesystem::path& path) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored)) {
    throw Error(ErrorId::TK002,
                {.file = path.string(),
                 .object = {},
                 .found = "no such file",
                 .expected = "the model's tokenizer.json",
                 .hint = "Text needs a tokenizer. Download tokenizer.json beside config.json."});
  }
  if (InputFile(path).bytes() > kMaxTokenizerBytes) {
    throw Error(ErrorId::TK002, {.file = path.string(),
                                 .object = {},
                                 .found = fmt::format("{} bytes", InputFile(path).bytes()),
                                 .expected = fmt::format("at most {}", kMaxTokenizerBytes),
                                 .hint = kOverLimit});
  }
  return parse_tokenizer_file(read_whole_file(path, kMaxTokenizerBytes), path.string());
}

}  // namespace rg::text
