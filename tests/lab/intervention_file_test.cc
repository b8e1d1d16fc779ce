// The intervention file, and what a pass says of the intervention it was given.
#include "lab/intervention_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "lab/facts.h"
#include "lab/pass.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

class InterventionFile : public testing::Test {
 protected:
  stream::Intervention read(std::string_view text) const { return read_file(text).intervention; }
  lab::InterventionFile read_file(std::string_view text) const {
    test::put_file(texts / "touch.json", text);
    return read_intervention(texts / "touch.json", subject.model());
  }
  void expect_refused(std::string_view text, std::string_view object,
                      std::string_view words) const {
    const auto error = test::caught([&] { read(text); });
    EXPECT_EQ(error.id, ErrorId::US001) << text;
    EXPECT_EQ(error.parts.object, object) << error.line;
    EXPECT_EQ(error.parts.file, (texts / "touch.json").string());
    EXPECT_TRUE(error.says(words)) << error.line;
  }
  // The file with one row.
  static std::string row(const std::string& row) { return R"({"interventions": [)" + row + "]}"; }

  test::TempFolder folder, texts;
  Subject subject = open_with_tokenizer(write_model(folder, tiny_model(1)));
};

TEST_F(InterventionFile, SaysWhichExpertsAreTouchedAndHow) {
  ASSERT_GE(subject.model().gate().experts, 4u);
  const stream::Intervention found = read(R"({"interventions": [
      {"layer": 1, "expert": 2, "action": {"scale": 0.5}},
      {"layer": 0, "expert": 3, "action": "mask"},
      {"layer": 1, "expert": 2, "action": "force"},
      {"layer": 1, "expert": 0, "action": {"scale": -2}}]})");
  ASSERT_EQ(found.layers.size(), 2u);
  EXPECT_EQ(found.of(0)->masked, (std::vector<int32_t>{3}));
  EXPECT_TRUE(found.of(0)->forced.empty());
  EXPECT_EQ(found.of(1)->forced, (std::vector<int32_t>{2}));
  ASSERT_EQ(found.of(1)->scaled.size(), 2u);
  EXPECT_EQ(found.of(1)->scaled[0].expert, 0);
  EXPECT_EQ(found.of(1)->scaled[0].factor, -2.0f);
  EXPECT_EQ(found.of(1)->scaled[1].factor, 0.5f);
  EXPECT_EQ(found.of(2), nullptr);
  EXPECT_EQ(read(write_json(to_json(found), JsonLayout::compact)).layers.size(), 2u);
  EXPECT_EQ(write_json(to_json(found), JsonLayout::compact),
            R"({"interventions":[{"layer":0,"expert":3,"action":"mask"},)"
            R"({"layer":1,"expert":2,"action":"force"},)"
            R"({"layer":1,"expert":0,"action":{"scale":-2}},)"
            R"({"layer":1,"expert":2,"action":{"scale":0.5}}]})");
  EXPECT_TRUE(read(R"({"interventions": []})").layers.empty());
}

TEST_F(InterventionFile, OfAnotherFormIsRefusedWithItsPlace) {
  expect_refused("[]", "the file", "an object of interventions");
  expect_refused("{}", "the file", "an object of interventions");
  expect_refused(R"({"interventions": [], "more": 1})", "the file", "an object of interventions");
  expect_refused(R"({"interventions": {}})", "interventions", "an array");
  expect_refused(row("7"), "interventions[0]", "an object of layer, expert, action");
  expect_refused(row(R"({"layer": 0, "expert": 0})"), "interventions[0]", "action");
  expect_refused(row(R"({"layer": 0, "expert": 0, "action": "mask", "why": ""})"),
                 "interventions[0]", "an object of layer, expert, action");
  for (const char* layer : {"-1", "0.5", "\"0\"", "2147483648", "null"}) {
    expect_refused(
        row(std::string(R"({"layer": )") + layer + R"(, "expert": 0, "action": "mask"})"),
        "interventions[0].layer", "a whole number");
  }
  expect_refused(row(R"({"layer": 0, "expert": 1.0, "action": "mask"})"), "interventions[0].expert",
                 "a whole number");
  for (const char* action : {"\"drop\"", "{}", "{\"scale\": \"1\"}", "{\"scale\": 1, \"by\": 1}",
                             "{\"scale\": 1e39}", "1"}) {
    expect_refused(row(std::string(R"({"layer": 0, "expert": 0, "action": )") + action + "}"),
                   "interventions[0].action", "a number within fp32");
  }
  EXPECT_EQ(test::caught([&] { read(R"({"interventions": [], "interventions": []})"); }).id,
            ErrorId::JS002);
}

TEST_F(InterventionFile, MayNameALogWhoseRoutesAreImposed) {
  const auto with = [](const std::string& routes) {
    return R"({"interventions": [{"layer": 0, "expert": 3, "action": "mask"}], "routes": )" +
           routes + "}";
  };
  EXPECT_FALSE(read_file(row("")).routes);
  lab::InterventionFile found = read_file(with(R"({"log": "logs/a", "weights": "own"})"));
  ASSERT_TRUE(found.routes);
  EXPECT_EQ(found.routes->log, texts / "logs/a");
  EXPECT_FALSE(found.routes->weights);
  EXPECT_EQ(found.intervention.of(0)->masked, (std::vector<int32_t>{3}));
  EXPECT_TRUE(found.intervention.of(0)->imposed_ids.empty());
  found = read_file(with(R"({"weights": "replayed", "log": "/logs/a"})"));
  EXPECT_EQ(found.routes->log, "/logs/a");
  EXPECT_TRUE(found.routes->weights);

  expect_refused(with("3"), "routes", "an object of log, weights");
  expect_refused(with(R"({"log": "a"})"), "routes", "an object of log, weights");
  expect_refused(with(R"({"log": "a", "weights": "own", "k": 2})"), "routes", "log, weights");
  expect_refused(with(R"({"log": "", "weights": "own"})"), "routes.log", "the path of a");
  expect_refused(with(R"({"log": 1, "weights": "own"})"), "routes.log", "the path of a");
  for (const char* weights : {"\"mine\"", "true", "null"}) {
    expect_refused(with(fmt::format(R"({{"log": "a", "weights": {}}})", weights)), "routes.weights",
                   "\"own\" or \"replayed\"");
  }
  expect_refused(R"({"routes": {"log": "a", "weights": "own"}})", "the file", "interventions");
}

TEST_F(InterventionFile, ThatTheModelHasNoPlaceForIsRefused) {
  const auto experts = subject.model().gate().experts.value;
  const auto layers = subject.model().layers.size();
  expect_refused(row(fmt::format(R"({{"layer": {}, "expert": 0, "action": "mask"}})", layers)),
                 fmt::format("layer {}", layers), "no gate there");
  expect_refused(row(fmt::format(R"({{"layer": 0, "expert": {}, "action": "force"}})", experts)),
                 "layer 0", "experts from 0 to");
  std::string most;
  for (uint32_t e = 1; e < experts; ++e) {
    most += fmt::format(R"({}{{"layer": 1, "expert": {}, "action": "mask"}})", e > 1 ? "," : "", e);
  }
  expect_refused(row(most), "layer 1", "at least k");
}

TEST_F(InterventionFile, IsNamedByThePassThatDoesIt) {
  test::put_file(texts / "t/text.txt", std::string(4000, 'a') + " words follow words");
  TextSettings text;
  text.domains = {{.name = "t", .path = texts / "t"}};
  text.windows.windows = 2;
  text.windows.seq_len = 16;
  PassSettings settings;
  settings.engine.compute = "f32";
  settings.engine.threads = 1;
  Samples samples(subject, text, settings.experiments);
  test::KeptProgress progress;
  samples.read(settings.engine, {}, progress);
  const Pass plain(subject, samples, settings);
  Pass touched(subject, samples, settings), imposed(subject, samples, settings);
  touched.intervene(read(row(R"({"layer": 1, "expert": 2, "action": "force"})")));
  EXPECT_FALSE(plain.identity().contains("intervention"));
  EXPECT_FALSE(effective_settings(plain).contains("intervention"));
  EXPECT_EQ(touched.identity().at("intervention"), to_json(*touched.intervention()));
  EXPECT_EQ(effective_settings(touched).at("intervention"), to_json(*touched.intervention()));
  EXPECT_EQ(plain.engine().intervention, nullptr);
  touched.make_plan(texts.path());
  EXPECT_EQ(touched.engine().intervention, &*touched.intervention());

  const std::vector<int32_t> too_few(subject.model().gate().top_k);
  imposed.intervene({"another run", {{0, {.imposed_ids = too_few}}}});
  EXPECT_EQ(
      imposed.identity()["intervention"]["interventions"][0]["action"]["impose"]["ids_sha256"],
      sha256_hex(std::as_bytes(std::span(too_few))));
  EXPECT_EQ(test::caught([&] { imposed.make_plan(texts.path()); }).id, ErrorId::US001);
  EXPECT_EQ(test::caught([&] { imposed.intervene({"", {{99, {}}}}); }).id, ErrorId::US001);
}

}  // namespace
}  // namespace rg::lab
