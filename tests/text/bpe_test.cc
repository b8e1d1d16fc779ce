// Row K2: merging is that of a slow reference, takes n log n steps and a constant stack.
#include "text/bpe.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <map>
#include <random>

#include "text/support.h"
#include "text/tokenizer.h"

namespace rg::text {
namespace {

constexpr int32_t kBytes = 4;  // the random models know the bytes 'a' to 'd'

// A model of random merges over what earlier merges made, each pair once.
BytePairModel random_model(std::mt19937& random, size_t merges) {
  std::vector<Merge> list;
  std::map<std::pair<int32_t, int32_t>, int32_t> seen;
  int32_t next = kBytes;
  while (list.size() < merges) {
    const auto draw = [&] { return static_cast<int32_t>(random() % static_cast<uint32_t>(next)); };
    const std::pair pair{draw(), draw()};
    if (!seen.emplace(pair, next).second) continue;
    list.push_back({pair.first, pair.second, next++});
  }
  std::shuffle(list.begin(), list.end(), random);  // ranks need not follow ids
  BytePairModel model{.merges = MergeTable(list, static_cast<size_t>(next))};
  model.byte_ids.fill(BytePairModel::kNoId);
  for (int32_t i = 0; i < kBytes; ++i) model.byte_ids[static_cast<size_t>('a' + i)] = i;
  return model;
}

// The definition: again and again the pair of lowest rank, the leftmost of those.
std::vector<int32_t> slow_reference(const BytePairModel& model, const std::string& word) {
  std::vector<int32_t> ids;
  for (const char c : word) ids.push_back(model.byte_ids[static_cast<uint8_t>(c)]);
  for (;;) {
    uint32_t best = MergeTable::kNone;
    size_t place = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (uint32_t rank = 0; rank < model.merges.size() && rank < best; ++rank) {
        const Merge& merge = model.merges[rank];
        if (merge.left == ids[i] && merge.right == ids[i + 1]) {
          best = rank;
          place = i;
        }
      }
    }
    if (best == MergeTable::kNone) return ids;
    ids[place] = model.merges[best].result;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(place) + 1);
  }
}

TEST(Bpe, EqualsTheSlowReferenceOnTenThousandRandomWords) {
  std::mt19937 random(20);
  BpeScratch scratch;
  size_t merged = 0;
  for (int models = 0; models < 50; ++models) {
    const BytePairModel model = random_model(random, 5 + random() % 40);
    for (int words = 0; words < 200; ++words) {
      std::string word(1 + random() % 60, 'a');
      const uint32_t letters = 1 + random() % kBytes;
      for (char& c : word) c = static_cast<char>('a' + random() % letters);
      BpeOutput output;
      model.encode(word, scratch, output);
      ASSERT_EQ(output.ids, slow_reference(model, word)) << word;
      size_t bytes = 0;
      for (const uint32_t length : output.lengths) bytes += length;
      ASSERT_EQ(bytes, word.size());
      merged += word.size() - output.ids.size();
    }
  }
  EXPECT_GT(merged, 50'000u) << "the models must merge something";
}

// Steps of the heap: each merge proposes at most two pairs, so pushes stay under 3 n.
TEST(Bpe, HeapStepsGrowLinearlyWithTheWord) {
  std::mt19937 random(21);
  const BytePairModel model = random_model(random, 40);
  for (const char* kind : {"same", "alternating", "random"}) {
    for (const size_t bytes : {size_t{1} << 10, size_t{1} << 15, size_t{1} << 20}) {
      std::string word(bytes, 'a');
      for (size_t i = 0; i < bytes && kind != std::string_view("same"); ++i) {
        const size_t letter = kind == std::string_view("random") ? random() % kBytes : i % 2;
        word[i] = static_cast<char>('a' + letter);
      }
      BpeScratch scratch;
      BpeOutput output;
      model.encode(word, scratch, output);
      EXPECT_LE(scratch.heap_steps, 6 * bytes) << kind << ", " << bytes << " bytes";
    }
  }
}

TEST(Bpe, UnknownBytesBecomeOneTokenEachOrOneTokenARun) {
  std::mt19937 random(22);
  BytePairModel model = random_model(random, 3);
  model.unknown_id = 0;
  BpeScratch scratch;
  for (const bool fuse : {false, true}) {
    model.fuse_unknown = fuse;
    BpeOutput output;
    model.encode("zzz", scratch, output);
    EXPECT_EQ(output.ids.size(), fuse ? 1u : 3u);
    EXPECT_EQ(output.lengths.front(), fuse ? 3u : 1u);
  }
}

// --- whole tokenizers on single words of a megabyte, in a thread with a small stack

std::string repeated(std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

struct LongWords {
  const Tokenizer* tokenizer;
  std::vector<std::string> words;
  std::vector<size_t> tokens;
  std::string failure;
};

void* encode_long_words(void* argument) {
  auto& job = *static_cast<LongWords*>(argument);
  try {
    for (const std::string& word : job.words) {
      job.tokens.push_back(job.tokenizer->encode_ids(word, SpecialTokens::add).size());
    }
  } catch (const std::exception& error) {
    job.failure = error.what();
  }
  return nullptr;
}

#if defined(RG_SANITIZED)
constexpr size_t kStackBytes = size_t{512} << 10;  // AddressSanitizer pads every frame
#else
constexpr size_t kStackBytes = size_t{64} << 10;
#endif

class LongWord : public testing::TestWithParam<const char*> {};

TEST_P(LongWord, OfAMegabyteNeedsASmallStack) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  constexpr size_t kMegabyte = 1'000'000;
  LongWords job{.tokenizer = &tokenizer, .words = {}, .tokens = {}, .failure = {}};
  for (const char* unit :
       {"a", "Q", "7", " ", "\n", "\t \n", "日", "か", "👩‍👩‍👧‍👦", "\u0301",
        "\u0301\u0323\u0345", "e\u0301", "-", "a'", "\u1161"}) {
    job.words.push_back(repeated(unit, kMegabyte));
  }
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStackBytes), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, encode_long_words, &job), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  ASSERT_EQ(job.failure, "");
  ASSERT_EQ(job.tokens.size(), job.words.size());
  for (const size_t tokens : job.tokens) EXPECT_GE(tokens, kMegabyte / 100);
}

INSTANTIATE_TEST_SUITE_P(Pipelines, LongWord,
                         testing::Values("gpt2_nfc", "qwen", "o200k", "deepseek", "granite"),
                         [](const auto& pipeline) { return std::string(pipeline.param); });

}  // namespace
}  // namespace rg::text
