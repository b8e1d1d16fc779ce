"""Makes tests/data/text/*.json: tiny byte-level BPE tokenizers and what Hugging Face `tokenizers` does with
texts of every script. Run with build/venv/bin/python (recipes/setup.sh); takes seconds, same bytes every time.

  byte_level.py            writes the golden files

Offsets are bytes of the input, before any trimming by the post-processor; the sampled scripts carry none. Where a
normalizer fused characters the reference maps the result to the first of them only; such texts carry none either.
"""

import json
import os
import random
import unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "text")
VOCABULARY = 560

QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
        r"|\s+(?!\S)|\s+")
LLAMA = QWEN.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{TAIL}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{TAIL}"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+".replace('\\"', '"')]


def training_text():
    """Pseudo-words in several scripts, numbers and lines like code: generated, so nobody's text."""
    draw = random.Random(7)
    alphabets = ["etaoinshrdlu", "αιτηνσρλ", "оеаинтслв", "की नमस्", "ابتثجح", "日本語中文字", "あいうえかき", "éèüöñç"]
    lines = []
    for line in range(1500):
        letters = alphabets[0] if line % 3 else draw.choice(alphabets)
        words = ["".join(draw.choice(letters) for _ in range(draw.randint(1, 7))) for _ in range(9)]
        words.insert(4, str(draw.randint(0, 10**draw.randint(1, 7))))
        if line % 5 == 0:
            words = ["    if (" + words[0], "==", words[1] + "):", "return", words[2] + "[i] +=", "0x1f;"]
        if line % 7 == 0:
            words[1] = words[1].capitalize() + "'s"
        lines.append(" ".join(words))
    return lines


def sampled_scripts():
    """A few characters of every 128-wide stretch that is assigned in Python's Unicode (14 here), in context."""
    texts, draw = [], random.Random(14)
    stretches = [range(start, start + 128) for start in range(0, 0x32000, 128)] + [range(0xE0100, 0xE0180)]
    row = []
    for stretch in stretches:
        assigned = [c for c in map(chr, stretch) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
        if not assigned or (0x3500 <= stretch.start < 0xd700 and stretch.start % 0x1000) \
                or (0x12000 <= stretch.start and stretch.start % 0x200):
            continue
        some = draw.sample(assigned, min(3, len(assigned)))
        row.append("".join(some) + draw.choice([" ", "", "a", "\n", "7", ".", "  "]))
        if len(row) == 16:
            texts.append("".join(row))
            row = []
    return texts + ["".join(row)]


HAND = [
    "", " ", "a", "Hello world", " Hello  world ", "Hello   \n\n  world\t\tend  ", "\n", "\r\n", "a\r\nb\r\n\r\nc\rd",
    "I'm you're he's we'll they'd I've don't", "I'M YOU'RE HE'S WE'LL THEY'D I'VE DON'T", "'s's 'S 'ſ 'ſt x'K'll'LL",
    "1234567 12 3.14159 1,000,000 0x1F 1e-5 ١٢٣ ४५६ ⅷ ½ ² ①", "日本語のテキスト、中文文本。カタカナー한국어 텍스트",
    "👩‍👩‍👧‍👦 👍🏽 🇺🇳 ❤️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ☺︎ 😀😀😀", "cafe\u0301 café \u212b \u1e9b\u0323 q\u0307\u0323 q\u0323\u0307 \u0344 \u0958 \ud55c \u1112\u1161\u11ab",
    "İstanbul ǅ ﬁ ﬀ Ⅷ ſ ß ẞ Σας ΣΑΣ ½ ™ ａｂｃ ｶﾞ ㍿ ﷺ", "नमस्ते दुनिया ক্ষ ಕ್ಷ ภาษาไทย ລາວ မြန်မာ ខ្មែរ བོད་",
    "שָׁלוֹם עוֹלָם مرحبا بالعالم ܫܠܡܐ", "a\u0301\u0302\u0303\u0304\u0316\u0317 \u0301x \u0316\u0301\u0316\u0301",
    "def f(x):\n    return x[0] + 0x1f  # comment\n\n\nclass A:\n\tpass\n", "for (int i = 0; i < n; ++i) { a[i] += b[i]; }\n",
    "a\u00a0b\u2003c\u3000d\u180ee\u200bf\u2028g\u0085h\u1680i\u202fj\u205fk\ufeffl", "   \u00a0  x \u2003\u2003 y", "____ --- === *** ... !!! ?!?! «» “quoted” ‘q’ —–",
    "http://example.org/path?q=1&r=a%20b#frag user@example.org", "CamelCaseWORDS snake_case_words kebab-case UPPERlower ÉCOLEété ΑΒΓαβγ",
    "\u0000\u0001\u001f\u007f\u0080\u009f", "x\U0010ffffy\ue000z\ufffd", "a/b//c\n/d /\n\n/", "$100 £20 €30 ¥40 50% ∑∫√∞≠",
    "tail spaces   ", "\t\ttabs", "x  \n  \n y", "é" * 40, "word" * 60, "1" * 50, "\n" * 33 + "x", " " * 70, "\u0301" * 30, "日" * 40,
]

FLAGGED = [
    "a<sp>b <sp> c  <sp>", "<single>", "a<single>b <single> c", "x<single>é <single>_ <single>- (<single>)", "a  <left>b", "a <left>\n <left>",
    "a<right>  \n b<right>c", "  <both>  x<both>y", "<right>  <both>  <left>", "<right>   <ws>x", "<norm> <NORM> <Norm> <nörm> <no\u0308rm>", "<sp><sp><left><right>",
    "<spx> <sp <sp>> <long <long er> <long er>", "ＮＯＲＭ ｎｏｒｍ <ｎｏｒｍ>", " <sp>", "<sp> ", "É<sp>É", "e\u0301<sp>\u0301", "<b>bold</b> <b >", "İ<sp>İ Ⅷ<norm>ﬁ",
    "a,b,,c,", ",,x-y--z-", "--", "the-final--countdown", "aXbXXc", "un|to|ld", "1a22b333", "日本1語", "  lead", "trail  ",
]


def trained(normalizer, pre_tokenizer, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, show_progress=False, special_tokens=["<|endoftext|>"],
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.train_from_iterator(training_text(), trainer)
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


def byte_level(prefix=False, regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def with_splits(*splits, prefix=False, regex=False):
    return pre_tokenizers.Sequence([*splits, byte_level(prefix, regex)])


def add_bos(tokenizer, bos, eos=None):
    tokenizer.add_special_tokens([bos] + ([eos] if eos else []))
    single = f"{bos} $A" + (f" {eos}" if eos else "")
    ids = [(t, tokenizer.token_to_id(t)) for t in (bos, eos) if t]
    template = processors.TemplateProcessing(single=single, pair=f"{bos} $A {bos} $B", special_tokens=ids)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])


def gpt2_nfc():
    """OLMoE: GPT-2's pattern after NFC, added tokens for personal data and runs of spaces."""
    t = trained(normalizers.NFC(), byte_level(regex=True))
    t.add_tokens([AddedToken("|||IP_ADDRESS|||", normalized=True), *[AddedToken(" " * n, normalized=True) for n in (16, 8, 4, 3, 2)]])
    t.post_processor = processors.ByteLevel(trim_offsets=True)
    return t


def qwen():
    t = trained(normalizers.NFC(), with_splits(split(Regex(QWEN))))
    t.add_special_tokens(["<|im_start|>"])
    return t


def llama():
    """Merges ignored for whole words; a token that no merge reaches shows it."""
    t = trained(None, with_splits(split(Regex(LLAMA))))
    tree = json.loads(t.to_str())
    tree["model"]["ignore_merges"] = True
    for word in ("ĠHello", "Ġworld", "ä¸ŃæĸĩæĸĩæľŃ"):
        tree["model"]["vocab"].setdefault(word, len(tree["model"]["vocab"]))
    tree["added_tokens"] = []
    t = Tokenizer.from_str(json.dumps(tree))
    add_bos(t, "<|begin_of_text|>")
    return t


def o200k():
    return trained(None, with_splits(split(Regex(O200K))))


def deepseek():
    t = trained(normalizers.Sequence([]), with_splits(*[split(Regex(p)) for p in DEEPSEEK]))
    add_bos(t, "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>")
    return t


def granite():
    """Single digits, GPT-2's pattern, a space before every piece."""
    return trained(None, with_splits(pre_tokenizers.Digits(individual_digits=True), prefix=True, regex=True))


def flagged():
    """Every flag of added tokens, every normalizer, every behaviour of Split."""
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(),
                                       normalizers.Replace("un|", "re~")])
    t = trained(normalizer, with_splits(
        split("-", "merged_with_previous"), split("x", "merged_with_next"), split(",", "contiguous"), split("to", "removed"),
        split(Regex(r"\d"), "merged_with_previous", True), pre_tokenizers.Digits(individual_digits=False), regex=True))
    t.add_special_tokens([AddedToken("<sp>", normalized=False), AddedToken("<single>", single_word=True)])
    t.add_tokens([AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
                  AddedToken("<both>", lstrip=True, rstrip=True), AddedToken("<Norm>", normalized=True), AddedToken("<nörm>", normalized=True),
                  AddedToken("<long", normalized=False), AddedToken("<long er>", normalized=False), AddedToken("<b>"), AddedToken("  <ws>", normalized=False)])
    return t


def decomposed():
    """The decomposing forms, inverted and removing splits, unknown bytes fused."""
    t = trained(normalizers.Sequence([normalizers.NFD(), normalizers.NFKD()]), with_splits(
        split(Regex(r"[^\s]+"), "removed", True), split("b", "merged_with_next", True), split(Regex(r"\p{N}"), "contiguous", True)))
    tree = json.loads(t.to_str())
    lost = [token for token in tree["model"]["vocab"] if token in tuple("áâãäåæçèéêëìíîï")]
    for token in lost:
        del tree["model"]["vocab"][token]
    alive = tree["model"]["vocab"]
    tree["model"]["merges"] = [m for m in tree["model"]["merges"] if all(part in alive for part in (*m, "".join(m)))]
    tree["model"]["unk_token"], tree["model"]["fuse_unk"] = "<|endoftext|>", True
    tree["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(tree))


def byte_offsets(text, offsets):
    places = [0]
    for character in text:
        places.append(places[-1] + len(character.encode("utf-8")))
    return [[places[begin], places[end]] for begin, end in offsets]


def untrimmed(tree):
    tree = json.loads(json.dumps(tree))
    processor = tree["post_processor"]
    for step in [processor] if processor and processor["type"] != "Sequence" else (processor or {}).get("processors", []):
        if step["type"] == "ByteLevel":
            step["trim_offsets"] = False
    return Tokenizer.from_str(json.dumps(tree))


def keeps_characters(tokenizer, text):
    """Whether the normalizer leaves every character as it is, so that offsets are beyond doubt."""
    return tokenizer.normalizer is None or tokenizer.normalizer.normalize_str(text) == text


def golden(tokenizer, hand, scripts):
    tree = json.loads(tokenizer.to_str())
    plain = untrimmed(tree)
    cases = []
    for text in hand + scripts:
        encoding = plain.encode(text)
        assert encoding.ids == tokenizer.encode(text).ids
        case = {"text": text, "ids": encoding.ids}
        if text in hand and keeps_characters(tokenizer, text):
            case["offsets"] = byte_offsets(text, encoding.offsets)
        cases.append(case)
    return {"made_with": f"tokenizers {tokenizers.__version__}", "tokenizer": tree, "cases": cases}


def main():
    os.makedirs(OUT, exist_ok=True)
    scripts = sampled_scripts()
    for make in (gpt2_nfc, qwen, llama, o200k, deepseek, granite, flagged, decomposed):
        hand = HAND + (FLAGGED if make in (flagged, granite, decomposed) else [])
        content = golden(make(), hand, scripts)
        with open(os.path.join(OUT, make.__name__ + ".json"), "w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, separators=(",", ":"))
            file.write("\n")


if __name__ == "__main__":
    main()
