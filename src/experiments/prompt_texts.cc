#include "experiments/prompt_texts.h"

namespace rg::experiments {

const PromptTexts& published_prompts() {
  static const PromptTexts texts = {
      .prompts = {"127 + 45 =", "999 * 3 =", "What is forty-five times thirty-seven?",
                  "def fibonacci(n):", "import numpy as np", "The capital of France is",
                  "A synonym for happy is",
                  "Calculate the sum: 100 + 200 + 300 =", "In Python, compute 45 * 37:"},
      .probes = {
          {"127", {"111 127", "abc 127", "The number 127", "= 127"}},
          {"+", {"3 + 5", "x + y", "\"a\" + \"b\"", "count +="}},
          {"def", {"def foo():", "class Foo:\n    def", "f = lambda: def", "word = 'def'"}},
      }};
  return texts;
}

}  // namespace rg::experiments
