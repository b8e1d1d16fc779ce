#!/usr/bin/python3
"""Checks a certificate from the matrices alone, in exact arithmetic: integers and fractions.

  check.py CERTIFICATE MATRICES     exit 0; 1 and a line that says what is wrong

MATRICES is JSON: keys, router (rows of numbers), key_gains, router_gains (numbers, each exact), and
attention, null or values, output, heads, kv_heads, epsilon: then the router reads x + W_O W_V N(x).
"""

import functools
import json
import math
import sys
from fractions import Fraction


def refuse(condition, why):
    if condition:
        print(why)
        sys.exit(1)


def fractions(row):
    return [Fraction(value) for value in row]


def folded(rows, gains):
    return [[Fraction(value) * Fraction(gain) for value, gain in zip(row, gains)] for row in rows]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def times(matrix, vector):
    return [dot(row, vector) for row in matrix]


def attention_of(matrices, router):
    """G W_O W_V and epsilon; None if the router reads x."""
    attention = matrices["attention"]
    if attention is None:
        return None
    values = folded(attention["values"], matrices["key_gains"])
    heads, width = attention["heads"], len(values) // attention["kv_heads"]
    shared = heads // attention["kv_heads"]
    repeated = [values[head // shared * width + i] for head in range(heads) for i in range(width)]
    output = [fractions(row) for row in attention["output"]]
    through = [[dot(row, column) for column in zip(*output)] for row in router]
    return [[dot(row, column) for column in zip(*repeated)] for row in through], Fraction(attention["epsilon"])


def norm_square(x, epsilon):
    return dot(x, x) / len(x) + epsilon


def compare(a, b, square):
    """Sign of a sqrt(square) + b."""
    if a == 0 or b == 0 or (a > 0) == (b > 0):
        return (a > 0) - (a < 0) or (b > 0) - (b < 0)
    larger = a * a * square - b * b
    return ((larger > 0) - (larger < 0)) * (1 if a > 0 else -1)


def top(logits, k):
    """Of pairs a, b and a square: a sqrt(square) + b; equal ones by lower index."""
    whole, other, square = logits

    def order(i, j):
        return compare(whole[j] - whole[i], other[j] - other[i], square) or i - j

    return sorted(sorted(range(len(whole)), key=functools.cmp_to_key(order))[:k])


def check_exact(certificate, keys, router, attention, k):
    z = [Fraction(0)] * len(keys[0])
    refuse(len(certificate["columns"]) != len(certificate["values"]), "columns and values differ")
    scale = Fraction(2) ** certificate["first_position"]["scale"] if attention else 1
    for column, value in zip(certificate["columns"], certificate["values"]):
        z[column] = int(value, 16) * scale
    refuse(any(times(keys, z)), "the keys are not zero")
    whole, other, square = times(router, z), [0] * len(router), Fraction(1)
    if attention:
        other, square = times(attention[0], z), norm_square(z, attention[1])
    refuse(all(compare(a - whole[0], b - other[0], square) == 0 for a, b in zip(whole, other)),
           "the logits are all equal")
    refuse(top((whole, other, square), k) != certificate["set"], "another set")
    opposite = ([-a for a in whole], [-b for b in other], square)
    refuse(top(opposite, k) != certificate["opposite_set"], "another opposite set")


def scaled_keys(keys, rows):
    return [[value / Fraction(2) ** exponent for value in row]
            for row, exponent in zip(keys, rows["exponents"])]


def stretch_of(keys, rows):
    """A bound of the spectral norm of the inverse of K K', of which none exists if it's dependent."""
    m, triangle = len(keys), iter(fractions(rows["inverse"]))
    inverse = [[Fraction(0)] * m for _ in range(m)]
    for i in range(m):
        for j in range(i + 1):
            inverse[i][j] = inverse[j][i] = next(triangle)
    gram = [[dot(a, b) for b in keys] for a in keys]
    rest = [[(i == j) - dot(gram[i], inverse[j]) for j in range(m)] for i in range(m)]
    defect = max(sum(map(abs, row)) for row in rest)
    refuse(defect >= 1, "the rows of the keys are not shown to be independent")
    refuse(defect > Fraction(rows["defect"]), "claims more than holds")
    return max(sum(map(abs, row)) for row in inverse) / (1 - defect)


def root_above(value):
    """A fraction above the square root, by at most 2^-159."""
    scale = 1 << 160
    return Fraction(math.isqrt(math.ceil(value * scale * scale)) + 1, scale)


def distance(keys, stretch, x, like):
    residual = [a - b for a, b in zip(times(keys, x), times(keys, like))]
    return root_above(stretch * dot(residual, residual))


def separated(router, attention, x, off, chosen, k, sign, claimed):
    """Every vector within `off` of x has this set, by no less than claimed."""
    refuse(len(set(chosen)) != k or len(chosen) != k, "not a set of k")
    above = below = Fraction(1)
    if attention:
        root = root_above(norm_square(x, attention[1]))
        above, below = root + off, root - Fraction(1, 1 << 100) - off
        refuse(below <= 0, "its length is not known")
    for i in chosen:
        for j in set(range(len(router))) - set(chosen):
            apart = [a - b for a, b in zip(router[i], router[j])]
            slack = sign * dot(apart, x) - root_above(dot(apart, apart)) * off
            if attention:
                added = [a - b for a, b in zip(attention[0][i], attention[0][j])]
                least = sign * dot(added, x) - root_above(dot(added, added)) * off
                slack += least / (above if least > 0 else below)
            refuse(slack <= 0, "sets not told apart")
            refuse(slack < Fraction(claimed), "claims more than holds")


def at_its_length(certificate):
    place = certificate["first_position"]
    refuse(place is not None and place["scale"] != 0, "another length")


def check_enclosed(certificate, keys, router, attention, k):
    at_its_length(certificate)
    keys, z = scaled_keys(keys, certificate["rows"]), fractions(certificate["z"])
    off = distance(keys, stretch_of(keys, certificate["rows"]), z, [Fraction(0)] * len(z))
    refuse(off > Fraction(certificate["distance"]), "claims more than holds")
    refuse(certificate["set"] == certificate["opposite_set"], "the sets are one")
    separated(router, attention, z, off, certificate["set"], k, 1, certificate["slack"])
    separated(router, attention, z, off, certificate["opposite_set"], k, -1, certificate["opposite_slack"])


def check_on_manifold(certificate, keys, router, attention, k):
    at_its_length(certificate)
    keys = scaled_keys(keys, certificate["rows"])
    x0, x, v = (fractions(certificate[name]) for name in ("x0", "x", "direction"))
    stretch = stretch_of(keys, certificate["rows"])
    to_keys, to_kernel = distance(keys, stretch, x, x0), distance(keys, stretch, v, [Fraction(0)] * len(v))
    length, width = root_above(dot(x, x)), root_above(dot(v, v))
    hidden = (dot(x, v) - length * to_kernel - to_keys * (width + to_kernel)) / (width + to_kernel)
    refuse(hidden <= 0, "no part of it is hidden from the keys")
    longer = abs(dot(x, x) - dot(x0, x0)) + 2 * length * to_keys + to_keys * to_keys
    off = to_keys + longer / hidden
    refuse(off > Fraction(certificate["distance"]), "claims more than holds")
    refuse(certificate["set"] == certificate["other_set"], "the sets are one")
    separated(router, attention, x0, 0, certificate["set"], k, 1, certificate["slack"])
    separated(router, attention, x, off, certificate["other_set"], k, 1, certificate["other_slack"])


def main():
    certificate, matrices = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
    keys = folded(matrices["keys"], matrices["key_gains"])
    router = folded(matrices["router"], matrices["router_gains"])
    shape = (len(keys), len(keys[0]), len(router))
    refuse(shape != tuple(certificate[name] for name in ("keys", "width", "experts")), "another shape")
    check = {"exact": check_exact, "enclosed": check_enclosed, "on_manifold": check_on_manifold}
    attention = attention_of(matrices, router)
    at_first = certificate.get("first_position") is not None
    refuse(at_first != (attention is not None), "another place of the router")
    check[certificate["certificate"]](certificate, keys, router, attention, certificate["top_k"])


if __name__ == "__main__":
    main()
