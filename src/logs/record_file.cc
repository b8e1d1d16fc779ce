#include "logs/record_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "formats/safetensors_writer.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr int kRecordVersion = 1;
constexpr uint64_t kMaxFactsBytes = uint64_t{256} << 20;

using Tensor = formats::OutputTensor;

bool fits_i16(const Record& record) {
  for (const LayerLog& log : record.layers) {
    const auto [low, high] = std::minmax_element(log.ids.begin(), log.ids.end());
    if (low != log.ids.end() && (*low < std::numeric_limits<int16_t>::min() ||
                                 *high > std::numeric_limits<int16_t>::max())) {
      return false;
    }
  }
  return true;
}

Json ranges_json(const std::vector<RowRange>& ranges) {
  Json list = Json::array();
  for (const RowRange& range : ranges) list.push_back({range.first, range.last});
  return list;
}

Json phase_runs(const Record& record) {
  Json runs = Json::array();
  for (uint32_t row = 0; row < record.rows;) {
    uint32_t end = row + 1;
    while (end < record.rows && record.phase[end] == record.phase[row]) ++end;
    runs.push_back({{"phase", name(record.phase[row])}, {"first", row}, {"last", end - 1}});
    row = end;
  }
  return runs;
}

std::vector<Tensor> tensors_of(const Record& record, Tensor::Type id_type) {
  const uint64_t rows = record.rows;
  std::vector<Tensor> tensors;
  if (!record.tokens.empty()) tensors.push_back({"tokens", Tensor::Type::i32, {rows}});
  tensors.push_back({"sequence", Tensor::Type::i32, {rows}});
  tensors.push_back({"position", Tensor::Type::i32, {rows}});
  for (const LayerLog& log : record.layers) {
    if (!log.weights.empty()) {
      tensors.push_back(
          {fmt::format("layers.{}.topk_weights", log.layer), Tensor::Type::f32, {rows, record.k}});
    }
    if (!log.logits.empty()) {
      tensors.push_back({fmt::format("layers.{}.router_logits", log.layer),
                         Tensor::Type::f32,
                         {rows, record.logit_columns}});
    }
  }
  // Last, so that two-byte numbers leave the others aligned.
  for (const LayerLog& log : record.layers) {
    tensors.push_back({fmt::format("layers.{}.topk_ids", log.layer), id_type, {rows, record.k}});
  }
  return tensors;
}

void write_tensors(const Record& record, const std::filesystem::path& path,
                   const std::string& program) {
  const Tensor::Type id_type = fits_i16(record) ? Tensor::Type::i16 : Tensor::Type::i32;
  const std::vector<Tensor> tensors = tensors_of(record, id_type);
  const std::map<std::string, std::string> metadata = {{"program", program},
                                                       {"form", "routing_log"}};
  formats::SafetensorsWriter writer(path, tensors, metadata);
  size_t at = 0;
  if (!record.tokens.empty()) writer.write(at++, 0, std::span<const int32_t>(record.tokens));
  writer.write(at++, 0, std::span<const int32_t>(record.sequence));
  writer.write(at++, 0, std::span<const int32_t>(record.position));
  for (const LayerLog& log : record.layers) {
    if (!log.weights.empty()) writer.write(at++, 0, std::span<const float>(log.weights));
    if (!log.logits.empty()) writer.write(at++, 0, std::span<const float>(log.logits));
  }
  for (const LayerLog& log : record.layers) {
    if (id_type == Tensor::Type::i32) {
      writer.write(at++, 0, std::span<const int32_t>(log.ids));
    } else {
      const std::vector<int16_t> narrow(log.ids.begin(), log.ids.end());
      writer.write(at++, 0, std::span<const int16_t>(narrow));
    }
  }
  writer.commit();
}

// Members of routing.json, each with its type; anything else refuses the file.
class Facts {
 public:
  Facts(const Json& json, const std::string& file) : json_(json), file_(file) {}

  [[noreturn]] void refuse_member(const std::string& key, std::string expected) const {
    refuse(ErrorId::LG003, file_, key, "another value or none", std::move(expected),
           "routing.json belongs to the file of tensors beside it.");
  }
  const Json& member(const std::string& key) const {
    const auto at = json_.find(key);
    if (at == json_.end()) refuse_member(key, "this member");
    return *at;
  }
  uint64_t count(const std::string& key, uint64_t limit) const {
    const Json& value = member(key);
    if (!value.is_number_unsigned() || value.get<uint64_t>() > limit) {
      refuse_member(key, fmt::format("a whole number up to {}", limit));
    }
    return value.get<uint64_t>();
  }
  bool truth(const std::string& key) const {
    if (!member(key).is_boolean()) refuse_member(key, "true or false");
    return member(key).get<bool>();
  }
  std::string text(const std::string& key) const {
    if (!member(key).is_string()) refuse_member(key, "a text");
    return member(key).get<std::string>();
  }

 private:
  const Json& json_;
  const std::string& file_;
};

void read_phases(const Json& runs, const Facts& facts, Record& record) {
  if (!runs.is_array()) facts.refuse_member("phase", "runs of rows");
  record.phase.assign(record.rows, Phase::unknown);
  for (const Json& run : runs) {
    const auto first = run.is_object() ? run.find("first") : run.end();
    const bool good = run.is_object() && run.contains("first") && run.contains("last") &&
                      run.contains("phase") && first->is_number_unsigned() &&
                      run["last"].is_number_unsigned() && run["phase"].is_string() &&
                      run["last"].get<uint64_t>() < record.rows &&
                      first->get<uint64_t>() <= run["last"].get<uint64_t>();
    if (!good) facts.refuse_member("phase", "runs of this log's rows");
    for (const Phase phase : {Phase::prefill, Phase::decode}) {
      if (run["phase"].get<std::string>() != name(phase)) continue;
      std::fill(record.phase.begin() + static_cast<ptrdiff_t>(first->get<uint64_t>()),
                record.phase.begin() + static_cast<ptrdiff_t>(run["last"].get<uint64_t>() + 1),
                phase);
    }
  }
}

}  // namespace

Json record_facts(const Record& record, const std::string& program) {
  Json files = Json::array(), layers = Json::array();
  for (const SourceFile& file : record.sources) {
    files.push_back({{"name", file.name}, {"sha256", file.sha256}});
  }
  for (const LayerLog& log : record.layers) layers.push_back(log.layer);
  Json facts = {
      {"schema_version", kRecordVersion},
      {"program", program},
      {"model", nullptr},
      {"experts", nullptr},
      {"k", record.k},
      {"layers", layers},
      {"rows", record.rows},
      {"sequences", record.sequences()},
      {"tokens", !record.tokens.empty()},
      {"gate_semantics", record.gate},
      {"source", {{"format", record.format}, {"files", files}, {"stated", Json(record.stated)}}},
      {"phase", phase_runs(record)},
      {"positions_stated", record.positions_stated},
      {"ids_from_logits", record.ids_from_logits},
      {"weight_epsilon", nullptr},
      {"router_logits", nullptr},
      {"notes", record.notes},
      {"left_out", ranges_json(record.left_out)},
      {"checks", record.checks}};
  if (!record.model.empty()) facts["model"] = record.model;
  if (record.experts > 0) facts["experts"] = record.experts;
  if (record.has_weights()) facts["weight_epsilon"] = record.weight_epsilon;
  if (record.logit_columns > 0) {
    facts["router_logits"] = {{"columns", record.logit_columns},
                              {"kind", name(record.logits_kind)}};
  }
  return facts;
}

void read_record_facts(std::string_view text, const std::string& file, Record& record) {
  Json json;
  try {
    json = parse_json(text, JsonLimits{.max_bytes = kMaxFactsBytes}, file);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::input) throw;
    throw Error(ErrorId::LG003, error.parts());
  }
  if (!json.is_object()) {
    refuse(ErrorId::LG003, file, "", "another JSON value", "the facts of a routing log");
  }
  const Facts facts(json, file);
  if (facts.count("schema_version", std::numeric_limits<int>::max()) != kRecordVersion) {
    facts.refuse_member("schema_version", std::to_string(kRecordVersion));
  }
  if (facts.count("rows", kMaxRows) != record.rows) {
    facts.refuse_member("rows", fmt::format("{}, as the tensors have", record.rows));
  }
  if (facts.member("model").is_string()) record.model = facts.text("model");
  if (!facts.member("experts").is_null()) {
    record.experts = static_cast<uint32_t>(facts.count("experts", 1 << 20));
  }
  record.positions_stated = facts.truth("positions_stated");
  record.ids_from_logits = facts.truth("ids_from_logits");
  record.gate = facts.member("gate_semantics");
  const Json& epsilon = facts.member("weight_epsilon");
  if (epsilon.is_number()) record.weight_epsilon = epsilon.get<float>();
  const Json& logits = facts.member("router_logits");
  if (logits.is_object() && logits.contains("kind") && logits["kind"].is_string()) {
    for (const LogitsKind kind : {LogitsKind::probabilities, LogitsKind::weights}) {
      if (logits["kind"].get<std::string>() == name(kind)) record.logits_kind = kind;
    }
  }
  read_phases(facts.member("phase"), facts, record);
  const Json& notes = facts.member("notes");
  if (notes.is_array()) {
    for (const Json& note : notes) {
      if (note.is_string()) record.notes.push_back(note.get<std::string>());
    }
  }
  const Json& left_out = facts.member("left_out");
  if (!left_out.is_array()) facts.refuse_member("left_out", "ranges of rows");
  for (const Json& range : left_out) {
    if (!range.is_array() || range.size() != 2 || !range[0].is_number_unsigned() ||
        !range[1].is_number_unsigned() || range[0] > range[1] || range[1] >= kMaxRows) {
      facts.refuse_member("left_out", "ranges of rows");
    }
    record.left_out.push_back({range[0].get<uint32_t>(), range[1].get<uint32_t>()});
  }
  const Json& source = facts.member("source");
  if (source.is_object() && source.contains("stated") && source["stated"].is_object()) {
    for (const auto& [key, value] : source["stated"].items()) {
      if (value.is_string()) record.stated[key] = value.get<std::string>();
    }
  }
}

void write_record(const Record& record, const std::filesystem::path& folder,
                  const std::string& program) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) {
    throw Error(ErrorId::IO004, {.file = folder.string(),
                                 .found = failure.message(),
                                 .expected = "a folder that can be created"});
  }
  write_tensors(record, folder / kRecordTensors, program);
  write_file_atomically(folder / kRecordFacts,
                        write_json(record_facts(record, program), JsonLayout::indented) + '\n',
                        IfExists::replace);
}

}  // namespace rg::logs
