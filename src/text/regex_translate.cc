#include <cstring>

#include "text/regex.h"
#include "text/unicode.h"

namespace rg::text {
namespace {

// Oniguruma's \w for UTF-8: Unicode TR18, annex C, without the join controls. Outside of brackets
// it also takes the superscripts and fractions of Latin-1.
constexpr std::string_view kWordClass = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kBareWordClass =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\xb2\xb3\xb9\xbc-\xbe)";

bool is_ascii_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

class Translator {
 public:
  Translator(std::string_view pattern, std::string& reason) : in_(pattern), reason_(reason) {}

  std::optional<std::string> run() {
    while (at_ < in_.size()) {
      const bool fine = in_[at_] == '\\' ? escape() : in_class_ ? class_character() : plain();
      if (!fine) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  bool refuse(std::string_view construct) {
    reason_ = "construct '" + std::string(construct) + "' at byte " + std::to_string(at_);
    return false;
  }

  bool copy(size_t bytes) {
    out_ += in_.substr(at_, bytes);
    at_ += bytes;
    return true;
  }

  bool replace(std::string_view members, bool negated) {
    if (in_class_) {
      if (negated) return refuse(in_.substr(at_, 2));
      out_ += members;
    } else {
      out_ += negated ? "[^" : "[";
      out_ += members;
      out_ += ']';
    }
    at_ += 2;
    return true;
  }

  bool escape() {
    if (at_ + 1 == in_.size()) return refuse("\\");
    const char c = in_[at_ + 1];
    class_start_ = false;
    switch (c) {
      case 's':
        return replace(white_space_class(), false);
      case 'S':
        return replace(white_space_class(), true);
      case 'w':
        return replace(in_class_ ? kWordClass : kBareWordClass, false);
      case 'W':
        return replace(kBareWordClass, true);
      case 'p':
      case 'P':
        return property();
      case 'd':
      case 'D':
      case 'r':
      case 'n':
      case 't':
      case 'f':
        return copy(2);
      default:
        // \h \v \b \A \z \G \K \R \X \x \u and back references differ between the two engines.
        return is_ascii_letter_or_digit(c) ? refuse(in_.substr(at_, 2)) : copy(2);
    }
  }

  bool property() {
    const size_t close = in_.find('}', at_);
    if (at_ + 2 >= in_.size() || in_[at_ + 2] != '{' || close == std::string_view::npos) {
      return refuse(in_.substr(at_, 3));
    }
    return copy(close + 1 - at_);
  }

  bool class_character() {
    const char c = in_[at_];
    const bool first = class_start_;
    class_start_ = first && c == '^' && in_[at_ - 1] == '[';
    if (c == ']' && !first) in_class_ = false;
    if (c == ']' && first) return refuse("[]");
    if (c == '[') return refuse("[...[");
    if (c == '&' && in_.substr(at_, 2) == "&&") return refuse("&&");
    return copy(1);
  }

  // `{,n}` and `+` after an interval mean different things to the two.
  bool plain() {
    const char c = in_[at_];
    if (c == '[') {
      in_class_ = class_start_ = true;
    } else if (c == '{') {
      if (in_.substr(at_, 2) == "{,") return refuse("{,");
    } else if (c == '}') {
      if (in_.substr(at_, 2) == "}+") return refuse("}+");
    } else if (c == '(' && in_.substr(at_, 2) == "(?") {
      return group();
    } else if (c == '(' && in_.substr(at_, 2) == "(*") {
      return refuse("(*");
    }
    return copy(1);
  }

  bool group() {
    for (const std::string_view opener : {"(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"}) {
      if (in_.substr(at_, opener.size()) == opener) return copy(opener.size());
    }
    return refuse(in_.substr(at_, 3));
  }

  std::string_view in_;
  std::string& reason_;
  std::string out_;
  size_t at_ = 0;
  bool in_class_ = false;
  bool class_start_ = false;  // only '[' or '[^' seen of the class so far
};

}  // namespace

std::optional<std::string> translate_oniguruma(std::string_view pattern, std::string& reason) {
  return Translator(pattern, reason).run();
}

}  // namespace rg::text
