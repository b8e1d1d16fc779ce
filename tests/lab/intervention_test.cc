// A run with an intervention, from its file to its artifacts, against what single passes say.
#include "lab/intervention.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/sha256.h"
#include "lab/facts.h"
#include "lab/intervention_file.h"
#include "lab/measurement.h"
#include "lab/routing.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

constexpr uint32_t kWindows = 12, kLength = 16, kPositions = kLength - 1;

test::TinyOlmoe touchable_model() {
  test::TinyOlmoe tiny = tiny_model(1);
  tiny.layers = 3;
  return tiny;
}

// Which tokens of which window select an expert, and the loss, in a plain pass.
class PlainObserver : public tap::Observer {
 public:
  PlainObserver(const tap::SequenceSet& set, int layer, int32_t expert)
      : chosen(kWindows, 0), set_(&set), layer_(layer), expert_(expert) {}
  tap::Needs needs() const override { return {}; }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    if (view.layer != layer_) return;
    const size_t ranks = view.spec->top_k + 1;
    for (size_t row = 0; row < block.rows; ++row) {
      const size_t of_set = block.first_row + row;
      if (of_set % kLength == kPositions) continue;
      const int32_t* const ranked = block.ranked + row * ranks;
      chosen[of_set / kLength] += std::count(ranked, ranked + ranks - 1, expert_) > 0;
    }
  }
  std::vector<uint64_t> chosen;  // by window

 private:
  const tap::SequenceSet* set_;
  const int layer_;
  const int32_t expert_;
};

class InterventionRun : public testing::Test {
 protected:
  TextSettings text_settings() const {
    std::string text;
    for (int i = 0; i < 400; ++i) text += std::to_string(i * i) + " words follow words. ";
    test::put_file(files / "t/text.txt", text);
    TextSettings settings;
    settings.domains = {{.name = "t", .path = files / "t"}};
    settings.windows.windows = kWindows;
    settings.windows.seq_len = kLength;
    return settings;
  }
  static PassSettings pass_settings(int threads = 2) {
    PassSettings settings;
    settings.engine.compute = "f32";
    settings.engine.threads = threads;
    settings.engine.memory_bytes = uint64_t{1} << 30;
    settings.experiments.parameters["bootstrap"] = 200;
    return settings;
  }
  // With the routes of `log`, where `weights` says how they are weighed.
  std::unique_ptr<InterventionStudy> study_of(const std::string& rows, const PassSettings& settings,
                                              const std::string& weights = "") const {
    const std::string routes =
        weights.empty() ? "" : R"(, "routes": {"log": "log", "weights": ")" + weights + "\"}";
    test::put_file(files / "touch.json", R"({"interventions": [)" + rows + "]" + routes + "}");
    const auto read_log = [&](const std::filesystem::path& path) {
      EXPECT_EQ(path, files / "log");
      return log;
    };
    return std::make_unique<InterventionStudy>(model, files / "touch.json", read_log, Purpose::run,
                                               text_settings(), settings);
  }
  // The artifact of a run.
  Json run(const std::string& rows, const PassSettings& settings = pass_settings(),
           const std::string& weights = "") const {
    test::KeptProgress progress;
    const auto study = study_of(rows, settings, weights);
    study->read(settings.engine, files.path(), progress);
    study->programme().make_plans(files.path());
    const auto out = files / "out";
    study->programme().run(progress, [&](Pass& pass, const stream::PassResult& result) {
      study->take(pass, result, out, progress);
    });
    auto entries = study->write(out);
    EXPECT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries.at(0).written.test, "intervention");
    return entries.at(0).artifact;
  }
  // By window, tokens that select the expert in a plain pass.
  std::vector<uint64_t> plainly_chosen(int layer, int32_t expert) const {
    std::vector<uint64_t> chosen;
    pass_over([&](Pass& pass, Programme& programme, const Samples& samples) {
      PlainObserver observer(samples.sequences()[0], layer, expert);
      watch(pass, observer, programme);
      chosen = observer.chosen;
    });
    return chosen;
  }
  // What a plain pass chooses, as a log has it.
  RecordedRoutes recorded() const {
    RecordedRoutes routes{.source = "log", .k = 0, .lengths = {}, .tokens = {}, .layers = {}};
    pass_over([&](Pass& pass, Programme& programme, const Samples& samples) {
      const tap::SequenceSet& set = samples.sequences()[0];
      RoutingObserver observer(pass.subject().model(), set, pass.layers());
      routes.k = pass.subject().model().gate().top_k;
      routes.lengths = set.lengths;
      routes.tokens.assign(set.ids.begin(), set.ids.end());
      watch(pass, observer, programme);
      for (LayerRouting& layer : observer.take()) {
        routes.layers[layer.layer] = {.ids = std::move(layer.ids),
                                      .weights = std::move(layer.weights)};
      }
    });
    return routes;
  }
  void watch(Pass& pass, tap::Observer& observer, Programme& programme) const {
    test::KeptProgress progress;
    pass.watch(observer);
    programme.make_plans(files.path());
    programme.run(progress, [](const Pass&, const stream::PassResult&) {});
  }
  template <typename Do>
  void pass_over(const Do& act) const {
    test::KeptProgress progress;
    Programme programme;
    const PassSettings settings = pass_settings();
    const Subject& subject = programme.add_reader(model, Purpose::run, false);
    Samples& samples = programme.add_samples(subject, text_settings(), {});
    samples.read(settings.engine, {}, progress);
    act(programme.add(subject, samples, settings), programme, samples);
  }
  static std::string touch(int layer, int expert, const std::string& action) {
    return fmt::format(R"({{"layer": {}, "expert": {}, "action": {}}})", layer, expert, action);
  }

  // LG008 and so on, with this place and words.
  void expect_refused(ErrorId id, const std::string& object, std::string_view words,
                      const std::string& weights = "replayed") const {
    test::KeptProgress progress;
    const auto error = test::caught([&] {
      study_of("", pass_settings(), weights)->read(pass_settings().engine, files.path(), progress);
    });
    EXPECT_EQ(error.id, id) << error.line;
    EXPECT_EQ(error.parts.file, "log");
    EXPECT_EQ(error.parts.object, object) << error.line;
    EXPECT_TRUE(error.says(words)) << error.line;
  }

  RecordedRoutes log = {.source = "", .k = 0, .lengths = {}, .tokens = {}, .layers = {}};
  test::TempFolder folder, files;
  std::string model = write_model(folder, touchable_model());
};

const Json kNothing = std::vector<int>(kWindows, 0);

TEST_F(InterventionRun, WithoutRowsIsThePlainRunBitForBit) {
  const Json artifact = run("");
  const Json &windows = artifact["per_window"], &summary = artifact["summary"];
  EXPECT_EQ(summary["outcome"], "UNCHANGED");
  EXPECT_EQ(windows["loss"], windows["loss_plain"]);
  EXPECT_GT(windows["loss"][0], 1.0);
  EXPECT_NE(windows["loss"][0], windows["loss"][1]);
  for (const Json& kl : windows["kl"]) EXPECT_EQ(kl.get<double>(), 0.0);
  for (const Json& equal : windows["top1_equal"]) EXPECT_EQ(equal, kPositions);
  for (const char* layer : {"0", "1", "2"}) {
    EXPECT_EQ(windows["mass"][layer], kNothing);
    EXPECT_EQ(windows["changed"][layer], kNothing);
  }
  EXPECT_TRUE(summary["downstream"].is_null());
  EXPECT_EQ(artifact["intervention"]["interventions"], Json::array());
  EXPECT_EQ(artifact["settings"]["intervention"], artifact["intervention"]);
  EXPECT_EQ(artifact["settings"]["parameters"]["bootstrap"], 200);
  EXPECT_EQ(summary["bootstrap"]["B"], 200);
}

TEST_F(InterventionRun, ThatScalesByOneChangesNothing) {
  const Json artifact = run(touch(1, 2, R"({"scale": 1})"));
  EXPECT_EQ(artifact["summary"]["outcome"], "UNCHANGED");
  EXPECT_EQ(artifact["summary"]["downstream"]["overlap"]["rate"], 1.0);
}

TEST_F(InterventionRun, ThatMasksReplacesTheExpertWhereItWasChosen) {
  const Json artifact = run(touch(1, 2, "\"mask\""));
  const Json& windows = artifact["per_window"];
  EXPECT_EQ(artifact["summary"]["outcome"], "CHANGED");
  EXPECT_EQ(windows["mass"]["0"], kNothing);
  const std::vector<uint64_t> chosen = plainly_chosen(1, 2);
  ASSERT_GT(*std::max_element(chosen.begin(), chosen.end()), 0u);
  EXPECT_EQ(windows["mass"]["1"], Json(chosen));  // one other expert in its place
  EXPECT_EQ(windows["changed"]["1"], Json(chosen));
  EXPECT_NE(windows["mass"]["2"], kNothing);
  EXPECT_NE(windows["loss"], windows["loss_plain"]);
  EXPECT_GT(artifact["summary"]["kl"]["mean"], 0.0);
  EXPECT_LT(artifact["summary"]["downstream"]["overlap"]["rate"], 1.0);
  EXPECT_EQ(windows["loss_plain"], run("")["per_window"]["loss_plain"]);
}

TEST_F(InterventionRun, ThatForcesAddsTheExpertWhereItWasNotChosen) {
  const Json artifact = run(touch(1, 2, "\"force\""));
  std::vector<uint64_t> not_chosen = plainly_chosen(1, 2);
  for (uint64_t& tokens : not_chosen) tokens = kPositions - tokens;
  EXPECT_EQ(artifact["per_window"]["mass"]["1"], Json(not_chosen));
  EXPECT_EQ(artifact["per_window"]["mass"]["0"], kNothing);
}

TEST_F(InterventionRun, ThatScalesLeavesItsOwnLayersRoutes) {
  const Json artifact = run(touch(0, 1, R"({"scale": -3})"));
  EXPECT_EQ(artifact["per_window"]["mass"]["0"], kNothing);
  EXPECT_NE(artifact["per_window"]["mass"]["1"], kNothing);
  EXPECT_EQ(artifact["summary"]["outcome"], "CHANGED");
}

TEST_F(InterventionRun, ThatImposesItsOwnRoutesChangesNothing) {
  log = recorded();
  ASSERT_EQ(log.layers.size(), 3u);
  for (const std::string weights : {"own", "replayed"}) {
    const Json artifact = run("", pass_settings(), weights);
    EXPECT_EQ(artifact["summary"]["outcome"], "UNCHANGED") << weights;
    EXPECT_EQ(artifact["per_window"]["kl"], kNothing);
    EXPECT_EQ(artifact["summary"]["downstream"]["overlap"]["rate"], 1.0);
    Json rows = Json::array();
    for (const auto& [layer, routes] : log.layers) {
      const auto digest = [](const auto& values) {
        return Json(sha256_hex(std::as_bytes(std::span(values))));
      };
      rows.push_back(
          {{"layer", layer},
           {"action",
            {{"impose",
              {{"ids_sha256", digest(routes.ids)},
               {"weights_sha256", weights == "own" ? Json() : digest(routes.weights)}}}}}});
    }
    EXPECT_EQ(artifact["intervention"]["interventions"], rows);
    EXPECT_EQ(artifact["settings"]["intervention"], artifact["intervention"]);
  }
}

TEST_F(InterventionRun, ThatImposesOtherRoutesReplacesThem) {
  log = recorded();
  const RecordedLayer plain = log.layers.at(1);
  log.layers = {{1, plain}};
  std::vector<uint64_t> mass(kWindows, 0);
  const auto experts = static_cast<int32_t>(touchable_model().experts);
  for (size_t row = 0; row < log.tokens.size(); ++row) {
    const auto first = plain.ids.begin() + static_cast<ptrdiff_t>(row * log.k);
    for (uint32_t i = 0; i < log.k; ++i) {
      int32_t& id = log.layers.at(1).ids[row * log.k + i];
      id = (id + 1) % experts;
      const bool kept = std::find(first, first + log.k, id) != first + log.k;
      if (row % kLength != kPositions) mass[row / kLength] += kept ? 0 : 1;
    }
  }
  ASSERT_GT(mass[0], 0u);
  const Json artifact = run(touch(1, 2, R"({"scale": 2})"), pass_settings(), "own");
  EXPECT_EQ(artifact["per_window"]["mass"]["0"], kNothing);
  EXPECT_EQ(artifact["per_window"]["mass"]["1"], Json(mass));
  EXPECT_NE(artifact["per_window"]["mass"]["2"], kNothing);
  EXPECT_EQ(artifact["summary"]["downstream"], artifact["summary"]["per_layer"]["2"]);
  EXPECT_EQ(artifact["intervention"]["interventions"].size(), 2u);
  log.layers.at(1) = plain;
  for (float& weight : log.layers.at(1).weights) weight *= 2;
  const Json heavier = run("", pass_settings(), "replayed");
  EXPECT_EQ(heavier["per_window"]["mass"]["1"], kNothing);
  EXPECT_EQ(heavier["summary"]["outcome"], "CHANGED");
}

TEST_F(InterventionRun, RefusesRoutesOfOtherTokensOrModels) {
  const RecordedRoutes whole = log = recorded();
  const size_t row = 2 * kLength + 5;
  log.tokens[row] += 1;
  expect_refused(ErrorId::LG008, "sequence 2, position 5",
                 fmt::format("found token id {}, expected {} as in domain:t", log.tokens[row],
                             whole.tokens[row]));
  log = whole;
  log.lengths.pop_back();
  expect_refused(ErrorId::LG008, "sequences", "found 11 sequences, expected 12,");
  EXPECT_EQ(test::caught([&] { study_of("", pass_settings(), "own")->assume(); }).id,
            ErrorId::LG008);
  log = whole;
  --log.lengths[3];
  expect_refused(ErrorId::LG008, "sequence 3", "found 15 rows, expected 16,");
  log = whole;
  ++log.k;
  expect_refused(ErrorId::LG008, "experts",
                 fmt::format("found {} for each token, expected k = {} ", log.k, whole.k));
  log = whole;
  log.layers[7] = log.layers[0];
  expect_refused(ErrorId::LG008, "layers", "found 7, expected layers with a gate, 0-2");
  log = whole;
  log.layers[1].weights.clear();
  expect_refused(ErrorId::LG006, "layer 1", "no weights");
  EXPECT_EQ(run("", pass_settings(), "own")["summary"]["outcome"], "UNCHANGED");
  log = whole;
  log.layers[1].weights[4] = std::numeric_limits<float>::infinity();
  expect_refused(ErrorId::LG005, "layer 1", "found weight inf in row");
  log = whole;
  EXPECT_EQ(test::caught([&] { study_of(touch(1, 2, "\"mask\""), pass_settings(), "own"); }).id,
            ErrorId::US001);
}

TEST_F(InterventionRun, MeasuresTheLayersAskedFor) {
  PassSettings settings = pass_settings();
  settings.layers = {0, 2};
  const Json artifact = run(touch(1, 2, "\"mask\""), settings);
  EXPECT_EQ(artifact["layers"], Json({0, 2}));
  EXPECT_EQ(artifact["verification"]["required_layers"], Json({0, 2}));
  EXPECT_EQ(artifact["summary"]["downstream"], artifact["summary"]["per_layer"]["2"]);
  EXPECT_FALSE(artifact["per_window"]["mass"].contains("1"));
}

TEST_F(InterventionRun, GivesTheSameResultsForAnyThreadsAndBlocks) {
  const std::string rows = touch(0, 1, "\"mask\"") + "," + touch(1, 3, R"({"scale": 2})");
  PassSettings blocks = pass_settings();
  blocks.engine.block_windows = 5;
  const Json first = run(rows, pass_settings(1));
  EXPECT_EQ(run(rows)["body_sha256"], first["body_sha256"]);
  EXPECT_EQ(run(rows, blocks)["body_sha256"], first["body_sha256"]);
  EXPECT_NE(run("")["body_sha256"], first["body_sha256"]);
}

TEST_F(InterventionRun, IsIdentifiedByWhatItChanges) {
  test::KeptProgress progress;
  const PassSettings settings = pass_settings();
  const auto identity = [&](Study& study) {
    study.read(settings.engine, files.path(), progress);
    return study.identity();
  };
  const Json mask = identity(*study_of(touch(1, 2, "\"mask\""), settings));
  EXPECT_NE(mask, identity(*study_of(touch(1, 2, "\"force\""), settings)));
  EXPECT_EQ(mask, identity(*study_of(touch(1, 2, "\"mask\""), settings)));
  EXPECT_EQ(mask["inputs"].size(), 2u);
  EXPECT_EQ(mask["experiments"], Json({"intervention"}));
  PassSettings more = settings;
  more.experiments.parameters["bootstrap"] = 300;
  EXPECT_NE(mask, identity(*study_of(touch(1, 2, "\"mask\""), more)));
  const Json none = identity(*study_of("", settings));
  EXPECT_EQ(none["inputs"][1]["intervention"]["interventions"], Json::array());
  Measurement plain({model}, Purpose::run, text_settings(), settings);
  EXPECT_NE(none, identity(plain));
}

TEST_F(InterventionRun, PlansWhatBothPassesHold) {
  test::KeptProgress progress;
  const PassSettings settings = pass_settings();
  const auto study = study_of(touch(1, 2, "\"mask\""), settings);
  study->assume();
  Programme& programme = study->programme();
  programme.make_plans(files.path());
  EXPECT_EQ(programme.cost().passes, 2);
  const auto held = [&](size_t pass) {
    for (const auto& line : programme.passes()[pass]->plan().memory) {
      if (line.what == "experiments' own records") return line.bytes;
    }
    return uint64_t{0};
  };
  const uint64_t routes = uint64_t{3} * kWindows * kPositions * 2 * sizeof(uint16_t);
  const uint64_t outputs = kWindows * (5 + kPositions) * sizeof(double);
  const uint64_t counts = (2 * 3 + 1) * kWindows * sizeof(uint64_t);
  EXPECT_EQ(held(0), routes + outputs);
  EXPECT_EQ(held(1), routes + 2 * outputs + counts);
  EXPECT_GT(programme.passes()[0]->plan().kept_bytes, 0u);
}

TEST_F(InterventionRun, RefusesWhatItCannotDo) {
  const PassSettings settings = pass_settings();
  EXPECT_EQ(test::caught([&] { study_of(touch(3, 0, "\"mask\""), settings); }).id, ErrorId::US001);
  PassSettings odd = settings;
  odd.experiments.parameters["bootstrap"] = 7;
  EXPECT_EQ(test::caught([&] { study_of("", odd); }).id, ErrorId::US003);
}

}  // namespace
}  // namespace rg::lab
