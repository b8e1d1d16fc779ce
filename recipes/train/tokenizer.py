"""Trains the byte-level BPE tokenizer on the train split, with the pipeline of OLMoE's tokenizer.json."""

import json
import os
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import settings
from data import documents

CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": settings.END_OF_TEXT,
    "clean_up_tokenization_spaces": False,
    "model_max_length": settings.POSITIONS,
}


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.VOCAB, special_tokens=[settings.END_OF_TEXT], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    texts = (text for domain in settings.DOMAINS for text in documents("train", domain))
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != settings.VOCAB:
        sys.exit(f"error: the tokenizer has {tokenizer.get_vocab_size()} tokens, wanted {settings.VOCAB}")
    return tokenizer


def main():
    folder = os.path.join(settings.WORK, "tokenizer")
    os.makedirs(folder, exist_ok=True)
    tokenizer = train()
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump(CONFIG, file, indent=2)
        file.write("\n")
    print(f"tokenizer: {tokenizer.get_vocab_size()} tokens in {folder}")


if __name__ == "__main__":
    main()
