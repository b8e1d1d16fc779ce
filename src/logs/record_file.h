// The normalised form on disk: a folder with routing.safetensors and routing.json
// (schema/routing_log.schema.json).
//
//   tokens                  (rows)    i32       where known
//   sequence, position      (rows)    i32
//   layers.N.topk_ids       (rows,k)  i16 or i32; -1 in every column: not recorded
//   layers.N.topk_weights   (rows,k)  f32       where recorded
//   layers.N.router_logits  (rows,E)  f32       where recorded
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "logs/record.h"

namespace rg::logs {

inline constexpr std::string_view kRecordTensors = "routing.safetensors";
inline constexpr std::string_view kRecordFacts = "routing.json";

// Creates the folder if need be; both files appear whole or not at all, the JSON last. IO errors.
void write_record(const Record& record, const std::filesystem::path& folder,
                  const std::string& program);

Json record_facts(const Record& record, const std::string& program);
// Fills what the tensors don't hold. `rows` of the record must be set. LG003 where the text isn't
// such a file or disagrees with the tensors.
void read_record_facts(std::string_view text, const std::string& file, Record& record);

}  // namespace rg::logs
