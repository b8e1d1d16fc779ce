#include "text/window_cutter.h"

#include <algorithm>

#include "base/error.h"

namespace rg::text {

WindowCutter::WindowCutter(uint32_t seq_len, Packing packing,
                           const std::filesystem::path& spill_folder)
    : seq_len_(seq_len),
      packing_(packing),
      ids_(kIdBytes, spill_folder),
      names_(kNameBytes, spill_folder) {}

void WindowCutter::begin_document(const std::string& id) {
  document_ = id;
  ++document_number_;
  windows_before_ = windows_;
}

void WindowCutter::add(std::span<const int32_t> tokens) {
  tokens_ += tokens.size();
  while (!tokens.empty()) {
    if (pending_.empty()) {
      start_window();
      const size_t whole = tokens.size() / seq_len_ * seq_len_;
      if (whole > 0) {
        finish_windows(tokens.first(whole));
        tokens = tokens.subspan(whole);
        continue;
      }
    }
    const size_t taken = std::min<size_t>(tokens.size(), seq_len_ - pending_.size());
    pending_.insert(pending_.end(), tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(taken));
    tokens = tokens.subspan(taken);
    if (pending_.size() < seq_len_) continue;
    finish_windows(pending_);
    pending_.clear();
  }
}

void WindowCutter::end_document() {
  if (packing_ == Packing::packed) return;
  pending_.clear();
  if (windows_ == windows_before_) ++without_window_;
}

// A window belongs to the document of its first token.
void WindowCutter::start_window() {
  if (starter_number_ == document_number_) return;
  starter_number_ = document_number_;
  starter_ = document_;
}

void WindowCutter::finish_windows(std::span<const int32_t> ids) {
  if (owner_number_ != starter_number_) {
    owner_number_ = starter_number_;
    owners_.push_back({names_.bytes(), windows_});
    names_.append(std::as_bytes(std::span(starter_)));
  }
  ids_.append(std::as_bytes(ids));
  windows_ += ids.size() / seq_len_;
}

std::string WindowCutter::name_of(size_t owner) const {
  const uint64_t end = owner + 1 < owners_.size() ? owners_[owner + 1].name : names_.bytes();
  std::string name(static_cast<size_t>(end - owners_[owner].name), '\0');
  names_.read(owners_[owner].name, std::as_writable_bytes(std::span(name)));
  return name;
}

void WindowCutter::take(std::span<const uint32_t> drawn, WindowSet& set) const {
  set.ids.resize(drawn.size() * seq_len_);
  set.document.clear();
  set.document_ids.clear();
  const uint64_t window_bytes = uint64_t{seq_len_} * sizeof(int32_t);
  size_t last_owner = owners_.size();
  for (size_t i = 0; i < drawn.size(); ++i) {
    ids_.read(drawn[i] * window_bytes,
              std::as_writable_bytes(std::span(set.ids).subspan(i * seq_len_, seq_len_)));
    const auto after = std::upper_bound(
        owners_.begin(), owners_.end(), drawn[i],
        [](uint64_t window, const Owner& owner) { return window < owner.first_window; });
    const auto owner = static_cast<size_t>(after - owners_.begin()) - 1;
    if (owner != last_owner) set.document_ids.push_back(name_of(owner));
    last_owner = owner;
    set.document.push_back(static_cast<uint32_t>(set.document_ids.size() - 1));
  }
}

}  // namespace rg::text
