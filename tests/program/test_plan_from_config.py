"""`plan` from a config.json alone: released models whose weights are nowhere near, against arithmetic of this file's
own on the numbers of their configs, and against public sizes; tiny checkpoints, against the plan from their headers."""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from support import PROGRAM, ROOT, make_model, run
from test_families import letters_tokenizer

CONFIGS = os.path.join(ROOT, "tests/data/configs")
FAMILIES = os.path.join(ROOT, "tests/data/families")
WINDOWS, LENGTH = 40, 256


def config_of(name):
    with open(os.path.join(CONFIGS, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


class Count:
    """What one model's layers hold and compute. Matrices are added by rows and columns; a token multiplies `active`
    of them per layer. Work: 2 FLOPs per weight that a token meets, plus the scores and the values of attention."""

    def __init__(self):
        self.parameters = self.bytes = self.per_token = 0

    def matrix(self, rows, columns, stored="bf16", copies=1, active=None):
        active = copies if active is None else active
        self.parameters += copies * rows * columns
        self.per_token += 2 * active * rows * columns
        if stored == "bf16":
            each = 2 * rows * columns
        elif stored == "fp8":  # one byte, and 4 for each block of 128 by 128
            each = rows * columns + 4 * math.ceil(rows / 128) * math.ceil(columns / 128)
        else:  # mxfp4: 16 bytes and a scale of one byte for 32 values of a row
            assert columns % 32 == 0
            each = rows * columns // 32 * 17
        self.bytes += copies * each

    def vector(self, size, bytes_each=2, copies=1):
        self.parameters += copies * size
        self.bytes += copies * bytes_each * size

    def attention(self, query_width, value_width):
        """Scores of all pairs of a window, and sums of values: the engine computes the whole square."""
        self.per_token += 2 * LENGTH * (query_width + value_width)

    def without_work(self, matrices):
        """Tables, of which a token takes a row."""
        for rows, columns in matrices:
            self.parameters += rows * columns
            self.bytes += 2 * rows * columns


def deepseek(c):
    d, heads = c["hidden_size"], c["num_attention_heads"]
    key, value = c["qk_nope_head_dim"] + c["qk_rope_head_dim"], c["v_head_dim"]
    count = Count()
    count.without_work([(c["vocab_size"], d)])

    def layer(sparse):
        count.matrix(c["q_lora_rank"], d, "fp8")
        count.matrix(heads * key, c["q_lora_rank"], "fp8")
        count.matrix(c["kv_lora_rank"] + c["qk_rope_head_dim"], d, "fp8")
        count.matrix(heads * (c["qk_nope_head_dim"] + value), c["kv_lora_rank"], "fp8")
        count.matrix(d, heads * value, "fp8")
        count.attention(heads * key, heads * value)
        for size in (d, d, c["q_lora_rank"], c["kv_lora_rank"]):
            count.vector(size)
        if not sparse:
            for _ in range(3):
                count.matrix(c["intermediate_size"], d, "fp8")
            return
        inner, experts = c["moe_intermediate_size"], c["n_routed_experts"]
        count.matrix(experts, d)
        count.vector(experts, 4)
        for rows, columns in ((inner, d), (inner, d), (d, inner)):
            count.matrix(rows, columns, "fp8", experts, c["num_experts_per_tok"])
            count.matrix(rows, columns, "fp8", c["n_shared_experts"])

    for n in range(c["num_hidden_layers"]):
        layer(n >= c["first_k_dense_replace"])
    return count, layer


def gpt_oss(c):
    d, inner, experts, head = c["hidden_size"], c["intermediate_size"], c["num_local_experts"], c["head_dim"]
    q, kv = c["num_attention_heads"] * head, c["num_key_value_heads"] * head
    count = Count()
    count.without_work([(c["vocab_size"], d)])
    for _ in range(c["num_hidden_layers"]):
        for rows, columns in ((q, d), (kv, d), (kv, d), (d, q)):
            count.matrix(rows, columns)
            count.vector(rows)
        count.vector(c["num_attention_heads"])  # sinks
        count.attention(q, q)
        count.vector(d, copies=2)
        count.matrix(experts, d)
        count.vector(experts)
        for rows, columns in ((2 * inner, d), (d, inner)):
            count.matrix(rows, columns, "mxfp4", experts, c["num_experts_per_tok"])
            count.vector(rows, copies=experts)
    return count


def qwen3(c):
    d, inner, experts, head = c["hidden_size"], c["moe_intermediate_size"], c["num_experts"], c["head_dim"]
    q, kv = c["num_attention_heads"] * head, c["num_key_value_heads"] * head
    count = Count()
    count.without_work([(c["vocab_size"], d)])
    for _ in range(c["num_hidden_layers"]):
        for rows, columns in ((q, d), (kv, d), (kv, d), (d, q)):
            count.matrix(rows, columns)
        count.attention(q, q)
        count.vector(d, copies=2)
        count.vector(head, copies=2)
        count.matrix(experts, d)
        for rows, columns in ((inner, d), (inner, d), (d, inner)):
            count.matrix(rows, columns, "bf16", experts, c["num_experts_per_tok"])
    return count


def gemma4(wrapper):
    c = wrapper["text_config"]
    d, inner, experts = c["hidden_size"], c["moe_intermediate_size"], c["num_experts"]
    count = Count()
    count.without_work([(c["vocab_size"], d)])
    for kind in c["layer_types"]:
        full = kind == "full_attention"
        head = c["global_head_dim"] if full else c["head_dim"]
        q = c["num_attention_heads"] * head
        kv = (c["num_global_key_value_heads"] if full else c["num_key_value_heads"]) * head
        # Where values are keys one matrix is stored for both; the engine multiplies by it twice.
        count.matrix(q, d)
        count.matrix(kv, d, copies=1 if full else 2, active=2)
        count.matrix(d, q)
        count.attention(q, q)
        count.vector(head, copies=2)
        count.vector(d, copies=7 + 1)  # norms, and the router's scale
        count.vector(experts)  # factors of the experts
        count.vector(1)
        count.matrix(experts, d)
        for rows, columns in ((inner, d), (inner, d), (d, inner)):
            count.matrix(rows, columns, "bf16", experts, c["top_k_experts"])
        for _ in range(3):
            count.matrix(c["intermediate_size"], d)
    return count


class PlanFromConfig(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.compute = json.loads(run("doctor", "--json").stdout)["compute"]

    def plan(self, model, *more, experiments="expert_load"):
        result = run("plan", experiments, "--model", model, "--windows", WINDOWS, "--seq-len", LENGTH, "--memory",
                     "64G", "--json", *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def planned(self, name, *more, experiments="expert_load"):
        plan = self.plan(os.path.join(CONFIGS, name + ".json"), *more, experiments=experiments)
        self.assertEqual((plan["model"], plan["from"]), (name, "config"))
        return plan

    def check(self, name, count):
        plan = self.planned(name)
        self.assertEqual(plan["read_bytes"], count.bytes)
        self.assertAlmostEqual(plan["flops"] / (WINDOWS * LENGTH * count.per_token), 1, delta=1e-9)
        self.assertEqual(plan["spill_bytes"], 0)
        self.assertLess(plan["peak_bytes"], 6e9 if self.compute == "bf16" else 8e9)

    def near(self, value, public, relative):
        self.assertAlmostEqual(value / public, 1, delta=relative)

    @staticmethod
    def active(c, per_token):
        """Parameters that a token meets in the layers: half its FLOPs, without those between tokens."""
        widths = c["qk_nope_head_dim"] + c["qk_rope_head_dim"] + c["v_head_dim"]
        return (per_token - c["num_hidden_layers"] * 2 * LENGTH * c["num_attention_heads"] * widths) / 2

    def test_deepseek_v3(self):
        """The model card: 671B parameters, 37B of them active, and 14B for speculative decoding: a layer like the
        others with copies of embedding and head. All files: 688.6 GB."""
        c = config_of("deepseek-v3")
        count, layer = deepseek(c)
        self.check("deepseek-v3", count)
        table = (c["vocab_size"], c["hidden_size"])
        work = count.per_token
        count.without_work([table])  # the head
        count.vector(c["hidden_size"])
        self.near(count.parameters, 671e9, 0.001)
        self.near(self.active(c, work) + 2 * table[0] * table[1], 37e9, 0.02)
        before = count.parameters
        layer(True)
        count.without_work([table, table, (c["hidden_size"], 2 * c["hidden_size"])])
        count.vector(c["hidden_size"], copies=3)
        self.near(count.parameters - before, 14e9, 0.05)
        self.near(count.bytes, 688.6e9, 0.001)

    def test_kimi_k2(self):
        """The report: 1.04T parameters, 32.6B of them active. The files: 1.03 TB."""
        c = config_of("kimi-k2")
        count, _ = deepseek(c)
        self.check("kimi-k2", count)
        table = (c["vocab_size"], c["hidden_size"])
        self.near(self.active(c, count.per_token) + 2 * table[0] * table[1], 32.6e9, 0.02)
        count.without_work([table])
        self.near(count.parameters, 1.04e12, 0.02)
        self.near(count.bytes, 1.03e12, 0.002)

    def test_gpt_oss_120b(self):
        """The model card: 116.83B parameters and 60.8 GiB."""
        c = config_of("gpt-oss-120b")
        count = gpt_oss(c)
        self.check("gpt-oss-120b", count)
        count.without_work([(c["vocab_size"], c["hidden_size"])])
        count.vector(c["hidden_size"])
        self.near(count.parameters, 116.83e9, 0.0001)
        self.near(count.bytes, 60.8 * 2**30, 0.001)

    def test_qwen3_235b(self):
        """The index of the shards: 470,187,269,120 bytes."""
        c = config_of("qwen3-235b-a22b")
        count = qwen3(c)
        self.check("qwen3-235b-a22b", count)
        count.without_work([(c["vocab_size"], c["hidden_size"])])
        count.vector(c["hidden_size"])
        self.assertEqual(count.bytes, 470_187_269_120)

    def test_gemma4_26b(self):
        """The model card: 25.2B parameters. The head is the embedding."""
        c = config_of("gemma-4-26b-a4b")
        count = gemma4(c)
        self.check("gemma-4-26b-a4b", count)
        self.near(count.parameters, 25.2e9, 0.005)
        both = self.planned("gemma-4-26b-a4b", experiments="expert_load,attention_router")
        self.assertEqual(both["read_bytes"], count.bytes)

    def test_the_head_is_read_where_it_is_needed(self):
        c = config_of("qwen3-235b-a22b")
        head = 2 * c["vocab_size"] * c["hidden_size"]
        both = self.planned("qwen3-235b-a22b", experiments="expert_load,chart_compatibility")
        self.assertEqual(both["read_bytes"], qwen3(c).bytes + head)

    def test_what_is_assumed_is_listed(self):
        path = os.path.join(CONFIGS, "deepseek-v3.json")
        plan = self.planned("deepseek-v3", experiments="all")
        for words in ("BF16, by torch_dtype", "F8_E4M3", "none was checked", "1 domain of 40 windows of 256 tokens",
                      "no tokenizer.json", "1.00 GB per second (--disk)"):
            self.assertTrue(any(words in line for line in plan["assumed"]), words)
        result = run("plan", "all", "--model", path, "--memory", "64G", "--disk", "2GB")
        self.assertEqual(result.returncode, 0, result.stderr)
        for words in ("from its config.json alone", "1 domain of 200 windows of 256 tokens", "2.00 GB per second",
                      "together", "expected"):
            self.assertIn(words, result.stdout)
        self.assertTrue(all(len(line) <= 100 for line in result.stdout.splitlines()))
        plan = self.planned("gpt-oss-120b")
        self.assertTrue(any("BF16, as config.json has no dtype" in line for line in plan["assumed"]))
        self.assertTrue(any("MXFP4" in line for line in plan["assumed"]))

    def test_what_does_not_fit_is_spilled_by_name_or_refused(self):
        path = os.path.join(CONFIGS, "deepseek-v3.json")
        arguments = ["plan", "expert_load", "--model", path, "--windows", 400, "--json", "--memory"]
        whole = json.loads(run(*arguments, "64G").stdout)["peak_bytes"]
        plan = json.loads(run(*arguments, whole * 4 // 5).stdout)
        self.assertGreater(plan["spill_bytes"], 0)
        self.assertEqual(sum(line["bytes"] for line in plan["spilled"]), plan["spill_bytes"])
        self.assertLessEqual(plan["peak_bytes"], whole * 4 // 5)
        self.assertIn("residual stream", [line["what"] for line in plan["spilled"]])
        result = run(*arguments, "500M")
        self.assertEqual(result.returncode, 5)
        for words in ("error[RT004]", "with everything spilled", "2 weight slices", "Use --"):
            self.assertIn(words, result.stderr)

    def test_planning_the_largest_is_quick_and_small(self):
        """140,000 tensors, besides the product that is timed for half a second."""
        program = ("import resource, subprocess, sys\n"
                   "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
                   "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
                   "print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)\n")
        command = [PROGRAM, "plan", "all", "--threads", "1", "--memory", "64G", "--windows", str(WINDOWS), "--model",
                   os.path.join(CONFIGS, "kimi-k2.json")]
        result = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=True)
        seconds, peak = map(float, result.stdout.split())
        self.assertLess(seconds, 5)
        self.assertLess(peak, 1.5e9)

    def test_every_encoding_is_planned_as_from_its_headers(self):
        """Bytes, work and memory of golden checkpoints, in the layouts in which models are released."""
        shapes = ["deepseek_v3/fp8", "deepseek_v3/no-groups-v4", "gpt_oss/mxfp4", "gpt_oss/yarn-v4",
                  "gemma4/published-v4", "gemma4_text/k-is-v-f32", "qwen3_moe/wide-heads-v4", "qwen3_vl_moe/step-v4",
                  "mixtral/window-v4", "minimax_m2/partial-v4", "ernie4_5_moe/tied-v4", "lfm2_moe/tied-v4",
                  "granitemoehybrid/nope-tied-v4", "kimi_linear/published-v4", "qwen3_5_moe/fused",
                  "deepseek_v3/triples-fused"]
        # Half a second of each plan is a timed product, whose speed nobody looks at here: several at once.
        with ThreadPoolExecutor(8) as pool:
            found = [pool.submit(self.plans, os.path.join(FAMILIES, shape, "model")) for shape in shapes]
        for shape, plans in zip(shapes, found):
            with self.subTest(shape):
                self.same(plans.result())

    def test_checkpoints_with_a_tokenizer(self):
        """Every experiment: the prompts of attention_router are read with the tokenizer beside the config."""
        self.same(self.plans(os.path.join(ROOT, "models/routegauge-tiny-olmoe"), experiments="all"))
        self.same(self.plans(make_model(os.path.join(self.folder, "tiny")), experiments="all"))

    def plans(self, folder, experiments="expert_load"):
        """Of the folder and of its config.json, in a folder and as a file."""
        whole, bare = (tempfile.mkdtemp(dir=self.folder) for _ in range(2))
        shutil.copytree(folder, whole, dirs_exist_ok=True)
        if not os.path.exists(os.path.join(whole, "tokenizer.json")):
            with open(os.path.join(whole, "tokenizer.json"), "w", encoding="utf-8") as file:
                json.dump(letters_tokenizer(), file)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            if os.path.exists(os.path.join(folder, name)):
                shutil.copy(os.path.join(folder, name), bare)
        plans = []
        for model in (whole, bare, os.path.join(whole, "config.json")):
            result = run("plan", experiments, "--model", model, "--windows", 8, "--seq-len", 16, "--memory", "2G",
                         "--threads", 1, "--json")
            self.assertEqual(result.returncode, 0, result.stderr)
            plans.append(json.loads(result.stdout))
        return plans

    def same(self, plans):
        self.assertEqual([plan["from"] for plan in plans], ["headers", "config", "config"])
        for plan in plans[1:]:
            for field in ("read_bytes", "flops", "extra_flops", "memory", "peak_bytes", "experts_per_slice"):
                self.assertEqual(plan[field], plans[0][field], field)

    def folder_with(self, config, **files):
        folder = tempfile.mkdtemp(dir=self.folder)
        for name, value in {"config.json": config, **files}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(value if isinstance(value, str) else json.dumps(value))
        return folder

    def refused(self, code, number, command, *words):
        result = run(*command)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        for word in (f"error[{number}]", *words):
            self.assertIn(word, result.stderr)

    def test_the_other_commands_need_the_weights(self):
        """ST017, and that a plan works."""
        config = config_of("qwen3-235b-a22b")
        folder = self.folder_with(config)
        file = os.path.join(folder, "config.json")
        for command in (["inspect"], ["run", "all", "--domain", "p=x", "--out", self.folder, "--model"],
                        ["trace", "--domain", "p=x", "--out", os.path.join(self.folder, "t"), "--model"]):
            self.refused(3, "ST017", [*command, folder], "routegauge plan")
            self.refused(3, "HF001", [*command, file], "a file", "routegauge plan")
        # Weights in another form are no bare config.
        for name in ("model.gguf", "pytorch_model.bin", "model-00001-of-00002.safetensors"):
            folder = self.folder_with(config, **{name: ""})
            self.refused(3, "ST017", ["plan", "all", "--model", folder], name)

    def test_a_snapshot_of_which_only_the_config_was_fetched(self):
        cache = tempfile.mkdtemp(dir=self.folder)
        repository = os.path.join(cache, "models--org--name")
        for part in ("refs", "snapshots/" + "a" * 40, "blobs"):
            os.makedirs(os.path.join(repository, part))
        with open(os.path.join(repository, "refs/main"), "w", encoding="utf-8") as file:
            file.write("a" * 40)
        shutil.copy(os.path.join(CONFIGS, "gpt-oss-120b.json"), os.path.join(repository, "blobs/b"))
        os.symlink("../../blobs/b", os.path.join(repository, "snapshots", "a" * 40, "config.json"))
        here = {"HF_HUB_CACHE": cache}
        result = run("plan", "expert_load", "--model", "org/name", "--json", env=here)
        self.assertEqual(result.returncode, 0, result.stderr)
        plan = json.loads(result.stdout)
        self.assertEqual((plan["model"], plan["from"]), ("org--name@" + "a" * 12, "config"))
        self.assertEqual(plan["read_bytes"], gpt_oss(config_of("gpt-oss-120b")).bytes)
        result = run("inspect", "org/name", env=here)
        for words in ("error[", "hf download org/name", "routegauge plan"):
            self.assertIn(words, result.stderr)

    def test_what_a_plan_needs(self):
        path = os.path.join(CONFIGS, "qwen3-235b-a22b.json")
        self.refused(2, "US001", ["plan", "all", "--model", path, "--windows", "all"], "--domain",
                     "a number of windows")
        self.refused(3, "TK002", ["plan", "all", "--model", path, "--windows", "all", "--domain", "p=x"],
                     "tokenizer.json", "--windows")
        self.refused(3, "CF017", ["plan", "expert_load", "--model", path, "--seq-len", "50000"], "40960")
        self.refused(3, "HF001", ["plan", "all", "--model", "nowhere.json"])

    def test_configs_that_say_what_no_release_does(self):
        config = config_of("qwen3-235b-a22b")
        other = lambda **changes: self.folder_with({**config, **changes})
        plan = lambda folder: ["plan", "expert_load", "--model", folder]
        self.refused(3, "CF002", plan(other(torch_dtype="float8_e4m3fn")), "torch_dtype", "bfloat16")
        self.refused(3, "CF002", plan(other(torch_dtype=16)), "torch_dtype")
        int4 = {"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head"]}
        self.refused(3, "CF002", plan(self.folder_with({**config_of("kimi-k2"), "quantization_config": int4})),
                     "compressed-tensors", "fp8 or mxfp4")
        many = {"num_hidden_layers": 1000, "num_experts": 1000}
        self.refused(3, "ST023", plan(other(**many)), "more or larger tensors", "config.json")
        fp32 = other(torch_dtype="float32")
        self.assertEqual(json.loads(run(*plan(fp32), "--json").stdout)["read_bytes"],
                         2 * json.loads(run(*plan(self.folder_with(config)), "--json").stdout)["read_bytes"])


if __name__ == "__main__":
    unittest.main()
