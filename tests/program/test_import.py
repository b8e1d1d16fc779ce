"""`import` and `trace --log` end to end: every format, what is checked, what is left out, what is refused."""

import base64
import json
import os
import random
import resource
import shutil
import struct
import tempfile
import unittest

import jsonschema
from support import ROOT, load, run

MODEL = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
WINDOWS, LENGTH, LAYERS, K, E = 8, 128, 8, 4, 16


def read_safetensors(path):
    """{name: (dtype, shape, values)}"""
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8:8 + length]), content[8 + length:]
    codes = {"I32": "i", "I16": "h", "F32": "f"}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        code = codes[entry["dtype"]]
        count = (last - first) // struct.calcsize(code)
        tensors[name] = (entry["dtype"], entry["shape"], list(struct.unpack(f"<{count}{code}", data[first:last])))
    return tensors


def write_safetensors(path, tensors):
    """tensors: {name: (dtype, shape, bytes)}"""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def npy(descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-import-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        draw = random.Random(5)
        texts = os.path.join(ROOT, "docs")
        cls.log = os.path.join(cls.folder, "log")
        cls.trace = os.path.join(cls.folder, "trace.safetensors")
        result = run("trace", "--model", MODEL, "--domain", f"docs={texts}", "--windows", WINDOWS, "--seq-len", LENGTH,
                     "--tensors", "router_logits,topk_ids,topk_weights", "--out", cls.trace, "--log", cls.log)
        assert result.returncode == 0, result.stderr
        tensors = read_safetensors(cls.trace)
        cls.tokens = tensors["tokens"][2]
        cls.rows = WINDOWS * LENGTH
        cls.ids = [[tensors[f"layers.{layer}.topk_ids"][2][row * (K + 1):row * (K + 1) + K] for layer in range(LAYERS)]
                   for row in range(cls.rows)]
        cls.weights = [[tensors[f"layers.{layer}.topk_weights"][2][row * K:row * K + K] for layer in range(LAYERS)]
                       for row in range(cls.rows)]
        cls.logits = {layer: tensors[f"layers.{layer}.router_logits"][2] for layer in range(LAYERS)}
        cls.draw = draw

    def path(self, name):
        return os.path.join(self.folder, f"{self.id().rsplit('.', 1)[1]}-{name}")

    def put(self, name, content):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def flat(self, code, rows=None):
        ids = [x for row in (rows or self.ids) for layer in row for x in layer]
        return struct.pack(f"<{len(ids)}{code}", *ids)

    def check(self, path, *more, code=0, found=()):
        """The parsed report of `import --check --json`."""
        result = run("import", path, "--check", "--json", *more)
        self.assertEqual(result.returncode, code, result.stdout[-3000:] + result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual([row["id"] for row in report["checks"] if row["result"] == "found"], list(found),
                         [row["findings"] for row in report["checks"] if row["findings"]])
        return report

    def imported(self, path, *more):
        """The tensors that `import --out` writes."""
        out = self.path("out")
        result = run("import", path, "--out", out, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        schema = load(os.path.join(ROOT, "schema", "routing_log.schema.json"))
        jsonschema.Draft7Validator.check_schema(schema)
        jsonschema.Draft7Validator(schema).validate(load(os.path.join(out, "routing.json")))
        return read_safetensors(os.path.join(out, "routing.safetensors"))

    def assertSameIds(self, tensors, layers=range(LAYERS)):
        for place, layer in enumerate(layers):
            got = tensors[f"layers.{layer}.topk_ids"][2]
            want = [x for row in self.ids for x in row[place]]
            self.assertEqual(got, want, f"layer {layer}")

    def test_trace_writes_the_form_that_import_reads(self):
        facts = load(os.path.join(self.log, "routing.json"))
        jsonschema.Draft7Validator(load(os.path.join(ROOT, "schema", "routing_log.schema.json"))).validate(facts)
        self.assertEqual((facts["k"], facts["experts"], facts["rows"], facts["layers"]),
                         (K, E, self.rows, list(range(LAYERS))))
        self.assertEqual(facts["gate_semantics"]["topk"], K)
        tensors = read_safetensors(os.path.join(self.log, "routing.safetensors"))
        self.assertSameIds(tensors)
        self.assertEqual(tensors["tokens"][2], self.tokens)
        self.assertEqual(tensors["position"][2], [row % LENGTH for row in range(self.rows)])
        report = self.check(self.log, "--model", MODEL)
        self.assertEqual([row["id"] for row in report["checks"] if row["result"] == "not checked"], [])
        self.assertSameIds(self.imported(self.log))

    def test_trace_safetensors(self):
        report = self.check(self.trace, "--model", MODEL)
        self.assertEqual(report["source"]["format"], "trace")
        self.assertSameIds(self.imported(self.trace))

    def test_npy_of_every_width(self):
        for descr, code in (("|i1", "b"), ("|u1", "B"), ("<i2", "h"), ("<u2", "H"), ("<i4", "i"), ("<i8", "q")):
            with self.subTest(descr=descr):
                path = self.put(f"{code}{descr[0] == '<'}.npy", npy(descr, (self.rows, LAYERS, K), self.flat(code)))
                self.assertSameIds(self.imported(path))
                self.check(path, "--model", MODEL)

    def test_places_are_layers_of_the_model(self):
        rows = [row[:2] for row in self.ids]
        path = self.put("two.npy", npy("<i2", (self.rows, 2, K), self.flat("h", rows)))
        self.assertSameIds(self.imported(path, "--layers", "3,7"), [3, 7])
        refused = run("import", path, "--check", "--model", MODEL)
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("error[LG007]", refused.stderr)

    def test_arrays_with_what_belongs_to_them(self):
        """(tokens, layers, k) with weights in bf16, tokens and sequence, as safetensors."""
        weights = b"".join(struct.pack("<f", x)[2:] for row in self.weights for layer in row for x in layer)
        path = self.path("arrays.safetensors")
        write_safetensors(path, {
            "topk_ids": ("U8", [self.rows, LAYERS, K], self.flat("B")),
            "topk_weights": ("BF16", [self.rows, LAYERS, K], weights),
            "tokens": ("I64", [self.rows], struct.pack(f"<{self.rows}q", *self.tokens)),
            "sequence": ("I32", [self.rows], struct.pack(f"<{self.rows}i", *(r // LENGTH for r in range(self.rows))))})
        report = self.check(path, "--model", MODEL)
        self.assertEqual(report["weight_epsilon"], 0.0078125)
        self.assertEqual(report["sequences"], WINDOWS)

    def test_json_lines_per_layer_and_per_token(self):
        lines = [json.dumps({"type": "meta", "model_id": "tiny", "top_k": K, "num_experts": E})]
        for row in range(self.rows):
            for layer in range(LAYERS):
                lines.append(json.dumps({"type": "route", "req_id": f"r{row // LENGTH}", "token_idx": row % LENGTH,
                                         "layer": layer, "topk_ids": self.ids[row][layer],
                                         "topk_weights": self.weights[row][layer]}))
        path = self.put("layers.jsonl", "\n".join(lines) + "\n")
        report = self.check(path, "--model", MODEL)
        self.assertEqual((report["model"], report["experts"], report["sequences"]), ("tiny", E, WINDOWS))
        self.assertSameIds(self.imported(path))
        lines = [json.dumps({"chosen": self.ids[row], "tok": self.tokens[row], "window": row // LENGTH})
                 for row in range(self.rows)]
        path = self.put("tokens.jsonl", "\n".join(lines))
        fields = ["--field", "ids=chosen", "--field", "token=tok", "--field", "sequence=window"]
        tensors = self.imported(path, *fields)
        self.assertSameIds(tensors)
        self.assertEqual(tensors["tokens"][2], self.tokens)

    def test_route_trace_of_a_llama_cpp_fork(self):
        """The last layer has one prefill row per sequence, which is right; an override of k is named."""
        lines = ["# route_trace v1", f"# model=/m/tiny.gguf arch=olmoe n_layer={LAYERS} n_expert={E} n_expert_used=3",
                 "# layer=0 expert_bytes=1 dense_bytes=2", "turn,phase,step,layer,slot,expert,weight,residency"]
        prompt = LENGTH // 2
        for turn in range(WINDOWS):
            for layer in range(LAYERS):
                for step in range(prompt):
                    if layer == LAYERS - 1 and step != prompt - 1:
                        continue
                    for slot in range(3):
                        row = turn * LENGTH + step
                        lines.append(f"{turn},0,{step},{layer},{slot},{self.ids[row][layer][slot]},"
                                     f"{self.weights[row][layer][slot]:.6g},0")
            for step in range(prompt, LENGTH):
                for layer in range(LAYERS):
                    for slot in range(3):
                        row = turn * LENGTH + step
                        lines.append(f"{turn},1,{step},{layer},{slot},{self.ids[row][layer][slot]},nan,1")
        path = self.put("trace.csv", "\n".join(lines) + "\n")
        report = self.check(path)
        self.assertEqual((report["source"]["stated"]["arch"], report["experts"], report["k"]), ("olmoe", E, 3))
        notes = next(row["notes"] for row in report["checks"] if row["id"] == "L7")
        self.assertIn(f"Layer {LAYERS - 1}", notes[0])
        report = self.check(path, "--model", MODEL, code=1, found=["L3"])
        finding = next(row["findings"][0] for row in report["checks"] if row["id"] == "L3")
        self.assertEqual(finding["evidence"], {"k": 3, "model_k": K, "stated_by_the_log": True})

    def test_router_logits_of_transformers(self):
        content = b"".join(struct.pack(f"<{self.rows * E}f", *self.logits[layer]) for layer in range(LAYERS))
        path = self.put("logits.npy", npy("<f4", (LAYERS, self.rows, E), content))
        self.assertSameIds(self.imported(path, "--model", MODEL))
        report = self.check(path, "--model", MODEL)
        self.assertEqual(report["router_logits"], {"columns": E, "kind": "raw"})
        path = self.path("places.safetensors")
        write_safetensors(path, {f"router_logits.{layer}": ("F32", [self.rows, E], struct.pack(
            f"<{self.rows * E}f", *self.logits[layer])) for layer in range(LAYERS)})
        self.assertSameIds(self.imported(path, "--top-k", K))
        refused = run("import", path, "--check")
        self.assertEqual(refused.returncode, 6)
        self.assertIn("error[LG011]", refused.stderr)

    def test_hidden_states_in_place_of_router_logits(self):
        """L13, and nothing else, where E of the log is the hidden size."""
        width, rows = 128, 200
        values = [self.draw.gauss(0, 1) for _ in range(rows * width)]
        path = self.put("hook.npy", npy("<f4", (1, rows, width), struct.pack(f"<{rows * width}f", *values)))
        self.check(path, "--model", MODEL, "--layers", "0", code=1, found=["L13"])

    def test_answers_of_servers(self):
        prompt = 100
        answers, sglang = [], []
        for window in range(WINDOWS):
            rows = self.ids[window * LENGTH:(window + 1) * LENGTH - 1]
            tokens = self.tokens[window * LENGTH:(window + 1) * LENGTH]
            array = npy("<i2", (len(rows), LAYERS, K), self.flat("h", rows))
            answers.append({"prompt_token_ids": tokens[:prompt], "choices": [
                {"token_ids": tokens[prompt:], "routed_experts": base64.b64encode(array).decode()}]})
            sglang.append({"meta_info": {"prompt_tokens": prompt, "completion_tokens": LENGTH - prompt,
                                         "routed_experts": base64.b64encode(self.flat("i", rows)).decode()}})
        path = self.put("vllm.jsonl", "".join(json.dumps(answer) + "\n" for answer in answers))
        report = self.check(path, "--model", MODEL)
        self.assertEqual((report["rows"], report["sequences"], report["tokens"]),
                         (WINDOWS * (LENGTH - 1), WINDOWS, True))
        path = self.put("sglang.json", json.dumps(sglang))
        self.check(path, "--model", MODEL)
        refused = run("import", path, "--check")
        self.assertEqual(refused.returncode, 6)
        self.assertIn("error[LG005]", refused.stderr)
        nested = {"prompt_routed_experts": self.ids[:prompt], "prompt_token_ids": self.tokens[:prompt],
                  "choices": [{"routed_experts": self.ids[prompt:LENGTH - 1], "token_ids": self.tokens[prompt:LENGTH]}]}
        self.check(self.put("nested.json", json.dumps(nested)), "--model", MODEL)

    def test_clean_leaves_the_named_rows_out(self):
        rows = [self.ids[3]] * 400 + self.ids
        path = self.put("engine.npy", npy("<i2", (len(rows), LAYERS, K), self.flat("h", rows)))
        cleaned = self.path("cleaned")
        result = run("import", path, "--clean", cleaned, "--model", MODEL)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("400 rows (28.1 %) at the start", " ".join(result.stdout.split()))
        facts = load(os.path.join(cleaned, "routing.json"))
        self.assertEqual((facts["rows"], facts["left_out"]), (self.rows, [[0, 399]]))
        self.assertSameIds(read_safetensors(os.path.join(cleaned, "routing.safetensors")))
        self.check(cleaned, "--model", MODEL)

    def test_100_megabytes_of_ids_take_less_than_five_seconds(self):
        """Of processor time, so that other work on the machine doesn't count."""
        block = self.flat("h")
        copies = 100_000_000 // len(block) + 1
        path = self.put("large.npy", npy("<i2", (copies * self.rows, LAYERS, K), block * copies))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        report = self.check(path, "--model", MODEL, code=1, found=["L12"])  # every row is there many times
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.remove(path)
        self.assertEqual(next(row["findings"][0]["evidence"]["divisor"] % copies for row in report["checks"]
                              if row["id"] == "L12"), 0)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 5)

    def test_token_file(self):
        """L7 and L8 by --tokens."""
        path = self.put("ids.npy", npy("<i2", (self.rows, LAYERS, K), self.flat("h")))
        windows = [self.tokens[w * LENGTH:(w + 1) * LENGTH] for w in range(WINDOWS)]
        tokens = self.put("tokens.json", json.dumps(windows))
        report = self.check(path, "--model", MODEL, "--tokens", tokens)
        self.assertEqual(report["sequences"], WINDOWS)
        shifted = self.put("shifted.json", json.dumps([window[1:] + [0] for window in windows]))
        self.check(path, "--model", MODEL, "--tokens", shifted, code=1, found=["L8"])
        longer = self.put("longer.json", json.dumps(
            [{"prompt_token_ids": [5] * 9, "token_ids": window} for window in windows]))
        report = self.check(path, "--model", MODEL, "--tokens", longer, code=1, found=["L7"])
        finding = next(row["findings"][0] for row in report["checks"] if row["id"] == "L7")
        self.assertIn("prefill is missing", finding["found"])
        bad = self.put("bad.json", "[[1, -2]]")
        self.assertIn("error[LG005]", run("import", path, "--check", "--tokens", bad).stderr)
        other = self.put("other.json", "[[1, 2], [3]]")
        self.assertIn("error[LG008]", run("import", path, "--check", "--tokens", other).stderr)

    def test_refusals(self):
        """LG001 to LG012, each code 6 with its remedy."""
        cases = {
            "LG001": self.put("a.txt", "hello"),
            "LG002": self.put("b.pkl", b"\x80\x04\x95abc"),
            "LG003": self.put("c.npy", npy("<i2", (10, 2, 2), b"\0" * 8)),
            "LG004": self.put("d.npy", npy("<i2", (2, 2, 2, 2), b"\0" * 32)),
            "LG005": self.put("e.jsonl", '{"layer": 0, "topk_ids": [1, 2]}\n{"layer": 0, "topk_ids": [1, 2'),
            "LG006": self.put("f.jsonl", '{"layer": 0, "chosen": [1, 2]}\n{"layer": 0, "chosen": [1, 2]}\n'),
            "LG010": self.put("g.jsonl", '{"layer": 5000, "topk_ids": [1, 2]}\n'),
        }
        half = [0.5, 0.5] + [0.0] * (E - 2)
        mixed = half * 2 + [1.0, -2.0] * (E // 2)
        cases["LG009"] = self.put("h.npy", npy("<f4", (1, 3, E), struct.pack(f"<{3 * E}f", *mixed)))
        for error, path in cases.items():
            with self.subTest(error=error):
                result = run("import", path, "--check", "--top-k", 3)
                self.assertEqual(result.returncode, 6, result.stderr)
                self.assertIn(f"error[{error}]", result.stderr)
        zip_file = self.put("i.npz", b"PK\x03\x04zip")
        self.assertIn("numpy.load", run("import", zip_file, "--check").stderr)
        rows = [self.ids[3]] * 50 + [[[E] + layer[1:] for layer in row] for row in self.ids[:50]]
        bad = self.put("bad.npy", npy("<i2", (100, LAYERS, K), self.flat("h", rows)))
        result = run("import", bad, "--clean", self.path("nothing"), "--experts", E)
        self.assertEqual(result.returncode, 6, result.stdout)
        self.assertIn("error[LG012]", result.stderr)
        same = self.put("j.npy", npy("<i2", (50, LAYERS, K), self.flat("h", [self.ids[3]] * 50)))
        result = run("import", same, "--clean", self.path("nothing"))
        self.assertEqual(result.returncode, 1, result.stderr)  # rows that are all of the log aren't named

    def test_usage(self):
        """US001"""
        for arguments in ([self.trace], [self.trace, "--check", "--field", "nothing=x"],
                          [self.trace, "--check", "--threshold", "L6.nothing=1"],
                          [self.trace, "--check", "--threshold", "L6.chance=x"],
                          [self.trace, "--check", "--format", "nothing"],
                          [self.trace, "--check", "--top-k", "0"], [self.trace, "--check", "--threads", "2000"],
                          [self.trace, "--check", "--axes", "layers"]):
            with self.subTest(arguments=arguments):
                result = run("import", *arguments)
                self.assertEqual(result.returncode, 2, result.stdout)
                self.assertIn("error[US001]", result.stderr)
        self.assertEqual(run("import", self.path("nowhere"), "--check").returncode, 4)
        self.assertEqual(run("trace", "--model", MODEL, "--tokens", "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
