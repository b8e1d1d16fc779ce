"""Statistics of artifacts on keys in the second verifier, whose replicates draw documents, or units
of them. A statistic is (estimate, replicates), each None where it is undefined."""

import math
import operator

import second_core as core
from second_core import interval, left_to_right

UNITS = 4  # the counter's layer of the bootstrap of units
_sums = {}


def drawn_sums(values, replicates, seed, layer=UNITS):
    """Of every replicate the sum over the units that it drew. `layer`: of the draws' counter."""
    key = (tuple(values), replicates, seed, layer)
    if key not in _sums:
        if len(_sums) > 20000:
            _sums.clear()
        table = core.count_table(len(values), replicates, seed, layer)
        _sums[key] = [left_to_right(map(operator.mul, counts, values)) for counts in table]
    return _sums[key]


def quotient(top, bottom):
    if not bottom:
        return None
    value = top / bottom
    return value if math.isfinite(value) else None


def ratio(j, top, bottom, layer=UNITS):
    drawn = (drawn_sums(values, *j.draws, layer) for values in (top, bottom))
    return quotient(left_to_right(top), left_to_right(bottom)), list(map(quotient, *drawn))


def undefined(j):
    return None, [None] * j.B


def average(j, statistics):
    """Undefined where one of them is."""
    if not statistics:
        return undefined(j)

    def of(values):
        return None if None in values else left_to_right(values) / len(values)
    return of([s[0] for s in statistics]), list(map(of, zip(*(s[1] for s in statistics))))


def claim_block(j, path, statistic):
    j.claims.mean(path + ["mean"], statistic[0])
    j.claims.interval(path + ["ci95"], interval(statistic[1]))
