"""docs/gates-differential.md from the results."""

from routers.compare import Compared
from routers.reference import config_class
from routers.row import Refused, Setting
from routers.rows.other import OTHER

BOUNDS = (1e-6, 1e-5, 2e-5)  # of weight differences: far from the measured ones, so that machines agree

HEAD = """# Gates against transformers

Every class of transformers {transformers} that chooses experts for tokens, and whether a `GateSpec`
([gates.md](gates.md)) decides as it does. `recipes/differential/gates.py` finds the classes, builds
each with random weights in two sizes, gives it {tokens} random tokens per setting and size, and
gives the same logits to `decide()`. It writes this page; `--check` compares a fresh run with it
(torch {torch}, CPU, fp32).

A setting is equal if both choose the same set of experts wherever a decision is farther than 1e-5
from a tie, and their combination weights differ by at most 2e-5 (shown divided by `scaling`). Where
a class belongs to a block of experts, the weights are what the block's output holds of each expert,
so a scale that the block applies outside its router counts. Three further things must hold:

- the logits are `W y + b` of the router's input, computed by the recipe;
- the block's real experts act on the tokens that chose them, unless a remark says otherwise;
- the spec with one field turned decides otherwise on the same tokens, for each field that matters.

A refused setting needs something that `GateSpec` has no field for; its nearest spec must decide
otherwise. A class is found by its name (router, gate), by a top-k in code about experts, or by
building experts without a router. The recipe fails if one that it finds is missing here.

"""

TABLE = """| model_type | class | settings compared | gate | tokens | weights differ by | refused |
| --- | --- | --- | --- | --- | --- | --- |
"""


def shown(value) -> str:
    if isinstance(value, tuple):
        return "/".join(shown(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def switches(settings: list[Setting], without: list[Setting] = []) -> str:
    """Every key with its values; with `without`, only keys of which these settings have no value."""
    parts = []
    for key in settings[0].switches if settings else ():
        values = list(dict.fromkeys(setting.switches[key] for setting in settings))
        if not any(setting.switches[key] in values for setting in without):
            parts.append(f"`{key.replace(', ', '/')}` {', '.join(shown(value) for value in values)}")
    return "; ".join(parts)


def bound(difference: float) -> str:
    return next(f"< {limit:.0e}".replace("e-0", "e-") for limit in BOUNDS if difference <= limit)


def reasons(result: Compared) -> str:
    parts = []
    for reason in dict.fromkeys(setting.missing for setting in result.refused):
        when = switches([setting for setting in result.refused if setting.missing == reason], result.settings)
        parts.append(f"{when}: {reason}" if when and result.settings else reason)
    return "; ".join(parts)


def gate(settings: list[Setting]) -> str:
    """The fields' values that any of the settings has, in the order of a decision."""
    parts = []
    for field in ("score", "group_score", "weigh", "normalise", "per_expert_scale"):
        values = []
        for spec in (setting.spec for setting in settings):
            value = spec[field]
            if field == "per_expert_scale":
                value = "per-expert scale" if value else "no"
            value += "+bias" if field == "score" and spec["selection_bias"] else ""
            epsilon_of = "weigh" if spec["weigh"] == "sparsemixer" else "normalise"
            value += f" {spec['epsilon']:.3g}" if field == epsilon_of and spec["epsilon"] else ""
            if value not in ("none", "no"):
                values.append(value)
        if values:
            parts.append(" or ".join(dict.fromkeys(values)))
    return ", ".join(parts)


def line(row, cells: list[str], refused: str) -> str:
    return "| " + " | ".join([config_class(row).model_type, row.router.split(".")[1], *cells, refused]) + " |\n"


def row_of(result: Compared | Refused) -> str:
    if isinstance(result, Refused):
        return line(result, [""] * 4, f"{result.missing} (not run)")
    if not result.settings:
        return line(result.row, [""] * 4, reasons(result))
    return line(result.row, [switches(result.settings) or "one", gate(result.settings), str(result.tokens),
                             bound(result.weights)], reasons(result))


def page(results: list[Compared | Refused], versions: dict[str, str], tokens: int) -> str:
    text = HEAD.format(tokens=tokens, **versions) + TABLE + "".join(row_of(result) for result in results)
    text += "\n## Remarks\n\n"
    for result in results:
        if isinstance(result, Compared) and result.row.note:
            text += f"- {result.row.router.split('.')[1]}: {result.row.note}\n"
    text += "\n## Found, and no gates of experts\n\n| model | class | what it is |\n| --- | --- | --- |\n"
    for key, what in OTHER.items():
        text += "| " + " | ".join([*key.split("."), what]) + " |\n"
    return text
