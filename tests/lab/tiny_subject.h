// Folders with a small OLMoE checkpoint and the shipped model's tokenizer.
#pragma once

#include <filesystem>
#include <string>

#include "lab/subject.h"
#include "support/temp_folder.h"
#include "support/tiny_olmoe.h"

namespace rg::lab {

inline test::TinyOlmoe tiny_model(uint64_t seed, uint32_t positions = 64) {
  test::TinyOlmoe tiny;
  tiny.vocabulary = 3072;  // the tokenizer's entries
  tiny.positions = positions;
  tiny.seed = seed;
  return tiny;
}

inline std::string write_model(const test::TempFolder& folder, const test::TinyOlmoe& tiny) {
  test::write_olmoe(folder.path(), tiny);
  const auto shipped =
      std::filesystem::path(RG_SOURCE_ROOT) / "models" / "routegauge-tiny-olmoe" / "tokenizer.json";
  test::put_file(folder / "tokenizer.json", test::get_file(shipped));
  return folder.path().string();
}

inline Subject open_with_tokenizer(const std::string& folder) {
  Subject subject = Subject::open(folder);
  subject.open_tokenizer(false);
  return subject;
}

}  // namespace rg::lab
