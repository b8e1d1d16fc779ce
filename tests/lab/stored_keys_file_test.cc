// The file of stored keys, and what is made of it.
#include "lab/stored_keys_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/caught.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

constexpr uint32_t kStoredSeqLen = 16;

class StoredKeysFile : public testing::Test {
 protected:
  static Json plain() {
    return {{"step", "scored"}, {"layers", "all"},         {"bits", 4},
            {"scale", "key"},   {"rule", "least_squares"}, {"values", false}};
  }
  // With one member more, or another value.
  static Json with(const std::string& member, Json value) {
    Json file = plain();
    file[member] = std::move(value);
    return file;
  }
  static Json fitted(Json fit) {
    Json file = with("scale", "channel");
    file["fit"] = std::move(fit);
    return file;
  }
  StoredKeys read(const Json& file, const Subject& of) const {
    test::put_file(texts / "keys.json", write_json(file, JsonLayout::compact));
    return read_stored_keys(texts / "keys.json", of.model(), kStoredSeqLen);
  }
  StoredKeys read(const Json& file) const { return read(file, subject); }
  void expect_refused(const Json& file, std::string_view object, std::string_view words,
                      const Subject& of) const {
    const auto error = test::caught([&] { read(file, of); });
    EXPECT_EQ(error.id, ErrorId::US001) << file;
    EXPECT_EQ(error.parts.object, object) << error.line;
    EXPECT_EQ(error.parts.file, (texts / "keys.json").string());
    EXPECT_FALSE(error.parts.hint.empty()) << error.line;
    EXPECT_TRUE(error.says(words)) << error.line;
  }
  void expect_refused(const Json& file, std::string_view object, std::string_view words) const {
    expect_refused(file, object, words, subject);
  }
  static Subject golden(const std::string& of) {
    return Subject::open(std::string(RG_TEST_DATA) + "/families/" + of + "/model");
  }

  const test::TempFolder texts, folder;
  const Subject subject = Subject::open(write_model(folder, tiny_model(1)));  // two layers
};

TEST_F(StoredKeysFile, IsReadAndSaid) {
  const StoredKeys own = read(plain());
  EXPECT_EQ(own.step, model::KeyStep::scored);
  EXPECT_EQ(own.layers, (std::vector<int>{0, 1}));
  EXPECT_FALSE(own.fit);
  EXPECT_EQ(name_of(own), "scored keys in 4 bits");
  EXPECT_EQ(write_json(describe(own), JsonLayout::compact),
            R"({"bits":4,"scale":"key","rule":"least_squares","values":false,"fit":null})");

  Json file = fitted({{"documents", "all"}, {"positions", 9}, {"sink_positions", 2}});
  file["bits"] = 1;
  file["rule"] = "unbiased";
  file["values"] = true;
  file["step"] = "normed";
  file["layers"] = {1, 0};
  const StoredKeys shared = read(file);
  EXPECT_EQ(shared.spec.scale_of, keys::ScaleOf::channel);
  EXPECT_EQ(shared.spec.centring, keys::Centring::raw);
  EXPECT_EQ(shared.layers, (std::vector<int>{0, 1}));
  EXPECT_EQ(name_of(shared), "normed keys and values in 1 bit");
  const Json said = describe(shared);
  for (const char* member : {"bits", "scale", "rule", "values", "fit"}) {
    EXPECT_EQ(said.at(member), file.at(member)) << member;
  }
  file["scale"] = "head";
  file["rule"] = "norm";
  file["fit"]["documents"] = "even";
  const StoredKeys head = read(file);
  EXPECT_EQ(describe(head).at("scale"), "head");
  EXPECT_EQ(describe(head).at("rule"), "norm");
  EXPECT_FALSE(head.fit->all_documents);
}

TEST_F(StoredKeysFile, OfAnotherFormIsRefusedWithItsPlace) {
  expect_refused(Json::array(), "the file", "an object of step, layers, bits");
  expect_refused(with("more", 1), "the file", "an object of step");
  expect_refused(with("fit", nullptr), "the file", "of fit where a scale is shared");
  expect_refused(with("scale", "head"), "the file", "values, fit");
  for (const char* member : {"step", "layers", "bits", "scale", "rule", "values"}) {
    Json file = plain();
    file.erase(member);
    expect_refused(file, "the file", "an object of step");
  }
  for (const Json& bits : {Json(0), Json(5), Json(2.5), Json("4"), Json(-1)}) {
    expect_refused(with("bits", bits), "bits", "from 1 to 4");
  }
  expect_refused(with("step", "cached"), "step", R"("normed", "scored", "latent")");
  expect_refused(with("rule", "mmse"), "rule", R"("least_squares", "norm", "unbiased")");
  expect_refused(with("values", 1), "values", "true or false");
  expect_refused(with("layers", Json::array()), "layers", R"("all" or a list)");
  expect_refused(with("layers", "some"), "layers", R"("all" or a list)");
  expect_refused(with("layers", {0, 1, 0}), "layers", "each layer once");
  for (const Json& layer : {Json(2), Json(-1), Json(0.5), Json("0")}) {
    expect_refused(with("layers", Json::array({0, layer})), "layers[1]", "from 0 to 1");
  }
  Json other = fitted({});
  other["scale"] = "row";
  expect_refused(other, "scale", R"("key", "channel", "head")");
}

TEST_F(StoredKeysFile, LeavesSomethingToFitOn) {
  const auto fit = [](const Json& documents, const Json& positions, const Json& sinks) {
    return fitted({{"documents", documents}, {"positions", positions}, {"sink_positions", sinks}});
  };
  EXPECT_EQ(read(fit("even", 16, 15)).fit->sink_positions, 15u);
  EXPECT_EQ(read(fit("even", 1, 0)).fit->positions, 1u);
  expect_refused(fitted(nullptr), "fit", "an object of documents, positions, sink_positions");
  expect_refused(fitted({{"documents", "even"}}), "fit", "an object of documents");
  expect_refused(fit("odd", 16, 4), "fit.documents", R"("even", "all")");
  expect_refused(fit("even", 0, 0), "fit.positions", "from 1");
  expect_refused(fit("even", 4, 4), "fit.sink_positions", "from 0 to 3");
  expect_refused(fit("even", 99, 16), "fit.sink_positions", "from 0 to 15");
  expect_refused(fit("even", 99, -1), "fit.sink_positions", "--seq-len");
}

TEST_F(StoredKeysFile, FitsTheMixersOfTheModel) {
  expect_refused(with("step", "latent"), "values", "made of the same latents");
  Json latent = with("step", "latent");
  latent["values"] = true;
  expect_refused(latent, "layer 0", "latent attention");
  const Subject of_latents = golden("deepseek_v2/triples-v4");
  const StoredKeys latents = read(latent, of_latents);
  EXPECT_EQ(name_of(latents), "latents in 4 bits");
  EXPECT_EQ(latents.layers.size(), of_latents.model().layers.size());
  EXPECT_EQ(read(plain(), of_latents).step, model::KeyStep::scored);
  expect_refused(with("step", "normed"), "layer 0", "scored or latent", of_latents);

  const Subject hybrid = golden("granitemoehybrid/nope-tied-v4");
  const StoredKeys some = read(plain(), hybrid);
  EXPECT_EQ(some.layers, std::vector<int>{1});  // the only one with keys
  expect_refused(with("layers", {1, 2}), "layer 2", "Mamba-2", hybrid);
}

}  // namespace
}  // namespace rg::lab
