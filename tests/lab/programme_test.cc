// Passes in order, with shared samples; what they cost together; what is freed when.
#include "lab/programme.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "lab/outcome.h"
#include "support/caught.h"
#include "support/kept_progress.h"
#include "tiny_subject.h"

namespace rg::lab {
namespace {

struct TwoModels {
  test::TempFolder a, b, texts;
  std::vector<std::string> models = {write_model(a, tiny_model(1)), write_model(b, tiny_model(2))};

  TextSettings text_settings() const {
    std::string text;
    for (int i = 0; i < 400; ++i) text += std::to_string(i * i) + " words follow words. ";
    test::put_file(texts / "t/text.txt", text);
    TextSettings settings;
    settings.domains = {{.name = "t", .path = texts / "t"}};
    settings.windows.windows = 20;
    settings.windows.seq_len = 16;
    return settings;
  }
  static PassSettings pass_settings() {
    PassSettings settings;
    settings.engine.compute = "f32";
    settings.engine.threads = 2;
    settings.engine.memory_bytes = uint64_t{1} << 30;
    settings.experiments.names = {"expert_load"};
    return settings;
  }
};

void add_and_plan(Programme& programme, const TwoModels& two,
                  const std::vector<std::string>& models) {
  test::KeptProgress progress;
  const PassSettings settings = TwoModels::pass_settings();
  const TextSettings texts = two.text_settings();
  for (const std::string& model : models) {
    const Subject& subject = programme.add_reader(model, Purpose::run, texts.allow_regex);
    programme.add(subject, programme.samples_for(subject, texts, settings.experiments), settings);
  }
  for (const auto& samples : programme.samples()) samples->read(settings.engine, {}, progress);
  programme.make_plans(two.texts.path());
}

std::vector<Outcome> run_all(Programme& programme, const TwoModels& two) {
  test::KeptProgress progress;
  std::vector<Outcome> outcomes;
  programme.run(progress, [&](Pass& pass, const stream::PassResult& result) {
    outcomes.push_back(conclude(pass, result, two.texts.path(), progress));
  });
  return outcomes;
}

// How often another model's gate and the pass's own choose the same experts first.
class SameFirstChoice : public tap::Observer {
 public:
  explicit SameFirstChoice(const tap::SequenceSet& set) : set_(&set) {}
  tap::Needs needs() const override { return {}; }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    const size_t ranks = view.spec->top_k + 1;
    for (size_t g = 0; g < block.other_gates.size(); ++g) {
      for (size_t row = 0; row < block.rows; ++row) {
        const bool same = block.ranked[row * ranks] == block.other_gates[g].ranked[row * ranks];
        ++(same ? equal : different)[g];
      }
    }
  }
  std::array<std::atomic<int>, 2> equal = {}, different = {};

 private:
  const tap::SequenceSet* set_;
};

TEST(Programme, APassAsksGatesOfOtherSubjects) {
  const TwoModels two;
  test::KeptProgress progress;
  Programme programme;
  PassSettings settings = TwoModels::pass_settings();
  settings.experiments.names = {};
  Subject& a = programme.add(open_with_tokenizer(two.models[0]));
  const Subject& again = programme.add(open_with_tokenizer(two.models[0]));
  const Subject& b = programme.add(open_with_tokenizer(two.models[1]));
  Samples& samples = programme.add_samples(a, two.text_settings(), settings.experiments);
  samples.read(settings.engine, {}, progress);
  programme.add(b, samples, settings);  // its subject must outlive it, for the next pass
  Pass& pass = programme.add(a, samples, settings);
  SameFirstChoice observer(samples.sequences()[0]);
  pass.watch(observer);
  pass.ask_gates_of(again);
  pass.ask_gates_of(b);
  programme.make_plans(two.texts.path());
  std::vector<size_t> asked;
  programme.run(progress, [&](Pass& done, const stream::PassResult& result) {
    asked.push_back(result.other_digests.size());
    EXPECT_EQ(result.weight_bytes_read, done.plan().read_bytes);
  });
  EXPECT_EQ(asked, (std::vector<size_t>{0, 2}));
  EXPECT_EQ(observer.different[0], 0);
  EXPECT_GT(observer.equal[0], 0);
  EXPECT_GT(observer.different[1], 0);
}

TEST(Programme, RefusesToAskGatesOfAnotherRule) {
  const TwoModels two;
  test::TempFolder folder;
  test::TinyOlmoe other = tiny_model(3);
  other.top_k = other.top_k == 1 ? 2 : 1;
  Programme programme;
  PassSettings settings = TwoModels::pass_settings();
  Subject& a = programme.add(open_with_tokenizer(two.models[0]));
  const Subject& b = programme.add(open_with_tokenizer(write_model(folder, other)));
  Samples& samples = programme.add_samples(a, two.text_settings(), settings.experiments);
  Pass& pass = programme.add(a, samples, settings);  // before any text is read
  EXPECT_EQ(test::caught([&] { pass.ask_gates_of(b); }).id, ErrorId::RT008);
}

TEST(Programme, ModelsThatReadAlikeShareTheirSamples) {
  const TwoModels two;
  Programme programme;
  add_and_plan(programme, two, two.models);
  ASSERT_EQ(programme.passes().size(), 2u);
  EXPECT_EQ(programme.samples().size(), 1u);
  EXPECT_EQ(&programme.passes()[0]->samples(), &programme.passes()[1]->samples());
  EXPECT_NE(&programme.passes()[0]->subject(), &programme.passes()[1]->subject());
}

TEST(Programme, OtherTokenizersReadForThemselves) {
  const TwoModels two;
  test::put_file(two.b / "tokenizer.json", test::get_file(two.b / "tokenizer.json") + '\n');
  Programme programme;
  add_and_plan(programme, two, two.models);
  EXPECT_EQ(programme.samples().size(), 2u);
  EXPECT_EQ(&programme.passes()[1]->samples().reader(), &programme.passes()[1]->subject());
}

TEST(Programme, GivesEachModelWhatItGetsAlone) {
  const TwoModels two;
  Programme together;
  add_and_plan(together, two, two.models);
  const std::vector<Outcome> both = run_all(together, two);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_NE(both[0].parts[0].contribution.fields, both[1].parts[0].contribution.fields);
  for (size_t i = 0; i < 2; ++i) {
    Programme alone;
    add_and_plan(alone, two, {two.models[i]});
    const std::vector<Outcome> one = run_all(alone, two);
    ASSERT_EQ(one.size(), 1u);
    const auto digest = [](const Outcome& outcome) {
      const Outcome::Part& part = outcome.parts.at(0);
      return record::body_digest(record::assemble_artifact(outcome.facts,
                                                           outcome.domains.at(part.domain),
                                                           part.test, part.contribution)
                                     .content);
    };
    EXPECT_EQ(digest(both[i]), digest(one[0]));
  }
}

TEST(Programme, CostsTheSumOfWorkAndTheLargestMemory) {
  TwoModels two;
  test::TinyOlmoe wide = tiny_model(2);
  wide.expert_width = 24;
  write_model(two.b, wide);
  Programme programme;
  add_and_plan(programme, two, two.models);
  const stream::Plan& small = programme.passes()[0]->plan();
  const stream::Plan& large = programme.passes()[1]->plan();
  const Cost cost = programme.cost();
  ASSERT_LT(small.peak_bytes, large.peak_bytes);
  EXPECT_EQ(cost.passes, 2);
  EXPECT_EQ(cost.read_bytes, small.read_bytes + large.read_bytes);
  EXPECT_EQ(cost.flops, small.flops + large.flops);
  EXPECT_EQ(cost.extra_flops, small.extra_flops + large.extra_flops);
  EXPECT_EQ(cost.peak_bytes, large.peak_bytes);
  EXPECT_EQ(cost.spill_bytes, 0u);
  EXPECT_EQ(cost.expected_seconds, small.expected_seconds + large.expected_seconds);
}

TEST(Programme, FreesAPassAndWhatNoOtherNeeds) {
  const TwoModels two;
  Programme programme;
  add_and_plan(programme, two, two.models);
  test::KeptProgress progress;
  std::vector<std::string> ran;
  std::vector<size_t> waiting, samples;
  programme.run(progress, [&](Pass& pass, const stream::PassResult& result) {
    ran.push_back(pass.subject().name());
    EXPECT_GT(result.weight_bytes_read, 0u);
    waiting.push_back(programme.passes().size());
    samples.push_back(programme.samples().size());
  });
  EXPECT_EQ(ran, (std::vector<std::string>{two.a.path().filename().string(),
                                           two.b.path().filename().string()}));
  EXPECT_EQ(waiting, (std::vector<size_t>{2, 1}));
  EXPECT_EQ(samples, (std::vector<size_t>{1, 1}));  // shared: still needed by the second
  EXPECT_TRUE(programme.passes().empty());
  EXPECT_TRUE(programme.samples().empty());
}

// Counts what it is shown of every layer.
class Counter : public tap::Observer {
 public:
  Counter(const tap::SequenceSet& set, bool logits) : set_(&set), logits_(logits) {}
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.logits = logits_;
    return needs;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  void end_layer(const tap::LayerView& view) override { layers.push_back(view.layer); }
  void on_logits(const tap::LogitsBlock& block) override {
    EXPECT_EQ(block.vocabulary, 3072u);
    logit_rows += block.rows;
  }

  std::vector<int> layers;
  std::atomic<size_t> logit_rows = 0;

 private:
  const tap::SequenceSet* set_;
  bool logits_;
};

TEST(Pass, RunsToItsLastMeasuredLayerUnlessLogitsAreWanted) {
  const TwoModels two;
  for (const bool logits : {false, true}) {
    const auto ids = two.texts / "ids.json";
    test::put_file(ids, "[[1,2,3,4],[5,6,7,8]]");
    Programme programme;
    const Subject& subject = programme.add(Subject::open(two.models[0]));
    const Samples& samples = programme.add_samples(subject, ids);
    PassSettings settings = TwoModels::pass_settings();
    settings.layers = {0};
    settings.experiments = {};
    Pass& pass = programme.add(subject, samples, settings);
    Counter counter(samples.sequences()[0], logits);
    pass.watch(counter);
    programme.make_plans(two.texts.path());
    test::KeptProgress progress;
    programme.run(progress, [](const Pass&, const stream::PassResult&) {});
    EXPECT_EQ(counter.layers, logits ? (std::vector<int>{0, 1}) : std::vector<int>{0});
    EXPECT_EQ(counter.logit_rows, logits ? 8u : 0u);
  }
}

}  // namespace
}  // namespace rg::lab
