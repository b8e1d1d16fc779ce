"""run intervention, end to end: its artifact against traces, what stays the same, what is refused."""

import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
import unittest

import jsonschema
from support import ROOT, artifacts_below, digests, files_below, load, make_text, run, sha256_of
from test_import import read_safetensors

MODEL = os.path.join(ROOT, "models", "routegauge-tiny-olmoe")
WINDOWS, LENGTH, LAYERS, K, E = 6, 64, 8, 4, 16
LAYER, EXPERT = 3, 5
T = LENGTH - 1


class Runs(unittest.TestCase):
    """Files and runs of interventions in the shipped model."""

    @classmethod
    def file(cls, name, rows, routes=None):
        path = os.path.join(cls.folder, f"{name}.json")
        rows = [{"layer": layer, "expert": expert, "action": action} for layer, expert, action in rows]
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"interventions": rows, **({} if routes is None else {"routes": routes})}, file)
        return path

    @classmethod
    def job(cls, name, rows, *more, command="run", routes=None):
        return [command, "intervention", "--model", MODEL, "--domain", f"prose={cls.text}", "--windows", WINDOWS,
                "--seq-len", LENGTH, "--intervene", cls.file(name, rows, routes),
                "--out", os.path.join(cls.folder, name),
                *([] if "--compute" in more else ["--compute", "f32"]),
                *([] if "--threads" in more else ["--threads", 2]), *more]

    def written(self, name):
        return load(os.path.join(self.folder, name, "intervention/routegauge-tiny-olmoe/prose/single/run.json"))


class Intervention(Runs):
    """The shipped model on made-up text."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-intervention-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.text = make_text(os.path.join(cls.folder, "prose"), "prose", 12, 400)
        cls.out = os.path.join(cls.folder, "mask")
        cls.first = cls.measure("mask", [(LAYER, EXPERT, "mask")])
        cls.trace = os.path.join(cls.folder, "trace.safetensors")
        traced = run("trace", "--model", MODEL, "--domain", f"prose={cls.text}", "--windows", WINDOWS, "--seq-len",
                     LENGTH, "--threads", 2, "--compute", "f32", "--tensors", "topk_ids,logits", "--out", cls.trace)
        assert traced.returncode == 0, traced.stderr

    @classmethod
    def measure(cls, name, rows, *more):
        return run(*cls.job(name, rows, *more))

    def artifact(self, name, rows, *more):
        result = self.measure(name, rows, *more)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.written(name)

    def refused(self, *words, options, code=2):
        out = os.path.join(self.folder, "refused")
        result = run(*options, "--out", out)
        self.assertEqual(result.returncode, code, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse(os.path.isdir(out) and [name for name in files_below(out) if name.endswith(".json")])

    def plain_sets(self, layer):
        """By window, the selected set of every measured position of the plain model."""
        _, shape, ids = read_safetensors(self.trace)[f"layers.{layer}.topk_ids"]
        ranks = shape[-1]  # the next best expert is the last one
        assert ranks == K + 1
        rows = [set(ids[row * ranks:row * ranks + K]) for row in range(WINDOWS * LENGTH)]
        return [rows[w * LENGTH:w * LENGTH + T] for w in range(WINDOWS)]

    def test_the_plan_says_two_passes(self):
        whole = json.loads(run(*self.job("planned", [(LAYER, EXPERT, "mask")], "--json", command="plan")).stdout)
        self.assertEqual(whole["together"]["passes"], 2)
        plain, touched = whole["plans"]
        self.assertNotIn("intervention", plain)
        self.assertEqual(touched["intervention"]["interventions"],
                         [{"layer": LAYER, "expert": EXPERT, "action": "mask"}])
        held = [sum(row["bytes"] for row in plan["memory"] if row["what"] == "experiments' own records")
                for plan in whole["plans"]]
        self.assertGreater(held[0], LAYERS * WINDOWS * T * K * 2)
        self.assertGreater(held[1], held[0])
        text = run(*self.job("planned", [(LAYER, EXPERT, "mask")], command="plan")).stdout
        self.assertIn("\nboth passes\n  passes      2\n", text)
        self.assertEqual(text.count("routes      changed by "), 1)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "planned", "intervention")))

    def test_a_config_alone_is_enough_for_a_plan(self):
        config = os.path.join(self.folder, "config.json")
        shutil.copy(os.path.join(MODEL, "config.json"), config)
        job = self.job("planned", [(LAYER, EXPERT, "mask")], "--json", command="plan")
        job[job.index(MODEL)] = config
        self.assertEqual(json.loads(run(*job).stdout)["together"]["passes"], 2)
        job[job.index("--intervene") + 1] = self.file("planned", [(LAYERS, 0, "mask")])
        self.assertIn(f"layer {LAYERS}", run(*job).stderr)

    def test_a_masked_expert_is_replaced_where_it_was_chosen(self):
        self.assertEqual(self.first.returncode, 0, self.first.stderr)
        artifact = self.written("mask")
        windows, summary = artifact["per_window"], artifact["summary"]
        nothing = [0] * WINDOWS
        for layer in range(LAYERS):
            mass, changed = windows["mass"][str(layer)], windows["changed"][str(layer)]
            if layer < LAYER:
                self.assertEqual((mass, changed), (nothing, nothing))
            if layer == LAYER:
                chosen = [sum(EXPERT in tokens for tokens in sets) for sets in self.plain_sets(layer)]
                self.assertGreater(min(chosen), 0)
                self.assertEqual((mass, changed), (chosen, chosen))
            for m, c in zip(mass, changed):
                self.assertTrue(c <= m <= K * c and c <= T)
        self.assertGreater(sum(map(sum, [windows["mass"][str(layer)] for layer in range(LAYER + 1, LAYERS)])), 0)
        self.assertEqual((summary["outcome"], summary["verdict"]), ("CHANGED", "REPORTED"))
        self.assertGreater(min(windows["kl"]), 0)
        above = [windows["mass"][str(layer)][w] for layer in range(LAYER + 1, LAYERS) for w in range(WINDOWS)]
        self.assertAlmostEqual(summary["downstream"]["overlap"]["rate"],
                               1 - sum(above) / (K * T * WINDOWS * (LAYERS - LAYER - 1)), 12)

    def test_the_plain_loss_is_that_of_the_plain_model(self):
        tensors = read_safetensors(self.trace)
        (_, shape, logits), tokens = tensors["logits"], tensors["tokens"][2]
        width = shape[-1]
        for window in (0, WINDOWS - 1):
            loss = 0.0
            for row in range(window * LENGTH, window * LENGTH + T):
                of_row = logits[row * width:(row + 1) * width]
                top = max(of_row)
                loss += top + math.log(math.fsum(math.exp(x - top) for x in of_row)) - of_row[tokens[row + 1]]
            self.assertAlmostEqual(self.written("mask")["per_window"]["loss_plain"][window], loss / T, 9)

    def test_a_forced_expert_appears(self):
        artifact = self.artifact("force", [(LAYER, EXPERT, "force")])
        absent = [sum(EXPERT not in tokens for tokens in sets) for sets in self.plain_sets(LAYER)]
        self.assertEqual(artifact["per_window"]["mass"][str(LAYER)], absent)
        self.assertEqual(artifact["per_window"]["mass"][str(LAYER - 1)], [0] * WINDOWS)

    def test_nothing_and_a_scale_of_one_change_nothing(self):
        for name, rows, more in (("nothing", [], []), ("one", [(LAYER, EXPERT, {"scale": 1})], []),
                                 ("auto", [], ["--compute", "auto"])):
            artifact = self.artifact(name, rows, *more)
            windows, summary = artifact["per_window"], artifact["summary"]
            self.assertEqual(summary["outcome"], "UNCHANGED")
            self.assertEqual(windows["kl"], [0] * WINDOWS)
            self.assertEqual(windows["loss"], windows["loss_plain"])
            if not more:
                self.assertEqual(windows["loss_plain"], self.written("mask")["per_window"]["loss_plain"])
            self.assertEqual(windows["top1_equal"], [T] * WINDOWS)
            self.assertEqual([sum(values) for values in windows["mass"].values()], [0] * LAYERS)
            self.assertEqual(summary["top1"], {"rate": 1, "ci95": [1, 1]})
        self.assertIsNone(self.written("nothing")["summary"]["downstream"])
        self.assertIn("summary.downstream", self.written("nothing")["null_reasons"])
        self.assertEqual(self.written("one")["summary"]["downstream"]["changed"]["rate"], 0)

    def test_a_scale_changes_later_layers_alone(self):
        artifact = self.artifact("scale", [(LAYER, EXPERT, {"scale": 0})])
        self.assertEqual(artifact["per_window"]["mass"][str(LAYER)], [0] * WINDOWS)
        self.assertGreater(sum(artifact["per_window"]["mass"][str(LAYER + 1)]), 0)
        self.assertEqual(artifact["summary"]["outcome"], "CHANGED")

    def test_the_artifact_names_what_was_changed(self):
        artifact = self.written("mask")
        expected = {"interventions": [{"layer": LAYER, "expert": EXPERT, "action": "mask"}]}
        self.assertEqual(artifact["intervention"], expected)
        self.assertEqual(artifact["settings"]["intervention"], expected)
        self.assertEqual(artifact["settings"]["parameters"], {"bootstrap": 2000})
        self.assertEqual(artifact["verification"]["required_layers"], list(range(LAYERS)))
        self.assertEqual(artifact["schema_version"], "1.0")
        names = {row["name"] for row in artifact["tensors"]}
        self.assertIn("model.layers.7.mlp.experts.15.down_proj.weight", names)
        inputs = {row["name"]: row["sha256"] for row in artifact["inputs"]}
        self.assertEqual(inputs["config.json"], sha256_of(os.path.join(MODEL, "config.json")))
        artifact.pop("manifest")
        self.assertNotIn(self.folder, json.dumps(artifact))

    def test_artifacts_follow_their_schema_and_are_reported(self):
        schema = load(os.path.join(ROOT, "schema/intervention.schema.json"))
        form = load(os.path.join(ROOT, "schema/intervention_file.schema.json"))
        self.measure("nothing", [])
        for name in ("mask", "nothing"):
            jsonschema.Draft7Validator(schema).validate(self.written(name))
            jsonschema.Draft7Validator(form).validate(load(os.path.join(self.folder, f"{name}.json")))
            judged = run("verify", os.path.join(self.folder, name), "--json")
            self.assertEqual(judged.returncode, 0, judged.stdout)
            self.assertEqual([row["verdict"] for row in json.loads(judged.stdout)["verdicts"]], ["REPORTED"])
        self.assertIn("REPORTED", self.first.stdout)

    def test_the_order_of_rows_means_nothing(self):
        rows = [(LAYER, EXPERT, {"scale": 2}), (1, 2, "mask"), (LAYER, EXPERT, "force")]
        first = self.artifact("ordered", rows)
        self.assertEqual(self.artifact("reversed", rows[::-1])["body_sha256"], first["body_sha256"])

    def least_memory(self):
        """In MB, with everything spilled: it depends on the CPU, whose products have rows of some height."""
        megabytes = 1
        for _ in range(3):  # each pass has a plan of its own
            plan = self.measure("least", [(LAYER, EXPERT, "mask")], "--memory", f"{megabytes}M")
            if "RT004" not in plan.stderr:
                return megabytes
            megabytes = math.ceil(float(re.search(r"a plan of ([\d.]+) MB with everything spilled", plan.stderr)[1])) + 1
        raise AssertionError(plan.stderr)

    def test_results_dont_depend_on_threads_blocks_or_memory(self):
        for name, more in (("one-thread", ["--threads", 1]), ("blocks", ["--block-windows", 5]),
                           ("little", ["--memory", f"{self.least_memory()}M"])):
            artifact = self.artifact(name, [(LAYER, EXPERT, "mask")], *more)
            self.assertEqual(artifact["body_sha256"], self.written("mask")["body_sha256"], name)

    def test_the_same_run_is_done_and_another_one_is_refused(self):
        self.assertIn("done already", self.measure("mask", [(LAYER, EXPERT, "mask")], "--threads", 1).stderr)
        before = digests(self.out)
        job = self.job("other", [(LAYER, EXPERT, "force")])
        job[job.index("--out") + 1] = self.out
        self.assertEqual(run(*job).returncode, 2)
        plain = ["run", "expert_load", "--model", MODEL, "--domain", f"prose={self.text}", "--windows", WINDOWS,
                 "--seq-len", LENGTH, "--threads", 2]
        result = run(*plain, "--out", self.out)
        self.assertEqual(result.returncode, 2)
        self.assertIn("US002", result.stderr)
        self.assertEqual(digests(self.out), before)
        replaced = os.path.join(self.folder, "replaced")
        shutil.copytree(self.out, replaced)
        self.assertEqual(run(*plain, "--out", replaced, "--overwrite").returncode, 0)
        self.assertEqual(list(digests(replaced)), ["expert_load/prose"])

    def test_a_domain_has_an_artifact_of_its_own(self):
        code = make_text(os.path.join(self.folder, "code"), "code", 12, 400)
        self.artifact("domains", [(LAYER, EXPERT, "mask")], "--domain", f"code={code}")
        self.assertEqual(len(artifacts_below(os.path.join(self.folder, "domains"))), 2)
        alone, together = self.written("mask"), self.written("domains")
        self.assertEqual(together["per_window"], alone["per_window"])

    def test_what_the_command_line_refuses(self):
        texts = ["--domain", f"prose={self.text}", "--windows", WINDOWS, "--seq-len", LENGTH]
        model, file = ["--model", MODEL], ["--intervene", self.file("any", [])]
        for words, options in (
                (("US001", "--intervene", "none", "`intervention`"), ["intervention", *model]),
                (("US001", "--intervene", "`intervention`"), ["expert_load", *model, *file]),
                (("US001", "--intervene", "`intervention`"), ["all", *model, *file]),
                (("US001", "--intervene", "`intervention`"), ["suite", *file]),
                (("US001", "--intervene", "`intervention`"), ["intervention,expert_load", *model, *file]),
                (("US001", "'intervention'", "alone"), ["intervention,expert_load", *model]),
                (("US001", "--nonfinite"), ["intervention", *model, *file, "--nonfinite", "record"]),
                (("US001", "--model"), ["intervention", *file]),
                (("US003", "'models'"), ["intervention", *file, "--parameter", f'models=["{MODEL}"]']),
                (("US003", "'random_draws'"), ["intervention", *model, *file, "--parameter", "random_draws=2"]),
                (("US003", "bootstrap"), ["intervention", *model, *file, "--parameter", "bootstrap=7"]),
                (("US001", "--family"), ["intervention", *model, *file, "--family", "x.json"])):
            for command in ("run", "plan"):
                with self.subTest(options=options[0], words=words, command=command):
                    self.refused(*words, options=[command, *options, *texts])
        self.refused("US001", "--domain", options=["run", "intervention", *model, *file])

    def test_what_the_file_may_not_say(self):
        texts = ["--domain", f"prose={self.text}", "--windows", WINDOWS, "--seq-len", LENGTH]
        for words, rows in ((("US001", f"layer {LAYERS}", "no gate there"), [(LAYERS, 0, "mask")]),
                            (("US001", "layer 0", "experts from 0 to"), [(0, E, "mask")]),
                            (("US001", "at least k = 4"), [(0, e, "mask") for e in range(E - K + 1)]),
                            (("US001", "drop"), [(0, 0, "drop")])):
            self.refused(*words, options=["run", "intervention", "--model", MODEL, "--intervene",
                                          self.file("bad", rows), *texts])
        self.refused("IO003", options=["run", "intervention", "--model", MODEL, "--intervene",
                                       os.path.join(self.folder, "absent.json"), *texts], code=4)

    def test_a_scale_beyond_the_numbers_of_the_model(self):
        result = self.measure("beyond", [(LAYER, EXPERT, {"scale": 3e38})])
        self.assertEqual(result.returncode, 3, result.stdout)
        self.assertIn("error[RT012]", result.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "beyond", "intervention")))

    def test_the_help_names_the_option(self):
        self.assertIn("--intervene FILE", run("run", "--help").stdout)


class ImposedRoutes(Runs):
    """Routes of logs that trace wrote, in the shipped model."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="routegauge-imposed-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.text = make_text(os.path.join(cls.folder, "prose"), "prose", 12, 400)
        cls.log("own")

    @classmethod
    def log(cls, name, *more, model=MODEL, windows=WINDOWS, text=None):
        traced = run("trace", "--model", model, "--domain", f"prose={text or cls.text}", "--windows", windows,
                     "--seq-len", LENGTH, "--threads", 2, "--compute", "f32", "--log", os.path.join(cls.folder, name),
                     *more)
        assert traced.returncode == 0, traced.stderr
        return name

    def impose(self, log, weights="own", *, name=None, rows=()):
        """The artifact; the path of the log is relative to the file's folder."""
        name = name or f"{log}-{weights}"
        result = run(*self.job(name, rows, routes={"log": log, "weights": weights}))
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.written(name)

    def refuse(self, log, *words, weights="own", rows=(), code=6, model=MODEL):
        for command in ("run", "plan"):
            job = self.job("refused", rows, command=command, routes={"log": log, "weights": weights})
            job[job.index(MODEL)] = model
            if command == "plan" and "token id" in words[-1]:
                continue  # which opens no text
            result = run(*job)
            self.assertEqual(result.returncode, code, result.stderr)
            for word in words:
                self.assertIn(word, result.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "refused", "intervention")))

    def routes_of(self, log):
        """By layer, ids and weights as they are stored."""
        tensors = read_safetensors(os.path.join(self.folder, log, "routing.safetensors"))
        return {layer: (tensors[f"layers.{layer}.topk_ids"][2], tensors[f"layers.{layer}.topk_weights"][2])
                for layer in range(LAYERS) if f"layers.{layer}.topk_ids" in tensors}

    def digests_of(self, log, weights):
        """Rows of the artifact, from the log."""
        rows = []
        for layer, (ids, given) in self.routes_of(log).items():
            of_ids = hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()
            of_weights = hashlib.sha256(struct.pack(f"<{len(given)}f", *given)).hexdigest()
            rows.append({"layer": layer, "action": {"impose": {
                "ids_sha256": of_ids, "weights_sha256": of_weights if weights == "replayed" else None}}})
        return rows

    def test_its_own_routes_change_nothing(self):
        schema = load(os.path.join(ROOT, "schema/intervention.schema.json"))
        form = load(os.path.join(ROOT, "schema/intervention_file.schema.json"))
        for weights in ("own", "replayed"):
            with self.subTest(weights=weights):
                artifact = self.impose("own", weights)
                windows = artifact["per_window"]
                self.assertEqual(artifact["summary"]["outcome"], "UNCHANGED")
                self.assertEqual(windows["kl"], [0] * WINDOWS)
                self.assertEqual(windows["loss"], windows["loss_plain"])
                self.assertEqual(artifact["intervention"], {"interventions": self.digests_of("own", weights)})
                self.assertEqual(len(artifact["intervention"]["interventions"]), LAYERS)
                self.assertEqual(artifact["settings"]["intervention"], artifact["intervention"])
                jsonschema.Draft7Validator(schema).validate(artifact)
                jsonschema.Draft7Validator(form).validate(load(os.path.join(self.folder, f"own-{weights}.json")))
                judged = run("verify", os.path.join(self.folder, f"own-{weights}"), "--json")
                verdict, = json.loads(judged.stdout)["verdicts"]
                self.assertEqual(verdict["verdict"], "REPORTED")
                self.assertIn(f"routes imposed at {LAYERS} layers", verdict["sentence"])

    def test_routes_of_another_model_change_it(self):
        log = self.log("t1", model=MODEL + "-t1")
        artifact, weighed = self.impose(log), self.impose(log, "replayed")
        self.assertEqual(artifact["summary"]["outcome"], "CHANGED")
        self.assertGreater(artifact["summary"]["kl"]["mean"], 0)
        self.assertNotEqual(weighed["per_window"]["kl"], artifact["per_window"]["kl"])
        # At the first layer, where gates see the same states, the difference is that of the logs.
        own, other = self.routes_of("own")[0][0], self.routes_of(log)[0][0]
        mass = [sum(K - len(set(own[row * K:row * K + K]) & set(other[row * K:row * K + K]))
                    for row in range(w * LENGTH, w * LENGTH + T)) for w in range(WINDOWS)]
        self.assertEqual(artifact["per_window"]["mass"]["0"], mass)
        self.assertEqual(artifact["intervention"]["interventions"], self.digests_of(log, "own"))

    def test_layers_that_the_log_lacks_are_left_alone(self):
        log = self.log("upper", "--layers", "5,6", model=MODEL + "-t1")
        artifact = self.impose(log, rows=[(5, EXPERT, {"scale": 0.5}), (LAYER, EXPERT, {"scale": 1})])
        rows = artifact["intervention"]["interventions"]
        self.assertEqual([(row["layer"], row.get("expert")) for row in rows],
                         [(LAYER, EXPERT), (5, EXPERT), (5, None), (6, None)])
        for layer in range(5):
            self.assertEqual(artifact["per_window"]["mass"][str(layer)], [0] * WINDOWS)
        self.assertGreater(sum(artifact["per_window"]["mass"]["7"]), 0)
        self.refuse(log, "US001", "layer 5", "routes imposed, and experts masked", rows=[(5, 1, "mask")], code=2)

    def test_the_plan_says_what_is_imposed(self):
        whole = json.loads(run(*self.job("planned", [], "--json", command="plan",
                                         routes={"log": "own", "weights": "replayed"})).stdout)
        plain, touched = whole["plans"]
        self.assertEqual(touched["intervention"]["interventions"], self.digests_of("own", "replayed"))
        held = [sum(row["bytes"] for row in plan["memory"]) for plan in whole["plans"]]
        self.assertGreater(held[1], held[0])

    def test_results_dont_depend_on_threads_or_blocks(self):
        log, digest = self.log("again", model=MODEL + "-t1"), set()
        for name, more in (("whole", []), ("one-thread", ["--threads", 1]), ("blocks", ["--block-windows", 5])):
            result = run(*self.job(name, [], *more, routes={"log": log, "weights": "own"}))
            self.assertEqual(result.returncode, 0, result.stderr)
            digest.add(self.written(name)["body_sha256"])
        self.assertEqual(len(digest), 1)

    def test_another_log_is_another_run(self):
        self.impose("own", name="run")
        job = self.job("run", [], routes={"log": "own", "weights": "replayed"})
        result = run(*job)
        self.assertEqual(result.returncode, 2)
        self.assertIn("US002", result.stderr)

    def test_logs_of_other_tokens_or_gates_are_refused(self):
        code = make_text(os.path.join(self.folder, "code-text"), "code", 12, 400)
        self.refuse(self.log("code", text=code), "LG008", "sequence 0, position", "found token id ")
        self.refuse(self.log("fewer", windows=WINDOWS - 1), "LG008", f"found {WINDOWS - 1} sequences",
                    f"expected {WINDOWS}, one for each window")
        narrow = os.path.join(self.folder, "narrow")
        shutil.copytree(MODEL, narrow)
        config = load(os.path.join(MODEL, "config.json"))
        config["num_experts_per_tok"] = K - 1
        with open(os.path.join(narrow, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.refuse(self.log("k", model=narrow), "LG008", f"found {K - 1} for each token", f"expected k = {K}")
        self.refuse("own", "LG007", "layer 4", model=MODEL + "-4l")
        self.refuse("absent", "IO003", code=4)
        result = run(*self.job("refused", [], routes={"log": "own", "weights": "mine"}))
        self.assertEqual(result.returncode, 2)
        self.assertIn("routes.weights", result.stderr)

    def test_a_token_without_a_choice_is_refused(self):
        holes = os.path.join(self.folder, "holes")
        shutil.copytree(os.path.join(self.folder, "own"), holes)
        path = os.path.join(holes, "routing.safetensors")
        with open(path, "rb") as file:
            content = bytearray(file.read())
        size, = struct.unpack_from("<Q", content)
        start, end = json.loads(content[8:8 + size])[f"layers.{LAYER}.topk_ids"]["data_offsets"]
        row = (end - start) // (WINDOWS * LENGTH)
        first = 8 + size + start + (LENGTH + 7) * row
        content[first:first + row] = b"\xff" * row
        with open(path, "wb") as file:
            file.write(content)
        self.refuse("holes", "LG006", "sequence 1, position 7", f"no choice of experts at layer {LAYER}")


if __name__ == "__main__":
    unittest.main()
