// The passes of an audit on tiny checkpoints, artifacts as the run writes them.
#include "lab/audit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

// A copy of `tiny` whose tensors with `part` in their names are those of `values_of`.
std::string write_copy(const test::TempFolder& folder, const test::TinyOlmoe& tiny,
                       const std::string& part, const test::TinyOlmoe& values_of) {
  std::vector<test::FileTensor> tensors = test::olmoe_tensors(tiny);
  const std::vector<test::FileTensor> others = test::olmoe_tensors(values_of);
  size_t changed = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name.find(part) == std::string::npos) continue;
    tensors[i].bytes = others[i].bytes;
    ++changed;
  }
  EXPECT_GT(changed, 0u) << part;
  write_model(folder, tiny);
  test::write_checkpoint(folder.path(), test::olmoe_config(tiny), tensors, 1);
  return folder.path().string();
}

class AuditRun : public testing::Test {
 protected:
  AuditRun() {
    for (const char* domain : {"t", "u"}) {
      for (int document = 0; document < 6; ++document) {
        std::string text;
        for (int i = 0; i < 80; ++i) {
          text += std::to_string(i * (document + 2)) + domain + " words follow words. ";
        }
        test::put_file(texts / domain / (std::to_string(document) + ".txt"), text);
      }
    }
  }

  TextSettings text_settings(const std::vector<std::string>& domains) const {
    TextSettings settings;
    for (const std::string& domain : domains) {
      settings.domains.push_back({.name = domain, .path = texts / domain});
    }
    settings.windows.windows = 20;
    settings.windows.seq_len = 16;
    return settings;
  }
  static PassSettings pass_settings() {
    PassSettings settings;
    settings.engine.compute = "f32";
    settings.engine.threads = 2;
    settings.engine.memory_bytes = uint64_t{1} << 30;
    settings.experiments.parameters["bootstrap"] = 200;
    return settings;
  }
  // The artifacts, by domain.
  std::vector<Json> audit(const std::string& reference, const std::string& copy,
                          const std::vector<std::string>& domains = {"t"},
                          const PassSettings& settings = pass_settings()) const {
    const test::TempFolder out;
    test::KeptProgress progress;
    Audit study(reference, copy, Purpose::run, text_settings(domains), settings);
    study.read(settings.engine, out.path(), progress);
    study.programme().make_plans(out.path());
    study.programme().run(progress, [&](Pass& pass, const stream::PassResult& result) {
      study.take(pass, result, out.path(), progress);
    });
    std::vector<Json> artifacts;
    for (const record::ResultEntry& entry : study.write(out.path())) {
      artifacts.push_back(entry.artifact);
    }
    return artifacts;
  }
  static uint64_t total(const Json& by_layer, const char* layer) {
    uint64_t sum = 0;
    for (const Json& count : by_layer.at(layer)) sum += count.get<uint64_t>();
    return sum;
  }

  const test::TempFolder texts, a_folder, b_folder;
  const test::TinyOlmoe tiny = tiny_model(1);
  const std::string a = write_model(a_folder, tiny);
};

TEST_F(AuditRun, OfAModelWithItselfIsIdentical) {
  const std::vector<Json> artifacts = audit(a, a, {"t", "u"});
  ASSERT_EQ(artifacts.size(), 2u);
  for (const Json& artifact : artifacts) {
    const std::string name = a_folder.path().filename().string();
    EXPECT_EQ(artifact.at("edge").at("ckpt_a"), name + " (A)");
    EXPECT_EQ(artifact.at("edge").at("ckpt_b"), name + " (B)");
    EXPECT_EQ(artifact.at("model").at("ckpt"), name + " (A)");
    EXPECT_EQ(artifact.at("other").at("ckpt"), name + " (B)");
    EXPECT_EQ(artifact.at("other").at("tensors"), artifact.at("tensors"));
    EXPECT_EQ(artifact.at("gates_equal"), true);
    EXPECT_EQ(artifact.at("summary").at("outcome"), "IDENTICAL");
    const Json& arrays = artifact.at("per_window");
    // Bit for bit: imposed on itself, a run is the plain run.
    EXPECT_EQ(arrays.at("loss_a"), arrays.at("loss_b"));
    EXPECT_EQ(arrays.at("loss_a"), arrays.at("loss_ab"));
    EXPECT_EQ(arrays.at("loss_a"), arrays.at("loss_ba"));
    EXPECT_GT(arrays.at("loss_a")[0], 0);
    EXPECT_NE(arrays.at("loss_a")[0], arrays.at("loss_a")[1]);
  }
}

TEST_F(AuditRun, OneChangedExpertReachesTheGatesBehindIt) {
  test::TinyOlmoe large = tiny;
  large.seed = 5;
  const std::string b = write_copy(b_folder, tiny, "layers.0.mlp.experts", large);
  const Json artifact = audit(a, b).at(0);
  EXPECT_EQ(artifact.at("gates_equal"), true);
  EXPECT_EQ(artifact.at("summary").at("outcome"), "CHANGED");
  const Json& arrays = artifact.at("per_window");
  const Json& mass = arrays.at("mass");
  EXPECT_EQ(total(mass.at("total"), "0"), 0u);  // the first gate reads what it read
  EXPECT_EQ(total(arrays.at("guaranteed_flips"), "1"), 0u);
  EXPECT_GT(total(arrays.at("guaranteed"), "0"), 250u);
  EXPECT_GT(total(arrays.at("flips"), "1"), 20u);
  for (const char* layer : {"0", "1"}) {
    EXPECT_EQ(total(mass.at("local"), layer), 0u);
    EXPECT_EQ(mass.at("total").at(layer), mass.at("inherited").at(layer));
    EXPECT_EQ(mass.at("total").at(layer), mass.at("through_a").at(layer));
  }
  EXPECT_NE(arrays.at("loss_a"), arrays.at("loss_b"));
  EXPECT_NE(arrays.at("loss_a"), arrays.at("loss_ab"));
  EXPECT_NE(arrays.at("loss_b"), arrays.at("loss_ba"));
  EXPECT_GT(arrays.at("kl")[0], 0);
  EXPECT_EQ(artifact.at("model").at("ckpt"), a_folder.path().filename().string());
}

TEST_F(AuditRun, AChangedGateFlipsWhatItReadsItself) {
  test::TinyOlmoe other = tiny;
  other.seed = 5;
  const std::string b = write_copy(b_folder, tiny, "layers.0.mlp.gate.weight", other);
  const Json artifact = audit(a, b).at(0);
  EXPECT_EQ(artifact.at("gates_equal"), false);
  const Json& mass = artifact.at("per_window").at("mass");
  EXPECT_GT(total(mass.at("local"), "0"), 50u);
  EXPECT_EQ(mass.at("total").at("0"), mass.at("local").at("0"));
  EXPECT_EQ(total(mass.at("inherited"), "0"), 0u);
  EXPECT_EQ(total(mass.at("through_a"), "0"), 0u);  // A's gate reads the same there
  EXPECT_EQ(total(mass.at("local"), "1"), 0u);
  EXPECT_GT(total(mass.at("inherited"), "1"), 0u);
  EXPECT_TRUE(artifact.at("per_window").at("guaranteed").is_null());
  EXPECT_TRUE(artifact.at("null_reasons").contains("per_window.guaranteed_flips"));
  // With the routes of the other, A's weights give B's loss where only the choice has changed:
  // weights of the mixture differ still.
  EXPECT_NE(artifact.at("per_window").at("loss_ab"), artifact.at("per_window").at("loss_a"));
}

TEST_F(AuditRun, DependsOnNeitherThreadsNorBlocksNorMemory) {
  test::TinyOlmoe other = tiny;
  other.seed = 5;
  const std::string b = write_copy(b_folder, tiny, "mlp", other);
  const std::vector<Json> first = audit(a, b, {"t", "u"});
  PassSettings settings = pass_settings();
  settings.engine.threads = 1;
  settings.engine.block_windows = 3;
  settings.engine.memory_bytes = uint64_t{70} << 20;
  const std::vector<Json> second = audit(a, b, {"t", "u"}, settings);
  for (size_t d = 0; d < 2; ++d) {
    EXPECT_EQ(first.at(d).at("body_sha256"), second.at(d).at("body_sha256"));
  }
  // A domain is measured as it is alone.
  const Json alone = audit(a, b, {"t"}).at(0);
  for (const char* array : {"mass", "kl", "loss_ab", "loss_ba", "floor", "onset"}) {
    EXPECT_EQ(alone.at("per_window").at(array), first.at(0).at("per_window").at(array)) << array;
  }
}

TEST_F(AuditRun, MeasuresTheLayersThatWereAskedFor) {
  test::TinyOlmoe other = tiny;
  other.seed = 5;
  const std::string b = write_copy(b_folder, tiny, "mlp", other);
  PassSettings settings = pass_settings();
  settings.layers = {1};
  const Json all = audit(a, b).at(0), one = audit(a, b, {"t"}, settings).at(0);
  EXPECT_EQ(one.at("layers"), Json::array({1}));
  EXPECT_EQ(one.at("per_window").at("flips").at("1"), all.at("per_window").at("flips").at("1"));
  EXPECT_EQ(one.at("per_window").at("onset").at("1"), one.at("per_window").at("flips").at("1"));
  // Routes are imposed at every layer all the same.
  EXPECT_EQ(one.at("per_window").at("loss_ab"), all.at("per_window").at("loss_ab"));
}

TEST_F(AuditRun, PlansItsPassesAndWhatTheyKeep) {
  Audit study(a, a, Purpose::plan, text_settings({"t"}), pass_settings());
  study.assume();
  const test::TempFolder out;
  study.programme().make_plans(out.path());
  const auto passes = study.programme().passes();
  const bool bf16 = !test::caught([] { stream::choose_compute("bf16"); }).id;
  ASSERT_EQ(passes.size(), bf16 ? 5u : 4u);
  const uint64_t rows = 20 * 15, inputs = tiny.width * sizeof(float);
  EXPECT_GT(passes[0]->plan().kept_bytes, 2 * rows * inputs);
  EXPECT_EQ(passes[1]->plan().kept_bytes, 0u);
  EXPECT_EQ(passes[0]->plan().spilled.front().what, "experiments' records for later passes");
  for (const size_t imposed : {size_t{2}, size_t{3}}) {
    EXPECT_TRUE(passes[imposed]->intervention());
    const auto& lines = passes[imposed]->plan().memory;
    const auto line = std::find_if(lines.begin(), lines.end(), [](const stream::Plan::Line& entry) {
      return entry.what == "imposed routes";
    });
    ASSERT_NE(line, lines.end());
    EXPECT_EQ(line->bytes, 2u * 20 * 16 * tiny.top_k * sizeof(int32_t));
  }
  EXPECT_EQ(study.programme().cost().spill_bytes, passes[0]->plan().kept_bytes);
}

}  // namespace
}  // namespace rg::lab
