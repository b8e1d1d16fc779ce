// Readers on bytes made here: what each layout means, and what is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/base64.h"
#include "logs/array.h"
#include "logs/readers/reader.h"
#include "logs/record_file.h"
#include "logs/synthetic.h"
#include "logs/tokens.h"
#include "support/caught.h"
#include "support/safetensors_builder.h"
#include "support/temp_folder.h"

namespace rg::logs::testing {
namespace {

using test::caught;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

Record read(const std::string& text, const ReadOptions& options = {}) {
  return read_log({.name = "log", .path = {}, .bytes = bytes_of(text)}, options);
}

template <typename T>
std::string packed(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                bool fortran = false, char version = 1) {
  std::string header = "{'descr': '" + descr +
                       "', 'fortran_order': " + (fortran ? "True" : "False") +
                       ", 'shape': " + shape + ", }\n";
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(header.size());
  file += '\0';
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}

const LayerLog& layer(const Record& record, int index) {
  const LayerLog* log = record.find(index);
  if (log == nullptr) throw std::runtime_error("no such layer");
  return *log;
}

TEST(LogArrays, IdsInCAndFortranOrderAndEveryVersion) {
  // (3 tokens, 2 layers, 2 ids): token t, layer l, slot s has id 4 t + 2 l + s.
  std::vector<int16_t> c_order, fortran_order;
  for (int16_t i = 0; i < 12; ++i) c_order.push_back(i);
  for (int s = 0; s < 2; ++s) {
    for (int l = 0; l < 2; ++l) {
      for (int t = 0; t < 3; ++t) fortran_order.push_back(static_cast<int16_t>(4 * t + 2 * l + s));
    }
  }
  for (const char version : {char{1}, char{2}, char{3}}) {
    for (const bool fortran : {false, true}) {
      const Record record = read(
          npy("<i2", "(3, 2, 2)", packed(fortran ? fortran_order : c_order), fortran, version));
      EXPECT_EQ(record.format, "ids");
      EXPECT_EQ(record.rows, 3u);
      EXPECT_EQ(layer(record, 0).ids, (std::vector<int32_t>{0, 1, 4, 5, 8, 9}));
      EXPECT_EQ(layer(record, 1).ids, (std::vector<int32_t>{2, 3, 6, 7, 10, 11}));
    }
  }
  const Record turned =
      read(npy("<i2", "(2, 3, 2)", packed(c_order)), {.axes = AxisOrder::layers_tokens});
  EXPECT_EQ(layer(turned, 1).ids, (std::vector<int32_t>{6, 7, 8, 9, 10, 11}));
}

TEST(LogArrays, LogitsMayComeWithTheIds) {
  const std::vector<float> logits = {1, -2, 3, 0, 0, 1, 2, -4};
  const auto file = [&](std::vector<uint64_t> shape) {
    return test::build_safetensors({{"ids", "U8", {2, 1, 2}, std::string("\2\0\2\1", 4)},
                                    {"router_logits", "F32", shape, test::f32_bytes(logits)}});
  };
  const Record record = read(file({2, 1, 4}));
  EXPECT_EQ(record.experts, 4u);
  EXPECT_EQ(layer(record, 0).logits, logits);
  EXPECT_FALSE(record.ids_from_logits);
  EXPECT_EQ(found_in(check_log(record, std::nullopt)), "");
  EXPECT_EQ(caught([&] { read(file({1, 2, 4})); }).id, ErrorId::LG008);
}

TEST(LogArrays, DamagedArraysAreRefused) {
  const std::string good = npy("<i2", "(3, 2, 2)", std::string(24, '\1'));
  EXPECT_EQ(caught([&] { read(good.substr(0, good.size() - 1)); }).id, ErrorId::LG003);
  EXPECT_EQ(caught([&] { read(good.substr(0, 20)); }).id, ErrorId::LG003);
  EXPECT_EQ(caught([&] { read(npy(">i2", "(3, 2, 2)", std::string(24, '\1'))); }).id,
            ErrorId::LG003);
  EXPECT_EQ(caught([&] { read(npy("|O", "(3,)", "")); }).id, ErrorId::LG002);
  EXPECT_EQ(caught([&] { read(npy("<i2", "(4294967296, 4294967296, 2)", "")); }).id,
            ErrorId::LG003);
  EXPECT_EQ(caught([&] { read(npy("<i8", "(1, 1, 1)", std::string("\0\0\0\0\1\0\0\0", 8))); }).id,
            ErrorId::LG003);
  EXPECT_EQ(caught([&] { read(npy("<i2", "(0, 2, 2)", "")); }).id, ErrorId::LG010);
}

TEST(LogArrays, IdsThatWrappedInInt8AreSaidToBe) {
  const Record record = read(npy("|i1", "(2, 1, 2)", packed<int8_t>({5, -56, 7, 100})));
  LogShape shape;
  shape.experts = 256;
  shape.k = 2;
  shape.layers = 1;
  const auto outcomes = check_log(record, facts_of(shape));
  EXPECT_NE(finding_of(outcomes, "L1").found.find("wrapped in int8"), std::string::npos);
}

TEST(LogArrays, PlacesFollowTheModel) {
  const LogShape shape{.experts = 16, .k = 2, .layers = 3, .first_layer = 2};
  ModelFacts model = facts_of(shape);  // layers 2 to 4 of 5 have a gate
  model.extra_layers = 1;
  const auto layers_of = [&](size_t places) {
    const std::string ids = packed(std::vector<int8_t>(places * 2 * 2, 3));
    std::vector<int> layers;
    for (const LayerLog& log :
         read(npy("|i1", "(2, " + std::to_string(places) + ", 2)", ids), {.model = model}).layers) {
      layers.push_back(log.layer);
    }
    return layers;
  };
  const std::vector<int> gated = {2, 3, 4};
  EXPECT_EQ(layers_of(3), gated);  // layers with a gate
  EXPECT_EQ(layers_of(5), gated);  // all layers
  EXPECT_EQ(layers_of(4), gated);  // with a speculative-decoding layer
  EXPECT_EQ(layers_of(6), gated);  // both
  EXPECT_EQ(caught([&] { layers_of(7); }).id, ErrorId::LG007);
}

TEST(LogLogits, KindsAreToldApartAndMixturesRefused) {
  const std::vector<float> raw = {1, -2, 3, 0, 0, 1, 2, -4};
  const std::vector<float> probabilities = {0.5f, 0.25f, 0.125f, 0.125f, 0.1f, 0.2f, 0.3f, 0.4f};
  const std::vector<float> weights = {0.5f, 0, 0.3f, 0, 0, 0.6f, 0.1f, 0};
  for (const auto& [values, kind] :
       {std::pair(raw, LogitsKind::raw), std::pair(probabilities, LogitsKind::probabilities),
        std::pair(weights, LogitsKind::weights)}) {
    const Record record = read(npy("<f4", "(1, 2, 4)", packed(values)), {.top_k = 2});
    EXPECT_EQ(record.logits_kind, kind);
    EXPECT_TRUE(record.ids_from_logits);
  }
  const Record record = read(npy("<f4", "(1, 2, 4)", packed(raw)), {.top_k = 2});
  EXPECT_EQ(layer(record, 0).ids, (std::vector<int32_t>{2, 0, 2, 1}));
  std::vector<float> mixed = raw;
  std::copy(probabilities.begin(), probabilities.begin() + 4, mixed.begin());
  EXPECT_EQ(caught([&] { read(npy("<f4", "(1, 2, 4)", packed(mixed)), {.top_k = 2}); }).id,
            ErrorId::LG009);
  EXPECT_EQ(caught([&] { read(npy("<f4", "(1, 2, 4)", packed(raw))); }).id, ErrorId::LG011);
  ModelFacts biased = facts_of({.experts = 4, .k = 2, .layers = 1});
  biased.gate.selection_bias = true;
  EXPECT_EQ(caught([&] { read(npy("<f4", "(1, 2, 4)", packed(raw)), {.model = biased}); }).id,
            ErrorId::LG011);
}

TEST(LogLines, RowsAreJoinedOverLayers) {
  // Layer 3 comes in another order than layer 0 and has one row less.
  const Record record = read(
      "{\"layer\": 0, \"pos\": 0, \"ids\": [1, 2]}\n"
      "{\"layer\": 0, \"pos\": 1, \"ids\": [3, 4]}\n"
      "{\"layer\": 3, \"pos\": 1, \"ids\": [5, 6]}\n");
  EXPECT_EQ(record.rows, 2u);
  EXPECT_EQ(layer(record, 3).ids, (std::vector<int32_t>{kAbsent, kAbsent, 5, 6}));
}

TEST(LogLines, ARestartedCountIsANewSequenceOnlyWithoutAName) {
  const std::string unnamed =
      "{\"layer\": 0, \"pos\": 0, \"ids\": [1]}\n{\"layer\": 0, \"pos\": 1, \"ids\": [2]}\n"
      "{\"layer\": 0, \"pos\": 0, \"ids\": [3]}\n";
  EXPECT_EQ(read(unnamed).sequence, (std::vector<int32_t>{0, 0, 1}));
  const std::string named =
      "{\"layer\": 0, \"req_id\": \"r\", \"pos\": 0, \"ids\": [1, 0]}\n"
      "{\"layer\": 0, \"req_id\": \"r\", \"pos\": 1, \"ids\": [2, 0]}\n"
      "{\"layer\": 0, \"req_id\": \"r\", \"pos\": 0, \"ids\": [3, 0]}\n";
  const Record record = read(named);
  EXPECT_EQ(record.sequence, (std::vector<int32_t>{0, 0, 0}));
  EXPECT_EQ(found_in(check_log(record, std::nullopt)), "L14");
}

TEST(LogLines, WeightsThatWereRoundedHaveTheirOwnEpsilon) {
  const auto epsilon_of_text = [](const char* number) {
    std::string text;
    for (uint32_t row = 0; row < 3000; ++row) {
      const double first = std::abs(0.2 + 0.1 * test::normal_value(3, 3, row, 1));
      text += fmt::format("{{\"ids\": [1, 2], \"weights\": [{}, {}]}}\n",
                          fmt::format(fmt::runtime(number), first),
                          fmt::format(fmt::runtime(number), first / 3));
    }
    return read(text).weight_epsilon;
  };
  EXPECT_FLOAT_EQ(epsilon_of_text("{:.4f}"), 1e-4f);
  EXPECT_FLOAT_EQ(epsilon_of_text("{:.6g}"), 1e-6f);
  EXPECT_FLOAT_EQ(epsilon_of_text("{}"), std::numeric_limits<float>::epsilon());
}

TEST(LogLines, MalformedLinesAreNamed) {
  for (const char* line :
       {"{\"layer\": 0, \"ids\": [1, 2.5]}", "{\"layer\": 0, \"ids\": [1, \"2\"]}",
        "{\"layer\": 0, \"ids\": [1, 2], \"ids\": [1, 2]}", "{\"layer\": 0",
        "{\"layer\": 0, \"ids\": [1, 2], \"weights\": [1]}", "{\"layer\": 0, \"ids\": [1, 2, 3]}",
        "[1]", "{\"layer\": 0, \"ids\": [[[1]]]}"}) {
    const auto error =
        caught([&] { read("{\"layer\": 0, \"ids\": [1, 2]}\n" + std::string(line) + "\n"); });
    EXPECT_EQ(error.id, ErrorId::LG005) << line;
    EXPECT_TRUE(error.says("line 2")) << error.line;
  }
}

TEST(LogCsv, TurnsThatGoOnAreOneSequence) {
  const std::string head =
      "# route_trace v1\n# arch=x n_expert=8 n_expert_used=2\n"
      "turn,phase,step,layer,slot,expert,weight\n";
  const Record record = read(head +
                             "0,0,0,1,0,5,0.5\n0,0,0,1,1,2,0.25\n"
                             "1,0,1,1,0,6,0.5\n1,0,1,1,1,2,nan\n"
                             "2,0,0,1,0,7,0.5\n2,0,0,1,1,2,0.25\n");
  EXPECT_EQ(record.sequence, (std::vector<int32_t>{0, 0, 1}));
  EXPECT_EQ(record.position, (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(record.stated_k, 2u);
  EXPECT_EQ(record.experts, 8u);
  EXPECT_EQ(layer(record, 1).ids, (std::vector<int32_t>{5, 2, 6, 2, 7, 2}));
  EXPECT_EQ(caught([&] { read(head + "0,0,0,1,1,5,0.5\n"); }).id, ErrorId::LG005);
  EXPECT_EQ(caught([&] { read(head + "0,0,0,1,0,5\n"); }).id, ErrorId::LG005);
  EXPECT_EQ(caught([&] { read("layer,expert\n0,3\n"); }).id, ErrorId::LG006);
}

TEST(LogRecord, WrittenAndReadItIsTheSame) {
  const test::TempFolder folder;
  Record record = make_log({.sequences = 3, .length = 10, .logits = true});
  record.layers[1].ids[0] = 40000;  // beyond 16 bits
  record.phase[4] = Phase::decode;
  record.notes = {"A note."};
  record.left_out = {{3, 5}};
  write_record(record, folder / "log", "test");
  const Record again = read_log_file(folder / "log", {});
  EXPECT_EQ(again.format, "routegauge");
  EXPECT_EQ(again.tokens, record.tokens);
  EXPECT_EQ(again.sequence, record.sequence);
  EXPECT_EQ(again.position, record.position);
  EXPECT_EQ(again.phase, record.phase);
  EXPECT_EQ(again.notes, record.notes);
  EXPECT_EQ(again.left_out, record.left_out);
  ASSERT_EQ(again.layers.size(), record.layers.size());
  for (size_t at = 0; at < record.layers.size(); ++at) {
    EXPECT_EQ(again.layers[at].ids, record.layers[at].ids);
    EXPECT_EQ(again.layers[at].weights, record.layers[at].weights);
    EXPECT_EQ(again.layers[at].logits, record.layers[at].logits);
  }
  test::put_file(folder / "log" / "routing.json", "{\"schema_version\": 1, \"rows\": 7}");
  EXPECT_EQ(caught([&] { read_log_file(folder / "log", {}); }).id, ErrorId::LG003);
}

TEST(LogTokens, OneArrayIsCutIntoSequences) {
  for (const uint32_t less : {0u, 1u}) {
    Record record = read(npy("|i1", "(" + std::to_string(7 - 2 * less) + ", 1, 1)",
                             std::string(7 - 2 * less, '\1')));
    const std::string text = "[[5, 6, 7], [8, 9, 5, 6]]";
    attach_tokens(parse_token_lists(bytes_of(text), "tokens"), "tokens", record);
    EXPECT_EQ(record.sequences(), 2u);
    EXPECT_EQ(record.tokens.front(), 5);
    EXPECT_EQ(record.tokens.back(), less == 0 ? 6 : 5);
    EXPECT_EQ(record.position.back(), less == 0 ? 3 : 2);
  }
}

TEST(LogTokens, GeneratedRowsStartAfterThePrompt) {
  Record record = read(npy("|i1", "(2, 1, 2)", std::string(4, '\1')));
  const std::string text = "[{\"prompt_token_ids\": [1, 2, 3], \"token_ids\": [4, 5]}]";
  attach_tokens(parse_token_lists(bytes_of(text), "tokens"), "tokens", record);
  EXPECT_EQ(record.tokens, (std::vector<int32_t>{4, 5}));
  EXPECT_EQ(record.position, (std::vector<int32_t>{3, 4}));
}

TEST(Base64, OnlyWholeAndValidText) {
  const auto text_of = [](const std::vector<std::byte>& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(text_of(decode_base64("cm91dGVk").value()), "routed");
  EXPECT_EQ(text_of(decode_base64("cm91dGU=").value()), "route");
  EXPECT_EQ(text_of(decode_base64("cm91dA==").value()), "rout");
  for (const char* bad :
       {"cm91d", "cm91dGU", "cm91 GVk", "=m91dGVk", "cm9=dGVk", "\ncm91dGVk\n  "}) {
    EXPECT_FALSE(decode_base64(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace rg::logs::testing
