#include "stream/row_store.h"

#include <cstring>

namespace rg::stream {

RowStore::RowStore(size_t rows, size_t row_bytes, Place place, ScratchFile* spill)
    : row_bytes_(row_bytes) {
  if (place == Place::memory) {
    memory_ = Buffer<std::byte>(rows * row_bytes);
  } else {
    spill_ = spill;
    offset_ = spill->reserve(rows * row_bytes);
  }
}

std::byte* RowStore::load(size_t first, size_t rows, std::byte* scratch) const {
  if (spill_ == nullptr) return memory_.data() + first * row_bytes_;
  spill_->read_exact(offset_ + first * row_bytes_, {scratch, rows * row_bytes_});
  return scratch;
}

void RowStore::store(size_t first, size_t rows, const std::byte* data) {
  if (spill_ != nullptr) {
    spill_->write(offset_ + first * row_bytes_, {data, rows * row_bytes_});
    return;
  }
  std::byte* place = memory_.data() + first * row_bytes_;
  if (place != data) std::memcpy(place, data, rows * row_bytes_);
}

}  // namespace rg::stream
