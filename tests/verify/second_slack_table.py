"""The theorems with a check on tensors, in the second verifier (docs/artifacts.md section 18.1): of
every quantity its name, relation and unit, what its two sides can be, and its allowance.

A side is a number, the name of a number that the layer gives, or of a range of second_slack_sides.
An allowance is a number, `Least` of it, or the name of a formula of the sides."""

import collections
import math

Quantity = collections.namedtuple("Quantity", "name relation unit value bound allowance")
Least = collections.namedtuple("Least", "amount most", defaults=(math.inf,))

CEILING = math.sqrt(2) / (8 * math.sin(math.pi / 16))
TINY = 1e-12
EIGHT = 1 / math.sqrt(8)

ROWS = (
    ("GI-1", "scores", "=", "block", "size", 0, Least(0)),
    ("GI-3", "output", "=", "query_head", "size", 0, Least(TINY)),
    ("GI-4", "cosine", "=", "key", "cosine", "cosine", TINY),
    ("GI-6", "code_error", "=", "context", "size", 0, TINY),
    ("JF-1", "cosine", "=", "key", "cosine", "cosine", TINY),
    ("JF-2", "least", "<=", "key", "floor", "above_floor", TINY),
    ("JF-2", "most", "<=", "key", "above_floor", 1, TINY),
    ("JF-3", "error", "=", "key", "error", "error", TINY),
    ("JF-4", "pattern", "<=", "key", "error", "share", TINY),
    ("JF-5", "least_error", "=", "key", "error", "error", "one_and_bound"),
    ("JF-5", "norm_kept", "=", "key", "kept", "kept", "one_and_bound"),
    ("JF-5", "unbiased", "=", "key", "unbiased", "unbiased", "one_and_bound"),
    ("JF-5", "least_to_kept", "<=", "key", "error", "kept", TINY),
    ("JF-5", "kept_to_unbiased", "<=", "key", "kept", "unbiased", "one_and_bound"),
    ("JF-6", "variance", "=", "key", "error", "error", TINY),
    ("JF-7", "pooled_to_key", "<=", "head", "pooled", "square", TINY),
    ("JF-7", "pooled_to_channel", "<=", "head", "pooled", "share", TINY),
    ("JF-7", "cosine_to_square", "<=", "head", "share", "share", TINY),
    ("MR-1", "ratio", "<=", "head", "pooled", 1, TINY),
    ("MR-1", "variance", "=", "head", "pooled_error", "pooled_error", TINY),
    ("IF-6", "second_moment", "=", "key", "size", 0, TINY),
    ("IF-6", "mean_cosine", "<=", "key", 1 / math.sqrt(2), (EIGHT, 1), TINY),
    ("IF-6", "third_moment", "<=", "key", "share", (EIGHT, 1), TINY),
    ("IF-6", "largest", "<=", "key", (EIGHT, 1), (EIGHT, 1), TINY),
    ("DC-1", "attention", "=", "query", "share", 0, Least(1e-13)),
    ("DC-2", "scores", "=", "query_head", "size", 0, TINY),
    ("DC-5", "raw_error", "=", "head", "error", "error", TINY),
    ("DC-5", "centred_error", "=", "head", "share", "share", TINY),
    ("DC-5", "raw_error_pooled", "=", "head", "pooled_error", "pooled_error", TINY),
    ("DC-5", "centred_error_pooled", "=", "head", "share", "share", TINY),
    ("DC-6", "alignment", "<=", "key", (-1, 1), "above_floor", TINY),
    ("LH-1", "cosine", "=", "key", "above_floor", "above_floor", TINY),
    ("LH-3", "gradient", "=", "key", "error", "error", TINY),
    ("LH-3", "loss", "<=", "key", "loss", "error", TINY),
    ("LH-6", "step", "<=", "key", "share", "step", TINY),
    ("RR-1", "rank_1", "=", "head", "share", "share", 1e-10),
    ("RR-1", "rank_4", "=", "head", "share", "share", 1e-10),
    ("RR-2", "code_then_rank", "=", "head", "size", "size", 1e-10),
    ("RR-3", "rank_then_code", "=", "head", "size", "size", 1e-10),
    ("RR-4", "share", "=", "head", "share", "share", 1e-10),
    ("AD-1", "two_norm", "<=", "query", "size", "size", TINY),
    ("AD-1", "sup_to_one", "<=", "query", (0, 2), "size", TINY),
    ("AD-1", "one_to_sup", "<=", "query", "share", "size", TINY),
    ("AD-2", "variation", "<=", "query", "share", "share", TINY),
    ("AD-3", "output", "<=", "query", "size", "size", Least(TINY)),
    ("AD-3", "variation_to_tanh", "<=", "query", "size", "size", Least(TINY)),
    ("AD-3", "tanh_to_linear", "<=", "query", "size", "size", Least(TINY)),
    ("AD-3", "linear_to_euclidean", "<=", "query", "size", "size", Least(TINY)),
    ("AD-3", "linear_to_entrywise", "<=", "query", "size", "size", Least(TINY)),
    ("AD-4", "code_error", "=", "key", "error", "error", TINY),
    ("AD-4", "spread", "<=", "query", "size", "size", "one_and_bound"),
    ("AD-5", "covariance", "=", "query_head", "size", 0, 1e-8),
    ("AD-5", "deviation", "<=", "query_head", "size", "size", Least(1e-9)),
    ("AD-6", "multiplicative", "<=", "query", "size", "size", Least(TINY)),
    ("RC-1", "second", "=", "plane", (0, 2), (0, 2), TINY),
    ("RC-1", "third", "=", "plane", "size", 0, TINY),
    ("RC-2", "smallest", "=", "plane_pair", "size", "size", TINY),
    ("RC-4", "fold", "=", "query_head", "size", 0, 1e-11),
    ("RC-7", "cosine", "<=", "context", "share", CEILING, TINY),
    ("RC-7", "pooled", "<=", "context", "share", CEILING * CEILING, TINY),
    ("RC-8", "scores", "=", "query_head", "size", 0, 1e-11),
    ("KR-1", "function", "=", "head", "flag", "flag", 0),
    ("KR-9", "residue", "=", "head", "share", "share", Least(1e-10, 1e-4)),
    ("RG-2", "balance", "<=", "layer", "chosen", "share", TINY),
    ("RG-2", "overlap", "=", "layer", "share", "share", TINY),
    ("RG-5", "margin", "<=", "token", "size", "size", 0),
    ("RG-6", "token", "<=", "token", "size", "size", "one_and_bound"),
    ("RG-6", "direction", "<=", "token", "size", "size", "one_and_bound"),
    ("RG-7", "kept", "<=", "token", "experts", "experts", 0),
    ("RG-9", "swap", "<=", "token", "size", "size", "of_bound"),
    ("RG-10", "index", "<=", "token", "share", 1, TINY),
    ("RG-11", "shares", "=", "token", "any", 1, Least(TINY)),
    ("GS-1", "gain", "<=", "head", "size", "size", "of_value"),
    ("GS-2", "mean_cosine", "=", "head", "above_floor", "above_floor", TINY),
    ("GS-2", "pooled", "=", "head", "share", "share", TINY),
    ("GS-5", "single_key", "=", "head", "any", 1, TINY),
    ("GS-6", "maximum", "<=", "head_plane", "size", "size", TINY))

TABLE = {}
for theorem, *quantity in ROWS:
    TABLE.setdefault(theorem, []).append(Quantity(*quantity))

NO_CHECK = ("GI-2", "GI-5", "MR-2", "MR-3", "MR-4", "MR-5", "MR-6", "IF-1", "IF-2", "IF-3", "IF-4",
            "IF-5", "IF-7", "DC-3", "DC-4", "LH-2", "LH-4", "LH-5", "RR-5", "RC-3", "RC-5", "RC-6",
            "MH-1", "MH-2", "MH-3", "MH-4", "KR-2", "KR-3", "KR-4", "KR-5", "KR-6", "KR-7", "KR-8",
            "KR-10", "RG-1", "RG-3", "RG-4", "RG-8", "RG-12", "GS-3", "GS-4")
