#!/usr/bin/python3
"""The protocol of gate_filter: a vector for every family in docs/gates.md, computed in double from its formula,
and what a bad line gets.

  filter_test.py PATH/TO/gate_filter"""

import json
import subprocess
import sys
import unittest

FILTER = ""

LOGITS = [1.0, -0.5, 2.0, 0.25, 0.0, 1.5, -1.0, 0.75]
EXPERT_SCALE = [1.0, 0.5, 2.0, 1.5, 0.25, 0.75, 3.0, 1.25]
BIAS = [0.0, 0.9, -0.6, 0.0, 0.3, -0.5, 0.2, 0.1]
PLAIN = dict(experts=8, top_k=2, logit_bias=False, score="softmax", selection_bias=False, groups=1, groups_kept=1,
             group_score="none", weigh="scores", normalise="no", epsilon=0, scaling=1, per_expert_scale=False,
             shared_experts=0)
BIASED = dict(top_k=3, score="sigmoid", selection_bias=True, normalise="by_sum_plus_epsilon", epsilon=1e-20)

# Family: its fields that differ from OLMoE's, the ids in rank order with the competitor, the weights.
VECTORS = {
    "OLMoE": ({}, [2, 5, 0], [0.3701104444, 0.2244833320]),
    "Qwen3-MoE, Mixtral": (dict(normalise="by_sum"), [2, 5, 0], [0.6224593312, 0.3775406688]),
    "Qwen1.5-MoE": (dict(shared_experts=1), [2, 5, 0], [0.3701104444, 0.2244833320]),
    "GPT-OSS, Granite-MoE": (
        dict(top_k=4, logit_bias=True, score="logits", weigh="selected_softmax"), [2, 5, 0, 7, 3],
        [0.4422988238, 0.2682677974, 0.1627126441, 0.1267207347]),
    "DeepSeek-V3": (
        BIASED | dict(groups=4, groups_kept=2, group_score="top2_sum", scaling=2.5), [1, 7, 0, 6],
        [0.5279468145, 0.9497525972, 1.0223005883]),
    "GLM-4.5": (BIASED | dict(shared_experts=1), [1, 4, 7, 0], [0.2425232682, 0.3211882696, 0.4362884622]),
    "DeepSeek-V2": (
        dict(top_k=3, groups=4, groups_kept=2, group_score="max", scaling=16), [2, 5, 3, 4],
        [5.9217671110, 3.5917333120, 1.0290487888]),
    "DeepSeek-V2-Lite": (dict(top_k=3), [2, 5, 0, 7], [0.3701104444, 0.2244833320, 0.1361560163]),
    "Ernie-4.5": (
        dict(selection_bias=True, normalise="by_max_of_sum_and_epsilon", epsilon=1e-12), [1, 4, 6],
        [0.3775406688, 0.6224593312]),
    "MiniMax-M2": (
        BIASED | dict(normalise="by_sum", epsilon=0), [1, 4, 7, 0], [0.2425232682, 0.3211882696, 0.4362884622]),
    "Gemma-4": (dict(normalise="by_sum", per_expert_scale=True), [2, 5, 0], [1.2449186624, 0.2831555016]),
    "Phi-3.5-MoE": (
        dict(score="logits", weigh="sparsemixer", epsilon=0.26), [2, 5, 0], [0.5064803911, 0.4810242633]),
    "Llama-4": (dict(top_k=1, score="logits", weigh="selected_sigmoid"), [2, 5], [0.8807970780]),
}


def request(spec, selection_bias=None, rows=(LOGITS,)):
    spec = PLAIN | spec
    if selection_bias is None:
        selection_bias = BIAS if spec["selection_bias"] else []
    expert_scale = EXPERT_SCALE if spec["per_expert_scale"] else []
    return {"spec": spec, "selection_bias": selection_bias, "expert_scale": expert_scale, "logits": list(rows)}


def run(*lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return subprocess.run([FILTER], input=text, capture_output=True, text=True, timeout=60)


def answers(*lines):
    made = run(*lines)
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    return [json.loads(line) for line in made.stdout.splitlines()]


class Vectors(unittest.TestCase):
    def test_every_family(self):
        made = answers(*(request(spec) for spec, _, _ in VECTORS.values()))
        self.assertEqual(len(made), len(VECTORS))
        for answer, (family, (_, ids, weights)) in zip(made, VECTORS.items()):
            with self.subTest(family):
                self.assertEqual(answer["ranked"], ids)
                self.assertEqual(len(answer["weights"]), len(weights))
                for found, expected in zip(answer["weights"], weights):
                    self.assertAlmostEqual(found, expected, delta=4e-7 * max(1, expected))

    def test_margins(self):
        grouped, plain, all_selected = answers(
            request(VECTORS["DeepSeek-V3"][0]), request({}), request(dict(top_k=8)))
        self.assertAlmostEqual(grouped["margin"], 0.73105858 - 0.46894142, delta=4e-7)
        self.assertEqual(grouped["margin_logit"], 2.0)
        self.assertAlmostEqual(grouped["margin_group"], 1.248120 - 1.117574, delta=2e-6)
        self.assertEqual(grouped["eligible"], 4)
        self.assertAlmostEqual(plain["margin"], 0.2244833320 - 0.1361560163, delta=4e-7)
        self.assertIsNone(plain["margin_group"])
        self.assertEqual(all_selected["ranked"][-1], -1)
        self.assertEqual((all_selected["margin"], all_selected["margin_logit"]), (None, None))

    def test_a_line_per_token_in_order(self):
        rotated = [LOGITS[i:] + LOGITS[:i] for i in range(8)]
        made = answers(request({}, rows=rotated), request({}, rows=[]), request(dict(top_k=1)))
        self.assertEqual([answer["ranked"][0] for answer in made], [(2 - i) % 8 for i in range(8)] + [2])

    def test_not_finite_is_null(self):
        # The only token whose sum is 0: both selected probabilities underflow.
        far = [0.0 if expert == 2 else -200.0 for expert in range(8)]
        made, = answers(request(dict(selection_bias=True, normalise="by_sum"), [1, 1, 0, 0, 0, 0, 0, 0], [far]))
        self.assertEqual((made["ranked"][:2], made["weights"]), ([0, 1], [None, None]))


class BadLines(unittest.TestCase):
    def refused(self, line, number, *words):
        made = run(request({}), line, request({}))
        self.assertEqual(made.returncode, 3, line)
        self.assertEqual(len(made.stdout.splitlines()), 1, "answers before the bad line, none after it")
        self.assertTrue(made.stderr.startswith(f"error[{number}]: stdin, line 2: "), made.stderr)
        for word in words:
            self.assertIn(word, made.stderr)

    def without(self, key):
        spec = {name: value for name, value in PLAIN.items() if name != key}
        return request({}) | {"spec": spec}

    def test_json(self):
        self.refused("", "JS001")
        self.refused("{} {}", "JS001")
        self.refused('{"spec": {}, "spec": {}}', "JS002")
        self.refused(json.dumps(request({})).replace("0.25", "NaN"), "JS001")
        self.refused(json.dumps(request({})).replace("0.25", "1e999"), "JS003")
        self.refused("[]", "CF002", "an object")

    def test_no_field_has_a_default(self):
        for key in PLAIN:
            self.refused(self.without(key), "CF003", f"spec.{key}")
        for key in request({}):
            self.refused({name: value for name, value in request({}).items() if name != key}, "CF003", key)

    def test_unknown_keys(self):
        self.refused(request(dict(temperature=1)), "CF004", "spec.temperature")
        self.refused(request({}) | {"bias": []}, "CF004", "bias")

    def test_types(self):
        for key, value in dict(experts=8.0, top_k="2", logit_bias=0, score="Softmax", selection_bias=None, groups=-1,
                               groups_kept=2**32, group_score="", weigh="logits", normalise=False, epsilon="0",
                               scaling=1e39, per_expert_scale=1, shared_experts=[]).items():
            self.refused(request({key: value}), "CF002", f"spec.{key}")
        self.refused(request({}, rows=[["1"] * 8]), "CF002", "logits[0]")
        self.refused(request({}, rows=[LOGITS, LOGITS[:7] + [1e39]]), "CF002", "logits[1]")
        self.refused(request({}) | {"logits": LOGITS}, "CF002", "logits[0]")
        self.refused(request({}) | {"logits": {}}, "CF002", "logits")

    def test_sizes(self):
        self.refused(request({}, rows=[LOGITS, LOGITS[:7]]), "CF002", "logits[1]", "7 numbers")
        self.refused(request({}, selection_bias=BIAS), "CF002", "selection_bias")
        self.refused(request(dict(selection_bias=True), selection_bias=[]), "CF002", "selection_bias")
        self.refused(request(dict(per_expert_scale=True)) | {"expert_scale": []}, "CF002", "expert_scale")

    def test_impossible_specs(self):
        self.refused(request(dict(top_k=9)), "CF010")
        self.refused(request(dict(groups=3)), "CF010")
        self.refused(request(dict(epsilon=1e-20)), "CF010")


if __name__ == "__main__":
    FILTER = sys.argv.pop(1)
    unittest.main()
