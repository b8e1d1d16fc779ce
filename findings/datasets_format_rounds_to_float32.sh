#!/bin/sh
# A data set with float64 columns hands out float32 in numpy format, and int16 expert ids as int64.
# Guess:    with_format("numpy") gives the arrays that were stored, in their dtypes; only "torch"
#           might prefer torch's default dtype.
# Happens:  both formats turn every float into float32 and every integer into int64, in rows and in
#           columns, though features says float64 and int16. Margins that differ in float64 become
#           equal. Arrow or no format keeps them, and with_format("numpy", dtype=numpy.float64)
#           does.
# Versions: datasets 5.2.0, numpy 2.4.6
# Matters:  routing logs kept as data sets lose the margins that decide ties, and quadruple their
#           ids. Read such a log through Arrow.
# Source:   datasets/formatting/np_formatter.py and torch_formatter.py (default dtypes of a
#           column); the page "Use with NumPy" of its documentation.
. "$(dirname "$0")/common.sh"
packages 'numpy==2.4.6 datasets==5.2.0'
run <<'PY'
import numpy as np
from datasets import Dataset, Features, List, Value
from finding import Finding

f = Finding("numpy format keeps a column's dtype", "datasets", "numpy")
first, second = 0.25, 0.25 + 2.0**-40  # scores of the K-th and the next expert
log = Dataset.from_dict({"scores": [[first, second]] * 3, "experts": [[5, 7]] * 3},
                        features=Features({"scores": List(Value("float64")),
                                           "experts": List(Value("int16"))}))
stored = log[0]["scores"]
f.seen("stored as float64, the two scores differ", stored[1] > stored[0], stored[1] - stored[0])
for what, row in (("row", log.with_format("numpy")[0]), ("batch", log.with_format("numpy")[:2])):
    scores, experts = row["scores"], row["experts"]
    f.seen(f"numpy format, a {what}: float32 and int64",
           (scores.dtype, experts.dtype) == (np.float32, np.int64), scores.dtype, experts.dtype)
    f.seen("and the margin is 0", float(np.ptp(scores)) == 0)
wide = log.with_format("numpy", dtype=np.float64)[0]["scores"]
f.seen("with dtype=float64 the margin is there", float(np.ptp(wide)) == second - first)
arrow = log.with_format("arrow")[0].column("scores").to_pylist()[0]
f.seen("and through Arrow", arrow[1] - arrow[0] == second - first)
f.end()
PY
