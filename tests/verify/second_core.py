"""Reading, digest, Philox and statistics of the second verifier: plain Python, nothing shared
with the C++ one."""

import collections
import functools
import hashlib
import itertools
import json
import math
import operator
import statistics
from fractions import Fraction

MASK = 0xFFFFFFFF
MAX_INT = 1 << 53
NO_JSON, DUPLICATE = "strict_json", "duplicate_key"


class MinusZero(float):
    """A zero that the text spelled with a minus sign and as a real number."""


class MinusZeroInt(int):
    """The same, spelled as an integer."""


class Twice(dict):
    """An object that had a key twice."""


class NotJson(Exception):
    pass


def _pairs(pairs):
    made = dict(pairs)
    return made if len(made) == len(pairs) else Twice(pairs)


def _int(text):
    value = int(text)
    if value == 0 and text.startswith("-"):
        return MinusZeroInt(0)
    return value if -(1 << 63) <= value < (1 << 64) else _float(text)


def _float(text):
    value = float(text)
    if math.isinf(value):
        raise NotJson("number too large")
    return MinusZero(0.0) if value == 0.0 and text.startswith("-") else value


def _constant(text):
    raise NotJson(text)


def _depth(value, left):
    if isinstance(value, dict):
        return left > 0 and all(_depth(v, left - 1) for v in value.values())
    if isinstance(value, list):
        if left <= 0:
            return False
        return all(_depth(v, left - 1) for v in value if isinstance(v, (dict, list)))
    return True


def read(text):
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_int=_int, parse_float=_float,
                           parse_constant=_constant)
        json.dumps(text).encode("utf-8")
    except (ValueError, RecursionError, UnicodeError) as error:
        raise NotJson(str(error)) from error
    if not _depth(value, 64):
        raise NotJson("too deep")
    return value


def has_duplicates(value):
    if isinstance(value, dict):
        return isinstance(value, Twice) or any(has_duplicates(v) for v in value.values())
    if isinstance(value, list):
        return any(has_duplicates(v) for v in value if isinstance(v, (dict, list)))
    return False


@functools.lru_cache(maxsize=1 << 18, typed=True)  # most numbers of a mutant are those of its base
def number_text(value):
    """What std::to_chars writes: the shortest text that reads back exactly, plain unless
    scientific is shorter, exact digits for whole numbers in plain form."""
    if isinstance(value, int):
        return str(int(value))
    if value == 0.0:
        return "0"
    sign, digits, exponent = _shortest(value)
    point = len(digits) + exponent  # digits before the decimal point
    scientific = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    power = point - 1
    scientific += "e%s%02d" % ("-" if power < 0 else "+", abs(power))
    if exponent >= 0:
        plain = digits + "0" * exponent
        exact = str(int(abs(value)))
    elif point > 0:
        plain = exact = digits[:point] + "." + digits[point:]
    else:
        plain = exact = "0." + "0" * -point + digits
    return sign + (exact if len(plain) <= len(scientific) else scientific)


def _shortest(value):
    text = repr(float(value))
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = int(power or 0) - len(fraction)
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    return sign, stripped.lstrip("0"), exponent


def canonical(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return "{" + ",".join(json.dumps(key, ensure_ascii=False) + ":" + canonical(value[key])
                          for key in sorted(value)) + "}"


def digest(artifact):
    def part(value):
        return {k: v for k, v in value.items() if k != "manifest"} if isinstance(value, dict) else value
    body = {k: v for k, v in artifact.items() if k not in ("manifest", "body_sha256")}
    for key in body.keys() & {"chart", "scan"}:
        body[key] = part(body[key])
    if isinstance(body.get("scans"), list):
        body["scans"] = list(map(part, body["scans"]))
    return hashlib.sha256(canonical(body).encode("utf-8")).hexdigest()


def philox(counter, key):
    """First word of Philox4x32-10 (Salmon et al. 2011)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0


def draw_below(n, seed, purpose, i, j, layer=0):
    attempt = 0
    while True:
        word = philox((i, j, layer, purpose + (attempt << 16)), (seed & MASK, seed >> 32))
        product = word * n
        if product & MASK >= ((1 << 32) - n) % n:
            return product >> 32
        attempt += 1


_tables = {}


def count_table(n, replicates, seed, layer=0):
    """How often each window stands in each replicate; drawn once for all artifacts."""
    key = (n, replicates, seed, layer)
    if key not in _tables:
        table = []
        for j in range(replicates):
            counts = [0] * n
            for i in range(n):
                counts[draw_below(n, seed, 1, i, j, layer)] += 1
            table.append(counts)
        _tables[key] = table
    return _tables[key]


_sums = {}


def bootstrap_sums(values, replicates, seed):
    """Per replicate: sum of count*value in window order and count of defined windows."""
    key = (tuple(values), replicates, seed)
    found = _sums.get(key)
    if found is None:
        if len(_sums) > 20000:
            _sums.clear()
        table = count_table(len(values), replicates, seed)
        filled = [0.0 if v is None else float(v) for v in values]
        sums = [left_to_right(map(operator.mul, counts, filled)) for counts in table]
        if None in values:
            weight = [0 if v is None else 1 for v in values]
            defined = [sum(map(operator.mul, counts, weight)) for counts in table]
        else:
            defined = [len(values)] * replicates
        found = _sums[key] = (sums, defined)
    return found


def left_to_right(terms):
    """Plain fp64 additions in order; the built-in sum() compensates from Python 3.12 on."""
    last = collections.deque(itertools.accumulate(terms, initial=0.0), maxlen=1)
    return last.pop()


def bootstrap_means(values, replicates, seed):
    """One mean per replicate; None where no defined window was drawn."""
    sums, defined = bootstrap_sums(values, replicates, seed)
    return [s / d if d else None for s, d in zip(sums, defined)]


def rank(q, m):
    return max(1, min(m, math.ceil(Fraction(q) * m)))


def interval(values):
    values = sorted(v for v in values if v is not None)
    if not values:
        return None
    return [values[rank(Fraction(1, 40), len(values)) - 1],
            values[rank(Fraction(39, 40), len(values)) - 1]]


def mean(values):
    defined = [v for v in values if v is not None]
    return left_to_right(defined) / len(defined) if defined else None


def standard_error(values):
    defined = [v for v in values if v is not None]
    if len(defined) < 2:
        return None
    center = mean(defined)
    squares = left_to_right((v - center) * (v - center) for v in defined)
    return math.sqrt(squares / (len(defined) - 1)) / math.sqrt(len(defined))


def difference(a, b):
    return [None if x is None or y is None else x - y for x, y in zip(a, b)]


NORMAL = statistics.NormalDist()
TAIL = 1.959963984540054


def remembered(function):
    """Unchanged arrays of mutated artifacts are judged once."""
    known = {}

    def ask(values, *settings):
        key = (tuple(values), tuple(map(str, settings)))
        if key not in known:
            if len(known) > 20000:
                known.clear()
            known[key] = function(values, *settings)
        return known[key]

    return ask


@remembered
def bca_ends(values, replicates, seed):
    """The BCa interval with ranks rounded a hair up and a hair down."""
    means = sorted(m for m in bootstrap_means(values, replicates, seed) if m is not None)
    estimate = mean(values)
    if not means or estimate is None:
        return None
    m = len(means)
    below = sum(v < estimate for v in means)
    share = (below + sum(v == estimate for v in means) / 2) / m
    if share <= 0 or share >= 1:
        return None
    deviations = [v - estimate for v in values if v is not None]
    squares = left_to_right(d * d for d in deviations)
    cubes = left_to_right(d * d * d for d in deviations)
    a = cubes / (6 * squares * math.sqrt(squares)) if squares > 0 else 0.0
    z0 = NORMAL.inv_cdf(share)

    def end(z, slack):
        divisor = 1 - a * (z0 + z)
        level = NORMAL.cdf(z0 + (z0 + z) / divisor) if divisor else 0.0
        return means[min(m, max(1, math.ceil(level * m + slack * m))) - 1]

    return [[end(-TAIL, s), end(TAIL, s)] for s in (1e-9, -1e-9)]


@remembered
def t_interval(values, replicates, seed):
    defined = [v for v in values if v is not None]
    estimate = mean(values)
    if len(defined) < 2 or len(set(defined)) == 1:
        return None
    m = len(defined)
    error = math.sqrt(left_to_right((v - estimate) * (v - estimate) for v in defined) /
                      (m - 1) / m)
    table = count_table(len(values), replicates, seed)
    ratios = []
    for counts, center in zip(table, bootstrap_means(values, replicates, seed)):
        if center is None:
            continue
        pairs = [(c, v) for c, v in zip(counts, values) if v is not None and c]
        drawn = sum(c for c, _ in pairs)
        if drawn < 2:
            continue
        spread = left_to_right(c * ((v - center) * (v - center)) for c, v in pairs)
        about = left_to_right(c * ((v - estimate) * (v - estimate)) for c, v in pairs)
        if spread > 1e-6 * about:
            ratios.append((center - estimate) / math.sqrt(spread / (drawn - 1) / drawn))
    tails = interval(ratios)
    return tails and [estimate - tails[1] * error, estimate - tails[0] * error]


@remembered
def document_interval(values, documents, n_documents, replicates, seed):
    sums, windows = [0.0] * n_documents, [0] * n_documents
    for value, document in zip(values, documents):
        if value is not None:
            sums[document] += value
            windows[document] += 1
    result = []
    for counts in count_table(n_documents, replicates, seed, 1):
        count = sum(map(operator.mul, counts, windows))
        if count:
            result.append(left_to_right(map(operator.mul, counts, sums)) / count)
    return interval(result)


def subset(n, count, seed, purpose, j):
    """The first `count` members of the shuffle of 0..n-1."""
    members = list(range(n))
    for step in range(count):
        other = step + draw_below(n - step, seed, purpose, step, j)
        members[step], members[other] = members[other], members[step]
    return members[:count]
