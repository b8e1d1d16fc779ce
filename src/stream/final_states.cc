#include "stream/final_states.h"

#include <utility>

namespace rg::stream {

FinalStates::FinalStates(std::filesystem::path folder) : folder_(std::move(folder)) {}

uint64_t FinalStates::bytes(const model::Model& model, kernels::Compute compute, uint64_t rows) {
  return rows * model.width * kernels::compute_bytes(compute);
}

void FinalStates::begin(uint64_t rows, size_t row_bytes) {
  file_.emplace(folder_,
                "The base's last hidden states go there, for the passes over its descendants. Free "
                "some space or measure fewer windows.");
  row_bytes_ = row_bytes;
  file_->reserve(rows * row_bytes);
}

void FinalStates::write(uint64_t first_row, std::span<const std::byte> rows) const {
  file_->write(first_row * row_bytes_, rows);
}

void FinalStates::read(uint64_t first_row, std::span<std::byte> rows) const {
  file_->read_exact(first_row * row_bytes_, rows);
}

}  // namespace rg::stream
