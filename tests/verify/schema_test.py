"""The schemas accept what is valid and refuse what isn't.

usage: schema_test.py JUDGE_MANY SCHEMA_FOLDER"""

import json
import pathlib
import subprocess
import sys

import jsonschema

OF_MODELS = ("chart_compatibility", "terminal_ovk_scan", "attention_router", "expert_load",
             "intervention", "kv_gauge", "kv_distortion", "theorem_slack")
OF_EDGES = ("boundary_amplification", "behavior_compression", "audit")
OF_FAMILIES = ("kl_edge_dominance", "entropy_collapse", "kl_bounded_adaptation")
BUNDLES = ("terminal_tracking", "terminal_compatibility")
DISTORTIONS = tuple("kv_distortion_" + name for name in
                    ("all", "plain", "refused", "one_head", "no_sinks", "one_bit", "unfitted"))
AUDITS = ("audit_equal_gates", "audit_groups", "audit_identical", "audit_one_document",
          "audit_one_compute", "audit_stored_keys")
# Changes of settings.key_change in an audit of stored keys, by scale and step, and others.
HOW, FIT = "settings.key_change.description", "settings.key_change.description.fit"
STORED = ({"settings.key_change.step": "normed", HOW + ".scale": "head"},
          {"settings.key_change.step": "latent", HOW + ".bits": 1},
          {HOW + ".scale": "key", FIT: None, HOW + ".values": False},
          {FIT + ".documents": "all", FIT + ".sink_positions": 0})
MISSTORED = ({"settings.key_change": None}, {"settings.key_change.more": 1},
             {"settings.key_change.name": ""}, {"settings.key_change.step": "cached"},
             {"settings.key_change.layers": []}, {"settings.key_change.layers": [-1]},
             {"settings.key_change.layers": "all"}, {HOW: None}, {HOW + ".more": 1},
             {HOW + ".bits": 5}, {HOW + ".bits": 0}, {HOW + ".scale": "row"},
             {HOW + ".rule": "mmse"}, {HOW + ".values": 1}, {FIT: None}, {HOW + ".scale": "key"},
             {FIT + ".documents": "odd"}, {FIT + ".positions": 0}, {FIT + ".sink_positions": -1},
             {FIT + ".more": 1}, {"settings.key_change.step": "latent", HOW + ".values": False})


def imposed(**changed):
    """A row of imposed routes."""
    routes = {"ids_sha256": "0" * 64, "weights_sha256": None, **changed}
    return {"layer": 3, "action": {"impose": routes}}


# Dotted places whose loss or change each schema must notice; * is the first member or element.
BROKEN = {"chart_compatibility": (("strata_def.pair_def", "1_2"), ("gate_semantics.scores_dtype", "bf16")),
          "terminal_ovk_scan": (("summary.null", {"kind": "x"}), ("expert_counts.3", [0.5]),
                                ("summary.max_jump.pair", "5"), ("per_window.ovk_cf_mean.3", [1.5])),
          "attention_router": (("per_window.agreement_positions", {"3": [0.5]}),
                               ("summary.verdict.exact", "H4"), ("convention", "other")),
          "expert_load": (("per_window.count.3", [[-1]]), ("layers", [1, 1])),
          "intervention": (("intervention.interventions", [3]), ("kl_direction", "p||q"),
                           ("intervention.interventions",
                            [{"layer": 3, "expert": 2, "action": "drop"}]),
                           ("intervention.interventions", [{"layer": 3, "action": "mask"}]),
                           ("intervention.interventions", [imposed(ids_sha256="0" * 63)]),
                           ("intervention.interventions", [imposed(weights_sha256="F" * 64)]),
                           ("intervention.interventions", [imposed(log=None)]),
                           ("intervention.interventions", [dict(imposed(), expert=2)]),
                           ("settings.intervention.interventions",
                            [{"layer": 3, "expert": -1, "action": "mask"}]),
                           ("settings", {}), ("settings.intervention", None), ("per_window.mass.3", [0.5]),
                           ("per_window.kl", [-1]), ("summary.outcome", "SAME"),
                           ("summary.downstream.overlap", None), ("summary.top1.rate", 1.5)),
          "kv_gauge": (("keys.step", "cached"), ("keys.centring", "mean"), ("keys.gauges", "learned"),
                       ("keys.positions", 0), ("keys.extra", 1), ("units.count", 129),
                       ("units.of_window.*", -2), ("units", {"count": 0}),
                       ("without_keys", {"x": "none"}), ("without_keys", {"3": ""}), ("attention.*.norm", "layer"),
                       ("attention.*.costs.identity", "cheap"), ("attention.*.costs.other", "free"),
                       ("attention.*.window", None), ("heads.*", []), ("heads.*.*.fit_keys", 0.5),
                       ("heads.*.*.keys.*", -1), ("heads.*.*.gauges", []),
                       ("heads.*.*.gauges.*", {"kind": "identity", "number": 0}),
                       ("heads.*.*.gauges.*", {"kind": "identity", "number": 0, "refused": ""}),
                       ("heads.*.*.gauges.*.kind", "random"), ("heads.*.*.gauges.*.trials", [0.8]),
                       ("heads.*.*.gauges.*.sinks.channel_squares", 1),
                       ("heads.*.*.gauges.*.held_out.energy", -1),
                       ("heads.*.*.gauges.*.cosines.*", None), ("heads.*.*.gauges.*.energy", [None]),
                       ("heads.*.*.noise", {}), ("heads.*.*.centring.raw", {"fit_keys": 1}),
                       ("heads.*.*.centring", {}), ("heads.*.*.residual", [{"rank": 0}]),
                       ("heads.*.*.ceiling", {"cosine": 0.9}), ("per_window.keys.*", 0.5),
                       ("per_window.sinks.*", None), ("per_window", {"keys": []}),
                       ("summary.anchors.published_learned", [0.9, 0.965]),
                       ("summary.anchors.gaussian_mse_1bit", 0.36),
                       ("summary.per_layer.*.advantage.outcome", "BETTER"),
                       ("summary.per_layer.*.centred.raw.place", "inside"),
                       ("summary.per_layer.*.learned.outcome", "SUPERIOR"),
                       ("summary.per_layer.*.heads", []),
                       ("summary.per_layer.*.heads.*.gauges.*", {}),
                       ("summary.per_layer.*.heads.*.dc5", {}),
                       ("summary.per_layer.*.heads.*.excess", None),
                       ("summary.per_layer.*.sentence", "the cure"),
                       ("summary.verdict.margin", 0.02), ("summary.verdict.outcome", "PASS"),
                       ("summary.verdict.cells", {"below": 1}),
                       ("summary.verdict.excess.outcome", None),
                       ("summary.replication.unit", "window"),
                       ("summary.replication.n_for_90", 0.5)),
          "theorem_slack": (("sample.contexts", 65), ("sample.context_positions", 1),
                            ("sample.windows.*", -1), ("sample.query_positions", [0.5]),
                            ("sample.extra", 1), ("theorems", {"JF": []}), ("theorems.JF-2", []),
                            ("theorems.JF-2.*.relation", ">="), ("theorems.JF-2.*.unit", "expert"),
                            ("no_check.GI-2", ""), ("without_keys", {"x": "none"}),
                            ("without_keys.*", ""), ("attention.*.steps", "cached"),
                            ("attention.*.planes", -1), ("attention.*.latent", 0),
                            ("gates.*.topk", 0), ("gates.*.finite", 1), ("gates.*", {}),
                            ("not_applicable.*.JF-1", ""), ("cases.5.JF-2", []),
                            ("cases.5.JF-2.*.cases", 0.5), ("cases.5.JF-2.*.violated", -1),
                            ("cases.5.JF-2.*.histogram", [0] * 19),
                            ("cases.5.JF-2.*.quantiles", [0.5] * 10),
                            ("cases.5.JF-2.*.quantiles.*", 1.5), ("cases.5.JF-2.*.tightest", {}),
                            ("cases.5.JF-2.*.tightest.allowance", -1),
                            ("cases.5.JF-2.*.tightest.allowance", None),
                            ("cases.5.JF-2.*.tightest.holds", None),
                            ("cases.5.JF-2.*.tightest.place.*", -1), ("per_window.rows.*", 0.5),
                            ("summary.per_theorem.JF-2", {}),
                            ("summary.per_theorem.JF-2.largest_used", -1),
                            ("summary.per_theorem.JF-2.tightest", {"layer": 3}),
                            ("summary.per_layer.*.broken", None),
                            ("summary.verdict.outcome", "PASS"),
                            ("summary.verdict.broken", [1]), ("summary.verdict", {})),
          "kv_distortion": (("keys.step", "cached"), ("keys.codes", "some"),
                            ("keys.coded_values", 1), ("keys.fewest_bits", 0),
                            ("keys.most_bits", 5), ("keys.windows", 0),
                            ("keys.queries", 0), ("keys.positions", 65537),
                            ("keys.sink_positions", 65), ("keys.extra", 1), ("codes.*.bits", 5),
                            ("codes.*.scale", "row"), ("codes.*.rule", "mmse"),
                            ("codes.*.centring", "key_dc"), ("codes.*.gauge", "rotation"),
                            ("codes.*.values", None), ("codes.*.extra", 1),
                            ("measured.fit_keys", -1), ("measured.windows.*", 0.5),
                            ("measured.documents.*", -1), ("measured.positions.*", 3),
                            ("measured", {}), ("without_keys", {"x": "none"}),
                            ("without_keys", {"3": ""}), ("attention.*.norm", "layer"),
                            ("attention.*.scale", 0), ("attention.*.value_width", 0),
                            ("attention.*.window", None), ("heads.*", []),
                            ("heads.*.*.cases", 0.5), ("heads.*.*.key_energy", -1),
                            ("heads.*.*.codes.*", {"refused": ""}), ("heads.*.*.codes.*", {}),
                            ("heads.*.*.codes.*.key_error", None),
                            ("heads.*.*.codes.*.all.error", -1),
                            ("heads.*.*.codes.*.all.vacuous", {"B1": 0}),
                            ("heads.*.*.codes.*.all.vacuous.B6", 0.5),
                            ("heads.*.*.codes.*.all.errors.median", -1),
                            ("heads.*.*.codes.*.all.tightness.B1", {"median": 0.5}),
                            ("heads.*.*.codes.*.all.tightness.B1.p95", 1.5),
                            ("heads.*.*.codes.*.all.excess", {}),
                            ("heads.*.*.codes.*.all.rank_correlation", 1.5),
                            ("heads.*.*.codes.*.all.deciles.error", [1]),
                            ("heads.*.*.codes.*.sinks_exact", None),
                            ("per_window.keys.*", 0.5), ("per_window.sinks.*", None),
                            ("per_window.attention.*.cases.*", -1),
                            ("per_window.attention.*.codes.*", {"refused": ""}),
                            ("per_window.attention.*.codes.*.all.error.*", -1),
                            ("per_window.attention.*.codes.*.all.vacuous.B1.*", 0.5),
                            ("per_window.attention.*.codes.*.all.errors", {}),
                            ("summary.anchors.gaussian_mse", [0.36, 0.1175, 0.0345, 0.0095]),
                            ("summary.per_layer.*.cases", None),
                            ("summary.per_layer.*.codes.*", {}),
                            ("summary.per_layer.*.codes.*.stored_bits", "one"),
                            ("summary.per_layer.*.codes.*.all.calibration", "GOOD"),
                            ("summary.per_layer.*.codes.*.all.vacuous.B1", 1.5),
                            ("summary.per_layer.*.codes.*.all.ratio", {"mean": 1}),
                            ("summary.codes.*.layers", 0.5), ("summary.codes.*.all.direction", -1),
                            ("summary.verdict.allowance", 1e-6), ("summary.verdict.range", [0, 2]),
                            ("summary.verdict.outcome", "PASS"),
                            ("summary.verdict.bounds_hold", None),
                            ("summary.verdict.forecast.*.calibration", None),
                            ("summary.verdict.forecast.*.slope", None),
                            ("summary.verdict.calibrated_from", 5),
                            ("summary.verdict.documents", 0.5)),
          "key_only_router": (("prediction.positions", 0), ("prediction.mlp_hidden", -64),
                              ("prediction.ceiling_draws", 32), ("prediction.extra", 1),
                              ("split.units", 129), ("split.of_window.*", -3), ("split", {}),
                              ("not_measured", {"x": "none"}), ("not_measured", {"3": ""}),
                              ("architecture.*.kv_heads", 0), ("architecture.*.norm", "layer"),
                              ("architecture.*.clipped", None), ("architecture.*.epsilon", -1),
                              ("architecture.*.router_reads", "before_attention"),
                              ("architecture.*.table", []), ("architecture.*.table.*", {}),
                              ("architecture.*.table.*.levels", ["certain"]),
                              ("architecture.*.table.*.answer", "perhaps"),
                              ("geometry.*", {}), ("geometry.*.rank", -1),
                              ("geometry.*.eta", 1.5), ("geometry.*.condition", 0.5),
                              ("geometry.*.angles", [2]), ("geometry.*.boundary.median", 0.5),
                              ("geometry.*.determined", {"rows": 1}), ("truth.*", {}),
                              ("truth.*.energy.*", -1), ("truth.*.fitted_chosen.*", 0.5),
                              ("truth.*.margin_rows", [0] * 9), ("predictors.*", []),
                              ("predictors.*.*", {}), ("predictors.*.*.features", "queries"),
                              ("predictors.*.*.model", "forest"), ("predictors.*.*.hits", []),
                              ("predictors.*.*.common.*", 0.5), ("predictors.*.*.error.*", None),
                              ("predictors.*.*.refused", "singular"),
                              ("predictors.*.*.margin_common", [0] * 11), ("ceiling.*", {}),
                              ("ceiling.*.upper.*", -1), ("per_window.rows.*", 0.5),
                              ("summary.anchors.published_pre_attention", [0.9, 0.976]),
                              ("summary.per_layer.*.predictors.*", {}),
                              ("summary.per_layer.*.chosen.keys", "forest"),
                              ("summary.per_layer.*.key_gap", {"mean": 0}),
                              ("summary.per_layer.*.key_gap.outcome", "BETTER"),
                              ("summary.per_layer.*.sentence", "the same"),
                              ("summary.per_layer.*.sound", None),
                              ("summary.per_layer.*.ceiling", {}),
                              ("summary.verdict.margin", 0.02), ("summary.verdict.outcome", "PASS"),
                              ("summary.verdict.degenerate", "rows"),
                              ("summary.verdict.place", "inside"),
                              ("summary.verdict.overlap", {}),
                              ("summary.replication.unit", "window"),
                              ("summary.replication.n_for_90", 0.5)),
          "boundary_amplification": (("compression_qs", [0.1]), ("y_ref_A", None), ("y_ref_B", {}),
                                     ("summary.verdict", "HOLDS"), ("edge.direction", "single"),
                                     ("other.tensors", []),
                                     ("y_ref_A.per_layer.3.mass_per_window", [0.5])),
          "behavior_compression": (("per_window.mass_beh.3", [-1]), ("other.ckpt", 1),
                                   ("per_window.F_beh.3.q01", [1.5]), ("summary.verdict", "PASS")),
          "audit": (("edge.direction", "BtoA"), ("audit.draws", 32), ("folds", [2]),
                    ("per_window.flips.3", [0.5]), ("per_window.kl", [None]),
                    ("per_window.forecasts.F4.3", [[[65, 1, 0]]]), ("decile_edges.set.3", [0.5]),
                    ("per_window.bounds", {}), ("summary.verdict", "PASS"),
                    ("summary.outcome", "SIMILAR"), ("summary.pooled.flips", {"rate": 0.5}),
                    ("summary.forecasts.F4.pooled.calibration", "GOOD")),
          "kl_edge_dominance": (("kl_direction", "base||theta"), ("edges", []), ("checkpoints", {}),
                                ("per_window.prose.D.tuned", [-1]), ("summary.verdict", "HOLDS")),
          "entropy_collapse": (("domains", []), ("per_window.prose.H.tuned", [-1]),
                               ("family.ckpts", "base")),
          "kl_bounded_adaptation": (("domains", ["base", "eval"]), ("edges", []),
                                    ("thresholds.D_max", 0), ("frozen_set", []),
                                    ("registration.sha256", "0"), ("layer_hashes.base", {}),
                                    ("per_window.eval.D.frozen-1", [-1]),
                                    ("summary.correlation.rho", 1.5),
                                    ("summary.replication.unit", "window"),
                                    ("summary.replication", {"z": 1}),
                                    ("summary.freeze_advantage.D_delta_ci95", [1]),
                                    ("summary.verdict", "HOLDS")),
          "terminal_tracking": (("scans", []), ("verification.min_distinct_terminals", 1),
                                ("summary.n_scans", "two"), ("summary.verdict", "HOLDS"),
                                ("summary.effect.pair", "5"), ("summary.convergence.z", "large"),
                                ("summary.convergence.settled", None)),
          "terminal_compatibility": (("chart", {}), ("summary.compatibility", "perhaps"),
                                     ("summary.layer_sets.terminal", []),
                                     ("summary.effect.part", "other"),
                                     ("summary.convergence.n_for_90", 0.5))}
ANYWHERE = (("extra", 1), ("body_sha256", "0"))
PLAIN = (("settings.intervention", {"interventions": []}),)
KEYLESS = (("settings.key_change", None),)
MEASURED = (("inputs", []), ("tensors", []), ("gate_semantics.tie_rule", "higher"))
# What no artifact of a kind can do without.
GATE = ("gate_semantics.score", "gate_semantics.groups", "gate_semantics.tie_rule",
        "manifest.created_utc")
LEAST = {**{test: ("model.moe_layers", "data.source", "data.seed", "data.tokenizer") + GATE
            for test in OF_MODELS + OF_EDGES},
         **{test: ("family.base_ckpt", "family.sha256", "family.ckpts") + GATE
            for test in OF_FAMILIES},
         **{test: ("manifest.created_utc",) for test in BUNDLES}}


def ask(program, *arguments, given=None):
    return subprocess.run([program, *arguments], input=given, stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def step_into(node, key):
    """The key or index by which a step of a dotted place goes on."""
    if isinstance(node, list):
        return 0 if key == "*" else int(key)
    return next(iter(node)) if key == "*" else key


def validator(folder, name):
    schema = json.loads((folder / (name + ".schema.json")).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def changed(artifact, changes):
    """A copy with other values at dotted places."""
    artifact = json.loads(json.dumps(artifact))
    for path, value in changes.items():
        node, keys = artifact, path.split(".")
        for key in keys[:-1]:
            node = node[step_into(node, key)]
        node[step_into(node, keys[-1])] = value
    return artifact


def check_stored_keys(stored, check):
    for changes in STORED:
        errors = list(check.iter_errors(changed(stored, changes)))
        assert not errors, (changes, errors[0].message)
    for changes in MISSTORED:
        assert not check.is_valid(changed(stored, changes)), changes
    for path in ("settings.key_change", HOW, FIT):
        node = stored
        for key in path.split("."):
            node = node[key]
        for member in node:
            artifact = changed(stored, {path: {k: v for k, v in node.items() if k != member}})
            assert not check.is_valid(artifact), (path, "without", member)


def main():
    judge_many, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    lines = []
    for variant in AUDITS:
        validator(folder, "audit").validate(json.loads(ask(judge_many, "--make-small", variant)))
    check_stored_keys(json.loads(ask(judge_many, "--make-small", "audit_stored_keys")),
                      validator(folder, "audit"))
    for variant in DISTORTIONS:
        validator(folder, "kv_distortion").validate(
            json.loads(ask(judge_many, "--make-small", variant)))
    for test in OF_MODELS + OF_EDGES + OF_FAMILIES + BUNDLES:
        # A small one where any would do: an audit is the largest by far.
        small, check = ask(judge_many, "--make-small", test), validator(folder, test)
        text = small if test == "audit" else ask(judge_many, "--make", test)
        lines.append(text)
        for artifact in (text, small):
            errors = list(check.iter_errors(json.loads(artifact)))
            assert not errors, (test, errors[0].message)
        for member in json.loads(text):
            if member in ("null_reasons", "expert_similarity"):
                continue
            if member == "family" and test not in OF_FAMILIES:  # of a suite
                continue
            artifact = json.loads(small)
            del artifact[member]
            assert not check.is_valid(artifact), (test, "without", member)
        for path in LEAST[test]:
            artifact = json.loads(small)
            parent, key = path.split(".")
            del artifact[parent][key]
            assert not check.is_valid(artifact), (test, "without", path)
        plain = () if test in BUNDLES + ("intervention",) else PLAIN
        plain += () if test in BUNDLES + ("audit",) else KEYLESS
        for path, value in BROKEN[test] + ANYWHERE + plain + (() if test in BUNDLES else MEASURED):
            artifact = json.loads(text)
            node, keys = artifact, path.split(".")
            for key in keys[:-1]:
                node = node[step_into(node, key)]
            node[step_into(node, keys[-1])] = value
            assert not check.is_valid(artifact), (test, path)
    lines.append('{"test": "none"}\n')
    large = json.loads(lines[1])
    large["summary"]["bootstrap"]["B"] = 10**12
    lines.append(json.dumps(large) + "\n")
    verdicts = json.loads(ask(judge_many, "--json", given="".join(lines)))
    validator(folder, "verdicts").validate(verdicts)
    assert verdicts["exit_code"] == 6 and len(verdicts["verdicts"]) == len(lines)
    assert verdicts["verdicts"][-1]["verdict"] == "OVER_BUDGET"
    results = {"schema_version": "1.0", "created_utc": "2026-01-01T00:00:00Z",
               "program_version": "0", "artifacts": []}
    validator(folder, "results").validate(results)
    del results["artifacts"]
    assert not validator(folder, "results").is_valid(results)
    print("schemas hold")


main()
