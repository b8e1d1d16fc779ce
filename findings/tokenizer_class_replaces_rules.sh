#!/bin/sh
# AutoTokenizer of transformers 5 doesn't use the normaliser and pre-tokeniser in tokenizer.json.
# Guess:    tokenizer.json is the whole tokenizer; loading it through transformers gives the ids
#           that the tokenizers library gives for the same file.
# Happens:  for classes such as GPTNeoXTokenizer or Qwen2Tokenizer only vocabulary and merges are
#           taken from the file, the rules are the class's own. No class need be named:
#           config.json's model_type "olmoe" alone picks GPTNeoXTokenizer.
#           "PreTrainedTokenizerFast" keeps the file's.
# Versions: transformers 5.24.0, tokenizers 0.23.3
# Matters:  token ids decide what a router reads. A file with rules of its own gives other tokens
#           in transformers than in engines that read tokenizer.json, and saving it again loses the
#           rules.
# Source:   transformers/models/gpt_neox/tokenization_gpt_neox.py and qwen2/tokenization_qwen2.py
#           (rules set in __init__); transformers/models/auto/tokenization_auto.py (the class by
#           model_type).
. "$(dirname "$0")/common.sh"
packages "$torch" "$transformers"
run <<'PY'
import json
import os
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer
from finding import Finding

f = Finding("AutoTokenizer follows tokenizer.json", "transformers", "tokenizers")
vocabulary = {c: i for i, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
merges = [("1", "2"), ("12", "3"), ("123", "4"), ("\u0120", "a")]
for left, right in merges:
    vocabulary[left + right] = len(vocabulary)
own = Tokenizer(models.BPE(vocabulary, merges))
own.normalizer = normalizers.Lowercase()
own.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(r"\p{N}{1,2}|[^\p{N}]+"), "isolated"),
    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
own.decoder = decoders.ByteLevel()
own.add_special_tokens(["<|endoftext|>"])
TEXT = "A 1234 a"
want = own.encode(TEXT).tokens


def load(folder, tokenizer_class):
    os.makedirs(folder)
    own.save(folder + "/tokenizer.json")
    config = {"eos_token": "<|endoftext|>"}
    if tokenizer_class:
        config["tokenizer_class"] = tokenizer_class
    json.dump(config, open(folder + "/tokenizer_config.json", "w"))
    json.dump({"model_type": "olmoe"}, open(folder + "/config.json", "w"))
    return AutoTokenizer.from_pretrained(folder)


f.seen("the tokenizers library lowers case and splits digits in pairs",
       want == ["a", "\u0120", "12", "3", "4", "\u0120a"], want)
plain = load("plain", "PreTrainedTokenizerFast").tokenize(TEXT)
f.seen("PreTrainedTokenizerFast gives the same", plain == want)
for folder, name, picked in (("a", "GPTNeoXTokenizer", "GPTNeoXTokenizer"),
                             ("b", "Qwen2Tokenizer", "Qwen2Tokenizer"),
                             ("c", None, "GPTNeoXTokenizer")):
    loaded = load(folder, name)
    got = loaded.tokenize(TEXT)
    f.seen(f"tokenizer_class {name}: {picked} doesn't",
           type(loaded).__name__ == picked and got != want and got[0] == "A", got)
loaded.save_pretrained("again")
rules = json.load(open("again/tokenizer.json"))
f.seen("saved again, the file's rules are gone", rules["normalizer"] != {"type": "Lowercase"}
       and "Regex" not in json.dumps(rules["pre_tokenizer"]),
       rules["normalizer"], rules["pre_tokenizer"]["type"])
f.end()
PY
