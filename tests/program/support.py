"""What the end-to-end tests share: a tiny random OLMoE checkpoint with a byte-level tokenizer, texts, and the
program. Standard library only."""

import hashlib
import json
import os
import pty
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("ROUTEGAUGE", os.path.join(ROOT, "build/release/bin/routegauge"))
FOUR = "attention_router,expert_load,chart_compatibility,terminal_ovk_scan"

CONFIG = {
    "architectures": ["OlmoeForCausalLM"], "model_type": "olmoe", "hidden_act": "silu",
    "hidden_size": 32, "intermediate_size": 16, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_experts": 8, "num_experts_per_tok": 2,
    "norm_topk_prob": False, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "vocab_size": 272, "clip_qkv": None, "attention_bias": False,
}


def byte_alphabet():
    """The printable stand-ins of byte-level BPE, by byte."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters, extra = {}, 0
    for byte in range(256):
        if byte in printable:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(256 + extra)
            extra += 1
    return letters


def tokenizer():
    letters = byte_alphabet()
    vocabulary = {letters[byte]: byte for byte in range(256)}
    merges = [["t", "h"], ["th", "e"], ["\u0120", "the"], ["i", "n"], ["e", "r"], ["\u0120", "a"], ["1", "2"]]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [
            {"id": len(vocabulary), "content": "<|end|>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocabulary, "merges": [f"{left} {right}" for left, right in merges]},
    }


def tensor_shapes(config):
    d, width, experts = config["hidden_size"], config["intermediate_size"], config["num_experts"]
    kv = d // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], d], "model.norm.weight": [d],
              "lm_head.weight": [config["vocab_size"], d]}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        shapes.update({
            at + "input_layernorm.weight": [d], at + "post_attention_layernorm.weight": [d],
            at + "self_attn.q_proj.weight": [d, d], at + "self_attn.k_proj.weight": [kv, d],
            at + "self_attn.v_proj.weight": [kv, d], at + "self_attn.o_proj.weight": [d, d],
            at + "self_attn.q_norm.weight": [d], at + "self_attn.k_norm.weight": [kv],
            at + "mlp.gate.weight": [experts, d]})
        for expert in range(experts):
            shapes.update({at + f"mlp.experts.{expert}.gate_proj.weight": [width, d],
                           at + f"mlp.experts.{expert}.up_proj.weight": [width, d],
                           at + f"mlp.experts.{expert}.down_proj.weight": [d, width]})
    return shapes


def weights(config, seed):
    """{name: [floats]}: normal, norms around 1; discriminating, not realistic."""
    draw = random.Random(seed)
    values = {}
    for name, shape in tensor_shapes(config).items():
        count = 1
        for extent in shape:
            count *= extent
        if name.endswith("norm.weight"):
            values[name] = [1.0 + 0.2 * draw.gauss(0, 1) for _ in range(count)]
        else:
            scale = 1.0 if "embed" in name else 1.5 / shape[-1] ** 0.5
            values[name] = [scale * draw.gauss(0, 1) for _ in range(count)]
    return values


def save_safetensors(path, config, values):
    header, data = {}, bytearray()
    for name, shape in tensor_shapes(config).items():
        begin = len(data)
        for value in values[name]:
            bits = struct.unpack("<I", struct.pack("<f", value))[0]
            data += struct.pack("<H", bits >> 16)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, len(data)]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def make_model(folder, seed=1, with_tokenizer=True, edit=None, **config_changes):
    """A checkpoint below `folder`; `edit(values)` may change weights first."""
    os.makedirs(folder)
    config = {**CONFIG, **config_changes}
    values = weights(config, seed)
    if edit:
        edit(values)
    save_safetensors(os.path.join(folder, "model.safetensors"), config, values)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    if with_tokenizer:
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            json.dump(tokenizer(), file)
    return folder


WORDS = {
    "prose": "the river and a winter inn under older stars there then another letter lantern".split(),
    "code": "def return int 12 + ( ) : = [ ] { } x1 y2 for in range while import == 128 ;".split(),
}


def make_text(folder, kind, documents, words_each, seed=1):
    draw = random.Random(f"{kind}{seed}")
    os.makedirs(folder)
    for number in range(documents):
        text = " ".join(draw.choice(WORDS[kind]) for _ in range(words_each))
        with open(os.path.join(folder, f"{number:04}.txt"), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return folder


def run(*args, env=None, **options):
    """The program with these arguments: CompletedProcess with text output."""
    merged = {**os.environ, **(env or {})}
    options.setdefault("timeout", 240)
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, check=False, env=merged,
                          **options)


def on_terminal(args, env):
    """What the program writes to a terminal (stdout) with these variables set."""
    reader, terminal = pty.openpty()
    process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=terminal, stderr=subprocess.DEVNULL,
                               env={**os.environ, **env})
    os.close(terminal)
    parts = []
    while True:
        try:
            part = os.read(reader, 65536)
        except OSError:  # Linux ends a terminal without writers so
            break
        if not part:
            break
        parts.append(part)
    os.close(reader)
    process.wait(timeout=240)
    return b"".join(parts).decode("utf-8").replace("\r\n", "\n")


def start(*args, env=None, **options):
    merged = {**os.environ, **(env or {})}
    return subprocess.Popen([PROGRAM, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=merged, **options)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def files_below(folder):
    return sorted(os.path.relpath(os.path.join(base, name), folder)
                  for base, _, names in os.walk(folder) for name in names)


def artifacts_below(folder):
    return [os.path.join(folder, name) for name in files_below(folder) if os.path.basename(name) == "run.json"]


def digests(folder):
    """{test/domain: body_sha256} of every artifact below a folder."""
    found = {}
    for path in artifacts_below(folder):
        artifact = load(path)
        found[f"{artifact['test']}/{artifact['domain']}"] = artifact["body_sha256"]
    return found


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fault_shim(folder):
    """fault_shim.c, built below a folder: what LD_PRELOAD takes."""
    library = os.path.join(folder, "fault_shim.so")
    subprocess.run(["g++", "-x", "c", "-shared", "-fPIC", "-O1", "-o", library,
                    os.path.join(ROOT, "tests/program/fault_shim.c"), "-ldl"], check=True)
    return library


class ProgramTest(unittest.TestCase):
    """A scratch folder with a tiny model and two domains, made once per class."""

    documents, words_each = 24, 60

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.model = make_model(os.path.join(cls.folder, "tiny-olmoe"))
        cls.prose = make_text(os.path.join(cls.folder, "prose"), "prose", cls.documents, cls.words_each)
        cls.code = make_text(os.path.join(cls.folder, "code"), "code", cls.documents, cls.words_each)

    def out(self, name):
        """A path below the scratch folder that nothing stands at."""
        self.number = getattr(ProgramTest, "number", 0) + 1
        ProgramTest.number = self.number
        return os.path.join(self.folder, f"{name}-{self.number}")

    def main_job(self, out, *more, experiments=FOUR, windows=24, seq_len=32):
        job = ["run", experiments, "--model", self.model, "--domain", f"prose={self.prose}", "--domain",
               f"code={self.code}", "--out", out, "--seq-len", seq_len, "--windows", windows]
        return job + list(more) + ([] if "--threads" in more else ["--threads", 2])

    def assertExit(self, result, code, *words):
        shown = f"\nstdout: {result.stdout[-2000:]}\nstderr: {result.stderr[-2000:]}"
        self.assertEqual(result.returncode, code, shown)
        for word in words:
            self.assertIn(word, result.stdout + result.stderr)


__all__ = [name for name in dir() if not name.startswith("_")] + ["signal"]
