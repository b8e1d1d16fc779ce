#include "record/artifact.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/sha256.h"

namespace rg::record {
namespace {

class ArtifactTest : public testing::Test {
 protected:
  ArtifactTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("rg_record_" + std::to_string(getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    run_.program_version = "9.9.9";
    run_.profile = {"avx2", "f32", "2.6.3"};
    run_.model_name = "org/model";
    run_.terminal_moe_layer = 3;
    run_.moe_layers = {1, 3};
    run_.gate_semantics = {{"topk", 2}};
    run_.tensors = {{"w", "BF16", {4, 8}, "model.safetensors", "abc"}};
    run_.input_sha256 = {{"config.json", "def"}};
    run_.settings = {{"seed", 7}};
    run_.notes = {"from the run"};
    run_.manifest = {{"created_utc", "2026-01-01T00:00:00Z"}, {"paths", {{"model", "/a"}}}};
    domain_ = {"prose", {{"source", "books"}, {"n_windows", 2}}, {{"paths", {{"corpus", "/b"}}}}};
    part_.test = "expert_load";
    part_.fields = {{"layers", {0, 3}}, {"summary", {{"x", 0.1}}}};
    part_.notes = {"from the experiment"};
  }
  ~ArtifactTest() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
  RunFacts run_;
  DomainFacts domain_;
  Contribution part_;
};

TEST_F(ArtifactTest, MembersStandInTheOrderOfTheContract) {
  const Json artifact = assemble_artifact(run_, domain_, part_);
  std::vector<std::string> keys;
  for (const auto& [key, value] : artifact.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "schema_version", "test", "model", "domain", "data", "gate_semantics",
                      "layers", "summary", "numeric_profile", "program_version", "settings",
                      "inputs", "tensors", "notes", "manifest", "body_sha256"}));
  EXPECT_EQ(artifact.at("model"),
            Json({{"ckpt", "org/model"}, {"terminal_moe_layer", 3}, {"moe_layers", {1, 3}}}));
  EXPECT_EQ(artifact.at("notes"), Json({"from the run", "from the experiment"}));
  EXPECT_EQ(artifact.at("manifest").at("paths"), Json({{"model", "/a"}, {"corpus", "/b"}}));
}

TEST_F(ArtifactTest, DigestCoversTheResultsAndNothingElse) {
  const Json artifact = assemble_artifact(run_, domain_, part_);
  EXPECT_EQ(artifact.at("body_sha256"), body_digest(artifact));
  Json moved = artifact;
  moved["manifest"]["host"] = "another";
  moved["body_sha256"] = "";
  EXPECT_EQ(body_digest(moved), body_digest(artifact));
  for (const auto& [key, value] : artifact.items()) {
    if (key == "manifest" || key == "body_sha256") continue;
    Json changed = artifact;
    changed[key] = "changed";
    EXPECT_NE(body_digest(changed), body_digest(artifact)) << key;
  }
}

TEST_F(ArtifactTest, DigestDoesNotDependOnTheOrderOfKeys) {
  const Json one = {{"b", 1}, {"a", {{"y", 0.5}, {"x", 2}}}};
  const Json other = {{"a", {{"x", 2}, {"y", 0.5}}}, {"b", 1}};
  EXPECT_EQ(body_digest(one), body_digest(other));
  EXPECT_EQ(body_digest(one), sha256_hex(R"({"a":{"x":2,"y":0.5},"b":1})"));
}

TEST_F(ArtifactTest, WritesTheThreeFilesOfTheFolderLayout) {
  const WrittenArtifact written = write_artifact(folder_, run_, domain_, part_);
  EXPECT_EQ(written.path, folder_ / "expert_load" / "org--model" / "prose" / "single" / "run.json");
  const Json read = parse_json(text_of(written.path), {}, "run.json");
  EXPECT_EQ(read, assemble_artifact(run_, domain_, part_));
  EXPECT_EQ(body_digest(read), written.body_sha256);
  EXPECT_EQ(parse_json(text_of(written.path.parent_path() / "manifest.json"), {}, ""),
            read.at("manifest"));
  const std::string log = text_of(written.path.parent_path() / "run.log");
  EXPECT_NE(log.find("note from the experiment\n"), std::string::npos);
  EXPECT_NE(log.find(written.body_sha256), std::string::npos);
}

TEST_F(ArtifactTest, NamesNeverLeaveTheFolder) {
  run_.model_name = "../up";
  domain_.name = "a/b";
  const WrittenArtifact written = write_artifact(folder_, run_, domain_, part_);
  EXPECT_EQ(written.path.lexically_relative(folder_).generic_string(),
            "expert_load/_..--up/a--b/single/run.json");
}

TEST_F(ArtifactTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(folder_ / "expert_load") << "a file with this name";
  try {
    write_artifact(folder_, run_, domain_, part_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), ErrorId::IO004);
  }
}

TEST_F(ArtifactTest, ResultsFilesAreNeverOverwritten) {
  constexpr std::time_t kTime = 1'000'000'000;  // 2001-09-09T01:46:40Z
  const auto first = write_results(folder_, Json{{"run", 1}}, kTime);
  const auto second = write_results(folder_, Json{{"run", 2}}, kTime);
  EXPECT_EQ(first.filename(), "results_20010909_014640.json");
  EXPECT_EQ(second.filename(), "results_20010909_014641.json");
  EXPECT_EQ(parse_json(text_of(first), {}, ""), Json({{"run", 1}}));
}

TEST_F(ArtifactTest, ResultsCompareDomainsOfOneModel) {
  std::vector<ResultEntry> entries;
  for (const double share : {0.3, 0.1}) {
    part_.fields = {{"layers", {0}},
                    {"summary", {{"per_layer", {{"0", {{"share", {share, 0.0, 0.5}}}}}}}}};
    domain_.name = entries.empty() ? "prose" : "code";
    const Json artifact = assemble_artifact(run_, domain_, part_);
    entries.push_back({write_artifact(folder_, artifact), artifact});
  }
  const Json results = assemble_results(folder_, entries, 1'000'000'000);
  EXPECT_EQ(results.at("created_utc"), "2001-09-09T01:46:40Z");
  EXPECT_EQ(results.at("artifacts").at(1).at("path"),
            "expert_load/org--model/code/single/run.json");
  const Json& row = results.at("expert_load").at("domain_specialisation").at(0);
  EXPECT_EQ(row.at("domains"), Json({"prose", "code"}));
  EXPECT_NEAR(row.at("layers").at("0").at(0).at(0).get<double>(), 0.75, 1e-15);
  EXPECT_TRUE(row.at("layers").at("0").at(1).at(0).is_null());
  EXPECT_EQ(row.at("layers").at("0").at(2), Json({0.5, 0.5}));
  EXPECT_FALSE(results.contains("attention_router"));
}

TEST_F(ArtifactTest, ResultsCompareModelsByTheHypotheses) {
  const auto entry = [&](const std::string& label) {
    part_.test = "attention_router";
    part_.fields = {
        {"layers", {0}},
        {"convention", "exact"},
        {"prompts", Json::array()},
        {"summary",
         {{"published_table", Json::array()},
          {"context_tests", Json::object()},
          {"per_layer", Json::object()},
          {"verdict",
           {{"exact", label}, {"published", {{"without_first", {{"label", label}}}}}}}}}};
    ResultEntry made;
    made.artifact = assemble_artifact(run_, domain_, part_);
    made.written = {part_.test, domain_.name, folder_ / "run.json", ""};
    return made;
  };
  const auto compared = [&](std::vector<std::string> labels) {
    std::vector<ResultEntry> entries;
    for (const std::string& label : labels) entries.push_back(entry(label));
    const Json results = assemble_results(folder_, entries, 0);
    return results.at("attention_router").at("comparison").at("exact").get<std::string>();
  };
  EXPECT_EQ(compared({"H1", "H1"}), "H1");
  EXPECT_EQ(compared({"H1", "H2"}), "H2");
  EXPECT_EQ(compared({"H2", "H3", "H1"}), "H3");
  EXPECT_EQ(compared({"H1", "inconclusive"}), "inconclusive");
}

}  // namespace
}  // namespace rg::record
