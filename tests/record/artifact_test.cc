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
    run_.model = {
        "org/model", {{"w", "BF16", {4, 8}, "model.safetensors", "abc"}}, {{"config.json", "def"}}};
    run_.terminal_moe_layer = 3;
    run_.moe_layers = {1, 3};
    run_.gate_semantics = {{"topk", 2}};
    run_.settings = {{"seed", 7}};
    run_.notes = {"from the run"};
    run_.manifest = {{"created_utc", "2026-01-01T00:00:00Z"}, {"paths", {{"model", "/a"}}}};
    domain_ = {"prose", {{"source", "books"}, {"n_windows", 2}}, {{"paths", {{"corpus", "/b"}}}}};
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
  TestVersion test_ = {"expert_load", "1.7"};
  Contribution part_;
};

TEST_F(ArtifactTest, MembersStandInTheOrderOfTheContract) {
  const Json artifact = assemble_artifact(run_, domain_, test_, part_).content;
  std::vector<std::string> keys;
  for (const auto& [key, value] : artifact.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{
                      "schema_version", "test", "model", "domain", "data", "gate_semantics",
                      "layers", "summary", "numeric_profile", "program_version", "settings",
                      "inputs", "tensors", "notes", "manifest", "body_sha256"}));
  EXPECT_EQ(artifact.at("test"), "expert_load");
  EXPECT_EQ(artifact.at("schema_version"), "1.7");
  EXPECT_EQ(artifact.at("model"),
            Json({{"ckpt", "org/model"}, {"terminal_moe_layer", 3}, {"moe_layers", {1, 3}}}));
  EXPECT_EQ(artifact.at("notes"), Json({"from the run", "from the experiment"}));
  EXPECT_EQ(artifact.at("manifest").at("paths"), Json({{"model", "/a"}, {"corpus", "/b"}}));
}

TEST_F(ArtifactTest, DigestCoversTheResultsAndNothingElse) {
  const Json artifact = assemble_artifact(run_, domain_, test_, part_).content;
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
  const WrittenArtifact written =
      write_artifact(folder_, assemble_artifact(run_, domain_, test_, part_));
  EXPECT_EQ(written.path, folder_ / "expert_load" / "org--model" / "prose" / "single" / "run.json");
  const Json read = parse_json(text_of(written.path), {}, "run.json");
  EXPECT_EQ(read, assemble_artifact(run_, domain_, test_, part_).content);
  EXPECT_EQ(body_digest(read), written.body_sha256);
  EXPECT_EQ(parse_json(text_of(written.path.parent_path() / "manifest.json"), {}, ""),
            read.at("manifest"));
  const std::string log = text_of(written.path.parent_path() / "run.log");
  EXPECT_NE(log.find("note from the experiment\n"), std::string::npos);
  EXPECT_NE(log.find(written.body_sha256), std::string::npos);
}

TEST_F(ArtifactTest, NamesNeverLeaveTheFolder) {
  run_.model.name = "../up";
  domain_.name = "a/b";
  const WrittenArtifact written =
      write_artifact(folder_, assemble_artifact(run_, domain_, test_, part_));
  EXPECT_EQ(written.path.lexically_relative(folder_).generic_string(),
            "expert_load/_..--up/a--b/single/run.json");
}

TEST_F(ArtifactTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(folder_ / "expert_load") << "a file with this name";
  try {
    write_artifact(folder_, assemble_artifact(run_, domain_, test_, part_));
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

TEST_F(ArtifactTest, ResultsListWhatWasWrittenAndHoldTheComparisons) {
  std::vector<ResultEntry> entries;
  for (const char* name : {"prose", "code"}) {
    domain_.name = name;
    const Artifact artifact = assemble_artifact(run_, domain_, test_, part_);
    entries.push_back({write_artifact(folder_, artifact), artifact.content});
  }
  const Json comparisons = {{"expert_load", {{"domain_specialisation", {1}}}}};
  const Json results = assemble_results(folder_, entries, comparisons, 1'000'000'000);
  EXPECT_EQ(results.at("created_utc"), "2001-09-09T01:46:40Z");
  EXPECT_EQ(results.at("artifacts").at(1).at("path"),
            "expert_load/org--model/code/single/run.json");
  EXPECT_EQ(results.at("expert_load"), comparisons.at("expert_load"));
}

}  // namespace
}  // namespace rg::record
